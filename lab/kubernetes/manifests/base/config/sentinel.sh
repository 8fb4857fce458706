#!/bin/sh
# Starts a Sentinel. What the others know goes before what was true when the lab came up.
# By full names: a pod has its own short name in /etc/hosts, with the pod's address, and Sentinel would know one server by two.
domain=$(sed -n 's/^search \([^ ]*\).*/\1/p' /etc/resolv.conf)
address_of() { getent ahostsv4 "$1.$domain" | { read -r address _ && echo "$address"; }; }
until own=$(address_of "$POD_NAME"); do sleep 0.2; done
master=
for sentinel in sentinel-0 sentinel-1 sentinel-2; do
    [ "$sentinel" = "$POD_NAME" ] && continue
    answer=$(timeout 1 redis-cli --raw -h "$sentinel" -p 26379 SENTINEL GET-MASTER-ADDR-BY-NAME erp 2>/dev/null | head -n 1)
    case $answer in [0-9]*.*) master=$answer && break ;; esac
done
[ -n "$master" ] || until master=$(address_of redis-0); do sleep 0.2; done
# Sentinel writes its own state into this file; a container that starts again goes on with it.
[ -s /data/sentinel.conf ] || cat >/data/sentinel.conf <<CONFIG
port 26379
bind 0.0.0.0
protected-mode no
dir /data
sentinel monitor erp $master 6379 2
sentinel down-after-milliseconds erp 2000
sentinel failover-timeout erp 6000
sentinel parallel-syncs erp 2
sentinel announce-ip $own
sentinel announce-port 26379
CONFIG
exec redis-server /data/sentinel.conf --sentinel

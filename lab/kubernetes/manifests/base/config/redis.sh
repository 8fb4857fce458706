#!/bin/sh
# Starts a Redis server in the role that the Sentinels know: a server that comes back must not claim to be the master by itself.
# By full names: a pod has its own short name in /etc/hosts, with the pod's address, and Sentinel would know one server by two.
domain=$(sed -n 's/^search \([^ ]*\).*/\1/p' /etc/resolv.conf)
address_of() { getent ahostsv4 "$1.$domain" | { read -r address _ && echo "$address"; }; }
ask() { # words of a command, asked of any Sentinel that answers
    for sentinel in sentinel-0 sentinel-1 sentinel-2; do
        answer=$(timeout 1 redis-cli --raw -h "$sentinel" -p 26379 "$@" 2>/dev/null)
        case $answer in [0-9n]*) echo "$answer" && return 0 ;; esac
    done
    return 1
}
master_of() { ask SENTINEL GET-MASTER-ADDR-BY-NAME erp | head -n 1; }
replicas_of() { ask SENTINEL MASTER erp | grep -x -A 1 num-slaves | tail -n 1; }

until own=$(address_of "$POD_NAME"); do sleep 0.2; done
master=$(master_of)
if [ "$master" = "$own" ] && [ "$(replicas_of)" -gt 0 ] 2>/dev/null; then
    # We were the master and come back empty. As the master again, we would empty the replicas too: they go first.
    for _ in $(seq 100); do
        sleep 0.2
        master=$(master_of)
        [ "$master" = "$own" ] || break
    done
fi
if [ -z "$master" ]; then
    # The very first start, or no Sentinel at all.
    until master=$(address_of redis-0); do sleep 0.2; done
fi
{
    echo 'port 6379'
    echo 'bind 0.0.0.0'
    echo 'protected-mode no'
    echo 'dir /data'
    echo 'save ""'
    echo 'appendonly no'
    echo 'maxclients 200'
    echo "maxmemory $REDIS_MAXMEMORY"
    echo "maxmemory-policy $REDIS_MAXMEMORY_POLICY"
    echo 'repl-diskless-sync-delay 0'
    echo 'enable-debug-command yes'
    echo "replica-announce-ip $own"
    echo 'replica-announce-port 6379'
    [ "$master" = "$own" ] || echo "replicaof $master 6379"
} >/data/redis.conf
exec redis-server /data/redis.conf

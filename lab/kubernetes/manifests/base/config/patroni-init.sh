#!/bin/sh
# PID 1 of a member. It starts Patroni and stays when Patroni alone was killed: then PostgreSQL goes on as an orphan, which is
# what happens on a machine too. The kubelet's liveness probe puts that right after two minutes.
umask 077
sed "s/@SYNCHRONOUS_MODE@/$SYNCHRONOUS_MODE/" /config/patroni.yml >/tmp/patroni.yml
# A server that was killed with its pod leaves this; its PID may be another process of ours by now.
rm -f /data/postgres/postmaster.pid
patroni /tmp/patroni.yml &
patroni=$!
stop() {
    kill -TERM "$patroni" 2>/dev/null
    wait "$patroni"
    postmaster=$(head -n 1 /data/postgres/postmaster.pid 2>/dev/null) && kill -INT "$postmaster" 2>/dev/null
    exit 0
}
trap stop TERM INT
wait "$patroni"
code=$?
echo "Patroni ended with $code"
# Not by SIGKILL: it gave up by itself, so the container starts again.
[ "$code" -eq 137 ] || exit "$code"
# `sleep` in the background, so that SIGTERM is heard; waiting also takes away the processes that Patroni left.
while postmaster=$(head -n 1 /data/postgres/postmaster.pid 2>/dev/null) && kill -0 "$postmaster" 2>/dev/null; do
    sleep 1 &
    wait $!
done
echo 'neither Patroni nor PostgreSQL runs'
exit 1

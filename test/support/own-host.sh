#!/bin/bash
# Runs a command where it has network devices, packet filter, mounts and processes of its own, so that a node can be tried
# beside one that is in use:  bash test/support/own-host.sh vitest run --project e2e test/e2e/kubernetes-node.test.ts
# Root only. The command sees no network but what the node makes. Everything goes away with it.
set -eu
if [ "${OWN_HOST:-}" != inside ]; then
  exec env OWN_HOST=inside unshare --net --mount --pid --fork --mount-proc --kill-child bash "$0" "$@"
fi
mount --make-rprivate /
kept=$(mktemp -d)
mount --rbind /sys/fs/cgroup "$kept"
# The devices of this network instead of the host's.
mount -t sysfs sysfs /sys
mount --rbind "$kept" /sys/fs/cgroup
umount --lazy "$kept"
rmdir "$kept"
for folder in /run /var/log; do mount -t tmpfs tmpfs "$folder"; done
# Not all hosts have these, and what is made in them must not be seen outside.
for folder in /var/lib/cni /var/lib/kubelet; do
  if [ -d "$folder" ]; then mount -t tmpfs tmpfs "$folder"; fi
done
ip link set lo up
unset OWN_HOST
"$@"

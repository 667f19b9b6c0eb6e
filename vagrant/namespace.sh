#!/bin/bash
# namespace.sh: process 1 of the bed's namespaces (mount, network, PID): libvirt and its machines
# live here, with files, bridges and addresses that the host does not have. `npm run bed:up` starts
# it, bed:down kills it; with it, the kernel removes everything.
# Arguments: the state directory, `kvm` or `tcg`.
# The rule: nothing is written outside of the state directory.
set -eu
state=$1
accelerator=$2

mount --make-rprivate /
# A /sys of these namespaces, and without control groups below it: libvirt can do without.
umount -l -R /sys
mount -t sysfs sysfs /sys
# A libvirt of the host itself is not touched: these directories are this one's own.
mount --bind "$state/libvirt/etc" /etc/libvirt
for dir in /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
  mkdir -p "$state/libvirt$dir"
  mount --bind "$state/libvirt$dir" "$dir"
done
mkdir -p /run/libvirt
mount -t tmpfs -o mode=755 libvirt /run/libvirt
if [ "$accelerator" = tcg ] && [ -e /dev/kvm ]; then
  # With a KVM that does not work in sight, libvirt probes it for a minute at each definition.
  : > "$state/nothing"
  mount --bind "$state/nothing" /dev/kvm
  mount -o remount,bind,ro /dev/kvm
fi
ip link set lo up

virtlogd -p "$state/virtlogd.pid" &
libvirtd -p "$state/libvirtd.pid" &
# As process 1, bash is given all orphans, and takes the ended ones away.
while :; do wait -n || [ $? -ne 127 ] || break; done

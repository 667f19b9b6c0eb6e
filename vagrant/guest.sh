#!/bin/sh
# guest.sh: makes a Debian tree a Vagrant box: user, ssh, network, and no service that a machine
# without users lacks. Run by tools/bed/box.ts, chrooted into the tree, with `vagrant.pub` on
# standard input.
# The rule: what is set here is Vagrant's or the bed's; what the project needs is in packages.txt.
set -eu
echo localhost > /etc/hostname
echo '/dev/vda / ext4 noatime 0 1' > /etc/fstab
printf '127.0.0.1 localhost\n10.77.0.2 primary\n10.77.0.3 backup\n10.77.0.1 client\n' > /etc/hosts
: > /etc/resolv.conf
# Each machine makes its own at its first start: with one for all, DHCP takes them for one machine.
: > /etc/machine-id

id vagrant >/dev/null 2>&1 || useradd -m -s /bin/bash vagrant
usermod -p '*' vagrant
echo 'vagrant ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/vagrant
chmod 440 /etc/sudoers.d/vagrant
mkdir -p /home/vagrant/.ssh
cat > /home/vagrant/.ssh/authorized_keys
chmod 700 /home/vagrant/.ssh
chmod 600 /home/vagrant/.ssh/authorized_keys
chown -R vagrant:vagrant /home/vagrant
# The bed speaks to root directly; the machines are on no network but the bed's own.
mkdir -p /root/.ssh
cp /home/vagrant/.ssh/authorized_keys /root/.ssh/authorized_keys
chown -R root:root /root/.ssh
cat > /etc/ssh/sshd_config.d/vagrant.conf <<'END'
UseDNS no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxSessions 100
END

# eth0 is the management network; the initial RAM disk writes the others, from the command line.
mkdir -p /etc/systemd/network
cat > /etc/systemd/network/10-management.network <<'END'
[Match]
Name=eth0
[Network]
DHCP=ipv4
IPv6AcceptRA=no
LinkLocalAddressing=no
[DHCPv4]
ClientIdentifier=mac
UseDNS=no
END
systemctl enable systemd-networkd ssh >/dev/null 2>&1
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer systemd-timesyncd.service getty@tty1.service \
  serial-getty@ttyS0.service systemd-networkd-wait-online.service redis-server.service \
  systemd-pstore.service systemd-binfmt.service modprobe@drm.service systemd-logind.service \
  modprobe@efi_pstore.service systemd-update-utmp.service systemd-user-sessions.service; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
# The pair's services must not be stopped by what is done with them.
printf 'net.core.somaxconn=65535\nnet.ipv4.conf.all.rp_filter=0\n' > /etc/sysctl.d/bed.conf
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /usr/share/doc /usr/share/locale \
  /usr/share/man /boot/initrd.img-*

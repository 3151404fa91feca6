#!/bin/bash
# Runs in a chroot of the fresh base tree, after the packages are in. $1 = kernel release of the outer machine.
set -eu
kernel=$1

# Nothing of the outer machine's business, and nothing that starts by itself in the middle of a test.
for unit in docker-registry apt-daily.timer apt-daily-upgrade.timer fstrim.timer dpkg-db-backup.timer \
  e2scrub_all.timer getty@tty1 systemd-pstore; do
  systemctl disable -q "$unit" 2>/dev/null || true
done
systemctl mask -q systemd-modules-load.service console-getty.service getty.target 2>/dev/null
systemctl enable -q systemd-networkd ssh docker containerd

# Every module is built into the outer kernel: let modprobe succeed.
mkdir -p "/lib/modules/$kernel"
for module in fs/overlayfs/overlay net/bridge/br_netfilter net/bridge/bridge drivers/net/veth \
  net/ipv4/netfilter/ip_tables net/ipv4/netfilter/iptable_nat net/ipv4/netfilter/iptable_filter \
  net/netfilter/nf_conntrack net/netfilter/xt_conntrack net/netfilter/nf_tables fs/fuse/fuse fs/configfs/configfs; do
  echo "kernel/$module.ko"
done >"/lib/modules/$kernel/modules.builtin"
: >"/lib/modules/$kernel/modules.order"
depmod "$kernel" 2>/dev/null || true

# The owner of the cluster, and one key for everybody.
useradd --create-home --uid 1000 --shell /bin/bash --groups docker geo
echo 'geo ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/geo
chmod 0440 /etc/sudoers.d/geo
ssh-keygen -A >/dev/null
install -d -m 0700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -C lab -f /root/.ssh/id_ed25519 </dev/null
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
read -r type key _ </etc/ssh/ssh_host_ed25519_key.pub
names='git.lab,ctl,registry.lab,10.77.0.10'
for n in $(seq 1 200); do names="$names,h$n,10.77.0.$((10 + n))"; done
echo "$names $type $key" >/root/.ssh/known_hosts
cp -r /root/.ssh /home/geo/.ssh
chown -R geo:geo /home/geo/.ssh

for home in /root /home/geo; do
  git config --file "$home/.gitconfig" user.name geo
  git config --file "$home/.gitconfig" user.email geo@lab
  git config --file "$home/.gitconfig" init.defaultBranch embody-alpha
done
chown geo:geo /home/geo/.gitconfig

{
  echo '127.0.0.1 localhost'
  echo '10.77.0.1 outer.lab'
  echo '10.77.0.10 ctl registry.lab git.lab hook.lab'
  for n in $(seq 1 200); do echo "10.77.0.$((10 + n)) h$n"; done
} >/etc/hosts
install -d /etc/docker /var/log/journal
echo '{ "insecure-registries": ["registry.lab:5000"] }' >/etc/docker/daemon.json
: >/etc/resolv.conf

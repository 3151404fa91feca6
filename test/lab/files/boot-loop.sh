#!/bin/bash
# boot-loop.sh NAME ROOT CGROUP RUN_DIR NETNS BRIDGE: run one machine until it is off or RUN_DIR/NAME.stop exists.
# A loop, because with --keep-unit a reboot inside the guest ends nspawn with code 133.
# Each machine has its own cgroup: two --keep-unit machines in one cgroup would share its "payload" child.
set -u
name=$1 root=$2 cgroup=$3 run=$4 netns=$5 bridge=$6
echo $$ >"$run/$name.loop"
while [ ! -e "$run/$name.stop" ]; do
  (
    echo "$BASHPID" >"$cgroup/cgroup.procs"
    echo "$BASHPID" >"$run/$name.nspawn"
    exec env SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 nsenter --net="/run/netns/$netns" -- \
      systemd-nspawn -q -D "$root" --machine="lab-$name" --boot --register=no --keep-unit --capability=all \
      --network-bridge="$bridge" --system-call-filter='add_key keyctl bpf' \
      --resolv-conf=off --timezone=off --link-journal=no --console=pipe
  )
  [ $? = 133 ] || break
  nsenter --net="/run/netns/$netns" ip link del "vb-lab-$name" 2>/dev/null
  find "$cgroup" -mindepth 1 -depth -type d -exec rmdir {} \; 2>/dev/null
done
rm -f "$run/$name.nspawn" "$run/$name.loop"

#!/bin/sh
# enter.sh PAYLOAD_CGROUP LEADER COMMAND...: run COMMAND in the guest of LEADER, and in its cgroup, so that a freeze or a
# power cut takes the command along.
group=$1/lab-exec leader=$2
shift 2
[ -d "$group" ] || mkdir "$group" 2>/dev/null
echo $$ 2>/dev/null >"$group/cgroup.procs"
exec nsenter -t "$leader" -m -u -i -n -p -C -- "$@"

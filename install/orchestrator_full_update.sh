#!/usr/bin/env bash
# For cron, and for whoever is used to this name: one run of the updater. See --help.
set -euo pipefail

program=/usr/local/sbin/orchestrator-update

usage() {
  cat <<'TEXT'
Usage: orchestrator_full_update.sh [--auto]

Brings the cluster of this host to the tip of its deploy branch: orchestrator-update run.
Without a terminal, as from cron, it only reports whether an update is waiting, images wait for
approval, an operator is needed, or an update was cut off; nothing is touched.

  --auto    update without a terminal, too, as the timer does: windows, freezes and holds count
  --help    this text

Root's crontab, in place of the timer (systemctl disable --now orchestrator-update.timer):

  17 * * * *  /usr/local/sbin/orchestrator_full_update.sh --auto

Exit status: that of orchestrator-update. 0 done, nothing to do or held, 1 failed and nothing was
changed, 2 wrong usage, 10 an update waits, 11 another run, 12 rolled back, 13 an operator is needed
(or, where it only reports, an update was cut off), 130 interrupted.
TEXT
}

auto=no
for word in "$@"; do
  case $word in
    --auto) auto=yes ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      printf 'error: unknown option %s\n  do:  %s --help\n' "$word" "$0" >&2
      exit 2
      ;;
  esac
done

if [[ ! -x $program ]]; then
  printf 'error: %s is not there\n  why: it is what updates\n  do:  sudo ./install/install_update_service.sh\n' "$program" >&2
  exit 1
fi

# The terminal a person sits at; what is printed may go through a pipe all the same.
[[ $auto == no ]] || exec "$program" run --auto
[[ ! -t 0 ]] || exec "$program" run

status=0
"$program" check || status=$?
if [[ $status == 13 ]]; then
  echo "Nothing was done: there is no terminal here."
else
  echo "Nothing was done: there is no terminal here. To update: $0 --auto"
fi
exit "$status"

#!/usr/bin/env bash
# shellcheck source-path=SCRIPTDIR
# Installs orchestrator-update as a systemd service, or upgrades or removes it. Run it again at will:
# an upgrade keeps the configuration and whether the timer is enabled. See --help.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(dirname -- "$here")

# DESTDIR puts a directory in front of every path that is written: for packagers and tests.
dest=${DESTDIR:-}
program_dir=$dest/usr/local/lib/orchestrator-update
launcher=$dest/usr/local/sbin/orchestrator-update
unit_dir=$dest/usr/local/lib/systemd/system
dropin_base=$dest/etc/systemd/system
config_dir=$dest/etc/orchestrator-update
config_file=$config_dir/update_config.yaml
state_dir=$dest/var/lib/orchestrator-update
cache_dir=$dest/var/cache/orchestrator-update
timer_stamp=$dest/var/lib/systemd/timers/stamp-orchestrator-update.timer
# Written last: without it the next run enables the timer, also after an installation that was cut short.
enabled_marker=$program_dir/.enabled-once
update_unit=orchestrator-update.service
recover_unit=orchestrator-update-recover.service
engine_unit=orchestrator-engine.service
watch_unit=orchestrator-engine-watch.service
timer_unit=orchestrator-update.timer
export program_dir launcher unit_dir dropin_base config_dir config_file state_dir cache_dir timer_stamp
export enabled_marker update_unit recover_unit engine_unit watch_unit timer_unit source_dir dest

# shellcheck source=lib/say.sh
. "$here/lib/say.sh"
# shellcheck source=lib/checks.sh
. "$here/lib/checks.sh"
# shellcheck source=lib/settings.sh
. "$here/lib/settings.sh"
# shellcheck source=lib/program.sh
. "$here/lib/program.sh"
# shellcheck source=lib/units.sh
. "$here/lib/units.sh"
# shellcheck source=lib/documents.sh
. "$here/lib/documents.sh"
# shellcheck source=lib/cron.sh
. "$here/lib/cron.sh"
# shellcheck source=lib/uninstall.sh
. "$here/lib/uninstall.sh"

usage() {
  cat <<'TEXT'
Usage: install_update_service.sh [options]

Installs orchestrator-update and its systemd timer, or upgrades it. Options that are not given keep
what /etc/orchestrator-update/update_config.yaml says, else have these defaults:

  --root DIR            where the cluster lives                [/home/geo/operation]
  --project-dir DIR     where docker compose is run            [ROOT/autonomy]
  --project-name NAME   the compose project                    [what `docker compose config` says]
  --repository DIR      the git work tree that is followed     [found by the program]
  --remote NAME         the git remote                         [origin]
  --branch NAME         the deploy branch                      [embody-alpha]
  --backups-dir DIR     where backups are kept                 [ROOT/backups]
  --health URL          must answer 2xx; can be repeated       [http://localhost:{8082,5001,8200}/health]
  --keep N              how many backups are kept              [5]
  --on-calendar SPEC    when the timer runs, see systemd.time(7)  [hourly]
  --no-timer            install, but do not enable the timer
  --cron-script         also /usr/local/sbin/orchestrator_full_update.sh, and a link to it in ROOT/scripts
  --dry-run             say what would be done, change nothing
  --uninstall           remove the program and its units; configuration, state and backups stay
  --purge               with --uninstall: remove configuration and state too, never backups
  --help                this text

Exit status: 0 done, 1 not possible (nothing was changed), 2 wrong usage.
TEXT
}

main() {
  parse_flags "$@"
  if [[ $uninstall == yes ]]; then
    check_for_uninstall
    uninstall_all
    return
  fi

  # Nothing on the host is changed before every check has passed.
  check_host
  settle_settings
  check_cluster
  check_not_running
  check_disk
  prepare_dist

  install_program
  install_config
  install_units
  install_documents
  install_cron_script
  enable_units
  finish
}

finish() {
  if [[ $dry_run == yes ]]; then
    say "would run: orchestrator-update doctor"
    say "Nothing was changed."
    return
  fi
  say "" "Installed orchestrator-update $(cat "$program_dir/current/VERSION")."
  [[ -z $dest ]] || return 0
  say "Now orchestrator-update doctor:"
  "$launcher" doctor || warn "doctor found something to put right, see above; then run: orchestrator-update doctor"
  say "" "What next:" \
    "  orchestrator-update plan                       what an update would do" \
    "  systemctl start $update_unit    update now" \
    "  systemctl list-timers $timer_unit  when the next one is due" \
    "  journalctl -u $update_unit      what happened" \
    "  $config_file  the configuration (after changing a path in it, run this again)"
}

main "$@"

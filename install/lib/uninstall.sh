#!/usr/bin/env bash
# Removing it. The cluster keeps running, and backups are never touched.
# shellcheck disable=SC2034,SC2154 # the pieces of the installer share their variables

check_for_uninstall() {
  [[ $dry_run == yes ]] || check_root
  check_systemd
  if [[ -e $state_dir/active && $purge == yes ]]; then
    fail "an update is not finished" "$state_dir/active is what it would be rolled back with" \
      "orchestrator-update recover, then run this again"
  fi
  if [[ -e $state_dir/engine-transaction.json ]]; then
    fail "a change of the engine is not finished" "$state_dir/engine is what it would be taken back with" \
      "systemctl start $engine_unit, then run this again"
  fi
  if is_locked "$state_dir/watch.lock"; then
    fail "the update manager is at work$(holder_of "$state_dir/watch.lock")" \
      "it would go on with the configuration and the state of this host" \
      "docker stop update_manager && docker rm update_manager (in a shell: Ctrl-C), then run this again"
  fi
  # One of a unit's is stopped with it, and taken back.
  if are_units_at_rest; then
    check_no_run "an update under way must not lose its program"
  fi
}

are_units_at_rest() {
  local unit
  for unit in "$update_unit" "$recover_unit" "$engine_unit"; do
    case $(systemctl is-active "$unit" 2>/dev/null) in
      active | activating | deactivating | reloading) return 1 ;;
    esac
  done
}

uninstall_all() {
  local unit backups root
  backups=$(configured backups_dir)
  root=$(configured root)
  for unit in "$timer_unit" "$recover_unit" "$watch_unit" "$engine_unit" "$update_unit"; do
    # Not there after an earlier --uninstall: nothing to stop then.
    [[ -e $unit_dir/$unit ]] || continue
    run systemctl stop "$unit" || warn "$unit could not be stopped"
    [[ $unit == "$update_unit" ]] || run systemctl disable "$unit" || warn "$unit could not be disabled"
  done
  for unit in "$update_unit" "$recover_unit" "$engine_unit" "$watch_unit"; do
    remove "$dropin_base/$unit.d/10-paths.conf" "$unit_dir/$unit"
    remove_if_empty "$dropin_base/$unit.d"
  done
  remove "$dropin_base/$timer_unit.d/10-schedule.conf" "$unit_dir/$timer_unit" "$timer_stamp"
  remove_if_empty "$dropin_base/$timer_unit.d"
  remove "$launcher" "$program_dir" "$cache_dir"
  remove_documents
  remove_cron_script "$dest${root:-/home/geo/operation}"
  run systemctl daemon-reload
  # Fails for a unit systemd has forgotten, which is as good.
  run systemctl reset-failed "$update_unit" "$recover_unit" "$engine_unit" "$watch_unit" 2>/dev/null || true

  if [[ $purge == yes ]]; then
    remove "$config_dir"
    purge_state "$backups"
  else
    say "kept: $config_dir, $state_dir (--purge removes them)"
  fi
  say "kept: holds of Docker's packages, if an upgrade of the engine has set any: apt-mark showhold, or dnf versionlock list"
  say "not looked for: a line in a crontab (crontab -l), a container of the update manager (docker ps -a --filter name=update_manager)"
  say "kept: backups${backups:+ in $backups}; the cluster keeps running"
}

# purge_state BACKUPS: someone may keep the backups below the state directory.
purge_state() {
  if [[ $1/ == /var/lib/orchestrator-update/* ]]; then
    warn "$state_dir is kept: the backups are in it"
  else
    remove "$state_dir"
  fi
}

remove_if_empty() {
  [[ ! -d $1 || $dry_run == yes ]] || rmdir --ignore-fail-on-non-empty -- "$1"
}

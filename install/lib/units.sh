#!/usr/bin/env bash
# The units, the paths their sandbox opens, and whether they are enabled.
# shellcheck disable=SC2034,SC2154 # the pieces of the installer share their variables

install_units() {
  local unit history published
  # A path that is not there yet cannot be let through the sandbox.
  history=$(history_repository)
  [[ -z $history ]] || make_dir 0700 "$dest$history"
  while IFS= read -r published; do
    [[ -d $dest$published ]] ||
      warn "$published is not there: the report or the metrics cannot be written. Make it, then run this again."
  done < <(published_dirs)
  for unit in "$update_unit" "$recover_unit" "$engine_unit" "$watch_unit" "$timer_unit"; do
    write_file 0644 "$unit_dir/$unit" <"$source_dir/systemd/$unit"
  done
  for unit in "$update_unit" "$recover_unit"; do
    paths_text | write_file 0644 "$dropin_base/$unit.d/10-paths.conf"
  done
  if [[ -n $on_calendar ]]; then
    printf '[Timer]\nOnCalendar=\nOnCalendar=%s\n' "$on_calendar" |
      write_file 0644 "$dropin_base/$timer_unit.d/10-schedule.conf"
  fi
  run systemctl daemon-reload
}

# What the sandbox must let through. - in front: a path that is missing is the program's to report.
paths_text() {
  local path
  say "# Written by install_update_service.sh from $config_file: run it again after a change there." "[Service]"
  while IFS= read -r path; do
    if is_hidden "$path"; then
      say "BindPaths=-$path"
    else
      say "ReadWritePaths=-$path"
    fi
  done < <(writable_paths)
  for path in "$owner_home/.ssh" "$owner_home/.gitconfig" "$owner_home/.git-credentials" \
    /root/.docker /root/.ssh /root/.gitconfig; do
    if is_hidden "$path"; then say "BindReadOnlyPaths=-$path"; fi
  done | awk '!seen[$0]++'
}

# What is in force, as the program itself reads it; nothing where it is not installed.
shown_config() {
  local node=$program_dir/current/bin/node
  [[ -x $node && -r $config_file ]] || return 0
  "$node" "$program_dir/current/main.js" config show --json --config "$config_file" 2>/dev/null || true
}

# Where the history of backups is kept, if that is a directory of this host.
history_repository() {
  shown_config | sed -n 's/^      "repository": "\(local:\)\{0,1\}\(\/[^"]*\)",\{0,1\}$/\2/p'
}

# Where the report and the metrics are written, if they are: their directories, since files there are replaced.
published_dirs() {
  shown_config | sed -n 's/^    "path": "\(\/[^"]*\)\/[^"\/]*",\{0,1\}$/\1/p'
}

# Where Docker has the data of its volumes.
volumes_dir() {
  local root
  root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null) || root=
  say "${root:-/var/lib/docker}/volumes"
}

# The paths of the configuration, without those that lie below another.
writable_paths() {
  local path parent
  local all=("${setting[root]}" "${setting[project_dir]}" "${setting[backups_dir]}")
  local history published
  history=$(history_repository)
  mapfile -t published < <(published_dirs)
  [[ -z ${setting[repository]} ]] || all+=("${setting[repository]}")
  [[ -z $history ]] || all+=("$history")
  all+=("${published[@]}")
  # Data of a backup is put in the place of that of volumes there (rollback.volumes).
  all+=("$(volumes_dir)")
  printf '%s\n' "${all[@]}" | sort -u | while IFS= read -r path; do
    for parent in "${all[@]}"; do
      if [[ $path != "$parent" && $path/ == "$parent"/* ]]; then continue 2; fi
    done
    say "$path"
  done
}

# Whether ProtectHome=tmpfs or PrivateTmp= hides it.
is_hidden() {
  case $1 in
    /home/* | /root | /root/* | /run/user/* | /tmp/* | /var/tmp/*) true ;;
    *) false ;;
  esac
}

enable_units() {
  # It does nothing but see to what was cut off.
  run systemctl enable "$engine_unit"
  # It does nothing but see that a start of Docker ends.
  run systemctl enable "$watch_unit"
  if [[ -e $enabled_marker ]]; then
    # A timer that runs goes by a new OnCalendar= since the daemon-reload (measured).
    say "kept the timer as it is: $(systemctl is-enabled "$timer_unit" 2>/dev/null || true)"
    return
  fi
  # An old stamp would make Persistent=true catch up at once, an update nobody asked for.
  remove "$timer_stamp"
  run systemctl enable "$recover_unit"
  if [[ $no_timer == yes ]]; then
    say "the timer is not enabled (--no-timer); to do so: systemctl enable --now $timer_unit"
  else
    run systemctl enable --now "$timer_unit"
  fi
  [[ $dry_run == yes ]] || : >"$enabled_marker"
}

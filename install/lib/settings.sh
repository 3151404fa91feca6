#!/usr/bin/env bash
# The flags, and what they come to: flag < configuration file on an upgrade, flag > default otherwise.
# shellcheck disable=SC2034,SC2154 # the pieces of the installer share their variables

declare -A flag=()     # as given on the command line, by configuration key
declare -A setting=()  # what is in force
health_urls=()
flag_health=()
on_calendar='' no_timer=no cron_script=no dry_run=no uninstall=no purge=no

parse_flags() {
  while (($# > 0)); do
    local name=$1 value=''
    shift
    if [[ $name == --*=* ]]; then
      set -- "${name#*=}" "$@"
      name=${name%%=*}
    fi
    case $name in
      --root | --project-dir | --project-name | --repository | --remote | --branch | --backups-dir | \
        --health | --keep | --on-calendar)
        (($# > 0)) || usage_error "$name needs a value"
        value=$1
        shift
        take_value "$name" "$value"
        ;;
      --no-timer) no_timer=yes ;;
      --cron-script) cron_script=yes ;;
      --dry-run) dry_run=yes ;;
      --uninstall) uninstall=yes ;;
      --purge) purge=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      *) usage_error "unknown option $name" ;;
    esac
  done
  [[ $purge == no || $uninstall == yes ]] || usage_error "--purge goes with --uninstall"
}

take_value() {
  local name=$1 value=$2
  local key=${name#--}
  key=${key//-/_}
  case $name in
    --root | --project-dir | --repository | --backups-dir)
      # These go into unit files and YAML, where blanks, quotes, : and % mean something.
      [[ $value =~ ^/[A-Za-z0-9._/@+,=~-]*$ && $value != *..* ]] ||
        usage_error "$name '$value': an absolute path of letters, digits and . _ / @ + , = ~ - is expected"
      [[ $value == / ]] || value=${value%/}
      ;;
    --project-name)
      [[ $value =~ ^[a-z0-9][a-z0-9_-]*$ ]] ||
        usage_error "$name '$value': lower-case letters, digits, - and _ are expected"
      ;;
    --remote | --branch)
      [[ $value =~ ^[A-Za-z0-9][A-Za-z0-9._/-]*$ && $value != *..* ]] ||
        usage_error "$name '$value': a git name is expected"
      ;;
    --keep)
      [[ $value =~ ^[1-9][0-9]{0,2}$|^1000$ ]] || usage_error "$name '$value': a number from 1 to 1000 is expected"
      ;;
    --health)
      [[ $value =~ ^https?://[^[:space:]\"\\]+$ ]] || usage_error "$name '$value': an http:// or https:// URL is expected"
      flag_health+=("$value")
      return
      ;;
    --on-calendar)
      [[ -n $value && $value != *$'\n'* ]] || usage_error "$name needs a systemd.time(7) expression such as daily"
      if command -v systemd-analyze >/dev/null && ! systemd-analyze calendar "$value" >/dev/null 2>&1; then
        usage_error "$name '$value': systemd does not understand it; try: systemd-analyze calendar '$value'"
      fi
      on_calendar=$value
      return
      ;;
  esac
  flag[$key]=$value
}

# configured KEY: the value of a top-level key in the configuration file, without quotes or comment.
configured() {
  [[ -r $config_file ]] || return 0
  sed -n "s/^$1:[[:space:]]*//p" "$config_file" | head -n 1 |
    sed -e 's/[[:space:]][[:space:]]*#.*$//' -e 's/[[:space:]]*$//' -e "s/^[\"']//" -e "s/[\"']\$//"
}

# settle KEY DEFAULT
settle() {
  local key=$1 default=$2 present
  present=$(configured "$key")
  if [[ -e $config_file ]]; then
    setting[$key]=${present:-$default}
    [[ -n ${flag[$key]:-} && ${flag[$key]} != "${setting[$key]}" ]] &&
      warn "$config_file is kept: it says $key: ${setting[$key]:-(nothing)}, you asked for ${flag[$key]}. To change it, edit that file, then run this again."
  else
    setting[$key]=${flag[$key]:-$default}
  fi
  return 0
}

settle_settings() {
  settle root /home/geo/operation
  settle project_dir "${setting[root]}/autonomy"
  settle repository ''
  settle remote origin
  settle branch embody-alpha
  settle backups_dir "${setting[root]}/backups"
  if [[ -e $config_file ]]; then
    settle project_name autonomy
    compare_lists
  else
    setting[project_name]=${flag[project_name]:-$(find_project_name "${setting[project_dir]}")}
    setting[keep]=${flag[keep]:-5}
    health_urls=("${flag_health[@]}")
    ((${#health_urls[@]} > 0)) ||
      health_urls=(http://localhost:8082/health http://localhost:5001/health http://localhost:8200/health)
  fi
}

# Nested keys of the kept file: only looked for, not parsed.
compare_lists() {
  local url
  for url in "${flag_health[@]}"; do
    grep -qF -- "$url" "$config_file" ||
      warn "$config_file is kept: health.urls has no $url. To change it, edit that file."
  done
  [[ -z ${flag[keep]:-} ]] || grep -qE "^[[:space:]]+keep:[[:space:]]*${flag[keep]}\b" "$config_file" ||
    warn "$config_file is kept: backup.keep is not ${flag[keep]}. To change it, edit that file."
}

# The name compose gives the project there, else what compose would make of the directory's name.
find_project_name() {
  local name=''
  if [[ -d $1 ]]; then
    name=$(cd -- "$1" && timeout 20 docker compose config --format json 2>/dev/null |
      sed -n 's/^  "name": "\([a-z0-9_-]*\)".*/\1/p' | head -n 1) || true
  fi
  if [[ -z $name ]]; then
    name=$(basename -- "$1" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-')
  fi
  printf '%s\n' "$name"
}

config_text() {
  local url
  say "# orchestrator-update: every key is explained in docs/configuration.md." \
    "# After a change of a path run install_update_service.sh again: it opens the service's sandbox for it." \
    "root: \"${setting[root]}\"" \
    "project_dir: \"${setting[project_dir]}\"" \
    "project_name: \"${setting[project_name]}\""
  [[ -z ${setting[repository]} ]] || say "repository: \"${setting[repository]}\""
  say "remote: \"${setting[remote]}\"" \
    "branch: \"${setting[branch]}\"" \
    "backups_dir: \"${setting[backups_dir]}\"" \
    "health:" "  urls:"
  for url in "${health_urls[@]}"; do say "    - \"$url\""; done
  say "backup:" "  keep: ${setting[keep]}"
}

install_config() {
  if [[ -e $config_file ]]; then
    say "kept $config_file"
  else
    make_dir 0750 "$config_dir"
    config_text | write_file 0600 "$config_file"
  fi
  make_dir 0700 "$state_dir"
  make_dir 0711 "$cache_dir"
  make_dir 0700 "$cache_dir/compile-cache"
  make_dir 0755 "$dest${setting[backups_dir]}"
}

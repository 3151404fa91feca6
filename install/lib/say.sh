#!/usr/bin/env bash
# How the installer talks, and the few ways in which it changes the host: all obey --dry-run.
# shellcheck disable=SC2034,SC2154 # the pieces of the installer share their variables

say() { printf '%s\n' "$@"; }
warn() { printf 'warning: %s\n' "$@" >&2; }

# fail WHAT WHY DO: ends the installation; nothing has been changed when it is called.
fail() {
  printf 'error: %s\n  why: %s\n  do:  %s\n' "$1" "$2" "$3" >&2
  exit 1
}

# usage_error WHAT: for a flag that is wrong.
usage_error() {
  printf 'error: %s\n  do:  %s --help\n' "$1" "$0" >&2
  exit 2
}

# run COMMAND...: runs it, or says that it would.
run() {
  if [[ $dry_run == yes ]]; then
    say "would run: $*"
  else
    "$@"
  fi
}

# make_dir MODE DIR: also corrects nothing: an existing directory is the admin's.
make_dir() {
  [[ -d $2 ]] && return
  if [[ $dry_run == yes ]]; then
    say "would create the directory $2 ($1)"
  else
    install -d -m "$1" -- "$2"
    say "created $2"
  fi
}

# write_file MODE FILE: standard input becomes the file, whole or not at all, with its mode from the start.
write_file() {
  local mode=$1 file=$2 new
  if [[ $dry_run == yes ]]; then
    # Read to the end in any case: the writer would die of SIGPIPE.
    [[ $(cat) == "$(cat -- "$file" 2>/dev/null)" ]] || say "would write $file"
    return
  fi
  install -d -m 0755 -- "$(dirname -- "$file")"
  new=$(mktemp -- "$file.new-XXXXXX") # 0600
  cat >"$new"
  if [[ -f $file ]] && cmp -s -- "$new" "$file"; then
    rm -- "$new"
    return
  fi
  # mktemp's 0600 is the strictest; chmod can only open it up before it has its name.
  chmod "$mode" -- "$new"
  mv -T -- "$new" "$file"
  say "wrote $file"
}

# remove PATH...: what is there of them.
remove() {
  local path
  for path in "$@"; do
    [[ -e $path || -L $path ]] || continue
    if [[ $dry_run == yes ]]; then
      say "would remove $path"
    else
      rm -rf -- "$path"
      say "removed $path"
    fi
  done
}

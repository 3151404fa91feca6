#!/usr/bin/env bash
# What cron calls. The program is root's, and so is what root's crontab names; below the cluster's root, which its owner
# can write, there is only a link to it, made and removed with the rights of that owner.
# shellcheck disable=SC2034,SC2154 # the pieces of the installer share their variables

readonly CRON_NAME=orchestrator_full_update.sh
readonly CRON_TARGET=/usr/local/sbin/$CRON_NAME

# With --cron-script, and again at each upgrade after that.
install_cron_script() {
  [[ $cron_script == yes || -e $dest$CRON_TARGET ]] || return 0
  write_file 0755 "$dest$CRON_TARGET" <"$source_dir/install/$CRON_NAME"
  [[ $cron_script == no ]] || link_cron_script "$dest${setting[root]}"
}

# link_cron_script ROOT
link_cron_script() {
  local root link=$1/scripts/$CRON_NAME
  root=$(realpath -e -- "$1") || {
    warn "$link is not made: $1 is not there; $CRON_TARGET is"
    return 0
  }
  link=$root/scripts/$CRON_NAME
  if is_cron_link "$link"; then
    say "kept $link"
  elif [[ -e $link || -L $link ]]; then
    warn "$link is left as it is: this program has not made it. What root's crontab should name: $CRON_TARGET"
  elif [[ $dry_run == yes ]]; then
    say "would link $link to $CRON_TARGET"
  elif as_owner_of "$root/scripts" mkdir -p -- "$root/scripts" &&
    as_owner_of "$root/scripts" ln -sT -- "$CRON_TARGET" "$link"; then
    say "linked $link to $CRON_TARGET"
  else
    warn "$link could not be made by the owner of $root; $CRON_TARGET is there"
  fi
}

# remove_cron_script ROOT
remove_cron_script() {
  local root link
  remove "$dest$CRON_TARGET"
  root=$(realpath -e -- "$1" 2>/dev/null) || return 0
  link=$root/scripts/$CRON_NAME
  is_cron_link "$link" || return 0
  if [[ $dry_run == yes ]]; then
    say "would remove $link"
  elif as_owner_of "$root/scripts" rm -f -- "$link"; then
    say "removed $link"
  else
    warn "$link could not be removed by the owner of $root"
  fi
}

is_cron_link() {
  [[ -L $1 && $(readlink -- "$1") == "$CRON_TARGET" ]]
}

# as_owner_of PATH COMMAND...: whoever owns PATH, or a directory above it, could put a link in the way of root. PATH is
# what realpath says, but for its last name, which may be a link or not be there.
as_owner_of() {
  local at=$1 uid gid
  shift
  uid=$(owner_on_the_way_to "$at") || return
  if [[ $uid == 0 ]]; then
    "$@"
  else
    gid=$(getent passwd "$uid" | cut -d: -f4) || gid=''
    setpriv --reuid="$uid" --regid="${gid:-$uid}" --clear-groups -- "$@"
  fi
}

# The nearest that is not root.
owner_on_the_way_to() {
  local at=$1 uid
  while true; do
    if [[ -e $at || -L $at ]]; then
      uid=$(stat -c %u -- "$at") || return
      [[ $uid == 0 ]] || break
    fi
    [[ $at != / ]] || break
    at=$(dirname -- "$at")
  done
  say "$uid"
}

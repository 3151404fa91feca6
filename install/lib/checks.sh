#!/usr/bin/env bash
# What must be true before anything is changed. Each failure says what, why and what to type.
# shellcheck disable=SC2034,SC2154 # the pieces of the installer share their variables

readonly NEEDED_MB=250

check_host() {
  [[ $dry_run == yes ]] || check_root
  check_systemd
  need docker "the cluster runs in Docker" "install Docker: https://docs.docker.com/engine/install/"
  docker compose version >/dev/null 2>&1 ||
    fail "docker compose does not work" "the cluster is a compose project" \
      "apt-get install docker-compose-plugin (Docker's packages) or docker-compose (Debian's)"
  need git "releases come from a git branch" "apt-get install git"
  need rsync "backups are made with it" "apt-get install rsync"
}

check_root() {
  [[ $(id -u) == 0 ]] ||
    fail "not root" "the service and its files belong to root" "sudo $0 (with the same options)"
}

check_systemd() {
  if [[ ! -d $dest/run/systemd/system ]] || ! command -v systemctl >/dev/null; then
    fail "systemd is not running here" "the updater is a systemd service with a timer" \
      "run this on the host itself, not in a container or chroot"
  fi
}

need() {
  command -v "$1" >/dev/null || fail "$1 is not installed" "$2" "$3"
}

check_cluster() {
  local project=${setting[project_dir]} tree=''
  [[ -d $project ]] ||
    fail "the project directory $project does not exist" "docker compose is run there" \
      "$0 --root DIR or --project-dir DIR"
  local candidate owner
  for candidate in ${setting[repository]:+"${setting[repository]}"} "${setting[root]}" "$project"; do
    tree=$(git_there "$candidate" rev-parse --show-toplevel 2>/dev/null) && break
    [[ $candidate != "${setting[repository]}" ]] || break
  done
  [[ -n $tree ]] ||
    fail "no git work tree at ${setting[repository]:-${setting[root]} or $project}" \
      "the deploy branch is followed there" "git clone it there, or $0 --repository DIR"
  owner=$(stat -c %U -- "$tree")
  owner_home=$(getent passwd "$owner" | cut -d: -f6) || owner_home=''
  check_branch "$tree"
}

check_branch() {
  local remote=${setting[remote]} branch=${setting[branch]}
  git_there "$1" remote get-url "$remote" >/dev/null 2>&1 || {
    warn "the git remote $remote is not known in $1; see: git -C $1 remote --verbose"
    return 0
  }
  git_there "$1" ls-remote --exit-code --heads "$remote" "refs/heads/$branch" >/dev/null 2>&1 ||
    warn "the branch $branch was not found at the remote $remote of $1 (or it cannot be reached as $(stat -c %U -- "$1")); try: git -C $1 ls-remote --heads $remote"
}

# git_there DIR ARGS...: git as the owner of DIR, who has the keys and whose hooks and settings these are.
git_there() {
  local dir=$1 who
  shift
  [[ -d $dir ]] || return 1
  who=$(stat -c %U -- "$dir")
  local command=(env GIT_TERMINAL_PROMPT=0 "GIT_SSH_COMMAND=ssh -o BatchMode=yes" git -C "$dir" "$@")
  if [[ $(id -u) == 0 && $who != root && $who != UNKNOWN ]]; then
    timeout 30 runuser -u "$who" -- env HOME="$(getent passwd "$who" | cut -d: -f6)" "${command[@]}"
  else
    timeout 30 "${command[@]}"
  fi
}

check_not_running() {
  local unit state
  for unit in "$update_unit" "$recover_unit" "$engine_unit"; do
    state=$(systemctl is-active "$unit" 2>/dev/null) || true
    case $state in
      active | activating | deactivating | reloading)
        fail "$unit is $state" "an update under way must not have its program replaced" \
          "wait for it (journalctl -fu $unit), or systemctl stop $unit (an update is taken back by that)"
        ;;
    esac
  done
  check_no_run "an update under way must not have its program replaced"
}

# check_no_run WHY: runs of cron, of a shell and of the update manager are no unit's.
check_no_run() {
  is_locked "$state_dir/lock" || is_locked "$state_dir/lock.children" || return 0
  fail "a run is under way$(holder_of "$state_dir/lock")" "$1" \
    "wait until it has ended (orchestrator-update status; docker logs -f update_manager), then run this again"
}

# is_locked FILE: shared, so that it is nobody's meanwhile. Others that look do not count.
is_locked() {
  local status=0
  [[ -f $1 && ! -L $1 ]] || return 1
  flock --shared --nonblock --conflict-exit-code 75 -- "$1" true 2>/dev/null || status=$?
  [[ $status == 75 ]]
}

# holder_of FILE: who wrote itself into a lock.
holder_of() {
  sed -nE 's/^\{"pid":([0-9]+),"startedAt":"([^"]+)".*/ (process \1, since \2)/p' -- "$1"
}

check_disk() {
  local at=$dest/usr/local free_mb
  while [[ ! -d $at ]]; do at=$(dirname -- "$at"); done
  free_mb=$(($(df -Pk -- "$at" | awk 'NR == 2 { print $4 }') / 1024))
  ((free_mb >= NEEDED_MB)) ||
    fail "only $free_mb MB free at $at" "the program with its Node takes up to $NEEDED_MB MB" \
      "free some space (docker image prune), then run this again"
}

#!/usr/bin/env bash
# The program: /usr/local/lib/orchestrator-update/<version>, `current` pointing at one of them.
# shellcheck disable=SC2034,SC2154 # the pieces of the installer share their variables

readonly KEPT_VERSIONS=2

# Sees to it that dist/ is there. Builds in the checkout only; the host is not touched.
prepare_dist() {
  local dist=$source_dir/dist
  if [[ -f $dist/main.js && -f $dist/VERSION && -x $dist/bin/node ]]; then
    "$dist/bin/node" --version >/dev/null 2>&1 ||
      fail "$dist/bin/node does not run here" "it was built for another architecture ($(uname -m) is this one)" \
        "rm -r $dist, then run this again where npm is installed"
    return
  fi
  command -v npm >/dev/null ||
    fail "$dist is missing" "the program is not built and there is no npm here to build it" \
      "npm ci && npm run build on a machine with npm, copy dist/ here, then run this again"
  if [[ $dry_run == yes ]]; then
    say "would run: npm ci && npm run build (in $source_dir)"
    return
  fi
  say "building in $source_dir"
  (cd -- "$source_dir" && npm ci --no-audit --no-fund && npm run build) ||
    fail "the build failed" "see above" "put it right, then run this again"
}

install_program() {
  if [[ $dry_run == yes ]]; then
    say "would install the program into $program_dir/$(cat "$source_dir/dist/VERSION" 2>/dev/null || say VERSION)" \
      "would point $program_dir/current at it"
    launcher_text | write_file 0755 "$launcher"
    return
  fi
  local version staging
  version=$(cat "$source_dir/dist/VERSION")
  install -d -m 0755 -- "$program_dir"
  rm -rf -- "$program_dir"/.staging-*
  staging=$(mktemp -d -- "$program_dir/.staging-XXXXXX")
  cp -R -- "$source_dir/dist/." "$staging"
  cp -R -- "$source_dir/systemd" "$staging/systemd"
  install -d -m 0755 -- "$staging/install/lib"
  cp -- "$source_dir"/install/*.sh "$staging/install"
  cp -- "$source_dir"/install/lib/*.sh "$staging/install/lib"
  local document
  for document in README.md LICENSE CHANGELOG.md; do
    [[ ! -f $source_dir/$document ]] || cp -- "$source_dir/$document" "$staging"
  done
  chown -R root:root -- "$staging"
  chmod -R u=rwX,go=rX -- "$staging"
  # On disk before `current` names it: a power failure must not leave a program of empty files.
  sync -f -- "$staging"
  place "$staging" "$program_dir/$version"
  point_current_at "$version"
  launcher_text | write_file 0755 "$launcher"
  rm -rf -- "${cache_dir:?}/compile-cache"
  remove_old_versions "$version"
}

# place STAGING TARGET: the same version again replaces it only if it differs.
place() {
  if [[ -d $2 ]] && diff -rq -- "$1" "$2" >/dev/null; then
    rm -rf -- "$1"
    say "kept $2"
    return
  fi
  if [[ -d $2 ]]; then
    rm -rf -- "$2.old"
    mv -T -- "$2" "$2.old"
  fi
  mv -T -- "$1" "$2"
  rm -rf -- "$2.old"
  say "installed $2"
}

point_current_at() {
  [[ $(readlink -- "$program_dir/current" 2>/dev/null) != "$1" ]] || return 0
  ln -sfn -- "$1" "$program_dir/.current.new"
  mv -T -- "$program_dir/.current.new" "$program_dir/current"
  sync -f -- "$program_dir"
}

# Keeps the newest versions beside the current one, to go back to: ln -sfn VERSION current.
remove_old_versions() {
  local old kept=0
  while IFS= read -r old; do
    [[ $old != "$1" ]] || continue
    kept=$((kept + 1))
    ((kept <= KEPT_VERSIONS)) || remove "$program_dir/$old"
  done < <(find "$program_dir" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%T@ %f\n' |
    sort -rn | cut -d' ' -f2-)
}

# No V8 worker threads: they cost a run with nothing to do 6 % of its CPU (60 to 56 ms, measured).
# A young generation of 2 MB takes 8 MB off the peak of an update (119 to 111 MB, median of 6), and no CPU.
# exec: systemd's main process must be Node itself. The cache saves 32 of 117 ms CPU at the start of a
# full run (Node 24, median of 21), and costs a run with nothing to do nothing.
# The update manager is told to run by SIGUSR1, at which Node would open its debugger.
launcher_text() {
  cat <<'SH'
#!/bin/sh
export NODE_COMPILE_CACHE=/var/cache/orchestrator-update/compile-cache
signals=
[ "${1-}" != watch ] || signals=--disable-sigusr1
exec /usr/local/lib/orchestrator-update/current/bin/node --v8-pool-size=0 --max-semi-space-size=2 $signals /usr/local/lib/orchestrator-update/current/main.js "$@"
SH
}

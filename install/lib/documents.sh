#!/usr/bin/env bash
# What a person reads or types: the manual page, completions for shells, the catalog of the journal.
# shellcheck disable=SC2034,SC2154 # the pieces of the installer share their variables

readonly SHARE=$dest/usr/share
readonly BASH_COMPLETION=$SHARE/bash-completion/completions/orchestrator-update
# Debian's own place first; where neither is there is no such shell.
readonly ZSH_DIRS=("$SHARE/zsh/vendor-completions" "$SHARE/zsh/site-functions")
readonly FISH_DIR=$SHARE/fish/vendor_completions.d
readonly MANUAL=$dest/usr/local/share/man/man8/orchestrator-update.8
# journalctl reads this directory and the one of packages; not /etc.
readonly CATALOG=$dest/usr/local/lib/systemd/catalog/orchestrator-update.catalog

install_documents() {
  local made=$source_dir/dist/share directory
  install_document "$made/orchestrator-update.8" "$MANUAL"
  install_document "$made/orchestrator-update.bash" "$BASH_COMPLETION"
  for directory in "${ZSH_DIRS[@]}"; do
    [[ -d $directory ]] || continue
    install_document "$made/orchestrator-update.zsh" "$directory/_orchestrator-update"
    break
  done
  [[ ! -d $FISH_DIR ]] || install_document "$made/orchestrator-update.fish" "$FISH_DIR/orchestrator-update.fish"
  install_document "$source_dir/systemd/orchestrator-update.catalog" "$CATALOG"
  update_catalog
}

# install_document FROM TO: a program that was built before there was one goes without.
install_document() {
  [[ ! -f $1 ]] || write_file 0644 "$2" <"$1"
}

remove_documents() {
  local directory
  remove "$MANUAL" "$BASH_COMPLETION" "$FISH_DIR/orchestrator-update.fish"
  for directory in "${ZSH_DIRS[@]}"; do remove "$directory/_orchestrator-update"; done
  remove "$CATALOG"
  update_catalog
}

# What `journalctl -x` looks in is made of the files of all programs. Nothing else depends on it.
update_catalog() {
  run journalctl --update-catalog ${dest:+"--root=$dest"} ||
    warn "the catalog of the journal could not be updated: journalctl -x explains less"
}

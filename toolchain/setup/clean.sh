#!/bin/sh
# Removes what was built. Fetched tools (build/node, node_modules) stay: fetching them again takes
# minutes and changes nothing.
set -eu
cd "$(dirname "$0")/../.."
. toolchain/setup/ownership.sh
[ -d build ] || exit 0
refuse_files_of_others
find build -mindepth 1 -maxdepth 1 ! -name node ! -name setup -exec rm -rf {} +

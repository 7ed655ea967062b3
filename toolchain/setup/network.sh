# Functions for setup.sh: fetch a file, check that there is a network, show the progress.

# A host that does not answer for so many seconds counts as unreachable.
ANSWER_SECONDS=15
APT_HELPER=${APT_HELPER:-/usr/lib/apt/apt-helper}
# The certificates that apt, git and curl trust here; Node does not read them by default.
MACHINE_CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

# fetch URL FILE [OPTION…]: fetches with apt's own program, which every Debian has and which gets
# the options; on other machines with curl, without the options. $patience is a command in front of
# the program, such as timeout. $proxy and $certificates are used beside the machine's settings.
fetch() {
  url=$1
  file=$2
  shift 2
  rm -f "$file"
  if [ -x "$APT_HELPER" ]; then
    [ -z "${proxy:-}" ] || set -- "$@" -o "Acquire::http::Proxy=$proxy" -o "Acquire::https::Proxy=$proxy"
    [ -z "${certificates:-}" ] || set -- "$@" -o "Acquire::https::CAInfo=$certificates"
    LC_ALL=C ${patience:-} "$APT_HELPER" -q -o APT::Sandbox::User=root "$@" download-file "$url" "$file" 2>&1 </dev/null 9>&-
  elif command -v curl >/dev/null 2>&1; then
    set --
    [ -z "${proxy:-}" ] || set -- "$@" --proxy "$proxy"
    [ -z "${certificates:-}" ] || set -- "$@" --cacert "$certificates"
    ${patience:-} curl -fsSL --speed-limit 1 --speed-time 60 "$@" -o "$file" "$url" 2>&1 </dev/null 9>&-
  else
    echo "$url cannot be fetched: this machine has neither apt nor curl"
    return 1
  fi
}

# require_network WHAT URL…: exits with the reason if no host of the addresses answers. A refusal is
# an answer too.
require_network() {
  what=$1
  shift
  [ $# -gt 0 ] || return 0
  rm -f build/setup/answer.*
  number=0
  for address in "$@"; do
    number=$((number + 1))
    answer_of "$address" >"build/setup/answer.$number" &
  done
  wait
  reason=$(sort -u build/setup/answer.* | head -n 1)
  ! grep -qx answers build/setup/answer.* || reason=''
  rm -f build/setup/answer.*
  [ -n "$reason" ] || return 0
  say "no network: $what cannot be reached"
  fail "  $reason"
}

# Prints `answers`, or the reason why the host of the address does not answer.
answer_of() {
  patience="timeout -k 1 $ANSWER_SECONDS"
  said=$(fetch "$1" "build/setup/probe.$number" -o Acquire::Retries=0) && status=0 || status=$?
  rm -f "build/setup/probe.$number"
  host=${1#*//}
  case "$status $said" in
    "0 "*) echo answers ;;
    124*|137*) echo "${host%%/*} does not answer within $ANSWER_SECONDS s" ;;
    *esolv*|*"ould not connect"*|*"annot initiate the connection"*|*"nable to connect"*|*"ailed to connect"*|*"onnection failed"*|*"onnection timed out"*)
      printf '%s\n' "$said" | sed -n 's/^E: Failed to fetch [^ ]*  *//p; s/^curl: ([0-9]*) //p' | head -n 1 ;;
    *) echo answers ;;
  esac
}

# Sets $registry, $proxy and $certificates to what npm uses. Its settings come from the environment,
# then from .npmrc of the tree, of the account and of the machine.
use_npm_settings() {
  global_settings=${npm_config_globalconfig:-}
  [ -n "$global_settings" ] || global_settings=$(npm config get globalconfig 2>/dev/null) || global_settings=/etc/npmrc
  registry=$(npm_setting registry)
  registry=${registry:-https://registry.npmjs.org}
  registry=${registry%/}
  proxy=$(npm_setting https-proxy)
  proxy=${proxy:-$(npm_setting proxy)}
  certificates=$(npm_setting cafile)
}

npm_setting() {
  name=npm_config_$(printf '%s' "$1" | tr - _)
  eval "value=\${$name:-}"
  for settings in .npmrc "${npm_config_userconfig:-${HOME:-}/.npmrc}" "$global_settings"; do
    [ -z "$value" ] && [ -r "$settings" ] || continue
    value=$(sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$settings" | sed 's/[[:space:]]*$//; s/^"\(.*\)"$/\1/' | tail -n 1)
  done
  [ "$value" = null ] || printf '%s' "$value"
}

# show_progress TITLE: reads what apt prints with APT::Status-Fd=1 and, at the end, `exit:STATUS`;
# returns STATUS. On a terminal it shows one line that changes, in a file one line for each 20 %.
# All other output goes to build/setup/log.
show_progress() {
  result=1
  shown=''
  : >build/setup/log
  if [ -t 2 ]; then part=1; else part=20; fi
  while IFS= read -r line; do
    case $line in
      dlstatus:*) show_percent "fetching $1" "$line" ;;
      pmstatus:*) show_percent "installing $1" "$line" ;;
      exit:*) result=${line#exit:} ;;
      *)
        printf '%s\n' "$line" >>build/setup/log
        case $line in *"Waiting for cache lock"*) show_once "another program installs packages; waiting for it" ;; esac
        ;;
    esac
  done
  if [ -t 2 ] && [ -n "$shown" ]; then printf '\r\033[K' >&2; fi
  return "$result"
}

# The percentage is the first field of the status line with a point in it: names of packages may
# hold colons.
show_percent() {
  rest=$2
  while :; do
    case ${rest%%:*} in
      [0-9]*.[0-9]*) break ;;
      "$rest") return 0 ;;
    esac
    rest=${rest#*:}
  done
  percent=${rest%%.*}
  show_once "$1: $((percent / part * part)) %"
}

show_once() {
  [ "$1" != "$shown" ] || return 0
  shown=$1
  if [ -t 2 ]; then printf '\r\033[Ktrine: %s' "$1" >&2; else say "$1"; fi
}

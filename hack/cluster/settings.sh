# shellcheck shell=bash disable=SC2034
# Sourced by every script of this folder: where things are, and how a script speaks. SC2034: the names are used there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
cluster=${CLUSTER:-serin}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/serin
programs=$cache/programs
kubeconfig=$cache/$cluster.kubeconfig
mkdir -p "$cache"

# Debian's engine comes without buildx: then only the old builder works.
docker buildx version > /dev/null 2>&1 || export DOCKER_BUILDKIT=0

say() { printf '[cluster] %s\n' "$*" >&2; }

fail() { # what went wrong, what to do next
  printf '[cluster] ERROR: %s\n[cluster] Next: %s\n' "$1" "$2" >&2
  exit 1
}

# Debian packages that are missing, installed when this user may.
need_packages() { # package...
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    fail "these packages are missing: ${missing[*]}" "install them, or run this as root on Debian"
  fi
  say "installing ${missing[*]} (log: $cache/apt.log)"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    > "$cache/apt.log" 2>&1 || fail "apt-get failed: $(tail -1 "$cache/apt.log")" "read $cache/apt.log"
}

# Unpacks an archive as a whole or not at all: a folder that is there is complete.
unpack() { # archive, folder
  command -v zstd > /dev/null || need_packages zstd
  local half="$2.unpacking"
  rm -rf "$half" && mkdir -p "$half"
  tar --zstd -xf "$1" -C "$half" || fail "$1 is not a whole .tar.zst archive" "make it again, or leave it out to build instead"
  rm -rf "$2" && mv "$half" "$2"
}

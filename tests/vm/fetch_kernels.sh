#!/usr/bin/env bash
# Fetches Debian's own cloud kernels for the guests of tests/vm: unpacked into a
# cache, never installed.
#
#   tests/vm/fetch_kernels.sh 6.1          # that one; fails where apt does not offer it
#   tests/vm/fetch_kernels.sh              # every series below that apt offers
#   tests/vm/fetch_kernels.sh --have 6.1   # status 0: already there
#
# Cache: $BALLAST_CACHE, else ~/.cache/ballast; kernels/<series>/ has vmlinuz,
# release, and modules/ with the few that guests load. Delete it to fetch anew.
set -euo pipefail
cache=${BALLAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ballast}/kernels
# Series and the meta package that names its newest build: Debian 12's own, its
# backport, and Debian 13's where a host's apt knows that suite.
declare -A meta=([6.1]=linux-image-cloud-amd64 [6.12]=linux-image-6.12-cloud-amd64)
modules='loop|null_blk|virtio|virtio_ring|virtio_pci|virtio_pci_legacy_dev|virtio_pci_modern_dev|virtio_blk|virtio_balloon|kvm|kvm-amd|irqbypass|ccp'

have() { [ -s "$cache/$1/vmlinuz" ] && [ -e "$cache/$1/modules/virtio_balloon.ko" ]; }  # the newest of the list
say() { printf 'kernels: %s\n' "$*"; }

# The real package behind the meta package, if apt knows it and it is of this series.
package_of() {
  apt-cache depends "${meta[$1]}" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-'"${1//./\\.}"'[.0-9].*\)$/\1/p' | head -1
}

fetch() {  # series, package
  local work
  work=$(mktemp -d)
  trap 'rm -rf "$work"' RETURN
  # As root, apt warns that its own user cannot write there; nothing is lost.
  (cd "$work" && apt-get download "$2") 2>&1 | sed '/unsandboxed/d;/^Get:/d;/^Fetched/d' >&2
  dpkg-deb -x "$work"/*.deb "$work/tree"
  mkdir -p "$work/new/modules"
  cp "$work"/tree/boot/vmlinuz-* "$work/new/vmlinuz"
  basename "$work"/tree/lib/modules/* >"$work/new/release"
  find "$work/tree/lib/modules" -regextype egrep -regex ".*/($modules)\.ko(\.xz)?" -exec cp {} "$work/new/modules/" \;
  find "$work/new/modules" -name '*.xz' -exec xz -d {} +
  mkdir -p "$cache"
  rm -rf "${cache:?}/$1"
  mv "$work/new" "$cache/$1"
  say "$1 is $(cat "$cache/$1/release"), in $cache"
}

if [ "${1:-}" = --have ]; then
  have "$2"
  exit
fi
wanted=("$@")
[ $# -gt 0 ] || mapfile -t wanted < <(printf '%s\n' "${!meta[@]}" | sort -V)
for series in "${wanted[@]}"; do
  [ -n "${meta[$series]:-}" ] || { say "unknown series $series; known: ${!meta[*]}" >&2; exit 2; }
  have "$series" && continue
  package=$(package_of "$series")
  if [ -z "$package" ]; then
    apt-get update -qq >/dev/null 2>&1 || true
    package=$(package_of "$series")
  fi
  if [ -n "$package" ]; then
    # A package list older than the archive names a file that is gone.
    fetch "$series" "$package" || { apt-get update -qq; fetch "$series" "$(package_of "$series")"; }
  elif [ $# -gt 0 ]; then
    say "apt offers no ${meta[$series]}; its suite may be missing from the sources" >&2
    exit 1
  else
    say "apt does not offer $series; left out"
  fi
done

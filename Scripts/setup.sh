#!/usr/bin/env bash
# Brings a Debian or Ubuntu system to the point where `swift build` works.
# Does nothing when everything is there. Installs nothing without saying what it is for.
# `setup.sh bench` adds what only the measurements need.
set -euo pipefail

verb=${1:-}
case "$verb" in
  '' | bench) ;;
  *) echo "setup: no such set-up: '$verb'" >&2; exit 2 ;;
esac

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# What is needed, and the reason that is printed before it is installed.
# Each line: how to see that it is there | Debian package | reason
needs() {
  cat <<'LIST'
command -v git|git|SwiftPM fetches four Swift packages with it
test -e /etc/ssl/certs/ca-certificates.crt|ca-certificates|the fetch goes over https
command -v pkg-config|pkg-config|SwiftPM finds the libraries below with it
pkg-config --exists zlib|zlib1g-dev|some firmware items are packed with zlib
pkg-config --exists liblzma|liblzma-dev|some firmware items are packed with LZMA
pkg-config --exists libarchive|libarchive-dev|firmware comes in zip, 7z, rar and other archives
pkg-config --exists libcurl|libcurl4-openssl-dev|some sticks are asked and updated through their web page
pkg-config --exists libusb-1.0|libusb-1.0-0-dev|sticks are found and switched through libusb
pkg-config --exists libsystemd|libsystemd-dev|ModemManager and the login manager are spoken to over D-Bus
pkg-config --exists sqlite3|libsqlite3-dev|the firmware library and the history are SQLite files
command -v dbus-daemon|dbus-daemon|the tests hold ModemManager off on a message bus of their own
test -e /usr/include/stdlib.h|libc6-dev|the Swift compiler reads the C headers
LIST
  if [ "$verb" = bench ]; then
    echo 'test -x /usr/bin/bsdtar|libarchive-tools|looking into archives is measured against bsdtar'
  fi
}

check_swift() {
  command -v swift >/dev/null 2>&1 || die \
    "Swift is not installed, or not on PATH." \
    "Modemsmith needs Swift 6.3: see https://www.swift.org/install/linux/debian/12 and run this again."
  local version major minor
  version=$(swift --version 2>&1 | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] || die "'swift --version' does not tell its version. Is the toolchain complete?" \
    "$(swift --version 2>&1 | head -n 5)"
  IFS=. read -r major minor _ <<<"$version."
  if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "${minor:-0}" -lt 3 ]; }; then
    die "Swift $version is too old; Modemsmith is built and tested with Swift 6.3." \
      "See https://www.swift.org/install/linux/debian/12"
  fi
}

missing_packages() {
  local test package reason
  while IFS='|' read -r test package reason; do
    if ! eval "$test" >/dev/null 2>&1; then printf '%s|%s\n' "$package" "$reason"; fi
  done < <(needs)
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    # Without a terminal nobody can type a password: fail at once instead of waiting.
    if [ -t 0 ]; then sudo "$@"; else sudo -n "$@"; fi
  else
    die "This needs root, and there is no sudo. As root, run:" "  $*"
  fi
}

[ "$(uname -s)" = Linux ] || die "Modemsmith runs on Linux only."
check_swift
missing=$(missing_packages)
[ -n "$missing" ] || exit 0

say "missing on this system:"
packages=()
while IFS='|' read -r package reason; do
  say "  $package: $reason"
  packages+=("$package")
done <<<"$missing"
command -v apt-get >/dev/null 2>&1 || die \
  "This system has no apt-get. Install what is listed above with its own package manager."
say "installing with apt-get: ${packages[*]}"
as_root apt-get update -q
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
  "${packages[@]}" </dev/null
still=$(missing_packages)
[ -z "$still" ] || die "Still missing after the installation:" "$still"
say "done."

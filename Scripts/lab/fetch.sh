#!/bin/bash
# Fetches the lab's Debian packages into .lab/debs, with nothing but apt's ordinary client and
# without touching the system's own package state. Exit code 77: they cannot be had here.
set -euo pipefail
lab=${1:?folder of the lab}
guest=(linux-image-amd64 busybox-static bash dash coreutils grep sed mawk findutils procps tar gzip hostname kmod
  udev usbutils usbip usb-modeswitch usb-modeswitch-data modemmanager dbus libpam-runtime
  polkitd util-linux mount login passwd iproute2 libusb-1.0-0 libcurl4 libarchive13 libsqlite3-0
  libsystemd0 libncurses6 eject psmisc libqmi-utils qdl)
host=(cpio kmod)
command -v qemu-system-x86_64 >/dev/null || host+=(qemu-system-x86 seabios ipxe-qemu qemu-system-data)

skip() { echo "lab: skipped: $*" >&2; exit 77; }
command -v apt-get >/dev/null || skip "no apt-get on this system"
command -v dpkg-deb >/dev/null || skip "no dpkg-deb on this system"

mkdir -p "$lab/debs/partial" "$lab/apt/lists/partial"
stamp="$lab/debs/.complete-$(printf '%s\n' "${guest[@]}" "${host[@]}" | cksum | cut -d' ' -f1)"
[[ -e $stamp ]] && exit 0

# An apt of our own: Debian 12 whatever the host is, and an empty list of installed packages, so
# that whole dependency trees are fetched.
: >"$lab/apt/status"
options=(-o Dir::State="$lab/apt" -o Dir::State::lists="$lab/apt/lists"
  -o Dir::State::status="$lab/apt/status" -o Dir::Cache="$lab/apt/cache"
  -o Dir::Cache::archives="$lab/debs" -o Debug::NoLocking=1 -o APT::Architecture=amd64
  -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false -o Acquire::Retries=3
  -o Acquire::http::Timeout=30)
if ! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -e $keys ]] || skip "needs $keys (package debian-archive-keyring) to check Debian's packages"
  mirror=http://deb.debian.org
  cat >"$lab/apt/sources.list" <<LIST
deb [signed-by=$keys] $mirror/debian bookworm main
deb [signed-by=$keys] $mirror/debian-security bookworm-security main
LIST
  options+=(-o Dir::Etc::sourcelist="$lab/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null)
fi
mkdir -p "$lab/apt/cache/archives/partial"
timeout 300 apt-get "${options[@]}" -qq update >"$lab/apt.log" 2>&1 ||
  skip "package lists cannot be fetched; see $lab/apt.log"
timeout 900 apt-get "${options[@]}" -qq -y --download-only install "${guest[@]}" "${host[@]}" \
  >>"$lab/apt.log" 2>&1 || skip "packages cannot be fetched; see $lab/apt.log"
rm -f "$lab"/debs/.complete-*
touch "$stamp"
echo "lab: $(ls "$lab"/debs/*.deb | wc -l) packages in $lab/debs"

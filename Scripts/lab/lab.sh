#!/bin/bash
# The USB lab: real Debian kernel, drivers, udev, usb_modeswitch and ModemManager in a virtual
# machine; simulated sticks over USB/IP. Scripts/lab/lab.sh [SCENARIO...]; all without a name.
# LAB_BINARY: the program to test. LAB_SECONDS: most that the machine may run (default 2400).
set -euo pipefail
cd "$(dirname "$0")/../.."
lab=$PWD/.lab
mkdir -p "$lab"
[[ $(uname -m) == x86_64 ]] || { echo "lab: skipped: this lab knows x86_64 only" >&2; exit 0; }

status=0
Scripts/lab/fetch.sh "$lab" || status=$?
[[ $status == 77 ]] && exit 0
[[ $status == 0 ]] || exit "$status"

binary=${LAB_BINARY:-}
if [[ -z $binary ]]; then
  swift build -c release --product modemsmith
  binary=$(swift build -c release --show-bin-path)/modemsmith
fi
Scripts/lab/image.sh "$lab" "$binary"

tree=$lab/tree
libs=$tree/lib/x86_64-linux-gnu:$tree/usr/lib/x86_64-linux-gnu:$tree/usr/lib/x86_64-linux-gnu/pulseaudio
if command -v qemu-system-x86_64 >/dev/null; then
  qemu=(qemu-system-x86_64)
else
  export QEMU_MODULE_DIR=$tree/usr/lib/x86_64-linux-gnu/qemu
  qemu=("$tree/lib64/ld-linux-x86-64.so.2" --library-path "$libs" "$tree/usr/bin/qemu-system-x86_64"
    -L "$tree/usr/share/qemu" -L "$tree/usr/share/seabios")
fi
machine() { # ACCELERATOR SECONDS CONSOLE ARGUMENTS...
  local accelerator=$1 limit=$2 console=$3; shift 3
  timeout --foreground -k 5 "$limit" "${qemu[@]}" -accel "$accelerator" -m 1536 -smp 2 \
    -nodefaults -no-user-config -display none -vga none -nic none -no-reboot \
    -kernel "$lab/vmlinuz" -initrd "$lab/initrd" -serial "file:$console" \
    -append "console=ttyS0 quiet loglevel=4 panic=-1 printk.time=1 lab.accel=${accelerator%%,*} $*" </dev/null
}
accelerator=tcg,thread=multi
if [[ -w /dev/kvm && -r /dev/kvm ]]; then
  # An openable /dev/kvm may still not run a stock kernel: boot once and see.
  if machine kvm 25 "$lab/probe.log" lab=probe >/dev/null 2>&1 && grep -q 'LAB UP' "$lab/probe.log"
  then accelerator=kvm; fi
fi
echo "lab: Debian $(basename "$tree"/lib/modules/*) under ${accelerator%%,*}"
: >"$lab/console.log"
status=0
machine "$accelerator" "${LAB_SECONDS:-2400}" "$lab/console.log" "lab=run lab.only=$(IFS=,; echo "$*")" \
  >"$lab/qemu.log" 2>&1 &
runner=$!
# What the guest says, as it says it.
tail -n +1 -f --pid=$runner "$lab/console.log" 2>/dev/null | grep --line-buffered -a '^LAB' || true
wait $runner || status=$?
grep -aq '^LAB DONE' "$lab/console.log" || {
  echo "lab: FAILED: the machine did not come to an end (exit code $status); see $lab/console.log"
  exit 1
}
echo
grep -a '^LAB \(PASS\|FAIL\|SKIP\)' "$lab/console.log" | tr -d '\r' | sed 's/^LAB //' |
  awk '{ state = $1; name = $2; $1 = $2 = ""; printf "  %-5s %-16s%s\n", state, name, $0 }'
if grep -aq '^LAB FAIL' "$lab/console.log"; then
  echo "lab: FAILED; everything the machine said is in $lab/console.log"
  exit 1
fi
echo "lab: ok"

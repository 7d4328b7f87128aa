# Words for scenarios.
fail() { echo "FAILED: $*"; exit 1; }
skip() { echo "$*"; exit 77; }

# until SECONDS COMMAND...: waits for the command to succeed.
until_ok() {
  # Twice what it takes on an idle computer: an emulated processor shares a busy one.
  local limit=$(( $1 * 2 )); shift
  local end=$(( $(cut -d. -f1 /proc/uptime) + limit ))
  until "$@" >/dev/null 2>&1; do
    [ "$(cut -d. -f1 /proc/uptime)" -lt "$end" ] || { echo "waited $limit s for: $*"; return 1; }
    sleep 0.1
  done
}

# sim ARGUMENTS...: sticks, plugged into this machine; `tell WORDS` reaches the simulator.
sim() {
  rm -f /tmp/sim.in; mkfifo /tmp/sim.in
  modemsmith sim --usbip --attach "$@" <>/tmp/sim.in >/tmp/sim.out 2>&1 &
  echo $! >/tmp/sim.pid
}
tell() { echo "$*" >/tmp/sim.in; }

has_id() { grep -qx "$2" /sys/bus/usb/devices/*/idProduct && grep -lx "$2" /sys/bus/usb/devices/*/idProduct |
  while read -r f; do grep -qx "$1" "${f%idProduct}idVendor" && echo yes; done | grep -q yes; }
driver_of() { basename "$(readlink "/sys/class/tty/$1/device/driver" 2>/dev/null)" 2>/dev/null; }
ttys() { ls /dev/ttyUSB* 2>/dev/null | wc -l; }
have_ttys() { [ "$(ttys)" -ge "$1" ]; }
no_stick() { [ -z "$(places)" ]; }
no_ttys() { [ "$(ttys)" -eq 0 ]; }

# The switch by udev and usb_modeswitch, or its absence.
switching() {
  if [ "$1" = on ]; then rm -f /etc/usb_modeswitch.conf.lab /run/udev/rules.d/40-usb_modeswitch.rules
  else mkdir -p /run/udev/rules.d; : >/run/udev/rules.d/40-usb_modeswitch.rules; fi
  udevadm control --reload
}

start_dbus() {
  [ -e /run/dbus/pid ] && kill -0 "$(cat /run/dbus/pid)" 2>/dev/null && return
  rm -f /run/dbus/pid; mkdir -p /run/dbus
  dbus-daemon --system --fork
  /usr/lib/polkit-1/polkitd --no-debug >/tmp/polkit.log 2>&1 &
}
polkit_is_there() {
  dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames |
    grep -q PolicyKit1
}
start_mm() {
  start_dbus
  # A ModemManager that starts without it asks nobody and refuses everything.
  until_ok 15 polkit_is_there || { cat /tmp/polkit.log; return 1; }
  ModemManager --debug >/tmp/mm.log 2>&1 &
  echo $! >/tmp/mm.pid
}

clean_up() {
  [ -e /tmp/sim.pid ] && { kill -INT "$(cat /tmp/sim.pid)" 2>/dev/null
    for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$(cat /tmp/sim.pid)" 2>/dev/null || break; sleep 0.2; done
    kill -KILL "$(cat /tmp/sim.pid)" 2>/dev/null; }
  [ -e /tmp/mm.pid ] && kill "$(cat /tmp/mm.pid)" 2>/dev/null
  rm -f /tmp/sim.pid /tmp/mm.pid
  sleep 0.5
  rm -rf /run/udev/rules.d /var/lib/modemsmith /root/.local; udevadm control --reload
  udevadm settle --timeout=10
}

# sample VERSION: a firmware file made by us.
sample() { modemsmith image build-sample --model huawei-e3131 --version "$1" -o /tmp/lab/sample.bin; }

has_verb() { modemsmith help "$1" 2>&1 | grep -q "modemsmith $1"; }
mmcli_lists() { mmcli -L 2>/dev/null | grep -qi huawei; }
card() { for c in /sys/class/net/*; do
  [ "$(basename "$(readlink "$c/device/driver" 2>/dev/null)")" = cdc_ether ] && basename "$c" && return
  done; return 1; }
card_at() { basename "$(echo /sys/bus/usb/devices/"$1":*/net/*)" | grep -v '\*'; }
cards_are() { [ "$(ls -d /sys/bus/usb/devices/*:*/net/* 2>/dev/null | wc -l)" -eq "$1" ]; }
# place_of N: where the N-th stick of the simulator is plugged in.
place_of() {
  for d in /sys/bus/usb/devices/*-"$1"; do
    [ -e "$d/idVendor" ] && [ "$(cat "$d/../speed" 2>/dev/null)" ] && basename "$d" && return
  done
  # Not there just now: the bus of the first controller.
  echo "$(basename /sys/devices/platform/vhci_hcd.0/usb* | head -n 1 | tr -d 'a-z')-$1"
}
places() { for d in /sys/bus/usb/devices/*-*; do [ -e "$d/idVendor" ] && echo "$(basename "$d") $(cat "$d/idVendor"):$(cat "$d/idProduct")"; done; }

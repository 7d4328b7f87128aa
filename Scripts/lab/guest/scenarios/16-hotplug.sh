# what: a watcher hears of a stick soon after the kernel says it
# limit: 240
switching off
trap 'pkill -f "list --watch"; pkill -x udevadm' EXIT
# One clock for all: whoever hears something writes it into the kernel's log, beside the kernel's
# own words. `New USB device found` stands there before the event is sent, so nothing looks faster
# than it is. `udevadm monitor` does nothing but listen: it shows what this machine makes of that.
modemsmith list --watch --json 2>/tmp/lab/watch.err | while read -r line; do
  case $line in
    *'"event":"gone"'*) echo "lab: we hear left" ;;
    *'"12d1:1506"'*) echo "lab: we hear came" ;;
  esac >/dev/kmsg
done &
udevadm monitor --kernel --subsystem-match=usb 2>&1 | while read -r line; do
  case $line in
    KERNEL*' add '*'/1-1 (usb)'*) echo "lab: udevadm hears came" ;;
    KERNEL*' remove '*'/1-1 (usb)'*) echo "lab: udevadm hears left" ;;
  esac >/dev/kmsg
done &
heard() { [ "$(dmesg | grep -c "lab: we hear $1")" -ge "$2" ]; }
sleep 4
sim huawei-e3131 --disc never
for round in 1 2 3 4 5; do
  [ $round = 1 ] || tell plug 1
  until_ok 30 heard came $round ||
    { cat /tmp/lab/watch.err; fail "the watcher saw nothing"; }
  until_ok 15 have_ttys 2 || fail "no ttyUSB"
  udevadm settle
  tell unplug 1
  until_ok 15 no_ttys || fail "it does not leave"
  udevadm settle
done
until_ok 15 heard left 5 || fail "the watcher missed a leave"
# Of each round, in milliseconds after the kernel's first word: its last port, who listens, we.
dmesg | tr -d '[]' | awk '
  / New USB device found/ { came = $1; ports = 0; u = -1 }
  / now attached to ttyUSB/ { ports = int(($1 - came) * 1000) }
  / USB disconnect/ { left = $1; v = -1 }
  /lab: udevadm hears came/ { u = int(($1 - came) * 1000) }
  /lab: udevadm hears left/ { v = int(($1 - left) * 1000) }
  /lab: we hear came/ { t = int(($1 - came) * 1000); print "came", ports, u, t, t - ports }
  /lab: we hear left/ { print "left", 0, v, int(($1 - left) * 1000) }' >/tmp/lab/late
cat /tmp/lab/late
middle() { awk -v kind="$1" -v column="$2" '$1 == kind { print $column }' /tmp/lab/late | sort -n |
  awk '{ line[NR] = $1 } END { print line[int((NR + 1) / 2)] }'; }
came=$(middle came 4) after=$(middle came 5) left=$(middle left 4)
{
  echo "LAB NOTE hotplug: told $came ms after the kernel's first event, $after ms after its last" \
    "port; udevadm monitor hears the first event after $(middle came 3) ms"
  echo "LAB NOTE hotplug: a leave is told after $left ms, udevadm hears it after $(middle left 3) ms"
  sed 's/^/LAB NOTE hotplug: /' /tmp/lab/late
} >/dev/ttyS0
[ "$(grep -c came /tmp/lab/late)" -eq 5 ] || fail "not five rounds"
# Where the processor is emulated, so is the kernel's own work on the stick.
most=200; grep -q 'lab.accel=tcg' /proc/cmdline && most=500
[ "$after" -lt 200 ] || fail "a stick is told only $after ms after its last port"
[ "$left" -lt 200 ] || fail "a leave is told only after $left ms"
[ "$came" -lt $most ] || fail "a stick is told only $came ms after the kernel's first event"

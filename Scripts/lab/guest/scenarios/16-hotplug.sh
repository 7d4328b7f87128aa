# what: a watcher hears of a stick soon after the kernel says it
# limit: 90
switching off
# Bash itself reads the clock at the line: a program more would cost more than what is measured.
modemsmith list --watch --json 2>/tmp/lab/watch.err | while read -r line; do
  read -r up rest </proc/uptime
  case $line in *'"gone"'*) ;; *'"12d1:1506"'*) echo "$up" >/tmp/lab/heard; break;; esac
done &
# The kernel's own announcements, with the kernel's own clock.
udevadm monitor --kernel --subsystem-match=usb >/tmp/lab/kernel &
monitor=$!
sleep 4
sim huawei-e3131 --disc never
until_ok 30 test -s /tmp/lab/heard || { cat /tmp/lab/watch.err; fail "the watcher saw nothing"; }
kill $monitor
told=$(sed -n 's/^KERNEL\[\([0-9.]*\)\] add .*\/[0-9]*-[0-9]* (usb)$/\1/p' /tmp/lab/kernel | tail -n 1)
[ -n "$told" ] || { cat /tmp/lab/kernel; fail "the kernel did not announce the stick"; }
late=$(awk "BEGIN { printf \"%d\", ($(cat /tmp/lab/heard) - $told) * 1000 }")
echo "LAB NOTE hotplug: $late ms after the kernel's event" >/dev/ttyS0
# 200 ms is the goal; an emulated processor, shared and with a debug build, gets ten times that.
[ "$late" -lt 2000 ] || fail "noticed only after $late ms"

# what: a watcher hears of a stick soon after the kernel says it
# limit: 90
switching off
modemsmith list --watch --json >/tmp/lab/watch.json 2>/tmp/lab/watch.err &
watcher=$!
sleep 2
sim huawei-e3131 --disc never
seen() { grep -q '"12d1:1506"' /tmp/lab/watch.json; }
for i in $(seq 1 3000); do seen && break; sleep 0.01; done
heard=$(cut -d' ' -f1 /proc/uptime)
kill $watcher 2>/dev/null
seen || { cat /tmp/lab/watch.err; fail "the watcher saw nothing"; }
# The kernel's own time of the same moment.
told=$(dmesg | sed -n 's/^\[ *\([0-9.]*\)\] usb .*New USB device found, idVendor=12d1.*/\1/p' | tail -n 1)
[ -n "$told" ] || fail "the kernel did not announce the stick"
echo "LAB NOTE hotplug: $(awk "BEGIN { printf \"%d\", ($heard - $told) * 1000 }") ms after the kernel's word" >/dev/ttyS0

# what: ports that no driver holds are given to option through new_id
# limit: 120
has_verb bind || skip "this program has no verb bind"
switching off
sim huawei-e3131 --disc never
until_ok 15 have_ttys 2 || fail "no ttyUSB"
for interface in /sys/bus/usb/drivers/option/*-*:*; do
  basename "$interface" >/sys/bus/usb/drivers/option/unbind
done
until_ok 10 no_ttys || fail "the driver does not let go"
modemsmith bind | tee /tmp/lab/bind || fail "bind ended with $?"
grep -q '/dev/ttyUSB' /tmp/lab/bind || fail "bind names no port"
until_ok 10 have_ttys 2 || fail "no ttyUSB after bind"
modemsmith bind; [ $? -eq 3 ] || fail "bind of a bound stick does not say that there is nothing to do"
modemsmith info | tee /tmp/lab/info
grep -q 21.157.31.00.00 /tmp/lab/info || fail "info does not tell the version"

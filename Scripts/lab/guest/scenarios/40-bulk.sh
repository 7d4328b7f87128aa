# what: complete update through claimed bulk endpoints, without a serial driver
# limit: 300
switching off
mkdir -p /etc/modprobe.d
# udev obeys the blacklist alone, and reads it anew when told.
printf 'blacklist option\nblacklist usb_wwan\n' >/etc/modprobe.d/lab.conf
udevadm control --reload
until_ok 10 rmmod option || fail "option cannot be taken out: $(rmmod option 2>&1)"
sim huawei-e3131 --disc never --firmware 21.157.03.00.00
until_ok 15 has_id 12d1 1506 || fail "no stick"
sleep 2; no_ttys || fail "there is a ttyUSB"
sample 21.157.31.00.00
modemsmith list | tee /tmp/lab/list
modemsmith update /tmp/lab/sample.bin --yes --state-dir /tmp/lab/state; status=$?
rm -f /etc/modprobe.d/lab.conf; udevadm control --reload; modprobe option; until_ok 10 have_ttys 2
[ $status -eq 0 ] || fail "update ended with $status"
modemsmith info | tee /tmp/lab/info
grep -q 21.157.31.00.00 /tmp/lab/info || fail "the stick does not run the new version"

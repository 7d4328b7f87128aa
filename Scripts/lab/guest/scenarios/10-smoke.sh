# what: a disc enumerates, usb_modeswitch turns it into a modem, option takes the ports, info speaks
# limit: 90
switching off
sim huawei-e3131
until_ok 15 has_id 12d1 15ca || fail "no disc"
until_ok 15 test -b /dev/sr0 || fail "sr_mod does not take the disc"
mkdir -p /mnt/disc; until_ok 10 mount -t iso9660 -o ro /dev/sr0 /mnt/disc || fail "no ISO 9660"
grep -qi autorun.exe /mnt/disc/autorun.inf || fail "the disc has no AUTORUN.INF"
umount /mnt/disc
usb_modeswitch -v 12d1 -p 15ca -J || echo "usb_modeswitch said $?"
until_ok 15 has_id 12d1 1506 || fail "no modem after the switch"
until_ok 15 have_ttys 2 || fail "no ttyUSB"
[ "$(driver_of ttyUSB0)" = option1 ] || [ "$(driver_of ttyUSB0)" = option ] || fail "driver $(driver_of ttyUSB0)"
modemsmith info --port /dev/ttyUSB0 | tee /tmp/lab/info || fail "info"
grep -q 21.157.31.00.00 /tmp/lab/info || fail "info does not tell the version"

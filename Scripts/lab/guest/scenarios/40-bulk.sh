# what: complete update through claimed bulk endpoints, without a serial driver
# limit: 300
switching off
rmmod option 2>/dev/null; mkdir -p /etc/modprobe.d /run/modprobe.d
echo 'install option /bin/false' >/etc/modprobe.d/lab.conf
sim huawei-e3131 --disc never --firmware 21.157.03.00.00
until_ok 15 has_id 12d1 1506 || fail "no stick"
sleep 2; no_ttys || fail "there is a ttyUSB"
sample 21.157.31.00.00
modemsmith list | tee /tmp/lab/list
modemsmith update /tmp/lab/sample.bin --yes --state-dir /tmp/lab/state; status=$?
rm -f /etc/modprobe.d/lab.conf; modprobe option
[ $status -eq 0 ] || fail "update ended with $status"
modemsmith info | tee /tmp/lab/info
grep -q 21.157.31.00.00 /tmp/lab/info || fail "the stick does not run the new version"

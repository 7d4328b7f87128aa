# what: unplugged in the middle of a write, plugged in again in another order beside a second stick
# limit: 300
switching off
sim huawei-e3131 huawei-e3131 --disc never --firmware 21.157.03.00.00
until_ok 15 have_ttys 4 || fail "no ttyUSB"
sample 21.157.31.00.00
places
modemsmith update /tmp/lab/sample.bin --place "$(place_of 1)" --yes --json \
  --state-dir /tmp/lab/state >/tmp/lab/update.json 2>&1 &
update=$!
until_ok 120 grep -q '"write' /tmp/lab/update.json || fail "no write seen"
sleep 0.3
tell unplug 1
wait $update; status=$?
echo "update ended with $status"; tail -n 3 /tmp/lab/update.json
[ $status -ne 0 ] || fail "the update says that it went well"
tell unplug 2; sleep 1
tell plug 1; sleep 2; tell plug 2
until_ok 20 have_ttys 3 || fail "they do not come back"
modemsmith resume --state-dir /tmp/lab/state --yes --place "$(place_of 1)" || fail "resume ended with $?"
until_ok 15 have_ttys 4
modemsmith info --place "$(place_of 1)" | tee /tmp/lab/info
grep -q 21.157.31.00.00 /tmp/lab/info || fail "the stick does not run the new version"
modemsmith info --place "$(place_of 2)" | grep -q 21.157.03.00.00 || fail "the other stick was touched"

# what: a stick that never comes back gets the verdict unknown or needs-rescue, and no other
# limit: 400
switching off
sim huawei-e3131 --disc never --firmware 21.157.03.00.00
until_ok 15 have_ttys 2 || fail "no ttyUSB"
sample 21.157.31.00.00
tell lose 1
modemsmith update /tmp/lab/sample.bin --yes --json --state-dir /tmp/lab/state >/tmp/lab/update.json 2>&1
status=$?
tail -n 2 /tmp/lab/update.json; echo "exit code $status"
[ $status -ne 0 ] || fail "it says that all went well"
grep -qE '"verdict" ?: ?"(unknown|needs-rescue|needsRescue)"' /tmp/lab/update.json || fail "wrong verdict"

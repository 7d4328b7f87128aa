# what: a stick that waits in its QDL loader is found and named, with qcserial on it
# limit: 90
switching off
sim sierra-mc7700-qdl
until_ok 15 has_id 1199 68a2 || fail "no stick"
until_ok 15 have_ttys 1 || fail "no ttyUSB"
[ "$(driver_of ttyUSB0)" = qcserial ] || fail "driver $(driver_of ttyUSB0)"
modemsmith list | tee /tmp/lab/list
grep -q 1199:68a2 /tmp/lab/list || fail "list does not show it"
modemsmith info | tee /tmp/lab/info || fail "info ended with $?"
grep -qiE 'qdl|download|boot' /tmp/lab/info || fail "info does not say what state it is in"

# what: our own switch turns the disc into a modem
# limit: 90
has_verb switch || skip "this program has no verb switch"
switching off
sim huawei-e3131
until_ok 15 has_id 12d1 15ca || fail "no disc"
modemsmith list | tee /tmp/lab/list
grep -q 15ca /tmp/lab/list || fail "list does not show the disc"
modemsmith switch || fail "switch ended with $?"
until_ok 15 has_id 12d1 1506 || fail "no modem after the switch"
until_ok 15 have_ttys 2 || fail "no ttyUSB"
modemsmith info | tee /tmp/lab/info || fail "info"
grep -q 21.157.31.00.00 /tmp/lab/info || fail "info does not tell the version"

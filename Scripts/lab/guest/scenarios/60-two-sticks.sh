# what: two identical sticks, one chosen by place and updated, the other one untouched
# limit: 240
switching off
sim huawei-e3131 huawei-e3131 --disc never --firmware 21.157.03.00.00
until_ok 15 have_ttys 4 || fail "no ttyUSB"
sample 21.157.31.00.00
modemsmith update /tmp/lab/sample.bin --yes --state-dir /tmp/lab/state && fail "it chose by itself"
modemsmith update /tmp/lab/sample.bin --yes --state-dir /tmp/lab/state --place "$(place_of 2)" ||
  fail "update ended with $?"
until_ok 15 have_ttys 4
modemsmith info --place "$(place_of 2)" | grep -q 21.157.31.00.00 || fail "the chosen stick is old"
modemsmith info --place "$(place_of 1)" | grep -q 21.157.03.00.00 || fail "the other was touched"

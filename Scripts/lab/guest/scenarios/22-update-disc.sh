# what: complete update of a stick that comes back as a disc after every restart
# limit: 240
switching on
sim huawei-e3131 --disc always --firmware 21.157.03.00.00
until_ok 30 has_id 12d1 1506 || fail "not switched"
until_ok 15 have_ttys 2 || fail "no ttyUSB"
sample 21.157.31.00.00 || fail "no sample"
modemsmith update /tmp/lab/sample.bin --yes --state-dir /tmp/lab/state || fail "update ended with $?"
until_ok 15 have_ttys 2
modemsmith info | tee /tmp/lab/info
grep -q 21.157.31.00.00 /tmp/lab/info || fail "the stick does not run the new version"

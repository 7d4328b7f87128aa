# what: complete update through ttyUSB with two re-enumerations
# limit: 240
switching off
sim huawei-e3131 --disc never --firmware 21.157.03.00.00
until_ok 15 have_ttys 2 || fail "no ttyUSB"
sample 21.157.31.00.00 || fail "no sample"
modemsmith update /tmp/lab/sample.bin --yes --state-dir /tmp/lab/state || fail "update ended with $?"
[ "$(grep -c '^appeared' /tmp/sim.out)" -eq 3 ] || fail "not two re-enumerations"
grep -q '12d1:1c05' /tmp/sim.out || fail "never in download mode"
until_ok 15 have_ttys 2
modemsmith info | tee /tmp/lab/info
grep -q 21.157.31.00.00 /tmp/lab/info || fail "the stick does not run the new version"

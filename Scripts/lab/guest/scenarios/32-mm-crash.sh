# what: ModemManager gets the stick back from an update that was killed, and resume ends it
# limit: 480
switching off
start_mm || fail "no polkit"
sim huawei-e3276 --disc never --firmware 21.263.00.00.00
until_ok 15 have_ttys 3 || fail "no ttyUSB"
until_ok 60 mmcli_lists || { tail -n 40 /tmp/mm.log; fail "ModemManager does not list the modem"; }
modemsmith image build-sample --model huawei-e3276 --version 21.263.03.00.78 --size 4096 \
  -o /tmp/lab/sample.bin
modemsmith update /tmp/lab/sample.bin --yes --json --state-dir /tmp/lab/state >/tmp/lab/update.json 2>&1 &
update=$!
until_ok 120 grep -q '"phase":"write"' /tmp/lab/update.json || fail "no write seen"
# The program's own process, not the loader's script.
kill -KILL $update; wait $update
pgrep -f 'modemsmith update' && fail "the update still runs"
grep -i inhibit /tmp/mm.log | tail -n 5
until_ok 10 grep -qiE 'released|uninhibit|vanish' /tmp/mm.log || fail "the stick is still held"
modemsmith resume --yes --state-dir /tmp/lab/state || fail "resume ended with $?"
until_ok 60 mmcli_lists || fail "ModemManager does not list the modem again"
modemsmith info | tee /tmp/lab/info
grep -q 21.263.03.00.78 /tmp/lab/info || fail "the stick does not run the new version"

# what: ModemManager holds the modem, is inhibited for the update, and lists it again afterwards
# limit: 300
switching off
start_mm || fail "no polkit"
sim huawei-e3276 --disc never --firmware 21.263.00.00.00
until_ok 15 have_ttys 3 || fail "no ttyUSB"
until_ok 60 mmcli_lists || { tail -n 40 /tmp/mm.log; fail "ModemManager does not list the modem"; }
mmcli -L
modemsmith info | tee /tmp/lab/info || fail "info ended with $?"
modemsmith image build-sample --model huawei-e3276 --version 21.263.03.00.78 -o /tmp/lab/sample.bin
modemsmith update /tmp/lab/sample.bin --yes --state-dir /tmp/lab/state || fail "update ended with $?"
until_ok 60 mmcli_lists || fail "ModemManager does not list the modem again"
mmcli -L
grep -qi inhibit /tmp/mm.log || fail "ModemManager was never inhibited"

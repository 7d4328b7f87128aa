# what: ModemManager keeps away from restore and unlock, and gets the stick back after each
# limit: 480
switching off
start_mm || fail "no polkit"
sim huawei-e3276 --disc never --locked --unlock-code 12345678
until_ok 15 have_ttys 3 || fail "no ttyUSB"
until_ok 60 mmcli_lists || { tail -n 40 /tmp/mm.log; fail "ModemManager does not list the modem"; }
asked() { grep -c 'inhibition setup for uid' /tmp/mm.log; }
returned() { grep -c 'inhibition teardown for uid' /tmp/mm.log; }
modemsmith backup -o /tmp/lab/saved.json --state-dir /tmp/lab/state || fail "backup ended with $?"
[ "$(asked)" -eq 0 ] || fail "a backup took the modem away"
modemsmith unlock --show --state-dir /tmp/lab/state || fail "unlock --show ended with $?"
[ "$(asked)" -eq 0 ] || fail "a look at the lock took the modem away"
modemsmith restore /tmp/lab/saved.json --state-dir /tmp/lab/state || fail "restore ended with $?"
[ "$(asked)" -eq 1 ] || fail "restore did not ask ModemManager to keep away"
[ "$(returned)" -eq 1 ] || fail "restore did not give the stick back"
# By the name of its port: the stick behind it is meant all the same.
port=$(modemsmith list --json | tr '{' '\n' | grep '"role":"at"' | grep -o '/dev/ttyUSB[0-9]*')
[ -n "$port" ] || { modemsmith list; fail "no AT port is shown"; }
modemsmith unlock --port "$port" --code 12345678 --yes --this-stick-is-mine \
  --state-dir /tmp/lab/state | tee /tmp/lab/unlock
grep -q unlocked /tmp/lab/unlock || fail "not unlocked"
[ "$(asked)" -eq 2 ] || fail "unlock did not ask ModemManager to keep away"
[ "$(returned)" -eq 2 ] || fail "unlock did not give the stick back"
until_ok 60 mmcli_lists || fail "ModemManager does not list the modem again"

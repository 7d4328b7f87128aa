# what: an ordinary user is refused with an explanation, and let in after the udev rule
# limit: 150
switching off
sim huawei-e3131
until_ok 15 has_id 12d1 15ca || fail "no disc"
as_owner() { setpriv --reuid 1000 --regid 1000 --groups "$1" env HOME=/tmp "${@:2}"; }
has_verb doctor || skip "this program has no doctor that installs the rule"
# In the ports' group, but the device itself is root's.
as_owner 20 modemsmith switch >/tmp/lab/switch 2>&1 && fail "an ordinary user switched the stick"
cat /tmp/lab/switch
grep -qiE 'not allowed|permi' /tmp/lab/switch || fail "no explanation"
modemsmith doctor --install-rules || echo "doctor ended with $?"
ls /etc/udev/rules.d/*modemsmith* || fail "no rule"
udevadm control --reload
tell unplug 1; sleep 2; tell plug 1
until_ok 15 has_id 12d1 15ca || fail "no disc after the re-plug"
udevadm settle; sleep 1
as_owner 20 modemsmith switch || fail "still refused: $?"
until_ok 15 have_ttys 2 || fail "no ttyUSB"
udevadm settle
as_owner 65534 modemsmith info >/tmp/lab/info 2>&1 && fail "a user without the group was let in"
cat /tmp/lab/info
as_owner 20 modemsmith info | tee /tmp/lab/info
grep -q 21.157.31.00.00 /tmp/lab/info || fail "info"
rm -f /etc/udev/rules.d/*modemsmith*; udevadm control --reload

# what: an ordinary user is refused with an explanation, and let in after the udev rule
# limit: 120
switching off
sim huawei-e3131 --disc never
until_ok 15 have_ttys 2 || fail "no ttyUSB"
as_owner() { setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/tmp "$@"; }
as_owner modemsmith info >/tmp/lab/info 2>&1 && fail "an ordinary user was let in"
cat /tmp/lab/info
grep -qiE 'not allowed|permission' /tmp/lab/info || fail "no explanation"
has_verb doctor || skip "refused and explained; this program has no doctor that installs the rule"
modemsmith doctor --install-rules --yes || modemsmith doctor --install-rules || fail "no rule: $?"
udevadm control --reload; udevadm trigger --action=add; udevadm settle
as_owner modemsmith info || fail "still refused: $?"

# what: slow, deaf and looping sticks are waited for, refused and left in peace
# limit: 240
switching off
switched() { modemsmith switch >/tmp/lab/switch 2>&1; status=$?; cat /tmp/lab/switch; }
sim huawei-e3131 --disc slow
until_ok 15 has_id 12d1 15ca || fail "no disc"
switched; [ $status -eq 0 ] || fail "the slow stick ended with $status"
until_ok 5 has_id 12d1 1506 || fail "the slow stick is no modem"
for kind in deaf looping; do
  clean_up; switching off; until_ok 10 no_stick || fail "the stick before does not leave"
  sim huawei-e3131 --disc $kind
  until_ok 15 has_id 12d1 15ca || fail "no disc"
  until_ok 10 test -b /dev/sr0 || fail "sr_mod does not take the disc"
  switched; [ $status -ne 0 ] || fail "the $kind stick is said to be switched"
  case $kind in deaf) code=switch.refused;; *) code=switch.loop;; esac
  grep -q "$code" /tmp/lab/switch || fail "the $kind stick: not $code"
  has_id 12d1 15ca || sleep 3
  until_ok 10 test -b /dev/sr0 || fail "the $kind stick's drive was not given back"
done

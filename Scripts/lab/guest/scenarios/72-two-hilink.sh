# what: two HiLink sticks with one address, each asked through its own network card
# limit: 200
switching off
sim huawei-hilink huawei-hilink --disc never
until_ok 30 cards_are 2 || fail "not two network cards"
number=100
for place in "$(place_of 1)" "$(place_of 2)"; do
  card=$(card_at "$place") || fail "no card at $place"
  ip link set "$card" up; ip address add 192.168.8.$number/24 dev "$card"; number=$((number + 1))
done
modemsmith info --json >/tmp/lab/both 2>&1 && fail "it chose by itself"
for place in "$(place_of 1)" "$(place_of 2)"; do
  modemsmith info --place "$place" | tee /tmp/lab/info || fail "info of $place"
  grep -q E3372 /tmp/lab/info || fail "the page at $place is not known"
done
# The other one is gone: nothing may answer for it.
gone=$(place_of 2)
tell unplug 2; until_ok 20 cards_are 1 || fail "the card does not leave"
modemsmith info --place "$gone" && fail "a stick that is not there was asked"
modemsmith info --place "$(place_of 1)" >/tmp/lab/info || fail "the one that stayed does not answer"

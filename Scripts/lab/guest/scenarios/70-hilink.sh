# what: a HiLink stick is a network card, and its web page can be reached
# limit: 120
switching off
sim huawei-hilink --disc never
until_ok 30 has_id 12d1 14dc || fail "no network card"
until_ok 15 card || fail "cdc_ether does not take it"
ip link set "$(card)" up; ip address add 192.168.8.100/24 dev "$(card)"
until_ok 10 busybox ping -c 1 -W 1 192.168.8.1 || fail "no ping"
busybox wget -q -O - http://192.168.8.1/ | tee /tmp/lab/page
grep -q HiLink /tmp/lab/page || fail "no page"
modemsmith info | tee /tmp/lab/info || fail "info"
grep -q 22.329.63.00.74 /tmp/lab/info || fail "info does not tell the version"

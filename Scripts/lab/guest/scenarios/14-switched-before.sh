# what: udev and usb_modeswitch switch before us; we find the modem
# limit: 90
switching on
sim huawei-e3131
until_ok 30 has_id 12d1 1506 || fail "usb_modeswitch did not switch by itself"
until_ok 15 have_ttys 2 || fail "no ttyUSB"
modemsmith list | tee /tmp/lab/list
grep -q 12d1:1506 /tmp/lab/list || fail "list does not show the modem"
if has_verb switch; then
  modemsmith switch | tee /tmp/lab/switch
  [ "${PIPESTATUS[0]}" -eq 3 ] || fail "switch of a switched stick did not say that nothing is to do"
fi
modemsmith info | tee /tmp/lab/info || fail "info"
grep -q 21.157.31.00.00 /tmp/lab/info || fail "info does not tell the version"

# what: the distribution's qmi-firmware-update writes our simulated MC7304
# limit: 200
command -v qmi-firmware-update >/dev/null || skip "no qmi-firmware-update"
switching off
sim sierra-mc7304-qdl --firmware 05.05.16.02
until_ok 15 have_ttys 1 || fail "no ttyUSB"
modemsmith image build-sample --model sierra-mc7304 --version 05.05.58.01 --size 512 \
  -o /tmp/lab/sample.cwe || fail "no sample"
qmi-firmware-update --ignore-mm-runtime-check -v -U -t /dev/ttyUSB0 /tmp/lab/sample.cwe \
  >/tmp/lab/peer 2>&1 || { tail -n 30 /tmp/lab/peer; fail "the other updater ended with an error"; }
until_ok 60 have_ttys 2 || fail "it does not come back"
modemsmith info | tee /tmp/lab/info || fail "info"
grep -q 05.05.58.01 /tmp/lab/info || fail "the stick does not run the new version"

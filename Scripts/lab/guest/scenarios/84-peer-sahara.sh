# what: the distribution's qdl loads our simulated boot ROM, and writes over its programmer
# limit: 200
command -v qdl >/dev/null || skip "no qdl"
switching off
sim qualcomm-lte-edl
until_ok 15 has_id 05c6 9008 || fail "no stick"
modemsmith list | tee /tmp/lab/list
grep -q edl /tmp/lab/list || fail "list does not say what it is"
modemsmith image build-sample --model qualcomm-lte --version LTE_V2.0 --size 256 -o /tmp/lab/sample ||
  fail "no sample"
cd /tmp/lab/sample || fail "no folder"
# The table of partitions is the programmer's own: it refuses to have it written.
grep -v MIBIB rawprogram_nand.xml >raw.xml
qdl --debug --storage nand prog_nand_firehose_sim.mbn raw.xml >/tmp/lab/peer 2>&1
status=$?
tail -n 60 /tmp/lab/peer | cut -c1-200
[ $status -eq 0 ] || fail "the other flasher ended with $status"
until_ok 30 has_id 05c6 9025 || fail "it does not boot what was written"
# No driver of the kernel knows this id: it is spoken to through its endpoints.
modemsmith info | tee /tmp/lab/info || fail "info"
grep -q LTE_V2.0 /tmp/lab/info || fail "the stick does not run the new version"

# Runs the scenarios, one after the other, each from a clean state and with a limit.
only=$(sed -n 's/.*lab\.only=\([^ ]*\).*/\1/p' /proc/cmdline)
. /lab/tools.sh
for file in /lab/scenarios/*.sh; do
  name=$(basename "$file" .sh)
  if [ -n "$only" ] && ! echo ",$only," | grep -q ",${name#*-}," && ! echo ",$only," | grep -q ",$name,"
  then continue; fi
  limit=$(sed -n 's/^# limit: //p' "$file")
  began=$(cut -d. -f1 /proc/uptime)
  mkdir -p /tmp/lab
  ( . /lab/tools.sh; . "$file" ) >/tmp/lab/log 2>&1 &
  scenario=$!
  ( sleep "${limit:-120}"; echo "too long" >>/tmp/lab/log; kill -KILL $scenario 2>/dev/null ) &
  watch=$!
  wait $scenario; status=$?
  kill $watch 2>/dev/null; wait $watch 2>/dev/null
  took=$(( $(cut -d. -f1 /proc/uptime) - began ))
  what=$(sed -n 's/^# what: //p' "$file")
  case $status in
    0) echo "LAB PASS ${name#*-} $what (${took} s)";;
    77) echo "LAB SKIP ${name#*-} $what: $(tail -n 1 /tmp/lab/log)";;
    *) echo "LAB FAIL ${name#*-} $what (${took} s, code $status)"
       echo "--- log of $name"; tail -n 80 /tmp/lab/log
       echo "--- simulator"; tail -n 30 /tmp/sim.out 2>/dev/null
       echo "--- kernel"; dmesg | tail -n 40; echo "--- end";;
  esac
  clean_up
  [ -n "$LAB_KEEP" ] || rm -rf /tmp/lab
done

#!/usr/bin/env bash
# A whole update, from the first look to the new version, on a simulated Huawei E3131.
# Nothing here touches real hardware; the firmware file is made by us and holds no vendor code.
set -euo pipefail
cd "$(dirname "$0")/.."

model=huawei-e3131
old=21.157.03.00.00
new=21.157.31.00.00
work=$(mktemp -d "${TMPDIR:-/tmp}/modemsmith-demo.XXXXXX")
stick=$work/stick
file=$work/sample-$new.bin
simulator=

cleanup() {
  local status=$?
  trap - EXIT INT TERM
  if [ -n "$simulator" ]; then
    kill "$simulator" 2>/dev/null || true
    for ((tries = 0; tries < 60; tries++)); do
      kill -0 "$simulator" 2>/dev/null || break
      sleep 0.05
    done
    # Cleaning up must not hang on a simulator that does.
    kill -KILL "$simulator" 2>/dev/null || true
    wait "$simulator" 2>/dev/null || true
  fi
  if [ "$status" -ne 0 ]; then
    printf '\ndemo: FAILED (exit code %s). Last lines of the simulated stick:\n' "$status" >&2
    tail -n 15 "$work/stick.log" "$work/simulator.out" >&2 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '\n== %s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
run() { printf '$ modemsmith %s\n' "${*//$work\//}"; "$smith" "$@"; }

# The version as the stick itself tells it, independent of what the updater says.
version_on_stick() {
  "$smith" at --port "$stick" AT+CGMR | grep -Eo '[0-9]+(\.[0-9]+){3,}' | head -n 1
}

step "Building (the first time takes some minutes)"
swift build --product modemsmith
smith=$(swift build --show-bin-path)/modemsmith

step "A simulated stick is plugged in, with firmware $old"
"$smith" sim "$model" --link "$stick" --firmware "$old" --flash "$work/flash" \
  --log "$work/stick.log" --seed 1 >"$work/simulator.out" 2>&1 </dev/null &
simulator=$!
for ((tries = 0; tries < 200; tries++)); do
  [ -e "$stick" ] && break
  kill -0 "$simulator" 2>/dev/null || die "the simulator ended at once"
  sleep 0.05
done
[ -e "$stick" ] || die "the simulated stick did not appear within 10 seconds"
run info --port "$stick"
before=$(version_on_stick) || die "the stick does not tell its version"
[ "$before" = "$old" ] || die "the stick should run $old, and answers $before"

step "A firmware file, version $new (made here; no vendor code in it)"
run image build-sample --model "$model" --version "$new" -o "$file"
run image show "$file"

step "The update"
run update "$file" --port "$stick" --state-dir "$work/state" --yes

step "The same stick afterwards"
run info --port "$stick"
after=$(version_on_stick) || die "the stick does not tell its version after the update"
[ "$after" = "$new" ] || die "the stick should run $new now, and answers $after"

printf '\ndemo: ok. Asked with AT+CGMR, the stick said %s before and says %s now.\n' \
  "$before" "$after"

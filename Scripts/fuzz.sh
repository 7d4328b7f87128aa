#!/usr/bin/env bash
# Builds the fuzzers of Fuzz/ and runs each for some seconds: Scripts/fuzz.sh SECONDS [NAME ...]
# What was found stays in Fuzz/.build/found, what was learnt in Fuzz/.build/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
case "$seconds" in
  '' | *[!0-9]*) echo "fuzz: SECONDS must be a whole number, not '$seconds'" >&2; exit 2 ;;
esac
[ -f Fuzz/Package.swift ] || { echo "fuzz: there is no Fuzz/Package.swift" >&2; exit 1; }

build=(swift build --package-path Fuzz -c release --sanitize=fuzzer)
"${build[@]}"
bin=$("${build[@]}" --show-bin-path)
found=$PWD/Fuzz/.build/found
mkdir -p "$found"

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  while IFS= read -r path; do names+=("$(basename "$path")"); done \
    < <(find "$bin" -maxdepth 1 -type f -executable -name 'Fuzz*' | sort)
fi
[ ${#names[@]} -gt 0 ] || { echo "fuzz: no product named Fuzz* was built" >&2; exit 1; }

failed=()
for name in "${names[@]}"; do
  corpus=$PWD/Fuzz/.build/corpus/$name
  mkdir -p "$corpus"
  echo "fuzz: $name for $seconds seconds"
  # A fuzzer writes its own starting inputs, made by our builders, into SMITH_FUZZ_SEEDS
  # (in LLVMFuzzerInitialize). Swift's own backtrace would take the signal away from libFuzzer,
  # and the input that made the trap would be lost.
  SMITH_FUZZ_SEEDS=$corpus SWIFT_BACKTRACE=enable=no "$bin/$name" "$corpus" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/$name-" </dev/null \
    || failed+=("$name")
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "fuzz: FAILED: ${failed[*]}; the inputs are in $found" >&2
  exit 1
fi
echo "fuzz: ok, ${#names[@]} fuzzers, $seconds seconds each, nothing found"

#!/usr/bin/env bash
# Everything that wants a graphics card, in one run of under eight minutes: goldens, gradients, the zoo, inference and training steps, on Vulkan
# and, where that was prepared, on CUDA with 32 and 16 bits; then a table beside PyTorch on the same card, where Python has it.
#
#   bash benches/gpu.sh prepare FOLDER [cuda]   on a machine with Rust (for `cuda` with the CUDA toolkit): programs into FOLDER, packed
#   bash benches/gpu.sh run FOLDER [RESULTS]    on the machine with the card: RESULTS gets the logs and the table (default: FOLDER/results)
#
# LAMELLA_TEST_DATA must name the folder with `golden/`; without it goldens are skipped, and that is said. Every part has a limit of its own,
# so that one that hangs costs the others nothing. The exit status counts the parts that failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
TESTS="gpu golden gradients zoo"

collect() { # FEATURES INTO
  local into="$2"
  mkdir -p "$into"
  cargo build --release --locked --no-default-features --features "$1" --bin lamella || return 1
  install -m 755 target/release/lamella "$into/lamella"
  # shellcheck disable=SC2046
  cargo test --release --locked --no-default-features --features "$1" $(printf -- '--test %s ' $TESTS) --no-run --message-format json |
    python3 -c '
import json, shutil, sys
for line in sys.stdin:
    told = json.loads(line)
    if told.get("reason") == "compiler-artifact" and told["executable"] and told["profile"]["test"]:
        shutil.copy(told["executable"], sys.argv[1] + "/test-" + told["target"]["name"])
' "$into" || return 1
  strip "$into"/lamella "$into"/test-*
  xz -T0 -3 -f "$into"/lamella "$into"/test-*
}

if [ "${1:-}" = prepare ] && [ $# -ge 2 ]; then
  collect gpu,candle "$2/vulkan" || exit 1
  if [ "${3:-}" = cuda ]; then collect gpu,cuda "$2/cuda" || exit 1; fi
  du -sh "$2"/*
  exit
fi
[ "${1:-}" = run ] && [ $# -ge 2 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }

folder="$(realpath "$2")"
results="$(realpath -m "${3:-$folder/results}")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$results"
export LAMELLA_DATA_DIR="$work/data" XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$work}"
failed=0
part() { # NAME SECONDS COMMAND...: the last line of its log is shown
  local name="$1" seconds="$2" before status
  shift 2
  before="$(date +%s)"
  timeout "$seconds" "$@" >"$results/$name.log" 2>&1
  status=$?
  [ "$status" -eq 0 ] || failed=$((failed + 1))
  printf '%-28s %-8s %4d s   %s\n' "$name" "$([ "$status" -eq 0 ] && echo passed || echo "exit $status")" \
    $(($(date +%s) - before)) "$(grep -E '^(golden:|zoo:|test result|gpu:)' "$results/$name.log" | tail -n 1 | cut -c1-120)"
}

[ -n "${LAMELLA_TEST_DATA:-}" ] || echo "LAMELLA_TEST_DATA is not set: the goldens are skipped"
for kind in vulkan cuda; do
  [ -d "$folder/$kind" ] || continue
  mkdir -p "$work/$kind"
  for packed in "$folder/$kind"/*.xz; do
    xz -dc "$packed" >"$work/$kind/$(basename "$packed" .xz)"
  done
  chmod +x "$work/$kind"/*
  export LAMELLA_TEST_DEVICE="$([ "$kind" = cuda ] && echo cuda:0 || echo gpu)"
  part "$kind-devices" 30 "$work/$kind/lamella" devices
  cat "$results/$kind-devices.log"
  part "$kind-golden" 120 "$work/$kind/test-golden" --nocapture
  part "$kind-gradients" 60 "$work/$kind/test-gradients" --nocapture
  if [ "$kind" = vulkan ]; then
    part vulkan-operations 60 "$work/vulkan/test-gpu" --nocapture
    part vulkan-zoo 60 "$work/vulkan/test-zoo" --nocapture gpu
  fi
done
if [ -d "$work/vulkan" ] || [ -d "$work/cuda" ]; then
  part table 180 python3 benches/gpu_table.py "$work" "$results/table.json"
  cat "$results/table.log"
fi
echo "$failed parts failed"
exit "$failed"

#!/usr/bin/env bash
# How long it takes from a fresh checkout to the first mask: two checkouts in turns, each from an empty target folder.
# Usage: bash benches/build_time.sh BEFORE AFTER [TURNS]      (folders of checkouts; crates are downloaded first and not counted)
# Prints for each turn the wall clock and the processor's time of `cargo run --release -- segment` on the embedded sample, then the crates, how
# many of them are there in several versions, the size of the program, and the ratios of the medians. Needs as much quiet as any measurement.
set -euo pipefail
before="$(realpath "$1")"
after="$(realpath "$2")"
turns="${3:-1}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
for checkout in "$before" "$after"; do (cd "$checkout" && cargo fetch --locked --quiet); done

crates() { (cd "$1" && cargo tree --locked --workspace -e normal,build --prefix none | sed 's/ (\*)$//; s/ (proc-macro)//; s/ (\/.*)$//' | sort -u); }
median() { sort -n "$1" | awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'; }

TIMEFORMAT='%R %U %S'
for turn in $(seq "$turns"); do
  for which in before after; do
    checkout="${!which}"
    rm -rf "$work/target"
    {
      time (cd "$checkout" && CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$work/target" cargo run --release --locked --quiet -- \
        segment assets/sample/synthetic_hippocampus.nii.gz -m hippocampus -o "$work/mask-$which.nii.gz" --overwrite >"$work/log" 2>&1)
    } 2>"$work/time"
    read -r wall user system <"$work/time"
    echo "$wall" >>"$work/wall-$which"
    awk -v user="$user" -v system="$system" 'BEGIN { print user + system }' >>"$work/processor-$which"
    stat -c %s "$work/target/release/lamella" >"$work/size-$which"
    echo "turn $turn, $which: $wall s, $(tail -n 1 "$work/processor-$which") s of processor time"
  done
done
for which in before after; do
  list="$(crates "${!which}")"
  several="$(echo "$list" | awk '{ print $1 }' | uniq -d | wc -l)"
  echo "$which: $(echo "$list" | wc -l) crates, $several in several versions, program $(($(cat "$work/size-$which") / 1048576)) MiB"
done
for what in wall processor; do
  awk -v before="$(median "$work/$what-before")" -v after="$(median "$work/$what-after")" -v what="$what" \
    'BEGIN { printf "%s: %.0f s before, %.0f s after: %.2f\n", what, before, after, after / before }'
done

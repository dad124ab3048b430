#!/usr/bin/env bash
# Milliseconds per slice of the U-Net by size and width, and with one thread: does cost grow as the work does?
# Usage: bash benches/cost_table.sh target/release/lamella [THREADS]
set -euo pipefail
lamella="$1" threads="${2:-2}"
median() { # size width threads
  "$lamella" bench segment --arch unet --size "$1x$1" --width "$2" --threads "$3" --repeat 7 --json |
    sed -n 's/.*"median_s": \([0-9.]*\).*/\1/p' | awk '{ printf "%.1f", $1 * 1000 }'
}
echo "| size | width 16 | width 32 | width 64 |"
echo "| --- | --- | --- | --- |"
for size in 128 256 512 1024; do
  row="| $size"
  for width in 16 32 64; do row="$row | $(median "$size" "$width" "$threads")"; done
  echo "$row |"
done
for size in 256 512; do
  one="$(median "$size" 32 1)" many="$(median "$size" 32 "$threads")"
  awk -v s="$size" -v a="$one" -v b="$many" -v t="$threads" \
    'BEGIN { printf "width 32, %dx%d: 1 thread %.1f ms, %d threads %.1f ms: %.2f times as fast\n", s, s, a, t, b, a / b }'
done

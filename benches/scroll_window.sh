#!/usr/bin/env bash
# Frame times of the real window while a volume is scrolled by the mouse wheel.
# Usage, where there is no screen: xvfb-run -a -s "-screen 0 1280x800x24" bash benches/scroll_window.sh target/release/lamella FOLDER
# Needs xdotool. Prints the median, the 90th percentile and the slowest of the frame-to-frame times while the wheel turns.
set -euo pipefail
lamella="$1" path="$2"
log="$(mktemp)"
settings="$(mktemp -d)"
LAMELLA_DATA_DIR="$settings" LAMELLA_LOG=lamella=trace "$lamella" "$path" >"$log" 2>&1 &
window=$!
trap 'kill "$window" 2>/dev/null || true; rm -rf "$log" "$settings"' EXIT
sleep 4
xdotool mousemove 420 220
sleep 0.5
# One long burst at a rate above the screen's, so that a frame is always wanted.
before="$(wc -l <"$log")"
for _ in $(seq 4); do
  xdotool click --repeat 240 --delay 4 4
  xdotool click --repeat 240 --delay 4 5
done
kill -0 "$window"
tail -n +"$((before + 1))" "$log" | sed -n 's/.*frame after \([0-9.]*\) ms.*/\1/p' | tail -n +3 | sort -n | awk '
  { t[NR] = $1 }
  END {
    if (NR < 30) { print "scroll: too few frames (" NR ")"; exit 1 }
    printf "scroll: %d frames, median %.1f ms, 90 %% within %.1f ms, slowest %.1f ms\n", NR, t[int((NR + 1) / 2)], t[int(NR * 0.9)], t[NR]
  }'

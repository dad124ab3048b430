#!/usr/bin/env bash
# Frame times of the real window while a ball of 15 mm radius is drawn through a scan of 512 x 512 x 600 voxels of 1 mm.
# Usage, where there is no screen: xvfb-run -a -s "-screen 0 1280x800x24" bash benches/stroke_window.sh target/release/lamella
# Needs xdotool, and python3 with numpy to make the scan. Prints, of the frames while the mouse draws, how long they are apart and how
# much of that is the program's own work (the rest is the driver and the screen).
set -euo pipefail
lamella="$1"
folder="$(mktemp -d)"
log="$folder/log"
python3 - "$folder/scan.nii" <<'PYTHON'
import struct, sys
import numpy as np

shape = (512, 512, 600)
header = struct.pack("<i10s18sihcB8h", 348, b"", b"", 0, 0, b"r", 0, 3, *shape, 1, 1, 1, 1)
header += struct.pack("<3f4h8f", 0, 0, 0, 0, 4, 16, 0, 1, 1, 1, 1, 1, 0, 0, 0)
header += struct.pack("<3fhBB4f2i", 352, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0)
header += struct.pack("<80s24s2h6f12f16s4s", b"", b"", 1, 1, *[0] * 6, *[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], b"", b"n+1\0")
noise = np.random.default_rng(1).integers(-100, 100, (64, 512, 512), np.int16)
with open(sys.argv[1], "wb") as file:
    file.write(header + bytes(4))
    for k in range(shape[2]):
        file.write(noise[k % 64].tobytes())
PYTHON
echo '{"tools": {"brush.size": 30.0, "brush.shape": "ball"}, "task": "annotate"}' >"$folder/settings.json"
LAMELLA_DATA_DIR="$folder" LAMELLA_LOG=lamella=trace "$lamella" "$folder/scan.nii" >"$log" 2>&1 &
window=$!
trap 'kill "$window" 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in $(seq 60); do grep -q "first frame" "$log" && break; sleep 0.5; done
# The scan is read when the program has nothing more to do; tools cannot be taken before.
used() { cut -d' ' -f14 "/proc/$window/stat"; }
before=0
for _ in $(seq 60); do
  sleep 1
  now="$(used)"
  if [ $((now - before)) -lt 5 ]; then break; fi
  before="$now"
done
# The brush in the bar; without a window manager keys have no window.
xdotool mousemove 615 18
sleep 0.3
xdotool mousedown 1
sleep 0.1
xdotool mouseup 1
sleep 0.5
before="$(wc -l <"$log")"
for row in 120 160 200; do
  xdotool mousemove 290 "$row" mousedown 1
  # A place every 4 ms, more often than frames come.
  { for step in $(seq 1 250); do echo "mousemove $((290 + step)) $row sleep 0.004"; done; } | xdotool -
  xdotool mouseup 1
done
sleep 0.3
if [ $# -gt 1 ]; then import -window root "$2"; fi
kill -0 "$window"
tail -n +"$((before + 1))" "$log" | sed -n 's/.*frame after \([0-9.]*\) ms, own work \([0-9.]*\) ms.*/\1 \2/p' | tail -n +3 >"$folder/times"
for column in 1 2; do
  cut -d' ' -f"$column" "$folder/times" | sort -n | awk -v what="$([ "$column" = 1 ] && echo "apart" || echo "own work")" '
    { t[NR] = $1 }
    END {
      if (NR < 30) { print "stroke: too few frames (" NR ")"; exit 1 }
      printf "stroke: %d frames, %s: median %.1f ms, 90 %% within %.1f ms, slowest %.1f ms\n", NR, what, t[int((NR + 1) / 2)], t[int(NR * 0.9)], t[NR]
    }'
done

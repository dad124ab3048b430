#!/usr/bin/env bash
# Starts the installed program under Wine with the sample, waits for the first slice, and takes a picture of the screen.
# Usage, on a display with Wine: show-window.sh PROGRAM PICTURE.png
set -euo pipefail
log=$(mktemp)
# Wine's DirectX 12 says that it has a card where there is none, and loses it: the program then takes the next kind of driver by itself.
LAMELLA_LOG=info wine "$1" 'Z:\try\scan.nii.gz' >"$log" 2>&1 &
window=$!
for _ in $(seq 600); do
  if grep -q "first slice after" "$log"; then
    # The picture is of a frame after it.
    sleep 3
    grep -o "first frame after.*\|first slice after.*" "$log"
    xdotool search --name 'Lamella$' getwindowgeometry
    import -window root "$2"
    wineserver -k
    wait "$window" || true
    exit
  fi
  sleep 0.1
done
cat "$log" >&2
wineserver -k || true
echo "the window did not show a slice within 60 s" >&2
exit 1

#!/usr/bin/env bash
# Starts the real window under a virtual display and waits for its first frame. Prints how long that took.
set -euo pipefail
log=$(mktemp)
LAMELLA_LOG=info "$1" assets/sample/synthetic_hippocampus.nii.gz >"$log" 2>&1 &
window=$!
for _ in $(seq 100); do
  if grep -q "first frame after" "$log"; then
    grep -o "first frame after.*" "$log"
    kill "$window"
    exit 0
  fi
  sleep 0.1
done
cat "$log"
kill "$window" || true
echo "the window did not show a frame within 10 s" >&2
exit 1

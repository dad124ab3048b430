#!/usr/bin/env bash
# Opens scans in the real window under a virtual display, without any input, and waits until each is shown: the sample, and one that is read in
# thousands of steps. Prints how long that took.
set -euo pipefail
lamella=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
large=$folder/large.nii
# 512 x 512 x 300 bytes, each slice of one value: a header of NIfTI-1, its four bytes of extensions, the voxels.
python3 - "$large" <<'PYTHON'
import struct, sys
header = bytearray(352)
struct.pack_into("<i", header, 0, 348)
struct.pack_into("<8h", header, 40, 3, 512, 512, 300, 1, 1, 1, 1)
struct.pack_into("<hh", header, 70, 2, 8)
struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
struct.pack_into("<f", header, 108, 352)
struct.pack_into("<hh", header, 252, 0, 1)
struct.pack_into("<12f", header, 280, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
header[344:348] = b"n+1\0"
with open(sys.argv[1], "wb") as file:
    file.write(header)
    for number in range(300):
        file.write(bytes([number % 256]) * (512 * 512))
PYTHON

show() {
  local log=$folder/log
  LAMELLA_DATA_DIR=$folder/data LAMELLA_LOG=info "$lamella" "$1" >"$log" 2>&1 &
  local window=$!
  for _ in $(seq 200); do
    if grep -q "first slice after" "$log"; then
      echo "$2: $(grep -o "first frame after.*" "$log"), $(grep -o "first slice after.*" "$log")"
      kill "$window"
      return
    fi
    sleep 0.1
  done
  cat "$log"
  kill "$window" || true
  echo "the window did not show a slice of $2 within 20 s" >&2
  exit 1
}

show assets/sample/synthetic_hippocampus.nii.gz "the sample"
show "$large" "512 x 512 x 300"

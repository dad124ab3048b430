#!/usr/bin/env bash
# Runs the workflow on 20 scans with two jobs at a time, kills one of the jobs by SIGKILL, and compares every mask with that of one direct
# run. Usage: bash packaging/cluster/check.sh target/release/lamella
# Needs python3 with venv; installs snakemake, nibabel and numpy in a temporary folder.
set -euo pipefail
lamella="$(realpath "$1")"
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$work}" LAMELLA_DATA_DIR="$work/data"
python3 -m venv "$work/python"
"$work/python/bin/pip" install -q snakemake==9.27.1 nibabel==5.4.2 numpy

# 20 scans in the form of BIDS, each the sample with other noise.
"$work/python/bin/python" - "$here/../../assets/sample/synthetic_hippocampus.nii.gz" "$work/scans" <<'PYTHON'
import sys
from pathlib import Path

import nibabel
import numpy

sample = nibabel.load(sys.argv[1])
for number in range(1, 21):
    noise = numpy.random.default_rng(number).normal(0, 8, sample.shape)
    folder = Path(sys.argv[2], f"sub-{number:02}", "anat")
    folder.mkdir(parents=True)
    values = (sample.get_fdata() + noise).astype(numpy.int16)
    nibabel.Nifti1Image(values, sample.affine).to_filename(folder / f"sub-{number:02}_T1w.nii.gz")
PYTHON

"$work/python/bin/snakemake" -s "$here/Snakefile" -d "$work" --cores 2 --retries 2 --rerun-incomplete --nocolor \
  --config scans="$work/scans" out="$work/masks" lamella="$lamella" >"$work/log" 2>&1 &
workflow=$!
# One of the workers that this workflow has started.
victim=""
for _ in $(seq 600); do
  [ "$(find "$work/masks" -name '*_dseg.nii.gz' 2>/dev/null | wc -l)" -ge 5 ] || { sleep 0.1; continue; }
  victim="$(pgrep -f "^$lamella batch $work/scans/.* --only" | head -n 1 || true)"
  if [ -n "$victim" ] && kill -KILL "$victim" 2>/dev/null; then break; fi
  victim=""
done
[ -n "$victim" ] || { echo "no worker could be killed" >&2; exit 1; }
wait "$workflow" || { tail -n 40 "$work/log" >&2; exit 1; }
grep -q "Trying to restart job" "$work/log" || { echo "the workflow did not notice that a worker was killed" >&2; exit 1; }

"$lamella" segment "$work"/scans/sub-*/anat/*.nii.gz -m hippocampus -o "$work/direct" --threads 1 2>/dev/null >/dev/null
same=0
for number in $(seq -w 1 20); do
  mask="$work/masks/sub-$number/anat/sub-${number}_desc-hippocampus_dseg.nii.gz"
  "$work/python/bin/python" - "$mask" "$work/direct/sub-${number}_T1w.nii.gz" <<'PYTHON'
import sys

import nibabel
import numpy

ours, direct = (nibabel.load(path) for path in sys.argv[1:])
assert numpy.array_equal(numpy.asarray(ours.dataobj), numpy.asarray(direct.dataobj)), sys.argv[1]
assert numpy.array_equal(ours.affine, direct.affine) and numpy.asarray(ours.dataobj).any(), sys.argv[1]
PYTHON
  same=$((same + 1))
done
lines="$(wc -l <"$work/masks/batch.tsv")"
[ "$lines" -eq 21 ] || { echo "the table has $lines lines instead of 21" >&2; exit 1; }
# A second run finds nothing to do.
"$work/python/bin/snakemake" -s "$here/Snakefile" -d "$work" --cores 2 --nocolor \
  --config scans="$work/scans" out="$work/masks" lamella="$lamella" 2>&1 | grep -q "Nothing to be done"
echo "cluster: one of two workers killed, $same of 20 masks equal those of a direct run, table of $((lines - 1)) scans"

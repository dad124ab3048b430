#!/usr/bin/env bash
# SimpleITK 2.5.7: the level of compression when .nii.gz, NRRD and MetaImage are written.
#
# A good guess: compressionLevel 1, 6 and 9 give files of falling size in every format that is compressed.
# Seen: .nii.gz is the same to the byte count whatever the level. NRRD and MetaImage follow it, and on a smooth image level 9 makes a larger
# file than level 6.
# Why it matters: who compares speeds of writing .nii.gz at "the same level" compares with one fixed level; only the size tells which.
# benches/formats.py therefore prints the sizes of both, and Lamella's level was chosen by size.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q simpleitk==2.5.7 numpy==2.4.6
cd "$folder"
./python/bin/python - <<'P'
import os
import numpy as np
import SimpleITK as sitk

steps = np.random.default_rng(1).integers(-3, 4, (20, 128, 128))
image = sitk.GetImageFromArray(np.cumsum(steps, axis=2).astype(np.int16))
sizes = {}
for ending in ("nii.gz", "nrrd", "mha"):
    for level in (1, 6, 9):
        name = f"{level}.{ending}"
        sitk.WriteImage(image, name, useCompression=True, compressionLevel=level)
        sizes[ending, level] = os.path.getsize(name)
    print(ending, [sizes[ending, level] for level in (1, 6, 9)])
assert len({sizes["nii.gz", level] for level in (1, 6, 9)}) == 1
for ending in ("nrrd", "mha"):
    assert sizes[ending, 1] > sizes[ending, 9] > sizes[ending, 6]
P

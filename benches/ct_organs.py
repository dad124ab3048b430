#!/usr/bin/env python3
"""A data set of one body CT with twelve organs, for training on it before few labels of other images (docs/few-labels.md).

The image and its segmentation are those of TotalSegmentator's tests (Apache-2.0). Left and right are one class, and so are vertebrae.
The channel is not called CT, so that intensities are normalised per scan and the weights are of use for MR.

Usage: python3 benches/ct_organs.py CT_FOLDER OUTPUT_FOLDER
"""

import json
import sys
from pathlib import Path

import nibabel
import numpy as np

source, output = Path(sys.argv[1]), Path(sys.argv[2])
ORGANS = {
    "spleen": [1],
    "kidney": [2, 3],
    "gallbladder": [4],
    "liver": [5],
    "stomach": [6],
    "pancreas": [7],
    "lung": [11, 14],
    "small bowel": [18, 19],
    "colon": [20],
    "vertebrae": [30, 31, 32],
    "vessels": [52, 63, 64],
    "back muscles": [86, 87],
}
for folder in ("imagesTr", "labelsTr"):
    (output / folder).mkdir(parents=True, exist_ok=True)
nibabel.save(nibabel.load(source / "example_ct_sm.nii.gz"), output / "imagesTr" / "body_0000.nii.gz")
truth = nibabel.load(source / "example_seg.nii.gz")
values = np.asarray(truth.dataobj)
labels = np.zeros(values.shape, np.uint8)
for number, members in enumerate(ORGANS.values(), 1):
    labels[np.isin(values, members)] = number
nibabel.save(nibabel.Nifti1Image(labels, truth.affine), output / "labelsTr" / "body.nii.gz")
description = {
    "name": "Organs",
    "channel_names": {"0": "scan"},
    "labels": {"background": 0} | {name: number for number, name in enumerate(ORGANS, 1)},
    "numTraining": 1,
    "file_ending": ".nii.gz",
    "licence": "Apache-2.0",
}
(output / "dataset.json").write_text(json.dumps(description, indent=1))

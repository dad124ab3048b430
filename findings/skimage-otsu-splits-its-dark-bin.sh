#!/usr/bin/env bash
# scikit-image 0.26.0: threshold_otsu on real values.
#
# A good guess: the threshold parts the histogram between two bins, so that the values of a bin lie on one side.
# Seen: it is the centre of the last dark bin, so that values of that bin above its centre count as bright: 353 of 10,000 here, all of the
# dark peak.
# Why it matters: with few bins and a sharp dark peak part of the background becomes foreground. Lamella's Otsu threshold follows the same
# rule so that masks agree (docs/guide/seeds.md); its check compares masks voxel by voxel.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q scikit-image==0.26.0 numpy==2.4.6
"$folder/python/bin/python" - <<'P'
import numpy
from skimage.filters import threshold_otsu

draw = numpy.random.default_rng(0)
dark, bright = draw.normal(10, 1, 5000), draw.normal(60, 1, 5000)
values = numpy.concatenate([dark, bright])
threshold = threshold_otsu(values, nbins=16)
counts, edges = numpy.histogram(values, 16)
centres = (edges[:-1] + edges[1:]) / 2
above = int((dark > threshold).sum())
print(f"threshold {threshold:.3f}, dark values above it: {above}, bright ones below it: {int((bright <= threshold).sum())}")
assert numpy.isclose(centres, threshold).any() and above == 353 and not (bright <= threshold).any()
P

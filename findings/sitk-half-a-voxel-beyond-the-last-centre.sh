#!/usr/bin/env bash
# SimpleITK 2.5.7 and scipy 1.17.1: what linear interpolation gives between the centre of the last voxel and the edge of the image.
#
# A good guess: both call that outside, or both give the last voxel's value, and the first and the last edge behave alike.
# Seen: SimpleITK's Resample gives the nearest voxel's value in that half voxel; the edge before the first voxel (index -0.5) is inside, the
# one behind the last (index n - 0.5) is outside. scipy's map_coordinates with mode "constant" is outside as soon as the last centre is passed.
# Why it matters: an overlay of a coarse image ends half a thick voxel earlier by whichever of the two it was checked against.
# Lamella shows the nearest value up to the edge, as SimpleITK does (volume/slice_sampler.rs, docs/guide/overlay.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q SimpleITK==2.5.7 scipy==1.17.1 numpy==2.4.6
"$folder/python/bin/python" - <<'P'
import numpy
import SimpleITK as sitk
from scipy.ndimage import map_coordinates

OUTSIDE = -9.0
values = numpy.array([[10.0, 20.0, 40.0]] * 2)
image = sitk.GetImageFromArray(values)


def resampled(index):
    """The value at a place along the first axis, in voxels."""
    grid = sitk.Image([1, 1], sitk.sitkFloat64)
    grid.SetOrigin([index, 0.0])
    return sitk.GetArrayFromImage(sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, OUTSIDE))[0, 0]


def mapped(index):
    return map_coordinates(values, [[0.0], [index]], order=1, mode="constant", cval=OUTSIDE)[0]


for index, ours, theirs in [
    (-0.51, OUTSIDE, OUTSIDE),
    (-0.5, 10.0, OUTSIDE),
    (-0.25, 10.0, OUTSIDE),
    (0.5, 15.0, 15.0),
    (2.25, 40.0, OUTSIDE),
    (2.49, 40.0, OUTSIDE),
    (2.5, OUTSIDE, OUTSIDE),
]:
    seen = resampled(index), mapped(index)
    print(f"index {index:5}: SimpleITK {seen[0]:6.2f}, scipy {seen[1]:6.2f}")
    assert numpy.allclose(seen, (ours, theirs), atol=1e-6), (index, seen, (ours, theirs))
P

#!/usr/bin/env bash
# highdicom 0.28.2 and Pillow 12.0.0: the CIELab numbers of a colour, as Recommended Display CIELab Value of a segment keeps them.
#
# A good guess: DICOM's CIELab is that of the ICC profile connection space (white point D50), so both give the same numbers.
# Seen: highdicom calculates with the white point D65. Red is (53.2, 80.1, 67.2) there and (54.3, 80.8, 69.9) with D50; only greys agree.
# dcmqi's files follow D65, too: its liver, (41661, 41167, 40792), is (221, 130, 101) with D65, the colour of its own table.
# Why it matters: colours read with D50 from files of either come out a few steps off, and do not compare equal to the table they came from.
# Lamella uses D65 in both directions (formats/dicom/segmentation/cielab.rs, docs/guide/dicom-masks.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q highdicom==0.28.2 pydicom==3.0.2 numpy==2.4.6 Pillow==12.0.0
"$folder/python/bin/python" - <<'P'
from highdicom.color import CIELabColor
from PIL import Image, ImageCms

to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")


def with_d50(rgb):
    """Pillow's colour management rounds to whole steps: L of 255, a and b of one."""
    lightness, a, b = ImageCms.applyTransform(Image.new("RGB", (1, 1), rgb), to_lab).getpixel((0, 0))
    return lightness / 2.55, a - 128, b - 128


for rgb, differs in [((255, 0, 0), True), ((0, 0, 255), True), ((128, 128, 128), False), ((255, 255, 255), False)]:
    theirs, icc = CIELabColor.from_rgb(*rgb).lab, with_d50(rgb)
    print(rgb, "highdicom", [round(value, 1) for value in theirs], "ICC (D50)", [round(value, 1) for value in icc])
    assert (max(abs(a - b) for a, b in zip(theirs, icc)) > 1.0) == differs, (rgb, theirs, icc)
liver = CIELabColor.from_dicom_value([41661, 41167, 40792]).to_rgb()
print("dcmqi's liver by highdicom:", liver)
assert liver == (221, 130, 101)
P

#!/usr/bin/env bash
# SimpleITK 2.5.7 on a TIFF mask of one bit a pixel.
#
# A good guess: a grey image of one component with 0 and 1 (or 255), stored values kept, as for 8 bits.
# Seen: four components (RGBA) of 0 and 255, and a mask with MinIsWhite comes inverted, though 8 bits and more keep their stored values there.
# Why it matters: a pipeline that mixes depths of masks gets some of them inverted. Lamella gives what is stored at every depth and says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q SimpleITK==2.5.7 tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
./python/bin/python - <<'P'
import numpy, SimpleITK, tifffile

seen = {}
for photometric in ("minisblack", "miniswhite"):
    for name, mask in (("1 bit", numpy.array([[True, False, True]])), ("8 bits", numpy.array([[255, 0, 255]], "u1"))):
        tifffile.imwrite("mask.tif", mask, photometric=photometric, metadata=None)
        image = SimpleITK.ReadImage("mask.tif")
        values = SimpleITK.GetArrayFromImage(image)
        count = image.GetNumberOfComponentsPerPixel()
        first = values.reshape(3, count)[:, 0].tolist()
        print(photometric, name, "components:", count, "first component:", first)
        seen[photometric, name] = (count, first)
assert seen == {
    ("minisblack", "1 bit"): (4, [255, 0, 255]),
    ("miniswhite", "1 bit"): (4, [0, 255, 0]),
    ("minisblack", "8 bits"): (1, [255, 0, 255]),
    ("miniswhite", "8 bits"): (1, [255, 0, 255]),
}, seen
P
echo "as found: one bit comes as four components, and inverted where MinIsWhite is declared"

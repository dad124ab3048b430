#!/usr/bin/env bash
# tifffile 2026.3.3 on an ImageJ stack whose planes lie behind a single directory (as ImageJ writes files of over 4 GB).
#
# A good guess: the description's `images=4` is enough to find four planes.
# Seen: with `images=4` alone one plane comes, without a word; only with `slices=4` beside it there are four.
# Why it matters: a stack becomes a single picture. Lamella reads all planes in both cases.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
./python/bin/python - <<'P'
import numpy, tifffile

planes = numpy.arange(4 * 9 * 7, dtype="u1").reshape(4, 9, 7)
seen = []
for text in ("ImageJ=1.53t\nimages=4\n", "ImageJ=1.53t\nimages=4\nslices=4\n"):
    tifffile.imwrite("stack.tif", planes[0], description=text, metadata=None, photometric="minisblack")
    with open("stack.tif", "ab") as file:
        file.write(planes[1:].tobytes())
    shape = tifffile.imread("stack.tif").shape
    print(repr(text), shape)
    seen.append(shape)
assert seen == [(9, 7), (4, 9, 7)], seen
P
echo "as found: images= alone gives one plane, images= with slices= gives four"

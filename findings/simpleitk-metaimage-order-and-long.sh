#!/usr/bin/env bash
# SimpleITK 2.5.7: what it makes of MetaImage headers (.mha) whose fields are unusual and valid.
#
# A good guess: of two fields that say the byte order the last one counts, or ElementByteOrderMSB, which speaks of the elements; MET_LONG is 8
# bytes, as a long is where the file was written; a field that nobody defined is dropped.
# Seen: BinaryDataByteOrderMSB counts where both are there, in either order; MET_LONG is 4 bytes, and 8-byte data behind it give every other
# number without a word; an unknown field is kept and written again into the next file.
# Why it matters: values come out wrong silently when a reader goes by the other field or the other width. Names of labels can travel in fields
# of one's own. Lamella does as SimpleITK and keeps its names there (formats/metaimage, docs/guide/volumes.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q SimpleITK==2.5.7 numpy==2.4.6
"$folder/python/bin/python" - "$folder" <<'P'
import sys
from pathlib import Path

import numpy
import SimpleITK as sitk

folder = Path(sys.argv[1])


def read(name, kind, data, *fields):
    """Two voxels behind a header with further fields."""
    lines = ["ObjectType = Image", "NDims = 3", *fields, "BinaryData = True", "DimSize = 2 1 1", "ElementSpacing = 1 1 1"]
    lines += [f"ElementType = {kind}", "ElementDataFile = LOCAL", ""]
    (folder / name).write_bytes("\n".join(lines).encode() + data)
    return sitk.ReadImage(str(folder / name))


def values(image):
    return sitk.GetArrayFromImage(image).ravel().tolist()


big = numpy.array([1, 2], ">i2").tobytes()
for binary, element, seen in [("True", "False", [1, 2]), ("False", "True", [256, 512])]:
    fields = [f"BinaryDataByteOrderMSB = {binary}", f"ElementByteOrderMSB = {element}"]
    for order in (fields, fields[::-1]):
        got = values(read("order.mha", "MET_SHORT", big, *order))
        print(", ".join(order), "->", got)
        assert got == seen
four = read("long.mha", "MET_LONG", numpy.array([1, 2], "<i4").tobytes())
eight = read("long.mha", "MET_LONG", numpy.array([1, 2], "<i8").tobytes())
print("MET_LONG:", four.GetPixelIDTypeAsString(), "4 bytes", values(four), "8 bytes", values(eight))
assert values(four) == [1, 2] and values(eight) == [1, 0]
own = read("own.mha", "MET_SHORT", numpy.array([1, 2], "<i2").tobytes(), "OwnField = two words")
sitk.WriteImage(own, str(folder / "again.mha"))
print("OwnField:", own.GetMetaData("OwnField"), "- written again:", b"OwnField = two words" in (folder / "again.mha").read_bytes())
assert b"OwnField = two words" in (folder / "again.mha").read_bytes()
P

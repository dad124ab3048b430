#!/usr/bin/env bash
# SimpleITK 2.5.7 on an NRRD file whose axes are given by "axis mins" and "axis maxs", without "spacings".
#
# A good guess: the format's definition lets the two fields stand for a spacing, (max - min) / (samples - 1) between centres of nodes, and the
# reader takes the position of the first sample from "axis mins", so it takes the spacing from both.
# Seen: the origin comes from "axis mins", the spacing is 1 mm on every axis, and nothing is said.
# Why it matters: such a scan is measured wrongly by every program on ITK. Lamella computes the spacing from the two fields.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q SimpleITK==2.5.7 pynrrd==1.1.3
cd "$folder"
./python/bin/python - <<'P'
import nrrd, SimpleITK

header = "\n".join([
    "NRRD0004", "type: uint8", "dimension: 3", "sizes: 3 4 5", "encoding: raw",
    "centerings: node node node", "axis mins: -1 -3 10", "axis maxs: 0 3 18", "", "",
])
with open("scan.nrrd", "wb") as file:
    file.write(header.encode() + bytes(range(60)))
image = SimpleITK.ReadImage("scan.nrrd")
print("SimpleITK: spacing", image.GetSpacing(), "origin", image.GetOrigin())
_, fields = nrrd.read("scan.nrrd")
low, high = fields["axis mins"], fields["axis maxs"]
meant = [(b - a) / (n - 1) for a, b, n in zip(low, high, fields["sizes"])]
print("by the two fields: spacing", meant, "first sample at", list(low))
assert meant == [0.5, 2.0, 2.0]
assert image.GetSpacing() == (1.0, 1.0, 1.0), image.GetSpacing()
print("origin is the first sample's:", list(image.GetOrigin()) == list(low))
P
echo "as found: spacing 1 mm, whatever the two fields span"

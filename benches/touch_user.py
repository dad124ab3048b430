#!/usr/bin/env python3
"""How many strokes and slices a user needs until a structure's Dice is 0.90: by brush, by Touch, and by Touch that goes on through slices.

A scripted user sees the truth and always turns to the slice (across the axis of fewest slices with the structure) with the most wrong voxels.
- brush: paints each connected piece of the structure there, exactly, with one stroke a piece; what is painted too much is never there.
- Touch: draws a line through the middle of the structure there; as long as that slice's Dice is below 0.90 and there are no six strokes in
  it, a further line through the middle of the largest wrong piece: on it where it was left out, off it where it is too much.
- Touch + through: the same, but every answer goes on through the slices to half the way to the next slice with strokes (`touch --through`).

The network that comes with the program learned from the CT whose organs are asked for here: those rows say how well it remembers.

Usage: python3 benches/touch_user.py target/release/lamella DATA [--cases 10] > table.md      (DATA: the folder with hippocampus/ and ct/)
"""

import argparse
import json
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import scipy.ndimage

from masks import answer, load

MOST = 60  # strokes, after which the user gives up
ORGANS = (1, 2, 3, 5, 6)  # of the CT: spleen, kidneys, liver, stomach

parser = argparse.ArgumentParser()
parser.add_argument("lamella")
parser.add_argument("data", type=Path)
parser.add_argument("--cases", type=int, default=10)
parser.add_argument("--goal", type=float, default=0.90)
a = parser.parse_args()


def dice(x, y):
    both = np.count_nonzero(x) + np.count_nonzero(y)
    return 2 * np.count_nonzero(x & y) / both if both else 1.0


def pieces(plane):
    found, count = scipy.ndimage.label(plane, np.ones((3, 3)))
    return [found == n + 1 for n in range(count)]


def middle(piece):
    """A line through the middle of a piece, along its longer side: one pixel for each row or column."""
    rows, columns = np.nonzero(piece)
    line = np.zeros_like(piece)
    turned = np.ptp(columns) > np.ptp(rows)
    along, across = (columns, rows) if turned else (rows, columns)
    for at in np.unique(along):
        there = np.sort(across[along == at])
        centre = there[there.size // 2]
        line[(centre, at) if turned else (at, centre)] = True
    return line


def by_brush(truth):
    mask, strokes, slices = np.zeros_like(truth), 0, 0
    while dice(mask, truth) < a.goal:
        worst = int(np.argmax(np.sum(mask != truth, axis=(0, 1))))
        strokes += len(pieces(truth[:, :, worst]))
        mask[:, :, worst] = truth[:, :, worst]
        slices += 1
    return strokes, slices, dice(mask, truth)


def by_touch(image, truth, affine, axis, through, folder):
    marks, mask, strokes, touched = np.zeros(truth.shape, np.uint8), np.zeros_like(truth), 0, set()
    tried = np.zeros(truth.shape[2], int)
    while dice(mask, truth) < a.goal and strokes < MOST:
        wrong = np.sum(mask != truth, axis=(0, 1)).astype(float)
        # Slices that are good, or in which nothing more helps, are left.
        wrong[tried >= 6] = -1
        worst = int(np.argmax(wrong))
        if wrong[worst] <= 0:
            break
        plane, now = truth[:, :, worst], mask[:, :, worst]
        missing, extra = pieces(plane & ~now), pieces(now & ~plane)
        largest = max([(np.count_nonzero(p), 1, p) for p in missing] + [(np.count_nonzero(p), 2, p) for p in extra], key=lambda x: x[:2])
        kind, piece = largest[1], largest[2]
        # A network answers only where something is marked as the structure.
        if kind == 2 and not (marks[:, :, worst] == 1).any() and plane.any():
            kind, piece = 1, max(pieces(plane), key=np.count_nonzero)
        marks[:, :, worst][middle(piece)] = kind
        strokes, tried[worst] = strokes + 1, tried[worst] + 1
        touched.add(worst)
        drawn, out = Path(folder) / "strokes.nii.gz", Path(folder) / "mask.nii.gz"
        if not (marks == 1).any():
            continue
        nibabel.save(nibabel.Nifti1Image(np.moveaxis(marks, 2, axis), affine), drawn)
        answer(a.lamella, "touch", image, "--strokes", drawn, "-o", out, *(["--through"] if through else []))
        mask = np.moveaxis(load(out)[0], axis, 2) > 0
    return strokes, len(touched), dice(mask, truth)


def structures():
    for name in json.loads((a.data / "hippocampus" / "splits.json").read_text())["validation"][: a.cases]:
        image = a.data / "hippocampus" / "imagesTr" / f"{name}.nii.gz"
        labels, affine = load(a.data / "hippocampus" / "labelsTr" / f"{name}.nii.gz")
        yield name, image, labels > 0, affine
    labels, affine = load(a.data / "ct" / "example_seg.nii.gz")
    names = json.loads((a.data / "ct" / "labels.json").read_text())["labels"]
    for value in ORGANS:
        yield names[str(value)], a.data / "ct" / "example_ct_sm.nii.gz", labels == value, affine


print("| structure | brush: strokes, slices | Touch: strokes, slices, Dice | Touch + through: strokes, slices, Dice |\n| --- | --: | --: | --: |")
sums = np.zeros(6)
with tempfile.TemporaryDirectory() as folder:
    for name, image, truth, affine in structures():
        axis = min(range(3), key=lambda axis: np.count_nonzero(truth.any(axis=tuple(x for x in range(3) if x != axis))))
        turned = np.moveaxis(truth, axis, 2)
        canonical = Path(folder) / "image.nii.gz"
        nibabel.save(nibabel.as_closest_canonical(nibabel.load(image)), canonical)
        rows = [by_brush(turned)] + [by_touch(canonical, turned, affine, axis, through, folder) for through in (False, True)]
        sums += [value for row in rows for value in row[:2]]
        cells = [f"{rows[0][0]}, {rows[0][1]}"] + [f"{s}, {n}, {d:.3f}" for s, n, d in rows[1:]]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
print(f"| all | {sums[0]:.0f}, {sums[1]:.0f} | {sums[2]:.0f}, {sums[3]:.0f} | {sums[4]:.0f}, {sums[5]:.0f} |")

#!/usr/bin/env python3
"""How many slices a user must correct, with and without Refine.

A scripted user segments held-back cases with a model, and then corrects one slice after another from the truth: always the
slice with the most wrong voxels. Without Refine the other slices stay as they are; with it the model is adapted to all
corrected slices after each one, and the others are segmented again. Dice of the whole case is the mean over labels. With
--scribbles the user never corrects a slice: in that slice a line one voxel thin goes through the middle of every label, and
another around all of them, two voxels outside; those strokes are all that the model is told.

Usage: python3 benches/refine.py target/release/lamella DATASET MODEL --split FILE [--memory DATASET] [--cases 6] > table.md
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np
import scipy.ndimage

from masks import answer, dice, load

OUTSIDE = 99

parser = argparse.ArgumentParser()
parser.add_argument("lamella")
parser.add_argument("dataset", type=Path)
parser.add_argument("model")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--memory", help="a folder of the model's own training scans, mixed in so that it does not forget")
parser.add_argument("--cases", type=int, default=6)
parser.add_argument("--scribbles", action="store_true", help="strokes in the worst slice instead of correcting it")
parser.add_argument("--most", type=int, default=16, help="most slices that are corrected with Refine")
parser.add_argument("--seconds", default="10")
parser.add_argument("--goal", type=float, default=0.90)
a = parser.parse_args()


def worst(labels, truth, done):
    """The coronal slice (axis 1, from the back) with the most wrong voxels among those not done."""
    wrong = np.sum(labels != truth, axis=(0, 2)).astype(int)
    wrong[list(done)] = -1
    return int(np.argmax(wrong))


def stroke(truth, slice_number, marks):
    """Draws into `marks`, and gives the number of voxels: the labels' own, and OUTSIDE around them."""
    plane, lines = truth[:, slice_number, :].astype(int), np.zeros(truth[:, slice_number, :].shape, int)
    for label in np.unique(plane[plane > 0]):
        for row in range(plane.shape[0]):
            columns = np.flatnonzero(plane[row] == label)
            if columns.size:
                lines[row, columns[columns.size // 2]] = label
    if plane.any():
        distance = scipy.ndimage.distance_transform_edt(plane == 0)
        lines[(distance > 2) & (distance <= 3)] = OUTSIDE
    else:
        lines[:: max(1, plane.shape[0] // 4), :] = OUTSIDE
    marks[:, slice_number, :] = lines
    return int(np.count_nonzero(lines))


rows, times = [], []
names = json.loads(a.split.read_text())["validation"][: a.cases]
for name in names:
    image = a.dataset / "imagesTr" / f"{name}.nii.gz"
    truth, affine = load(a.dataset / "labelsTr" / f"{name}.nii.gz")
    with tempfile.TemporaryDirectory() as folder:
        mask = Path(folder) / "mask.nii.gz"
        answer(a.lamella, "segment", image, "-m", a.model, "-o", mask)
        first, _ = load(mask)
        by_hand, curve = first.copy(), [dice(first, truth)]
        done = []
        while curve[-1] < a.goal and len(done) < truth.shape[1]:
            done.append(worst(by_hand, truth, done))
            by_hand[:, done[-1], :] = truth[:, done[-1], :]
            curve.append(dice(by_hand, truth))
        labels, refined, done = first.copy(), [curve[0]], []
        marks, drawn = np.zeros_like(first), 0
        while refined[-1] < a.goal and len(done) < a.most:
            done.append(worst(labels, truth, done))
            words = ["refine", image, "--labels", mask]
            if a.scribbles:
                drawn += stroke(truth, done[-1], marks)
                nibabel.save(nibabel.Nifti1Image(marks, affine), Path(folder) / "marks.nii.gz")
                words += ["--scribbles", Path(folder) / "marks.nii.gz", "--outside", str(OUTSIDE)]
            else:
                labels[:, done[-1], :] = truth[:, done[-1], :]
                words += ["--axis", "coronal", "--done", ",".join(str(slice + 1) for slice in done)]
            nibabel.save(nibabel.Nifti1Image(labels, affine), mask)
            words += ["-m", a.model, "-o", mask, "--seconds", a.seconds] + (["--memory", a.memory] if a.memory else [])
            started = time.time()
            answer(a.lamella, *words)
            times.append(time.time() - started)
            labels, _ = load(mask)
            own = marks if a.scribbles else truth
            right = [np.where(own[:, s, :] == OUTSIDE, 0, own[:, s, :]) for s in done]
            seen = [marks[:, s, :] > 0 if a.scribbles else np.full(first[:, s, :].shape, True) for s in done]
            same = all(np.array_equal(labels[:, s, :][where], values[where]) for s, values, where in zip(done, right, seen))
            assert same, "what was said to be right was changed"
            refined.append(dice(labels, truth))
    rows.append((name, curve, refined))
    short = lambda values: " ".join(f"{v:.3f}" for v in values)
    print(f"{name}\n  by hand {short(curve)}\n  refined {short(refined)}{f', {drawn} voxels scribbled' if drawn else ''}", flush=True)

print("\n| case | Dice at first | slices by hand | slices with Refine |\n| --- | --: | --: | --: |")
for name, curve, refined in rows:
    reached = str(len(refined) - 1) if refined[-1] >= a.goal else f"{len(refined) - 1}, {refined[-1]:.3f} reached"
    print(f"| {name} | {curve[0]:.3f} | {len(curve) - 1} | {reached} |")
hand, with_it = sum(len(c) - 1 for _, c, _ in rows), sum(len(r) - 1 for _, _, r in rows)
if times:
    print(f"\nTo {a.goal}: {hand} slices by hand, {with_it} with Refine; a Refine took {np.median(times):.1f} s, at most {max(times):.1f} s.")

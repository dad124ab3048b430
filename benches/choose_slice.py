#!/usr/bin/env python3
"""Which slice to correct next: the one the model is most unsure of, or any that shows something.

A scripted user corrects coronal slices of held-back cases from the truth, with a Refine after each. The first is the middle of
what the model found; the next ones are chosen by the adapted model's doubt, or at random among the slices in which the mask
has labels (three draws). Dice of the whole case is the mean over labels.

Usage: python3 benches/choose_slice.py target/release/lamella DATASET MODEL --split FILE [--cases 4] [--slices 4]
"""

import argparse
import json
import random
import statistics
import tempfile
from pathlib import Path

import nibabel

from masks import answer, dice, load

parser = argparse.ArgumentParser()
parser.add_argument("lamella")
parser.add_argument("dataset", type=Path)
parser.add_argument("model")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--cases", type=int, default=4)
parser.add_argument("--slices", type=int, default=4)
parser.add_argument("--draws", type=int, default=3)
parser.add_argument("--seconds", default="8")
a = parser.parse_args()


def shown(labels, done):
    return [s for s in range(labels.shape[1]) if s not in done and labels[:, s, :].any()]


curves = {"doubt": [], "random": []}
for name in json.loads(a.split.read_text())["validation"][: a.cases]:
    image = a.dataset / "imagesTr" / f"{name}.nii.gz"
    truth, affine = load(a.dataset / "labelsTr" / f"{name}.nii.gz")
    with tempfile.TemporaryDirectory() as folder:
        mask = Path(folder) / "mask.nii.gz"
        answer(a.lamella, "segment", image, "-m", a.model, "-o", mask)
        first, _ = load(mask)
        for way, draw in [("doubt", 0)] + [("random", n) for n in range(a.draws)]:
            rng = random.Random(1000 * draw + 7)
            labels, done, curve = first.copy(), [], [dice(first, truth)]
            slices = shown(first, [])
            following = slices[len(slices) // 2]
            while len(done) < a.slices:
                done.append(following)
                labels[:, following, :] = truth[:, following, :]
                nibabel.save(nibabel.Nifti1Image(labels, affine), mask)
                words = ["--labels", mask, "--axis", "coronal", "--done", ",".join(str(slice + 1) for slice in done)]
                words += ["-m", a.model, "-o", mask, "--seconds", a.seconds]
                told = answer(a.lamella, "refine", image, *words)
                labels, _ = load(mask)
                curve.append(dice(labels, truth))
                following = told["most_unsure"] - 1 if way == "doubt" else rng.choice(shown(labels, done))
            curves[way].append(curve)
            print(name, way, draw, " ".join(f"{v:.3f}" for v in curve), flush=True)

print("\n| slices corrected | " + " | ".join(map(str, range(a.slices + 1))) + " |\n| --- |" + " --: |" * (a.slices + 1))
for way, all_curves in curves.items():
    print(f"| {way} | " + " | ".join(f"{statistics.mean(c):.3f}" for c in zip(*all_curves)) + " |")

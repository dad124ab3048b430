#!/usr/bin/env python3
"""ISBI-2012 (neuronal membranes in electron microscopy): errors of a model on the held-back sections.

The three measures of the challenge (https://imagej.net/events/isbi-2012-segmentation-challenge; Arganda-Carreras et al., Front.
Neuroanat. 9:142, 2015), each at the threshold of the cells' probability that is best for it, and at 0.5:

- pixel error: 1 - F-score of the pixels, with membranes and with cells as the positive class, and the share of wrong pixels;
- Rand error: 1 - F-score of the Rand index restricted to the truth's cells (4-connected); membranes of the proposal count as
  regions of one pixel;
- Dice of either class at 0.5.

Usage: python3 benches/isbi2012.py target/release/lamella MODEL images labels splits.json
Needs numpy, scipy and nibabel. The data are for non-commercial use: nothing that learned from them is shipped.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

lamella, model, images, labels, splits = sys.argv[1:]
names = json.loads(Path(splits).read_text())["validation"]
THRESHOLDS = np.arange(0.05, 0.951, 0.05)


def load(path):
    """Rows and columns of a single slice, whatever its orientation."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    return np.asarray(image.dataobj)[::-1, ::-1, 0].T


def f_score(found, truth):
    both = np.sum(found & truth)
    return 2 * both / max(np.sum(found) + np.sum(truth), 1)


def rand_error(cells, truth):
    proposal, original = ndimage.label(cells)[0].ravel(), ndimage.label(truth)[0].ravel()
    kept = original > 0
    proposal, original = proposal[kept], original[kept]
    n = len(original)
    pairs = np.unique(proposal.astype(np.int64) * (original.max() + 1) + original, return_counts=True)
    of_proposal, counts = pairs[0] // (original.max() + 1), pairs[1].astype(float)
    inside = of_proposal > 0
    single = counts[~inside].sum()
    together = np.sum(counts[inside] ** 2) + single
    by_original = np.sum(np.bincount(original).astype(float) ** 2)
    by_proposal = np.sum(np.bincount(proposal[proposal > 0]).astype(float) ** 2) + single
    precision, recall = together / by_proposal, together / by_original
    assert n > 0
    return 1 - 2 * precision * recall / (precision + recall)


rows = {"pixel, membrane": [], "pixel, cell": [], "wrong pixels": [], "Rand": []}
dice = []
with tempfile.TemporaryDirectory() as folder:
    for name in names:
        mask = Path(folder) / f"{name}.nii.gz"
        words = [lamella, "segment", f"{images}/{name}.png", "-m", model, "-o", mask, "--probabilities", "--json"]
        done = json.loads(subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True).stdout)
        p = load(done["masks"][0]["probabilities"][0])
        truth_file = Path(folder) / f"{name}_truth.nii.gz"
        subprocess.run([lamella, "convert", f"{labels}/{name}.png", "-o", truth_file], check=True, capture_output=True)
        truth = load(truth_file) > 0
        each = {key: [] for key in rows}
        for threshold in [*THRESHOLDS, 0.5]:
            cells = p > threshold
            each["pixel, membrane"].append(1 - f_score(~cells, ~truth))
            each["pixel, cell"].append(1 - f_score(cells, truth))
            each["wrong pixels"].append(np.mean(cells != truth))
            each["Rand"].append(rand_error(cells, truth))
        for key, values in each.items():
            rows[key].append(values)
        dice.append([f_score(~(p > 0.5), ~truth), f_score(p > 0.5, truth)])

print(f"{len(names)} held-back sections: {', '.join(names)}\n")
print("| error | at 0.5 | best threshold | there |\n| --- | --: | --: | --: |")
for key, values in rows.items():
    mean = np.mean(values, axis=0)
    best = int(np.argmin(mean[:-1]))
    print(f"| {key} | {mean[-1]:.4f} | {THRESHOLDS[best]:.2f} | {mean[best]:.4f} |")
membrane, cell = np.mean(dice, axis=0)
print(f"\nDice at 0.5: membrane {membrane:.4f}, cell {cell:.4f}")

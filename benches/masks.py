"""Masks as arrays, and the program's answers, for the benches that correct scans from their truth."""

import json
import subprocess

import nibabel
import numpy as np


def answer(lamella, *words):
    """What the program prints with `--json`."""
    words = [lamella, *map(str, words), "--json"]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def load(path):
    """Labels in RAS order, and their affine."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    return np.asarray(image.dataobj).astype(np.uint8), image.affine


def dice(labels, truth):
    """Mean over the truth's labels."""
    values = [2 * np.sum((labels == v) & (truth == v)) / (np.sum(labels == v) + np.sum(truth == v)) for v in np.unique(truth)[1:]]
    return float(np.mean(values))

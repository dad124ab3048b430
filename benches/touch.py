#!/usr/bin/env python3
"""Strokes to masks: `lamella touch` over a folder of pictures with strokes, beside GrowCut (Vezhnevets and Konouchine 2005).

    python benches/touch.py FOLDER [--lamella target/release/lamella] [--model FILE] [--method network|grow] [--out FOLDER]

FOLDER holds SET/CASE/ with `image.png`, `mask.png` (other than 0 is the structure) and `scribble_0.png`, `scribble_1.png` ... (1 on the
structure, 2 off it). Prints the mean Dice over all strokes and by set, and the milliseconds of an answer without reading files. All pictures
go through one run of the program. With --out the masks stay there as SET/CASE/N.png.

Needs numpy and pillow.
"""
import argparse
import csv
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image


def read(path):
    return np.asarray(Image.open(path))


def cases(folder):
    """Every picture with strokes: its folder relative to FOLDER, and the number of the strokes."""
    for image in sorted(folder.rglob("image.png")):
        for strokes in sorted(image.parent.glob("scribble_*.png")):
            yield image.parent.relative_to(folder), strokes.stem.split("_")[1]


def dice(a, b):
    total = a.sum() + b.sum()
    return 1.0 if total == 0 else 2.0 * (a & b).sum() / total


def grow_cut(image, strokes, most=400):
    """Strokes fight for their neighbours; what has won is as strong as its attacker, less by the change of grey."""
    owner, strength = strokes.astype(np.int8), (strokes > 0).astype(float)
    for _ in range(most):
        changed = False
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            attack = np.roll(strength, step, axis) * (1 - np.abs(np.roll(image, step, axis) - image))
            border = [slice(None)] * 2
            border[axis] = 0 if step == 1 else -1
            attack[tuple(border)] = 0
            wins = attack > strength + 1e-9
            changed |= bool(wins.any())
            owner = np.where(wins, np.roll(owner, step, axis), owner)
            strength = np.where(wins, attack, strength)
        if not changed:
            break
    return owner == 1


def lamella(args, folder, out):
    """The masks of the program, and its seconds for each."""
    rows = [
        {"image": folder / case / "image.png", "strokes": folder / case / f"scribble_{n}.png", "output": out / case / f"{n}.png"}
        for case, n in cases(folder)
    ]
    for row in rows:
        row["output"].parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
        writer = csv.DictWriter(file, ["image", "strokes", "output"])
        writer.writeheader()
        writer.writerows(rows)
        file.flush()
        words = [args.lamella, "touch", "--list", file.name, "--method", args.method, "--json"]
        if args.model:
            words += ["--model", args.model]
        told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return [(read(row["output"]) > 0, answer["seconds"]) for row, answer in zip(rows, told)]


def report(name, found):
    sets = {}
    for (case, _), score, _ in found:
        sets.setdefault(case.parts[0], []).append(score)
    mean = np.mean([score for _, score, _ in found])
    milliseconds = 1000 * np.median([seconds for *_, seconds in found])
    by_set = ", ".join(f"{name} {np.mean(scores):.3f}" for name, scores in sorted(sets.items()))
    print(f"{name:10s} Dice {mean:.4f}, {milliseconds:.0f} ms ({by_set})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lamella", default="target/release/lamella")
    parser.add_argument("--model")
    parser.add_argument("--method", default="network", choices=["network", "grow"])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    known = list(cases(args.folder))
    truth = {case: read(args.folder / case / "mask.png") > 0 for case, _ in known}
    with tempfile.TemporaryDirectory() as scratch:
        answers = lamella(args, args.folder, args.out or Path(scratch))
    report(args.method, [(key, dice(mask, truth[key[0]]), seconds) for key, (mask, seconds) in zip(known, answers)])
    classical = []
    for case, n in known:
        image = read(args.folder / case / "image.png").astype(float)
        image = (image - image.min()) / max(image.max() - image.min(), 1e-9)
        start = time.perf_counter()
        mask = grow_cut(image, read(args.folder / case / f"scribble_{n}.png"))
        classical.append(((case, n), dice(mask, truth[case]), time.perf_counter() - start))
    report("GrowCut", classical)


if __name__ == "__main__":
    main()

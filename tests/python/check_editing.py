#!/usr/bin/env python3
"""Checks operations on labels against numpy, scipy, SimpleITK and cc3d, on real label maps.

    python check_editing.py LAMELLA_BINARY TEST_DATA [NAME ...]

Every check is a function in CHECKS; names choose some of them. It prints what matched, and exits with 1 where something failed.
"""
import json, subprocess, sys, tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

counts = {}
current = ""


def check(name, condition, told=""):
    counts.setdefault(current, [0, 0])[0 if condition else 1] += 1
    if not condition:
        print(f"FAILED {current}: {name}: {told}")


def lamella(*words):
    return subprocess.run([sys.argv[1], *map(str, words)], capture_output=True, text=True)


def read(path):
    """The voxels of a file, indexed [k, j, i]."""
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def edit(mask, *steps, label=None, image=None, slice=None):
    """The voxels after operations on a mask file, and what the command said; None where it failed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.nii.gz"
        words = ["edit", mask, "-o", out, "--json"]
        for step in steps:
            words += ["--do", step]
        for name, value in (("--label", label), ("--image", image), ("--slice", slice)):
            if value is not None:
                words += [name, value]
        done = lamella(*words)
        if done.returncode:
            return None, done.stderr.strip()
        return read(out), json.loads(done.stdout)


def same(name, ours, truth, told=""):
    """Whether voxels are the same, to the last one."""
    if ours is None:
        return check(name, False, told)
    differ = int(np.count_nonzero(ours != truth)) if ours.shape == truth.shape else "shapes"
    check(name, differ == 0, f"{differ} voxels differ")


def made(folder, name, voxels, spacing=(0.8, 0.8, 3.0)):
    """A mask file of voxels [k, j, i]; spacing is along i, j, k."""
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    path = Path(folder) / f"{name}.nii.gz"
    sitk.WriteImage(image, str(path))
    return path


def hippocampus(data, count=6):
    """Some real label maps: labels 1 and 2 touch."""
    files = sorted((data / "hippocampus/labelsTr").glob("*.nii.gz"))
    return files[:: max(1, len(files) // count)][:count]


def logic(data, folder):
    for file in hippocampus(data):
        before = read(file)
        one, two = before == 1, before == 2
        for step, truth in (
            ("add-label label=2", np.where(two, 1, before)),
            ("move-to-label label=2", np.where(one, 2, before)),
            ("move-to-label label=9", np.where(one, 9, before)),
            ("exchange label=2", np.where(one, 2, np.where(two, 1, before))),
            ("invert", np.where(one, 0, np.where(before == 0, 1, before))),
            ("clear", np.where(one, 0, before)),
        ):
            ours, told = edit(file, step, label=1)
            same(f"{file.name} {step}", ours, truth, told)
        middle = before.shape[0] // 2
        part = before.copy()
        part[middle][one[middle]] = 0
        ours, told = edit(file, "clear", label=1, slice=f"axial:{middle + 1}")
        same(f"{file.name} one slice", ours, part, told)
        ours, told = edit(file, "exchange label=2", "exchange label=2", label=1)
        same(f"{file.name} there and back", ours, before, told)


CHECKS = [logic]


def main():
    global current
    data, wanted = Path(sys.argv[2]) / "data", sys.argv[3:]
    for subject in CHECKS:
        if wanted and subject.__name__ not in wanted:
            continue
        current = subject.__name__
        with tempfile.TemporaryDirectory() as folder:
            subject(data, Path(folder))
        matched, failed = counts.get(current, [0, 0])
        print(f"{current}: {matched} matched, {failed} failed", flush=True)
        if matched + failed == 0:
            counts[current] = [0, 1]
            print(f"FAILED {current}: nothing was checked")
    sys.exit(1 if any(failed for _, failed in counts.values()) else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Checks operations on labels against numpy, scipy, SimpleITK and cc3d, on real label maps.

    python check_editing.py LAMELLA_BINARY TEST_DATA [NAME ...]

Every check is a function in CHECKS; names choose some of them. It prints what matched, and exits with 1 where something failed.
"""
import json, subprocess, sys, tempfile
from pathlib import Path

import cc3d
import numpy as np
import SimpleITK as sitk
from scipy import ndimage

import check_morphology

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
        other = np.roll(before, 3, axis=2)
        path, image = folder / "other.nii.gz", sitk.ReadImage(str(file))
        moved = sitk.GetImageFromArray(other)
        moved.CopyInformation(image)
        sitk.WriteImage(moved, str(path))
        there, free = other == 2, (before == 0) | one
        for mode, truth in (
            ("union", np.where((before == 0) & there, 1, before)),
            ("intersection", np.where(one & ~there, 0, before)),
            ("difference", np.where(one & there, 0, before)),
            ("copy", np.where(free, there.astype(before.dtype), before)),
        ):
            ours, told = edit(file, f"combine with={path}#2 mode={mode}", label=1)
            same(f"{file.name} {mode}", ours, truth, told)
        ours, told = edit(file, "exchange label=2", "exchange label=2", label=1)
        same(f"{file.name} there and back", ours, before, told)


def speckled(data, folder):
    """Label maps with many islands and holes, from ranges of real images: label 1 beside label 2, in two scans."""
    found = []
    for name, path, ranges in (
        ("ct", data / "ct/example_ct_sm.nii.gz", ((40, 80), (80, 130))),
        ("mr", sorted((data / "hippocampus/imagesTr").glob("*.nii.gz"))[0], ((0.4, 0.5), (0.5, 0.6))),
    ):
        image = sitk.ReadImage(str(path))
        values = sitk.GetArrayFromImage(image)
        if name == "mr":
            ranges = [np.quantile(values, part) for part in ranges]
        voxels = np.zeros(values.shape, np.uint16)
        for label, (low, high) in enumerate(ranges, 1):
            voxels[(values >= low) & (values < high)] = label
        out = sitk.GetImageFromArray(voxels)
        out.CopyInformation(image)
        path = folder / f"speckled_{name}.nii.gz"
        sitk.WriteImage(out, str(path))
        found.append(path)
    return found


def ordered(mask, connectivity):
    """The islands of a mask, largest first, of equal ones the first in scan order; each as a mask of numbers, 0 outside."""
    numbers, count = cc3d.connected_components(mask, connectivity=connectivity, return_N=True)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    first = np.full(count, mask.size)
    places = np.flatnonzero(numbers)
    np.minimum.at(first, numbers.ravel()[places] - 1, places)
    order = sorted(range(count), key=lambda n: (-sizes[n], first[n]))
    rank = np.zeros(count + 1, np.int64)
    rank[np.array(order, int) + 1] = np.arange(1, count + 1)
    return rank[numbers], sizes[order]


def islands(data, folder):
    for file in speckled(data, folder) + hippocampus(data, 3):
        before = read(file)
        volume = float(np.prod(sitk.ReadImage(str(file)).GetSpacing()))
        for label in (1, 2):
            mask = (before == label).astype(np.uint8)
            for connectivity in (6, 26):
                ranks, sizes = ordered(mask, connectivity)
                name, given = f"{file.name} {label} {connectivity}", f"neighbours={connectivity}"
                for keep in (1, 2, 7):
                    ours, told = edit(file, f"keep-largest-islands keep={keep} {given}", label=label)
                    same(f"{name} keep {keep}", ours, np.where(ranks > keep, 0, before), told)
                # At the size of an island, one below and one above it; then the same in mm3 and mL.
                size = int(sizes[len(sizes) // 20])
                for below in (size - 1, size, size + 1):
                    truth = np.where((ranks > 0) & (np.append(0, sizes)[ranks] < below), 0, before)
                    ours, told = edit(file, f"remove-small-islands below={below} {given}", label=label)
                    same(f"{name} below {below}", ours, truth, told)
                    for unit, each in (("mm3", volume), ("ml", volume / 1000)):
                        step = f"remove-small-islands below={below * each!r} unit={unit} {given}"
                        ours, told = edit(file, step, label=label)
                        same(f"{name} below {below} {unit}", ours, truth, told)
                ours, told = edit(file, f"split-islands most=5 {given}", label=label)
                new = np.where((ranks > 1) & (ranks <= 5), int(before.max()) + ranks - 1, before)
                same(f"{name} split", ours, new, told)
                at = np.argwhere(ranks == min(3, len(sizes)))[0]
                seed = ",".join(map(str, at[::-1]))
                ours, told = edit(file, f"keep-island at={seed} {given}", label=label)
                same(f"{name} keep at", ours, np.where((ranks > 0) & (ranks != ranks[tuple(at)]), 0, before), told)
                ours, told = edit(file, f"remove-island at={seed} {given}", label=label)
                same(f"{name} remove at", ours, np.where(ranks == ranks[tuple(at)], 0, before), told)
        # SimpleITK joins labels that touch, so it is given one label; it has faces by default and gives the largest 1.
        largest = sitk.RelabelComponent(sitk.ConnectedComponent(sitk.GetImageFromArray((before == 1).astype(np.uint8))))
        ours, told = edit(file, "keep-largest-islands", label=1)
        same(f"{file.name} SimpleITK", ours == 1 if ours is not None else None, sitk.GetArrayFromImage(largest) == 1, told)
        # All labels at once are each label alone.
        both, told = edit(file, "keep-largest-islands", label="all")
        one, _ = edit(file, "keep-largest-islands", label=1)
        two, _ = edit(file, "keep-largest-islands", label=2)
        same(f"{file.name} all", both, np.where(before == 1, one, np.where(before == 2, two, before)), told)
        # A slice alone: 8 neighbours in it.
        middle = before.shape[0] // 2
        truth = before.copy()
        truth[middle][ordered((before[middle] == 1).astype(np.uint8), 8)[0] > 1] = 0
        ours, told = edit(file, "keep-largest-islands neighbours=26", label=1, slice=f"axial:{middle + 1}")
        same(f"{file.name} slice", ours, truth, told)
    ours, told = edit(speckled(data, folder)[0], "keep-island at=0,0,0", label=1)
    check("a seed beside the label changes nothing and says why", ours is not None and told["steps"][0]["notes"], told)


def holes_of(labels, selected):
    """Background closed off from the border, by faces; it goes to the label that most of its faces touch."""
    filled = labels.copy()
    numbers, count = ndimage.label(labels == 0)
    thick = [axis for axis in range(labels.ndim) if labels.shape[axis] > 1]
    edge = [np.unique(np.take(numbers, end, axis)) for axis in thick for end in (0, -1)]
    inside = np.setdiff1d(np.arange(1, count + 1), np.concatenate(edge))
    if not len(inside):
        return filled
    faces = np.zeros((count + 1, int(labels.max()) + 1), np.int64)
    for axis in range(labels.ndim):
        for a, b in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            own = np.moveaxis(numbers, axis, 0)[a].ravel()
            other = np.moveaxis(labels, axis, 0)[b].ravel()
            met = (own > 0) & (other > 0)
            np.add.at(faces, (own[met], other[met]), 1)
    owner = faces.argmax(axis=1)
    is_filled = np.zeros(count + 1, bool)
    is_filled[inside] = np.isin(owner[inside], selected)
    return np.where(is_filled[numbers], owner[numbers], filled)


def holes(data, folder):
    for file in speckled(data, folder) + hippocampus(data, 3):
        before = read(file)
        for selected in ([1], [2], [1, 2]):
            label = "all" if len(selected) > 1 else selected[0]
            ours, told = edit(file, "fill-holes", label=label)
            same(f"{file.name} {label}", ours, holes_of(before, selected), told)
        for axis, plane in ((0, "axial"), (1, "coronal"), (2, "sagittal")):
            slices = [holes_of(np.take(before, n, axis), [1]) for n in range(before.shape[axis])]
            ours, told = edit(file, f"fill-holes-in-slices plane={plane}", label=1)
            same(f"{file.name} {plane}", ours, np.stack(slices, axis), told)
        # One label alone: what SimpleITK fills, by faces.
        alone = sitk.ReadImage(str(file)) == 1
        path = folder / "alone.nii.gz"
        sitk.WriteImage(alone, str(path))
        ours, told = edit(path, "fill-holes")
        same(f"{file.name} SimpleITK", ours, sitk.GetArrayFromImage(sitk.BinaryFillhole(alone, fullyConnected=False)), told)
    box = np.zeros((7, 9, 9), np.uint8)
    box[1:6, 1:8, 1:8] = 1
    box[2:5, 2:7, 2:7] = 0
    open_tube, corner, inner, edge, full = (box.copy() for _ in range(5))
    open_tube[1:6, 4, 4] = 0
    corner[1, 1, 1] = 0
    inner[3, 4, 4] = 2
    edge = box[2:]
    full[1:6, 1:8, 1:8] = 1
    without_corner = full.copy()
    without_corner[1, 1, 1] = 0
    for name, voxels, truth in (
        ("closed", box, full),
        ("a tube open along z", open_tube, open_tube),
        ("a missing corner", corner, without_corner),
        ("another label inside", inner, np.where(inner == 2, 2, full)),
        ("a cavity that reaches the border", edge, edge),
        ("a label of 300", box.astype(np.uint16) * 300, full.astype(np.uint16) * 300),
    ):
        ours, told = edit(made(folder, "box", voxels), "fill-holes", label="all")
        same(name, ours, truth, told)


def threshold(data, folder):
    scan, mask = data / "ct/example_ct_sm.nii.gz", None
    image = sitk.ReadImage(str(scan))
    values = sitk.GetArrayFromImage(image)
    mask = speckled(data, folder)[0]
    before = read(mask)
    for low, high in ((40, 80), (-1000, -200), (79.5, 80), (80, 80), (5000, 6000)):
        within = (values >= low) & (values <= high)
        free = (before == 0) | (before == 1)
        for mode, truth in (
            ("replace", np.where(free, within.astype(before.dtype), before)),
            ("add", np.where((before == 0) & within, 1, before)),
            ("keep", np.where((before == 1) & ~within, 0, before)),
        ):
            ours, told = edit(mask, f"threshold low={low} high={high} mode={mode}", label=1, image=scan)
            same(f"{low} {high} {mode}", ours, truth, told)
    for step, image, said in (
        ("threshold low=2 high=1", scan, "not below the lower end"),
        ("threshold low=1 high=2", None, "--image"),
        ("threshold low=1", scan, "high is missing"),
    ):
        ours, told = edit(mask, step, label=1, image=image)
        check(step, ours is None and said in told, told)


def with_tools(check):
    """A check of another file, which is given what this one has."""

    def run(data, folder):
        check(data, folder, (edit, read, same, made, hippocampus))

    run.__name__ = check.__name__
    return run


CHECKS = [logic, islands, holes, threshold]
CHECKS += [with_tools(check) for check in check_morphology.CHECKS]


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

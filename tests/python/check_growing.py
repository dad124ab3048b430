#!/usr/bin/env python3
"""Region growing and Otsu's threshold against SimpleITK and scikit-image, voxel by voxel, on real CT and MR; strokes against their truth.

    python check_growing.py LAMELLA_BINARY TEST_DATA [NAME ...]

Images are handed to SimpleITK as double precision: it cuts the fraction of a bound off where an image has whole numbers.
"""
import subprocess, sys, time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

import check_editing
from check_editing import check, edit, read, same

SCANS = ("ct/example_ct_sm.nii.gz", "ct/example_mr_sm.nii.gz", "hippocampus/imagesTr/hippocampus_001.nii.gz")


def scans(data, folder):
    """Scans as doubles, with an empty mask on their grid."""
    for name in SCANS:
        path = data / name
        if not path.exists():
            path = sorted(path.parent.glob("*.nii.gz"))[0]
        image = sitk.Cast(sitk.ReadImage(str(path)), sitk.sitkFloat64)
        mask = folder / f"{path.name}_mask.nii.gz"
        empty = sitk.Image(image.GetSize(), sitk.sitkUInt8)
        empty.CopyInformation(image)
        sitk.WriteImage(empty, str(mask))
        yield path, image, mask


def seeds(image, count=4):
    """Voxels in the middle half of a scan, the same in every run."""
    draw = np.random.default_rng(7)
    size = image.GetSize()
    return [tuple(int(draw.integers(n // 4, max(n // 4 + 1, 3 * n // 4))) for n in size) for _ in range(count)]


def written(seed):
    return ",".join(map(str, seed))


def connected(data, folder):
    for path, image, mask in scans(data, folder):
        values = sitk.GetArrayViewFromImage(image)
        spread = float(values.std())
        for seed in seeds(image):
            value = image[seed]
            # A bound on the seed's own value belongs to it; the other one lies between values.
            for low, high in ((value - spread / 3, value), (value, value + spread / 2), (value - spread / 4 + 0.25, value + spread / 4 + 0.25)):
                wanted = sitk.GetArrayFromImage(sitk.ConnectedThreshold(image, [seed], low, high, 1))
                ours, told = edit(mask, f"grow-threshold seed={written(seed)} low={low!r} high={high!r}", label=1, image=path)
                same(f"{path.name} {seed} {low} {high}", ours, wanted, told)
        seed = seeds(image)[0]
        low = image[seed] + 1.0
        ours, told = edit(mask, f"grow-threshold seed={written(seed)} low={low!r} high={low + spread!r}", label=1, image=path)
        said = ours is not None and not ours.any() and any("so nothing grew" in note for note in told["steps"][0]["notes"])
        check(f"{path.name} says why nothing grew", said, told)


def confidence(data, folder):
    for path, image, mask in scans(data, folder):
        for seed in seeds(image):
            for rounds, factor, radius in ((0, 2.5, 1), (1, 2.5, 1), (4, 2.5, 1), (4, 4.5, 1), (2, 1.5, 3)):
                wanted = sitk.ConfidenceConnected(image, [seed], rounds, factor, radius, 1)
                step = f"grow-confidence seed={written(seed)} rounds={rounds} factor={factor} radius={radius}"
                ours, told = edit(mask, step, label=1, image=path)
                same(f"{path.name} {step}", ours, sitk.GetArrayFromImage(wanted), told)
        # At the border of the volume the border's values count again.
        corner = (0, 0, image.GetSize()[2] - 1)
        wanted = sitk.GetArrayFromImage(sitk.ConfidenceConnected(image, [corner], 2, 2.0, 2, 1))
        ours, told = edit(mask, f"grow-confidence seed={written(corner)} rounds=2 factor=2 radius=2", label=1, image=path)
        same(f"{path.name} at the border", ours, wanted, told)


def neighbourhood(data, folder):
    """SimpleITK takes a seed whose own box leaves the bounds, and goes on from it; here nothing grows, and the reason is given."""
    for path, image, mask in scans(data, folder):
        values = sitk.GetArrayFromImage(image)
        spread = float(values.std())
        for seed in seeds(image):
            value = image[seed]
            for radius, reach in ((1, spread), (2, 2 * spread), (1, spread / 2), (1, 3 * spread)):
                low, high = value - reach, value + reach
                step = f"grow-neighbourhood seed={written(seed)} low={low!r} high={high!r} radius={radius} grow-back="
                ours, told = edit(mask, step + "no", label=1, image=path)
                box = values[tuple(slice(max(0, at - radius), at + radius + 1) for at in reversed(seed))]
                if box.min() < low or box.max() > high:
                    said = ours is not None and not ours.any() and "click further inside" in told["steps"][0]["notes"][0]
                    check(f"{path.name} {step} says why nothing grew", said, told)
                    continue
                wanted = sitk.NeighborhoodConnected(image, [seed], low, high, [radius] * 3, 1)
                same(f"{path.name} {step}", ours, sitk.GetArrayFromImage(wanted), told)
                back = sitk.BinaryDilate(wanted, [radius] * 3, sitk.sitkBox)
                ours, told = edit(mask, step + "yes", label=1, image=path)
                same(f"{path.name} {step}back", ours, sitk.GetArrayFromImage(back), told)


def otsu(data, folder):
    from skimage.filters import threshold_otsu

    for path, image, mask in scans(data, folder):
        stored = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        # A bin for every value of whole numbers, else 256.
        values = stored if stored.dtype.kind in "iu" else stored.astype(np.float64)
        bright = (values > threshold_otsu(values)).astype(np.uint8)
        for side, wanted in (("bright", bright), ("dark", 1 - bright)):
            ours, told = edit(mask, f"threshold-otsu side={side}", label=1, image=path)
            same(f"{path.name} {side}", ours, wanted, told)


def other_labels(data, folder):
    """What grows goes around nothing, and paints over nothing."""
    for path, image, _ in scans(data, folder):
        voxels = np.zeros(sitk.GetArrayViewFromImage(image).shape, np.uint8)
        voxels[:, :, : voxels.shape[2] // 2] = 7
        part = sitk.GetImageFromArray(voxels)
        part.CopyInformation(image)
        mask = folder / "part.nii.gz"
        sitk.WriteImage(part, str(mask))
        seed = seeds(image)[0]
        spread = float(sitk.GetArrayViewFromImage(image).std())
        low, high = image[seed] - spread, image[seed] + spread
        grown = sitk.GetArrayFromImage(sitk.ConnectedThreshold(image, [seed], low, high, 1))
        ours, told = edit(mask, f"grow-threshold seed={written(seed)} low={low!r} high={high!r}", label=1, image=path)
        same(f"{path.name} beside another label", ours, np.where((voxels == 0) & (grown == 1), 1, voxels), told)


def scribbles(data, folder):
    """Masks from the strokes of people: mean Dice at least that of GrowCut (0.705)."""
    from skimage.io import imread

    scores, seconds = {}, []
    root = data / "medscribble"
    for image in sorted(root.glob("*/*/image.png")):
        truth = imread(image.with_name("mask.png")) > 0
        for n in range(3):
            out = Path(folder) / image.parent.relative_to(root) / f"{n}.nii.gz"
            out.parent.mkdir(parents=True, exist_ok=True)
            start = time.perf_counter()
            words = [sys.argv[1], "touch", image, "--strokes", image.with_name(f"scribble_{n}.png"), "-o", out, "--method", "grow"]
            done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
            seconds.append(time.perf_counter() - start)
            if done.returncode:
                check(f"{out.parent} {n}", False, done.stderr)
                continue
            ours = read(out)[0] > 0
            scores.setdefault(image.parts[-3], []).append(2.0 * (ours & truth).sum() / (ours.sum() + truth.sum()))
    mean = np.mean([score for values in scores.values() for score in values])
    told = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in scores.items())
    print(f"strokes to masks: mean Dice {mean:.4f} ({told}), median {1000 * np.median(seconds):.0f} ms with starting and files")
    check("mean Dice", mean >= 0.705, mean)


if __name__ == "__main__":
    check_editing.CHECKS[:] = [connected, confidence, neighbourhood, otsu, other_labels, scribbles]
    check_editing.main()

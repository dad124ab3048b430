#!/usr/bin/env python3
"""Fill between slices against ITK's morphological contour interpolation, on hippocampus label maps of which two of three slices are taken away.

    python check_fill_between.py LAMELLA_BINARY TEST_DATA

Needs numpy, SimpleITK, itk, itk-morphologicalcontourinterpolation. Theirs runs one label at a time, each in a process of its own: it ends
abnormally at times. It prints the mean Dice to the truth of both, and exits with 1 where ours is lower or a drawn slice changed.
"""
import multiprocessing, subprocess, sys, tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

SEED, MAPS, STEP = 25, 20, 3
# Axes of an array [k, j, i].
PLANES = {"axial": 0, "coronal": 1, "sagittal": 2}
failed = []


def check(name, condition, told=""):
    if not condition:
        failed.append(name)
        print(f"FAILED {name}: {told}")


def dice(a, b):
    total = a.sum() + b.sum()
    return 1.0 if total == 0 else 2.0 * (a & b).sum() / total


def every(mask, axis, keep):
    """Only some of the slices that hold anything, counted from the first of them."""
    thin = np.zeros_like(mask)
    held = np.flatnonzero(mask.any(tuple(a for a in range(3) if a != axis)))
    for at in held:
        if keep(at - held[0]) or at == held[-1] and keep is not third:
            here = tuple(at if a == axis else slice(None) for a in range(3))
            thin[here] = mask[here]
    return thin


def third(n):
    return n % STEP == 0


def ours(mask, like, folder, plane, method="distance", label=1):
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.CopyInformation(like)
    before, after = Path(folder) / "before.nii.gz", Path(folder) / "after.nii.gz"
    sitk.WriteImage(image, str(before))
    step = f"fill-between plane={plane} method={method}"
    done = subprocess.run([sys.argv[1], "edit", before, "-o", after, "--label", str(label), "--do", step], capture_output=True, text=True)
    if done.returncode:
        check("lamella edit", False, done.stderr)
        return mask
    return sitk.GetArrayFromImage(sitk.ReadImage(str(after)))


def theirs(mask, axis):
    """ITK's answer, or None where its process ended."""

    def work(pipe):
        interpolator = ITK.New()
        interpolator.SetInput(itk.image_from_array(np.ascontiguousarray(mask.astype(np.uint8))))
        interpolator.SetAxis(2 - axis)
        interpolator.SetLabel(1)
        interpolator.Update()
        pipe.send(itk.array_from_image(interpolator.GetOutput()))

    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there,))
    process.start()
    there.close()
    try:
        return here.recv() == 1
    except EOFError:
        return None
    finally:
        process.join()


def compared(files, folder):
    died = 0
    for plane, axis in PLANES.items():
        scores = {"distance": [], "contours": [], "ITK": []}
        for file in files:
            image = sitk.ReadImage(str(file))
            voxels = sitk.GetArrayFromImage(image)
            for label in (1, 2):
                truth = voxels == label
                thin = every(truth, axis, third)
                answer = theirs(thin, axis)
                if answer is None:
                    died += 1
                    continue
                scores["ITK"].append(dice(answer, truth))
                for method in ("distance", "contours"):
                    filled = ours(thin, image, folder, plane, method) == 1
                    scores[method].append(dice(filled, truth))
                    held = thin.any(tuple(a for a in range(3) if a != axis))
                    same = np.array_equal(np.compress(held, filled, axis), np.compress(held, thin, axis))
                    check(f"{file.name} {label} {plane} {method}: drawn slices", same)
        means = {name: np.mean(values) for name, values in scores.items()}
        told = ", ".join(f"{name} {mean:.4f}" for name, mean in means.items())
        print(f"fill between: {plane}, {len(scores['ITK'])} shapes: mean Dice {told}", flush=True)
        check(f"{plane} distance", means["distance"] >= means["ITK"], told)
        check(f"{plane} contours", means["contours"] >= means["ITK"], told)
    print(f"fill between: ITK's process ended abnormally {died} times")


def drawn_alike(files, folder):
    """Two drawn slices in a row, a patch of one voxel, and both labels at once."""
    checked = 0
    for file in files:
        image = sitk.ReadImage(str(file))
        voxels = sitk.GetArrayFromImage(image)
        for plane, axis in PLANES.items():
            thin = every(voxels, axis, lambda n: n % 5 < 2)
            tiny = thin.copy()
            held = np.flatnonzero((thin == 1).any(tuple(a for a in range(3) if a != axis)))
            gaps = held[:-1][np.diff(held) > 2]
            if len(gaps):
                # One voxel of label 1 in a slice of a gap.
                spot = [n // 2 for n in tiny.shape]
                spot[axis] = gaps[len(gaps) // 2] + 2
                tiny[tuple(spot)] = 1
            for mask in (thin, tiny):
                for method in ("distance", "contours"):
                    after = ours(mask, image, folder, plane, method, label="all")
                    check(f"{file.name} {plane} {method}: painted over", np.array_equal(after[mask != 0], mask[mask != 0]))
                    for label in (1, 2):
                        key = (mask == label).any(tuple(a for a in range(3) if a != axis))
                        same = np.array_equal(np.compress(key, after == label, axis), np.compress(key, mask == label, axis))
                        check(f"{file.name} {plane} {method} {label}: two in a row", same)
                        span = np.flatnonzero(key)
                        now = (after == label).any(tuple(a for a in range(3) if a != axis))
                        check(f"{file.name} {plane} {method} {label}: filled", len(span) < 2 or now[span[0] : span[-1] + 1].all())
                        checked += 1
    print(f"fill between: {checked} maps with drawn slices in a row and single voxels")


def main():
    files = sorted((Path(sys.argv[2]) / "data/hippocampus/labelsTr").glob("*.nii.gz"))
    chosen = [files[n] for n in sorted(np.random.default_rng(SEED).choice(len(files), MAPS, replace=False))]
    print(f"fill between: {MAPS} of {len(files)} label maps, seed {SEED}, every {STEP}rd slice kept")
    with tempfile.TemporaryDirectory() as folder:
        drawn_alike(chosen[:4], folder)
        compared(chosen, folder)
    print(f"fill between: {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    import itk

    # The modules are loaded once, before processes part.
    ITK = itk.MorphologicalContourInterpolator[itk.Image[itk.UC, 3]]
    main()

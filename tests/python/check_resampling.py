#!/usr/bin/env python3
"""Checks masks that `lamella convert --reference SCAN --resample nearest|shape` brings onto another grid against SimpleITK.

    python check_resampling.py LAMELLA_BINARY

Labels are blobs of several numbers on thick, oblique, flipped and finer grids. SimpleITK resamples the same mask onto the same scan with
`sitkNearestNeighbor` and `sitkLabelLinear`. Voxels whose place lies on a tie (halfway between voxels, or with two equal shares) may differ;
they are found here with numpy and everything else must be equal.
"""
import subprocess, sys, tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from turns import turned

SEED = 11


def image(values, spacing, origin, direction):
    made = sitk.GetImageFromArray(values)
    made.SetSpacing([float(n) for n in spacing])
    made.SetOrigin([float(n) for n in origin])
    made.SetDirection([float(n) for n in np.asarray(direction).ravel()])
    return made


def blobs(shape, rng):
    """Balls of the labels 1 to 5, later ones over earlier ones; axes k, j, i."""
    labels = np.zeros(shape, np.uint8)
    grid = np.stack(np.meshgrid(*[np.arange(n) / n for n in shape], indexing="ij"))
    for n in range(12):
        middle, radius = rng.uniform(0.15, 0.85, 3), rng.uniform(0.08, 0.3)
        labels[((grid - middle[:, None, None, None]) ** 2).sum(0) < radius**2] = 1 + n % 5
    return labels


def places(mask, scan):
    """Continuous positions (i, j, k) in the mask of all voxels of the scan."""
    k, j, i = np.meshgrid(*[np.arange(n) for n in reversed(scan.GetSize())], indexing="ij")
    index = np.stack([i, j, k], -1).reshape(-1, 3)
    world = np.asarray(scan.GetOrigin()) + (index * scan.GetSpacing()) @ np.asarray(scan.GetDirection()).reshape(3, 3).T
    turned_back = (world - mask.GetOrigin()) @ np.asarray(mask.GetDirection()).reshape(3, 3)
    return turned_back / mask.GetSpacing()


def ties(values, at, how):
    """Where rounding may choose either of two labels."""
    near = 1e-5
    edge = np.zeros(len(at), bool)
    for axis, count in enumerate(reversed(values.shape)):
        edge |= (np.abs(at[:, axis] + 0.5) < near) | (np.abs(at[:, axis] - count + 0.5) < near)
    if how == "nearest":
        return edge | (np.abs(at - np.floor(at) - 0.5) < near).any(1)
    size = np.asarray(values.shape[::-1])
    inside = np.clip(at, 0, size - 1)
    low = np.floor(inside).astype(int)
    share = inside - low
    sums = np.zeros((int(values.max()) + 1, len(at)))
    for corner in range(8):
        up = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1])
        index = np.minimum(low + up, size - 1)
        weight = np.where(up, share, 1 - share).prod(1)
        np.add.at(sums, (values[index[:, 2], index[:, 1], index[:, 0]], np.arange(len(at))), weight)
    best = np.sort(sums, axis=0)
    return edge | (best[-1] - best[-2] < near)


def main():
    lamella, rng = sys.argv[1], np.random.default_rng(SEED)
    matched = failed = compared = tied = 0
    cases = []
    for n in range(6):
        spacing = rng.uniform([0.6, 0.6, 1.0], [1.5, 1.5, 5.0])
        direction = turned(rng.uniform(-0.4, 0.4, 3)) @ np.diag(rng.choice([-1, 1], 3))
        own = image(blobs(rng.integers(14, 40, 3), rng), spacing, rng.uniform(-30, 30, 3), direction)
        shape = rng.integers(20, 60, 3)
        # A scan around the same place, turned otherwise.
        middle = np.asarray(own.TransformContinuousIndexToPhysicalPoint([s / 2 for s in own.GetSize()]))
        theirs = turned(rng.uniform(-0.6, 0.6, 3)) @ np.eye(3)[rng.permutation(3)] @ np.diag(rng.choice([-1, 1], 3))
        step = rng.uniform(0.5, 2.5, 3)
        origin = middle - theirs @ (shape[::-1] * step / 2)
        cases.append((own, image(rng.normal(0, 100, shape).astype(np.int16), step, origin, theirs)))
    # Grids that differ by whole factors and halves alone.
    own = image(blobs((12, 20, 24), rng), (1, 1, 4), (0, 0, 0), np.eye(3))
    cases += [
        (own, image(np.zeros((48, 20, 24), np.int16), (1, 1, 1), (0, 0, 0), np.eye(3))),
        (own, image(np.zeros((12, 40, 48), np.int16), (0.5, 0.5, 4), (-0.25, -0.25, 0), np.eye(3))),
        (own, image(np.zeros((6, 10, 12), np.int16), (2, 2, 8), (0.5, 0.5, 2), np.eye(3))),
    ]
    with tempfile.TemporaryDirectory() as folder:
        at = [Path(folder) / name for name in ("mask.nii.gz", "scan.nii.gz", "out.nii.gz")]
        for number, (mask, scan) in enumerate(cases):
            sitk.WriteImage(mask, str(at[0]))
            sitk.WriteImage(scan, str(at[1]))
            # What was written, with the digits that the format keeps.
            mask, scan = sitk.ReadImage(str(at[0])), sitk.ReadImage(str(at[1]))
            for how, method in (("nearest", sitk.sitkNearestNeighbor), ("shape", sitk.sitkLabelLinear)):
                at[2].unlink(missing_ok=True)
                words = [lamella, "convert", at[0], "-o", at[2], "--reference", at[1], "--resample", how]
                done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
                if done.returncode:
                    print(f"case {number} {how}: {done.stderr.strip()}")
                    failed += 1
                    continue
                got = sitk.ReadImage(str(at[2]))
                wanted = sitk.Resample(mask, scan, sitk.Transform(), method, 0, mask.GetPixelID())
                same_grid = got.GetSize() == wanted.GetSize() and all(
                    np.allclose(getattr(got, f)(), getattr(wanted, f)(), atol=1e-3)
                    for f in ("GetOrigin", "GetSpacing", "GetDirection")
                )
                ours, peer = sitk.GetArrayFromImage(got).ravel(), sitk.GetArrayFromImage(wanted).ravel()
                on_tie = ties(sitk.GetArrayFromImage(mask), places(mask, scan), how)
                differing = (ours != peer) & ~on_tie if same_grid else np.ones(1, bool)
                compared += int((~on_tie).sum())
                tied += int(on_tie.sum())
                if differing.any() or not (ours > 0).any():
                    print(f"case {number} {how}: {differing.sum()} of {len(ours)} voxels differ from SimpleITK")
                    failed += 1
                else:
                    matched += 1
        # Without the option nothing is resampled, and a mask of another place is none of this scan.
        alone = subprocess.run([lamella, "convert", str(at[0]), "-o", str(at[2]) + "x.nii", "--reference", str(at[1])], capture_output=True, text=True)
        far = image(blobs((12, 20, 24), rng), (1, 1, 1), (900, 0, 0), np.eye(3))
        sitk.WriteImage(far, str(at[0]))
        beside = subprocess.run([lamella, "convert", str(at[0]), "-o", str(at[2]) + "y.nii", "--reference", str(at[1]), "--resample", "nearest"], capture_output=True, text=True)
        for done, word in ((alone, "--resample"), (beside, "within the scan")):
            if done.returncode == 1 and word in done.stderr:
                matched += 1
            else:
                print(f"expected a refusal with {word!r}: {done.returncode} {done.stderr.strip()}")
                failed += 1
    print(f"resampling: {matched} matched, {failed} failed; {compared} voxels compared, {tied} on ties left out")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()

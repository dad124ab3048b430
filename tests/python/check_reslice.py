#!/usr/bin/env python3
"""Checks `lamella reslice` against SimpleITK and scipy.

    python check_reslice.py LAMELLA_BINARY

Scans of noise on anisotropic, oblique and sheared grids. Planes are held against SimpleITK's `ResampleImageFilter` with linear
interpolation on the very grid that the file says it has (sheared ones, which ITK cannot hold, against scipy), slabs and paths against
`scipy.ndimage.map_coordinates(order=1)`. The path's own places are found here by another method: the same spline through scipy's
Hermite splines with slopes of fitted parabolas, and the frames by integrating in 8000 steps a segment.
"""
import json, subprocess, sys, tempfile, warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from scipy.interpolate import CubicHermiteSpline
from scipy.ndimage import map_coordinates

from turns import turned

SEED = 23


def run(binary, *arguments):
    done = subprocess.run([binary, "reslice", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.stderr)
    return done


def numbers(values):
    return ",".join(repr(float(n)) for n in values)


def sampled(values, affine, world):
    """Values at places in RAS mm: linear, the nearest value within half a voxel beyond the outermost centres, NaN outside."""
    at = (world - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    size = np.asarray(values.shape)
    outside = ((at < -0.5) | (at >= size - 0.5)).any(-1)
    edge = (np.minimum(np.abs(at + 0.5), np.abs(at - size + 0.5)) < 1e-4).any(-1)
    inside = np.clip(at, 0, size - 1)
    found = map_coordinates(values, inside.reshape(-1, 3).T, order=1, mode="nearest").reshape(outside.shape)
    return np.where(outside, np.nan, found), edge


def compare(found, expected, edge, what):
    same = np.isnan(found) == np.isnan(expected)
    assert (same | edge).all(), f"{what}: {(~same & ~edge).sum()} pixels are empty in one alone"
    both = ~np.isnan(found) & ~np.isnan(expected)
    worst = np.abs(found - expected)[both].max()
    # Single precision in the file's affine moves places by a millionth of a millimetre, across which noise of 300 changes.
    assert both.sum() > 500 and worst < 1e-2, f"{what}: {both.sum()} pixels differ by up to {worst}"
    return worst


def spline(points):
    """The centripetal Catmull-Rom spline: at every point the derivative of the parabola through it and its neighbours."""
    t = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1) ** 0.5)])
    slopes = []
    for n in range(len(points)):
        three = np.clip(n - 1, 0, len(points) - 3) + np.arange(3)
        slopes.append([np.polyval(np.polyder(np.polyfit(t[three] - t[n], points[three, axis], 2)), 0.0) for axis in range(3)])
    return t, CubicHermiteSpline(t, points, np.array(slopes))


def path_frames(points, step):
    """Places every step along the spline, tangents, and directions across that do not turn, from a fine integration."""
    t, curve = spline(points)
    u = np.concatenate([np.linspace(a, b, 8000, endpoint=False) for a, b in zip(t, t[1:])] + [[t[-1]]])
    dense, tangents = curve(u), curve(u, 1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))])
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    across = np.zeros_like(dense)
    start = np.array([-1.0, 0, 0])
    across[0] = start - start @ tangents[0] * tangents[0]
    across[0] /= np.linalg.norm(across[0])
    # The rotation-minimising frame obeys r' = -(r . t') t; a step of it is the projection onto the next normal plane.
    for n in range(1, len(dense)):
        r = across[n - 1] - across[n - 1] @ tangents[n] * tangents[n]
        across[n] = r / np.linalg.norm(r)
    wanted = np.arange(int(length[-1] / step + 1e-6) + 1) * step
    pick = lambda values: np.stack([np.interp(wanted, length, values[:, n]) for n in range(3)], 1)
    return pick(dense), pick(tangents), pick(across), length[-1]


def main():
    binary = str(Path(sys.argv[1]).resolve())
    rng = np.random.default_rng(SEED)
    worst = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        out = folder / "out.nii.gz"
        grids = {
            "anisotropic": np.diag([-0.8, -0.8, 2.5]),
            "oblique": turned([0.3, -0.5, 0.2]) @ np.diag([0.9, 0.7, 1.6]),
            "sheared": np.array([[-0.8, 0, 0], [0, -0.7, 0.9], [0, 0.1, 2.2]]),
        }
        for name, linear in grids.items():
            values = rng.normal(0, 300, (60, 50, 34)).astype(np.float32)
            affine = np.eye(4)
            affine[:3, :3] = linear
            affine[:3, 3] = [11.0, -7.0, 33.0]
            scan = folder / f"{name}.nii.gz"
            image = nib.Nifti1Image(values, affine)
            image.set_sform(affine, 1)
            image.set_qform(None if name == "sheared" else affine, 0 if name == "sheared" else 1)
            nib.save(image, scan)
            centre = affine[:3, :3] @ [29, 26, 16] + affine[:3, 3]
            for n, normal in enumerate([[0, 0, 1], [0.3, -0.6, 0.7], [1, 0.4, -0.2]]):
                run(binary, scan, "-o", out, "--centre", numbers(centre), "--normal", numbers(normal))
                made = nib.load(out)
                found, grid = np.asarray(made.dataobj)[:, :, 0], made.affine
                i, j = np.meshgrid(*map(np.arange, found.shape), indexing="ij")
                world = np.stack([i, j, 0 * i], -1) @ grid[:3, :3].T + grid[:3, 3]
                # The plane is where it was asked for.
                unit = np.asarray(normal) / np.linalg.norm(normal)
                assert np.abs((world - centre) @ unit).max() < 1e-3
                expected, edge = sampled(values, affine, world)
                worst[f"{name} plane {n} (scipy)"] = compare(found, expected, edge, f"{name} {normal}")
                if name != "sheared":
                    resampled = sitk.Resample(
                        sitk.ReadImage(str(scan), sitk.sitkFloat64), sitk.ReadImage(str(out)), sitk.Transform(),
                        sitk.sitkLinear, float("nan"), sitk.sitkFloat64,
                    )
                    itk = sitk.GetArrayFromImage(resampled)[0].T
                    worst[f"{name} plane {n} (SimpleITK)"] = compare(found, itk, edge, f"{name} {normal} in ITK")
            # Slabs of the last plane: 5 mm, sampled no further apart than the finest spacing.
            finest = np.linalg.norm(affine[:3, :3], axis=0).min()
            steps = int(np.ceil(5.0 / finest))
            layers = [sampled(values, affine, world + unit * (s / steps - 0.5) * 5.0) for s in range(steps + 1)]
            stack, edge = np.stack([layer for layer, _ in layers]), np.any([edge for _, edge in layers], 0)
            for kind, join in (("mean", np.nanmean), ("max", np.nanmax), ("min", np.nanmin)):
                run(binary, scan, "-o", out, "--centre", numbers(centre), "--normal", numbers(normal), "--thickness", 5, "--slab", kind)
                with warnings.catch_warnings():
                    # Places of the picture where the scan has nothing.
                    warnings.simplefilter("ignore", RuntimeWarning)
                    expected = join(stack, 0)
                found = np.asarray(nib.load(out).dataobj)[:, :, 0]
                worst[f"{name} {kind} of 5 mm"] = compare(found, expected, edge, f"{name} {kind}")
            # A path that winds through the scan, off the planes of its axes.
            shares = np.array([[0.3, 0.4, 0.9], [0.45, 0.3, 0.7], [0.6, 0.55, 0.55], [0.5, 0.7, 0.3], [0.35, 0.5, 0.1]])
            points = (shares * (np.array(values.shape) - 1)) @ affine[:3, :3].T + affine[:3, 3]
            listed = folder / "path.json"
            listed.write_text(json.dumps(points.tolist()))
            places, tangents, across, length = path_frames(points, 0.5)
            for angle in (0, 40):
                run(binary, scan, "-o", out, "--path", listed, "--width", 20, "--angle", angle, "--pixel", 0.5)
                found = np.asarray(nib.load(out).dataobj)[:, :, 0].T
                assert found.shape == (len(places), 40), (found.shape, len(places))
                a = np.radians(angle)
                side = np.cos(a) * across + np.sin(a) * np.cross(tangents, across)
                columns = (np.arange(40) - 19.5) * 0.5
                world = places[:, None] + side[:, None] * columns[None, :, None]
                # Noise of 300 changes by its own size within a voxel: places a thousandth of one apart differ by some tenths.
                expected, _ = sampled(values, affine, world)
                both = ~np.isnan(found) & ~np.isnan(expected)
                off = np.abs(found - expected)[both]
                assert both.sum() > 2000 and off.max() < 1.0 and off.mean() < 0.05, (name, angle, both.sum(), off.max(), off.mean())
                worst[f"{name} path at {angle} degrees"] = off.max()
            # The same curve as 3D Slicer saves it.
            lps = points * [-1, -1, 1]
            markup = {"markups": [{"type": "Curve", "coordinateSystem": "LPS", "controlPoints": [{"position": p.tolist()} for p in lps]}]}
            slicer = folder / "curve.mrk.json"
            slicer.write_text(json.dumps(markup))
            run(binary, scan, "-o", folder / "other.nii.gz", "--path", slicer, "--width", 20, "--angle", 40, "--pixel", 0.5)
            other = np.asarray(nib.load(folder / "other.nii.gz").dataobj)[:, :, 0].T
            assert np.array_equal(np.nan_to_num(found, nan=-9e9), np.nan_to_num(other, nan=-9e9))
            # A picture is written, and what makes no sense is refused.
            run(binary, scan, "-o", folder / "out.png", "--normal", "0.2,0.3,0.9")
            bad = subprocess.run([binary, "reslice", scan, "-o", out, "--normal", "0,0,0"], capture_output=True, text=True)
            assert bad.returncode == 1 and "direction" in bad.stderr, bad
    for what, value in worst.items():
        print(f"{what}: {value:.2g}")
    print(f"{len(worst)} pictures are as SimpleITK and scipy have them")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Checks that surfaces of labels are closed, enclose the volume of their voxels and lie in the right place of the patient.

    python check_meshes.py LAMELLA_BINARY TEST_DATA

Masks on right- and left-handed, slanted and uneven grids, at the border and thin, are written as STL, PLY and OBJ, plain and smoothed. trimesh
says whether a surface is closed and how much it encloses; vtk reads the same files and must see the same bounds.
"""
import subprocess, sys, tempfile
from pathlib import Path

import nibabel
import numpy as np
import trimesh
import vtk

counts = {"matched": 0, "failed": 0}
worst = {}


def check(name, condition, told=""):
    counts["matched" if condition else "failed"] += 1
    if not condition:
        print(f"FAILED {name}: {told}")


def lamella(*words):
    return subprocess.run([sys.argv[1], *map(str, words)], capture_output=True, text=True)


def grids():
    """Maps from voxels to right, anterior, superior."""
    x, z = 0.4, 0.3
    turn = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    for name, spacing, turned in (("even", (1, 1, 1), np.eye(3)), ("uneven", (0.7, 0.7, 3), np.eye(3)), ("slanted", (0.8, 1.1, 2), turn)):
        for hand, sign in (("right", 1), ("left", -1)):
            affine = np.eye(4)
            affine[:3, :3] = turned * np.array(spacing)
            affine[:3, 0] *= sign
            affine[:3, 3] = (12.5, -60, 33)
            yield f"{name}_{hand}", affine


def masks():
    """Voxels of labels; those of 1 are large."""
    size = 30
    i, j, k = np.meshgrid(*[np.arange(size)] * 3, indexing="ij")
    ball = (i - 15) ** 2 + (j - 14) ** 2 + (k - 13) ** 2 <= 12**2
    hollow = ball & ((i - 15) ** 2 + (j - 14) ** 2 + (k - 13) ** 2 >= 6**2)
    border = (i < 12) & (j > 18)
    noise = np.random.default_rng(1).random((size,) * 3) < 0.005
    thin = np.zeros_like(ball)
    thin[3:6, 3:6, 5:25], thin[20, 5:25, 5:25], thin[10, 25, 5:25] = True, True, True
    whole = np.ones_like(ball)
    return {"ball": ball, "hollow": hollow, "border": border, "noise": noise, "thin": thin, "whole": whole}


def read_by_vtk(path):
    reader = {".stl": vtk.vtkSTLReader, ".ply": vtk.vtkPLYReader, ".obj": vtk.vtkOBJReader}[path.suffix]()
    reader.SetFileName(str(path))
    reader.Update()
    return np.reshape(reader.GetOutput().GetBounds(), (3, 2)).T


def one(name, path, voxels, affine, smooth):
    mesh = trimesh.load_mesh(path, process=True)
    check(f"{name} closed", mesh.is_watertight and mesh.is_winding_consistent, f"{mesh.is_watertight} {mesh.is_winding_consistent}")
    wanted = voxels.sum() * abs(np.linalg.det(affine[:3, :3]))
    ratio = mesh.volume / wanted
    kind = "smooth" if smooth else "plain"
    worst[kind] = max(worst.get(kind, 0), abs(ratio - 1)) if wanted > 1000 and "noise" not in name else worst.get(kind, 0)
    # Noise of single voxels is no shape; it must stay.
    check(f"{name} volume", 0.6 < ratio < 1.25 if "noise" in name else abs(ratio - 1) < (0.01 if wanted > 1000 else 0.05), f"{ratio}")
    check(f"{name} bounds in vtk", np.allclose(read_by_vtk(path), mesh.bounds, atol=1e-4), f"{read_by_vtk(path)} {mesh.bounds}")
    # Files are in LPS; a surface lies half a voxel around the centres of its voxels.
    centres = np.argwhere(voxels) @ affine[:3, :3].T + affine[:3, 3]
    centres = centres * [-1, -1, 1]
    reach = np.abs(affine[:3, :3]).sum(axis=1) * 0.9
    low, high = centres.min(axis=0), centres.max(axis=0)
    inside = (mesh.bounds[0] >= low - reach).all() and (mesh.bounds[1] <= high + reach).all()
    covers = (mesh.bounds[0] <= low + reach).all() and (mesh.bounds[1] >= high - reach).all()
    check(f"{name} place", inside and covers, f"{mesh.bounds} for {low} {high}")
    if "noise" not in name and "thin" not in name:
        check(f"{name} centre", np.allclose(mesh.center_mass, centres.mean(axis=0), atol=0.1 * np.abs(affine[:3, :3]).sum(axis=1).max()), mesh.center_mass)


def shapes(folder):
    for grid, affine in grids():
        for name, voxels in masks().items():
            mask = folder / f"{grid}_{name}.nii.gz"
            nibabel.save(nibabel.Nifti1Image(voxels.astype("uint8"), affine), mask)
            for smooth in (False, True):
                # All of the same mesh.
                for ending in (".stl", ".ply", ".obj") if name in ("ball", "thin") else (".stl",):
                    path = folder / f"{grid}_{name}_{smooth}{ending}"
                    done = lamella("convert", mask, "-o", path, *(["--smooth"] if smooth else []))
                    if done.returncode:
                        check(path.name, False, done.stderr)
                    else:
                        one(path.name, path, voxels, affine, smooth)
                    path.unlink(missing_ok=True)


def labels(data, folder):
    """Several labels: one file each, one file with groups, and one chosen by name."""
    mask = next((data / "hippocampus/labelsTr").glob("*.nii.gz"))
    image = nibabel.load(mask)
    voxels = np.asarray(image.dataobj)
    (folder / "names.txt").write_text("1 Anterior part\n2 Posterior\n")
    for ending in (".stl", ".ply"):
        done = lamella("convert", mask, "-o", folder / f"hip{ending}", "--names", folder / "names.txt")
        for value, name in ((1, "Anterior_part"), (2, "Posterior")):
            path = folder / f"hip_{name}{ending}"
            check(f"{path.name} is there", path.exists(), done.stderr)
            if path.exists():
                one(path.name, path, voxels == value, image.affine, False)
    done = lamella("convert", mask, "-o", folder / "two.stl", "--names", folder / "names.txt", "--label", "posterior", "--smooth")
    one("chosen", folder / "two.stl", voxels == 2, image.affine, True)
    check("chosen alone", sorted(p.name for p in folder.glob("two*")) == ["two.stl"], done.stderr)
    check("SPACE", b"SPACE=LPS" in (folder / "two.stl").read_bytes()[:80])
    done = lamella("convert", mask, "-o", folder / "all.obj", "--names", folder / "names.txt")
    text = (folder / "all.obj").read_text()
    check("groups", [line for line in text.splitlines() if line.startswith("g ")] == ["g Anterior_part", "g Posterior"], done.stderr)
    check("materials", "newmtl label_2" in (folder / "all.mtl").read_text())
    scene = trimesh.load(folder / "all.obj", split_object=True, group_material=True)
    parts = list(scene.geometry.values()) if hasattr(scene, "geometry") else [scene]
    wanted = (voxels > 0).sum() * abs(np.linalg.det(image.affine[:3, :3]))
    check("volumes of the groups", len(parts) == 2 and abs(sum(part.volume for part in parts) / wanted - 1) < 0.01, [part.volume for part in parts])


def main():
    data = Path(sys.argv[2]) / "data"
    for name, part in (("shapes", shapes), ("labels", lambda at: labels(data, at))):
        before = dict(counts)
        with tempfile.TemporaryDirectory() as folder:
            part(Path(folder))
        print(f"meshes: {name}: {counts['matched'] - before['matched']} matched, {counts['failed'] - before['failed']} failed")
    print("meshes: volume of labels over 1 mL off by at most " + ", ".join(f"{100 * value:.2f} % ({kind})" for kind, value in worst.items()))
    print(f"meshes: {counts['matched']} matched, {counts['failed']} failed")
    sys.exit(counts["failed"] > 0)


main()

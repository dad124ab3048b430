#!/usr/bin/env python3
"""Checks `lamella measure` and `lamella evaluate` against SimpleITK, numpy, scipy, medpy and (where it is installed) MONAI.

    python check_measures.py LAMELLA_BINARY TEST_DATA

Real label maps are measured, on anisotropic, oblique and left-handed grids too, and made ones for what is rare: one voxel, labels that
touch the border, empty masks. Which definitions are meant stands in docs/guide/measure.md and docs/guide/compare.md.
"""
import csv, io, json, subprocess, sys, tempfile
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from medpy.metric import binary as medpy
from scipy.ndimage import binary_dilation, binary_erosion, distance_transform_edt
from scipy.spatial.distance import pdist

try:
    import torch
    from monai.metrics import compute_hausdorff_distance
except ImportError:
    compute_hausdorff_distance = None

PERCENTS = [5, 10, 25, 75, 90, 95]
counts = {"matched": 0, "failed": 0}


def check(name, condition, told=""):
    counts["matched" if condition else "failed"] += 1
    if not condition:
        print(f"FAILED {name}: {told}")


def near(name, ours, theirs, tolerance=1e-9):
    theirs = np.asarray(theirs, float)
    good = ours is not None and np.all(np.abs(np.asarray(ours, float) - theirs) <= tolerance * np.maximum(1, np.abs(theirs)))
    check(name, good, f"{ours} for {theirs}")


def run(*words):
    done = subprocess.run([sys.argv[1], *map(str, words)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def measured(mask, *words):
    code, out, err = run("measure", mask, *words, "--json")
    if code:
        sys.exit(f"measure {mask}: {err}")
    return {row["label"]: row for row in json.loads(out)["labels"]}


def save(path, voxels, affine, dtype=np.uint16):
    image = nibabel.Nifti1Image(np.asarray(voxels).astype(dtype), affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    nibabel.save(image, path)
    return path


def oblique(spacing, mirrored=False):
    """A turned grid of these spacings."""
    a, b = 0.35, -0.2
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ tilt @ np.diag(spacing)
    if mirrored:
        affine[:3, 0] *= -1
    affine[:3, 3] = [-31.0, 12.5, 80.25]
    return affine


def numbers(name, mask_path, image_path=None, feret=True):
    """All numbers of all labels of a mask."""
    mask = nibabel.load(mask_path)
    labels = np.asarray(mask.dataobj).astype(int)
    rows = measured(mask_path, *(["--image", image_path] if image_path else []))
    affine, spacing = mask.affine, np.linalg.norm(mask.affine[:3, :3], axis=0)
    ours_itk = sitk.ReadImage(str(mask_path), sitk.sitkUInt16)
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.SetComputeFeretDiameter(feret)
    shape.Execute(ours_itk)
    values = None
    if image_path:
        values = np.asarray(nibabel.load(image_path).dataobj, float)
        scan = sitk.GetImageFromArray(values.T)
        scan.CopyInformation(ours_itk)
        intensity = sitk.LabelIntensityStatisticsImageFilter()
        finite = np.isfinite(values).all()
        if finite:
            intensity.Execute(ours_itk, scan)
    present = [int(label) for label in np.unique(labels) if label]
    check(f"{name} labels", [label for label, row in rows.items() if "voxels" in row] == sorted(present), list(rows))
    for label in present:
        row, at = rows[label], np.argwhere(labels == label)
        what = f"{name} label {label}"
        near(f"{what} voxels", row["voxels"], shape.GetNumberOfPixels(label))
        near(f"{what} volume", row["volume_ml"] * 1000, shape.GetPhysicalSize(label), 1e-5)
        near(f"{what} volume exactly", row["volume_ml"] * 1000, len(at) * abs(np.linalg.det(affine[:3, :3])))
        near(f"{what} centroid", row["centroid_mm"], affine[:3, :3] @ at.mean(0) + affine[:3, 3], 1e-8)
        near(f"{what} centroid of ITK", row["centroid_mm"], np.array(shape.GetCentroid(label)) * [-1, -1, 1], 1e-4)
        box = shape.GetBoundingBox(label)
        near(f"{what} box of ITK", row["first_voxel"] + [b - a + 1 for a, b in zip(row["first_voxel"], row["last_voxel"])], box)
        near(f"{what} box mm", row["box_mm"], (at.max(0) - at.min(0) + 1) * spacing, 1e-6)
        if feret:
            near(f"{what} diameter", row["diameter"]["mm"], shape.GetFeretDiameter(label), 1e-5)
        if len(at) < 3000:
            world = at @ affine[:3, :3].T
            near(f"{what} diameter by all pairs", row["diameter"]["mm"], pdist(world).max() if len(at) > 1 else 0, 1e-7)
            axes = nibabel.orientations.io_orientation(affine)[:, 0].astype(int)
            for plane, across in (("sagittal", 0), ("coronal", 1), ("axial", 2)):
                axis = list(axes).index(across)
                slices = [world[at[:, axis] == n] for n in np.unique(at[:, axis])]
                widest = max(pdist(points).max() if len(points) > 1 else 0 for points in slices)
                near(f"{what} {plane} diameter", row["diameter_in_slice"][plane]["mm"], widest, 1e-7)
        check(f"{what} surface", row["surface_mm2"] > 0)
        if values is None:
            check(f"{what} without an image", row["values"] is None)
            continue
        own = values[labels == label]
        own, left_out = own[np.isfinite(own)], int((~np.isfinite(own)).sum())
        if not own.size:
            check(f"{what} without numbers", row["values"] is None)
            continue
        got = row["values"]
        near(f"{what} left out", got["left_out"], left_out)
        near(f"{what} mean", got["mean"], own.mean(), 1e-10)
        if own.size > 1:
            near(f"{what} deviation", got["std"], own.std(ddof=1), 1e-9)
        else:
            check(f"{what} deviation of one voxel", got["std"] is None, got["std"])
        near(f"{what} range", [got["min"], got["max"]], [own.min(), own.max()], 1e-12)
        near(f"{what} median", got["median"], np.median(own), 1e-12)
        check(f"{what} percents", [p["percent"] for p in got["percentiles"]] == PERCENTS)
        near(f"{what} percentiles", [p["value"] for p in got["percentiles"]], np.percentile(own, PERCENTS), 1e-12)
        if finite:
            near(f"{what} mean of ITK", got["mean"], intensity.GetMean(label), 1e-9)
            near(f"{what} range of ITK", [got["min"], got["max"]], [intensity.GetMinimum(label), intensity.GetMaximum(label)])
            if own.size > 1:
                near(f"{what} deviation of ITK", got["std"], intensity.GetStandardDeviation(label), 1e-7)


def surfaces(p, t, spacing):
    """Directed distances between surfaces, voxel centre to voxel centre."""
    border = lambda m: m & ~binary_erosion(m)
    a, b = border(np.pad(p, 1)), border(np.pad(t, 1))
    return distance_transform_edt(~b, sampling=spacing)[a], distance_transform_edt(~a, sampling=spacing)[b]


def agreement(name, got, p, t, spacing):
    """All scores of one label."""
    overlap, total = (p & t).sum(), p.sum() + t.sum()
    if not total:
        return check(f"{name} both empty", all(got[k] is None for k in ("dice", "iou", "volume_difference", "hd_mm", "hd95_mm", "assd_mm")), got)
    near(f"{name} Dice", got["dice"], 2 * overlap / total)
    near(f"{name} Jaccard", got["iou"], overlap / (p | t).sum())
    near(f"{name} volume difference", got["volume_difference"], 2 * (int(p.sum()) - int(t.sum())) / total)
    measures = sitk.LabelOverlapMeasuresImageFilter()
    as_image = lambda mask: sitk.GetImageFromArray(mask.astype(np.uint8))
    measures.Execute(as_image(t), as_image(p))
    near(f"{name} Dice of ITK", got["dice"], measures.GetMeanOverlap(1) if overlap else 0)
    near(f"{name} Jaccard of ITK", got["iou"], measures.GetUnionOverlap(1) if overlap else 0)
    if not (p.any() and t.any()):
        return check(f"{name} one empty", got["dice"] == 0 and got["hd_mm"] is got["hd95_mm"] is got["assd_mm"] is None, got)
    similarity = measures.GetVolumeSimilarity(1)
    check(f"{name} volume similarity of ITK", abs(abs(got["volume_difference"]) - abs(similarity)) < 1e-9, similarity)
    a, b = surfaces(p, t, spacing)
    near(f"{name} HD95", got["hd95_mm"], max(np.percentile(a, 95), np.percentile(b, 95)), 1e-9)
    near(f"{name} HD of medpy", got["hd_mm"], medpy.hd(p, t, spacing), 1e-9)
    near(f"{name} ASSD", got["assd_mm"], np.concatenate([a, b]).mean(), 1e-9)
    near(f"{name} ASSD of medpy", got["assd_mm"], medpy.assd(p, t, spacing), 1e-9)
    if compute_hausdorff_distance:
        tensors = [torch.from_numpy(m[None, None].astype(np.uint8)) for m in (p, t)]
        theirs = compute_hausdorff_distance(*tensors, include_background=True, percentile=95, spacing=tuple(map(float, spacing)))
        near(f"{name} HD95 of MONAI", got["hd95_mm"], theirs.item(), 1e-4)


def scores(pred, truth, *words):
    code, out, err = run("evaluate", "--pred", pred, "--truth", truth, "--json", *words)
    if code:
        sys.exit(f"evaluate {pred}: {err}")
    return json.loads(out)


def compared(name, folder, pred, truth, affine):
    """Two label maps as files; slices too."""
    a, b = save(folder / "pred.nii.gz", pred, affine), save(folder / "truth.nii.gz", truth, affine)
    # The file keeps its place in single precision.
    spacing = np.linalg.norm(nibabel.load(b).affine[:3, :3], axis=0)
    axes = list(nibabel.orientations.io_orientation(affine)[:, 0].astype(int))
    for plane, across in (("axial", 2), ("sagittal", 0)):
        case = scores(a, b, "--slices", plane)["cases"][0]
        axis = axes.index(across)
        flipped = nibabel.orientations.io_orientation(affine)[axis, 1] < 0
        for label, got in case["labels"].items():
            p, t = pred == int(label), truth == int(label)
            if plane == "axial":
                agreement(f"{name} label {label}", got, p, t, spacing)
            # Slices are counted from 1, as in the window.
            told = {entry["slice"] - 1: entry for entry in case["slices"][label]}
            wanted = np.flatnonzero((p | t).any(axis=tuple(n for n in range(3) if n != axis)))
            numbers = [pred.shape[axis] - 1 - n if flipped else n for n in wanted]
            check(f"{name} label {label} {plane} slices", sorted(told) == sorted(map(int, numbers)), sorted(told))
            for n, number in list(zip(wanted, numbers))[::5]:
                cut = [np.take(m, n, axis) for m in (p, t)]
                within = np.delete(spacing, axis)
                agreement(f"{name} label {label} {plane} slice {n}", told[int(number)], *cut, within)
    everything = set(map(str, (set(np.unique(pred)) | set(np.unique(truth))) - {0}))
    check(f"{name} labels", set(case["labels"]) == everything, set(case["labels"]))


def real_statistics(data, folder):
    names = sorted((data / "hippocampus/labelsTr").glob("*.nii.gz"))[:12]
    for n, path in enumerate(names):
        image = data / "hippocampus/imagesTr" / path.name
        numbers(path.stem, path, image)
        if n >= 4:
            continue
        # The same on grids of long voxels, turned, and left-handed.
        labels, values = (np.asarray(nibabel.load(p).dataobj) for p in (path, image))
        for kind, affine in (("oblique", oblique([0.8, 0.8, 3.0])), ("mirrored", oblique([0.7, 1.3, 2.0], True))):
            mask = save(folder / f"{kind}.nii.gz", labels, affine)
            numbers(f"{path.stem} {kind}", mask, save(folder / f"{kind}_image.nii.gz", values, affine, np.float32))
    numbers("body CT", data / "ct/example_seg.nii.gz", data / "ct/example_ct_sm.nii.gz", feret=False)
    for path in sorted((data / "nifti/orientations").glob("*label*.nii.gz"))[::4]:
        numbers(path.stem, path)


def made_statistics(folder):
    affine = oblique([0.8, 0.8, 3.0])
    labels = np.zeros((20, 18, 9), int)
    labels[3, 4, 5] = 1
    labels[0, :, 0] = labels[-1, -1, -1] = 2
    labels[5:9, 5:9, 2:4] = 40000
    labels[9:12, 5:9, 2:4] = 4
    mask = save(folder / "made.nii.gz", labels, affine)
    random = np.random.default_rng(5)
    for dtype in (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64):
        values = random.normal(100, 30, labels.shape).astype(dtype)
        numbers(f"made {np.dtype(dtype).name}", mask, save(folder / "values.nii.gz", values, affine, dtype))
    # One metal voxel outside the label: SimpleITK's histogram tells 147 or so for the median then.
    values = np.full(labels.shape, 40.0)
    values[0, 0, 5] = 32000
    path = save(folder / "metal.nii.gz", values, affine, np.int16)
    numbers("metal", mask, path)
    near("median beside metal", measured(mask, "--image", path)[40000]["values"]["median"], 40)
    values = random.normal(0, 1, labels.shape).astype(np.float32)
    values[3, 4, 5] = np.nan
    values[5, 5, 2], values[6, 6, 2] = np.inf, np.nan
    numbers("no numbers", mask, save(folder / "nan.nii.gz", values, affine, np.float32))
    scaled = nibabel.Nifti1Image(random.integers(-500, 500, labels.shape).astype(np.int16), affine)
    scaled.header.set_slope_inter(-0.5, 12.25)
    nibabel.save(scaled, folder / "scaled.nii.gz")
    numbers("negative slope", mask, folder / "scaled.nii.gz")
    empty = save(folder / "empty.nii.gz", np.zeros((5, 5, 5)), affine)
    check("an empty mask", measured(empty) == {})


def made_surfaces(folder):
    for spacing in ([1, 1, 1], [0.8, 0.8, 1.5], [0.8, 0.8, 3.0]):
        for mirrored in (False, True):
            radius = 30.0
            reach = [int(radius / s) for s in spacing]
            grid = np.meshgrid(*[np.arange(-n, n + 1) * s for n, s in zip(reach, spacing)], indexing="ij")
            ball = sum(x * x for x in grid) <= radius * radius
            path = save(folder / "ball.nii.gz", ball, oblique(spacing, mirrored))
            ours = measured(path)[1]["surface_mm2"]
            shape = sitk.LabelShapeStatisticsImageFilter()
            shape.ComputePerimeterOn()
            shape.Execute(sitk.ReadImage(str(path), sitk.sitkUInt16))
            theirs, true = shape.GetPerimeter(1), 4 * np.pi * radius ** 2
            print(f"  ball of 30 mm, voxels {spacing}: area {ours / true:.4f} of the true one, SimpleITK's {theirs / true:.4f}")
            check(f"area {spacing}", abs(ours / true - 1) < 0.05 and abs(ours / theirs - 1) < 0.08, (ours, theirs, true))


def comparisons(data, folder):
    names = sorted((data / "hippocampus/labelsTr").glob("*.nii.gz"))[:8]
    for n, path in enumerate(names):
        truth = np.asarray(nibabel.load(path).dataobj).astype(int)
        other = np.asarray(nibabel.load(names[(n + 1) % len(names)]).dataobj).astype(int)
        pred = np.zeros_like(truth)
        part = tuple(slice(0, min(a, b)) for a, b in zip(truth.shape, other.shape))
        pred[part] = other[part]
        affine = [np.eye(4), oblique([0.8, 0.8, 3.0]), oblique([0.7, 1.3, 2.0], True)][n % 3]
        compared(f"{path.stem} and the next", folder, pred, truth, affine)
        grown = np.where(binary_dilation(truth == 1) & (truth == 0), 1, truth)
        compared(f"{path.stem} grown", folder, grown, truth, affine)
    affine = oblique([0.8, 0.8, 3.0])
    full, empty, one, border = (np.zeros((9, 8, 7), int) for _ in range(4))
    full[:], one[4, 4, 3], border[0], border[:, :, -1] = 1, 1, 1, 1
    compared("full and one voxel", folder, full, one, affine)
    compared("one voxel and full", folder, one, full, affine)
    compared("border and full", folder, border, full, affine)
    compared("one and border", folder, one, border, affine)
    compared("nothing and border", folder, empty, border, affine)
    compared("border and nothing", folder, border, empty, affine)
    nothing = scores(save(folder / "a.nii.gz", empty, affine), save(folder / "b.nii.gz", empty, affine))
    check("both empty has no row and no mean", nothing["cases"][0]["labels"] == {} == nothing["mean"], nothing)
    # Two cases of which one is found by nobody: the mean is over the other, and the one without a distance is counted.
    for side, masks in (("pred", (full, empty, one)), ("truth", (full, empty, empty))):
        (folder / side).mkdir(exist_ok=True)
        for name, mask in zip("abc", masks):
            save(folder / side / f"{name}.nii.gz", mask, affine)
    mean = scores(folder / "pred", folder / "truth")["mean"]["1"]
    check("means", (mean["dice"], mean["cases"], mean["without_distance"], mean["hd_mm"]) == (0.5, 2, 1, 0), mean)


def by_name(folder):
    affine = np.diag([1.0, 1, 1, 1])
    labels = np.zeros((6, 6, 6), int)
    labels[:3], labels[3:5] = 1, 2
    swapped = np.where(labels > 0, 3 - labels, 0)
    for name, voxels, names in (("p", labels, {"1": "Liver", "2": "Spleen"}), ("t", swapped, {"1": "spleen", "2": "LIVER"})):
        save(folder / f"{name}.nii.gz", voxels, affine)
        (folder / f"{name}.tsv").write_text("index\tname\n" + "\n".join(f"{v}\t{t}" for v, t in names.items()) + "\n")
    found = scores(folder / "p.nii.gz", folder / "t.nii.gz")
    names = found["cases"][0]["names"]
    named = any(name.lower() == "liver" for name in names.values())
    check("labels are joined by name", named and all(s["dice"] == 1 for s in found["cases"][0]["labels"].values()), found)
    row = measured(folder / "p.nii.gz", "--label", "spleen")
    check("a label by its name", list(row) == [2] and row[2]["voxels"] == 72, row)


def the_command(folder):
    affine = oblique([0.8, 0.8, 3.0])
    labels = np.zeros((9, 8, 7), int)
    labels[2:5, 2:6, 1:4], labels[7, 7, 6] = 1, 5
    mask = save(folder / "mask.nii.gz", labels, affine)
    image = save(folder / "image.nii.gz", np.arange(labels.size).reshape(labels.shape), affine, np.int16)
    rows = measured(mask, "--image", image)
    code, out, err = run("measure", mask, "--image", image, "--csv")
    table = list(csv.DictReader(io.StringIO(out)))
    check("CSV has the labels", [row["label"] for row in table] == ["1", "5"], out)
    for row in table:
        own = rows[int(row["label"])]
        near("CSV mean", float(row["mean"]), own["values"]["mean"], 0)
        near("CSV surface", float(row["surface_mm2"]), own["surface_mm2"], 0)
        near("CSV centroid", float(row["centroid_s_mm"]), own["centroid_mm"][2], 0)
    check("CSV deviation of one voxel is empty", table[1]["std"] == "")
    out_file = folder / "table.csv"
    check("a file", run("measure", mask, "-o", out_file)[0] == 0 and out_file.read_text().startswith("label,name,"))
    check("a file again", run("measure", mask, "-o", out_file)[0] == 0)
    check("never over the mask", run("measure", mask, "--csv", "-o", mask)[0] == 1 and nibabel.load(mask).shape == (9, 8, 7))
    (folder / "notes.csv").write_text("mine")
    check("never over what is not ours", run("measure", mask, "-o", folder / "notes.csv")[0] == 1 and (folder / "notes.csv").read_text() == "mine")
    code, _, err = run("measure", mask, "--label", "Kidney")
    check("an unknown label", code == 1 and "Kidney" in err and "Label 5" in err, err)
    check("a label by its number", list(measured(mask, "--label", 5)) == [5])
    other = save(folder / "other.nii.gz", np.zeros((9, 8, 6)), affine, np.int16)
    code, _, err = run("measure", mask, "--image", other)
    check("another grid", code == 1 and "mask.nii.gz" in err and "[9, 8, 6]" in err, err)
    code, _, err = run("measure", mask, "--image", image, "--frame", 3)
    check("a frame that is not there", code == 1 and "frame" in err, err)
    check("both forms", run("measure", mask, "--json", "--csv")[0] == 2)


def main():
    data = Path(sys.argv[2]) / "data"
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        the_command(folder)
        made_statistics(folder)
        made_surfaces(folder)
        by_name(folder)
        comparisons(data, folder)
        real_statistics(data, folder)
    monai = "with" if compute_hausdorff_distance else "without"
    print(f"measures: {counts['matched']} matched, {counts['failed']} failed ({monai} MONAI)")
    sys.exit(1 if counts["failed"] else 0)


main()

#!/usr/bin/env python3
"""Checks masks written by `lamella segment` with readers that are not ours.

    python check_masks.py LAMELLA_BINARY TEST_DATA

Every mask must open in nibabel and SimpleITK on its image's own grid and hold labels only; Dice, HD95 and ASSD of
`lamella evaluate` must agree with values computed here with numpy and scipy.
"""
import json, subprocess, sys, tempfile
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_erosion, distance_transform_edt


def run(binary, *words):
    done = subprocess.run([binary, *map(str, words), "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{words}: {done.stderr}")
    return json.loads(done.stdout)


def surfaces(p, t, spacing):
    border = lambda m: m & ~binary_erosion(m)
    a, b = border(np.pad(p, 1)), border(np.pad(t, 1))
    to_b = distance_transform_edt(~b, sampling=spacing)[a]
    to_a = distance_transform_edt(~a, sampling=spacing)[b]
    hd95 = max(np.percentile(to_b, 95), np.percentile(to_a, 95))
    return hd95, (to_b.sum() + to_a.sum()) / (to_b.size + to_a.size)


def main():
    binary, data = sys.argv[1], Path(sys.argv[2]) / "data"
    names = json.loads((data / "hippocampus/splits.json").read_text())["validation"][:10]
    images = [data / f"hippocampus/imagesTr/{n}.nii.gz" for n in names]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "masks"
        run(binary, "segment", *images, "-m", "hippocampus", "-o", out)
        scores = run(binary, "evaluate", "--pred", out, "--truth", data / "hippocampus/labelsTr")
        for image, case in zip(images, scores["cases"]):
            mask_path = out / image.name
            mask, scan = nibabel.load(mask_path), nibabel.load(image)
            assert mask.shape == scan.shape, image
            assert np.allclose(mask.affine, scan.affine, atol=1e-3), image
            assert np.array_equal(mask.get_sform(), mask.get_qform()) or np.allclose(mask.get_sform(), mask.get_qform(), atol=1e-4)
            ours, theirs = sitk.ReadImage(str(mask_path)), sitk.ReadImage(str(image))
            assert ours.GetSize() == theirs.GetSize(), image
            for f in ("GetOrigin", "GetSpacing", "GetDirection"):
                assert np.allclose(getattr(ours, f)(), getattr(theirs, f)(), atol=1e-3), (image, f)
            predicted = np.asarray(mask.dataobj)
            assert set(np.unique(predicted)) <= {0, 1, 2}
            truth = np.asarray(nibabel.load(data / f"hippocampus/labelsTr/{image.name}").dataobj)
            for label, got in case["labels"].items():
                p, t = predicted == int(label), truth == int(label)
                dice = 2 * (p & t).sum() / (p.sum() + t.sum())
                hd95, assd = surfaces(p, t, scan.header.get_zooms()[:3])
                assert abs(dice - got["dice"]) < 1e-9, (image, label, dice, got)
                assert abs(hd95 - got["hd95_mm"]) < 1e-6, (image, label, hd95, got)
                assert abs(assd - got["assd_mm"]) < 1e-6, (image, label, assd, got)
        series = data / "dicom/series/study1_hippocrop"
        target = Path(folder) / "dicom.nii.gz"
        run(binary, "segment", series, "-m", "hippocampus", "-o", target)
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
        scan, mask = reader.Execute(), sitk.ReadImage(str(target))
        assert mask.GetSize() == scan.GetSize()
        for index in ((0, 0, 0), tuple(n - 1 for n in scan.GetSize())):
            a, b = scan.TransformIndexToPhysicalPoint(index), mask.TransformIndexToPhysicalPoint(index)
            assert np.allclose(a, b, atol=1e-3), (index, a, b)
        volumes = [int((sitk.GetArrayFromImage(mask) == n).sum()) for n in (1, 2)]
        assert all(500 < v < 4000 for v in volumes), volumes
    print(f"masks: {len(images) + 1} open in nibabel and SimpleITK on their images' grids; scores agree with scipy; DICOM crop {volumes} mm3")


main()

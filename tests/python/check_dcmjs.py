#!/usr/bin/env python3
"""Checks that segmentations of dcmjs, with which web viewers write, are read exactly.

    python check_dcmjs.py LAMELLA_BINARY TEST_DATA NODE_MODULES

make_dcmjs.js writes masks on axial, oblique and tilted series, on files in either order, and on an object of several frames: by dcmjs'
derivation with all frames, with empty ones left out and with overlaps, and by its adapter for viewers in bits and as fractions packed by
RLE. Lamella reads them with the scan and alone; what pydicom reads from the same files is compared too.
"""
import base64, json, os, subprocess, sys, tempfile
from pathlib import Path

import numpy as np
import pydicom
from check_seg import blobs, check, counts, lamella, load_nifti, placed, series

HERE = Path(__file__).parent


def written(folder, output, maps, over):
    """Runs dcmjs; `maps` and `over` are pixels by the name of their image."""
    output.mkdir()
    text = {what: {name: base64.b64encode(pixels.astype(np.uint8).tobytes()).decode() for name, pixels in table.items()}
            for what, table in (("pixels", maps), ("over", over))}
    labels = output / "labels.json"
    labels.write_text(json.dumps(text))
    done = subprocess.run(["node", HERE / "make_dcmjs.js", folder, labels, output], capture_output=True, text=True,
                          env={**os.environ, "NODE_PATH": sys.argv[3]})
    check(f"{folder.name}: dcmjs writes", done.returncode == 0, done.stderr)
    labels.unlink()
    return sorted(output.glob("*.dcm"))


def compare(what, file, folder, labels, over, affine):
    is_over, is_adapter = file.stem == "overlapping", file.stem.startswith("adapter")
    # Overlaps are two masks: what lies over the others is the last segment.
    numbers = [int(n) for n in np.unique(labels) if n]
    place = {n: m + 1 for m, n in enumerate(numbers)}
    numbered = np.vectorize(lambda n: place.get(int(n), 0))(labels)
    told = pydicom.dcmread(file)
    check(f"{what}: segments", len(told.SegmentSequence) == len(numbers) + is_over, len(told.SegmentSequence))
    for way, extra in (("on the scan", ["--reference", folder]), ("by itself", [])):
        out = file.with_suffix(".nii.gz")
        done = lamella("convert", file, "-o", out, *extra)
        if is_over:
            ids = [word for word in done.stderr.replace("(", " ").split() if "#" in word]
            check(f"{what} {way}: names its masks", done.returncode == 1 and len(ids) >= 2, done.stderr)
            found = set()
            for id in ids:
                done = lamella("convert", file, "-o", out, "--series", id, *extra)
                check(f"{what} {way}: read", done.returncode == 0, done.stderr)
                if done.returncode == 0 and extra:
                    got, _ = load_nifti(out)
                    for n in np.unique(got[got > 0]):
                        want = (over > 0) if n == len(numbers) + 1 else labels == numbers[n - 1]
                        check(f"{what} {way}: segment {n}", np.array_equal(got == n, want), (int((got == n).sum()), int(want.sum())))
                        found.add(int(n))
            check(f"{what} {way}: all segments", not extra or found == set(range(1, len(numbers) + 2)), found)
            continue
        check(f"{what} {way}: read", done.returncode == 0, done.stderr)
        if done.returncode:
            continue
        got, where = load_nifti(out)
        if extra:
            check(f"{what} {way}", np.array_equal(got, numbered) and np.allclose(where, affine, atol=1e-3),
                  (is_adapter, dict(zip(*np.unique(got, return_counts=True))), dict(zip(*np.unique(numbered, return_counts=True)))))
            continue
        first = np.linalg.inv(affine) @ where @ [0, 0, 0, 1]
        k = int(round(first[2]))
        inside = np.zeros(labels.shape, int)
        inside[k:k + len(got)] = got
        check(f"{what} {way}", np.allclose(first[:3], [0, 0, k], atol=0.02) and np.array_equal(inside, numbered), (first, got.shape))


def check_series(folder, output, images):
    images, affine = placed(images)
    shape = (len(images), int(images[0].Rows), int(images[0].Columns))
    labels = np.array([0, 1, 2, 5, 7], np.uint8)[blobs(shape, 11)]
    over = (labels == 1) | (labels == 2)
    over[1, 2:5, 3:6] = True
    uids = [image.SOPInstanceUID for image in images]
    for file in written(folder, output, dict(zip(uids, labels)), dict(zip(uids, over))):
        compare(f"{folder.name}, {file.stem}", file, folder, labels, over, affine)


def check_multiframe(folder, output, name):
    """An object of several frames, in Lamella's order of slices."""
    image = pydicom.dcmread(next(folder.iterdir()))
    shared, frames = image.SharedFunctionalGroupsSequence[0], image.PerFrameFunctionalGroupsSequence
    whole = [pydicom.Dataset() for _ in frames]
    for number, (made, frame) in enumerate(zip(whole, frames), 1):
        of = lambda sequence: (frame if sequence in frame else shared)[sequence][0]
        made.ImageOrientationPatient = of("PlaneOrientationSequence").ImageOrientationPatient
        made.ImagePositionPatient = of("PlanePositionSequence").ImagePositionPatient
        made.PixelSpacing, made.ImageComments = of("PixelMeasuresSequence").PixelSpacing, f"{image.SOPInstanceUID}#{number}"
    ordered, affine = placed(whole)
    shape = (len(ordered), int(image.Rows), int(image.Columns))
    labels, names = blobs(shape, 4).astype(np.uint8), [made.ImageComments for made in ordered]
    over = labels == 1
    for file in written(folder, output, dict(zip(names, labels)), dict(zip(names, over))):
        compare(f"{name}, {file.stem}", file, folder, labels, over, affine)


def main():
    data = Path(sys.argv[2]) / "data/dicom/series"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, shape, row, column, step, shift in [
            ("ascending", (7, 23, 37), [1, 0, 0], [0, 1, 0], 2.5, (0, 0, 0)),
            ("descending", (6, 21, 19), [1, 0, 0], [0, 1, 0], -2.5, (0, 0, 0)),
            ("oblique", (8, 10, 19), [0.8, 0.6, 0], [-0.36, 0.48, 0.8], 3, (0, 0, 0)),
            ("tilted", (7, 21, 18), [1, 0, 0], [0, 1, 0], 2.5, (0, 0.6, 0))]:
            images = series(folder / name, shape, row, column, step=step, shift=shift)
            check_series(folder / name, folder / f"{name}_out", images)
        check_multiframe(data / "enhanced_ct", folder / "enhanced_out", "enhanced_ct")
    print(counts)
    sys.exit(1 if counts["failed"] else 0)


main()

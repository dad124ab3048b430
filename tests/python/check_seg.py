#!/usr/bin/env python3
"""Checks DICOM segmentations (SEG) against pydicom, highdicom and dciodvfy, both ways.

    python check_seg.py LAMELLA_BINARY TEST_DATA [--speed]

(a) Masks that Lamella writes as BINARY and LABELMAP on axial, coronal, sagittal and oblique series are read by pydicom and highdicom to
the same voxels, and dciodvfy reports no error. (b) What highdicom writes is read by Lamella: BINARY with overlaps and one segment alone,
FRACTIONAL, LABELMAP of 8 and 16 bits, in every transfer syntax that it writes, with frames that do not begin on bytes. (c) NIfTI to SEG to
NIfTI. (d) Masks of a series with missing slices. --speed writes and reads 20 segments on 300 slices of 512 x 512 with both programs.
"""
import subprocess, sys, tempfile, time
from pathlib import Path

import highdicom as hd
import nibabel
import numpy as np
import pydicom
from highdicom.seg import SegmentDescription
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import (CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless,
                         RLELossless, generate_uid)

counts = {"matched": 0, "failed": 0}
LPS = np.diag([-1.0, -1, 1, 1])
# What the dciodvfy of 2022 says of every LABELMAP, because it does not know the kind (also of highdicom's).
UNKNOWN_KIND = ["Information Object Not found", "SegmentNumber not monotonically increasing"]


def check(name, condition, told=""):
    counts["matched" if condition else "failed"] += 1
    if not condition:
        print(f"FAILED {name}: {told}")


def lamella(*words):
    return subprocess.run([sys.argv[1], *map(str, words)], capture_output=True, text=True)


def series(folder, shape, row, column, spacing=(0.9, 0.7), step=2.5, shift=(0, 0, 0), origin=(-31.25, 44.5, -12.125)):
    """Writes slices (nk, nj, ni) of a CT; `shift` is added to every step, which tilts it."""
    folder.mkdir(parents=True)
    row, column = np.array(row, float), np.array(column, float)
    normal, frame, study, uid = np.cross(row, column), generate_uid(), generate_uid(), generate_uid()
    made = []
    for k in range(shape[0]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SpecificCharacterSet = "ISO_IR 100"
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Jürgens^Eva", "X1", "19600101", "F"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, uid, frame
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20200102", "101112", "S1", "A1"
        ds.ReferringPhysicianName, ds.PositionReferenceIndicator = "", ""
        ds.Modality, ds.Manufacturer, ds.ManufacturerModelName, ds.SeriesNumber = "CT", "made", "made", 3
        ds.InstanceNumber, ds.ImageType = k + 1, ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImagePositionPatient = [round(float(v), 6) for v in np.array(origin) + k * (step * normal + np.array(shift))]
        ds.ImageOrientationPatient = [round(float(v), 8) for v in [*row, *column]]
        ds.PixelSpacing, ds.SliceThickness = list(spacing), step
        ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = shape[1], shape[2], 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation, ds.RescaleSlope, ds.RescaleIntercept = 15, 0, 1, -1000
        ds.PixelData = np.full(shape[1:], 100 * k, np.uint16).tobytes()
        ds.save_as(folder / f"{k:03}.dcm", enforce_file_format=True)
        made.append(ds)
    return made


def placed(images):
    """The images in the order in which Lamella counts slices, and the affine from (i, j, k) to right, anterior, superior."""
    first = images[0]
    row, column = np.array(first.ImageOrientationPatient[:3], float), np.array(first.ImageOrientationPatient[3:], float)
    normal = np.cross(row, column)
    images = sorted(images, key=lambda ds: float(np.dot(normal, np.array(ds.ImagePositionPatient, float))))
    low, high = (np.array(images[n].ImagePositionPatient, float) for n in (0, -1))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * float(first.PixelSpacing[1]), column * float(first.PixelSpacing[0])
    affine[:3, 2] = (high - low) / (len(images) - 1)
    affine[:3, 3] = low
    return images, LPS @ affine


def blobs(shape, seed, count=4):
    """Labels (nk, nj, ni) of balls that leave slices empty and touch corners."""
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    labels = np.zeros(shape, np.uint16)
    for n in range(count):
        centre = random.uniform(0, shape)
        labels[(((grid - centre) / (0.15 * np.array(shape) + 0.5)) ** 2).sum(-1) < 1] = n + 1
    labels[0, 0, 0], labels[-1, -1, -1], labels[shape[0] // 2] = 1, 2, 0
    return labels


def save_nifti(labels, affine, path):
    nibabel.save(nibabel.Nifti1Image(labels.transpose(2, 1, 0), affine), path)


def load_nifti(path):
    image = nibabel.load(path)
    return np.asarray(image.dataobj).transpose(2, 1, 0).astype(int), image.affine


def by_slice(path, images):
    """The segments that pydicom's bits say, by the images that frames name: {number: (nk, nj, ni) of bool}."""
    ds = pydicom.dcmread(path)
    pixels = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns)
    at = {im.SOPInstanceUID: k for k, im in enumerate(images)}
    found = {}
    for frame, group in zip(pixels, ds.PerFrameFunctionalGroupsSequence):
        k = at[group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
        place = [float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient]
        assert np.allclose(place, [float(v) for v in images[k].ImagePositionPatient], atol=1e-4), (place, k)
        if ds.SegmentationType == "LABELMAP":
            for n in np.unique(frame[frame > 0]):
                found.setdefault(int(n), np.zeros((len(images), ds.Rows, ds.Columns), bool))[k] |= frame == n
        else:
            n = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            found.setdefault(n, np.zeros((len(images), ds.Rows, ds.Columns), bool))[k] |= frame > 0
    return found


def with_gaps(folder):
    """(d) Masks on a series with missing slices: those on a slice that fills a gap have their place and name no image."""
    images, affine = placed(series(folder / "gaps", (8, 20, 24), (1, 0, 0), (0, 1, 0)))
    labels = (blobs((8, 20, 24), 5) > 0).astype(np.uint16)
    labels[:, 3:9, 4:12] = 1
    save_nifti(labels, affine, folder / "gaps.nii.gz")
    missing = {2, 3, 5}
    for k in missing:
        (folder / "gaps" / f"{k:03}.dcm").unlink()
    for ending in (".dcm", ".labelmap.dcm", ".rtstruct.dcm"):
        out = folder / f"gaps{ending}"
        words = ("--reference", folder / "gaps")
        refused = lamella("convert", folder / "gaps.nii.gz", "-o", out, *words)
        check(f"gaps {ending} asks", refused.returncode == 1 and not out.exists(), refused.stderr)
        done = lamella("convert", folder / "gaps.nii.gz", "-o", out, *words, "--fill-gaps")
        check(f"gaps {ending}", done.returncode == 0, done.stderr)
        told = subprocess.run(["dciodvfy", out], capture_output=True, text=True).stderr
        errors = [line for line in told.splitlines() if line.startswith("Error") and not any(k in line for k in UNKNOWN_KIND)]
        check(f"gaps {ending} dciodvfy", not errors, errors)
        ds = pydicom.dcmread(out)
        if ending == ".rtstruct.dcm":
            contours = ds.ROIContourSequence[0].ContourSequence
            found = {float(c.ContourData[2]): "ContourImageSequence" in c for c in contours}
            wanted = {float(im.ImagePositionPatient[2]): k not in missing for k, im in enumerate(images)}
            check("gaps contours", found == wanted, (found, wanted))
            continue
        pixels = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns)
        places = {}
        for frame, group in zip(pixels, ds.PerFrameFunctionalGroupsSequence):
            z = float(group.PlanePositionSequence[0].ImagePositionPatient[2])
            k = int(np.argmin([abs(z - float(im.ImagePositionPatient[2])) for im in images]))
            named = [s.ReferencedSOPInstanceUID for d in group.DerivationImageSequence for s in d.SourceImageSequence]
            check(f"gaps {ending} {k} image", named == ([] if k in missing else [images[k].SOPInstanceUID]), named)
            check(f"gaps {ending} {k} voxels", ((frame > 0) == (labels[k] > 0)).all())
            places[k] = True
        check(f"gaps {ending} slices", len(places) == len(images), sorted(places))
        volume = hd.seg.segread(out).get_volume(combine_segments=True)
        check(f"gaps {ending} highdicom", (np.asarray(volume.array) > 0).sum() == (labels > 0).sum(), volume.array.shape)


def written(folder, sources):
    """(a) and (c)."""
    for name, (path, images) in sources.items():
        images, affine = placed(images)
        shape = (len(images), int(images[0].Rows), int(images[0].Columns))
        labels = blobs(shape, len(name))
        # Numbers with gaps, and a label that no voxel has is added by a table of names.
        values = np.array([0, 1, 3, 7, 40], np.uint16)
        labels = values[labels]
        mask, table = folder / f"{name}.nii.gz", folder / f"{name}.txt"
        save_nifti(labels, affine, mask)
        table.write_text("1: Liver\n3: Milz äöü\n7: seven\n40: forty\n41: nothing\n")
        # The same mask stored from the other end: it is the same voxels.
        turned = folder / f"{name}_turned.nii.gz"
        flip = affine @ np.array([[-1, 0, 0, shape[2] - 1], [0, 1, 0, 0], [0, 0, -1, shape[0] - 1], [0, 0, 0, 1.0]])
        save_nifti(labels[::-1, :, ::-1], flip, turned)
        for ending, input in ((".dcm", mask), (".labelmap.dcm", mask), (".turned.dcm", turned)):
            out, what = folder / f"{name}{ending}", f"{name}{ending}"
            done = lamella("convert", input, "-o", out, "--reference", path, "--names", table)
            check(f"{what}: written", done.returncode == 0 and "all the same" in done.stderr, done.stderr)
            if done.returncode:
                continue
            ds = pydicom.dcmread(out, stop_before_pixels=True)
            segments = {s.SegmentLabel: s.SegmentNumber for s in ds.SegmentSequence}
            wanted = {"Liver": 1, "Milz äöü": 3, "seven": 7, "forty": 40, "nothing": 41}
            check(f"{what}: names", list(segments) == (["Background"] if "labelmap" in ending else []) + list(wanted), segments)
            numbers = [s.SegmentNumber for s in ds.SegmentSequence]
            check(f"{what}: numbers", numbers == ([0, *wanted.values()] if "labelmap" in ending else [1, 2, 3, 4, 5]), numbers)
            patient = [str(ds.PatientName), ds.StudyInstanceUID, ds.FrameOfReferenceUID]
            check(f"{what}: patient", patient == [str(images[0].PatientName), images[0].StudyInstanceUID, images[0].FrameOfReferenceUID], patient)
            found = by_slice(out, images)
            same = all(np.array_equal(found.get(segments[n], np.zeros(shape, bool)), labels == v) for n, v in wanted.items())
            check(f"{what}: pydicom", same, {n: int(m.sum()) for n, m in found.items()})
            seg = hd.seg.segread(out)
            pixels = seg.get_pixels_by_source_instance([im.SOPInstanceUID for im in images], combine_segments=False,
                                                       ignore_spatial_locations=True, assert_missing_frames_are_empty=True)
            order = [n for n in seg.segment_numbers if n != 0]
            same = all(np.array_equal(pixels[..., order.index(segments[n])] > 0, labels == v) for n, v in wanted.items())
            check(f"{what}: highdicom", same)
            # Its volumes have square corners only: a tilted one is refused.
            if "tilted" not in name:
                volume = seg.get_volume(combine_segments=False, rescale_fractional=False, allow_missing_positions=True)
                check(f"{what}: highdicom's volume", int((volume.array[..., 0] > 0).sum()) == int((labels == 1).sum()), volume.shape)
            told = subprocess.run(["dciodvfy", out], capture_output=True, text=True).stderr
            errors = [line for line in told.splitlines() if line.startswith("Error")]
            if "labelmap" in ending:
                errors = [line for line in errors if not any(words in line for words in UNKNOWN_KIND)]
            check(f"{what}: dciodvfy", not errors, errors)
            back = folder / f"{name}{ending}.back.nii.gz"
            done = lamella("convert", out, "-o", back, "--reference", path)
            check(f"{what}: read back", done.returncode == 0, done.stderr)
            if done.returncode == 0:
                got, where = load_nifti(back)
                check(f"{what}: round trip", np.array_equal(got, labels) and np.allclose(where, affine, atol=1e-3),
                      dict(zip(*np.unique(got, return_counts=True))))


def describe(number, name):
    return SegmentDescription(segment_number=number, segment_label=name, segmented_property_category=codes.SCT.Organ,
                              segmented_property_type=codes.SCT.Liver, algorithm_type="MANUAL")


def made(images, pixels, kind, names, path, **more):
    seg = hd.seg.Segmentation(
        source_images=images, pixel_array=pixels, segmentation_type=kind,
        segment_descriptions=[describe(n + 1, name) for n, name in enumerate(names)], series_instance_uid=generate_uid(),
        series_number=9, sop_instance_uid=generate_uid(), instance_number=1, manufacturer="made", manufacturer_model_name="made",
        software_versions="1", device_serial_number="0", series_description="made", **more)
    seg.save_as(path)


def read(folder, sources):
    """(b)"""
    for name, (path, images) in sources.items():
        images, affine = placed(images)
        shape = (len(images), int(images[0].Rows), int(images[0].Columns))
        labels = blobs(shape, 3 + len(name))
        stack = np.stack([labels == n for n in range(1, 5)], -1).astype(np.uint8)
        over = stack.copy()
        over[..., 1] |= over[..., 0]
        random = np.random.default_rng(5)
        part = random.uniform(0, 1, shape).astype(np.float32) * (labels > 0)
        names, one = [f"s{n}" for n in range(1, 5)], stack[..., 1] > 0
        # Parts in steps of 1/200 as highdicom rounds them.
        half = np.around(part * 200) >= 100
        cases = [("binary", "BINARY", stack, names, {}), ("one", "BINARY", one, ["s1"], {}),
                 ("implicit", "BINARY", stack, names, dict(transfer_syntax_uid=ImplicitVRLittleEndian)),
                 ("fractional", "FRACTIONAL", part, ["s1"], dict(fractional_type="PROBABILITY", max_fractional_value=200)),
                 ("labelmap", "LABELMAP", labels.astype(np.uint8), names, {}),
                 ("over", "BINARY", over, names, {})]
        for word, uid in (("rle", RLELossless), ("j2k", JPEG2000Lossless), ("jls", JPEGLSLossless)):
            cases.append((f"labelmap_{word}", "LABELMAP", labels.astype(np.uint8), names, dict(transfer_syntax_uid=uid)))
            cases.append((f"fractional_{word}", "FRACTIONAL", part, ["s1"],
                          dict(fractional_type="OCCUPANCY", max_fractional_value=200, transfer_syntax_uid=uid)))
        for case, kind, pixels, called, more in cases:
            file, what = folder / f"{name}_{case}.dcm", f"{name}, highdicom's {case}"
            try:
                made(images, pixels, kind, called, file, **more)
            except Exception as error:
                print(f"not made: {what}: {error}")
                continue
            for way, extra in (("on the scan", ["--reference", path]), ("by itself", [])):
                out = folder / f"{name}_{case}.nii.gz"
                if case == "over":
                    done = lamella("convert", file, "-o", out, *extra)
                    ids = [word for word in done.stderr.replace("(", " ").split() if "#" in word]
                    check(f"{what} {way}: names its masks", done.returncode == 1 and len(ids) == 2, done.stderr)
                    wanted = [np.where(np.isin(labels, [1, 3, 4]), labels, 0), np.where((labels == 1) | (labels == 2), 2, 0)]
                else:
                    ids, wanted = [None], [half * 1 if "fractional" in case else one * 1 if case == "one" else labels]
                for id, want in zip(ids, wanted):
                    done = lamella("convert", file, "-o", out, *extra, *(["--series", id] if id else []))
                    check(f"{what} {way}: read", done.returncode == 0, done.stderr)
                    if done.returncode:
                        continue
                    got, where = load_nifti(out)
                    if extra:
                        check(f"{what} {way}", np.array_equal(got, want) and np.allclose(where, affine, atol=1e-3), (id, got.sum(), want.sum()))
                        continue
                    # A part of the scan: its first slice is where its affine says.
                    first = np.linalg.inv(affine) @ where @ [0, 0, 0, 1]
                    k = int(round(first[2]))
                    near = np.allclose(first[:3], [0, 0, k], atol=0.02) and (len(got) == 1 or np.allclose(where[:, 2], affine[:, 2], atol=1e-2))
                    inside = np.zeros(shape, int)
                    inside[k:k + len(got)] = got
                    check(f"{what} {way}", near and np.array_equal(inside, want), (first, got.shape, got.sum(), want.sum()))


def speed(folder):
    shape, count = (300, 512, 512), 20
    images = series(folder / "large", shape, [1, 0, 0], [0, 1, 0])
    images, affine = placed(images)
    grid = np.ogrid[:300, :512, :512]
    labels = np.zeros(shape, np.uint16)
    for n in range(count):
        centre = [150, 70 + 90 * (n % 5), 80 + 110 * (n // 5)]
        labels[((grid[0] - centre[0]) / 148) ** 2 + ((grid[1] - centre[1]) / 44) ** 2 + ((grid[2] - centre[2]) / 50) ** 2 < 1] = n + 1
    mask, ours, theirs = folder / "large.nii", folder / "ours.dcm", folder / "theirs.dcm"
    save_nifti(labels, affine, mask)
    times = {}

    def timed(what, work):
        start = time.perf_counter()
        result = work()
        times[what] = time.perf_counter() - start
        return result

    done = timed("ours, written (with the scan read and the check)", lambda: lamella("convert", mask, "-o", ours, "--reference", folder / "large"))
    check("large: written", done.returncode == 0, done.stderr)
    timed("highdicom, written", lambda: made(images, labels, "BINARY", [f"s{n}" for n in range(1, count + 1)], theirs))
    for what, file in (("ours", ours), ("theirs", theirs)):
        done = timed(f"ours, reads {what}", lambda: lamella("convert", file, "-o", folder / "out.nii"))
        check(f"large: {what} is read", done.returncode == 0, done.stderr)
        got = timed(f"highdicom, reads {what}", lambda: hd.seg.segread(file).get_volume(combine_segments=True, skip_overlap_checks=True).array)
        check(f"large: {what} in highdicom", int((got > 0).sum()) == int((labels > 0).sum()))
        back, _ = load_nifti(folder / "out.nii")
        check(f"large: {what} voxels", int((back > 0).sum()) == int((labels > 0).sum()))
    for what, seconds in times.items():
        print(f"{seconds:8.2f} s  {what}")


def main():
    data = Path(sys.argv[2]) / "data/dicom/series"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if "--speed" in sys.argv:
            speed(folder)
        else:
            sources = {}
            for name, shape, row, column in [
                ("axial", (7, 41, 35), [1, 0, 0], [0, 1, 0]), ("coronal", (6, 9, 16), [1, 0, 0], [0, 0, -1]),
                ("sagittal", (5, 11, 7), [0, 1, 0], [0, 0, -1]), ("oblique", (8, 10, 19), [0.8, 0.6, 0], [-0.36, 0.48, 0.8]),
                ("feet", (6, 8, 8), [-1, 0, 0], [0, 1, 0])]:
                sources[name] = (folder / "made" / name, series(folder / "made" / name, shape, row, column))
            # A gantry tilt: slices that are shifted against each other.
            for name, shape, row, column, shift in [
                ("tilted", (7, 21, 18), [1, 0, 0], [0, 1, 0], (0, 0.6, 0)),
                ("tilted oblique", (6, 13, 11), [0.8, 0.6, 0], [-0.36, 0.48, 0.8], (0.3, -0.2, 0.1))]:
                sources[name] = (folder / "made" / name, series(folder / "made" / name, shape, row, column, shift=shift))
            for name in ("cor_classic", "study1_flair", "dcmqi_ct3slice"):
                files = sorted(path for path in (data / name).iterdir() if path.is_file())
                images = [ds for ds in map(pydicom.dcmread, files) if ds.Modality != "SEG"]
                for ds in images:
                    # highdicom refuses an empty one.
                    ds.SpecificCharacterSet = ds.get("SpecificCharacterSet") or "ISO_IR 100"
                sources[name] = (data / name, images)
            written(folder, sources)
            with_gaps(folder)
            read(folder, {name: sources[name] for name in sources if name not in ("cor_classic", "feet")})
    print(counts)
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()

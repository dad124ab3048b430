#!/usr/bin/env python3
"""Checks contours (RTSTRUCT) against pydicom, matplotlib, scikit-image, rt-utils and dciodvfy.

    python check_rtstruct.py LAMELLA_BINARY

Series of every orientation are made with pydicom. (a) Masks written by Lamella are rasterised by matplotlib and scikit-image at the centres
of the pixels and compared. (b) Masks written by rt-utils are read by Lamella and compared with what rt-utils was given. (c) dciodvfy reports
no error in what Lamella writes. (d) What Lamella writes, it reads back exactly.
"""
import contextlib, json, shutil, subprocess, sys, tempfile
from pathlib import Path

import cv2
import nrrd
import numpy as np
import pydicom
from matplotlib.path import Path as Outline
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rt_utils import RTStructBuilder
from skimage.draw import polygon2mask

# Slices, rows, columns; square, because rt-utils 1.2.7 mixes up rows and columns where it reads.
SHAPE = (14, 40, 40)
SPACING = (0.9, 0.7)  # rows, columns
SQUARE = (0.8, 0.8)  # rt-utils 1.2.7 takes the spacing of rows for that of columns
counts = {"matched": 0, "failed": 0}
worst = {}


def check(name, condition, told=""):
    counts["matched" if condition else "failed"] += 1
    if not condition:
        print(f"FAILED {name}: {told}")


def dice_is(kind, name, got, wanted, least):
    both, sum_ = np.count_nonzero(got & wanted), np.count_nonzero(got) + np.count_nonzero(wanted)
    value = 1.0 if sum_ == 0 else 2 * both / sum_
    worst[kind] = min(worst.get(kind, 1.0), value)
    check(f"{kind} {name}", value >= least, f"Dice {value:.4f}, {np.count_nonzero(got)} of {np.count_nonzero(wanted)} voxels")


def lamella(*words):
    done = subprocess.run([sys.argv[1], *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        print("  lamella", *words, "->", done.stderr.strip())
    return done


def turned(degrees_z, degrees_x):
    z, x = np.radians([degrees_z, degrees_x])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    return about_z @ about_x


OBLIQUE = turned(25, 35)
ORIENTATIONS = {
    "axial": ([1, 0, 0], [0, 1, 0], [0, 0, 2.5]),
    "coronal": ([1, 0, 0], [0, 0, -1], [0, 2, 0]),
    "sagittal": ([0, 1, 0], [0, 0, -1], [-1.5, 0, 0]),
    "oblique": (OBLIQUE[:, 0], OBLIQUE[:, 1], 3 * OBLIQUE[:, 2]),
    "reversed": ([0, 1, 0], [0, 0, -1], [1.5, 0, 0]),  # Lamella has its slices in the other order
    "tilted": ([1, 0, 0], [0, 1, 0], [0, 0.6, 2.5]),
}


def make_series(folder, row, column, step, spacing=SPACING):
    """Writes a series; returns the SOP Instance UID and the position of every slice."""
    folder.mkdir()
    study, series, frame, slices = generate_uid(), generate_uid(), generate_uid(), []
    for k in range(SHAPE[0]):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        image = Dataset()
        image.file_meta = meta
        image.SpecificCharacterSet = "ISO_IR 100"
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame
        image.StudyDate, image.StudyTime, image.Modality, image.PatientName, image.PatientID = "20240131", "101112", "CT", "Jürgen^Test", "T1"
        image.PatientBirthDate, image.PatientSex, image.StudyID, image.AccessionNumber = "", "O", "1", ""
        image.SeriesNumber, image.InstanceNumber = 1, k + 1
        position = np.array([-12.0, 20.0, 30.0]) + k * np.asarray(step, float)
        image.ImagePositionPatient = [f"{v:.6f}" for v in position]
        image.ImageOrientationPatient = [f"{v:.9f}" for v in [*row, *column]]
        image.PixelSpacing, image.SliceThickness = list(spacing), 2
        image.Rows, image.Columns = SHAPE[1:]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 0
        image.RescaleSlope, image.RescaleIntercept = 1, -1000
        image.PixelData = np.full(SHAPE[1:], k, np.uint16).tobytes()
        image.save_as(folder / f"{k:03}.dcm", enforce_file_format=True)
        slices.append((image.SOPInstanceUID, position))
    return slices


def scene():
    """Labels, z y x: a ball, a ring, islands, single voxels, lines, a border, a checkerboard's corner."""
    z, y, x = np.indices(SHAPE)
    labels = np.zeros(SHAPE, np.uint16)
    labels[(z - 6) ** 2 * 4 + (y - 12) ** 2 + (x - 12) ** 2 <= 81] = 1
    far = (y - 28) ** 2 + (x - 25) ** 2
    labels[(far <= 64) & (far > 16) & (z > 2) & (z < 11)] = 2
    labels[(far <= 2) & (z > 2) & (z < 11)] = 3
    labels[1:4, 3:6, 26:30] = 3
    labels[5, 2, 33] = labels[9, 36, 3] = 4
    labels[7, 30:38, 2] = labels[7, 25, 1:9] = 5
    labels[2:4, 0:3, 0:3] = labels[12:, -2:, -4:] = 6
    labels[11, 5:11, 5:11] = 7 * ((y + x)[11, 5:11, 5:11] % 2)
    return labels


def series_affine(slices, row, column, spacing=SPACING):
    """Voxel (column, row, slice) to left, posterior, superior."""
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = np.asarray(row, float) * spacing[1], np.asarray(column, float) * spacing[0]
    affine[:3, 2] = slices[1][1] - slices[0][1]
    affine[:3, 3] = slices[0][1]
    return affine


def write_mask(path, labels, affine):
    """A mask as NRRD, with the shear of a tilted series."""
    space = " ".join("(" + ",".join(f"{v:.9f}" for v in affine[:3, axis]) + ")" for axis in range(3))
    origin = "(" + ",".join(f"{v:.9f}" for v in affine[:3, 3]) + ")"
    head = (
        "NRRD0005\ntype: uint16\ndimension: 3\nspace: left-posterior-superior\n"
        f"sizes: {' '.join(map(str, labels.shape[::-1]))}\nspace directions: {space}\nkinds: domain domain domain\n"
        f"endian: little\nencoding: raw\nspace origin: {origin}\n\n"
    )
    path.write_bytes(head.encode() + labels.astype("<u2").tobytes())


def read_mask(path):
    """Voxels z y x of a NRRD file that Lamella wrote."""
    return np.transpose(nrrd.read(str(path))[0])


def rasterised(set_, number, slices, affine, how):
    """A structure by an independent rasteriser: pixel centres inside, contours of a slice combined by exclusive or."""
    found = np.zeros(SHAPE, bool)
    place = {uid: k for k, (uid, _) in enumerate(slices)}
    to_voxel = np.linalg.inv(affine)
    x, y = np.meshgrid(np.arange(SHAPE[2]), np.arange(SHAPE[1]))
    centres = np.stack([x.ravel(), y.ravel()], 1)
    roi = next(r for r in set_.ROIContourSequence if r.ReferencedROINumber == number)
    for contour in roi.ContourSequence:
        k = place[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
        points = np.reshape(contour.ContourData, (-1, 3)).astype(float)
        voxels = (to_voxel @ np.c_[points, np.ones(len(points))].T)[:3].T
        check("a contour lies in its image", np.abs(voxels[:, 2] - k).max() < 1e-3, voxels[:, 2])
        if how == "matplotlib":
            inside = Outline(voxels[:, :2]).contains_points(centres).reshape(SHAPE[1:])
        elif how == "skimage":
            inside = polygon2mask(SHAPE[1:], voxels[:, 1::-1])
        else:
            inside = np.zeros(SHAPE[1:], np.uint8)
            cv2.fillPoly(inside, [np.around(voxels[:, :2]).astype(np.int32)], 1)
            inside = inside.astype(bool)
        found[k] ^= inside
    return found


def check_dciodvfy(path, name):
    if not shutil.which("dciodvfy"):
        print("dciodvfy is not installed; its check is left out")
        return
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True)
    errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
    check(f"dciodvfy {name}", not errors, errors[:5])
    counts["dciodvfy"] = counts.get("dciodvfy", 0) + 1


def write_contours(folder, name, labels, affine):
    mask = folder / f"{name}.nrrd"
    write_mask(mask, labels, affine)
    out = folder / name / "written.rtstruct.dcm"
    done = lamella("convert", mask, "--reference", folder / name, "-o", out)
    check(f"{name} is written", done.returncode == 0, done.stderr)
    return out if done.returncode == 0 else None


def written(folder, name, labels, slices, affine):
    out = write_contours(folder, name, labels, affine)
    if out is None:
        return
    check_dciodvfy(out, name)
    set_ = pydicom.dcmread(out)
    check("patient", str(set_.PatientName) == "Jürgen^Test" and set_.SpecificCharacterSet == "ISO_IR 192", set_.PatientName)
    for number in np.unique(labels)[1:]:
        wanted = labels == number
        for how in ("matplotlib", "skimage", "cv2, rounded"):
            dice_is(f"(a) {how}", f"{name}, label {number}", rasterised(set_, number, slices, affine, how), wanted, 0.99)
    back = folder / f"{name}_back.nrrd"
    done = lamella("convert", out, "-o", back)
    check(f"(d) {name} is read", done.returncode == 0, done.stderr)
    if done.returncode == 0:
        read = read_mask(back)[:: -1 if name == "reversed" else 1]
        check(f"(d) {name} comes back exactly", np.array_equal(read, labels), "other voxels")
        counts["round trips"] = counts.get("round trips", 0) + 1
    out.unlink()


def rt_utils_reads(folder, name, labels, affine):
    """What Lamella writes, as rt-utils fills it: from centre to centre."""
    out = write_contours(folder, name, labels, affine)
    if out is None:
        return
    builder = RTStructBuilder.create_from(dicom_series_path=str(folder / name), rt_struct_path=str(out))
    places = places_of(builder, folder / name)
    for number in np.unique(labels)[1:]:
        own = np.zeros(SHAPE, bool)
        own[places] = np.transpose(builder.get_roi_mask_by_name(f"Label {number}"), (2, 0, 1))
        dice_is("(a) rt-utils", f"{name}, label {number}", own, labels == number, 0.99)
    out.unlink()


def places_of(builder, folder):
    """The slices of rt-utils by their place in the series."""
    files = {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID: path for path in folder.glob("0*.dcm")}
    return [int(files[image.SOPInstanceUID].stem) for image in builder.series_data]


def by_rt_utils(folder, name, labels):
    builder = RTStructBuilder.create_new(dicom_series_path=str(folder / name))
    places = places_of(builder, folder / name)
    # rt-utils takes rows, columns, slices in its own order of slices.
    numbers = [int(n) for n in np.unique(labels)[1:]]
    for number in numbers:
        builder.add_roi(mask=np.transpose(labels[places] == number, (1, 2, 0)).copy(), name=f"label {number}")
    out = folder / name / "rt_utils.dcm"
    with contextlib.redirect_stdout(None):
        builder.save(str(out))
    back = folder / f"{name}_rt_utils.nrrd"
    done = lamella("convert", out, "-o", back)
    check(f"(b) {name} by rt-utils is read", done.returncode == 0, done.stderr)
    if done.returncode == 0:
        read = read_mask(back)[:: -1 if name.startswith("reversed") else 1]
        again = RTStructBuilder.create_from(dicom_series_path=str(folder / name), rt_struct_path=str(out))
        for place, number in enumerate(numbers, 1):
            own = np.zeros(SHAPE, bool)
            own[places] = np.transpose(again.get_roi_mask_by_name(f"label {number}"), (2, 0, 1))
            kind = "(b) rt-utils"
            dice_is(kind, f"{name}, label {number} against the mask", read == place, labels == number, 0.99)
            same = np.array_equal(read == place, own)
            counts["as rt-utils reads itself"] = counts.get("as rt-utils reads itself", 0) + same
    out.unlink()


def main():
    labels = scene()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, (row, column, step) in ORIENTATIONS.items():
            slices = make_series(folder / name, row, column, step)
            affine = series_affine(slices, row, column)
            written(folder, name, labels, slices, affine)
            if name != "tilted":  # rt-utils stacks slices along their normal.
                slices = make_series(folder / f"{name}_square", row, column, step, SQUARE)
                by_rt_utils(folder, f"{name}_square", labels)
                rt_utils_reads(folder, f"{name}_square", labels, series_affine(slices, row, column, SQUARE))
    for kind, value in worst.items():
        print(f"{kind}: least Dice {value:.4f}")
    print(json.dumps(counts))
    sys.exit(counts["failed"] > 0)


main()

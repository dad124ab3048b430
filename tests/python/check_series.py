#!/usr/bin/env python3
"""Checks what series of DICOM images hold against pydicom, numpy, SimpleITK and OpenJPH.

    python check_series.py LAMELLA_BINARY

(a) High-Throughput JPEG 2000, coded by OpenJPH: exact where it is lossless, as OpenJPH decodes it where it is not.
"""
import json, subprocess, sys, tempfile
from pathlib import Path

import imagecodecs
import nibabel
import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (CTImageStorage, ExplicitVRLittleEndian, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL,
                         MultiFrameGrayscaleWordSecondaryCaptureImageStorage, generate_uid)

counts = {"matched": 0, "failed": 0}


def check(name, condition, told=""):
    counts["matched" if condition else "failed"] += 1
    if not condition:
        print(f"FAILED {name}: {told}")


def lamella(*words):
    return subprocess.run([sys.argv[1], *map(str, words)], capture_output=True, text=True)


def image(k=0, uids=None, kind=CTImageStorage, syntax=ExplicitVRLittleEndian, modality="CT"):
    """The header of slice k of a series."""
    study, series, frame = uids or (generate_uid(), generate_uid(), generate_uid())
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = kind, generate_uid(), syntax
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = kind, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
    ds.PatientName, ds.PatientID, ds.Modality, ds.SeriesDescription = "A^B", "P", modality, "made"
    ds.InstanceNumber, ds.ImageType = k + 1, ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-10, 5, 3 * k], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness = [0.9, 0.7], 3
    return ds


def put_pixels(ds, pixels, stored=None, frames=None):
    """Describes pixels and stores them: an array, or the code stream of each frame."""
    ds.Rows, ds.Columns = pixels.shape[-3:-1] if pixels.shape[-1] == 3 else pixels.shape[-2:]
    ds.SamplesPerPixel = 3 if pixels.shape[-1] == 3 else 1
    ds.PhotometricInterpretation = "RGB" if ds.SamplesPerPixel == 3 else "MONOCHROME2"
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = stored or ds.BitsAllocated
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes() if frames is None else encapsulate(frames)
    if frames is not None:
        ds["PixelData"].VR = "OB"


def save(ds, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)


def as_nifti(path, out, *more):
    """Voxels (k, j, i) as Lamella reads them, or why not."""
    done = lamella("convert", path, "-o", out, *more)
    if done.returncode:
        return None, done.stderr
    return np.asarray(nibabel.load(out).dataobj).T, done.stderr


def high_throughput(folder):
    noise = np.random.default_rng(3)
    y, x = np.mgrid[:70, :83]
    wave = 2000 + 1500 * np.sin(y / 9) * np.cos(x / 7) + noise.normal(0, 25, (70, 83))
    kinds = [("12 bits", wave.clip(0, 4095).astype(np.uint16), 12), ("16 bits", (wave * 16).astype(np.uint16), 16),
             ("signed", (wave - 1700).astype(np.int16), 16), ("8 bits", (wave / 16).clip(0, 255).astype(np.uint8), 8),
             ("flat", np.full((64, 33), 7, np.uint16), 16), ("tiny", wave[:3, :2].astype(np.uint16), 16)]
    for name, pixels, stored in kinds:
        for syntax, reversible in ((HTJ2KLossless, True), (HTJ2KLosslessRPCL, True), (HTJ2K, True), (HTJ2K, False)):
            what = f"(a) {name}, {syntax.name}, {'lossless' if reversible else 'lossy'}"
            stream = imagecodecs.htj2k_encode(pixels, reversible=reversible)
            ds = image(syntax=syntax)
            put_pixels(ds, pixels, stored, [stream])
            save(ds, folder / "ht.dcm")
            got, told = as_nifti(folder / "ht.dcm", folder / "ht.nii")
            check(f"{what}: read", got is not None, told)
            if got is None:
                continue
            want = pixels if reversible else imagecodecs.htj2k_decode(stream)
            off = np.abs(got[0].astype(int) - want).max()
            check(what, off <= (0 if reversible else 2), off)
    colour = noise.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    ds = image(syntax=HTJ2KLossless)
    put_pixels(ds, colour, frames=[imagecodecs.htj2k_encode(colour, reversible=True)])
    save(ds, folder / "colour.dcm")
    got, told = as_nifti(folder / "colour.dcm", folder / "colour.nii")
    luminance = np.around(colour @ [0.299, 0.587, 0.114])
    check("(a) colour", got is not None and np.abs(got[0] - luminance).max() <= 1, told)
    # Several frames in one file, and a series of files.
    frames = np.stack([kinds[0][1] + n for n in range(5)])
    ds = image(kind=MultiFrameGrayscaleWordSecondaryCaptureImageStorage, syntax=HTJ2KLossless)
    put_pixels(ds, frames, 16, [imagecodecs.htj2k_encode(frame, reversible=True) for frame in frames])
    ds.NumberOfFrames = 5
    save(ds, folder / "frames.dcm")
    got, told = as_nifti(folder / "frames.dcm", folder / "frames.nii")
    check("(a) frames", got is not None and np.array_equal(got.squeeze(), frames), told)
    uids = (generate_uid(), generate_uid(), generate_uid())
    for k, frame in enumerate(frames):
        ds = image(k, uids, syntax=HTJ2KLossless)
        put_pixels(ds, frame, 16, [imagecodecs.htj2k_encode(frame, reversible=True)])
        save(ds, folder / "series" / f"{k}.dcm")
    got, told = as_nifti(folder / "series", folder / "series.nii")
    check("(a) series", got is not None and np.array_equal(got, frames), told)
    # A damaged stream is told, and names the file.
    stream = imagecodecs.htj2k_encode(kinds[0][1], reversible=True)
    for name, bad in (("cut", stream[:len(stream) // 2]), ("header alone", stream[:90])):
        ds = image(syntax=HTJ2KLossless)
        put_pixels(ds, kinds[0][1], 12, [bad])
        save(ds, folder / "bad.dcm")
        got, told = as_nifti(folder / "bad.dcm", folder / "bad.nii")
        check(f"(a) {name}", got is None and "bad.dcm" in told, told)


def main():
    with tempfile.TemporaryDirectory() as folder:
        high_throughput(Path(folder))
    print(json.dumps(counts))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Checks what series of DICOM images hold against pydicom, numpy and OpenJPH.

    python check_series.py LAMELLA_BINARY

(a) High-Throughput JPEG 2000, coded by OpenJPH: exact where it is lossless, as OpenJPH decodes it where it is not. (b) Texts in
the character sets of DICOM, as pydicom has them: series, patients that masks take over, names of segments and of contours.
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


SETS = [
    ("ISO_IR 100", "Jürgen", "Müller^Jürgen"), ("ISO_IR 101", "żółć", "Wałęsa^Lech"), ("ISO_IR 109", "Ĉu", "Ĝojo^A"),
    ("ISO_IR 110", "ēķis", "Bērziņš^J"), ("ISO_IR 126", "ήπαρ", "Διονυσιος"), ("ISO_IR 127", "كبد", "قباني^لنزار"),
    ("ISO_IR 138", "כבד", "שרון^דבורה"), ("ISO_IR 144", "печень", "Люкceмбypг"), ("ISO_IR 148", "böbreği", "Çavuşoğlu^İ"),
    ("ISO_IR 166", "ตับ", "นาม^สกุล"), ("ISO_IR 13", "ｶﾝｿﾞｳ", "ﾔﾏﾀﾞ^ﾀﾛｳ"), ("ISO_IR 192", "肝臓 foie ñ", "王^小东"),
    ("GB18030", "肝脏 㐂", "王^小东"), ("GBK", "肝脏", "王^小东"), (["", "ISO 2022 IR 87"], "肝臓 CT", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ｶﾝ 肝臓", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
    (["", "ISO 2022 IR 87", "ISO 2022 IR 159"], "肝臓 丂", "Yamada^T=山田^太郎"), (["", "ISO 2022 IR 149"], "간 CT", "Hong^Gildong=洪^吉洞=홍^길동"),
    # pydicom 3.0.2 does not write all escape sequences of this one.
    (["", "ISO 2022 IR 58"], "liver CT", "Zhang^XiaoDong=张^小东="), (["ISO 2022 IR 6", "ISO 2022 IR 100", "ISO 2022 IR 144"], "Leber é печень", "Buc^Jérôme"),
    (["ISO 2022 IR 100", "ISO 2022 IR 126"], "é ήπαρ", "Buc^Jérôme=Διονυσιος"),
]


def text_sets(folder):
    for number, (sets, text, name) in enumerate(SETS):
        what, path = f"(b) {sets}", folder / f"set{number}"
        uids = (generate_uid(), generate_uid(), generate_uid())
        for k in range(3):
            ds = image(k, uids)
            ds.SpecificCharacterSet, ds.SeriesDescription, ds.ProtocolName, ds.PatientName = sets, text, text, name
            put_pixels(ds, np.full((8, 9), k, np.uint16))
            save(ds, path / f"{k}.dcm")
        told = pydicom.dcmread(path / "0.dcm")
        check(f"{what}: pydicom reads its own", "ISO 2022 IR 58" in sets or (told.SeriesDescription == text and str(told.PatientName).rstrip("=") == name.rstrip("=")), told.SeriesDescription)
        said = json.loads(lamella("info", path, "--json").stdout)["volumes"][0]
        header = dict(said["header"])
        check(f"{what}: series", header["Series Description"] == told.SeriesDescription and header["Protocol"] == told.ProtocolName, header)
        check(f"{what}: no warning", not any("character" in warning for warning in said["warnings"]), said["warnings"])
        mask = folder / "mask.nii"
        labels = np.zeros((3, 8, 9), np.uint8)
        labels[1, 2:5, 3:6] = 1
        affine = np.diag([-0.7, -0.9, 3, 1])
        affine[:3, 3] = [10, -5, 0]
        nibabel.save(nibabel.Nifti1Image(labels.T, affine), mask)
        for kind in ("dcm", "rtstruct.dcm"):
            # Contours find their scan beside them.
            out = path.with_name(f"mask{number}.dcm") if kind == "dcm" else path / "mask.rtstruct.dcm"
            done = lamella("convert", mask, "-o", out, "--reference", path)
            check(f"{what}: {kind} is written", done.returncode == 0, done.stderr)
            ds = pydicom.dcmread(out)
            check(f"{what}: patient of the {kind}", str(ds.PatientName).rstrip("=") == str(told.PatientName).rstrip("="), (str(ds.PatientName), name))
            # The same object with a name in the set.
            ds.SpecificCharacterSet = sets
            item = ds.SegmentSequence[0] if kind == "dcm" else ds.StructureSetROISequence[0]
            setattr(item, "SegmentLabel" if kind == "dcm" else "ROIName", text)
            ds.save_as(out)
            table = path.with_name(f"names{number}_{kind}.tsv")
            done = lamella("convert", out, "-o", table)
            check(f"{what}: name in the {kind}", done.returncode == 0 and text in table.read_text(), done.stderr)
    # A set that nobody knows: the pixels are read, the letters are told.
    ds = image()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SeriesDescription = "é"
    put_pixels(ds, np.full((8, 9), 4, np.uint16))
    save(ds, folder / "unknown.dcm")
    raw = (folder / "unknown.dcm").read_bytes()
    (folder / "unknown.dcm").write_bytes(raw.replace(b"ISO_IR 100", b"ISO_IR 999"))
    said = json.loads(lamella("info", folder / "unknown.dcm", "--json").stdout)["volumes"][0]
    check("(b) unknown set", said["max"] == 4 and dict(said["header"])["Series Description"] == "\\351"
          and any("ISO_IR 999" in warning for warning in said["warnings"]), said)


def main():
    with tempfile.TemporaryDirectory() as folder:
        high_throughput(Path(folder))
        text_sets(Path(folder))
    print(json.dumps(counts))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()

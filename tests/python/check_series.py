#!/usr/bin/env python3
"""Checks what series of DICOM images hold against pydicom, numpy, SimpleITK, OpenJPH and OpenJPEG.

    python check_series.py LAMELLA_BINARY

(a) High-Throughput JPEG 2000, coded by OpenJPH: exact where it is lossless, as OpenJPH decodes it where it is not. (b) Texts in
the character sets of DICOM, as pydicom has them: series, patients that masks take over, names of segments and of contours. (c) PET in standardised uptake values, computed anew by numpy. (d) Derived
series that Lamella writes: pydicom and SimpleITK read the same voxels at the same places, dciodvfy reports no error. (e) Gaps that are filled.
(f) JPEG 2000, coded by OpenJPEG through Pillow and pylibjpeg: exact in every order of packets, size of tiles, precincts and code blocks, depth and sign;
where layers are left out, as OpenJPEG decodes it. (g) SUV in labels, with the peak of 1 mL.
"""
import io, json, subprocess, sys, tempfile
from datetime import datetime
from pathlib import Path

import imagecodecs
import nibabel
import numpy as np
import pydicom
import SimpleITK
from openjpeg.utils import encode_array
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (CTImageStorage, ExplicitVRLittleEndian, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL, JPEG2000Lossless, MRImageStorage,
                         MultiFrameGrayscaleWordSecondaryCaptureImageStorage, PositronEmissionTomographyImageStorage, generate_uid)

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


def jpeg_2000(folder):
    noise = np.random.default_rng(7)
    y, x = np.mgrid[:90, :75]
    wave = (20000 + 15000 * np.sin(y / 9) * np.cos(x / 7) + noise.normal(0, 300, x.shape)).clip(0, 65535).astype(np.uint16)

    def through(what, stream, pixels, stored, want):
        ds = image(syntax=JPEG2000Lossless)
        put_pixels(ds, pixels, stored, [stream])
        save(ds, folder / "j2k.dcm")
        got, told = as_nifti(folder / "j2k.dcm", folder / "j2k.nii")
        off = None if got is None else np.abs(got[0].astype(int) - want)
        check(f"(f) {what}", off is not None and off.max() <= (1 if pixels.ndim == 3 else 0), told if off is None else off.max())

    orders = ["LRCP", "RLCP", "RPCL", "PCRL", "CPRL"]
    shapes = [{}, dict(codeblock_size=(4, 4)), dict(codeblock_size=(1024, 4)), dict(codeblock_size=(4, 256), num_resolutions=1),
              dict(precinct_size=(32, 64), codeblock_size=(16, 16)), dict(offset=(5, 3), tile_size=(40, 33), tile_offset=(2, 1), num_resolutions=3),
              dict(tile_size=(64, 64), precinct_size=(64, 32), num_resolutions=4), dict(offset=(11, 6), tile_size=(200, 200), num_resolutions=6),
              dict(quality_layers=[20, 5, 1], quality_mode="rates", tile_size=(50, 90)), dict(quality_layers=[40, 8], quality_mode="rates")]
    for n, shape in enumerate(shapes):
        for order in orders if n in (0, 4, 5, 6, 8) else orders[n % 5:][:1]:
            # Left out layers cannot give the pixels back, the others must.
            is_whole = shape.get("quality_layers", [1])[-1] == 1
            # Pillow 13 mixes up tiles of 16 bits.
            part = (wave >> 8).astype(np.uint8) if "tile_size" in shape else wave
            out = io.BytesIO()
            Image.fromarray(part).save(out, "JPEG2000", irreversible=False, progression=order, no_jp2=True, **shape)
            stream = out.getvalue()
            through(f"{shape}, {order}", stream, part, None, (part if is_whole else imagecodecs.jpeg2k_decode(stream)).astype(int))
    for rows, columns in ((32, 90), (77, 32), (33, 35), (65, 40)):
        part = np.ascontiguousarray(wave[:rows, :columns])
        through(f"{rows} x {columns}", encode_array(part), part, 16, part.astype(int))
    for bits in range(1, 17):
        for is_signed in (False, True)[:1 + (bits > 1)]:
            part = (wave[:40, :37] >> (16 - bits)).astype(int) - (1 << bits - 1 if is_signed else 0)
            part = part.astype(f"{'i' if is_signed else 'u'}{1 if bits <= 8 else 2}")
            through(f"{bits} bits, {'signed' if is_signed else 'unsigned'}", encode_array(part, bits_stored=bits), part, bits, part.astype(int))
    colour = noise.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    luminance = np.around(colour @ [0.299, 0.587, 0.114]).astype(int)
    for mct in (False, True):
        out = io.BytesIO()
        Image.fromarray(colour).save(out, "JPEG2000", irreversible=False, mct=int(mct), no_jp2=True, tile_size=(33, 21), progression="CPRL")
        through(f"colour, transformed: {mct}", out.getvalue(), colour, None, luminance)
    # A stream that ends early is told, and names the file.
    for name, bad in (("cut", encode_array(wave)[:-900]), ("header alone", encode_array(wave)[:90])):
        ds = image(syntax=JPEG2000Lossless)
        put_pixels(ds, wave, 16, [bad])
        save(ds, folder / "bad.dcm")
        got, told = as_nifti(folder / "bad.dcm", folder / "bad.nii")
        check(f"(f) {name}", got is None and "bad.dcm" in told, told)


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
            # Without the escape sequences pydicom takes the letters for Latin-1; the set that the file names has them.
            wanted = name if "ISO 2022 IR 58" in sets else str(told.PatientName)
            check(f"{what}: patient of the {kind}", str(ds.PatientName).rstrip("=") == wanted.rstrip("="), (str(ds.PatientName), wanted))
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
    check("(b) unknown set", said["max"] == 4 and dict(said["header"])["Series Description"] == "é"
          and any("ISO_IR 999" in warning for warning in said["warnings"]), said)


class Pet:
    """A PET scan: what its headers say, changed by keywords, and the factor by which its values become SUV by body weight."""

    def __init__(self, **changes):
        self.units, self.weight, self.dose, self.half_life = "BQML", 71.5, 3.7e8, 6586.2
        self.correction, self.corrected = "START", ["DECY", "ATTN", "SCAT", "NORM"]
        self.series, self.acquired, self.injected = "20200102100000.00", "20200102100003.00", "090112.50"
        self.injected_with_date, self.reference_ms, self.duration_ms = None, None, None
        self.private, self.kind, self.slopes = {}, None, [1.75, 0.5, 2.25]
        self.leave_out = []
        self.__dict__.update(changes)

    def write(self, folder):
        folder.mkdir(parents=True)
        uids, self.values = (generate_uid(), generate_uid(), generate_uid()), []
        noise = np.random.default_rng(9)
        for k, slope in enumerate(self.slopes):
            ds = image(k, uids, PositronEmissionTomographyImageStorage, modality="PT")
            stored = noise.integers(0, 30000, (6, 5), dtype=np.int16)
            put_pixels(ds, stored)
            ds.RescaleSlope, ds.RescaleIntercept, ds.Units, ds.PatientWeight = slope, 0, self.units, self.weight
            ds.CorrectedImage, ds.DecayCorrection = self.corrected, self.correction
            ds.SeriesDate, ds.SeriesTime = self.series[:8], self.series[8:]
            # Later slices are later bed positions.
            ds.AcquisitionDate, ds.AcquisitionTime = self.acquired[:8], f"{float(self.acquired[8:]) + k:09.2f}"
            drug = pydicom.Dataset()
            drug.RadionuclideTotalDose, drug.RadionuclideHalfLife = self.dose, self.half_life
            if self.injected_with_date:
                drug.RadiopharmaceuticalStartDateTime = self.injected_with_date
            else:
                drug.RadiopharmaceuticalStartTime = self.injected
            ds.RadiopharmaceuticalInformationSequence = [drug]
            if self.reference_ms:
                ds.FrameReferenceTime, ds.ActualFrameDuration = self.reference_ms + 1000 * k, self.duration_ms
            if self.kind:
                ds.SUVType = self.kind
            for (group, creator, element), value in self.private.items():
                block = ds.private_block(group, creator, create=True)
                block.add_new(element, "DS" if group == 0x7053 else "DT", value)
            for name in self.leave_out:
                delattr(drug if name in drug else ds, name)
            save(ds, folder / f"{k}.dcm")
            self.values.append(stored * slope)
        return np.array(self.values)


def since(start, end):
    """Seconds between two moments as DICOM writes them."""
    read = lambda text: datetime.strptime(f"{text[:14]}.{(text[15:] or '0').ljust(6, '0')}", "%Y%m%d%H%M%S.%f")
    return (read(end) - read(start)).total_seconds()


def uptake(folder):
    per_dose = lambda seconds=0.0, dose=3.7e8, weight=71.5, half_life=6586.2: weight * 1000 / (dose * 2 ** (-seconds / half_life))
    normal = since("20200102090112.50", "20200102100000")
    average = lambda duration, rate: np.log(rate * duration / (1 - np.exp(-rate * duration))) / rate
    back = since("20200102090112.50", "20200102100003") - 30.0 + average(60.0, np.log(2) / 6586.2)
    philips = "Philips PET Private Group"
    rows = [
        ("plain", {}, per_dose(normal)),
        ("other dose", dict(dose=1.25e8, weight=48, half_life=4062.6), per_dose(normal, 1.25e8, 48, 4062.6)),
        ("corrected to the injection", dict(correction="ADMIN"), per_dose()),
        ("over midnight", dict(series="20200103001000.00", acquired="20200103001010.00", injected="231500"), per_dose(3300.0)),
        ("date of the injection", dict(injected_with_date="20200101100000.00", half_life=282240.0), per_dose(86400.0, half_life=282240.0)),
        ("series made later", dict(series="20200105120000.00"), per_dose(normal + 3)),
        ("series made later, back from the middle", dict(series="20200105120000.00", reference_ms=30000, duration_ms=60000), per_dose(back)),
        ("series made later, by the vendor", dict(series="20200105120000.00", private={(9, "GEMS_PETD_01", 0x0D): "20200102095958.00"}), per_dose(normal - 2)),
        ("counts", dict(units="CNTS", private={(0x7053, philips, 0x00): "0.000321"}), 0.000321),
        ("counts with an activity factor", dict(units="CNTS", private={(0x7053, philips, 0x09): "1.5"}), 1.5 * per_dose(normal)),
        ("uptake already", dict(units="GML"), 1.0), ("uptake by weight", dict(units="GML", kind="BW"), 1.0),
    ]
    for number, (name, changes, factor) in enumerate(rows):
        path, out = folder / f"pet{number}", folder / "suv.nii"
        values = Pet(**changes).write(path)
        got, told = as_nifti(path, out, "--suv")
        check(f"(c) {name}: read", got is not None, told)
        if got is not None:
            off = np.abs(got / (values * factor + 1e-300) - 1)[values > 0].max()
            check(f"(c) {name}", off < 1e-6, off)
        header = dict(json.loads(lamella("info", path, "--json").stdout)["volumes"][0]["header"])
        said = header["SUV (body weight, g/mL)"]
        check(f"(c) {name}: told", said == "the values themselves" if factor == 1 else abs(float(said.split()[-1]) / factor - 1) < 1e-8, said)
        got, told = as_nifti(path, out)
        check(f"(c) {name}: without --suv", got is not None and np.allclose(got, values, rtol=1e-6), told)
    for number, (name, changes, words) in enumerate([
        ("no weight", dict(leave_out=["PatientWeight"]), "Patient's Weight"), ("weight of zero", dict(weight=0), "Patient's Weight is 0"),
        ("no dose", dict(leave_out=["RadionuclideTotalDose"]), "Radionuclide Total Dose"), ("megabecquerels", dict(dose=370), "becquerel"),
        ("no half life", dict(leave_out=["RadionuclideHalfLife"]), "Half Life"), ("no time", dict(leave_out=["RadiopharmaceuticalStartTime"]), "time of the injection"),
        ("injected later", dict(injected="110000"), "after the start"), ("another date", dict(injected_with_date="20190101100000"), "half of it decays"),
        ("not corrected", dict(correction="NONE"), "NONE"), ("no attenuation", dict(corrected=["DECY"]), "ATTN"),
        ("no injection", dict(leave_out=["RadiopharmaceuticalInformationSequence"]), "injected"), ("no units", dict(leave_out=["Units"]), "Units"),
        ("other units", dict(units="PROPCPS"), "PROPCPS"), ("counts alone", dict(units="CNTS"), "Philips"), ("lean mass", dict(units="GML", kind="LBM"), "LBM")]):
        path = folder / f"unknown{number}"
        Pet(**changes).write(path)
        got, told = as_nifti(path, folder / "none.nii", "--suv")
        check(f"(c) {name}: refused", got is None and words in told, told)
        done = lamella("info", path, "--json")
        check(f"(c) {name}: read all the same", done.returncode == 0 and words in done.stdout, done.stdout)
    ds = image()
    put_pixels(ds, np.full((4, 4), 1, np.uint16))
    save(ds, folder / "ct.dcm")
    got, told = as_nifti(folder / "ct.dcm", folder / "none.nii", "--suv")
    check("(c) a CT", got is None and "PET" in told, told)


def uptake_of_labels(folder):
    """SUV in labels of a PET scan, the peak by a ball of 1 mL around each voxel."""
    pet = Pet(slopes=[1.75, 0.5, 2.25, 1.0, 0.75, 1.5])
    values = pet.write(folder / "pet")
    factor = pet.weight * 1000 / (pet.dose * 2 ** (-since("20200102090112.50", "20200102100000") / pet.half_life))
    grid, _ = as_nifti(folder / "pet", folder / "grid.nii")
    affine = nibabel.load(folder / "grid.nii").affine
    labels = np.zeros_like(values, np.uint8)
    labels[1:4, 1:5, 0:3], labels[2:6, 0:2, 3:5] = 1, 2
    nibabel.save(nibabel.Nifti1Image(labels.T, affine), folder / "mask.nii")
    done = lamella("measure", folder / "mask.nii", "--image", folder / "pet", "--json")
    check("(g) measured", done.returncode == 0, done.stderr)
    places = np.stack(np.meshgrid(*map(np.arange, values.shape), indexing="ij"), -1)[..., ::-1] @ affine[:3, :3].T
    means = np.array([[[
        values[((places - places[k, j, i]) ** 2).sum(-1) <= (3000 / (4 * np.pi)) ** (2 / 3)].mean()
        for i in range(values.shape[2])] for j in range(values.shape[1])] for k in range(values.shape[0])])
    ml = abs(np.linalg.det(affine[:3, :3])) / 1000
    for row in json.loads(done.stdout)["labels"] if done.returncode == 0 else []:
        own, inside = values[labels == row["label"]], means[labels == row["label"]]
        expected = dict(mean=own.mean(), median=np.median(own), max=own.max(), peak=inside.max(), glycolysis_g=own.mean() * own.size * ml)
        for name, value in expected.items():
            check(f"(g) {name} of {row['label']}", abs(row["uptake"][name] / (value * factor) - 1) < 1e-6, row["uptake"])
    csv = lamella("measure", folder / "mask.nii", "--image", folder / "pet", "--csv").stdout.splitlines()
    first = dict(zip(csv[0].split(","), csv[1].split(",")))
    check("(g) in CSV", float(first["suv_peak"]) > float(first["suv_mean"]) > 0, csv)


def placed_values(folder):
    """Values and affine (left, posterior, superior) of a series as pydicom has them, slices along their normal."""
    images = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    row, column = (np.array(images[0].ImageOrientationPatient[n:n + 3], float) for n in (0, 3))
    images.sort(key=lambda ds: np.dot(np.cross(row, column), np.array(ds.ImagePositionPatient, float)))
    values = np.stack([ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept) for ds in images])
    places = np.array([ds.ImagePositionPatient for ds in images], float)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * float(images[0].PixelSpacing[1]), column * float(images[0].PixelSpacing[0])
    affine[:3, 2] = (places[-1] - places[0]) / (len(images) - 1)
    affine[:3, 3] = places[0]
    return values, affine, images


def at_places(values, affine, other):
    """The values at the places of another grid, whose voxels are the same ones."""
    k, j, i = np.indices(values.shape)
    there = np.linalg.inv(other) @ affine @ np.stack([i.ravel(), j.ravel(), k.ravel(), np.ones(values.size)])
    return np.rint(there[:3]).astype(int), np.abs(there[:3] - np.rint(there[:3])).max()


def derived(folder):
    noise = np.random.default_rng(17)
    turn = np.array([[0.8, -0.36, 0.48], [0.6, 0.48, -0.64], [0, 0.8, 0.6]])
    grids = {"axial": np.diag([1.0, 1, 1]), "oblique": turn, "coronal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
             "left-handed": np.diag([1.0, 1, -1]), "tilted": np.array([[1.0, 0, 0], [0, 1, 0.25], [0, 0, 1]])}
    kinds = {"int16": (noise.integers(-1000, 3000, (6, 7, 9)).astype(np.int16), 0), "uint8": (noise.integers(0, 255, (6, 7, 9)).astype(np.uint8), 0),
             "whole floats": (noise.integers(-5, 900, (6, 7, 9)).astype(np.float32), 0), "int32": (noise.integers(0, 65535, (6, 7, 9)).astype(np.int32), 0),
             "floats": (noise.normal(3, 40, (6, 7, 9)).astype(np.float32), 1), "large": (noise.integers(0, 10**6, (6, 7, 9)).astype(np.int32), 1)}
    for grid, directions in grids.items():
        for kind, (values, is_rounded) in kinds.items():
            what, source, out = f"(d) {grid}, {kind}", folder / "source.nii", folder / f"{grid}_{kind}".replace(" ", "_")
            affine = np.eye(4)
            affine[:3, :3], affine[:3, 3] = directions * [0.7, 0.9, 2.5], [-31.5, 12.25, 8]
            nibabel.save(nibabel.Nifti1Image(values.T, affine), source)
            done = lamella("convert", source, "-o", f"{out}/")
            check(f"{what}: written", done.returncode == 0 and "Read back and compared: 6 images" in done.stderr, done.stderr)
            if done.returncode:
                continue
            got, where, images = placed_values(out)
            place, off = at_places(values, np.diag([-1.0, -1, 1, 1]) @ affine, where)
            most = (float(values.max()) - float(values.min())) / 65535 if is_rounded else 0
            there = got[place[2], place[1], place[0]].reshape(values.shape)
            check(f"{what}: pydicom", off < 1e-4 and np.abs(there - values).max() <= 0.51 * most, (off, np.abs(there - values).max()))
            if grid != "tilted":
                names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(out))
                series = SimpleITK.ReadImage(names)
                same = np.allclose(SimpleITK.GetArrayFromImage(series), got, rtol=1e-6, atol=1e-6 + 0.01 * most)
                corner = series.TransformIndexToPhysicalPoint([int(v) - 1 for v in series.GetSize()])
                check(f"{what}: SimpleITK", same and np.allclose(corner, (where @ [8, 6, 5, 1])[:3], atol=1e-3), (corner, (where @ [8, 6, 5, 1])[:3]))
            verify(what, out)
    # Series of DICOM: patient, study, source images and values of every slice stay.
    for modality, kind in (("CT", CTImageStorage), ("MR", MRImageStorage), ("PT", PositronEmissionTomographyImageStorage)):
        uids, path, out = [generate_uid() for _ in range(3)], folder / f"from_{modality}", folder / f"to_{modality}"
        for k in range(5):
            ds = image(k, uids, kind, modality=modality)
            put_pixels(ds, noise.integers(0, 4000, (8, 6), dtype=np.int16), 16)
            ds.RescaleSlope, ds.RescaleIntercept, ds.StudyDate, ds.StudyTime, ds.PatientName = 0.5 + k / 8, -3, "20200102", "101112", "Müller^Eva"
            ds.SpecificCharacterSet, ds.PatientBirthDate, ds.PatientSex, ds.StudyID, ds.AccessionNumber = "ISO_IR 100", "19600101", "F", "S", "A"
            ds.ReferringPhysicianName, ds.KVP, ds.SeriesNumber = "", "120", 4
            save(ds, path / f"{k}.dcm")
        done = lamella("convert", path, "-o", f"{out}/")
        check(f"(d) {modality}: written", done.returncode == 0 and "all the same" in done.stderr, done.stderr)
        if done.returncode:
            continue
        (want, at, sources), (got, where, images) = placed_values(path), placed_values(out)
        check(f"(d) {modality}: voxels", np.array_equal(got, want) and np.allclose(at, where, atol=1e-6))
        for source, ds in zip(sources, images):
            check(f"(d) {modality}: source image", ds.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID)
            same = [ds[name].value == source[name].value for name in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "StudyDate", "Modality")]
            check(f"(d) {modality}: patient and study", all(same) and str(ds.PatientName) == "Müller^Eva", same)
            check(f"(d) {modality}: new names", ds.SeriesInstanceUID != source.SeriesInstanceUID and ds.SOPInstanceUID != source.SOPInstanceUID
                  and ds.ImageType[0] == "DERIVED")
        verify(f"(d) {modality}", out)
        again = lamella("convert", path, "-o", f"{out}/")
        check(f"(d) {modality}: never written over", again.returncode == 1 and "holds something" in again.stderr, again.stderr)


def verify(what, folder):
    for path in sorted(folder.iterdir())[:2]:
        told = subprocess.run(["dciodvfy", path], capture_output=True, text=True)
        errors = [line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")]
        check(f"{what}: dciodvfy", not errors, errors)


def gaps(folder):
    uids = (generate_uid(), generate_uid(), generate_uid())
    for k in (0, 1, 2, 4, 5, 6):
        ds = image(k, uids)
        put_pixels(ds, np.full((5, 4), 10 + k, np.uint16))
        save(ds, folder / "gap" / f"{k}.dcm")
    got, told = as_nifti(folder / "gap", folder / "gap.nii")
    check("(e) asks", got is None and "missing" in told, told)
    for more in ([], ["--series", uids[1]]):
        got, told = as_nifti(folder / "gap", folder / "gap.nii", "--fill-gaps", *more)
        check("(e) filled", got is not None and got[:, 0, 0].tolist() == [10, 11, 12, 10, 14, 15, 16] and "missing" in told, told)
    got, told = as_nifti(folder / "to_CT", folder / "whole.nii", "--fill-gaps")
    check("(e) nothing to fill", got is not None and len(got) == 5, told)


def main():
    with tempfile.TemporaryDirectory() as folder:
        high_throughput(Path(folder))
        text_sets(Path(folder))
        uptake(Path(folder))
        uptake_of_labels(Path(folder))
        derived(Path(folder))
        gaps(Path(folder))
        jpeg_2000(Path(folder))
    print(json.dumps(counts))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()

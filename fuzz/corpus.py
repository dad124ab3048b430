"""Writes the small files that fuzzing begins with, into `corpus/NAME/` beside this script.

    python corpus.py

Needs numpy, imagecodecs, tifffile, nibabel, onnx, torch, safetensors. Masks, contours, documents, journals and texts of models are
written by the program's own writers: `UPDATE_CORPUS=1 cargo test --test corpora`. Nothing here is from a patient.
"""
import gzip, io, json, pickle, struct, zipfile, zlib
from pathlib import Path

import imagecodecs, nibabel, numpy as np, onnx, tifffile, torch
from onnx import TensorProto, helper
from safetensors.torch import save

HERE = Path(__file__).parent / "corpus"
CUT = b"\n--8<--\n"
noise = np.random.default_rng(7)


def put(reader, name, data):
    folder = HERE / reader
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


# DICOM, element by element.

EXPLICIT, IMPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in (".1", "", ".2", ".1.99"))
LONG = "OB OD OF OL OV OW SQ SV UC UN UR UT UV".split()


def element(tag, vr, value, syntax=EXPLICIT, undefined=False):
    order = ">" if syntax == BIG else "<"
    if isinstance(value, str):
        value = value.encode("latin-1")
    if isinstance(value, list):
        value = b"".join(struct.pack(order + {"US": "H", "UL": "I", "FD": "d", "SS": "h"}[vr], n) for n in value)
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    length = 0xFFFFFFFF if undefined else len(value)
    if syntax == IMPLICIT:
        return head + struct.pack(order + "I", length) + value
    if vr in LONG:
        return head + vr.encode() + struct.pack(order + "HI", 0, length) + value
    return head + vr.encode() + struct.pack(order + "H", length) + value


def sequence(tag, items, syntax=EXPLICIT, open_end=False):
    order = ">" if syntax == BIG else "<"
    if not open_end:
        inner = b"".join(struct.pack(order + "HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
        return element(tag, "SQ", inner, syntax)
    end = struct.pack(order + "HHI", 0xFFFE, 0xE00D, 0)
    inner = b"".join(struct.pack(order + "HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + item + end for item in items)
    return element(tag, "SQ", inner + struct.pack(order + "HHI", 0xFFFE, 0xE0DD, 0), syntax, undefined=True)


def with_meta(syntax, data, class_uid="1.2.840.10008.5.1.4.1.1.4"):
    meta = element(0x00020002, "UI", class_uid) + element(0x00020003, "UI", "1.2.3.4.0") + element(0x00020010, "UI", syntax)
    if syntax == DEFLATED:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = packer.compress(data) + packer.flush()
    return bytes(128) + b"DICM" + element(0x00020000, "UL", [len(meta)]) + meta + data


def image(n=0, syntax=EXPLICIT, more=(), without=(), **change):
    """An MR slice of 4 x 3 pixels. `more` are elements, `change` values by tag."""
    rows = {
        0x00080008: ("CS", "ORIGINAL\\PRIMARY"), 0x00080016: ("UI", "1.2.840.10008.5.1.4.1.1.4"),
        0x00080018: ("UI", f"1.2.3.4.{n}"), 0x00080020: ("DA", "20200102"), 0x00080060: ("CS", "MR"), 0x0008103E: ("LO", "made"),
        0x00100010: ("PN", "Made^One"), 0x00100020: ("LO", "P1"), 0x00180050: ("DS", "2"),
        0x0020000D: ("UI", "1.2.3.1"), 0x0020000E: ("UI", "1.2.3.2"), 0x00200013: ("IS", str(n + 1)),
        0x00200032: ("DS", f"0\\0\\{2 * n}"), 0x00200037: ("DS", "1\\0\\0\\0\\1\\0"), 0x00200052: ("UI", "1.2.3.3"),
        0x00280002: ("US", [1]), 0x00280004: ("CS", "MONOCHROME2"), 0x00280010: ("US", [3]), 0x00280011: ("US", [4]),
        0x00280030: ("DS", "1\\1"), 0x00280100: ("US", [16]), 0x00280101: ("US", [12]), 0x00280102: ("US", [11]),
        0x00280103: ("US", [0]), 0x00281052: ("DS", "-1024"), 0x00281053: ("DS", "1"),
        0x7FE00010: ("OW", b"".join(struct.pack(">H" if syntax == BIG else "<H", 100 * n + k) for k in range(12))),
    }
    rows.update({int(tag[1:], 16): value for tag, value in change.items()})
    parts = {tag: element(tag, *value, syntax) for tag, value in rows.items() if tag not in without}
    parts.update(dict(more))
    return with_meta(syntax, b"".join(parts[tag] for tag in sorted(parts)))


def frames(syntax=EXPLICIT):
    """An enhanced object of three frames with functional groups."""
    def group(k):
        return (sequence(0x00209111, [element(0x00209057, "UL", [k + 1], syntax)], syntax)
                + sequence(0x00209113, [element(0x00200032, "DS", f"0\\0\\{3 * k}", syntax)], syntax, open_end=True))
    shared = (sequence(0x00209116, [element(0x00200037, "DS", "1\\0\\0\\0\\1\\0", syntax)], syntax)
              + sequence(0x00289110, [element(0x00180050, "DS", "3", syntax) + element(0x00280030, "DS", "1\\1", syntax)], syntax)
              + sequence(0x00289145, [element(0x00281052, "DS", "0", syntax) + element(0x00281053, "DS", "2", syntax)], syntax))
    more = {0x52009229: sequence(0x52009229, [shared], syntax),
            0x52009230: sequence(0x52009230, [group(k) for k in range(3)], syntax, open_end=True)}
    return image(0, syntax, more.items(), without=(0x00200032, 0x00200037, 0x00280030),
                 x00080016=("UI", "1.2.840.10008.5.1.4.1.1.4.1"), x00280008=("IS", "3"), x7FE00010=("OW", bytes(range(72))))


def dicom():
    put("dicom", "series", CUT.join(image(n) for n in range(3)))
    put("dicom", "implicit", image(syntax=IMPLICIT))
    put("dicom", "big", image(syntax=BIG))
    put("dicom", "deflated", image(syntax=DEFLATED))
    put("dicom", "frames", frames())
    put("dicom", "frames_implicit", frames(IMPLICIT))
    put("dicom", "two_times", CUT.join(image(n, x00200032=("DS", f"0\\0\\{n % 2}"), x00200100=("IS", str(n // 2 + 1))) for n in range(4)))
    put("dicom", "gap", CUT.join(image(n) for n in (0, 1, 3, 4)))
    put("dicom", "copies", CUT.join([image(0), image(0), image(1)]))
    whole = image()
    put("dicom", "without_meta", whole[whole.index(b"\x08\0\x08\0CS"):])
    put("dicom", "bits", image(x00280100=("US", [1]), x00280101=("US", [1]), x00280102=("US", [0]), x7FE00010=("OB", b"\x5a\x05")))
    put("dicom", "colour", image(x00280002=("US", [3]), x00280004=("CS", "RGB"), x00280006=("US", [0]), x00280100=("US", [8]),
                                 x00280101=("US", [8]), x00280102=("US", [7]), x7FE00010=("OB", bytes(range(36)))))
    palette = {0x00281101 + k: element(0x00281101 + k, "US", [4, 0, 16]) for k in range(3)}
    palette |= {0x00281201 + k: element(0x00281201 + k, "OW", struct.pack("<4H", 0, 20000, 40000, 65535)) for k in range(3)}
    put("dicom", "palette", image(more=palette.items(), x00280004=("CS", "PALETTE COLOR"), x00280100=("US", [8]), x00280101=("US", [8]),
                                  x00280102=("US", [7]), x7FE00010=("OB", bytes(k % 4 for k in range(12)))))
    dose = {0x30040002: element(0x30040002, "CS", "GY"), 0x3004000E: element(0x3004000E, "DS", "0.001"),
            0x3004000C: element(0x3004000C, "DS", "0\\2")}
    put("dicom", "dose", image(more=dose.items(), x00080016=("UI", "1.2.840.10008.5.1.4.1.1.481.2"), x00080060=("CS", "RTDOSE"),
                               x00280008=("IS", "2"), x7FE00010=("OW", bytes(48))))
    def field(name, *values):
        out = name.ljust(64, b"\0") + struct.pack("<i4siii", len(values), b"FD\0\0", 6, len(values), 77)
        for value in values:
            out += struct.pack("<4i", len(value), len(value), 77, len(value)) + value + bytes(-len(value) % 4)
        return out

    csa = b"SV10\4\3\2\1" + struct.pack("<II", 2, 77) + field(b"NumberOfImagesInMosaic", b"4") + field(b"SliceNormalVector", b"0.0", b"0.0", b"1.0")
    mosaic = {0x00290010: element(0x00290010, "LO", "SIEMENS CSA HEADER"), 0x00291010: element(0x00291010, "OB", csa),
              0x00180088: element(0x00180088, "DS", "2")}
    put("dicom", "mosaic", image(more=mosaic.items(), x00080008=("CS", "ORIGINAL\\PRIMARY\\M\\MOSAIC"), x00280010=("US", [4]), x7FE00010=("OW", bytes(32))))
    nested = element(0x00080018, "UI", "1.2")
    for _ in range(15):
        nested = sequence(0x00081140, [nested, nested[:0]], open_end=True)
    put("dicom", "nested", image(more={0x00081140: nested}.items()))
    un = struct.pack("<HH2sHI", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 12)
    un += element(0x00080018, "UI", "1.2 ", IMPLICIT) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    put("dicom", "unknown", image(more={0x00091001: un}.items()))
    record = lambda n: (element(0x00041400, "UL", [0]) + element(0x00041410, "US", [0xFFFF]) + element(0x00041420, "UL", [0])
                        + element(0x00041430, "CS", "IMAGE") + element(0x00041500, "CS", f"I{n}"))
    listing = with_meta(EXPLICIT, sequence(0x00041220, [record(1), record(2), record(9)]), "1.2.840.10008.1.3.10")
    put("dicom", "directory", CUT.join([b"DICOMDIR\n" + listing, image(1), image(2)]))
    put("dicom", "refused_cut", image()[:-30])
    put("dicom", "refused_long", image(more={0x00280030: b"\x28\0\x30\0DS\xff\x7f1\\1 "}.items()))
    patient = {0x00104000: element(0x00104000, "LT", "One was here on 20200102"), 0x00081140: sequence(0x00081140, [element(0x00081155, "UI", "1.2.9")]),
               0x00091001: element(0x00091001, "LO", "private"), 0x00080005: element(0x00080005, "CS", "\\ISO 2022 IR 87"),
               0x0040A730: sequence(0x0040A730, [element(0x0040A123, "PN", "Made^One")], open_end=True)}
    put("deidentify", "image", image(more=patient.items()))
    put("deidentify", "implicit", image(syntax=IMPLICIT))
    # What is a short element to who reads it as it is meant claims a gigabyte to the letter.
    put("deidentify", "refused_letters", image(more={0x00080070: b"\x08\0\x70\0XX\x04\0abcd"}.items()))
    put("deidentify", "big", image(syntax=BIG, x00080005=("CS", "ISO_IR 192"), x00080030=("TM", "101112.5"), x00100030=("DA", "19700101")))


def code_stream(syntax, allocated, stored, flags, rows, columns, data):
    return struct.pack("<4B2H", syntax, allocated, stored, flags, rows, columns) + data


def rle(planes):
    coded = []
    for plane in planes:
        out = b""
        for at in range(0, len(plane), 128):
            piece = plane[at:at + 128]
            out += bytes([len(piece) - 1]) + piece
        coded.append(out + b"\xfe\x07" + bytes(len(out) % 2))
    starts, at = [], 64
    for part in coded:
        starts.append(at)
        at += len(part)
    return struct.pack("<16I", len(coded), *starts, *[0] * (15 - len(starts))) + b"".join(coded)


def pixels():
    grey = (noise.integers(0, 40, (16, 12)) + np.arange(12) * 9).astype(np.uint8)
    deep = (noise.integers(0, 300, (16, 12)) + np.arange(12) * 200).astype(np.uint16)
    rgb = noise.integers(0, 255, (16, 12, 3), dtype=np.uint8)
    put("pixels", "rle_8", code_stream(0, 8, 8, 0, 16, 12, rle([grey[:15].tobytes() + bytes([9] * 10)])))
    put("pixels", "rle_16", code_stream(0, 16, 12, 1, 16, 12, rle([(deep >> 8).astype(np.uint8).tobytes(), deep.astype(np.uint8).tobytes()])))
    put("pixels", "rle_rgb", code_stream(0, 8, 8, 4, 16, 12, rle([rgb[..., k].tobytes() for k in range(3)])))
    put("pixels", "jpeg_8", code_stream(1, 8, 8, 0, 16, 12, imagecodecs.jpeg8_encode(grey, level=80)))
    put("pixels", "jpeg_rgb", code_stream(1, 8, 8, 0x44, 16, 12, imagecodecs.jpeg8_encode(rgb, level=60)))
    put("pixels", "jpeg_12", code_stream(2, 16, 12, 0, 16, 12, imagecodecs.jpeg8_encode(deep, level=80, bitspersample=12)))
    put("pixels", "jpeg_lossless", code_stream(4, 16, 12, 0, 16, 12, imagecodecs.ljpeg_encode(deep, bitspersample=12)))
    put("pixels", "jpeg_lossless_8", code_stream(3, 8, 8, 0, 16, 12, imagecodecs.ljpeg_encode(grey.astype(np.uint16), bitspersample=8)))
    put("pixels", "jpeg_ls", code_stream(5, 16, 16, 0, 16, 12, imagecodecs.jpegls_encode(deep)))
    put("pixels", "jpeg_ls_near", code_stream(6, 8, 8, 0, 16, 12, imagecodecs.jpegls_encode(grey, level=3)))
    put("pixels", "jpeg_ls_flat", code_stream(5, 8, 8, 0, 16, 12, imagecodecs.jpegls_encode(np.full((16, 12), 7, np.uint8))))
    put("pixels", "two_frames", code_stream(5, 8, 8, 8, 16, 12, 2 * imagecodecs.jpegls_encode(grey)))
    put("pixels", "native", code_stream(7, 16, 12, 1, 16, 12, deep.tobytes()))
    put("pixels", "native_planes", code_stream(7, 8, 8, 6, 16, 12, rgb.transpose(2, 0, 1).tobytes()))
    put("jpeg_2000", "grey", code_stream(0, 8, 8, 0, 16, 12, imagecodecs.jpeg2k_encode(grey, codecformat="j2k", reversible=True)))
    put("jpeg_2000", "deep", code_stream(1, 16, 12, 1, 16, 12, imagecodecs.jpeg2k_encode(deep, codecformat="j2k", level=40)))
    put("jpeg_2000", "high_throughput", code_stream(0, 8, 8, 0, 16, 12, imagecodecs.htj2k_encode(grey, reversible=True)))
    put("jpeg_2000", "high_throughput_deep", code_stream(1, 16, 12, 1, 16, 12, imagecodecs.htj2k_encode(deep, reversible=False)))
    put("jpeg_2000", "colour", code_stream(0, 8, 8, 0x84, 16, 12, imagecodecs.jpeg2k_encode(rgb, codecformat="jp2", reversible=True)))


# Masks and contours that the program does not write itself.

def contours(*rois):
    """An RT structure set; each structure is a list of kinds and points."""
    def contour(kind, points):
        numbers = "\\".join(f"{value:g}" for point in points for value in point)
        image = sequence(0x30060016, [element(0x00081150, "UI", "1.2.840.10008.5.1.4.1.1.4") + element(0x00081155, "UI", "1.2.3.4.1")])
        return image + element(0x30060042, "CS", kind) + element(0x30060046, "IS", str(len(points))) + element(0x30060050, "DS", numbers)

    study = sequence(0x30060012, [sequence(0x30060014, [element(0x0020000E, "UI", "1.2.3.2")])])
    return with_meta(EXPLICIT, b"".join([
        element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.481.3"), element(0x00080018, "UI", "1.2.3.9"), element(0x00080060, "CS", "RTSTRUCT"),
        element(0x00100020, "LO", "P1"), element(0x0020000D, "UI", "1.2.3.1"), element(0x0020000E, "UI", "1.2.3.8"), element(0x30060002, "SH", "made"),
        sequence(0x30060010, [element(0x00200052, "UI", "1.2.3.3") + study]),
        sequence(0x30060020, [element(0x30060022, "IS", str(n + 1)) + element(0x30060026, "LO", "same name") for n in range(len(rois))], open_end=True),
        sequence(0x30060039, [element(0x3006002A, "IS", "255\\0\\9") + sequence(0x30060040, [contour(*own) for own in roi], open_end=True)
                              + element(0x30060084, "IS", str(n + 1)) for n, roi in enumerate(rois)]),
        sequence(0x30060080, [element(0x30060084, "IS", "1") + element(0x300600A4, "CS", "ORGAN")]),
    ]), "1.2.840.10008.5.1.4.1.1.481.3")


def segmentation(kind, bits, frames, pixels, segments=2, syntax=EXPLICIT, more=()):
    """A SEG of 4 x 3 pixels; `frames` are segment and place of each."""
    def group(segment, z):
        return (sequence(0x00089124, [sequence(0x00082112, [element(0x00081155, "UI", f"1.2.3.4.{z // 2}")])])
                + sequence(0x00209113, [element(0x00200032, "DS", f"0\\0\\{z}")]) + sequence(0x0062000A, [element(0x0062000B, "US", [segment])]))

    code = lambda value, meaning: element(0x00080100, "SH", value) + element(0x00080102, "SH", "SCT") + element(0x00080104, "LO", meaning)
    segment = lambda n: (element(0x00620003, "SQ", b"") + element(0x00620004, "US", [n]) + element(0x00620005, "LO", f"segment {n}") + element(0x00620008, "CS", "MANUAL")
                         + element(0x0062000D, "US", [40000, 30000, 20000]) + sequence(0x0062000F, [code("10200004", "Liver")]))
    shared = (sequence(0x00209116, [element(0x00200037, "DS", "1\\0\\0\\0\\1\\0")])
              + sequence(0x00289110, [element(0x00180050, "DS", "2") + element(0x00180088, "DS", "2") + element(0x00280030, "DS", "1\\1")]))
    rows = {
        0x00080016: element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.66.4"), 0x00080018: element(0x00080018, "UI", "1.2.3.8"),
        0x00080060: element(0x00080060, "CS", "SEG"), 0x00081115: sequence(0x00081115, [element(0x0020000E, "UI", "1.2.3.2")]),
        0x0020000D: element(0x0020000D, "UI", "1.2.3.1"), 0x0020000E: element(0x0020000E, "UI", "1.2.3.7"), 0x00200052: element(0x00200052, "UI", "1.2.3.3"),
        0x00280002: element(0x00280002, "US", [1]), 0x00280004: element(0x00280004, "CS", "MONOCHROME2"), 0x00280008: element(0x00280008, "IS", str(len(frames))),
        0x00280010: element(0x00280010, "US", [3]), 0x00280011: element(0x00280011, "US", [4]), 0x00280100: element(0x00280100, "US", [bits]),
        0x00280101: element(0x00280101, "US", [bits]), 0x00280102: element(0x00280102, "US", [bits - 1]), 0x00280103: element(0x00280103, "US", [0]),
        0x00620001: element(0x00620001, "CS", kind), 0x00620002: sequence(0x00620002, [segment(n + 1) for n in range(segments)]),
        0x52009229: sequence(0x52009229, [shared]), 0x52009230: sequence(0x52009230, [group(*frame) for frame in frames], open_end=True), 0x7FE00010: pixels,
    }
    rows.update(dict(more))
    return with_meta(syntax, b"".join(rows[tag] for tag in sorted(rows)), "1.2.840.10008.5.1.4.1.1.66.4")


def masks():
    square = [(1, 1, 2), (5, 1, 2), (5, 4, 2), (1, 4, 2)]
    put("rtstruct", "overlap", contours([("CLOSED_PLANAR", square)], [("CLOSED_PLANAR", square[:3])]))
    put("rtstruct", "hole", contours([("CLOSEDPLANAR_XOR", square), ("CLOSEDPLANAR_XOR", [(2, 2, 2), (3, 2, 2), (3, 3, 2)])]))
    put("rtstruct", "turned", contours([("CLOSED_PLANAR", [(0, 0, 0), (6, 0, 3), (6, 4, 3), (0, 4, 0)]), ("CLOSED_PLANAR", [(0, 0, 2), (6, 0, 5), (6, 4, 5)])]))
    put("rtstruct", "kinds", contours([("POINT", square[:1]), ("OPEN_PLANAR", square), ("OPEN_NONPLANAR", square)], [("CLOSED_PLANAR", square)]))
    two = [(1, 0), (2, 0), (1, 2), (2, 4)]
    put("seg", "overlap", segmentation("BINARY", 1, two, element(0x7FE00010, "OB", bytes([0xFF, 0xF0, 0x0F, 0xAA, 0x55, 0x01]))))
    put("seg", "fractions", segmentation("FRACTIONAL", 8, two, element(0x7FE00010, "OB", bytes(range(0, 240, 5))), more={
        0x0062000E: element(0x0062000E, "US", [255]), 0x00620010: element(0x00620010, "CS", "PROBABILITY")}.items()))

    def fragments(syntax, parts):
        items = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in [b"", *parts])
        return element(0x7FE00010, "OB", items + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), undefined=True)

    runs = rle([bytes([0, 1, 2, 2, 2, 1, 0, 0, 0, 1])])
    put("seg", "runs", segmentation("LABELMAP", 8, [(1, 0), (1, 2)], fragments(0, [runs, runs]), syntax="1.2.840.10008.1.2.5"))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"\xa5\x03") + packer.flush()
    packed += bytes(len(packed) % 2)
    put("seg", "deflated_frames", segmentation("BINARY", 1, [(1, 0), (2, 2)], fragments(0, [packed, packed]), syntax="1.2.840.10008.1.2.8.1"))
    put("seg", "deflated", segmentation("BINARY", 1, two, element(0x7FE00010, "OB", bytes(range(6))), syntax=DEFLATED))


# Volumes.

def volumes():
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    turn = np.diag([1.0, 2.0, 3.0, 1.0])
    turn[:3, 3] = [-4, 5, 6]

    def nifti(kind, array, **header):
        made = kind(array, turn)
        for key, value in header.items():
            made.header[key] = value
        return made.to_bytes()

    plain = nifti(nibabel.Nifti1Image, data)
    put("nifti", "short", plain)
    put("nifti", "gzip", gzip.compress(plain, mtime=0))
    put("nifti", "second", nifti(nibabel.Nifti2Image, data.astype(np.float32)))
    put("nifti", "scaled", nifti(nibabel.Nifti1Image, data.astype(np.uint8), scl_slope=2, scl_inter=-1))
    put("nifti", "times", nifti(nibabel.Nifti1Image, np.arange(24, dtype=np.float64).reshape(2, 2, 2, 3)))
    put("nifti", "qform", nifti(nibabel.Nifti1Image, data, sform_code=0, qform_code=1))
    colours = np.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    put("nifti", "refused_colours", nifti(nibabel.Nifti1Image, colours))
    big = nibabel.Nifti1Image(data, turn).header.as_byteswapped()
    put("nifti", "big", big.binaryblock + bytes(4) + data.astype(">i2").tobytes(order="F"))
    noted = nibabel.Nifti1Image(data, turn)
    caret = b'<?xml version="1.0"?><CaretExtension><VolumeInformation Index="0"><LabelTable><Label Key="1" Red="1" Green="0" Blue="0" Alpha="1">' \
            b"<![CDATA[one]]></Label></LabelTable></VolumeInformation></CaretExtension>"
    noted.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, caret))
    noted.header.extensions.append(nibabel.nifti1.Nifti1Extension("afni", b'<AFNI_attributes><AFNI_atr ni_type="String" atr_name="VALUE_LABEL_DTABLE">"1" "one"</AFNI_atr></AFNI_attributes>'))
    noted.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b'{"lamella": 1}'))
    put("nifti", "noted", noted.to_bytes())
    analyze = nibabel.AnalyzeImage(data, turn)
    parts = analyze.make_file_map({"header": io.BytesIO(), "image": io.BytesIO()})
    parts["header"].fileobj, parts["image"].fileobj = io.BytesIO(), io.BytesIO()
    analyze.to_file_map(parts)
    put("analyze", "short", parts["header"].fileobj.getvalue() + CUT + parts["image"].fileobj.getvalue())
    pair = plain[:108] + struct.pack("<f", 0) + plain[112:344] + b"ni1\0"
    put("analyze", "nifti_pair", pair + CUT + data.tobytes())
    put("mgh", "plain", nibabel.MGHImage(data.astype(np.int32), turn).to_bytes())
    put("mgh", "gzip", gzip.compress(nibabel.MGHImage(data.astype(np.uint8), turn).to_bytes(), mtime=0))
    put("mgh", "times", nibabel.MGHImage(np.zeros((2, 2, 2, 2), np.float32), turn).to_bytes())
    gipl = struct.pack(">4HH4f80s20dBBdddfffI", 4, 3, 2, 1, 15, 1, 2, 3, 1, b"made", *[0.0] * 20, 0, 0, 0, 23, 0, 0, 0, 0, 0xEFFFE9B0)
    put("gipl", "short", gipl[:252] + struct.pack(">I", 0xEFFFE9B0) + data.astype(">i2").tobytes())
    put("gipl", "gzip", gzip.compress(gipl[:252] + struct.pack(">I", 0xEFFFE9B0) + data.astype(">i2").tobytes(), mtime=0))


def nrrd():
    data = np.arange(24, dtype="<i2")
    head = b"NRRD0004\n# made\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n" \
           b"space directions: (1,0,0) (0,2,0) (0,0,3)\nkinds: domain domain domain\nendian: little\nencoding: %s\nspace origin: (1,2,3)\n"
    put("nrrd", "raw", head % b"raw" + b"\n" + data.tobytes())
    put("nrrd", "gzip", head % b"gzip" + b"\n" + gzip.compress(data.tobytes(), mtime=0))
    put("nrrd", "ascii", head % b"ascii" + b"\n" + " ".join(map(str, data)).encode())
    put("nrrd", "hex", head % b"hex" + b"\n" + data.tobytes().hex().encode())
    put("nrrd", "detached", head % b"raw" + b"line skip: 1\nbyte skip: -1\ndata file: scan.raw\n" + CUT + b"skipped\n" + data.tobytes())
    put("nrrd", "refused_many", head % b"raw" + b"data file: scan.%s 1 2 1 2\n" % b"%03d.raw" + CUT + data.tobytes())
    segments = b"Segment0_ID:=a\nSegment0_Name:=first\nSegment0_Color:=1 0 0\nSegment0_LabelValue:=1\nSegment0_Layer:=0\n" \
               b"Segment0_Extent:=0 3 0 2 0 1\nSegment0_Tags:=TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list" \
               b"~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^|\n"
    put("nrrd", "segments", head % b"raw" + segments + b"\n" + (data % 2).tobytes())
    layers = b"NRRD0005\ntype: uint8\ndimension: 4\nspace: right-anterior-superior\nsizes: 2 2 2 2\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\n" \
             b"kinds: list domain domain domain\nencoding: raw\nspace origin: (0,0,0)\n" \
             b"Segment0_ID:=a\nSegment0_Layer:=0\nSegment0_LabelValue:=1\nSegment1_ID:=b\nSegment1_Layer:=1\nSegment1_LabelValue:=1\n\n"
    put("nrrd", "refused_layers", layers + bytes(k % 2 for k in range(16)))
    put("nrrd", "spacings", b"NRRD0001\ntype: float\ndimension: 2\nsizes: 3 2\nspacings: 1 2\naxis mins: 0 nan\ncenters: cell node\nencoding: raw\nendian: big\n\n" + bytes(24))
    put("nrrd", "unsigned", b"NRRD0003\ntype: unsigned long long int\ndimension: 3\nsizes: 1 1 2\nmeasurement frame: (1,0,0) (0,1,0) (0,0,1)\nunits: \"mm\" \"mm\" \"mm\"\nencoding: txt\n\n1 18446744073709551615\n")


def metaimage():
    data = np.arange(24, dtype="<i2")
    head = b"ObjectType = Image\nNDims = 3\nBinaryData = %s\nBinaryDataByteOrderMSB = False\nCompressedData = %s\n" \
           b"TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nCenterOfRotation = 0 0 0\nAnatomicalOrientation = RAI\n" \
           b"ElementSpacing = 1 2 3\nDimSize = 4 3 2\nElementType = MET_SHORT\n"
    packed = zlib.compress(data.tobytes())
    put("metaimage", "raw", head % (b"True", b"False") + b"ElementDataFile = LOCAL\n" + data.tobytes())
    put("metaimage", "packed", head % (b"True", b"True") + b"CompressedDataSize = %d\nElementDataFile = LOCAL\n" % len(packed) + packed)
    put("metaimage", "text", head % (b"False", b"False") + b"ElementDataFile = LOCAL\n" + " ".join(map(str, data)).encode())
    put("metaimage", "beside", head % (b"True", b"False") + b"HeaderSize = -1\nElementDataFile = scan.raw\n" + CUT + b"front" + data.tobytes())
    put("metaimage", "refused_list", head % (b"True", b"False") + b"ElementDataFile = LIST 2\nscan.raw\nscan.raw\n" + CUT + data.tobytes()[:24])
    put("metaimage", "refused_pattern", head % (b"True", b"False") + b"ElementDataFile = scan%02d.raw 1 2 1\n" + CUT + data.tobytes()[:24])
    put("metaimage", "channels", b"ObjectType = Image\nNDims = 4\nDimSize = 2 2 2 2\nElementSize = 1 1 1 1\nElementNumberOfChannels = 3\n"
                                 b"ElementType = MET_UCHAR\nElementDataFile = LOCAL\n" + bytes(48))


# Pictures.

def pictures():
    grey = noise.integers(0, 255, (9, 7), dtype=np.uint8)
    deep = noise.integers(0, 60000, (3, 9, 7), dtype=np.uint16)

    def tiff(name, data, **how):
        out = io.BytesIO()
        tifffile.imwrite(out, data, **how)
        put("tiff", name, out.getvalue())

    tiff("grey", grey, metadata=None)
    tiff("pages", deep, metadata={"axes": "ZYX"}, description=None)
    tiff("imagej", deep, imagej=True, metadata={"spacing": 2.0, "unit": "um", "axes": "ZYX"})
    tiff("ome", deep, ome=True, metadata={"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 1.0})
    tiff("big", grey, bigtiff=True, metadata=None)
    tiff("other_end", deep[0], byteorder=">", metadata=None)
    tiff("tiles", np.tile(grey, (4, 4))[:32, :16], tile=(16, 16), compression="zlib", predictor=True, metadata=None)
    tiff("lzw", deep[0], compression="lzw", predictor=True, metadata=None)
    tiff("packbits", grey, compression="packbits", metadata=None)
    tiff("floats", grey.astype(np.float32), compression="zlib", predictor=True, metadata=None)
    tiff("bits", grey > 99, metadata=None)
    tiff("rgb", noise.integers(0, 255, (6, 5, 3), dtype=np.uint8), photometric="rgb", metadata=None)
    tiff("rgb_planes", noise.integers(0, 255, (3, 6, 5), dtype=np.uint8), photometric="rgb", planarconfig="separate", metadata=None)
    tiff("palette_of_colours", grey % 4, photometric="palette", colormap=np.zeros((3, 256), np.uint16) + 7, metadata=None)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def png(name, width, height, depth, colour, rows, *more, lace=0):
        head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, lace)
        put("png", name, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))

    png("grey", 7, 3, 8, 0, b"".join(b"\1" + bytes(range(7)) for _ in range(3)))
    png("deep", 3, 2, 16, 0, b"\2" + bytes(6) + b"\4" + bytes(range(6)), chunk(b"pHYs", struct.pack(">IIB", 3000, 3000, 1)))
    png("bits", 9, 2, 1, 0, b"\0\xaa\x80\0\x55\0")
    png("rgb", 2, 2, 8, 2, (b"\3" + bytes(range(6))) * 2)
    png("palette_of_colours", 4, 2, 2, 3, b"\0\x1b\0\xe4", chunk(b"PLTE", bytes(range(12))), chunk(b"tRNS", b"\xff\x00"))
    png("alpha", 2, 2, 16, 6, (b"\0" + bytes(range(16))) * 2)
    png("laced", 5, 5, 8, 4, b"".join(b"\0" + bytes(2 * n) for n in (1, 1, 2, 1, 1, 3, 2, 2, 2, 5, 5)), lace=1)


# Networks.

def networks():
    def net(name, nodes, weights, opset=17, size=("n", 1, "h", "w"), raw=True):
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(size))],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                                  [onnx.numpy_helper.from_array(np.asarray(value), key) for key, value in weights.items()])
        put("onnx", name, helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8).SerializeToString())

    node = helper.make_node
    w = noise.normal(size=(2, 1, 3, 3)).astype(np.float32)
    net("conv", [node("Conv", ["x", "w", "b"], ["a"], pads=[1, 1, 1, 1]), node("Relu", ["a"], ["y"])], {"w": w, "b": np.zeros(2, np.float32)})
    v = noise.normal(size=(2, 2, 2, 2)).astype(np.float32)
    ones = np.ones(2, np.float32)
    net("unet", [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]), node("BatchNormalization", ["a", "s", "s", "s", "s"], ["b"]),
        node("LeakyRelu", ["b"], ["c"], alpha=0.1), node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2]),
        node("ConvTranspose", ["d", "v"], ["e"], strides=[2, 2]), node("Concat", ["c", "e"], ["f"], axis=1),
        node("InstanceNormalization", ["f", "t", "t"], ["g"]), node("Conv", ["g", "u"], ["h"]), node("Softmax", ["h"], ["y"], axis=1),
    ], {"w": w, "v": v, "s": ones, "t": np.ones(4, np.float32), "u": noise.normal(size=(2, 4, 1, 1)).astype(np.float32)})
    net("resize", [
        node("Conv", ["x", "w"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]), node("Shape", ["x"], ["s"]),
        node("Slice", ["s", "two", "four"], ["hw"]), node("Shape", ["a"], ["t"]), node("Slice", ["t", "nil", "two"], ["nc"]),
        node("Concat", ["nc", "hw"], ["to"], axis=0), node("Resize", ["a", "", "", "to"], ["y"], mode="linear", coordinate_transformation_mode="half_pixel"),
    ], {"w": w, "nil": np.array([0]), "two": np.array([2]), "four": np.array([4])})
    net("attention", [
        node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]), node("GlobalAveragePool", ["a"], ["b"]), node("Sigmoid", ["b"], ["c"]),
        node("Mul", ["a", "c"], ["d"]), node("ReduceMean", ["d"], ["e"], axes=[2, 3], keepdims=1), node("Add", ["d", "e"], ["f"]),
        node("Clip", ["f", "lo", "hi"], ["g"]), node("Pad", ["g", "pads"], ["h"]),
        node("AveragePool", ["h"], ["y"], kernel_shape=[3, 3], strides=[1, 1]),
    ], {"w": w, "lo": np.float32(0), "hi": np.float32(6), "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])})
    net("constants", [
        node("Constant", [], ["c"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.5])), 
        node("Mul", ["x", "c"], ["a"]), node("Add", ["a", "s"], ["b"]), node("Reshape", ["b", "r"], ["d"]), node("Relu", ["d"], ["y"]),
    ], {"s": np.float32(0.25), "r": np.array([0, 0, 8, 8])}, size=(1, 1, 8, 8))


class Storage:
    def __init__(self, kind, key, count):
        self.key = ("storage", kind, key, "cpu", count)


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.key if isinstance(value, Storage) else None

    def reducer_override(self, value):
        if isinstance(value, tuple) and len(value) == 3 and isinstance(value[0], Storage):
            return None
        return NotImplemented


class Tensor:
    def __init__(self, key, shape, kind=torch.FloatStorage):
        self.parts = (key, shape, kind)

    def __reduce__(self):
        key, shape, kind = self.parts
        strides = [int(np.prod(shape[k + 1:])) for k in range(len(shape))]
        return torch._utils._rebuild_tensor_v2, (Storage(kind, key, 4096), 0, tuple(shape), tuple(strides), False, {})


def weights():
    def pickled(value, protocol=2):
        out = io.BytesIO()
        Pickler(out, protocol).dump(value)
        return out.getvalue()

    from collections import OrderedDict
    plain = OrderedDict((f"inc.double_conv.{k}.weight", Tensor(str(k % 4), [4, 1, 3, 3])) for k in range(4))
    put("pickle", "state", pickled(plain))
    put("pickle", "wrapped", pickled({"epoch": 3, "lr": 1e-3, "state_dict": {"module." + k: v for k, v in plain.items()}, "note": [None, True, b"x", (1, 2.5, "text")]}))
    put("pickle", "newer", pickled({"model": plain, "big": 1 << 70, "set": {1, 2}}, 4))
    put("pickle", "halves", pickled({"w": Tensor("0", [8, 8], torch.HalfStorage), "n": Tensor("1", [], torch.LongStorage)}))
    out = io.BytesIO()
    small = {"outc.weight": torch.zeros(2, 4, 1, 1), "outc.bias": torch.arange(2.0)}
    torch.save(small, out)
    put("model", "archive", out.getvalue())
    out = io.BytesIO()
    torch.save(small, out, _use_new_zipfile_serialization=False)
    put("model", "legacy", out.getvalue())
    put("model", "safetensors", save({**small, "h": torch.zeros(3, dtype=torch.float16), "n": torch.zeros(1, dtype=torch.int64)}))


def label_names():
    snap = '################\n# ITK-SnAP Label Description File\n################\n    0     0    0    0        0  0  0    "Clear Label"\n    1   255    0    0        1  1  1    "Liver"\n'
    put("labels", "itk_snap", b"0" + snap.encode())
    put("labels", "numbered", b"1" + b"0 Background 0 0 0 0\n1 Left-Kidney 10 20 30 0\n2 Right-Kidney 40 50 60 0\n")
    put("labels", "bids", b"2" + b"index\tname\tabbreviation\tcolor\tmapping\n1\tGray Matter\tGM\t#ff53bb\t2\n2\tWhite Matter\tWM\t#2f8bbe\t1\n")
    put("labels", "names", b"3" + json.dumps({"labels": {"background": 0, "liver": 1}}).encode())


for make in (dicom, pixels, masks, volumes, nrrd, metaimage, pictures, networks, weights, label_names):
    make()

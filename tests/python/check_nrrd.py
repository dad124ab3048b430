#!/usr/bin/env python3
"""Checks that NRRD files mean the same to Lamella as to SimpleITK (with Teem inside) and pynrrd, both ways.

    python check_nrrd.py LAMELLA_BINARY TEST_DATA

Every image and mask of all 48 orientations is written by SimpleITK as .nrrd and .nhdr and read by Lamella, and the other way round;
geometry and voxels are compared. Then every type, encoding and byte order, data in several files, spaces, and what must be refused.
"""
import json, subprocess, sys, tempfile, zlib
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import SimpleITK as sitk

TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
NAMES = {"int8": "signed char", "float32": "float", "float64": "double", "int64": "longlong", "uint64": "ulonglong"}
counts = {"matched": 0, "failed": 0}


def check(name, condition, told=""):
    counts["matched" if condition else "failed"] += 1
    if not condition:
        print(f"FAILED {name}: {told}")


def lamella(*words):
    return subprocess.run([sys.argv[1], *map(str, words)], capture_output=True, text=True)


def info(path):
    done = lamella("info", path, "--json", "--values")
    return json.loads(done.stdout) if done.stdout else {"volumes": [], "skipped": [{"reason": done.stderr}]}


def affine_of(image):
    """The map from voxel indices to right, anterior, superior of an image of SimpleITK."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return np.diag([-1.0, -1, 1, 1]) @ affine


def affine_of_header(header):
    """The same of a header that pynrrd has read, whose space is left-posterior-superior."""
    affine = np.eye(4)
    affine[:3, :3] = np.array(header["space directions"])[:3].T
    affine[:3, 3] = header["space origin"]
    return np.diag([-1.0, -1, 1, 1]) @ affine


def voxels_of(path, folder):
    """The voxels that Lamella reads, through a NIfTI file that nibabel reads."""
    out = Path(folder) / "through.nii.gz"
    done = lamella("convert", path, "-o", out)
    if done.returncode:
        return None, done.stderr.strip()
    image = nibabel.load(out)
    return np.asarray(image.dataobj), image.affine


def same(name, path, voxels, affine, folder, tolerance=1e-5):
    """Whether Lamella reads these voxels at this place."""
    ours, place = voxels_of(path, folder)
    if ours is None:
        return check(name, False, place)
    equal = ours.shape == voxels.shape and ours.dtype == voxels.dtype and np.array_equal(ours, voxels)
    check(name, equal, f"{ours.dtype} {ours.shape} for {voxels.dtype} {voxels.shape}")
    check(f"{name} place", np.allclose(place, affine, atol=tolerance), f"{place} for {affine}")


def orientations(data, folder):
    files = sorted((data / "nifti/orientations").glob("*.nii.gz"))
    assert len(files) == 96, len(files)
    for ending, compress in ((".nrrd", True), (".nhdr", False), (".nhdr", True)):
        made = folder / f"{ending[1:]}{compress}"
        made.mkdir()
        images = {}
        for file in files:
            path = made / file.name.replace(".nii.gz", ending)
            images[path.name] = sitk.ReadImage(str(file))
            sitk.WriteImage(images[path.name], str(path), compress)
        told = {volume["id"]: volume for volume in info(made)["volumes"]}
        for name, image in images.items():
            volume = told.get(name)
            if volume is None:
                check(name, False, "not read")
                continue
            wanted = affine_of(image)
            got = np.vstack([np.array(volume["affine"]), [0, 0, 0, 1]])
            check(f"{name} affine", np.allclose(got, wanted, atol=1e-9), f"{got} for {wanted}")
            check(f"{name} shape", tuple(volume["shape"]) == image.GetSize(), volume["shape"])
            voxels = sitk.GetArrayFromImage(image).T
            # A file of NIfTI keeps its place in single precision.
            same(f"{name} ({'compressed' if compress else 'plain'})", made / name, voxels, wanted, folder, 1e-4)
    for ending in (".nrrd", ".nhdr"):
        made = folder / f"ours{ending}"
        made.mkdir()
        for file in files:
            path = made / file.name.replace(".nii.gz", ending)
            done = lamella("convert", file, "-o", path)
            if done.returncode:
                check(path.name, False, done.stderr)
                continue
            truth = nibabel.load(file)
            raw = np.asarray(truth.dataobj)
            image = sitk.ReadImage(str(path))
            check(f"SimpleITK {path.name} affine", np.allclose(affine_of(image), truth.affine, atol=1e-4), affine_of(image))
            check(f"SimpleITK {path.name} voxels", np.array_equal(sitk.GetArrayFromImage(image).T, raw))
            voxels, header = nrrd.read(str(path))
            check(f"pynrrd {path.name} affine", np.allclose(affine_of_header(header), truth.affine, atol=1e-4), header)
            check(f"pynrrd {path.name} voxels", np.array_equal(voxels, raw) and voxels.dtype == raw.dtype, voxels.dtype)


def header(kind, sizes, encoding, more=""):
    return f"NRRD0005\ntype: {NAMES.get(kind, kind)}\ndimension: {len(sizes)}\nsizes: {' '.join(map(str, sizes))}\nencoding: {encoding}\n{more}"


def values(kind, shape):
    count = int(np.prod(shape))
    if kind.startswith("float"):
        return (np.arange(count) / 7 - 3).astype(kind).reshape(shape, order="F")
    limits = np.iinfo(kind)
    spread = [limits.min, limits.max, 0, 1] + [int(limits.max) // (n + 2) for n in range(count - 4)]
    return np.array(spread, dtype=kind).reshape(shape, order="F")


def encodings(folder):
    shape, place = (4, 3, 2), "space: RAS\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (-5,6,7)\n"
    affine = np.array([[2, 0, 0, -5], [0, 3, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1.0]])
    for kind in TYPES:
        wanted = values(kind, shape)
        for order, sign in (("little", "<"), ("big", ">")):
            plain = wanted.astype(np.dtype(kind).newbyteorder(sign)).tobytes(order="F")
            gzip = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
            made = {"raw": plain, "gzip": gzip.compress(plain) + gzip.flush(), "hex": plain.hex("\n", 8).encode()}
            made["text"] = " ".join(repr(v) for v in wanted.ravel(order="F").tolist()).encode()
            for encoding, data in made.items():
                path = folder / f"{kind}_{order}_{encoding}.nrrd"
                path.write_bytes((header(kind, shape, encoding, place + f"endian: {order}\n") + "\n").encode() + data)
                if encoding in ("raw", "gzip"):
                    theirs, _ = nrrd.read(str(path))
                    assert np.array_equal(theirs, wanted), path
                same(path.name, path, wanted, affine, folder)
        for encoding in ("raw", "gzip", "ascii"):
            for detached in (False, True):
                path = folder / f"pynrrd_{kind}_{encoding}{detached}{'.nhdr' if detached else '.nrrd'}"
                told = {"space": "left-posterior-superior", "space directions": np.diag([2.0, 3, 4]), "encoding": encoding}
                nrrd.write(str(path), wanted, {**told, "space origin": [5.0, -6, 7]}, detached_header=detached)
                if encoding == "ascii":
                    # pynrrd writes large whole numbers as 9.2233720368547758e+18, which it cannot read back itself.
                    text = (path.with_suffix(".txt") if detached else path).read_text().split("\n\n")[-1]
                    if "int" in kind and "e+" in text:
                        continue
                else:
                    assert np.array_equal(nrrd.read(str(path))[0], wanted), path
                turned = np.array([[-2, 0, 0, -5], [0, -3, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1.0]])
                same(path.name, path, wanted, turned, folder)


def by_simpleitk(folder, name, text, data=b"", tolerance=1e-5):
    """Compares with what SimpleITK reads."""
    path = folder / name
    path.write_bytes(text.encode() + data)
    image = sitk.ReadImage(str(path))
    same(name, path, sitk.GetArrayFromImage(image).T, affine_of(image), folder, tolerance)


def places(folder):
    shape = (4, 3, 2)
    data = values("int16", shape).tobytes(order="F")
    directions = "space directions: (0.9,0.1,0) (-0.1,0.8,0.2) (0,-0.3,2)\nspace origin: (-10.5,20.25,3)\n"
    fields = {}
    for space in ("right-anterior-superior", "left-anterior-superior", "left-posterior-superior", "RAS", "LAS", "LPS", "3D-right-handed",
                  "3D-left-handed", "scanner-xyz"):
        fields[space] = f"space: {space}\n{directions}"
    fields["unnamed"] = f"space dimension: 3\n{directions}"
    fields["spacings"] = "spacings: 0.5 0.75 2\n"
    fields["negative"] = "spacings: 0.5 0.75 2\naxis mins: -3 4 -5\n"
    for center in ("cell", "node"):
        fields[f"mins_{center}"] = f"spacings: 0.5 0.75 2\naxis mins: -3 4 5\ncenters: {center} {center} {center}\n"
    fields["nothing"] = ""
    fields["kinds"] = f"space: LPS\nkinds: space domain space\n{directions}"
    fields["comments"] = f"# a comment\nspace: LPS\n{directions}name of a key:=a value: with := signs\n"
    for name, more in fields.items():
        # Shear is no part of SimpleITK's images, so that it reads only the nearest rotation; the others must agree.
        if "space directions" in more:
            more = more.replace("(0.9,0.1,0) (-0.1,0.8,0.2) (0,-0.3,2)", "(0.8,0.6,0) (-1.2,1.6,0) (0,0,2)")
        by_simpleitk(folder, f"place_{name}.nrrd", header("int16", shape, "raw", more + "endian: little\n") + "\n", data)
    # The distance of samples follows from the ends of an axis; SimpleITK takes 1 mm then.
    for center, spacing, first in (("cell", (0.5, 4 / 3, 2), (-2.75, 4 + 2 / 3, 6)), ("node", (2 / 3, 2, 4), (-3, 4, 5))):
        ends = f"axis mins: -3 4 5\naxis maxs: -1 8 9\ncenters: {center} {center} {center}\n"
        path = folder / f"ends_{center}.nrrd"
        path.write_bytes((header("int16", shape, "raw", ends + "endian: little\n") + "\n").encode() + data)
        place = np.diag([-1.0, -1, 1, 1]) @ np.vstack([np.c_[np.diag(spacing), first], [0, 0, 0, 1]])
        same(path.name, path, values("int16", shape), place, folder, 1e-5)
    crlf = header("int16", shape, "raw", "endian: little\nspacings: 1 2 3\n") + "\n"
    path = folder / "crlf.nrrd"
    path.write_bytes(crlf.replace("\n", "\r\n").encode() + data)
    same("crlf", path, values("int16", shape), np.diag([-1.0, -2, 3, 1]), folder)


def several_files(folder):
    shape = (4, 3, 6)
    wanted = values("uint16", shape)
    slices = [wanted[:, :, k].tobytes(order="F") for k in range(6)]
    for k, data in enumerate(slices):
        (folder / f"s{k:03d}.raw").write_bytes(data)
        (folder / f"t{k + 3}.raw").write_bytes(b"one line\nanother line\n" + b"xy" + data)
    for n in range(2):
        (folder / f"slab{n}.raw").write_bytes(b"".join(slices[3 * n : 3 * n + 3]))
    (folder / "whole.raw").write_bytes(b"what comes before" + b"".join(slices))
    squeezed = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    (folder / "whole.raw.gz").write_bytes(b"a line\n" + squeezed.compress(b"abc" + b"".join(slices)) + squeezed.flush())
    base = "endian: little\nspacings: 1 2 3\n"
    listed = "\n".join(f"s{k:03d}.raw" for k in range(6)) + "\n"
    forms = {
        "list": f"data file: LIST\n{listed}",
        "list_2": f"data file: LIST 2\n{listed}",
        "slabs": "data file: LIST 3\nslab0.raw\nslab1.raw\n",
        "pattern": "data file: s%03d.raw 0 5 1\n",
        "pattern_2": "data file: s%03d.raw 0 5 1 2\n",
        "pattern_slabs": "data file: slab%d.raw 0 1 1 3\n",
        "absolute": f"data file: {folder}/whole.raw\nbyte skip: 17\n",
        "skips": "data file: t%d.raw 3 8 1\nline skip: 2\nbyte skip: 2\n",
        "from_end": "data file: whole.raw\nbyte skip: -1\n",
        "from_start": "datafile: whole.raw\nbyteskip: 17\n",
    }
    for name, more in forms.items():
        by_simpleitk(folder, f"{name}.nhdr", header("uint16", shape, "raw", base + more))
    by_simpleitk(folder, "gz_skips.nhdr", header("uint16", shape, "gzip", base + "data file: whole.raw.gz\nline skip: 1\nbyte skip: 3\n"))
    reverse = header("uint16", shape, "raw", base + "data file: s%03d.raw 5 0 -1\n")
    (folder / "reverse.nhdr").write_text(reverse)
    same("reverse.nhdr", folder / "reverse.nhdr", wanted[:, :, ::-1], np.diag([-1.0, -2, 3, 1]), folder)


def frames(folder):
    wanted = values("uint8", (3, 4, 3, 2))
    first = header("uint8", wanted.shape, "raw", "kinds: RGB-color domain domain domain\nspace: LPS\nspace directions: none (1,0,0) (0,2,0) (0,0,3)\nspace origin: (0,0,0)\n")
    (folder / "first.nrrd").write_bytes((first + "\n").encode() + wanted.tobytes(order="F"))
    place = np.diag([-1.0, -2, 3, 1])
    same("frames first", folder / "first.nrrd", np.moveaxis(wanted, 0, 3), place, folder)
    image = sitk.ReadImage(str(folder / "first.nrrd"))
    theirs = np.moveaxis(sitk.GetArrayFromImage(image).T, 0, 3)
    check("frames first as SimpleITK reads them", np.array_equal(theirs, np.moveaxis(wanted, 0, 3)), theirs.shape)
    last = header("uint8", (4, 3, 2, 5), "raw", "kinds: domain domain domain time\nspace: LPST\nspace directions: (1,0,0,0) (0,2,0,0) (0,0,3,0) (0,0,0,2)\nspace origin: (0,0,0,0)\n")
    wanted = values("uint8", (4, 3, 2, 5))
    (folder / "last.nrrd").write_bytes((last + "\n").encode() + wanted.tobytes(order="F"))
    same("frames last", folder / "last.nrrd", wanted, place, folder)
    flat = values("uint8", (4, 3))
    (folder / "flat.nrrd").write_bytes((header("uint8", (4, 3), "raw", "spacings: 2 3\n") + "\n").encode() + flat.tobytes(order="F"))
    same("flat", folder / "flat.nrrd", flat[:, :, None], np.diag([-2.0, -3, 1, 1]), folder)
    # Frames that Lamella has written are components of a vector in SimpleITK.
    done = lamella("convert", folder / "first.nrrd", "-o", folder / "first_again.nrrd")
    again = np.moveaxis(sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "first_again.nrrd"))).T, 0, 3)
    check("frames that Lamella wrote", done.returncode == 0 and np.array_equal(again, theirs), done.stderr)


def rescaled(folder):
    """NRRD has no slope: values are written with it applied."""
    stored = values("int16", (4, 3, 2)) // 4
    for slope, inter, kind in ((1.0, -1024.0, "int16"), (2.0, 0.0, "int16"), (0.5, 10.0, "float32")):
        image = nibabel.Nifti1Image(stored, np.diag([1.0, 2, 3, 1]))
        image.header.set_slope_inter(slope, inter)
        path = folder / "rescaled.nii"
        nibabel.save(image, path)
        # nibabel writes slope and intercept only where it is told twice.
        raw = bytearray(path.read_bytes())
        raw[112:120] = np.array([slope, inter], "<f4").tobytes()
        path.write_bytes(raw)
        done = lamella("convert", path, "-o", folder / "rescaled.nrrd")
        voxels, _ = nrrd.read(str(folder / "rescaled.nrrd"))
        check(f"rescaled {slope} {inter}", voxels.dtype == kind and np.allclose(voxels, stored * slope + inter), f"{voxels.dtype} {done.stderr}")


def segments(data, folder):
    """Names and colours of labels as 3D Slicer writes and reads them."""
    mask = next((data / "hippocampus/labelsTr").glob("*.nii.gz"))
    image = sitk.ReadImage(str(mask))
    for n, (value, name, colour) in enumerate(((2, "Posterior part", "0 0.5 1"), (1, "Anterior", "1 0 0"))):
        for key, text in (("Name", name), ("Color", colour), ("LabelValue", str(value)), ("ID", f"Segment_{n}"), ("Layer", "0")):
            image.SetMetaData(f"Segment{n}_{key}", text)
    path = folder / "slicer.seg.nrrd"
    sitk.WriteImage(image, str(path), True)
    done = lamella("convert", path, "-o", folder / "again.seg.nrrd")
    again = sitk.ReadImage(str(folder / "again.seg.nrrd"))
    told = {key: again.GetMetaData(key) for key in again.GetMetaDataKeys()}
    for n, (value, name, colour) in enumerate(((2, "Posterior part", [0, 0.5, 1]), (1, "Anterior", [1, 0, 0]))):
        of = lambda part: told.get(f"Segment{n}_{part}", "")
        check(f"segment {n} name", of("Name") == name, told)
        check(f"segment {n} value", of("LabelValue") == str(value), told)
        check(f"segment {n} colour", np.allclose([float(c) for c in of("Color").split()], colour, atol=0.003), told)
    check("segments voxels", np.array_equal(sitk.GetArrayFromImage(again), sitk.GetArrayFromImage(image)), done.stderr)


def refusals(folder):
    shape, base = (4, 3, 2), "endian: little\n"
    data = values("int16", shape).tobytes(order="F")
    layers = "kinds: list domain domain domain\nSegment0_Name:=a\nSegment1_Name:=b\n"
    cases = {
        "bzip2": (header("int16", shape, "bzip2", base), b"BZh", "bzip2"),
        "block": (header("block", shape, "raw", base + "block size: 4\n"), data, "block"),
        "no_endian": (header("int16", shape, "raw"), data, "endian"),
        "truncated": (header("int16", shape, "raw", base), data[:-5], "48 bytes of voxels, but truncated.nrrd holds only 43"),
        "truncated_text": (header("int16", shape, "text"), b"1 2 3", "6 of them"),
        "no_number": (header("uint8", (2, 1, 1), "text"), b"1 300", "300"),
        "layers": (header("uint8", (2, 2, 2, 2), "raw", layers), bytes(16), "2 layers"),
        "complex": (header("float", (2, 2, 2, 2), "raw", base + "kinds: complex domain domain domain\n"), bytes(64), "complex"),
        "sizes": (header("int16", (4, 3, 10**9), "raw", base), data, "24000000000 bytes"),
        "space": (header("int16", shape, "raw", base + "space: upside-down\n"), data, "upside-down"),
        "twice": (header("int16", shape, "raw", base + base), data, "twice"),
        "missing": (header("int16", shape, "raw", base + "data file: none.raw\n"), b"", "none.raw"),
        "same_file": (header("int16", shape, "raw", base + "data file: LIST 3\nbzip2.nrrd\n./bzip2.nrrd\n"), b"", "twice"),
        "pipe": (header("int16", shape, "raw", base + "data file: /dev/zero\n"), b"", "no regular file"),
        "version": (header("int16", shape, "raw", base).replace("0005", "0009"), data, "NRRD0009"),
        "singular": (header("int16", shape, "raw", base + "space: LPS\nspace directions: (1,0,0) (1,0,0) (0,0,1)\n"), data, "singular"),
    }
    for name, (text, content, told) in cases.items():
        path = folder / f"{name}.nrrd"
        path.write_bytes((text + "\n").encode() + content)
        reasons = " ".join(skipped["reason"] for skipped in info(path)["skipped"])
        check(f"refused {name}", told in reasons, reasons)


def main():
    data = Path(sys.argv[2]) / "data"
    parts = {"orientations": lambda at: orientations(data, at), "segments": lambda at: segments(data, at)}
    parts |= {f.__name__: f for f in (encodings, places, several_files, frames, rescaled, refusals)}
    for name, part in parts.items():
        before = dict(counts)
        with tempfile.TemporaryDirectory() as folder:
            part(Path(folder))
        print(f"nrrd: {name}: {counts['matched'] - before['matched']} matched, {counts['failed'] - before['failed']} failed")
    print(f"nrrd: {counts['matched']} matched, {counts['failed']} failed")
    sys.exit(counts["failed"] > 0)


main()

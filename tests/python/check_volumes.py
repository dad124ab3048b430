#!/usr/bin/env python3
"""Checks that volumes that are neither DICOM, NIfTI nor NRRD mean the same to Lamella as to SimpleITK and nibabel.

    python check_volumes.py LAMELLA_BINARY TEST_DATA

MetaImage: every image and mask of all 48 orientations, a slanted one, every type, byte order and way to store the numbers, both ways
round. GIPL, MGH and Analyze: the same, as far as others write them. Geometry and voxels are compared.
"""
import gzip, json, struct, subprocess, sys, tempfile, zlib
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

sitk.ProcessObject.SetGlobalWarningDisplay(False)

TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
META = {"int8": "CHAR", "uint8": "UCHAR", "int16": "SHORT", "uint16": "USHORT", "int32": "INT", "uint32": "UINT", "int64": "LONG_LONG",
        "uint64": "ULONG_LONG", "float32": "FLOAT", "float64": "DOUBLE"}
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
    """The map from voxel indices to right, anterior, superior of an image of SimpleITK, of which the first three axes lie in space."""
    count = image.GetDimension()
    directions = np.reshape(image.GetDirection(), (count, count)) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3] = directions[:3, :3]
    affine[:3, 3] = image.GetOrigin()[:3]
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
    wanted = np.dtype(voxels.dtype).newbyteorder("=")
    equal = ours.shape == voxels.shape and ours.dtype == wanted and np.array_equal(ours, voxels, equal_nan=wanted.kind == "f")
    check(name, equal, f"{ours.dtype} {ours.shape} for {voxels.dtype} {voxels.shape}")
    check(f"{name} place", np.allclose(place, affine, atol=tolerance), f"{place} for {affine}")


def values(kind, shape):
    count = int(np.prod(shape))
    if kind.startswith("float"):
        return (np.arange(count) / 7 - 3).astype(kind).reshape(shape, order="F")
    limits = np.iinfo(kind)
    spread = [limits.min, limits.max, 0, 1] + [int(limits.max) // (n + 2) for n in range(count - 4)]
    return np.array(spread, dtype=kind).reshape(shape, order="F")


def slanted():
    """A grid that no axis of the patient runs along."""
    x, y, z = 0.3, -0.4, 0.2
    turn = lambda a, i, j: np.array([[np.cos(a) if r == c and r in (i, j) else (r == c) * 1.0 for c in range(3)] for r in range(3)]) + np.array(
        [[-np.sin(a) if (r, c) == (i, j) else np.sin(a) if (r, c) == (j, i) else 0.0 for c in range(3)] for r in range(3)])
    return turn(x, 1, 2) @ turn(y, 0, 2) @ turn(z, 0, 1)


def images(data):
    """Images and masks of all orientations, and a slanted one, as SimpleITK reads them."""
    files = sorted((data / "nifti/orientations").glob("*.nii.gz"))
    assert len(files) == 96, len(files)
    found = {file.name.replace(".nii.gz", ""): (file, sitk.ReadImage(str(file))) for file in files}
    image = sitk.GetImageFromArray(values("int16", (5, 6, 7)))
    image.SetSpacing((0.7, 0.9, 2.5))
    image.SetDirection(slanted().ravel())
    image.SetOrigin((-10.5, 20.25, 3))
    found["slanted"] = (None, image)
    return found


def orientations(data, folder):
    """MetaImage as SimpleITK writes it, and as Lamella writes it."""
    every = images(data)
    for ending, compress in ((".mha", True), (".mha", False), (".mhd", False), (".mhd", True)):
        made = folder / f"{ending[1:]}{compress}"
        made.mkdir()
        for name, (_, image) in every.items():
            sitk.WriteImage(image, str(made / f"{name}{ending}"), compress)
        told = {volume["id"]: volume for volume in info(made)["volumes"]}
        for name, (_, image) in every.items():
            volume = told.get(f"{name}{ending}")
            if volume is None:
                check(f"{name}{ending}", False, "not read")
                continue
            place = np.vstack([volume["affine"], [0, 0, 0, 1]])
            check(f"{name}{ending} place", np.allclose(place, affine_of(image), atol=1e-9), f"{place}")
            # A file of NIfTI keeps its place in single precision.
            same(f"{name}{ending} {compress}", made / f"{name}{ending}", sitk.GetArrayFromImage(image).T, affine_of(image), folder, 1e-4)
    for name, (file, image) in every.items():
        source = file or folder / "mhaTrue" / f"{name}.mha"
        for ending in (".mha", ".mhd"):
            path = folder / f"{name}{ending}"
            done = lamella("convert", source, "-o", path)
            if done.returncode:
                check(path.name, False, done.stderr)
                continue
            read = sitk.ReadImage(str(path))
            check(f"written {path.name} place", np.allclose(affine_of(read), affine_of(image), atol=1e-4), affine_of(read))
            check(f"written {path.name} voxels", np.array_equal(sitk.GetArrayFromImage(read), sitk.GetArrayFromImage(image)))


def header(kind, sizes, data, more=""):
    return (f"ObjectType = Image\nNDims = {len(sizes)}\nBinaryData = True\n{more}DimSize = {' '.join(map(str, sizes))}\n"
            f"ElementType = MET_{META.get(kind, kind)}\nElementDataFile = {data}\n")


def by_simpleitk(folder, name, text, data=b"", tolerance=1e-5):
    """Compares with what SimpleITK reads."""
    path = folder / name
    path.write_bytes(text.encode() + data)
    image = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(image)
    voxels = np.moveaxis(array.T, 0, -1) if image.GetNumberOfComponentsPerPixel() > 1 else array.T
    same(name, path, voxels[..., None] if voxels.ndim == 2 else voxels, affine_of_any(image), folder, tolerance)


def affine_of_any(image):
    if image.GetDimension() > 2:
        return affine_of(image)
    affine = np.eye(4)
    affine[:2, :2] = np.reshape(image.GetDirection(), (2, 2)) * np.array(image.GetSpacing())
    affine[:2, 3] = image.GetOrigin()
    return np.diag([-1.0, -1, 1, 1]) @ affine


def stored(folder):
    """Every type, byte order and way to store the numbers."""
    shape, place = (4, 3, 2), "TransformMatrix = 0 1 0 -1 0 0 0 0 1\nOffset = 1 2 3\nElementSpacing = 1 2 3\n"
    for kind in TYPES:
        wanted = values(kind, shape)
        for order, sign in (("False", "<"), ("True", ">")):
            plain = wanted.astype(np.dtype(kind).newbyteorder(sign)).tobytes(order="F")
            for field in ("BinaryDataByteOrderMSB", "ElementByteOrderMSB"):
                more = f"{place}{field} = {order}\n"
                by_simpleitk(folder, f"{kind}_{field}_{order}.mha", header(kind, shape, "LOCAL", more), plain)
            packed = zlib.compress(plain)
            more = f"{place}BinaryDataByteOrderMSB = {order}\nCompressedData = True\nCompressedDataSize = {len(packed)}\n"
            by_simpleitk(folder, f"{kind}_{order}_packed.mha", header(kind, shape, "LOCAL", more), packed)
        if kind not in ("int64", "uint64"):  # ITK reads numbers in text as doubles.
            text = "\n".join(repr(v) for v in wanted.ravel(order="F").tolist()) + "\n"
            by_simpleitk(folder, f"{kind}_text.mha", header(kind, shape, "LOCAL", place).replace("BinaryData = True", "BinaryData = False"), text.encode())
        image = sitk.GetImageFromArray(wanted.T)
        for ending in (".mha", ".mhd"):
            for compress in (True, False):
                path = folder / f"sitk_{kind}_{compress}{ending}"
                sitk.WriteImage(image, str(path), compress)
                same(path.name, path, wanted, affine_of(image), folder)
                again = folder / f"again_{path.name}"
                done = lamella("convert", path, "-o", again)
                read = sitk.ReadImage(str(again)) if done.returncode == 0 else None
                equal = read is not None and np.array_equal(sitk.GetArrayFromImage(read).T, wanted) and read.GetPixelID() == image.GetPixelID()
                check(f"{again.name} written", equal, done.stderr)
    by_simpleitk(folder, "long.mha", header("LONG", shape, "LOCAL", place), values("int32", shape).tobytes(order="F"))
    by_simpleitk(folder, "ulong.mha", header("ULONG", shape, "LOCAL", place), values("uint32", shape).tobytes(order="F"))


def places(folder):
    shape = (4, 3, 2)
    data = values("int16", shape).tobytes(order="F")
    fields = {"nothing": "", "size": "ElementSize = 4 5 6\n", "both": "ElementSize = 4 5 6\nElementSpacing = 1 2 3\n", "negative": "ElementSpacing = 1 -2 3\n",
              "scale": "ElementSpacing = 1 2 3\nTransformMatrix = 2 0 0 0 1 0 0 0 1\n", "last": "Offset = 1 2 3\nPosition = 4 5 6\nOrigin = 7 8 9\n",
              "centre": "TransformMatrix = 0 1 0 -1 0 0 0 0 1\nOffset = 1 2 3\nCenterOfRotation = 10 20 30\n", "anatomy": "AnatomicalOrientation = LPS\n",
              "keys": "Comment = with = signs: and more\nModality = MET_MOD_CT\nITK_InputFilterName = x\n", "zero": "HeaderSize = 0\n"}
    for name in ("TransformMatrix", "Rotation", "Orientation"):
        fields[name] = f"{name} = 0.8 0.6 0 -0.6 0.8 0 0 0 -1\nElementSpacing = 0.5 0.75 2\n"
    for name in ("Offset", "Position", "Origin"):
        fields[name] = f"{name} = -3 4.5 6\n"
    for name, more in fields.items():
        by_simpleitk(folder, f"place_{name}.mha", header("int16", shape, "LOCAL", more), data)
    by_simpleitk(folder, "flat.mha", header("uint8", (4, 3), "LOCAL", "TransformMatrix = 0 1 -1 0\nOffset = 3 4\nElementSpacing = 2 5\n"), bytes(range(12)))
    by_simpleitk(folder, "crlf.mha", header("int16", shape, "LOCAL").replace("\n", "\r\n"), data)
    by_simpleitk(folder, "colon.mha", header("int16", shape, "LOCAL").replace(" = ", ": "), data)
    by_simpleitk(folder, "no_object.mha", header("int16", shape, "LOCAL").replace("ObjectType = Image\n", ""), data)
    skewed = header("int16", shape, "LOCAL", "TransformMatrix = 1 0 0 0 1 0 0 0.2 1\nElementSpacing = 1 1 2\n")
    (folder / "skewed.mha").write_bytes(skewed.encode() + data)
    place = np.array([[-1, 0, 0, 0], [0, -1, -0.4, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]])
    same("skewed", folder / "skewed.mha", values("int16", shape), place, folder)
    sloped = header("int16", shape, "LOCAL", "ElementToIntensityFunctionSlope = 2\nElementToIntensityFunctionOffset = -5\n")
    (folder / "sloped.mha").write_bytes(sloped.encode() + np.arange(24, dtype="<i2").tobytes())
    ours = nibabel.load(folder / "through.nii.gz") if lamella("convert", folder / "sloped.mha", "-o", folder / "through.nii.gz").returncode == 0 else None
    check("sloped", ours is not None and np.array_equal(ours.get_fdata().ravel(order="F"), np.arange(24) * 2 - 5))
    # ITK leaves a slope out, so that files are written with it applied.
    done = lamella("convert", folder / "sloped.mha", "-o", folder / "again.mha")
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "again.mha")))
    check("sloped again", np.array_equal(array.ravel(), np.arange(24) * 2 - 5) and done.returncode == 0, array)


def several_files(folder):
    shape = (4, 3, 6)
    wanted = values("uint16", shape)
    slices = [wanted[:, :, k].tobytes(order="F") for k in range(6)]
    for k, data in enumerate(slices):
        (folder / f"s{k:03d}.raw").write_bytes(data)
        (folder / f"t{k + 3}.raw").write_bytes(b"xy" + data)
        (folder / f"z{k}.zraw").write_bytes(zlib.compress(data))
    for k in range(18):
        (folder / f"row{k}.raw").write_bytes(b"".join(slices)[8 * k : 8 * k + 8])
    (folder / "whole image.raw").write_bytes(b"what comes before" + b"".join(slices))
    listed = "".join(f"\ns{k:03d}.raw" for k in range(6))
    forms = {
        "list": f"LIST{listed}", "list_2": f"LIST 2{listed}", "list_2d": f"LIST 2D{listed}", "list_more": f"LIST{listed}\ns001.raw",
        "rows": "LIST 1" + "".join(f"\nrow{k}.raw" for k in range(18)), "pattern": "s%03d.raw 0 5 1", "pattern_more": "s%03d.raw 0 9 1",
        "pattern_first": "s%03d.raw 0", "absolute": f"{folder}/s%03d.raw 0 5 1",
    }
    for name, file in forms.items():
        by_simpleitk(folder, f"{name}.mhd", header("uint16", shape, file, "BinaryDataByteOrderMSB = False\n"))
    by_simpleitk(folder, "skip.mhd", header("uint16", shape, "t%d.raw 3 8 1", "HeaderSize = 2\n"))
    by_simpleitk(folder, "from_end.mhd", header("uint16", shape, "t%d.raw 3 8 1", "HeaderSize = -1\n"))
    by_simpleitk(folder, "whole_skip.mhd", header("uint16", shape, "whole image.raw", "HeaderSize = 17\n"))
    by_simpleitk(folder, "whole_end.mhd", header("uint16", shape, "whole image.raw", "HeaderSize = -1\n"))
    by_simpleitk(folder, "packed.mhd", header("uint16", shape, "LIST" + "".join(f"\nz{k}.zraw" for k in range(6)), "CompressedData = True\n"))


def frames(folder):
    wanted = values("uint8", (3, 4, 3, 2))
    by_simpleitk(folder, "channels.mha", header("uint8", wanted.shape[1:], "LOCAL", "ElementNumberOfChannels = 3\n"), wanted.tobytes(order="F"))
    by_simpleitk(folder, "array.mha", header("UCHAR_ARRAY", wanted.shape[1:], "LOCAL", "ElementNumberOfChannels = 3\n"), wanted.tobytes(order="F"))
    wanted = values("int16", (4, 3, 2, 5))
    by_simpleitk(folder, "four.mha", header("int16", wanted.shape, "LOCAL", "ElementSpacing = 1 2 3 4\nOffset = 1 2 3 4\n"), wanted.tobytes(order="F"))
    for ending in (".mha", ".mhd"):
        done = lamella("convert", folder / "four.mha", "-o", folder / f"again{ending}")
        image = sitk.ReadImage(str(folder / f"again{ending}"))
        check(f"frames that Lamella wrote {ending}", done.returncode == 0 and np.array_equal(sitk.GetArrayFromImage(image).T, wanted), done.stderr)
        check(f"frames that Lamella wrote {ending} place", np.allclose(affine_of(image), np.array([[-1, 0, 0, -1], [0, -2, 0, -2], [0, 0, 3, 3], [0, 0, 0, 1]])))


def names(data, folder):
    """Names and colours of labels survive SimpleITK, which keeps fields that it does not know."""
    mask = next((data / "hippocampus/labelsTr").glob("*.nii.gz"))
    table = "################################################\n# ITK-SnAP Label Description File\n################################################\n"
    rows = ((0, "0 0 0 0 0 0", "Clear Label"), (1, "255 0 0 1 1 1", "Anterior: a = 1"), (2, "0 128 255 1 1 1", "Posterior"))
    (folder / "names.label").write_text(table + "".join(f'{value} {rest} "{name}"\n' for value, rest, name in rows))
    done = lamella("convert", mask, "-o", folder / "named.mha", "--names", folder / "names.label")
    image = sitk.ReadImage(str(folder / "named.mha"))
    check("named voxels", np.array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(sitk.ReadImage(str(mask)))), done.stderr)
    for ending, compress in ((".mha", True), (".mhd", False)):
        sitk.WriteImage(image, str(folder / f"by_itk{ending}"), compress)
        lamella("convert", folder / f"by_itk{ending}", "-o", folder / f"names{ending[1:]}.label")
        listed = folder / f"names{ending[1:]}.label"
        text = listed.read_text() if listed.exists() else ""
        check(f"names through SimpleITK {ending}", '"Anterior: a = 1"' in text and "128" in text and '"Posterior"' in text, text)


def gipl(folder):
    """GIPL as SimpleITK writes it, which knows distances and an origin alone."""
    for kind in ("uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"):
        for ending in (".gipl", ".gipl.gz"):
            image = sitk.GetImageFromArray(values(kind, (4, 3, 2)).T)
            image.SetSpacing((0.5, 0.75, 3))
            image.SetOrigin((-3.5, 4, 6.25))
            path = folder / f"{kind}{ending}"
            try:
                sitk.WriteImage(image, str(path))
            except RuntimeError:
                print(f"volumes: SimpleITK writes no GIPL of {kind}")
                break
            read = sitk.ReadImage(str(path))
            same(path.name, path, sitk.GetArrayFromImage(read).T, affine_of(read), folder)


def mgh(data, folder):
    """MGH as nibabel writes it, in all orientations, and as SimpleITK does not read it."""
    for file in sorted((data / "nifti/orientations").glob("*.nii.gz")):
        image = nibabel.load(file)
        voxels = np.asarray(image.dataobj)
        voxels = voxels.astype("int16") if voxels.dtype.kind == "i" else voxels
        path = folder / file.name.replace(".nii.gz", ".mgz")
        nibabel.save(nibabel.MGHImage(voxels, image.affine), path)
        theirs = nibabel.load(path)
        same(path.name, path, np.asarray(theirs.dataobj), theirs.affine, folder, 1e-4)
        written_mgh(folder, file, image.affine, voxels)
    slant = np.eye(4)
    slant[:3, :3] = slanted() * [0.7, 0.9, 2.5]
    slant[:3, 3] = [10.5, -20.25, 3]
    for kind in ("uint8", "int16", "int32", "float32"):
        for shape in ((4, 3, 2), (5, 4, 3, 2)):
            path = folder / f"{kind}{len(shape)}.mgh"
            nibabel.save(nibabel.MGHImage(values(kind, shape), slant), path)
            theirs = nibabel.load(path)
            same(path.name, path, np.asarray(theirs.dataobj), theirs.affine, folder, 1e-4)
            again = folder / f"again_{path.name}"
            done = lamella("convert", path, "-o", again)
            ours = nibabel.load(again) if done.returncode == 0 else None
            equal = ours is not None and np.array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
            check(f"{again.name} written", equal and np.allclose(ours.affine, slant, atol=1e-4), done.stderr)


def written_mgh(folder, file, affine, voxels):
    """What Lamella writes as MGH lies where nibabel reads the source: a scan and a mask, compressed and plain."""
    wanted = np.asarray(voxels)
    for ending in (".mgz", ".mgh"):
        path = folder / f"ours_{file.name.replace('.nii.gz', '')}{ending}"
        done = lamella("convert", file, "-o", path)
        if done.returncode:
            check(path.name, False, done.stderr)
            continue
        ours = nibabel.load(path)
        check(f"written {path.name} place", np.allclose(ours.affine, affine, atol=1e-4), ours.affine)
        check(f"written {path.name} voxels", np.array_equal(np.asarray(ours.dataobj), wanted))
    names = folder / "two.tsv"
    names.write_text("index\tname\n1\tone\n300\tmany\n")
    mask = folder / f"mask_{file.name}"
    labels = np.where(wanted > np.median(wanted), 300, 0).astype("uint16")
    labels[0, 0, 0] = 1
    nibabel.save(nibabel.Nifti1Image(labels, affine), mask)
    path = folder / f"mask_{file.name.replace('.nii.gz', '.mgz')}"
    done = lamella("convert", mask, "-o", path, "--names", names)
    ours = nibabel.load(path) if done.returncode == 0 else None
    check(f"written {path.name}", ours is not None and np.array_equal(np.asarray(ours.dataobj), labels), done.stderr)
    check(f"written {path.name} place", ours is not None and np.allclose(ours.affine, affine, atol=1e-4))
    again = folder / f"{path.name}.label"
    done = lamella("convert", path, "-o", again)
    check(f"names in {path.name}", done.returncode == 0 and "many" in again.read_text(), done.stderr)


def analyze(folder):
    """Analyze 7.5: distances alone, and the origin of SPM; the side is taken as NIfTI's standard takes it, and this is said."""
    for kind in ("uint8", "int16", "int32", "float32", "float64"):
        voxels = values(kind, (4, 3, 2))
        for order in "<>":
            header = nibabel.AnalyzeHeader(endianness=order)
            image = nibabel.AnalyzeImage(voxels, np.diag([-2.0, 3, 4, 1]), header)
            path = folder / f"{kind}{'little' if order == '<' else 'big'}.hdr"
            nibabel.save(image, path)
            same(path.name, path, np.asarray(nibabel.AnalyzeImage.from_filename(path).dataobj), np.diag([2.0, 3, 4, 1]), folder)
            told = info(path)["volumes"][0]["warnings"]
            check(f"{path.name} says it", any("left and right" in text for text in told), told)
    affine = np.array([[2.0, 0, 0, -4], [0, 3, 0, -3], [0, 0, 4, 0], [0, 0, 0, 1]])
    spm = nibabel.Spm99AnalyzeImage(values("int16", (4, 3, 2)), affine)
    # SPM turns the first axis round where nothing else is said; the origin stays with its voxel.
    spm.header["origin"][:3] = [3, 2, 1]
    nibabel.save(spm, folder / "spm.hdr")
    same("spm", folder / "spm.hdr", values("int16", (4, 3, 2)), affine, folder)


def main():
    data = Path(sys.argv[2]) / "data"
    parts = {"orientations": lambda at: orientations(data, at), "names": lambda at: names(data, at), "mgh": lambda at: mgh(data, at)}
    parts |= {f.__name__: f for f in (stored, places, several_files, frames, gipl, analyze)}
    for name, part in parts.items():
        before = dict(counts)
        with tempfile.TemporaryDirectory() as folder:
            part(Path(folder))
        print(f"volumes: {name}: {counts['matched'] - before['matched']} matched, {counts['failed'] - before['failed']} failed")
    print(f"volumes: {counts['matched']} matched, {counts['failed']} failed")
    sys.exit(counts["failed"] > 0)


main()

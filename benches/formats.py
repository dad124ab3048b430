#!/usr/bin/env python3
"""Times how files are read and written, by Lamella and its peers in turns; prints the smallest times, the CPU seconds, and the ratios.

    python benches/make_ct_series.py /tmp/ct                               # once
    python benches/formats.py read  /tmp/ct --lamella target/release/lamella   # DICOM, .nii, .nii.gz, JPEG 2000
    python benches/formats.py write /tmp/ct --lamella target/release/lamella   # .nii.gz
    python benches/formats.py seg   /tmp/ct --lamella target/release/lamella   # DICOM SEG of 20 segments
    python benches/formats.py headers /tmp/ct --lamella target/release/lamella # 10,000 files in one folder, 100 series

`read` and `write` need numpy and SimpleITK, JPEG 2000 also pydicom, pylibjpeg and pylibjpeg-openjpeg (the series is compressed once, into
FOLDER_j2k); `seg` needs highdicom, `headers` pydicom and SimpleITK. Reading is timed within each program (`lamella bench load`), writing of .nii.gz as the time of
`lamella convert` of a .nii to .nii.gz less that of reading it, and segmentations as the whole command, with the start of the program, the
scan and the check of what was written.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNT = 20


def cpu():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def timed(work):
    """Seconds on the clock and of the processors."""
    start, used = time.perf_counter(), cpu()
    given = work()
    seconds = time.perf_counter() - start
    return (given if isinstance(given, float) else seconds), cpu() - used


def compare(what, rounds, ours, theirs, name, bound):
    seen = {"lamella": [], name: []}
    for _ in range(rounds):
        seen["lamella"].append(timed(ours))
        seen[name].append(timed(theirs))
    least = {who: [min(times) for times in zip(*pairs)] for who, pairs in seen.items()}
    (a, cpu_a), (b, cpu_b) = least["lamella"], least[name]
    print(f"{what:24s} {a:7.3f} s (CPU {cpu_a:6.3f})   {name} {b:7.3f} s (CPU {cpu_b:6.3f})   ratio {a / b:.2f}   bound {bound}", flush=True)
    return a / b <= bound


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{words}: {done.stderr.strip()}")
    return done.stdout


def volume(folder):
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def compressed(folder):
    """The same series as JPEG 2000 lossless, made once."""
    target = Path(f"{folder}_j2k")
    if target.exists():
        return target
    import pydicom
    from pydicom.uid import JPEG2000Lossless

    half = Path(tempfile.mkdtemp(dir=target.parent))
    for path in sorted(Path(folder).glob("*.dcm")):
        data = pydicom.dcmread(path)
        data.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
        data.save_as(half / path.name)
    half.rename(target)
    return target


def read(a):
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(a.threads)
    image, good = volume(a.series), True
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for ending in ("nii", "nii.gz"):
            # Peers read files that lie alone.
            paths[ending] = Path(folder) / ending / f"ct.{ending}"
            paths[ending].parent.mkdir()
            sitk.WriteImage(image, str(paths[ending]))
        bounds = [("DICOM", a.series, 0.5), (".nii", paths["nii"], 0.45), (".nii.gz", paths["nii.gz"], 0.6)]
        if not a.skip_jpeg_2000:
            bounds.append(("DICOM, JPEG 2000", compressed(a.series), 0.7))
        for what, path, bound in bounds:
            ours = lambda: json.loads(run(a.lamella, "bench", "load", path, "--threads", a.threads, "--repeat", 2, "--json"))["median_s"]
            theirs = (lambda: sitk.GetArrayViewFromImage(volume(path))) if os.path.isdir(path) else (lambda: sitk.ReadImage(str(path)))
            good &= compare(what, a.rounds, ours, theirs, "SimpleITK", bound)
    return good


def write(a):
    import SimpleITK as sitk

    with tempfile.TemporaryDirectory() as folder:
        plain, ours, theirs = (Path(folder) / name for name in ("ct.nii", "ours.nii.gz", "theirs.nii.gz"))
        image = volume(a.series)
        sitk.WriteImage(image, str(plain))

        def convert():
            start = time.perf_counter()
            run(a.lamella, "convert", plain, "-o", ours)
            whole = time.perf_counter() - start
            return whole - json.loads(run(a.lamella, "bench", "load", plain, "--threads", a.threads, "--repeat", 1, "--json"))["median_s"]

        good = compare(".nii.gz written", a.rounds, convert, lambda: sitk.WriteImage(image, str(theirs), True), "SimpleITK", 0.45)
        sizes = [path.stat().st_size for path in (ours, theirs)]
        print(f"sizes {sizes[0]} and {sizes[1]}: {sizes[0] / sizes[1] - 1:+.2%} (at most 2 %)")
        same = (sitk.GetArrayFromImage(sitk.ReadImage(str(ours))) == sitk.GetArrayViewFromImage(image)).all()
        print("SimpleITK reads the same voxels" if same else "SimpleITK reads OTHER voxels")
        return good and same and sizes[0] <= 1.02 * sizes[1]


def seg(a):
    import highdicom as hd
    import numpy as np
    import pydicom
    from highdicom.seg import SegmentDescription
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    images = sorted((pydicom.dcmread(path) for path in Path(a.series).glob("*.dcm")), key=lambda image: float(image.ImagePositionPatient[2]))
    for image in images:
        # highdicom wants what a scanner writes.
        for name in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"):
            if name not in image:
                setattr(image, name, "")
    shape = (len(images), int(images[0].Rows), int(images[0].Columns))
    k, j, i = np.ogrid[: shape[0], : shape[1], : shape[2]]
    labels = np.zeros(shape, np.uint8)
    for n in range(COUNT):
        centre = [shape[0] / 2, 70 + 90 * (n % 5), 80 + 110 * (n // 5)]
        inside = ((k - centre[0]) / (0.49 * shape[0])) ** 2 + ((j - centre[1]) / 44) ** 2 + ((i - centre[2]) / 50) ** 2 < 1
        labels[inside] = n + 1
    describe = [SegmentDescription(segment_number=n, segment_label=f"s{n}", segmented_property_category=codes.SCT.Organ,
                                   segmented_property_type=codes.SCT.Liver, algorithm_type="MANUAL") for n in range(1, COUNT + 1)]
    with tempfile.TemporaryDirectory() as folder:
        mask, ours, theirs, back = (Path(folder) / name for name in ("mask.nii", "ours.dcm", "theirs.dcm", "back.nii"))
        plain = Path(folder) / "scan.nii"
        # The grid of the mask is that of the scan as Lamella reads it.
        run(a.lamella, "convert", a.series, "-o", plain)
        import nibabel

        nibabel.save(nibabel.Nifti1Image(labels.transpose(2, 1, 0), nibabel.load(plain).affine), mask)
        plain.unlink()

        def make():
            hd.seg.Segmentation(
                source_images=images, pixel_array=labels, segmentation_type="BINARY", segment_descriptions=describe,
                series_instance_uid=generate_uid(), series_number=9, sop_instance_uid=generate_uid(), instance_number=1,
                manufacturer="made", manufacturer_model_name="made", software_versions="1", device_serial_number="0").save_as(theirs)

        good = compare("SEG written", a.rounds, lambda: run(a.lamella, "convert", mask, "-o", ours, "--reference", a.series),
                       make, "highdicom", 0.1)
        got = hd.seg.segread(ours).get_volume(combine_segments=True, skip_overlap_checks=True).array
        print("highdicom reads the same voxels" if int((got > 0).sum()) == int((labels > 0).sum()) else "highdicom reads OTHER voxels")
        return good & compare(
            "SEG read", a.rounds, lambda: run(a.lamella, "convert", ours, "-o", back),
            lambda: hd.seg.segread(ours).get_volume(combine_segments=True, skip_overlap_checks=True), "highdicom", 0.1)


def headers(a):
    """Which series lie in a folder of 10,000 images of 64 x 64 pixels: the time of the whole command, the files in the system's cache."""
    import pydicom
    import SimpleITK as sitk
    from pydicom.uid import generate_uid

    series, images, most_s = 100, 100, 5.0
    source = pydicom.dcmread(next(iter(sorted(Path(a.series).glob("*.dcm")))))
    source.Rows = source.Columns = 64
    source.PixelData = bytes(2 * 64 * 64)
    with tempfile.TemporaryDirectory() as folder:
        for n in range(series):
            source.SeriesInstanceUID, source.SeriesNumber = generate_uid(), n + 1
            for k in range(images):
                source.SOPInstanceUID = source.file_meta.MediaStorageSOPInstanceUID = generate_uid()
                source.InstanceNumber, source.ImagePositionPatient = k + 1, [0, 0, 2 * k]
                source.save_as(Path(folder) / f"{n * images + k:05d}.dcm")
        found, times = set(), []

        def ours():
            start = time.perf_counter()
            found.add(len(json.loads(run(a.lamella, "info", folder, "--json"))["volumes"]))
            times.append(time.perf_counter() - start)

        def theirs():
            found.add(len(sitk.ImageSeriesReader.GetGDCMSeriesIDs(folder)))

        good = compare("10,000 headers", min(a.rounds, 3), ours, theirs, "GDCM", 1)
        print(f"series found by both: {sorted(found)}; ours within {min(times):.2f} s (at most {most_s} s)")
        return good and found == {series} and min(times) <= most_s


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["read", "write", "seg", "headers"])
    parser.add_argument("series", help="a folder with one DICOM series")
    parser.add_argument("--lamella", default="target/release/lamella")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--skip-jpeg-2000", action="store_true")
    a = parser.parse_args()
    sys.exit(0 if {"read": read, "write": write, "seg": seg, "headers": headers}[a.what](a) else 1)


if __name__ == "__main__":
    main()

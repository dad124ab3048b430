#!/usr/bin/env bash
# rt-utils 1.2.7: where it puts the contours of a mask on images whose rows and columns differ in number and in distance.
#
# A good guess: Pixel Spacing is used as the standard says (the distance of rows first), and a mask that was written comes back.
# Seen: the two numbers are exchanged, so that a box lies elsewhere and has other sides, without a word; and read back, the mask has the shape
# (columns, rows, slices) instead of (rows, columns, slices) and is empty. With as many rows as columns and square pixels nothing shows.
# Why it matters: contours made with it are right on ordinary CT and wrong on many MR and ultrasound series.
# Lamella takes the first number for the distance of rows (formats/dicom/contours); its check uses rt-utils on square images alone
# (tests/python/check_rtstruct.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q rt-utils==1.2.7 pydicom==3.0.2 numpy==2.4.6
"$folder/python/bin/python" -W ignore - "$folder" <<'P'
import sys
from pathlib import Path

import numpy
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rt_utils import RTStructBuilder

ROWS, COLUMNS, SPACING = 20, 40, [2.0, 0.5]  # The distance of rows is 2 mm, that of columns 0.5 mm.
series = Path(sys.argv[1]) / "series"
series.mkdir()
study, uid, space = generate_uid(), generate_uid(), generate_uid()
for k in range(3):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid()
    image.file_meta.MediaStorageSOPClassUID = CTImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, uid, space
    image.Modality, image.PatientName, image.PatientID, image.StudyID = "CT", "Phantom", "1", "1"
    image.PatientBirthDate = image.PatientSex = image.StudyDescription = image.SeriesDescription = ""
    image.StudyDate, image.StudyTime, image.InstanceNumber = "20240101", "101010", k + 1
    image.Rows, image.Columns, image.PixelSpacing, image.SliceThickness = ROWS, COLUMNS, SPACING, 3
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 3 * k], [1, 0, 0, 0, 1, 0]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    image.PixelData = numpy.zeros((ROWS, COLUMNS), "<u2").tobytes()
    image.save_as(series / f"{k}.dcm", enforce_file_format=True)

mask = numpy.zeros((ROWS, COLUMNS, 3), bool)
mask[5:10, 20:30] = True
made = RTStructBuilder.create_new(dicom_series_path=str(series))
made.add_roi(mask=mask, name="box")
points = numpy.array(made.ds.ROIContourSequence[0].ContourSequence[0].ContourData, float).reshape(-1, 3)
low, high = points.min(0)[:2], points.max(0)[:2]
print(f"columns 20 to 29 lie at x = 10 to 14.5 mm; the contour goes from {low[0]} to {high[0]}")
print(f"rows 5 to 9 lie at y = 10 to 18 mm; the contour goes from {low[1]} to {high[1]}")
assert (list(low), list(high)) == ([40.0, 2.5], [58.0, 4.5])
back = made.get_roi_mask_by_name("box")
print(f"read back: {back.shape} with {back.sum()} voxels; the mask was {mask.shape} with {mask.sum()}")
assert back.shape == (COLUMNS, ROWS, 3) and back.sum() == 0
P

#!/usr/bin/env python3
"""Makes a DICOM CT series of 300 slices of 512 x 512 (157 MB) for `lamella bench load`.

    python make_ct_series.py FOLDER [SLICES]

Needs numpy and pydicom. The pixels are a phantom (ellipses and noise, seed 0).
"""
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

folder = Path(sys.argv[1])
slices = int(sys.argv[2]) if len(sys.argv) > 2 else 300
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(0)
y, x = np.mgrid[-1:1:512j, -1:1:512j]
study, series, frame = generate_uid(), generate_uid(), generate_uid()
for n in range(slices):
    size = 0.6 + 0.2 * np.sin(n / 40)
    body = (x / 0.8) ** 2 + (y / size) ** 2 < 1
    lung = ((np.abs(x) - 0.35) / 0.22) ** 2 + (y / 0.4) ** 2 < 1
    pixels = np.where(body, np.where(lung, -800, 40), -1000) + random.normal(0, 15, x.shape)
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
    ds.Modality, ds.SeriesDescription, ds.PatientName, ds.PatientID = "CT", "phantom", "Phantom", "phantom"
    ds.InstanceNumber, ds.Rows, ds.Columns = n + 1, 512, 512
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-180, -180, n * 1.25], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness = [0.703125, 0.703125], 1.25
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.WindowCenter, ds.WindowWidth = 0, 1, 40, 400
    ds.PixelData = pixels.astype("<i2").tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(folder / f"{n:04d}.dcm", enforce_file_format=True)
print(f"{slices} slices in {folder}")

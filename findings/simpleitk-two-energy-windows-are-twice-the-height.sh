#!/usr/bin/env bash
# SimpleITK 2.5.7 (GDCM within): a reconstructed nuclear medicine object of two energy windows, five slices each.
#
# A good guess: the Frame Increment Pointer names Energy Window Vector and Slice Vector, so the ten frames are two volumes of five slices, or the
# object is refused.
# Seen: one volume of ten slices, twice as tall as the patient's; the second window stands on top of the first, at places where nothing was
# measured. No warning is given.
# Why it matters: volumes and surfaces measured in it are of both windows together, and a mask drawn on the second one is exported to a wrong
# place. Lamella parts such frames by their vectors (src/formats/dicom/nuclear.rs, docs/guide/dicom.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q SimpleITK==2.5.7 pydicom==3.0.2 numpy
"$folder/python/bin/python" - "$folder/nm.dcm" <<'P'
import sys

import numpy as np
import SimpleITK
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, NuclearMedicineImageStorage, generate_uid

values = np.stack([np.full((4, 6), 100 * (1 + n // 5) + n % 5, np.uint16) for n in range(10)])
image = Dataset()
image.file_meta = FileMetaDataset()
image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = NuclearMedicineImageStorage
image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = generate_uid(), generate_uid(), generate_uid()
image.Modality, image.PatientName, image.PatientID = "NM", "Doe^Jane", "1"
image.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
image.Rows, image.Columns, image.NumberOfFrames = 4, 6, 10
image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
image.PixelSpacing, image.SpacingBetweenSlices, image.SliceThickness = [2.0, 2.0], 2.5, 2.5
image.add_new(0x00280009, "AT", [0x00540010, 0x00540080])
image.NumberOfEnergyWindows, image.EnergyWindowVector = 2, [1] * 5 + [2] * 5
image.NumberOfSlices, image.SliceVector = 5, [1, 2, 3, 4, 5] * 2
detector = Dataset()
detector.ImageOrientationPatient, detector.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-10, -20, 300]
image.DetectorInformationSequence = Sequence([detector])
image.PixelData = values.tobytes()
image.save_as(sys.argv[1], enforce_file_format=True)

read = SimpleITK.ReadImage(sys.argv[1])
column = SimpleITK.GetArrayFromImage(read)[:, 0, 0]
print("size", read.GetSize(), "spacing", read.GetSpacing(), "values of the slices", column.tolist())
assert read.GetSize() == (6, 4, 10), read.GetSize()
assert column.tolist() == [100, 101, 102, 103, 104, 200, 201, 202, 203, 204]
P

#!/usr/bin/env bash
# dcmjs 0.52.2, its Cornerstone adapter with `rleEncode`: a mask of ones as web viewers save it.
#
# A good guess: packed or not, the same mask is BINARY, or a FRACTIONAL one whose full voxels have Maximum Fractional Value.
# Seen: with RLE the object says FRACTIONAL, PROBABILITY, Maximum Fractional Value 255, and the voxels of the segment are 1, that is 1/255; without
# RLE it is BINARY.
# Why it matters: a reader that takes half of the maximum as the border, as is usual, finds an empty mask. Lamella takes the ones for the
# segment where nothing is larger, with a warning (docs/guide/dicom-masks.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install -q pydicom==3.0.2 numpy
npm install --silent --no-save --prefix "$folder" dcmjs@0.52.2 >/dev/null
mkdir "$folder/ct"
"$folder/python/bin/python" - "$folder/ct" <<'P'
import sys

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

study, series, space = generate_uid(), generate_uid(), generate_uid()
for k in range(3):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = CTImageStorage
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, space
    image.Modality, image.PatientName, image.PatientID, image.StudyDate, image.StudyTime = "CT", "Doe^Jane", "1", "20240131", "120000"
    image.PatientBirthDate, image.PatientSex, image.AccessionNumber, image.ReferringPhysicianName = "", "", "", ""
    image.StudyID, image.SeriesNumber, image.InstanceNumber = "1", 1, k + 1
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 2 * k], [1, 0, 0, 0, 1, 0]
    image.PixelSpacing, image.SliceThickness = [1, 1], 2
    image.Rows = image.Columns = 8
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    image.RescaleSlope, image.RescaleIntercept = 1, 0
    image.PixelData = np.zeros((8, 8), np.uint16).tobytes()
    image.save_as(f"{sys.argv[1]}/{k}.dcm", enforce_file_format=True)
P
cat >"$folder/write.js" <<'J'
const fs = require("fs");
const dcmjs = require("dcmjs");
const [, , folder] = process.argv;
const code = (CodeValue, CodeMeaning) => [{ CodeValue, CodingSchemeDesignator: "SCT", CodeMeaning }];
const segment = {
  SegmentNumber: "1", SegmentLabel: "liver", SegmentAlgorithmType: "MANUAL",
  RecommendedDisplayCIELabValue: [43802, 26566, 37721],
  SegmentedPropertyCategoryCodeSequence: code("123037004", "Anatomical Structure"),
  SegmentedPropertyTypeCodeSequence: code("10200004", "Liver"),
};
const map = () => { const pixelData = new Uint8Array(64); pixelData.fill(1, 18, 22); return { pixelData, segmentsOnLabelmap: [0, 1] }; };
const images = [0, 1, 2].map((n) => ({ imageId: `${n}`, data: { byteArray: new Uint8Array(fs.readFileSync(`${folder}/ct/${n}.dcm`)) } }));
for (const rleEncode of [false, true]) {
  const labelmap = { metadata: [null, segment], labelmaps2D: [map(), map(), map()] };
  const blob = dcmjs.adapters.Cornerstone.Segmentation.generateSegmentation(images, labelmap, { includeSliceSpacing: true, rleEncode });
  blob.arrayBuffer().then((buffer) => fs.writeFileSync(`${folder}/seg_${rleEncode}.dcm`, Buffer.from(buffer)));
}
J
NODE_PATH="$folder/node_modules" node "$folder/write.js" "$folder" >/dev/null
"$folder/python/bin/python" - "$folder" <<'P'
import sys

import pydicom

plain, packed = (pydicom.dcmread(f"{sys.argv[1]}/seg_{name}.dcm") for name in ("false", "true"))
print("without RLE:", plain.SegmentationType)
values = packed.pixel_array
print("with RLE:", packed.SegmentationType, packed.SegmentationFractionalType, packed.MaximumFractionalValue, "largest value", values.max())
assert plain.SegmentationType == "BINARY"
assert (packed.SegmentationType, int(packed.MaximumFractionalValue), int(values.max())) == ("FRACTIONAL", 255, 1)
P

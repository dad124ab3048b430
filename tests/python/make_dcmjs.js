// Writes segmentations with dcmjs, for check_dcmjs.py.
//
//     NODE_PATH=.../node_modules node make_dcmjs.js SERIES_FOLDER LABELS_JSON OUTPUT_FOLDER
//
// LABELS_JSON has for each SOP Instance UID (with "#frame" behind it in an object of several frames) its pixels, row by row, in base64;
// the pixels of the label "over" lie over those of the others.
const fs = require("fs");
const path = require("path");
const dcmjs = require("dcmjs");
const { DicomMessage, DicomMetaDictionary } = dcmjs.data;

const [, , folder, labelsFile, output] = process.argv;
const files = fs.readdirSync(folder).sort().map((name) => fs.readFileSync(path.join(folder, name)));
const buffers = files.map((file) => file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const { pixels, over } = JSON.parse(fs.readFileSync(labelsFile));

const datasets = buffers.map((buffer) => {
  const read = DicomMessage.readFile(buffer);
  const dataset = DicomMetaDictionary.naturalizeDataset(read.dict);
  dataset._meta = DicomMetaDictionary.namifyDataset(read.meta);
  return dataset;
});
const multiframe = dcmjs.normalizers.Normalizer.normalizeToDataset(datasets);
// In an object of several frames dcmjs finds what all share only where it is no list.
multiframe.SharedFunctionalGroupsSequence = [multiframe.SharedFunctionalGroupsSequence].flat()[0];
const series = [multiframe.ReferencedSeriesSequence].flat()[0];
const instances = series && series.ReferencedInstanceSequence;
const names = Array.from({ length: Number(multiframe.NumberOfFrames) }, (_, n) =>
  instances && buffers.length > 1 ? instances[n].ReferencedSOPInstanceUID : `${datasets[0].SOPInstanceUID}#${n + 1}`);
// dcmjs has its slices in an order of its own.
const bytes = (table) => names.map((name) => new Uint8Array(Buffer.from(table[name], "base64")));
const [maps, overMaps] = [bytes(pixels), bytes(over)];
const all = names.map((_, n) => n + 1);
const numbers = [...new Set(maps.flatMap((map) => [...map]))].filter((n) => n > 0).sort((a, b) => a - b);

function describe(label) {
  const code = (CodeValue, CodeMeaning) => [{ CodeValue, CodingSchemeDesignator: "SCT", CodeMeaning }];
  return {
    SegmentNumber: "1", SegmentLabel: label, SegmentAlgorithmType: "SEMIAUTOMATIC", SegmentAlgorithmName: "made",
    RecommendedDisplayCIELabValue: [43802, 26566, 37721],
    SegmentedPropertyCategoryCodeSequence: code("123037004", "Anatomical Structure"),
    SegmentedPropertyTypeCodeSequence: code("10200004", "Liver"),
  };
}

function save(name, dataset) {
  fs.writeFileSync(path.join(output, name), dcmjs.data.datasetToBuffer(dataset));
}

function derived(segments, includeSliceSpacing) {
  const segmentation = new dcmjs.derivations.Segmentation([multiframe], { includeSliceSpacing });
  segmentation.setNumberOfFrames(segments.reduce((sum, segment) => sum + segment.frames.length, 0));
  for (const { label, number, of, frames } of segments) {
    segmentation.addSegmentFromLabelmap(describe(label), frames.map((n) => of[n - 1]), number, frames);
  }
  segmentation.bitPackPixelData();
  return segmentation.dataset;
}

const has = (map, number) => map.includes(number);
const used = (of, number) => all.filter((n) => has(of[n - 1], number));
const segment = (number, of, frames) => ({ label: of === overMaps ? "over" : `label ${number}`, number, of, frames });
save("every_frame.dcm", derived(numbers.map((n) => segment(n, maps, all)), true));
save("used_frames.dcm", derived(numbers.map((n) => segment(n, maps, used(maps, n))), false));
save("overlapping.dcm", derived([...numbers.map((n) => segment(n, maps, used(maps, n))), segment(1, overMaps, used(overMaps, 1))], true));

// As web viewers call it: their own adapter, which numbers segments anew, in bits or as fractions of 255 packed by RLE.
if (buffers.length > 1) {
  const labelmap = {
    metadata: [null, ...Array.from({ length: Math.max(...numbers) }, (_, n) => (numbers.includes(n + 1) ? describe(`label ${n + 1}`) : null))],
    labelmaps2D: maps.map((map) => ({ pixelData: map, segmentsOnLabelmap: [...new Set(map)] })),
  };
  const images = buffers.map((buffer, n) => ({ imageId: `${n}`, data: { byteArray: new Uint8Array(buffer) } }));
  const adapter = dcmjs.adapters.Cornerstone.Segmentation;
  for (const [name, rleEncode] of [["adapter.dcm", false], ["adapter_rle.dcm", true]]) {
    const blob = adapter.generateSegmentation(images, labelmap, { includeSliceSpacing: true, rleEncode });
    blob.arrayBuffer().then((buffer) => fs.writeFileSync(path.join(output, name), Buffer.from(buffer)));
  }
}

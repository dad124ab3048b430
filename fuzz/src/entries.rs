//! The doors through which a user's file comes in, each as a function of bytes: what the fuzz targets and the smoke run of the
//! corpora (`tests/corpora.rs`) share.
//!
//! Several files, or the parts of a container, are one input in which [`CUT`] stands between them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use lamella::disk::{ContainerKind, Log, LogKind, write_container};
use lamella::formats::deidentify::{Key, Studies, Wishes, deidentify};
use lamella::formats::{self, Findings, Ground, Kind, NAME_ENDINGS};
use lamella::model::checkpoint;
use lamella::model::foreign::{self, Description};
use lamella::model::{Model, ModelSpec};
use lamella::session::{read_document, read_scan_copy, replay_journal};
use lamella::volume::{
    Affine, Annotations, Geometry, LabelMap, Rescale, SourceFile, SourceImages, SourceSlice, Volume, Voxels,
};
use lamella::work::Watch;

use super::wrapped;

/// What stands between the files of one input.
pub const CUT: &[u8] = b"\n--8<--\n";

/// A door.
pub struct Reader {
    /// The name of its fuzz target and of the folder of its corpus.
    pub name: &'static str,
    /// Takes a file in as the program does; gives whether something in it could be read.
    pub read: fn(&[u8]) -> bool,
    /// Bytes that it may take besides [`BYTES_PER_BYTE`] for each byte of the input.
    pub free_bytes: usize,
}

/// Deflate makes of a byte at most 1032, and labels of a single slice take 32 bytes for each voxel of it (bricks of sixteen slices).
pub const BYTES_PER_BYTE: usize = 36 * 1032;

const MEBI: usize = 1 << 20;
/// Pixels of up to 16 MiB may be compressed to anything (`formats/dicom/pixels.rs`); decoders work with four or eight bytes a sample.
const OF_PIXELS: usize = 320 * MEBI;

/// Every door.
pub const READERS: &[Reader] = &[
    Reader { name: "dicom", read: dicom, free_bytes: OF_PIXELS },
    Reader { name: "pixels", read: pixels, free_bytes: OF_PIXELS },
    Reader { name: "jpeg_2000", read: jpeg_2000, free_bytes: OF_PIXELS },
    Reader { name: "jpeg_2000_lossless", read: jpeg_2000_lossless, free_bytes: OF_PIXELS },
    Reader { name: "seg", read: seg, free_bytes: 32 * MEBI },
    Reader { name: "rtstruct", read: rtstruct, free_bytes: 32 * MEBI },
    Reader { name: "deidentify", read: anonymous, free_bytes: 8 * MEBI },
    Reader { name: "nifti", read: |bytes| image("scan.nii", bytes), free_bytes: 8 * MEBI },
    Reader { name: "analyze", read: |bytes| images(&["scan.hdr", "scan.img"], bytes), free_bytes: 8 * MEBI },
    Reader { name: "nrrd", read: |bytes| images(&["scan.nrrd", "scan.raw"], bytes), free_bytes: 8 * MEBI },
    Reader { name: "metaimage", read: |bytes| images(&["scan.mha", "scan.raw"], bytes), free_bytes: 8 * MEBI },
    Reader { name: "mgh", read: |bytes| image("scan.mgz", bytes), free_bytes: 8 * MEBI },
    Reader { name: "gipl", read: |bytes| image("scan.gipl", bytes), free_bytes: 8 * MEBI },
    Reader { name: "tiff", read: |bytes| image("scan.tif", bytes), free_bytes: 64 * MEBI },
    Reader { name: "png", read: png, free_bytes: 64 * MEBI },
    Reader { name: "model", read: model, free_bytes: 32 * MEBI },
    Reader { name: "spec", read: spec, free_bytes: 32 * MEBI },
    Reader { name: "onnx", read: onnx, free_bytes: 256 * MEBI },
    Reader { name: "pickle", read: pickle, free_bytes: 32 * MEBI },
    Reader { name: "document", read: document, free_bytes: 32 * MEBI },
    Reader { name: "journal", read: journal, free_bytes: 32 * MEBI },
    Reader { name: "labels", read: label_names, free_bytes: 8 * MEBI },
];

/// A folder in memory where the system has one, which is gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let within = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        // One thread reads one input at a time, and the program remembers each folder that it has written into.
        let thread: String =
            format!("{:?}", std::thread::current().id()).chars().filter(char::is_ascii_digit).collect();
        let path = within.join(format!("lamella-fuzz-{}-{thread}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The files of an input.
pub fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(CUT.len()).position(|window| window == CUT) {
        parts.push(&rest[..at]);
        rest = &rest[at + CUT.len()..];
    }
    parts.push(rest);
    parts
}

/// Looks at everything that was read, as a window does that shows it.
fn look(volume: &Volume) {
    let count = volume.geometry.voxel_count() * volume.frame_count();
    assert_eq!(volume.voxels.len(), count, "a volume has as many voxels as its grid says");
    let statistics = volume.statistics();
    assert!(statistics.min <= statistics.max || statistics.min.is_nan() || !statistics.min.is_finite());
    let _ = volume.geometry.to_ras();
    let _ = LabelMap::rounded(volume, 0);
}

/// The scan that masks lie on: eight columns, six rows, four slices of one, one and two millimetres.
fn scan() -> &'static Volume {
    static SCAN: OnceLock<Volume> = OnceLock::new();
    SCAN.get_or_init(|| {
        let axes = [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 2.0]];
        let geometry = Geometry::new([8, 6, 4], Affine::from_columns(axes, [0.0; 3]))
            .unwrap_or_else(|error| panic!("the scan of the masks: {error}"));
        let voxels = Voxels::U8(Arc::new(vec![0; 192]));
        let mut volume = Volume::new(geometry, voxels, Vec::new(), Rescale::IDENTITY, "scan".into());
        let file = |n: usize| SourceFile {
            path: PathBuf::new(),
            class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
            instance_uid: format!("1.2.3.4.{n}"),
        };
        let slice = |file: usize| SourceSlice { file, frame: None };
        volume.source = Some(Arc::new(SourceImages {
            is_placed: true,
            study_uid: "1.2.3.1".into(),
            series_uid: "1.2.3.2".into(),
            files: (0..4).map(file).collect(),
            slices: (0..4).map(|file| Some(slice(file))).collect(),
        }));
        volume
    })
}

/// Opens all that was found: as a scan, and as labels by itself and on a scan.
fn open(found: formats::Result<Findings>) -> bool {
    let watch = Watch::unwatched();
    let Ok(found) = found else { return false };
    let mut is_read = false;
    for entry in &found.entries {
        let facts = formats::facts(entry, watch);
        if let Ok(volume) = formats::load(entry, watch) {
            look(&volume);
            is_read = true;
            if let Ok(Some(facts)) = facts {
                assert_eq!(facts.geometry.shape(), volume.geometry.shape(), "facts and voxels have the same grid");
            }
        }
        if entry.kind != Kind::Volume {
            for on in [None, Some(Ground::of(scan()))] {
                if let Ok(read) = entry.source.labels(on.as_ref(), watch) {
                    let _ = (read.labels.counts(), read.annotations.table.0.len());
                    is_read = true;
                }
            }
        }
    }
    is_read
}

/// One file.
fn image(name: &str, bytes: &[u8]) -> bool {
    let folder = Folder::new();
    open(formats::scan(&folder.file(name, bytes), Watch::unwatched()))
}

/// A header and the files beside it.
fn images(names: &[&str], bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let parts = parts(bytes);
    let paths: Vec<PathBuf> = names.iter().zip(&parts).map(|(name, part)| folder.file(name, part)).collect();
    paths.first().is_some_and(|first| open(formats::scan(first, Watch::unwatched())))
}

/// A folder of DICOM files; one that begins with the name of a directory of media is one.
fn dicom(bytes: &[u8]) -> bool {
    const DIRECTORY: &[u8] = b"DICOMDIR\n";
    let folder = Folder::new();
    let mut directory = None;
    for (n, part) in parts(bytes).iter().take(16).enumerate() {
        match part.strip_prefix(DIRECTORY) {
            Some(part) => directory = Some(folder.file("DICOMDIR", part)),
            None => drop(folder.file(&format!("I{n}"), part)),
        }
    }
    open(formats::scan(directory.as_ref().unwrap_or(&folder.0), Watch::unwatched()))
}

fn seg(bytes: &[u8]) -> bool {
    image("mask.dcm", bytes)
}

fn rtstruct(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file("contours.dcm", bytes);
    if let Ok(set) = formats::read_contours(&path, Watch::unwatched()) {
        let _ = set.rois.iter().map(|roi| roi.areas_mm2().len()).sum::<usize>();
    }
    open(formats::scan(&path, Watch::unwatched()))
}

fn pixels(bytes: &[u8]) -> bool {
    wrapped::pixels(bytes, &wrapped::SYNTAXES).is_some_and(|file| image("pixels.dcm", &file))
}

fn jpeg_2000(bytes: &[u8]) -> bool {
    wrapped::pixels(bytes, &wrapped::JPEG_2000).is_some_and(|file| image("pixels.dcm", &file))
}

/// The decoder that is ours alone, with bare code streams.
fn jpeg_2000_lossless(bytes: &[u8]) -> bool {
    const MOST_SAMPLES: u64 = 1 << 20;
    formats::jpeg_2000::decode(bytes, MOST_SAMPLES).is_some()
}

fn png(bytes: &[u8]) -> bool {
    let mut bytes = bytes.to_vec();
    wrapped::mend_png(&mut bytes);
    image("scan.png", &bytes)
}

fn anonymous(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.file("scan.dcm", bytes);
    let key = Key::of(b"a secret of sixteen letters at least");
    deidentify(&path, &Wishes::default(), &key, &Studies::default())
        .is_ok_and(|file| file.write(&folder.0.join("without.dcm")).is_ok())
}

fn import(name: &str, bytes: &[u8]) -> bool {
    let folder = Folder::new();
    foreign::import(&folder.file(name, bytes), &Description::default())
        .is_ok_and(|(model, _)| model.spec.graph().is_ok())
}

/// A file of a model or of weights, of any form.
fn model(bytes: &[u8]) -> bool {
    let _ = import("model.safetensors", bytes);
    checkpoint::from_bytes(bytes, Path::new("model.safetensors")).is_ok()
}

/// The text of a model file, which says what network it is.
fn spec(bytes: &[u8]) -> bool {
    let file = wrapped::model_file(bytes);
    let _ = Model::from_bytes(&file, Path::new("model.safetensors"));
    // Weights are wanting, so that it is never a whole model.
    serde_json::from_slice::<ModelSpec>(bytes).is_ok_and(|spec| spec.graph().is_ok())
}

fn onnx(bytes: &[u8]) -> bool {
    import("model.onnx", bytes)
}

/// The pickle of an archive of `torch.save`, with storages of zeros.
fn pickle(bytes: &[u8]) -> bool {
    wrapped::archive(bytes).is_some_and(|file| {
        let _ = import("weights.pth", &file);
        checkpoint::from_bytes(&file, Path::new("weights.pth")).is_ok()
    })
}

/// A document: a digit for its version, and its parts, each a line with its name and then its bytes.
fn document(bytes: &[u8]) -> bool {
    let Some((&digit, rest)) = bytes.split_first() else { return false };
    let folder = Folder::new();
    let path = folder.0.join("case.lamella");
    let kind = ContainerKind { magic: *b"LAMELLA\n", version: u32::from(digit.wrapping_sub(b'0') % 8) };
    let written = write_container::<std::io::Error>(&path, &kind, |container| {
        for part in parts(rest).iter().take(64) {
            let end = part.iter().position(|&byte| byte == b'\n').unwrap_or(part.len());
            let name = String::from_utf8_lossy(&part[..end]).into_owned();
            container.part(&name, |out| out.write_all(part.get(end + 1..).unwrap_or_default()))?;
        }
        Ok(())
    });
    let Ok(scans) = written.map_err(drop).and_then(|()| read_document(&path, Watch::unwatched()).map_err(drop)) else {
        return false;
    };
    for scan in scans {
        if let Ok(Some(volume)) = read_scan_copy(&scan.reference, Watch::unwatched()) {
            look(&volume);
        }
    }
    true
}

/// A journal: its records, each a byte for its kind and then its payload.
fn journal(bytes: &[u8]) -> bool {
    let folder = Folder::new();
    let path = folder.0.join("case.journal");
    let kind = LogKind { magic: *b"LAMJRNL\n", version: 2 };
    let records: Vec<(u8, Vec<u8>)> =
        parts(bytes).iter().take(256).filter_map(|part| part.split_first().map(|(k, p)| (*k, p.to_vec()))).collect();
    let written = Log::create(&path, &kind).and_then(|mut log| Ok(log.append(&records)?));
    let Ok((replay, _)) = written.and_then(|()| replay_journal(&path)) else { return false };
    let _ = replay.unsaved().len();
    replay.problem().is_none()
}

/// What a text file beside a mask says about its labels; the first byte is its kind.
fn label_names(bytes: &[u8]) -> bool {
    let Some((&kind, text)) = bytes.split_first() else { return false };
    let folder = Folder::new();
    let mask = folder.file("mask.nii", b"");
    let kind = usize::from(kind.wrapping_sub(b'0')) % (NAME_ENDINGS.len() + 1);
    let path = folder.file(&format!("mask{}", NAME_ENDINGS.get(kind).unwrap_or(&".json")), text);
    let found = formats::complete_annotations(&mask, Annotations::default());
    formats::read_names(&path).is_ok() || !found.annotations.table.0.is_empty()
}

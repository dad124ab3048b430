//! The `.lamella` document: one file with all segmentations of the scans that are open, and where those scans lie.
//!
//! A container (`disk/container.rs`) of `contents.json` and, for every segmentation, chunks of bricks, each behind its length. What undo
//! could take back is not in it.

use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document::{Document, Segmentation};
use super::kept::{KeptScan, KeptSegmentation};
use super::reference::{ScanPlace, ScanReference};
use crate::disk::{Container, ContainerError, ContainerKind, is_container, write_container};
use crate::volume::{
    BrickCodeError, BrickPatch, Geometry, LabelMap, LabelTable, MOST_CHUNK_BYTES, Maker, Measurement, SliceKey,
    SliceState,
};
use crate::work::{Stopped, Watch};

/// Ending of a document's name.
pub const DOCUMENT_ENDING: &str = ".lamella";
/// What is read. The second version has measurements.
const KIND: ContainerKind = ContainerKind { magic: *b"LAMELLA\n", version: 2 };
/// A document without measurements is written so that older programs open it.
const WITHOUT_MEASUREMENTS: ContainerKind = ContainerKind { version: 1, ..KIND };
const CONTENTS: &str = "contents.json";
/// Most bytes of the contents: names of many thousand labels.
const MOST_CONTENTS_BYTES: u64 = 64 << 20;

/// Why a document cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The file.
    #[error(transparent)]
    File(#[from] ContainerError),
    /// The file system.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The labels in it.
    #[error(transparent)]
    Labels(#[from] BrickCodeError),
    /// The grid of a scan.
    #[error("it is damaged: there is no grid like that of \"{0}\"")]
    Grid(String),
}

#[derive(Serialize, Deserialize)]
struct Contents {
    /// Which program wrote it.
    program: String,
    scans: Vec<ScanPart>,
}

#[derive(Serialize, Deserialize)]
struct ScanPart {
    reference: ScanReference,
    /// Where it lies from the document's folder.
    beside: Option<ScanPlace>,
    segmentations: Vec<SegmentationPart>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    measurements: Vec<Measurement>,
}

#[derive(Serialize, Deserialize)]
struct SegmentationPart {
    name: String,
    table: LabelTable,
    states: Vec<(SliceKey, SliceState)>,
    makers: Vec<(SliceKey, Maker)>,
    /// The part that holds its labels.
    labels: String,
}

/// Whether a file is a document, of any version.
pub fn is_document(path: &Path) -> bool {
    is_container(path, &KIND)
}

/// Writes all that is open as a document: aside, synced, renamed.
///
/// # Errors
/// Those of the file system, and a stop; what was there stays then.
pub fn write_document(path: &Path, document: &Document, watch: Watch) -> Result<(), DocumentError> {
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let mut scans = Vec::new();
    let mut all: Vec<(String, &Segmentation)> = Vec::new();
    for (id, _) in document.scans() {
        let Some(reference) = document.reference(id).cloned() else { continue };
        let place = reference.place.as_ref().zip(folder.as_ref());
        let beside = place.and_then(|(place, folder)| {
            Some(ScanPlace { path: path_from(folder, &place.path)?, id: place.id.clone() })
        });
        let mut segmentations = Vec::new();
        for (_, own) in document.segmentations_of(id) {
            let labels = format!("labels-{}", all.len() + 1);
            let KeptSegmentation { name, labels: _, table, states, makers, is_saved: _ } = KeptSegmentation::of(own);
            let (states, makers) = (states.into_iter().collect(), makers.into_iter().collect());
            segmentations.push(SegmentationPart { name, table, states, makers, labels: labels.clone() });
            all.push((labels, own));
        }
        let measurements = document.measurements(id).iter().map(|(_, own)| own.clone()).collect();
        scans.push(ScanPart { reference, beside, segmentations, measurements });
    }
    let contents = Contents { program: concat!("lamella ", env!("CARGO_PKG_VERSION")).into(), scans };
    let has_any = contents.scans.iter().any(|scan| !scan.measurements.is_empty());
    let kind = if has_any { KIND } else { WITHOUT_MEASUREMENTS };
    write_container(path, &kind, |container| {
        container.part::<DocumentError>(CONTENTS, |out| {
            Ok(serde_json::to_writer(&mut *out, &contents).map_err(io::Error::from)?)
        })?;
        for (n, (name, own)) in all.iter().enumerate() {
            watch.at(n as f32 / all.len() as f32)?;
            container.part(name, |out| write_labels(out, own.labels(), watch))?;
        }
        Ok(())
    })
}

fn write_labels(out: &mut dyn Write, labels: &LabelMap, watch: Watch) -> Result<(), DocumentError> {
    for chunk in BrickPatch::whole(labels).chunks() {
        watch.check()?;
        out.write_all(&u32::try_from(chunk.len()).map_err(io::Error::other)?.to_le_bytes())?;
        out.write_all(&chunk)?;
    }
    Ok(())
}

/// Reads a document. Scans are not read: who has it looks for them.
///
/// # Errors
/// Those of the file system, a newer or damaged file, and a stop.
pub fn read_document(path: &Path, watch: Watch) -> Result<Vec<KeptScan>, DocumentError> {
    let mut container = Container::open(path, &KIND)?;
    let contents: Contents = container.json(CONTENTS, MOST_CONTENTS_BYTES)?;
    let has_any = contents.scans.iter().any(|scan| !scan.measurements.is_empty());
    if has_any != (container.version() == KIND.version) {
        return Err(ContainerError::Damaged("its version is not that of its contents".into()).into());
    }
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let mut scans = Vec::new();
    for ScanPart { reference, beside, segmentations: parts, measurements } in contents.scans {
        let geometry = reference.geometry().ok_or_else(|| DocumentError::Grid(reference.name.clone()))?;
        let mut segmentations = Vec::new();
        for SegmentationPart { name, table, states, makers, labels } in parts {
            let labels = read_labels(&mut container.part(&labels)?, &geometry, watch)?;
            segmentations.push(KeptSegmentation {
                name,
                labels,
                table,
                states: states.into_iter().collect(),
                makers: makers.into_iter().collect(),
                is_saved: true,
            });
        }
        let beside = beside.zip(folder.as_ref()).map(|(place, folder)| folder.join(place.path));
        let (measurements_saved, steps) = (true, Vec::new());
        scans.push(KeptScan { reference, beside, segmentations, measurements, measurements_saved, steps });
    }
    Ok(scans)
}

fn read_labels(from: &mut dyn Read, geometry: &Geometry, watch: Watch) -> Result<LabelMap, DocumentError> {
    let damaged = |what: &str| ContainerError::Damaged(format!("labels: {what}"));
    let mut labels = LabelMap::empty(geometry.clone());
    loop {
        watch.check()?;
        let mut length = Vec::new();
        Read::take(&mut *from, 4).read_to_end(&mut length)?;
        let length = match length[..] {
            [] => return Ok(labels),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as usize,
            _ => return Err(damaged("they end too early").into()),
        };
        if length > MOST_CHUNK_BYTES {
            return Err(damaged("a chunk is too long").into());
        }
        let mut chunk = Vec::new();
        Read::take(&mut *from, length as u64).read_to_end(&mut chunk)?;
        if chunk.len() != length {
            return Err(damaged("they end too early").into());
        }
        let _ = BrickPatch::from_chunk(&chunk, &labels)?.exchange(&mut labels);
    }
}

/// The way from a folder to a path, both absolute; `None` where there is none, on another drive for example.
fn path_from(folder: &Path, path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let (from, to): (Vec<Component>, Vec<Component>) = (folder.components().collect(), path.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - shared);
    Some(up.chain(to.get(shared..)?.iter().copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Command, Edit, MeasurementId, PaintRules, Painter, Session, key};
    use crate::volume::{Affine, Figure, Label, Plane, Rescale, Volume, Voxels};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn session() -> Session {
        let geometry = Geometry::new([40, 33, 5], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; 40 * 33 * 5]));
        let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "head".into());
        let mut session = Session::default();
        let (scan, of) = session.add_scan(Arc::new(volume));
        session.set_place(scan, ScanPlace { path: "/data/head.nii".into(), id: "head.nii".into() });
        let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
        painter.fill(&[[1, 2, 3], [39, 32, 4]], 7);
        let table = LabelTable(vec![Label::new(7, "Liver")]);
        let states = vec![(key(Plane::Axial, 3), SliceState::Done)];
        let edits = vec![Edit::Labels(painter.finish()), Edit::Table(of, table), Edit::States(of, states)];
        session.apply(Command::by_hand("Brush", edits)).unwrap();
        let (_, command) = session.new_segmentation(scan, "Second reader").unwrap();
        session.apply(command).unwrap();
        session
    }

    /// Draws a ruler.
    fn measure(session: &mut Session) -> Measurement {
        let scan = session.document().scans().next().unwrap().0;
        let figure = Figure::Ruler([[0.1 + 0.2, 2.0, 3.0], [1.0 / 3.0, 7.5, 3.0]]);
        let ruler = Measurement { name: "Ruler 1".into(), plane: Plane::Axial, figure };
        let id = session.document().measurements(scan).next_id();
        let edits = vec![Edit::Measurement(scan, id, Some(ruler.clone()))];
        session.apply(Command::by_hand("Ruler", edits)).unwrap();
        ruler
    }

    fn version_of(path: &Path) -> u8 {
        std::fs::read(path).unwrap()[8]
    }

    #[test]
    fn measurements_come_back_to_the_last_bit_and_a_document_without_them_is_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lamella");
        let mut session = session();
        write_document(&path, session.document(), Watch::unwatched()).unwrap();
        assert_eq!(version_of(&path), 1, "older programs open it");
        assert!(read_document(&path, Watch::unwatched()).unwrap()[0].measurements.is_empty());
        let ruler = measure(&mut session);
        write_document(&path, session.document(), Watch::unwatched()).unwrap();
        assert_eq!(version_of(&path), 2, "older programs refuse what they would lose");
        let kept = read_document(&path, Watch::unwatched()).unwrap().remove(0);
        assert_eq!((&kept.measurements[..], kept.measurements_saved), (&[ruler.clone()][..], true));

        // Into another session, on a scan that lies elsewhere: it stays at its voxels, and the document still holds it.
        let mut other = Session::default();
        let moved = Affine::from_columns([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]], [5.0, 0.0, 0.0]);
        let voxels = Voxels::U8(Arc::new(vec![0; 40 * 33 * 5]));
        let geometry = Geometry::new([40, 33, 5], moved).unwrap();
        let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "head".into()));
        let (scan, _) = other.add_scan(volume);
        other.take_in_measurements(scan, &kept.reference, kept.measurements, true);
        let own = other.document().measurements(scan);
        let points = own.get(MeasurementId(1)).unwrap().figure.points();
        let place = |point: [f64; 3]| [5.0 + 2.0 * point[0], 2.0 * point[1], 2.0 * point[2]];
        let is_near = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(points.iter().zip(ruler.figure.points()).all(|(now, then)| is_near(*now, place(*then))), "{points:?}");
        assert!(!own.is_modified() && other.undo_name().is_none());
    }

    #[test]
    fn a_newer_document_is_refused_by_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lamella");
        let newer = ContainerKind { version: 3, ..KIND };
        write_container::<io::Error>(&path, &newer, |_| Ok(())).unwrap();
        let error = read_document(&path, Watch::unwatched()).unwrap_err().to_string();
        assert!(error.contains("newer version of this program (format 3)"), "{error}");
    }

    fn is_it(scans: &[KeptScan]) -> bool {
        let [KeptScan { reference, segmentations, .. }] = scans else { return false };
        let [first, second] = &segmentations[..] else { return false };
        reference.name == "head"
            && first.labels.counts() == [(7, 2)].into()
            && first.table.get(7).is_some_and(|label| label.name == "Liver")
            && first.states == [(key(Plane::Axial, 3), SliceState::Done)].into()
            && second.name == "Second reader"
    }

    #[test]
    fn a_document_comes_back_and_finds_its_scans_where_it_was_moved_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lamella");
        let mut session = session();
        let scan = session.document().scans().next().unwrap().0;
        session.set_place(scan, ScanPlace { path: folder.path().join("scans/head.nii"), id: "head.nii".into() });
        write_document(&path, session.document(), Watch::unwatched()).unwrap();
        assert!(is_document(&path));
        let moved = folder.path().join("moved");
        std::fs::create_dir(&moved).unwrap();
        std::fs::copy(&path, moved.join("a.lamella")).unwrap();
        let scans = read_document(&moved.join("a.lamella"), Watch::unwatched()).unwrap();
        assert!(is_it(&scans));
        assert_eq!(scans[0].beside, Some(moved.join("scans/head.nii")));
        assert_eq!(scans[0].reference.place.as_ref().unwrap().path, folder.path().join("scans/head.nii"));
    }

    #[test]
    fn ways_lead_up_and_down() {
        let way = |folder: &str, path: &str| path_from(Path::new(folder), Path::new(path)).unwrap();
        assert_eq!(way("/a/b", "/a/b/c.nii"), Path::new("c.nii"));
        assert_eq!(way("/a/b", "/a/d/c.nii"), Path::new("../d/c.nii"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_damaged_document_is_refused(place in any::<prop::sample::Index>(), flip in any::<u8>(), is_measured in any::<bool>()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.lamella");
            let mut session = session();
            if is_measured {
                measure(&mut session);
            }
            write_document(&path, session.document(), Watch::unwatched()).unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            let at = place.index(bytes.len());
            if flip == 0 { bytes.truncate(at) } else { bytes[at] ^= flip }
            std::fs::write(&path, &bytes).unwrap();
            let read = read_document(&path, Watch::unwatched());
            prop_assert!(read.is_err(), "byte {at}");
        }
    }

    #[test]
    fn contents_that_lie_behind_right_checksums_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lamella");
        let written = |shape: [usize; 3], chunk: &[u8]| {
            let mut reference = session().document().reference(crate::session::ScanId(1)).unwrap().clone();
            reference.shape = shape;
            let segmentation = SegmentationPart {
                name: "S".into(),
                table: LabelTable::default(),
                states: vec![],
                makers: vec![],
                labels: "l".into(),
            };
            let scans =
                vec![ScanPart { reference, beside: None, segmentations: vec![segmentation], measurements: vec![] }];
            let contents = serde_json::to_vec(&Contents { program: String::new(), scans }).unwrap();
            write_container::<io::Error>(&path, &WITHOUT_MEASUREMENTS, |container| {
                container.part(CONTENTS, |out| out.write_all(&contents))?;
                container.part("l", |out| out.write_all(chunk))
            })
            .unwrap();
            read_document(&path, Watch::unwatched()).map(|_| ())
        };
        written([40, 33, 5], &[]).unwrap();
        assert!(matches!(written([1 << 30, 1 << 30, 5], &[]), Err(DocumentError::Grid(_))));
        assert!(written([40, 33, 5], &[0xff; 4]).is_err() && written([40, 33, 5], &[9, 0]).is_err());
        assert!(matches!(written([40, 33, 5], &[3, 0, 0, 0, 9, 0, 1]), Err(DocumentError::Labels(_))));
    }
}

//! Files of the corpora that the program itself writes.

use std::path::Path;
use std::sync::Arc;

use lamella::disk::{Container, ContainerKind, LogKind, read_log};
use lamella::formats::{Mask, open_one, write_mask, write_sidecar};
use lamella::model::{ArchitectureSpec, Model};
use lamella::session::{
    Command, Edit, JournalFile, PaintRules, Painter, ScanPlace, Session, SliceState, key, write_document,
};
use lamella::volume::{Annotations, Figure, Label, LabelMap, LabelTable, Measurement, Plane, Volume};
use lamella::work::Watch;
use lamella::zoo::ARCHITECTURES;

use super::entries::{CUT, parts};

/// Writes them into the folder of the corpora.
pub fn renew(corpora: &Path) {
    let put = |reader: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(corpora.join(reader)).unwrap();
        std::fs::write(corpora.join(reader).join(name), bytes).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    let volume = Arc::new(series(&corpora.join("dicom/series"), folder.path()));
    let labels = LabelMap::from_fn(volume.geometry.clone(), |[i, j, k]| ((i + j + k) % 3) as u16);
    let mut table = LabelTable(vec![Label::new(1, "Liver")]);
    table.cover(labels.counts().into_keys());
    let notes = Annotations::of_table(table.clone());
    let mask = Mask { labels: &labels, annotations: &notes, source: volume.source.as_deref() };
    for (reader, name, ending) in
        [("seg", "bits", ".dcm"), ("seg", "label_map", ".labelmap.dcm"), ("rtstruct", "outlines", ".rtstruct.dcm")]
    {
        let path = folder.path().join(format!("m{ending}"));
        write_mask(&path, &mask, Watch::unwatched()).unwrap();
        put(reader, name, &std::fs::read(&path).unwrap());
    }
    let near = folder.path().join("near.nii");
    write_sidecar(&near, &notes).unwrap();
    put("labels", "own", &[b"3", &std::fs::read(folder.path().join("near.json")).unwrap()[..]].concat());
    let mut session = session(&volume, table);
    put("document", "plain", &document(&session, &folder.path().join("a.lamella")));
    session.set_keeps_scans(true);
    put("document", "with_scan", &document(&session, &folder.path().join("b.lamella")));
    put("journal", "draft", &journal(&session, &folder.path().join("a.journal")));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/hippocampus.safetensors");
    let spec = Model::load(&own).unwrap().spec;
    put("spec", "bundled", &serde_json::to_vec(&spec).unwrap());
    for id in ARCHITECTURES.iter().map(|own| own.id) {
        let mut spec = spec.clone();
        spec.architecture = ArchitectureSpec { id: id.into(), options: serde_json::json!({}) };
        put("spec", id, &serde_json::to_vec(&spec).unwrap());
    }
}

/// The scan that an input of the DICOM corpus is.
fn series(input: &Path, folder: &Path) -> Volume {
    let scan = folder.join("scan");
    std::fs::create_dir(&scan).unwrap();
    for (n, part) in parts(&std::fs::read(input).unwrap()).iter().enumerate() {
        std::fs::write(scan.join(n.to_string()), part).unwrap();
    }
    open_one(&scan, None, Watch::unwatched()).unwrap()
}

fn session(volume: &Arc<Volume>, table: LabelTable) -> Session {
    let mut session = Session::default();
    session.keep_entries();
    let (scan, of) = session.add_scan(volume.clone());
    session.set_place(scan, ScanPlace { path: "/data/head".into(), id: "1.2.3.2".into() });
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    painter.fill(&[[1, 1, 0], [2, 2, 1], [3, 0, 2]], 2);
    let states = vec![(key(Plane::Axial, 1), SliceState::Done)];
    let edits = vec![Edit::Labels(painter.finish()), Edit::Table(of, table), Edit::States(of, states)];
    session.apply(Command::by_hand("Brush", edits)).unwrap();
    let figure = Figure::Ruler([[0.5, 1.0, 1.0], [2.0, 1.5, 1.0]]);
    let ruler = Measurement { name: "Ruler 1".into(), plane: Plane::Axial, figure };
    let id = session.document().measurements(scan).next_id();
    session.apply(Command::by_hand("Ruler", vec![Edit::Measurement(scan, id, Some(ruler))])).unwrap();
    session
}

/// A document as the input of its door.
fn document(session: &Session, path: &Path) -> Vec<u8> {
    write_document(path, session.document(), Watch::unwatched()).unwrap();
    let kind = ContainerKind { magic: *b"LAMELLA\n", version: 9 };
    let mut container = Container::open(path, &kind).unwrap();
    let names: Vec<String> = container.names().map(str::to_string).collect();
    let mut input = container.version().to_string().into_bytes();
    for (n, name) in names.iter().enumerate() {
        if n > 0 {
            input.extend(CUT);
        }
        input.extend(name.bytes());
        input.push(b'\n');
        std::io::Read::read_to_end(&mut container.part(name).unwrap(), &mut input).unwrap();
    }
    input
}

/// A journal as the input of its door.
fn journal(session: &Session, path: &Path) -> Vec<u8> {
    let mut file = JournalFile::create(path).unwrap();
    let draft = JournalFile::draft(path, session.document()).unwrap();
    file.replace(draft, &[]).unwrap();
    let mut records: Vec<Vec<u8>> = Vec::new();
    let kind = LogKind { magic: *b"LAMJRNL\n", version: 2 };
    read_log(path, &kind, |kind, payload| records.push([&[kind][..], &payload].concat())).unwrap();
    records.join(CUT)
}

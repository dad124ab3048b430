//! Masks in files: what is saved comes back, what other programs say about labels is read, and nothing of it is lost without a word.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};

use lamella::formats;
use lamella::jobs::{self, Cancel, Job, JobEvent, Outcome};
use lamella::session::{Change, Command, Session, SliceState};
use lamella::volume::{
    Affine, Annotations, Geometry, Label, LabelMap, LabelTable, Plane, PlaneLayout, Rescale, Volume, Voxels,
};
use support::unwatched;

fn scan(geometry: &Geometry) -> Arc<Volume> {
    let voxels = Voxels::U8(Arc::new(vec![0; geometry.voxel_count()]));
    Arc::new(Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, "scan".into()))
}

/// Does a job and gives its outcome and its warnings.
fn run(job: Job) -> (Outcome, Vec<String>) {
    let warnings = Mutex::new(Vec::new());
    let progress = |event| {
        if let JobEvent::Warning(text) = event {
            warnings.lock().unwrap().push(text);
        }
    };
    let outcome = jobs::run(job, &progress, &Cancel::default()).unwrap();
    (outcome, warnings.into_inner().unwrap())
}

fn save(path: &Path, session: &Session, sidecar: bool) -> Vec<String> {
    let document = session.document();
    let (labels, annotations) = (document.labels.clone(), document.annotations());
    run(Job::SaveLabels { path: path.into(), labels, annotations, sidecar }).1
}

/// Opens a mask onto an empty document.
fn reopen(path: &Path, volume: &Arc<Volume>) -> (Session, Vec<String>) {
    let (outcome, warnings) = run(Job::OpenLabels { path: path.into(), volume: volume.clone() });
    let Outcome::Labels { labels, table, states, .. } = outcome else { panic!("no labels") };
    let mut session = Session::new(volume.clone());
    session.apply(Command { name: "Open".into(), change: Change::Segmentation { labels, table, states } });
    (session, warnings)
}

fn same(a: &Session, b: &Session) {
    let (a, b) = (a.document(), b.document());
    assert!(a.labels.same_labels(&b.labels));
    assert_eq!(a.table, b.table);
    let known = |document: &lamella::session::Document| {
        document.states().filter(|(_, state)| *state != SliceState::Todo).collect::<Vec<_>>()
    };
    assert_eq!(known(a), known(b));
}

/// A document of 41 labels, of which every third is empty, with slices of every state in all three planes.
fn document(geometry: &Geometry, first: u16) -> Session {
    let mut session = Session::new(scan(geometry));
    let names = ["Liver", "sp\"le\"en", "two\nlines", "нирка 腎臓 🫘", "a\\b </Label>", "tab\tand 'quotes'", "   ", ""];
    let mut table = LabelTable::default();
    for n in 0..41u16 {
        let mut label =
            Label::new(first + 7 * n, names.get(usize::from(n)).map_or(format!("organ {n}"), |s| s.to_string()));
        label.colour = [(n * 6) as u8, 255 - n as u8, (n * n % 251) as u8];
        label.visible = n % 5 != 1;
        label.locked = n % 4 == 2;
        table.0.push(label);
    }
    table.0[9].name = "long ".repeat(4000);
    // The order in the list is the user's.
    table.0.swap(3, 30);
    let shape = geometry.shape();
    let labels = LabelMap::from_fn(geometry.clone(), |[i, j, k]| {
        let n = ((i + 3 * j + 5 * k) % 41) as u16;
        if (i * j + k) % 3 == 0 || n % 3 == 0 { 0 } else { first + 7 * n }
    });
    let mut states = Vec::new();
    for plane in Plane::ALL {
        let count = PlaneLayout::new(geometry, plane).size[2];
        for slice in 0..count {
            let state =
                [SliceState::Done, SliceState::Done, SliceState::Draft, SliceState::Todo, SliceState::Corrected];
            states.push(((plane.world_axis() as u8, slice), state[(slice * slice + plane.world_axis()) % 5]));
        }
    }
    assert!(states.len() >= shape.iter().sum());
    session.apply(Command { name: "All".into(), change: Change::Segmentation { labels, table, states } });
    session
}

#[test]
fn a_saved_document_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let oblique = {
        let (s, c) = 20f64.to_radians().sin_cos();
        Affine::from_columns([[0.9 * c, 0.9 * s, 0.0], [-0.9 * s, 0.9 * c, 0.0], [0.0, 0.0, 2.0]], [-40.0, 7.0, 11.0])
    };
    let orders = [
        ("lps", Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 2.5]], [10.0, 20.0, 30.0])),
        ("sagittal", Affine::from_columns([[0.0, -0.7, 0.0], [0.0, 0.0, -0.7], [1.5, 0.0, 0.0]], [0.0; 3])),
        ("coronal", Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -3.0, 0.0]], [1.0, 2.0, 3.0])),
        ("oblique", oblique),
    ];
    for (name, affine) in orders {
        let geometry = Geometry::new([13, 34, 9], affine).unwrap();
        for (first, ending) in [(1, "nii.gz"), (1, "nii"), (240, "nii.gz"), (65_000, "nii")] {
            let session = document(&geometry, first);
            let path = folder.path().join(format!("{name}{first}.{ending}"));
            save(&path, &session, first == 1);
            let (again, warnings) = reopen(&path, &scan(&geometry));
            same(&session, &again);
            assert!(warnings.is_empty() || name == "lps" || first == 1, "{warnings:?}");
        }
    }
}

#[test]
fn a_long_grid_keeps_its_document_in_nifti_2() {
    let folder = tempfile::tempdir().unwrap();
    let geometry = Geometry::new([40_000, 2, 1], Affine::IDENTITY).unwrap();
    let session = document(&geometry, 1);
    let path = folder.path().join("long.nii.gz");
    save(&path, &session, false);
    same(&session, &reopen(&path, &scan(&geometry)).0);
}

#[test]
fn the_sidecar_serves_where_another_program_has_dropped_the_extension() {
    let folder = tempfile::tempdir().unwrap();
    let geometry = Geometry::new([7, 8, 9], Affine::IDENTITY).unwrap();
    let session = document(&geometry, 1);
    let path = folder.path().join("mask.nii");
    assert_eq!(save(&path, &session, true), Vec::<String>::new());
    assert!(folder.path().join("mask.json").is_file());
    formats::write_labels(&path, &session.document().labels, &Annotations::default(), &unwatched).unwrap();
    same(&session, &reopen(&path, &scan(&geometry)).0);
    // Other voxels: names stay, marks of slices go, and the user is told.
    let mut other = session.document().labels.clone();
    other.set([0, 0, 0], 8);
    other.set([1, 1, 1], 15);
    formats::write_labels(&path, &other, &Annotations::default(), &unwatched).unwrap();
    let (again, warnings) = reopen(&path, &scan(&geometry));
    assert_eq!(again.document().table, session.document().table);
    assert_eq!(again.document().states().count(), 0);
    assert!(
        warnings.iter().any(|w| w.contains("mask.nii") && w.contains("changed by another program")),
        "{warnings:?}"
    );
}

#[test]
fn a_sidecar_of_another_program_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let geometry = Geometry::new([7, 8, 9], Affine::IDENTITY).unwrap();
    let session = document(&geometry, 1);
    for (name, text) in
        [("bids", r#"{"EchoTime": 0.002}"#), ("list", "[1, 2]"), ("torn", r#"{"lamella": {"vers"#), ("text", "x")]
    {
        let json = folder.path().join(format!("{name}.json"));
        std::fs::write(&json, text).unwrap();
        let path = folder.path().join(format!("{name}.nii.gz"));
        let warnings = save(&path, &session, true);
        assert!(warnings.iter().any(|w| w.contains(&format!("{name}.json"))), "{warnings:?}");
        assert_eq!(std::fs::read_to_string(&json).unwrap(), text);
        same(&session, &reopen(&path, &scan(&geometry)).0);
    }
}

/// A mask of the labels 1, 2 and 3 with these extensions, as other programs write them.
fn mask_with(path: &Path, extensions: &[(i32, &[u8])]) -> Geometry {
    let geometry = Geometry::new([4, 3, 2], Affine::IDENTITY).unwrap();
    let labels = LabelMap::from_fn(geometry.clone(), |[i, ..]| i as u16);
    formats::write_labels(path, &labels, &Annotations::default(), &unwatched).unwrap();
    let plain = std::fs::read(path).unwrap();
    let mut bytes = plain[..348].to_vec();
    bytes.extend([u8::from(!extensions.is_empty()), 0, 0, 0]);
    for (code, content) in extensions {
        let size = (content.len() + 8).next_multiple_of(16);
        let start = bytes.len();
        bytes.extend((size as i32).to_le_bytes());
        bytes.extend(code.to_le_bytes());
        bytes.extend(*content);
        bytes.resize(start + size, 0);
    }
    let offset = bytes.len() as f32;
    bytes[108..112].copy_from_slice(&offset.to_le_bytes());
    bytes.extend(&plain[352..]);
    std::fs::write(path, bytes).unwrap();
    geometry
}

fn table_of(path: &Path, geometry: &Geometry) -> (Vec<(u16, String, [u8; 3])>, Vec<String>) {
    let (session, warnings) = reopen(path, &scan(geometry));
    let table = session.document().table.0.iter().map(|l| (l.value, l.name.clone(), l.colour)).collect();
    (table, warnings)
}

#[test]
fn label_tables_of_other_programs_in_extensions_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.nii");
    let total = br#"<?xml version="1.0" encoding="UTF-8"?> <CaretExtension>  <Date><![CDATA[2013-07-14T05:45:09]]></Date>   <VolumeInformation Index="0">   <LabelTable>
<Label Key="1" Red="0.0" Green="1.0" Blue="0.5019607843137255" Alpha="1"><![CDATA[spleen]]></Label>
<Label Key="3" Red="1.0" Green="0.0" Blue="0.0" Alpha="1"><![CDATA[kidney > 2 & "more"]]></Label>
  </LabelTable>  <StudyMetaDataLinkSet></StudyMetaDataLinkSet>  <VolumeType><![CDATA[Label]]></VolumeType></VolumeInformation></CaretExtension>"#;
    // wb_command -volume-label-import writes a background called ???, keys in any order, and numbers from 0 to 1.
    let workbench = br#"<?xml version="1.0" encoding="UTF-8"?><CaretExtension><VolumeInformation Index="0"><LabelTable>
<Label Alpha="0" Blue="1" Green="1" Key="0" Red="1">???</Label><Label Blue="0" Green="0" Red='1' Key='2'>CEREBELLUM &lt;left&gt; &#228;</Label>
<Label Key="-1" Red="0" Green="0" Blue="0" Alpha="1">negative</Label></LabelTable></VolumeInformation></CaretExtension>"#;
    let cifti = br#"<CIFTI Version="2"><Matrix><MatrixIndicesMap AppliesToMatrixDimension="0" IndicesMapToDataType="CIFTI_INDEX_TYPE_LABELS"><NamedMap><MapName>one</MapName><LabelTable><Label Key="1" Red="0.2" Green="0.4" Blue="0.6" Alpha="1">V1</Label></LabelTable></NamedMap><NamedMap><MapName>two</MapName><LabelTable><Label Key="2" Red="0" Green="0" Blue="0" Alpha="1">other map</Label></LabelTable></NamedMap></MatrixIndicesMap></Matrix></CIFTI>"#;
    let afni = br#"<?xml version='1.0' ?>
<AFNI_attributes ni_form="ni_group" >
<AFNI_atr ni_type="String" ni_dimen="1" atr_name="VALUE_LABEL_DTABLE" >
 "&lt;VALUE_LABEL_DTABLE
  ni_type=&quot;2*String&quot;
  ni_dimen=&quot;2&quot; &gt;
 &quot;1&quot; &quot;left thalamus&quot;
 &quot;2&quot; &quot;right thalamus&quot;
&lt;/VALUE_LABEL_DTABLE&gt;
"
</AFNI_atr>
</AFNI_attributes>"#;
    let atlas = br#"<AFNI_attributes><AFNI_atr atr_name="ATLAS_LABEL_TABLE">"&lt;ATLAS_LABEL_TABLE&gt;&lt;ATLAS_POINT data_type=&quot;atlas_point&quot; STRUCT=&quot;Accumbens Area&quot; VAL=&quot;3&quot; OKEY=&quot;3&quot; /&gt;&lt;/ATLAS_LABEL_TABLE&gt;"</AFNI_atr></AFNI_attributes>"#;
    let json = br#"{"labels": {"background": 0, "tumour": 2, "edema": 1}}"#;
    let list = br#"{"labels": [{"value": 3, "name": "lesion", "color": [10, 20, 30]}]}"#;
    let snap = b"################################################\n# ITK-SnAP Label Description File\n# File format:\n    0     0    0    0        0  0  0    \"Clear Label\"\n    2   255  128    0        1  1  1    \"my \"big\" tumour\"\n";
    let lines = b"1: liver\n2: spleen\n";
    let lut = b"# FreeSurfer\n2  Left-Cerebral-White-Matter  245 245 245 0\n3  Left-Cerebral-Cortex 205 62 78 0\n";
    let colour = |value| Label::unnamed(value).colour;
    let cases: [(i32, &[u8], Vec<(u16, &str, [u8; 3])>); 10] = [
        (0, total, vec![(1, "spleen", [0, 255, 128]), (3, "kidney > 2 & \"more\"", [255, 0, 0])]),
        (30, workbench, vec![(2, "CEREBELLUM <left> ä", [255, 0, 0])]),
        (32, cifti, vec![(1, "V1", [51, 102, 153])]),
        (4, afni, vec![(1, "left thalamus", colour(1)), (2, "right thalamus", colour(2))]),
        (4, atlas, vec![(3, "Accumbens Area", colour(3))]),
        (6, json, vec![(1, "edema", colour(1)), (2, "tumour", colour(2))]),
        (6, list, vec![(3, "lesion", [10, 20, 30])]),
        (6, snap, vec![(2, "my \"big\" tumour", [255, 128, 0])]),
        (6, lines, vec![(1, "liver", colour(1)), (2, "spleen", colour(2))]),
        (6, lut, vec![(2, "Left-Cerebral-White-Matter", [245; 3]), (3, "Left-Cerebral-Cortex", [205, 62, 78])]),
    ];
    for (code, content, wanted) in cases {
        // What is in front of it, an identification of a patient, is none of our business.
        let geometry = mask_with(&path, &[(2, b"\x08\x00\x05\x00PN secret"), (code, content)]);
        let (table, warnings) = table_of(&path, &geometry);
        for (value, name, colour) in &wanted {
            assert!(table.contains(&(*value, name.to_string(), *colour)), "{code}: {table:?}");
        }
        let named = table.iter().filter(|(value, name, _)| *name != Label::unnamed(*value).name).count();
        assert_eq!((named, table.len()), (wanted.len(), 3), "{table:?}");
        assert_eq!(warnings.len(), usize::from(code == 30), "{warnings:?}");
    }
}

#[test]
fn broken_extensions_are_told_of_and_the_voxels_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.nii");
    let torn = br#"<CaretExtension><LabelTable><Label Key="1" Red="0">liver</Label><Label Key="2" Red="#;
    let ours_torn = br#"{"lamella": {"version": 1, "labels": [{"value": 1, "na"#;
    let twice = br#"{"lamella": {"version": 1, "labels": [{"value":1,"name":"a","colour":[1,2,3]},{"value":1,"name":"b","colour":[1,2,3]}]}}"#;
    let hostile =
        br#"{"lamella": {"version": 1, "labels": [], "slices": {"axial": {"done": [[0, 18446744073709551615]]}}}}"#;
    for content in [&torn[..], ours_torn, twice, hostile] {
        let geometry = mask_with(&path, &[(6, content)]);
        let (table, warnings) = table_of(&path, &geometry);
        assert_eq!(table.len(), 3);
        assert!(!warnings.is_empty(), "{}", String::from_utf8_lossy(content));
    }
    // Sizes that lie: longer than what is there, negative, smaller than its own head.
    for size in [1 << 30, -16, 4, i32::MIN] {
        let geometry = mask_with(&path, &[(6, b"1: liver\n2: spleen\n")]);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[352..356].copy_from_slice(&i32::to_le_bytes(size));
        std::fs::write(&path, bytes).unwrap();
        let (table, warnings) = table_of(&path, &geometry);
        assert_eq!(table[0].1, "Label 1");
        assert!(warnings.iter().any(|w| w.contains(&size.to_string())), "{warnings:?}");
    }
    // Comments about something else are nobody's labels.
    for content in
        [&b"1.5 T scanner"[..], b"FSL 5.0", b"{\"EchoTime\": 3}", b"<note>extension</note>", b"2024 study\nsecond line"]
    {
        let geometry = mask_with(&path, &[(6, content)]);
        let (table, warnings) = table_of(&path, &geometry);
        assert!(table[0].1 == "Label 1" && warnings.is_empty(), "{table:?} {warnings:?}");
    }
}

#[test]
fn files_beside_a_mask_name_its_labels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub-01_dseg.nii");
    let geometry = mask_with(&path, &[]);
    let tsv = folder.path().join("sub-01_dseg.tsv");
    std::fs::write(&tsv, "index\tname\tabbreviation\tcolor\r\n0\tBackground\tBG\tn/a\r\n1\tGray Matter\tGM\t#ff53bb\r\n3\tBone\tBN\tn/a\r\n").unwrap();
    let (table, warnings) = table_of(&path, &geometry);
    assert_eq!(table[0], (1, "Gray Matter".into(), [255, 83, 187]));
    assert_eq!((table[1].1.as_str(), table[2].1.as_str(), warnings.len()), ("Bone", "Label 2", 0));
    // ITK-SNAP's file says something else: the first is used, and the difference is told.
    let snap = "####\n# ITK-SnAP Label Description File\n1 1 2 3 1 0 0 \"White Matter\"\n2 4 5 6 1 1 1 \"CSF\"\n";
    let beside = folder.path().join("sub-01_dseg.label");
    std::fs::write(&beside, snap).unwrap();
    let (session, warnings) = reopen(&path, &scan(&geometry));
    let first = session.document().table.get(1).unwrap().clone();
    assert_eq!((first.name.as_str(), first.colour, first.visible), ("White Matter", [1, 2, 3], false));
    assert!(warnings.iter().any(|w| w.contains("Gray Matter") && w.contains("White Matter")), "{warnings:?}");
    // Another second line is another format.
    std::fs::write(&beside, snap.replace("# ITK-SnAP", "# ITK-SNAP")).unwrap();
    assert_eq!(table_of(&path, &geometry).0[0].1, "Gray Matter");
    // The mask's own names go first.
    mask_with(&path, &[(6, b"1: own\n")]);
    let (table, warnings) = table_of(&path, &geometry);
    assert_eq!(table[0].1, "own");
    assert!(warnings.iter().any(|w| w.contains("the mask itself")), "{warnings:?}");
    // A text beside a mask that is no list of labels.
    std::fs::remove_file(&tsv).unwrap();
    std::fs::write(folder.path().join("sub-01_dseg.txt"), "1 note\n2 more\n").unwrap();
    mask_with(&path, &[]);
    assert_eq!(table_of(&path, &geometry).0[0].1, "Label 1");
}

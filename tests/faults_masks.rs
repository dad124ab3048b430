//! Masks in files: what is saved comes back, what other programs say about labels is read, and nothing of it is lost without a word.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};

use lamella::formats;
use lamella::jobs::{
    EvaluateJob, Evaluation, Job, OpenLabelsJob, OpenedLabels, SaveLabelsJob, SaveVolumeJob, Told, Work, run_here,
};
use lamella::session::{
    Command, Edit, Incoming, PaintRules, Painter, Segmentation, SegmentationId, Session, SliceState,
};
use lamella::volume::{
    Affine, Annotations, Geometry, Label, LabelMap, LabelTable, Plane, PlaneLayout, Rescale, Volume, Voxels,
};
use lamella::work::{Signal, Watch};

fn scan(geometry: &Geometry) -> Arc<Volume> {
    let voxels = Voxels::U8(Arc::new(vec![0; geometry.voxel_count()]));
    Arc::new(Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, "scan".into()))
}

/// Does a job and gives its outcome and its warnings.
fn run<J: Job<Event = ()>>(job: J) -> (J::Output, Vec<String>) {
    let warnings = Mutex::new(Vec::new());
    let tell = |told| {
        if let Told::Warning(text) = told {
            warnings.lock().unwrap().push(text);
        }
    };
    let output = job.run(&Work::new(Watch::unwatched(), &tell)).unwrap();
    (output, warnings.into_inner().unwrap())
}

fn evaluate(predicted: &Path, truth: &Path) -> Result<Evaluation, String> {
    let job = EvaluateJob { predicted: predicted.into(), truth: truth.into(), slices: None };
    run_here(job, &Signal::default(), &|_| {}).map_err(|error| error.to_string())
}

/// The only segmentation of a session.
fn only(session: &Session) -> &Segmentation {
    session.document().segmentations().next().unwrap().1
}

/// A session with a segmentation that has these labels.
fn filled(volume: Arc<Volume>, labels: LabelMap, edits: impl FnOnce(SegmentationId) -> Vec<Edit>) -> Session {
    let mut session = Session::default();
    let (_, of) = session.add_scan(volume);
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    painter.take(labels, &Incoming::default());
    let edits = [vec![Edit::Labels(painter.finish())], edits(of)].concat();
    session.apply(Command::by_hand("Fill", edits)).unwrap();
    session
}

fn save(path: &Path, session: &Session, sidecar: bool) -> Vec<String> {
    let (labels, annotations) = (only(session).labels().clone(), only(session).annotations());
    run(SaveLabelsJob { path: path.into(), labels, annotations, source: None, sidecar }).1
}

/// Opens a mask onto an empty document.
fn reopen(path: &Path, volume: &Arc<Volume>) -> (Session, Vec<String>) {
    let (opened, warnings) =
        run(OpenLabelsJob { path: path.into(), id: None, volume: volume.clone(), resampling: None });
    let OpenedLabels { labels, table, states, .. } = opened;
    let edits = |of| vec![Edit::Table(of, table), Edit::States(of, states)];
    (filled(volume.clone(), labels, edits), warnings)
}

fn same(a: &Session, b: &Session) {
    let (a, b) = (only(a), only(b));
    assert!(a.labels().same_labels(b.labels()));
    assert_eq!(a.table(), b.table());
    assert_eq!(a.states().collect::<Vec<_>>(), b.states().collect::<Vec<_>>());
}

/// A document of 41 labels, of which every third is empty, with slices of every state in all three planes.
fn document(geometry: &Geometry, first: u16) -> Session {
    let names = ["Liver", "sp\"le\"en", "two\nlines", "нирка 腎臓 🫘", "a\\b </Label>", "tab\tand 'quotes'", "   ", ""];
    let mut table = LabelTable::default();
    for n in 0..41u16 {
        let mut label = Label::new(
            first + 7 * n,
            names.get(usize::from(n)).map_or_else(|| format!("organ {n}"), ToString::to_string),
        );
        label.colour = [(n * 6) as u8, 255 - n as u8, (n * n % 251) as u8];
        label.visible = n % 5 != 1;
        label.locked = n % 4 == 2;
        table.0.push(label);
    }
    table.0[9].name = "long ".repeat(4000);
    // The order in the list is the user's.
    table.0.swap(3, 30);
    let labels = LabelMap::from_fn(geometry.clone(), |[i, j, k]| {
        let n = ((i + 3 * j + 5 * k) % 41) as u16;
        if (i * j + k).is_multiple_of(3) || n.is_multiple_of(3) { 0 } else { first + 7 * n }
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
    filled(scan(geometry), labels, |of| vec![Edit::Table(of, table), Edit::States(of, states)])
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
    formats::write_labels(&path, only(&session).labels(), &Annotations::default(), Watch::unwatched()).unwrap();
    same(&session, &reopen(&path, &scan(&geometry)).0);
    // Other voxels: names stay, marks of slices go, and the user is told.
    let mut other = only(&session).labels().clone();
    other.set([0, 0, 0], 8);
    other.set([1, 1, 1], 15);
    formats::write_labels(&path, &other, &Annotations::default(), Watch::unwatched()).unwrap();
    let (again, warnings) = reopen(&path, &scan(&geometry));
    assert_eq!(only(&again).table(), only(&session).table());
    assert_eq!(only(&again).states().count(), 0);
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
    formats::write_labels(path, &labels, &Annotations::default(), Watch::unwatched()).unwrap();
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

/// A label's number, name and colour.
type Entry<T> = (u16, T, [u8; 3]);
/// An extension's code and content, and the labels that it names.
type Named<'a> = (i32, &'a [u8], Vec<Entry<&'a str>>);

fn table_of(path: &Path, geometry: &Geometry) -> (Vec<Entry<String>>, Vec<String>) {
    let (session, warnings) = reopen(path, &scan(geometry));
    let table = only(&session).table().0.iter().map(|l| (l.value, l.name.clone(), l.colour)).collect();
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
    let cases: [Named; 10] = [
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
    for content in [
        &b"1.5 T scanner"[..],
        b"FSL 5.0",
        b"3 T scanner",
        b"3 T\n120 kV\n",
        b"0 12 3\n",
        b"{\"EchoTime\": 3}",
        b"<note>extension</note>",
        b"2024 study\nsecond line",
    ] {
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
    let first = only(&session).table().get(1).unwrap().clone();
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

/// A small scan on a grid with these axes, written and read again.
fn written(folder: &Path, affine: Affine) -> (Vec<u8>, Volume, Vec<String>) {
    let geometry = Geometry::new([10, 11, 12], affine).unwrap();
    let path = folder.join("sheared.nii");
    let warnings = run(SaveVolumeJob { path: path.clone(), volume: scan(&geometry) }).1;
    let back = formats::open_one(&path, None, Watch::unwatched()).unwrap();
    (std::fs::read(path).unwrap(), back, warnings)
}

/// What nibabel's `set_qform(affine, strip_shears=True)` makes of sheared axes: qfac and the quaternion.
/// SimpleITK 2.5.7 opens each of these files and refuses them without a qform.
#[test]
#[allow(clippy::unreadable_literal, reason = "numbers as nibabel prints them")]
fn a_sheared_grid_is_written_with_its_nearest_rigid_qform() {
    let folder = tempfile::tempdir().unwrap();
    let axis = |shear: f64| Affine([[0.8, 0.0, 0.0, -30.0], [0.0, 0.8, shear * 2.5, 20.0], [0.0, 0.0, 2.5, 5.0]]);
    let oblique = Affine([
        [0.6510381450794989, -0.35277568842390594, 0.6155785580270694, -30.0],
        [0.3758770483143633, 0.7060512954075083, 0.7069938675352821, 20.0],
        [-0.2736161146605349, 0.13054072893322785, 2.4359233793707094, 5.0],
    ]);
    let left_handed = Affine([
        [0.1203069865443483, -0.2754438481144737, -2.3254466987545057, -30.0],
        [0.06945927106677219, 0.7506988542270883, -0.812889215845508, 20.0],
        [-0.7878462024097664, 0.024122951685636676, -0.4267713369169101, 5.0],
    ]);
    for (affine, nibabel, told) in [
        (axis(0.0), [1.0, 0.0, 0.0, 0.0], false),
        (axis(2e-4), [1.0, -4.999999873689376e-05, 0.0, 0.0], false),
        (axis(0.01), [1.0, -0.0024999140296131372, 0.0, 0.0], false),
        (axis(0.3), [1.0, -0.07279974222183228, 0.0, 0.0], true),
        (oblique, [1.0, -0.031239096075296402, 0.17138469219207764, 0.25244495272636414], true),
        (left_handed, [-1.0, -0.09936308115720749, 0.6361591219902039, 0.14180882275104523], false),
    ] {
        let (bytes, back, warnings) = written(folder.path(), affine);
        let float = |at: usize| f64::from(f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
        let codes = [252, 254].map(|at| i16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
        assert_eq!(codes, [1, 1]);
        for (got, want) in [76, 256, 260, 264].map(float).into_iter().zip(nibabel) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
        for (row, wanted) in affine.0.iter().enumerate() {
            for (column, wanted) in wanted.iter().enumerate() {
                assert!((float(280 + 16 * row + 4 * column) - wanted).abs() < 1e-5, "the sform stays exact");
            }
        }
        // Below half a voxel over the whole grid there is nothing to tell, neither in writing nor in reading.
        assert_eq!(
            (warnings.len(), !back.warnings.is_empty()),
            (usize::from(told), told),
            "{warnings:?} {:?}",
            back.warnings
        );
        assert!(warnings.iter().all(|text| text.contains("mm")));
    }
}

#[test]
fn two_files_of_one_name_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let geometry = Geometry::new([3, 3, 3], Affine::IDENTITY).unwrap();
    let save = |name: &str| run(SaveVolumeJob { path: folder.path().join(name), volume: scan(&geometry) }).1;
    let warnings =
        |name: &str| formats::open_one(&folder.path().join(name), None, Watch::unwatched()).unwrap().warnings;
    assert!(save("a.nii").is_empty() && warnings("a.nii").is_empty());
    assert!(save("a.nii.gz")[0].contains("a.nii is in the same folder as a.nii.gz"));
    assert!(warnings("a.nii")[0].contains("a.nii.gz") && warnings("a.nii.gz")[0].contains("a.nii"));
    assert!(save("b.NII.GZ").is_empty() && save("c.nii.gz").is_empty());
}

fn mask_of(values: Vec<f32>) -> Volume {
    let geometry = Geometry::new([values.len(), 1, 1], Affine::IDENTITY).unwrap();
    Volume::new(geometry, Voxels::F32(values.into()), vec![], Rescale::IDENTITY, "mask".into())
}

#[test]
fn almost_whole_numbers_are_labels_with_a_notice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.nii.gz");
    let read = |volume: &Volume| {
        formats::write_volume(&path, volume, Watch::unwatched()).unwrap();
        let told = Mutex::new(Vec::new());
        let labels = formats::read_labels(&path, Watch::unwatched(), &|text| told.lock().unwrap().push(text))
            .map_err(|error| error.to_string());
        let all = labels.map(|map| (0..map.geometry().shape()[0]).map(|i| map.get([i, 0, 0])).collect::<Vec<_>>());
        (all, told.into_inner().unwrap())
    };
    let (labels, told) = read(&mask_of(vec![0.0, 1.000_000_1, 1.999_2, -0.0, -0.000_5, 41.0, 65_535.0]));
    assert_eq!(labels.unwrap(), [0, 1, 2, 0, 0, 41, 65_535]);
    assert!(told.len() == 1 && told[0].contains("8.0e-4") && told[0].contains("mask.nii.gz"), "{told:?}");
    let (labels, told) = read(&mask_of(vec![0.0, 255.0, 255.0]));
    assert_eq!((labels.unwrap(), told.len()), (vec![0, 255, 255], 0));
    for (value, said) in [
        (f32::NAN, "NaN"),
        (1.002, "1.00199"),
        (0.5, "0.5"),
        (-1.0, "-1"),
        (-0.002, "-0.002"),
        (65_536.0, "65536"),
        (f32::INFINITY, "inf"),
    ] {
        let message = read(&mask_of(vec![0.0, value])).0.unwrap_err();
        assert!(message.contains(said) && message.contains("mask.nii.gz"), "{message}");
    }
    // nibabel 5.3: Nifti1Image(float64 labels, header of dtype uint8) saved, and what `get_fdata` gives of it.
    let stored = |values: Vec<u8>, slope: f32, intercept: f32| {
        let geometry = Geometry::new([values.len(), 1, 1], Affine::IDENTITY).unwrap();
        let rescale = Rescale::Uniform { slope: f64::from(slope), intercept: f64::from(intercept) };
        read(&Volume::new(geometry, Voxels::U8(values.into()), vec![], rescale, "mask".into()))
    };
    let (labels, told) = stored(vec![0, 36, 73, 255], 0.027_450_98, 0.0);
    assert_eq!(labels.unwrap(), [0, 1, 2, 7], "as near as steps of 7/255 come to whole numbers");
    assert!(told[0].contains("1.2e-2"), "{told:?}");
    let (labels, _) = stored(vec![0, 85, 255], 0.039_215_688, 0.0);
    assert!(labels.unwrap_err().contains("3.33"), "steps of 10/255 that miss every whole number");
    // A map of probabilities in bytes is no mask.
    assert!(stored(vec![0, 128, 255], 1.0 / 255.0, 0.0).0.is_err());
}

/// Writes a mask or an image of a data set.
fn put(folder: &Path, name: &str, volume: &Volume) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    formats::write_volume(&path, volume, Watch::unwatched()).unwrap();
}

fn grey(shape: [usize; 3], affine: Affine, value: impl Fn([usize; 3]) -> f32) -> Volume {
    let geometry = Geometry::new(shape, affine).unwrap();
    let mut values = Vec::new();
    for k in 0..shape[2] {
        for j in 0..shape[1] {
            for i in 0..shape[0] {
                values.push(value([i, j, k]));
            }
        }
    }
    Volume::new(geometry, Voxels::F32(values.into()), vec![], Rescale::IDENTITY, "x".into())
}

#[test]
fn masks_are_compared_where_training_would_take_them_and_else_the_difference_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let affine = |origin: f64, spacing: f64, turn: f64| {
        Affine([[spacing, -turn, 0.0, origin], [turn, spacing, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]])
    };
    let label = |[i, j, _]: [usize; 3]| ((i + j) % 3) as f32;
    let shape = [20, 20, 4];
    put(at, "truth.nii.gz", &grey(shape, affine(0.0, 1.0, 0.0), label));
    let against = |name: &str, volume: &Volume| {
        put(at, name, volume);
        evaluate(&at.join(name), &at.join("truth.nii.gz"))
    };
    let good = against("a.nii.gz", &grey(shape, affine(0.09, 1.0, 0.0), label)).unwrap();
    assert_eq!((good.mean[&1].scores.dice, good.notices.len()), (Some(1.0), 1));
    assert!(good.notices[0].contains("9.00e-2 mm"), "{:?}", good.notices);
    assert!(against("a.nii.gz", &grey(shape, affine(0.005, 1.0, 0.0), label)).unwrap().notices.is_empty());
    let flipped = Affine([[-1.0, 0.0, 0.0, 19.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]]);
    for (volume, parts) in [
        (grey(shape, affine(0.2, 1.0, 0.0), label), ["0.200 mm (0.20 voxels)", "origin is 0.2 x 0 x 0 mm"]),
        (grey(shape, affine(0.0, 1.02, 0.0), label), ["0.537 mm (0.54 voxels)", "spacing is 1.02 x 1.02 x 2 mm"]),
        (grey(shape, affine(0.0, 1.0, 0.02), label), ["turned by 1.146 degrees", "voxels) apart"]),
        (grey(shape, flipped, label), ["LAS", "RAS"]),
        (grey([20, 20, 5], affine(0.0, 1.0, 0.0), label), ["[20, 20, 5]", "[20, 20, 4]"]),
    ] {
        let message = against("b.nii.gz", &volume).unwrap_err();
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        assert!(message.contains("b.nii.gz") && message.contains("truth.nii.gz"), "{message}");
    }
}

#[test]
fn folders_of_masks_are_paired_by_their_names_whatever_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let image = |seed: u32| image::GrayImage::from_fn(9, 7, |x, y| image::Luma([((x * y + seed) % 3) as u8]));
    let lps = Affine([[-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
    let same = |seed: usize| grey([9, 7, 1], lps, move |[x, y, _]| ((x * y + seed) % 3) as f32);
    for name in ["pred", "truth"] {
        std::fs::create_dir(at.join(name)).unwrap();
    }
    put(at, "pred/c0.nii", &same(0));
    put(at, "pred/c1.nii.gz", &same(1));
    put(at, "truth/c2.nii.gz", &same(2));
    image(0).save(at.join("truth/c0.png")).unwrap();
    let tiff = |name: &str, picture: &image::GrayImage| {
        let file = std::fs::File::create(at.join(name)).unwrap();
        let mut encoder = tiff::encoder::TiffEncoder::new(file).unwrap();
        encoder.write_image::<tiff::encoder::colortype::Gray8>(9, 7, picture.as_raw()).unwrap();
    };
    tiff("truth/c1.tif", &image(1));
    tiff("pred/c2.tiff", &image(2));
    // What a Mac and others leave there.
    for name in ["pred/._c0.nii", "truth/._c0.png", "pred/.DS_Store", "truth/notes.txt", "pred/c0.json"] {
        std::fs::write(at.join(name), b"\x00\x05\x16\x07").unwrap();
    }
    let evaluation = evaluate(&at.join("pred"), &at.join("truth")).unwrap();
    let names: Vec<&str> = evaluation.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["c0", "c1", "c2"]);
    assert_eq!([1, 2].map(|label| evaluation.mean[&label].scores.dice), [Some(1.0); 2]);
    // A picture has no size: the scan's grid is taken. Other axes are another picture.
    put(
        at,
        "pred/c0.nii",
        &grey([9, 7, 1], Affine([[-0.5, 0.0, 0.0, 4.0], [0.0, -0.5, 0.0, 2.0], [0.0, 0.0, 3.0, 1.0]]), |[x, y, _]| {
            ((x * y) % 3) as f32
        }),
    );
    let evaluation = evaluate(&at.join("pred"), &at.join("truth")).unwrap();
    assert_eq!(evaluation.mean[&1].scores.dice, Some(1.0));
    assert!(
        (evaluation.cases[0].labels[&1].truth_mm3 / evaluation.cases[0].labels[&1].predicted_mm3 - 1.0).abs() < 1e-9
    );
    assert!(evaluation.notices.iter().any(|notice| notice.contains("picture")), "{:?}", evaluation.notices);
    put(at, "pred/c0.nii", &grey([9, 7, 1], Affine::IDENTITY, |[x, y, _]| ((x * y) % 3) as f32));
    let message = evaluate(&at.join("pred"), &at.join("truth")).unwrap_err();
    assert!(message.contains("RAS") && message.contains("LPS"), "{message}");
    std::fs::remove_file(at.join("truth/c0.png")).unwrap();
    let message = evaluate(&at.join("pred"), &at.join("truth")).unwrap_err();
    assert!(message.contains("c0.nii") && message.contains("counterpart"), "{message}");
}

#[test]
fn masks_are_compared_by_the_names_of_their_labels() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.nii"), folder.path().join("b.nii"));
    mask_with(&a, &[(6, b"1: liver\n2: spleen\n")]);
    mask_with(&b, &[(6, b"1: Liver\n2: kidney\n")]);
    let evaluation = evaluate(&a, &b).unwrap();
    let notices = &evaluation.notices;
    assert!(notices.len() == 1 && notices[0].contains("spleen") && notices[0].contains("kidney"), "{notices:?}");
    let case = &evaluation.cases[0];
    let dice = |name: &str| {
        let (value, _) = case.names.iter().find(|(_, own)| own.eq_ignore_ascii_case(name)).unwrap();
        case.labels[value].dice
    };
    assert_eq!((dice("liver"), dice("spleen"), dice("kidney")), (Some(1.0), Some(0.0), Some(0.0)));
    // Other numbers for the same names.
    mask_with(&b, &[(6, b"2: liver\n1: spleen\n")]);
    let case = &evaluate(&a, &b).unwrap().cases[0];
    assert_eq!(case.names[&2], "liver");
}

/// A data set in nnU-Net's form: two cases of one channel.
fn nnunet(description: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["imagesTr/a_0000.nii.gz", "imagesTr/b_0000.nii.gz", "labelsTr/a.nii.gz", "labelsTr/b.nii.gz"] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"").unwrap();
    }
    std::fs::write(folder.path().join("dataset.json"), description).unwrap();
    folder
}

const PLAIN: &str = r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "x": 1}, "file_ending": ".nii.gz"}"#;

fn endings() -> lamella::learn::Endings {
    use lamella::formats::{For, Kind, endings_of};
    lamella::learn::Endings(endings_of(Kind::Labels, For::Opening))
}

fn cases(folder: &Path) -> Result<(Vec<String>, Vec<String>), String> {
    let dataset = lamella::learn::Dataset::open(folder, endings()).map_err(|error| error.to_string())?;
    Ok((dataset.cases.into_iter().map(|case| case.name).collect(), dataset.notices))
}

#[test]
fn hidden_files_are_no_cases_in_any_form_of_folder() {
    let hidden = ["._a_0000.nii.gz", ".DS_Store", ".hidden.nii.gz", "._a.nii.gz", "._a.png", ".a.png", "Thumbs.db"];
    let folder = nnunet(PLAIN);
    for part in ["imagesTr", "labelsTr"] {
        hidden.iter().for_each(|name| std::fs::write(folder.path().join(part).join(name), b"\x00\x05").unwrap());
    }
    assert_eq!(cases(folder.path()), Ok((vec!["a".into(), "b".into()], vec![])));
    let pairs = tempfile::tempdir().unwrap();
    for part in ["images", "masks"] {
        std::fs::create_dir(pairs.path().join(part)).unwrap();
        for name in hidden.iter().chain(&["a.png", "b.nii"]) {
            std::fs::write(pairs.path().join(part).join(name), b"").unwrap();
        }
    }
    assert_eq!(cases(pairs.path()), Ok((vec!["a".into(), "b".into()], vec![])));
    // Neither are they images where a folder is opened.
    let scans = tempfile::tempdir().unwrap();
    put(scans.path(), "scan.nii.gz", &mask_of(vec![0.0, 1.0]));
    std::fs::write(scans.path().join("._scan.nii.gz"), b"\x00\x05\x16\x07").unwrap();
    let found = formats::scan(scans.path(), Watch::unwatched()).unwrap();
    assert_eq!((found.entries.len(), found.skipped.len()), (1, 1));
}

#[test]
fn what_a_description_lists_is_what_is_learned_from() {
    let elsewhere = tempfile::tempdir().unwrap();
    let far = elsewhere.path().join("far.nii.gz");
    std::fs::write(&far, b"").unwrap();
    let folder = nnunet(PLAIN);
    let describe = |more: &str| {
        let text = format!("{}, {more}}}", PLAIN.strip_suffix('}').unwrap());
        std::fs::write(folder.path().join("dataset.json"), text).unwrap();
        lamella::learn::Dataset::open(folder.path(), endings()).map_err(|error| error.to_string())
    };
    let far_text = far.display().to_string().replace('\\', "/");
    let placed = format!(
        r#""dataset": {{"first": {{"images": ["imagesTr/a_0000.nii.gz"], "label": "./labelsTr/a.nii.gz"}},
            "second": {{"images": ["{far_text}"], "label": "{far_text}"}}}}, "numTraining": 2"#
    );
    let dataset = describe(&placed).unwrap();
    assert_eq!(dataset.cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(dataset.cases[0].label, folder.path().join("./labelsTr/a.nii.gz"));
    assert_eq!((&dataset.cases[1].images[0], dataset.notices.len()), (&far, 0));
    let listed =
        r#""training": [{"image": ["imagesTr/b_0000.nii.gz"], "label": "labelsTr/b.nii.gz"}], "numTraining": "3""#;
    let dataset = describe(listed).unwrap();
    assert_eq!((dataset.cases.len(), dataset.cases[0].name.as_str()), (1, "b"));
    assert!(
        dataset.notices[0].contains("numTraining") && dataset.notices[0].contains("\"3\""),
        "{:?}",
        dataset.notices
    );
    for (more, parts) in [
        (
            r#""dataset": {"one": {"images": ["imagesTr/none.nii.gz"], "label": "labelsTr/a.nii.gz"}}"#,
            ["\"one\"", "none.nii.gz"],
        ),
        (r#""dataset": {"one": {"images": [], "label": "labelsTr/a.nii.gz"}}"#, ["\"one\"", "0 images"]),
        (r#""dataset": {"one": {"images": ["imagesTr/a_0000.nii.gz"]}}"#, ["\"one\"", "`label` is missing"]),
        (r#""dataset": {"one": {"images": 3, "label": "labelsTr/a.nii.gz"}}"#, ["`images` is 3", "\"one\""]),
        (r#""dataset": ["a"]"#, ["`dataset`", "[\"a\"]"]),
        (r#""training": {"a": 1}"#, ["`training`", "{\"a\":1}"]),
        (r#""training": ["a.nii.gz"]"#, ["`label` of entry 0", "missing"]),
        (r#""training": [{"image": 7, "label": "labelsTr/b.nii.gz"}]"#, ["`image` of entry 0", "7"]),
        (
            r#""training": [{"image": "imagesTr/a_0000.nii.gz", "label": "labelsTr/a.nii.gz"}, {"image": "imagesTr/b_0000.nii.gz", "label": "labelsTr/a.nii.gz"}]"#,
            ["\"a\"", "twice"],
        ),
    ] {
        let message = describe(more).err().unwrap();
        assert!(parts.iter().all(|part| message.contains(part)) && message.contains("dataset.json"), "{message}");
    }
}

#[test]
fn files_that_do_not_fit_the_description_are_named() {
    let folder = nnunet(PLAIN);
    std::fs::write(folder.path().join("imagesTr/c_0000.nii.gz"), b"").unwrap();
    let (names, notices) = cases(folder.path()).unwrap();
    assert_eq!((names.len(), notices.len()), (2, 1));
    assert!(notices[0].contains("1 images in imagesTr") && notices[0].ends_with(": c."), "{notices:?}");
    std::fs::write(folder.path().join("imagesTr/b_0001.nii.gz"), b"").unwrap();
    let message = cases(folder.path()).unwrap_err();
    assert!(message.contains("channel 1 of the case b") && message.contains("b_0001.nii.gz"), "{message}");
    for (from, to, parts) in [
        (".nii.gz", ".nii", ["\".nii\"", "labelsTr"]),
        (".nii.gz", ".vtk", ["`file_ending`", "\".vtk\""]),
        (r#""x": 1"#, r#""x": [1, 2], "y": [2]"#, ["region \"x\"", "[1,2]"]),
        (r#""0": "CT""#, r#""0": "CT", "two": "PET""#, ["\"two\"", "\"PET\""]),
        (r#""0": "CT""#, r#""0": "CT", "2": "PET""#, ["channel 2", "no channel 1"]),
        (r#""x": 1"#, r#""x": 2"#, ["labels must be", "[0, 2]"]),
    ] {
        let folder = nnunet(&PLAIN.replace(from, to));
        let message = cases(folder.path()).unwrap_err();
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    // Two files of one case, where no ending tells which one counts.
    let folder = nnunet(&PLAIN.replace(r#", "file_ending": ".nii.gz""#, ""));
    std::fs::write(folder.path().join("labelsTr/a.nii"), b"").unwrap();
    std::fs::write(folder.path().join("imagesTr/a_0000.nii"), b"").unwrap();
    assert!(cases(folder.path()).unwrap_err().contains("second file of that name"));
    // Pairs follow the same description.
    let pairs = tempfile::tempdir().unwrap();
    for file in ["images/a.png", "images/b.png", "labels/a.png"] {
        std::fs::create_dir_all(pairs.path().join(file).parent().unwrap()).unwrap();
        std::fs::write(pairs.path().join(file), b"").unwrap();
    }
    assert!(cases(pairs.path()).unwrap().1[0].contains(": b."));
    let describe = |text: &str| {
        std::fs::write(pairs.path().join("dataset.json"), text).unwrap();
        cases(pairs.path())
    };
    assert!(describe(r#"{"labels": {"whole": [1, 2], "core": 2}}"#).unwrap_err().contains("\"whole\""));
    assert!(describe(r#"{"channel_names": {"red": "a"}}"#).unwrap_err().contains("\"red\""));
    assert!(describe(r#"{"file_ending": ".tif"}"#).unwrap_err().contains("a.png"));
    assert!(describe(r#"{"numTraining": 4}"#).unwrap().1[1].contains('4'));
}

#[test]
fn organs_of_totalsegmentator_have_their_names() {
    let Some(data) = support::test_data() else { return };
    let folder = data.join("data/ct");
    let index = support::json(&folder.join("labels.json"));
    let volume = Arc::new(formats::open_one(&folder.join("example_ct_sm.nii.gz"), None, Watch::unwatched()).unwrap());
    for file in ["example_seg.nii.gz", "example_seg_fast.nii.gz"] {
        let (session, warnings) = reopen(&folder.join(file), &volume);
        let document = only(&session);
        let wanted = index["labels"].as_object().unwrap();
        for (value, name) in wanted {
            assert_eq!(document.table().get(value.parse().unwrap()).unwrap().name, name.as_str().unwrap());
        }
        assert_eq!((document.table().0.len(), warnings.len()), (wanted.len(), 0), "{warnings:?}");
        assert_eq!(document.table().get(1).unwrap().colour, [0, 255, 0], "Red 0, Green 1, Blue 0 in the file");
        let present = document.labels().counts();
        assert!(present.len() > 30 && present.keys().all(|value| wanted.contains_key(&value.to_string())));
    }
}

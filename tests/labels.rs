//! What labels are besides voxels: names, colours, order, codes, who made which slice; in files of every kind, and through undo.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::{Command as Process, Output};
use std::sync::Arc;

use lamella::formats::{read_annotated_labels, read_names, write_labels, write_names, write_sidecar};
use lamella::session::{
    Command, Edit, Maker, Origin, PaintRules, Painter, Segmentation, SegmentationId, Session, SliceState, key,
};
use lamella::volume::{
    ANATOMY, Affine, Annotations, Geometry, Label, LabelMap, LabelTable, Plane, Rescale, Rgb, Volume, Voxels,
    with_structures,
};
use lamella::work::Watch;
use proptest::prelude::*;

fn geometry() -> Geometry {
    Geometry::new([6, 5, 4], Affine::IDENTITY).unwrap()
}

/// A mask of the values 1, 2 and 9.
fn mask() -> LabelMap {
    let values = [0, 1, 2, 9];
    LabelMap::from_fn(geometry(), |[i, j, k]| values[(i + 2 * j + 3 * k) % 4])
}

fn label(value: u16, name: &str, colour: Rgb) -> Label {
    Label { colour, ..Label::new(value, name) }
}

fn table() -> LabelTable {
    LabelTable(vec![
        label(9, "Tumour core", [255, 0, 1]),
        Label { visible: false, ..label(1, "Liver", [10, 20, 30]) },
        label(2, "нирка 腎臓", [0, 255, 255]),
        label(300, "Empty", [1, 2, 3]),
    ])
}

fn read(path: &Path) -> (LabelTable, Vec<String>) {
    let found = read_names(path).unwrap();
    (found.annotations.table, found.warnings)
}

#[test]
fn a_label_description_of_itk_snap_is_written_as_itk_snap_does_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("names.label");
    assert_eq!(write_names(&path, &table()).unwrap(), Vec::<String>::new());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().nth(1), Some("# ITK-SnAP Label Description File"));
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('"').next().unwrap().split_whitespace().collect())
        .collect();
    // IDX R G B A VIS MSH, the clear label first.
    assert_eq!(rows[0], ["0", "0", "0", "0", "0", "0", "0"]);
    assert_eq!(rows[1], ["9", "255", "0", "1", "1", "1", "1"]);
    assert_eq!(rows[2], ["1", "10", "20", "30", "1", "0", "1"]);
    assert_eq!(read(&path), (table(), Vec::new()));
}

#[test]
fn a_label_description_that_itk_snap_wrote_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snap.txt");
    let text = "################################################\r\n# ITK-SnAP Label Description File\r\n# File format: \r\n\
                # IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL\r\n################################################\r\n    \
                0     0    0    0        0  0  0    \"Clear Label\"\r\n    1   255    0    0        1  1  1    \"Label 1\"\r\n    \
                5    12   34   56      0.5  0  1    \"a \"quoted\" name\"\r\n";
    std::fs::write(&path, text).unwrap();
    let (table, warnings) = read(&path);
    let mut quoted = label(5, "a \"quoted\" name", [12, 34, 56]);
    quoted.visible = false;
    assert_eq!(table, LabelTable(vec![label(1, "Label 1", [255, 0, 0]), quoted]));
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn what_a_file_of_names_cannot_hold_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let odd = LabelTable(vec![label(1, "a \"b\"\tc", [1, 2, 3]), label(2, "plain", [4, 5, 6])]);
    for (file, name) in [("a.label", "a 'b' c"), ("a.tsv", "a  b  c")] {
        let path = folder.path().join(file);
        let told = write_names(&path, &odd).unwrap();
        assert!(told.len() == 1 && told[0].contains("names of 1."), "{told:?}");
        assert_eq!(read(&path).0.get(1).unwrap().name, name);
    }
    let error = write_names(&folder.path().join("no/such/folder.label"), &odd).unwrap_err().to_string();
    assert!(error.contains("folder.label"), "{error}");
}

#[test]
fn a_table_of_bids_is_written_and_comes_back_with_standard_labels_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub-01_dseg.tsv");
    let mut labels = table();
    labels.0.push(label(4, "White matter", [250, 250, 250]));
    labels.0.push(label(5, "Grey matter", [90, 90, 90]));
    write_names(&path, &labels).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "index\tname\tabbreviation\tcolor\tmapping");
    assert_eq!(lines[1], "9\tTumour core\tn/a\t#ff0001\tn/a");
    assert_eq!(lines[5], "4\tWhite matter\tWM\t#fafafa\t2");
    assert_eq!(lines[6], "5\tGrey matter\tGM\t#5a5a5a\t1");
    let (back, warnings) = read(&path);
    // It has no column for what is hidden.
    labels.0.iter_mut().for_each(|label| label.visible = true);
    assert_eq!((back, warnings), (labels, Vec::new()));
}

#[test]
fn columns_of_bids_may_come_in_any_order_and_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.tsv");
    std::fs::write(
        &path,
        "\u{feff}mapping\tName\tINDEX\tabbreviation\n1\tn/a\t7\tGM\nn/a\tn/a\t8\tXY\nn/a\t\"Z z\"\t9.0\tn/a\n",
    )
    .unwrap();
    let (table, warnings) = read(&path);
    let names: Vec<(u16, &str)> = table.0.iter().map(|label| (label.value, label.name.as_str())).collect();
    assert_eq!(names, [(7, "Gray Matter"), (8, "XY"), (9, "Z z")]);
    assert!(warnings.is_empty());
}

#[test]
fn broken_files_of_names_are_told_of_by_file_and_value() {
    let folder = tempfile::tempdir().unwrap();
    let head = "#\n# ITK-SnAP Label Description File\n";
    let refused: [(&str, Vec<u8>, &str); 5] = [
        ("empty.label", Vec::new(), "lists no labels"),
        ("head.label", head.into(), "lists no labels"),
        ("picture.label", vec![0xff, 0xd8, 0xff, 0, 1, 2], "lists no labels"),
        ("clear.label", format!("{head}0 0 0 0 0 0 0 \"Clear Label\"\n").into(), "lists no labels"),
        ("columns.tsv", b"number\tname\n1\tLiver\n".to_vec(), "lists no labels"),
    ];
    for (name, bytes, word) in refused {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = read_names(&path).unwrap_err().to_string();
        assert!(error.contains(word) && error.contains(name), "{error}");
    }
    let missing = read_names(&folder.path().join("none.label")).unwrap_err().to_string();
    assert!(missing.contains("cannot read") && missing.contains("none.label"), "{missing}");
    let told: [(&str, String, &str, usize); 6] = [
        ("twice.label", format!("{head}1 1 1 1 1 1 1 \"A\"\n1 2 2 2 1 1 1 \"B\"\n"), "1 a second time", 1),
        ("large.label", format!("{head}1 1 1 1 1 1 1 \"A\"\n70000 2 2 2 1 1 1 \"B\"\n"), "\"70000\"", 1),
        ("colour.label", format!("{head}1 300 -1 1 1 1 1 \"A\"\n"), "300 -1 1", 1),
        ("cut.label", format!("{head}1 1 1 1 1 1 1 \"A\"\n2 255 0"), "2 255 0", 1),
        ("fields.label", format!("{head}1 1 1 1 1 1 1 \"A\"\n2 255 0 \"B\"\n"), "2 255 0 \\\"B", 1),
        (
            "colour.tsv",
            "index\tname\tcolor\n1\tA\t#12345g\n2\tB\tred\n".into(),
            "#12345g of label 1, red of label 2",
            2,
        ),
    ];
    for (name, text, word, count) in told {
        let path = folder.path().join(name);
        std::fs::write(&path, &text).unwrap();
        let (table, warnings) = read(&path);
        let all = warnings.join(" ");
        assert!(all.contains(&word.replace("\\\"", "\"")) && all.contains(name), "{name}: {all}");
        assert_eq!(table.0.len(), count, "{name}");
    }
}

proptest! {
    #[test]
    fn no_file_of_names_is_too_strange(start in 0..3usize, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        let starts: [&[u8]; 3] = [b"", b"#\n# ITK-SnAP Label Description File\n", b"index\tname\tcolor\tmapping\n"];
        for name in ["a.label", "a.tsv"] {
            let path = folder.path().join(name);
            std::fs::write(&path, [starts[start], &bytes].concat()).unwrap();
            if let Ok(found) = read_names(&path) {
                prop_assert!(found.annotations.table.0.iter().all(|label| label.value != 0));
            }
        }
    }

    #[test]
    fn names_and_colours_come_back_from_both_kinds_of_file(
        names in proptest::collection::vec(("[^\"\\p{Cc}\\s]([^\"\\p{Cc}]{0,20}[^\"\\p{Cc}\\s])?", any::<[u8; 3]>()), 1..12)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let labels = LabelTable((1..).zip(&names).map(|(value, (name, colour))| label(value * 7, name, *colour)).collect());
        for file in ["a.label", "a.tsv"] {
            let path = folder.path().join(file);
            prop_assert_eq!(write_names(&path, &labels).unwrap(), Vec::<String>::new());
            let (back, warnings) = read(&path);
            // "n/a" is the word for nothing in BIDS.
            if names.iter().all(|(name, _)| name != "n/a") {
                prop_assert_eq!(&back, &labels);
                prop_assert!(warnings.is_empty(), "{:?}", warnings);
            }
        }
    }
}

/// Reads a mask with all that is beside it.
fn open(path: &Path) -> (LabelMap, Annotations, Vec<String>) {
    let warnings = std::sync::Mutex::new(Vec::new());
    let (labels, annotations) =
        read_annotated_labels(path, None, Watch::unwatched(), &|text| warnings.lock().unwrap().push(text)).unwrap();
    (labels, annotations, warnings.into_inner().unwrap())
}

#[test]
fn a_table_in_the_data_set_names_the_labels_of_its_masks() {
    let folder = tempfile::tempdir().unwrap();
    let anat = folder.path().join("sub-02/anat");
    std::fs::create_dir_all(&anat).unwrap();
    std::fs::write(folder.path().join("dataset_description.json"), "{}").unwrap();
    let table = "index\tname\tcolor\n1\tLiver\t#010203\n2\tSpleen\t#040506\n";
    std::fs::write(folder.path().join("desc-organs_dseg.tsv"), table).unwrap();
    let mask_path = anat.join("sub-02_desc-organs_dseg.nii.gz");
    write_labels(&mask_path, &mask(), &Annotations::default(), Watch::unwatched()).unwrap();
    let (_, found, _) = open(&mask_path);
    assert_eq!(found.table.get(2), Some(&label(2, "Spleen", [4, 5, 6])));
    assert!(found.table.get(9).unwrap().is_unnamed(), "what the table leaves out is covered");
    // The table beside the mask is its own.
    std::fs::write(anat.join("sub-02_desc-organs_dseg.tsv"), "index\tname\n2\tKidney\n").unwrap();
    assert_eq!(open(&mask_path).1.table.get(2).unwrap().name, "Kidney");
    // A table of another description is not.
    let other = anat.join("sub-02_desc-vessels_dseg.nii.gz");
    write_labels(&other, &mask(), &Annotations::default(), Watch::unwatched()).unwrap();
    assert!(open(&other).1.table.get(2).unwrap().is_unnamed());
}

/// Names, codes, states and makers of a mask that has all of them.
fn annotations() -> Annotations {
    let table = with_structures(&table(), &ANATOMY[0].structures[..3]);
    let states = [((2, 0), SliceState::Done), ((2, 1), SliceState::Corrected), ((2, 2), SliceState::Draft)];
    let model = "Organs: abdomen".to_string();
    let makers = [
        ((2, 0), Maker::Model(model.clone())),
        ((2, 1), Maker::CorrectedModel(model)),
        ((2, 2), Maker::Model("Other".into())),
        ((1, 3), Maker::Hand),
    ];
    let mut annotations = Annotations::new(table, states).with_makers(makers);
    annotations.seal(&mask());
    annotations
}

#[test]
fn names_order_codes_states_and_makers_travel_with_every_mask() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.nii.gz", "b.nii", "c.nrrd", "d.seg.nrrd"] {
        let path = folder.path().join(name);
        write_labels(&path, &mask(), &annotations(), Watch::unwatched()).unwrap();
        let (labels, found, warnings) = open(&path);
        assert!(labels.same_labels(&mask()), "{name}");
        assert_eq!((found, warnings), (annotations(), Vec::new()), "{name}");
    }
    // Another program writes the voxels again without the header's text: the file beside it is there.
    let path = folder.path().join("e.nii.gz");
    write_labels(&path, &mask(), &Annotations::default(), Watch::unwatched()).unwrap();
    write_sidecar(&path, &annotations()).unwrap();
    let (_, found, _) = open(&path);
    assert_eq!((found.states, found.makers), (annotations().states, annotations().makers));
    // Where it has changed the voxels, nobody is said to have made the slices.
    let mut changed = mask();
    changed.set([0, 0, 0], 2);
    write_labels(&path, &changed, &Annotations::default(), Watch::unwatched()).unwrap();
    let (_, found, warnings) = open(&path);
    assert!(found.states.is_empty() && found.makers.is_empty() && !warnings.is_empty(), "{warnings:?}");
    assert_eq!(found.table, annotations().table);
}

#[test]
fn segments_of_3d_slicer_bring_their_codes_and_get_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.seg.nrrd");
    write_labels(&path, &mask(), &annotations(), Watch::unwatched()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    // Segments: those of the table, then spleen, right and left kidney.
    assert!(head.contains("Segment4_Name:=Spleen\n"), "{head}");
    let kidney = "Segment5_Tags:=TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list\
                  ~SCT^123037004^Anatomical Structure~SCT^64033007^Kidney~SCT^24028007^Right~Anatomic codes - DICOM master list~^^~^^|";
    assert!(head.contains(kidney), "{head}");
    // As 3D Slicer writes it: without our own text, with tags of its own, and tissue where nothing was chosen.
    let slicer: Vec<String> = head
        .lines()
        .filter(|line| !line.starts_with("Lamella_"))
        .map(|line| {
            let status = |tags: &str| format!("Segmentation.Status:inprogress|{tags}");
            match line.split_once(":=") {
                Some(("Segment1_Tags", _)) => {
                    let tissue = "TerminologyEntry:x~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~y~^^~^^|";
                    format!("Segment1_Tags:={}", status(tissue))
                }
                Some((key, tags)) if key.ends_with("_Tags") => format!("{key}:={}", status(tags)),
                _ => line.to_string(),
            }
        })
        .collect();
    let other = folder.path().join("b.seg.nrrd");
    std::fs::write(&other, [slicer.join("\n").as_bytes(), &bytes[end..]].concat()).unwrap();
    let (_, found, _) = open(&other);
    let mut expected = annotations().table;
    expected.0.iter_mut().for_each(|label| label.visible = true);
    assert_eq!(found.table, expected);
    assert_eq!(found.table.0[5].term.as_ref().unwrap().described(), "SNOMED CT 64033007, Kidney (Right)");
}

fn session() -> (Session, SegmentationId) {
    let voxels = Voxels::U8(Arc::new(vec![0; geometry().voxel_count()]));
    let volume = Volume::new(geometry(), voxels, vec![], Rescale::IDENTITY, "scan".into());
    let mut session = Session::default();
    let (_, of) = session.add_scan(Arc::new(volume));
    (session, of)
}

fn paint(session: &Session, of: SegmentationId, voxel: [usize; 3], value: u16) -> Vec<Edit> {
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    painter.fill(&[voxel], value);
    vec![Edit::Labels(painter.finish()), Edit::States(of, vec![(key(Plane::Axial, voxel[2]), SliceState::Corrected)])]
}

fn maker(session: &Session, of: SegmentationId, slice: usize) -> Option<Maker> {
    session.document().segmentation(of).and_then(|s: &Segmentation| s.maker(Plane::Axial, slice).cloned())
}

#[test]
fn who_made_a_slice_is_known_from_who_changed_it_and_undo_knows_it_too() {
    let (mut session, of) = session();
    let model = Maker::Model("Liver".into());
    let key = key(Plane::Axial, 2);
    let mut edits = paint(&session, of, [1, 1, 2], 1);
    edits[1] = Edit::States(of, vec![(key, SliceState::Draft)]);
    edits.push(Edit::Makers(of, vec![(key, Some(model.clone()))]));
    session.apply(Command { origin: Origin::Network, ..Command::by_hand("Segment", edits) }).unwrap();
    assert_eq!(maker(&session, of, 2), Some(model.clone()));
    // A mark is no change of what is in the slice.
    let done = vec![Edit::States(of, vec![(key, SliceState::Done)])];
    session.apply(Command::by_hand("Mark slice done", done)).unwrap();
    let back = vec![Edit::States(of, vec![(key, SliceState::Corrected)])];
    session.apply(Command::by_hand("Take back", back)).unwrap();
    assert_eq!(maker(&session, of, 2), Some(model.clone()));
    let corrected = Some(Maker::CorrectedModel("Liver".into()));
    let edits = paint(&session, of, [2, 2, 2], 1);
    session.apply(Command::by_hand("Brush", edits)).unwrap();
    let edits = paint(&session, of, [3, 2, 2], 1);
    session.apply(Command::by_hand("Brush", edits)).unwrap();
    let edits = paint(&session, of, [3, 2, 0], 1);
    session.apply(Command::by_hand("Brush", edits)).unwrap();
    assert_eq!([maker(&session, of, 2), maker(&session, of, 0)], [corrected.clone(), Some(Maker::Hand)]);
    assert_eq!(session.document().segmentation(of).unwrap().annotations().makers.len(), 2);
    session.undo().unwrap();
    assert_eq!([maker(&session, of, 2), maker(&session, of, 0)], [corrected.clone(), None]);
    session.undo().unwrap();
    session.undo().unwrap();
    assert_eq!(maker(&session, of, 2), Some(model));
    while session.undo().is_some() {}
    assert_eq!(maker(&session, of, 2), None);
    while session.redo().is_some() {}
    assert_eq!([maker(&session, of, 2), maker(&session, of, 0)], [corrected, Some(Maker::Hand)]);
}

#[test]
fn a_merge_gives_voxels_away_but_none_that_is_protected() {
    let (mut session, of) = session();
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    painter.fill(&[[0, 0, 0], [1, 0, 1], [2, 0, 2]], 1);
    painter.fill(&[[3, 0, 2]], 2);
    let done = vec![(key(Plane::Axial, 1), SliceState::Done)];
    session.apply(Command::by_hand("Fill", vec![Edit::Labels(painter.finish()), Edit::States(of, done)])).unwrap();
    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
    assert!(painter.relabel(1, 2, lamella::work::Watch::unwatched()).unwrap(), "some of it is in the finished slice");
    let at = [[0, 0, 0], [1, 0, 1], [2, 0, 2], [3, 0, 2]].map(|voxel| painter.labels().get(voxel));
    assert_eq!(at, [2, 1, 2, 2]);
}

fn lamella(arguments: &[&str]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_lamella")).args(arguments).output().unwrap()
}

#[test]
fn convert_keeps_names_writes_them_alone_and_takes_them_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (plain, named) = (path("plain.nii.gz"), path("named.nrrd"));
    write_labels(Path::new(&plain), &mask(), &Annotations::default(), Watch::unwatched()).unwrap();
    // A label description beside the mask is taken over into the new one.
    write_names(Path::new(&path("plain.label")), &table()).unwrap();
    assert!(lamella(&["convert", &plain, "-o", &named]).status.success());
    assert_eq!(open(Path::new(&named)).1.table, table());
    // And from the mask into a table of BIDS, also over an older one, but over nothing else.
    let tsv = path("named_dseg.tsv");
    for _ in 0..2 {
        assert!(lamella(&["convert", &named, "-o", &tsv]).status.success());
    }
    assert_eq!(read(Path::new(&tsv)).0.get(9), Some(&label(9, "Tumour core", [255, 0, 1])));
    std::fs::write(path("letter.txt"), "Dear colleague").unwrap();
    let output = lamella(&["convert", &named, "-o", &path("letter.txt")]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(std::fs::read_to_string(path("letter.txt")).unwrap(), "Dear colleague");
    // Names from a file go before others.
    write_names(Path::new(&path("other.label")), &LabelTable(vec![label(2, "Spleen", [7, 8, 9])])).unwrap();
    let output = lamella(&["convert", &plain, "-o", &path("again.nii.gz"), "--names", &path("other.label")]);
    assert!(output.status.success(), "{output:?}");
    std::fs::remove_file(path("plain.label")).unwrap();
    let (_, found, _) = open(Path::new(&path("again.nii.gz")));
    assert_eq!(found.table.get(2), Some(&label(2, "Spleen", [7, 8, 9])));
    assert!(found.table.get(1).unwrap().is_unnamed());
    let output = lamella(&["convert", &plain, "-o", &path("x.nii.gz"), "--names", &path("letter.txt")]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("letter.txt") && told.contains("lists no labels"), "{told}");
}

#[test]
fn surfaces_are_made_on_the_scan_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (plain, same, other) = (path("plain.nii.gz"), path("same.nii.gz"), path("other.nii.gz"));
    let write = |path: &str, labels: &LabelMap| {
        write_labels(Path::new(path), labels, &Annotations::default(), Watch::unwatched()).unwrap();
    };
    write(&plain, &mask());
    write(&same, &mask());
    let coarse = Affine::from_columns([[2.5, 0.0, 0.0], [0.0, 2.5, 0.0], [0.0, 0.0, 2.5]], [40.0; 3]);
    write(&other, &LabelMap::from_fn(Geometry::new([9, 8, 7], coarse).unwrap(), |_| 1));
    let convert = |reference: &str| {
        lamella(&["convert", &plain, "-o", &path("one.stl"), "--label", "9", "--reference", reference])
    };
    let output = convert(&other);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("does not lie on the voxels of the scan"), "{told}");
    assert!(!Path::new(&path("one.stl")).exists());
    let output = convert(&same);
    assert!(output.status.success() && Path::new(&path("one.stl")).exists(), "{output:?}");
}

//! Where grids lie.

use super::*;
use crate::volume::default_colour;

/// Columns and origin of the affine, and the number of warnings.
fn place(more: &str) -> ([[f64; 3]; 4], usize) {
    let volume = opened(more).unwrap();
    ([0, 1, 2, 3].map(|n| volume.geometry.world_from_voxel().column(n)), volume.warnings.len())
}

#[test]
fn spaces_of_a_patient_are_turned_to_right_anterior_superior() {
    let fields = "space directions: (1,2,3) (0,-1,0) (0.5,0,4)\nspace origin: (10,20,30)\n";
    let of = |space: &str| place(&format!("space: {space}\n{fields}"));
    let ras = ([[1.0, 2.0, 3.0], [0.0, -1.0, 0.0], [0.5, 0.0, 4.0], [10.0, 20.0, 30.0]], 0);
    let flipped = |signs: [f64; 2]| (ras.0.map(|[r, a, s]| [r * signs[0], a * signs[1], s]), 0);
    for name in ["right-anterior-superior", "RAS", "ras"] {
        assert_eq!(of(name), ras, "{name}");
    }
    assert_eq!([of("LAS"), of("left-anterior-superior")], [flipped([-1.0, 1.0]); 2]);
    assert_eq!([of("LPS"), of("Left-Posterior-Superior")], [flipped([-1.0, -1.0]); 2]);
    for name in ["3D-right-handed", "scanner-xyz", "3D-left-handed"] {
        assert_eq!(of(name), (flipped([-1.0, -1.0]).0, 1), "{name}");
    }
    assert_eq!(place(&format!("space dimension: 3\n{fields}")), (flipped([-1.0, -1.0]).0, 1));
    assert_eq!(place(&format!("space: RAS\nspace units: \"um\" \"um\" \"um\"\n{fields}")).0[3], [0.01, 0.02, 0.03]);
}

#[test]
fn without_a_space_spacings_and_ends_of_axes_place_the_grid() {
    let spacing = |more: &str| {
        let (columns, warnings) = place(more);
        ([-columns[0][0], -columns[1][1], columns[2][2]], columns[3], warnings)
    };
    assert_eq!(spacing("spacings: 0.5 2 3\n"), ([0.5, 2.0, 3.0], [0.0; 3], 1));
    // Borders of samples, then their centres.
    assert_eq!(spacing("axis mins: 0 0 0\naxis maxs: 6 6 6\n"), ([2.0, 3.0, 6.0], [-1.0, -1.5, 3.0], 1));
    let node = "centers: node node node\naxis mins: 1 2 3\naxis maxs: 5 8 nan\nthicknesses: nan nan 4\n";
    assert_eq!(spacing(node), ([2.0, 6.0, 4.0], [-1.0, -2.0, 3.0], 2));
    assert_eq!(spacing("spacings: 2 nan nan\n"), ([2.0, 1.0, 1.0], [0.0; 3], 2));
    let unknown = opened("").unwrap();
    assert!(unknown.geometry.is_size_assumed() && unknown.warnings[0].contains("1 mm is assumed"));
}

#[test]
fn a_space_without_directions_has_no_lengths() {
    let columns = [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]];
    let alone = opened("space: RAS\nspace origin: (1,2,3)\nspacings: nan nan nan\n").unwrap();
    let affine = alone.geometry.world_from_voxel();
    // As SimpleITK 2.5.7 reads it.
    assert_eq!(([0, 1, 2].map(|n| affine.column(n)), affine.column(3)), (columns, [1.0, 2.0, 3.0]));
    assert!(alone.geometry.is_size_assumed() && alone.warnings.iter().any(|told| told.contains("no directions")));
    for (space, length) in [
        ("space: LPS", "spacings: 2 3 4"),
        ("space dimension: 3", "spacings: 2 nan nan"),
        ("space: LPS\nspace directions: none none none", "spacings: 2 3 4"),
        ("space: LPS", "axis mins: 2 3 4"),
        ("space: LPS", "axis maxs: 2 3 4"),
    ] {
        let error = refusal(&format!("{space}\n{length}\n"));
        let (name, value) = space.lines().next().unwrap().split_once(": ").unwrap();
        let (field, lengths) = length.split_once(": ").unwrap();
        assert!(error.contains(&format!("`{name}` is {value:?} and `{field}` is {lengths:?}")), "{error}");
    }
}

#[test]
fn an_axis_of_space_without_a_direction_is_refused_where_others_have_one() {
    let folder = tempfile::tempdir().unwrap();
    let open = |sizes: &str, kinds: &str| {
        let fields = format!(
            "type: uchar\ndimension: 3\nsizes: {sizes}\nencoding: raw\nspace: LPS\nspace origin: (0,0,0)\nkinds: {kinds}\n\
             space directions: (1,0,0) (0,1,0) none\n"
        );
        super::open(&file(folder.path(), "a.nrrd", &fields, &[0; 6])).map(|volume| volume.frame_dims)
    };
    for kind in ["domain", "space", "Domain"] {
        let error = open("3 1 2", &format!("domain domain {kind}")).unwrap_err().to_string();
        assert!(error.contains("axis 3") && error.contains("`kinds`") && error.contains("list"), "{error}");
    }
    assert_eq!(open("3 1 2", "domain domain list").unwrap(), [2]);
    assert_eq!(open("3 2 1", "domain domain domain").unwrap(), [0usize; 0]);
}

#[test]
fn other_names_of_kinds_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = ["RGB", "RGBcolor", "3-vector", "3D-sym-tensor", "3D-masked-symmetric-matrix", "???", "none"];
    for kind in kinds {
        let fields = format!(
            "type: uchar\ndimension: 4\nsizes: 3 2 1 1\nencoding: raw\nspace: LPS\nspace origin: (0,0,0)\n\
             kinds: {kind} domain domain domain\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\n"
        );
        let volume = super::open(&file(folder.path(), "a.nrrd", &fields, &[0; 6])).unwrap();
        assert_eq!(
            (volume.frame_dims.as_slice(), volume.warnings.len()),
            (&[3][..], usize::from(kind.starts_with("RGB")))
        );
    }
}

#[test]
fn axes_that_are_no_space_are_frames_wherever_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let place = "space: LPS\nspace origin: (0,0,0)\nencoding: raw\ntype: uchar\n";
    let data: Vec<u8> = (0..12).collect();
    let open =
        |name: &str, more: &str| super::open(&file(folder.path(), name, &format!("{place}{more}"), &data)).unwrap();
    let first = open(
        "first.nrrd",
        "dimension: 4\nsizes: 3 2 2 1\nkinds: RGB-color domain domain domain\nspace directions: none (1,0,0) (0,1,0) (0,0,1)\n",
    );
    assert_eq!((first.geometry.shape(), first.frame_dims.as_slice()), ([2, 2, 1], &[3][..]));
    assert_eq!([first.value([1, 0, 0], 0), first.value([1, 0, 0], 2), first.value([0, 1, 0], 1)], [3.0, 5.0, 7.0]);
    assert!(first.warnings[0].contains("red, green and blue"));
    let middle = open("middle.nrrd", "dimension: 4\nsizes: 2 3 2 1\nspace directions: (1,0,0) none (0,1,0) (0,0,1)\n");
    assert_eq!([middle.value([1, 0, 0], 0), middle.value([0, 0, 0], 2), middle.value([1, 1, 0], 2)], [1.0, 4.0, 11.0]);
    let time = open("time.nrrd", "dimension: 4\nsizes: 2 1 2 3\n");
    assert_eq!((time.geometry.shape(), time.frame_dims.as_slice()), ([2, 1, 2], &[3][..]));
    let flat = open("flat.nrrd", "dimension: 2\nsizes: 4 3\nspace directions: (0,2,0) (0,0,3)\n");
    assert_eq!((flat.geometry.shape(), flat.geometry.spacing_mm()), ([4, 3, 1], [2.0, 3.0, 1.0]));
}

#[test]
fn segments_name_labels_and_layers_are_refused() {
    let pairs = "Segment0_Name:=left lobe\nSegment0_Color:=1 0.5 0\nSegment0_LabelValue:=3\nSegment1_Name:=\nSegment1_LabelValue:=2\n";
    let volume = opened(pairs).unwrap();
    let table: Vec<_> = volume.annotations.table.0.iter().map(|l| (l.value, l.name.as_str(), l.colour)).collect();
    assert_eq!(table, [(3, "left lobe", [255, 128, 0]), (2, "Label 2", default_colour(2))]);
    let folder = tempfile::tempdir().unwrap();
    let fields =
        format!("type: uchar\ndimension: 4\nsizes: 2 1 1 3\nkinds: list domain domain domain\nencoding: raw\n{pairs}");
    let error = open(&file(folder.path(), "l.seg.nrrd", &fields, &[0; 6])).unwrap_err().to_string();
    assert!(error.contains("2 layers") && error.contains("Collapse"), "{error}");
}

#[test]
fn colours_that_cannot_be_read_are_told_of() {
    let colours = ["1 0 0 1", "255 0 0", "1 0", "red", "", "nan 0 0"];
    let pairs = colours.iter().zip(0..).fold(String::new(), |pairs, (text, n)| {
        pairs + &format!("Segment{n}_Color:={text}\nSegment{n}_LabelValue:={}\n", n + 1)
    });
    let volume = opened(&pairs).unwrap();
    assert!(volume.annotations.table.0.iter().all(|label| label.colour == default_colour(label.value)));
    let told = volume.warnings.iter().find(|told| told.contains("Color")).unwrap();
    assert!(
        told.contains("6 cannot be read (Segment0_Color is \"1 0 0 1\", Segment1_Color is \"255 0 0\", "),
        "{told}"
    );
    assert!(told.contains("default colours"));
    let right = "Segment0_Color:=1 0.5 0\nSegment0_LabelValue:=1\nSegment1_LabelValue:=2\n";
    assert!(!opened(right).unwrap().warnings.iter().any(|told| told.contains("olour")));
}

#[test]
fn what_the_header_says_is_shown() {
    let volume =
        opened("content: a test\nkey of mine:=first\\nsecond \\\\ third\n# no pair:=at all\nnonsense: 3\n").unwrap();
    let shown = |name: &str| volume.header.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!([shown("content"), shown("key of mine")], [Some("a test"), Some("first\nsecond \\ third")]);
    assert_eq!(shown("no pair"), None);
    assert!(volume.warnings.iter().any(|warning| warning.contains("nonsense")), "{:?}", volume.warnings);
}

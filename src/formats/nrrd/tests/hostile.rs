//! Headers that lie.

use super::*;
use proptest::prelude::*;

#[test]
fn what_cannot_be_honoured_is_named() {
    let plain = "type: uchar\ndimension: 3\nsizes: 3 2 1\nencoding: raw\n";
    let folder = tempfile::tempdir().unwrap();
    let of = |fields: String| {
        let path = file(folder.path(), "a.nrrd", &fields, &[0; 6]);
        open(&path).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (field, other, told) in [
        ("type: uchar", "type: block", "block"),
        ("type: uchar", "type: quad", "\"quad\""),
        ("type: uchar\n", "", "`type`"),
        ("dimension: 3", "dimension: 17", "\"17\""),
        ("dimension: 3", "dimension: 2", "3 words for 2 axes"),
        ("sizes: 3 2 1", "sizes: 3 2 0", "\"0\""),
        ("sizes: 3 2 1", "sizes: 3 2 -1", "\"-1\""),
        ("sizes: 3 2 1", "sizes: 4294967296 4294967296 4294967296", "overflow"),
        ("sizes: 3 2 1", "sizes: 1000 1000 1000000", "1000000000000 bytes of voxels, but a.nrrd holds only 6"),
        ("encoding: raw\n", "", "`encoding`"),
        ("encoding: raw", "encoding: raw\nencoding: raw", "twice"),
        ("encoding: raw", "encoding: raw\nno field", "line 6"),
    ] {
        let error = of(plain.replace(field, other));
        assert!(error.contains(told), "{other}: {error}");
    }
    for (more, told) in [
        ("space: nowhere\n", "\"nowhere\""),
        ("space directions: (1,0,0) (0,1,0) (0,0,1)\n", "space dimension"),
        ("space: RAS\nspace directions: (1,0,0) (0,1,0)\n", "2 vectors for 3 axes"),
        ("space: RAS\nspace directions: (1,0,0) (0,1,0) (0,0)\n", "2 numbers"),
        ("space: RAS\nspace directions: (1,0,0) (0,1,0) (0,0,1\n", "not closed"),
        ("space: RAS\nspace directions: (1,0,0) (0,1,0) (0,0,x)\n", "\"x\""),
        (
            "space: RAS\nspace directions: (1,0,0) (2,0,0) (0,0,1)\n",
            "the field `space directions` is \"(1,0,0) (2,0,0) (0,0,1)\"; the affine",
        ),
        ("space dimension: 900\n", "900"),
        ("kinds: list list list\n", "none of the axes"),
        ("spacings: 1 two 3\n", "\"two\""),
        ("centers: cell nod cell\n", "`centers` is \"cell nod cell\"; \"nod\""),
        ("kinds: domain domian domain\n", "`kinds` is \"domain domian domain\"; \"domian\""),
        (
            "Segmentation_MasterRepresentation:=Fractional labelmap\nSegment0_Name:=Liver\n",
            "shares of a voxel and no labels",
        ),
        ("endian: litle\n", "`endian` is \"litle\""),
        ("space: LPS\nspace dimension: 4\n", "`space` is \"LPS\", which has 3 dimensions, but `space dimension` is 4"),
    ] {
        let error = refusal(more);
        assert!(error.contains(told), "{more}: {error}");
    }
}

#[test]
fn other_beginnings_than_those_of_a_header_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.nrrd");
    for (bytes, told) in [
        (&b""[..], r#"begins with """#),
        (b"NRRD0009\n", "NRRD0009"),
        (b"GIF89a", "\"GIF89a\""),
        (b"NRRD0004\ntype: uchar", "`type`"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains(told) || error.contains("`dimension`"), "{error}");
    }
}

#[test]
fn lengths_that_none_can_be_are_refused() {
    for (field, words) in [
        ("spacings", &["0", "inf", "-inf", "1e999", "x"][..]),
        ("thicknesses", &["0", "inf", "-2", "x"]),
        ("axis mins", &["inf", "x"]),
        ("axis maxs", &["-inf"]),
    ] {
        for word in words {
            let error = refusal(&format!("{field}: 1 {word} nan\n"));
            assert!(error.contains(&format!("the field `{field}` is \"1 {word} nan\"; {word:?}")), "{error}");
        }
    }
    assert_eq!(refusal("spacings: 1 -2 NaN\nthicknesses: nan NAN 2\naxis mins: -1 nan 0\n"), "");
}

#[test]
fn texts_in_quotes_are_as_many_as_they_must_be() {
    let space = "space: RAS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n";
    for wrong in
        ["mm mm mm", "\"mm\" \"mm\"", "\"mm\" \"mm\" \"mm\" \"mm\"", "\"mm\" \"mm\" \"mm", "\"mm\", \"mm\", \"mm\""]
    {
        for error in [refusal(&format!("{space}space units: {wrong}\n")), refusal(&format!("units: {wrong}\n"))] {
            assert!(error.contains("units` is") && error.contains("it must be 3 texts in quotes"), "{wrong}: {error}");
        }
        assert!(refusal(&format!("units: {wrong}\n")).contains(&format!("the field `units` is {wrong:?}")));
    }
    for right in ["\"mm\" \"mm\" \"mm\"", "\"mm\"\"mm\"  \"\"", r#""m\"m" "mm" "mm""#] {
        assert_eq!(refusal(&format!("{space}space units: {right}\n")) + &refusal(&format!("units: {right}\n")), "");
    }
}

#[test]
fn vectors_are_finite_and_the_field_is_named() {
    for (directions, told) in [
        ("(1,0,0) (0,inf,0) (0,0,1)", "(0,inf,0) has a part that is not finite"),
        ("(1,0,0) (0,1,nan) (0,0,1)", "(0,1,nan) has a part that is not finite"),
        ("(1,0,0) (0,x,0) (0,0,1)", "\"x\" is no number"),
        ("(1,0,0) nothing (0,0,1)", "\"nothing\" is neither"),
    ] {
        let error = refusal(&format!("space: RAS\nspace directions: {directions}\n"));
        assert!(error.contains(&format!("the field `space directions` is {directions:?}; {told}")), "{error}");
    }
    for (origin, told) in [("(0,inf,0)", "not finite"), ("(0,0,0) (1,1,1)", "2 vectors"), ("(0,0", "not closed")] {
        let error =
            refusal(&format!("space: RAS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: {origin}\n"));
        assert!(error.contains(&format!("the field `space origin` is {origin:?}")) && error.contains(told), "{error}");
    }
}

#[test]
fn many_unknown_fields_are_one_warning() {
    let fields = (0..2000).fold(String::new(), |fields, n| fields + &format!("odd{n}: 1\n"));
    let told = opened(&fields).unwrap().warnings;
    let about: Vec<&String> = told.iter().filter(|warning| warning.contains("odd")).collect();
    let wanted = "The header has 2000 fields that are none of NRRD's (\"odd0\", \"odd1\", \"odd2\", \"odd3\", \"odd4\", ...); they were not used.";
    assert_eq!(about, [wanted]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever stands in a header: an answer, no panic.
    #[test]
    fn changed_headers_give_an_answer(at in 0usize..330, byte in any::<u8>(), cut in 0usize..400) {
        let folder = tempfile::tempdir().unwrap();
        let fields = "type: short\ndimension: 4\nspace: left-posterior-superior\nsizes: 2 3 2 2\n\
            space directions: (1,0,0) (0,1.5,0) (0,0,2) none\nkinds: domain domain domain list\nendian: little\nencoding: raw\n\
            space origin: (-10,20,30)\nline skip: 0\nbyte skip: 0\nSegment0_Name:=a\nSegment0_LabelValue:=1\n";
        let path = file(folder.path(), "a.nrrd", fields, &[7; 48]);
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(bytes.len().saturating_sub(cut / 4));
        std::fs::write(&path, &bytes).unwrap();
        if let Err(error) = open(&path) {
            prop_assert!(error.to_string().contains("a.nrrd"), "{error}");
        }
    }
}

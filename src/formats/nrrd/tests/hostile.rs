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
        ("space: RAS\nspace directions: (1,0,0) (2,0,0) (0,0,1)\n", "singular"),
        ("space: RAS\nspace directions: (1,0,0) (0,inf,0) (0,0,1)\n", "singular"),
        ("space dimension: 900\n", "900"),
        ("kinds: list list list\n", "none of the axes"),
        ("spacings: 1 two 3\n", "\"two\""),
    ] {
        let error = refusal(more);
        assert!(error.contains(told), "{more}: {error}");
    }
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

//! Data in other files, and how values are written.

use super::*;

#[test]
fn values_are_read_however_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let read = |fields: &str, data: &[u8]| {
        let fields = format!("dimension: 2\nsizes: 2 2\n{fields}");
        open(&file(folder.path(), "a.nrrd", &fields, data)).map(|volume| values(&volume)).map_err(|e| e.to_string())
    };
    let wanted = Ok(vec![1.0, -2.0, 300.0, 4.0]);
    assert_eq!(read("type: short\nencoding: raw\nendian: big\n", &[0, 1, 255, 254, 1, 44, 0, 4]), wanted);
    assert_eq!(read("type: int16_t\nencoding: RAW\nendian: little\n", &[1, 0, 254, 255, 44, 1, 4, 0]), wanted);
    assert_eq!(read("type: signed short int\nencoding: text\n", b"1 -2,\n300\t+4"), wanted);
    assert_eq!(read("type: short\nencoding: hex\nendian: big\n", b"0001 FFfe\n012c0004"), wanted);
    assert_eq!(read("type: double\nencoding: ascii\n", b"1e0 -2. 3e2 4\n"), wanted);
    let skipped = "type: uchar\nencoding: text\nline skip: 1\nbyte skip: 2\n";
    assert_eq!(read(skipped, b"a line\nxy1 2 3 4"), Ok(vec![1.0, 2.0, 3.0, 4.0]));
    assert_eq!(
        read("type: uchar\nencoding: raw\nbyte skip: -1\n", b"before\x01\x02\x03\x04"),
        Ok(vec![1.0, 2.0, 3.0, 4.0])
    );
    for (fields, data, told) in [
        ("type: uchar\nencoding: text\n", &b"1 2 3 256"[..], "\"256\" is no number of the type uint8"),
        ("type: uchar\nencoding: text\n", b"1 2 3 4.5", "\"4.5\""),
        ("type: uchar\nencoding: text\n", b"  1 2 3  ", "4 bytes of voxels, but a.nrrd holds only 3"),
        ("type: uchar\nencoding: hex\n", b"0102030g", "'g'"),
        ("type: uchar\nencoding: hex\n", b"0102 0304"[..8].as_ref(), "holds only 3"),
        ("type: uchar\nencoding: gzip\n", b"no gzip at all, but long", "damaged"),
        ("type: uchar\nencoding: bzip2\n", b"BZh", "bzip2"),
        ("type: uchar\nencoding: rle\n", b"", "\"rle\""),
        ("type: short\nencoding: raw\n", &[0; 8], "endian"),
        ("type: short\nencoding: raw\nendian: middle\n", &[0; 8], "\"middle\""),
        ("type: uchar\nencoding: raw\nbyte skip: -2\n", &[0; 8], "-2"),
        ("type: uchar\nencoding: raw\nbyte skip: 5\n", &[0; 8], "holds only 3"),
        ("type: uchar\nencoding: raw\nline skip: 9\n", b"a\nb\nc\n", "holds only 0"),
    ] {
        let error = read(fields, data).unwrap_err();
        assert!(error.contains(told), "{fields}: {error}");
    }
}

#[test]
fn several_files_are_one_image_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for n in 0..3u8 {
        std::fs::write(at.join(format!("s{n:02}.raw")), [n * 2, n * 2 + 1]).unwrap();
    }
    let read = |more: &str| {
        let fields = format!("type: uchar\ndimension: 3\nsizes: 2 1 3\nencoding: raw\n{more}");
        // A list ends with the file.
        let path = at.join("a.nhdr");
        std::fs::write(&path, format!("NRRD0004\n{fields}")).unwrap();
        open(&path).map(|volume| values(&volume)).map_err(|e| e.to_string())
    };
    let wanted = Ok(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(read("data file: LIST\ns00.raw\ns01.raw\ns02.raw\n"), wanted);
    assert_eq!(read("data file: LIST 3\ns00.raw\ns01.raw\ns02.raw"), wanted);
    assert_eq!(read("data file: s%02d.raw 0 2 1\n"), wanted);
    assert_eq!(read("datafile: s%02d.raw 0 2 1 2\n"), wanted);
    assert_eq!(read("data file: s%02d.raw 2 0 -1\n"), Ok(vec![4.0, 5.0, 2.0, 3.0, 0.0, 1.0]));
    for (more, told) in [
        ("data file: LIST\ns00.raw\ns01.raw\n", "names 2 files"),
        ("data file: LIST\n", "no name"),
        ("data file: LIST\ns00.raw\ns01.raw\ns00.raw\n", "twice"),
        ("data file: LIST 4\ns00.raw\n", "dimensions"),
        ("data file: s%02d.raw 0 3 1\n", "names 4 files"),
        ("data file: s%02d.raw 1 3 1\n", "s03.raw"),
        ("data file: s%02d.raw 0 2 0\n", "by 0"),
        ("data file: s%s.raw 0 2 1\n", "%s"),
        ("data file: s%02d%d.raw 0 2 1\n", "pattern"),
        ("data file: none.raw\n", "none.raw"),
        ("", "without data"),
    ] {
        let error = read(more).unwrap_err();
        assert!(error.contains(told), "{more}: {error}");
    }
    std::fs::write(at.join("s01.raw"), [2]).unwrap();
    let error = read("data file: s%02d.raw 0 2 1\n").unwrap_err();
    assert!(error.contains("s01.raw holds only 1"), "{error}");
}

#[test]
fn only_list_with_or_without_a_number_begins_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let header = |named: &str| {
        let path = folder.path().join("a.nhdr");
        let fields = "type: uchar\ndimension: 3\nsizes: 3 2 1\nencoding: raw";
        std::fs::write(&path, format!("NRRD0004\n{fields}\ndata file: {named}\n")).unwrap();
        open(&path).map(|volume| values(&volume)).map_err(|e| e.to_string())
    };
    for name in ["LIST of livers.raw", "LIST 2 3.raw", "LISTED", "a%d b.raw"] {
        std::fs::write(folder.path().join(name), [1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(header(name), Ok(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), "{name}");
    }
    let error = header("LIST two\nLISTED").unwrap_err();
    assert!(error.contains("line 7"), "{error}");
    let error = header("LIST two").unwrap_err();
    assert!(error.contains("LIST two, which is not there"), "{error}");
}

#[test]
fn data_that_are_longer_than_the_header_says_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let warned = |fields: &str, data: &[u8]| {
        let fields = format!("type: uchar\ndimension: 2\nsizes: 2 2\n{fields}");
        let volume = open(&file(folder.path(), "a.nrrd", &fields, data)).unwrap();
        assert_eq!(values(&volume), [1.0, 2.0, 3.0, 4.0], "{fields}");
        volume.warnings.iter().any(|warning| warning.contains("longer than the header says"))
    };
    let gzip = |data: &[u8]| {
        let mut packed = Vec::new();
        crate::formats::gzip::compress(&mut &data[..], &mut packed).unwrap();
        packed
    };
    for (fields, exact, longer) in [
        ("encoding: raw\n", b"\x01\x02\x03\x04".to_vec(), b"\x01\x02\x03\x04\x05".to_vec()),
        ("encoding: gzip\n", gzip(&[1, 2, 3, 4]), gzip(&[1, 2, 3, 4, 5])),
        ("encoding: text\n", b"1 2 3 4 \n".to_vec(), b"1 2 3 4 5".to_vec()),
        ("encoding: hex\n", b"01020304\n".to_vec(), b"0102030405".to_vec()),
        ("encoding: hex\n", b"01 02 03 04".to_vec(), b"01020304 more".to_vec()),
    ] {
        assert!(!warned(fields, &exact), "{fields}");
        assert!(warned(fields, &longer), "{fields}");
    }
    // Data that end the file are found from there.
    assert!(!warned("encoding: raw\nbyte skip: -1\n", &[9, 9, 1, 2, 3, 4]));
    assert!(!warned("encoding: gzip\nbyte skip: -1\n", &gzip(&[9, 9, 1, 2, 3, 4])));
}

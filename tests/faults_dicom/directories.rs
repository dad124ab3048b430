//! DICOMDIR: what it lists, and what is not there.

use lamella::formats;
use lamella::work::Watch;

use super::frames::{element, items};
use super::made_dicom::{Made, PIXELS, slice};

/// A directory with these files.
fn directory(files: &[&str]) -> Made {
    let mut made = slice(1, 0.0, 0);
    made.elements.clear();
    let record = |file: &&str| {
        [
            element((0x0004, 0x1410), b"US", &[0xFF, 0xFF]),
            element((0x0004, 0x1430), b"CS", b"IMAGE"),
            element((0x0004, 0x1500), b"CS", file.as_bytes()),
        ]
        .concat()
    };
    let patient = element((0x0004, 0x1430), b"CS", b"PATIENT");
    let records: Vec<Vec<u8>> = std::iter::once(patient).chain(files.iter().map(record)).collect();
    made.raw((0x0004, 0x1220), b"SQ", &items(&records));
    made.without(PIXELS);
    made
}

#[test]
fn only_what_a_directory_lists_is_opened_and_what_is_missing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("a")).unwrap();
    for (n, name) in ["a/I1", "a/i2", "a/I3.dcm", "other.dcm"].iter().enumerate() {
        slice(n as i64, 2.0 * n as f64, 100).save(&at(name));
    }
    directory(&["a\\I1", "a\\I2", "a\\I3", "A\\I9", "..\\x", "/etc\\passwd"]).save(&at("DICOMDIR"));
    let found = formats::scan(&at("DICOMDIR"), Watch::unwatched()).unwrap();
    let shapes: Vec<_> = found.entries.iter().map(|e| (e.shape, e.file_count)).collect();
    assert_eq!(shapes, [([4, 3, 3], 3)]);
    let [missing] = &found.skipped[..] else { panic!("{:?}", found.skipped) };
    assert!(missing.path.ends_with("A/I9") && missing.reason.contains("listed in the DICOMDIR"), "{missing:?}");

    directory(&["A\\I9"]).save(&at("DICOMDIR"));
    let found = formats::scan(&at("DICOMDIR"), Watch::unwatched()).unwrap();
    assert_eq!(found.entries.iter().map(|e| e.file_count).sum::<usize>(), 4);
    assert!(found.skipped.iter().any(|s| s.reason.contains("none of its 1 files is there")), "{:?}", found.skipped);
    std::fs::write(at("DICOMDIR"), b"nothing").unwrap();
    let found = formats::scan(&at("DICOMDIR"), Watch::unwatched()).unwrap();
    assert!(found.skipped.iter().any(|s| s.reason.contains("cannot be read")), "{:?}", found.skipped);
}

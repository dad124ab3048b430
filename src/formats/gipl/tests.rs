//! Headers written by hand.

use super::*;
use crate::formats::open_one;

/// A header of a grid of 3 x 2 x 2 unsigned shorts.
fn header() -> Vec<u8> {
    let mut header = vec![0; SIZE];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    [3u16, 2, 2, 1].iter().enumerate().for_each(|(n, size)| put(2 * n, &size.to_be_bytes()));
    put(8, &16u16.to_be_bytes());
    [0.5f32, 2.0, 3.0].iter().enumerate().for_each(|(n, size)| put(10 + 4 * n, &size.to_be_bytes()));
    [7.0f64, 8.0, 9.0].iter().enumerate().for_each(|(n, size)| put(204 + 8 * n, &size.to_be_bytes()));
    put(252, &MAGIC[0].to_be_bytes());
    header
}

fn open(name: &str, bytes: &[u8]) -> Result<Volume> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    open_one(&path, None, Watch::unwatched())
}

fn whole() -> Vec<u8> {
    [header(), (0..12u16).flat_map(u16::to_be_bytes).collect()].concat()
}

#[test]
fn a_file_is_read_plain_and_compressed_under_any_name() {
    let mut packed = Vec::new();
    crate::formats::gzip::compress(&mut whole().as_slice(), &mut packed).unwrap();
    for (name, bytes) in [("a.gipl", whole()), ("a.gipl.gz", packed), ("a", whole())] {
        let volume = open(name, &bytes).unwrap();
        let affine = volume.geometry.world_from_voxel().0;
        assert_eq!(affine, [[-0.5, 0.0, 0.0, -7.0], [0.0, -2.0, 0.0, -8.0], [0.0, 0.0, 3.0, 9.0]]);
        assert_eq!((volume.value([1, 0, 0], 0), volume.value([2, 1, 1], 0)), (1.0, 11.0));
        assert!(volume.warnings[0].contains("does not say how the image lies"));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let with = |at: usize, bytes: &[u8]| {
        let mut all = whole();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        open("a.gipl", &all).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (at, bytes, told) in [
        (252, &[0u8, 0, 0, 1][..], "magic number is 1"),
        (0, &[0, 0], "[0, 2, 2, 1]"),
        (0, &[255, 255], "holds only 24 of them"),
        (8, &[0, 1], "one bit"),
        (8, &[0, 144], "complex"),
        (8, &[1, 1], "257"),
        (10, &[0x7f, 0xc0, 0, 0], "NaN"),
        (204, &[0x7f, 0xf8, 0, 0, 0, 0, 0, 0], "the origin NaN"),
    ] {
        let error = with(at, bytes);
        assert!(error.contains(told) && error.contains("a.gipl"), "{at}: {error}");
    }
    for length in [1, 100, 255, 256, 270, 279] {
        let error = open("b.gipl", &whole()[..length]).err().unwrap().to_string();
        assert!(error.contains("b.gipl"), "{length}: {error}");
    }
    assert!(with(10, &[0; 12]).is_empty());
}

//! Bytes that lie: memory stays within a small multiple of the file.

use std::path::Path;

use lamella::formats;
use lamella::work::Watch;

use super::made_dicom::{BIG, DEFLATED, EXPLICIT, IMPLICIT, Made, PIXELS, slice};
use super::{one_at_a_time, peak_of};

/// Buffers of constant size that a reader may use besides.
const CONSTANT_BYTES: usize = 2 << 20;

fn info(path: &Path) -> String {
    match formats::open_one(path, None, Watch::unwatched()) {
        Ok(volume) => format!("{:?}", volume.geometry.shape()),
        Err(error) => error.to_string(),
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// A file with everything that a walk can stumble over.
fn crowded(form: &str) -> Made {
    let mut made = slice(1, 0.0, 7);
    (made.claimed, made.written) = (form.into(), form.into());
    made.text((0x0028, 0x1050), b"DS", "40\\50").text((0x0028, 0x1051), b"DS", "80\\90");
    made.raw((0x0018, 0x9087), b"FD", &1000f64.to_le_bytes());
    made.raw((0x0009, 0x1001), b"UN", &[1; 40]).raw((0x0009, 0x1002), b"UT", b"text");
    let item = [0xFE, 0xFF, 0, 0xE0, 10, 0, 0, 0, 8, 0, 0, 1, b'S', b'H', 2, 0, b'A', b' '];
    made.raw((0x0008, 0x1140), b"SQ", &item);
    made
}

#[test]
fn mutated_files_take_no_more_memory_than_they_have_bytes_for() {
    let _alone = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.dcm");
    let vrs: Vec<&[u8; 2]> = vec![
        b"UN", b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SV", b"UV", b"UC", b"UR", b"UT", b"SQ", b"US", b"FD", b"AT",
        b"DS", b"LO", b"PN", b"ZZ", b"\0\0", b"  ",
    ];
    let mut random = Random(0x5EED_1234_ABCD_0001);
    let mut worst = 0;
    for round in 0..2400 {
        let form = [EXPLICIT, IMPLICIT, BIG, DEFLATED][round % 4];
        let mut bytes = crowded(form).bytes();
        for _ in 0..=random.next(4) {
            let at = 132 + random.next(bytes.len() - 140);
            match random.next(5) {
                0 => bytes[at] = random.next(256) as u8,
                // A length that is much too long.
                1 => bytes[at..at + 4].copy_from_slice(&[0xF0, 0xFF, 0xFF, 0x7F]),
                2 => bytes[at..at + 2].copy_from_slice(vrs[random.next(vrs.len())]),
                3 => drop(bytes.splice(at..at, (0..random.next(9)).map(|_| 0xFF).collect::<Vec<u8>>())),
                _ => bytes.truncate(at.max(150)),
            }
            if bytes.len() < 150 {
                break;
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let (text, peak) = peak_of(|| info(&path));
        worst = worst.max(peak);
        assert!(peak <= 4 * bytes.len() + CONSTANT_BYTES, "round {round}: {peak} bytes taken: {text}");
    }
    println!("at most {worst} bytes were taken");
}

#[test]
fn lengths_that_are_no_multiple_of_their_numbers_cost_nothing() {
    let _alone = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.dcm");
    for (vr, length) in [(b"US", 3), (b"FD", 9), (b"UL", 5), (b"AT", 6), (b"SS", 1), (b"ZZ", 17), (b"FL", 7)] {
        for tag in [(0x0009, 0x1001), (0x0028, 0x0011), (0x0020, 0x0013)] {
            let mut made = slice(1, 0.0, 7);
            made.raw(tag, vr, &vec![0xFF; length]);
            made.save(&path);
            let size = std::fs::metadata(&path).unwrap().len() as usize;
            let (text, peak) = peak_of(|| info(&path));
            assert!(peak <= 4 * size + CONSTANT_BYTES, "{vr:?} {length}: {peak} bytes: {text}");
        }
    }
}

#[test]
fn a_deflated_bomb_is_bounded_and_its_end_is_not_inflated_for_the_header() {
    let _alone = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.dcm");
    // 256 MB of zeros behind the header, 256 MB in front of it, and as pixels.
    let bomb = vec![0u8; 256 << 20];
    let mut as_pixels = slice(1, 0.0, 7);
    as_pixels.raw(PIXELS, b"OW", &bomb);
    let mut in_header = slice(1, 0.0, 7);
    in_header.raw((0x0009, 0x1001), b"OB", &bomb);
    let mut many_pixels = as_pixels.clone();
    many_pixels.words((0x0028, 0x0010), &[65535]).words((0x0028, 0x0011), &[65535]);
    for (n, mut made) in [as_pixels, in_header, many_pixels].into_iter().enumerate() {
        (made.claimed, made.written) = (DEFLATED.into(), DEFLATED.into());
        made.save(&path);
        drop(made);
        let size = std::fs::metadata(&path).unwrap().len() as usize;
        let (text, peak) = peak_of(|| info(&path));
        assert!(peak <= 4 * size + CONSTANT_BYTES, "case {n}: {peak} bytes of {size}: {text}");
        match n {
            0 => assert_eq!(text, "[4, 3, 1]"),
            1 => assert!(text.contains("64 MB"), "{text}"),
            _ => {
                assert!(text.contains("cut") || text.contains("memory") || text.contains("cannot come from"), "{text}")
            }
        }
    }
}

/// A JPEG 2000 main header with one component, and no data behind it.
fn code_stream(width: u32, height: u32, tile: u32, bits: u8, layers: u16, precinct: Option<u8>) -> Vec<u8> {
    let mut data = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
    for value in [width, height, 0, 0, tile, tile, 0, 0] {
        data.extend(value.to_be_bytes());
    }
    data.extend([0, 1, bits - 1, 1, 1]);
    let sizes: Vec<u8> = precinct.map_or(Vec::new(), |p| vec![p; 6]);
    data.extend([0xFF, 0x52, 0, 12 + sizes.len() as u8, u8::from(precinct.is_some()), 0]);
    data.extend(layers.to_be_bytes());
    data.extend([0, 5, 4, 4, 0, 1]);
    data.extend(sizes);
    data.extend([0xFF, 0x5C, 0, 19, 0x40]);
    data.extend([0x40; 16]);
    data.extend([0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0x93]);
    data.extend([0; 24]);
    data.extend([0xFF, 0xD9]);
    data
}

#[test]
fn jpeg_2000_headers_that_lie_are_refused_before_they_are_decoded() {
    let _alone = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.dcm");
    let cases = [
        (code_stream(4, 4, 4, 16, 1, None), 3, "4 x 4 pixels"),
        (code_stream(4, 3, 4, 24, 1, None), 3, "24 bits"),
        (code_stream(4, 3, 0, 16, 1, None), 3, "impossible tiles"),
        (code_stream(4, 2000, 1, 16, 1, None), 2000, "8000 tiles"),
        (code_stream(4, 2000, 4000, 16, 1, Some(0x00)), 2000, "packets"),
        (code_stream(4, 3, 4, 16, 65535, None), 3, "packets"),
    ];
    for (data, rows, words) in cases {
        let mut made = slice(1, 0.0, 7);
        made.claimed = "1.2.840.10008.1.2.4.90".into();
        made.words((0x0028, 0x0010), &[rows]);
        let mut fragments = vec![0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0, 0xE0];
        fragments.extend((data.len() as u32).to_le_bytes());
        fragments.extend(&data);
        fragments.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        // An undefined length, by hand.
        made.without(PIXELS);
        let mut bytes = made.bytes();
        bytes.extend(b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF");
        bytes.extend(fragments);
        std::fs::write(&path, &bytes).unwrap();
        let (text, peak) = peak_of(|| info(&path));
        assert!(text.contains(words), "{words}: {text}");
        assert!(peak <= 4 * bytes.len() + CONSTANT_BYTES, "{peak} bytes");
    }
}

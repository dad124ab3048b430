//! Tables of values and colours, colours under the wrong name, and what else a header says wrongly of pixels.

use super::frames::{compressed, count_frames, element, items};
use super::made_dicom::{Made, PIXELS, done, slice};
use super::{one_at_a_time, open_one, refusal};
use lamella::volume::Volume;

const MODALITY_LUT: (u16, u16) = (0x0028, 0x3000);
const PHOTOMETRIC: (u16, u16) = (0x0028, 0x0004);

fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn values(volume: &Volume) -> Vec<f64> {
    (0..volume.voxels.len()).filter_map(|n| volume.voxels.get(n)).collect()
}

fn warned(volume: &Volume, text: &str) -> bool {
    volume.warnings.iter().any(|w| w.contains(text))
}

/// Pixels 0 to 11 and this table of values.
fn with_lut(descriptor: &[u16], vr: &[u8; 2], data: &[u8]) -> Made {
    let mut made = slice(1, 5.0, 0);
    let item = [element((0x0028, 0x3002), b"US", &words(descriptor)), element((0x0028, 0x3006), vr, data)].concat();
    made.raw(MODALITY_LUT, b"SQ", &items(&[item]));
    made
}

#[test]
fn a_modality_lut_gives_the_values() {
    let _alone = one_at_a_time();
    // Expected by pydicom's apply_modality_lut.
    let table = words(&[1000, 900, 800, 700, 600, 65535]);
    let made = with_lut(&[6, 3, 16], b"US", &table);
    let expected = [1000.0, 1000.0, 1000.0, 1000.0, 900.0, 800.0, 700.0, 600.0, 65535.0, 65535.0, 65535.0, 65535.0];
    let volume = open_one(std::slice::from_ref(&made));
    assert_eq!(values(&volume), expected);
    assert!(volume.warnings.is_empty(), "{:?}", volume.warnings);
    assert!(volume.header.contains(&("Modality LUT".into(), "6 values".into())));
    let bytes = with_lut(&[6, 3, 8], b"US", &words(&[10, 20, 30, 40, 50, 255]));
    let expected = [10.0, 10.0, 10.0, 10.0, 20.0, 30.0, 40.0, 50.0, 255.0, 255.0, 255.0, 255.0];
    assert_eq!(values(&open_one(&[bytes])), expected);
    // The same values packed in bytes.
    let packed = with_lut(&[6, 3, 8], b"OW", &[10, 20, 30, 40, 50, 255]);
    assert_eq!(values(&open_one(&[packed])), expected);
    // Signed pixels from -6 to 5, and a table that begins at -2.
    let mut signed = with_lut(&[6, 65534, 16], b"OW", &words(&[1, 2, 3, 4, 5, 6]));
    signed.words((0x0028, 0x0103), &[1]).words(PIXELS, &(0..12u16).map(|n| n.wrapping_sub(6)).collect::<Vec<_>>());
    assert_eq!(values(&open_one(&[signed])), [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 6.0]);
    // As many values as there can be, longer than any other element that is read.
    let all: Vec<u16> = (0..=65535).rev().collect();
    let volume = open_one(&[with_lut(&[0, 0, 16], b"OW", &words(&all))]);
    assert_eq!(values(&volume), (0..12).map(|n| f64::from(65535 - n)).collect::<Vec<_>>());
    // It goes before a rescale, which may not be there with it.
    let mut both = made;
    both.text((0x0028, 0x1052), b"DS", "-1000");
    let volume = open_one(&[both]);
    assert!(volume.value([0, 0, 0], 0) == 1000.0 && warned(&volume, "the LUT is taken"), "{:?}", volume.warnings);
}

#[test]
fn a_modality_lut_that_says_nothing_is_refused() {
    let _alone = one_at_a_time();
    for (made, words) in [
        (with_lut(&[6, 3], b"US", &words(&[1; 6])), "LUT Descriptor"),
        (with_lut(&[6, 3, 32], b"US", &words(&[1; 6])), "of 32 bits"),
        (with_lut(&[600, 3, 16], b"US", &words(&[1; 6])), "12 bytes for 600 values"),
        (with_lut(&[12, 3, 16], b"US", &words(&[1; 5])), "10 bytes for 12 values"),
    ] {
        let reason = refusal(&[made]);
        assert!(reason.contains("Modality LUT") && reason.contains(words), "{reason}");
    }
    let mut empty = slice(1, 5.0, 0);
    empty.raw(MODALITY_LUT, b"SQ", &items(&[]));
    assert_eq!(open_one(&[empty]).value([3, 2, 0], 0), 11.0);
}

/// Pixels 0, 1, 2, 3 and so on of a palette of four colours with this descriptor and these tables.
fn with_palette(bits: u16, tables: &[Vec<u8>; 3]) -> Made {
    let mut made = slice(1, 5.0, 0);
    made.text(PHOTOMETRIC, b"CS", "PALETTE COLOR");
    for (n, table) in tables.iter().enumerate() {
        made.words((0x0028, 0x1101 + n as u16), &[4, 0, bits]).raw((0x0028, 0x1201 + n as u16), b"OW", table);
    }
    made.words(PIXELS, &[0, 1, 2, 3, 3, 2, 1, 0, 9, 0, 0, 3]);
    made
}

#[test]
fn palettes_of_bytes_that_call_themselves_words_and_of_twelve_bits() {
    let _alone = one_at_a_time();
    let (red, green, blue) = ([10u8, 40, 255, 7], [200u8, 50, 0, 8], [30u8, 60, 0, 9]);
    // Expected by pydicom's apply_color_lut and 0.299 R + 0.587 G + 0.114 B.
    let volume = open_one(&[with_palette(16, &[red.to_vec(), green.to_vec(), blue.to_vec()])]);
    assert_eq!(values(&volume), [124.0, 48.0, 76.0, 8.0, 8.0, 76.0, 48.0, 124.0, 8.0, 124.0, 124.0, 8.0]);
    let wide = [red, green, blue].map(|c| words(&c.map(|v| u16::from(v) * 16)));
    assert_eq!(values(&open_one(&[with_palette(12, &wide)]))[..4], [1981.0, 770.0, 1220.0, 125.0]);
    let none = [red, green, blue].map(|c| c.to_vec());
    assert!(refusal(&[with_palette(7, &none)]).contains("8 to 16 bits"));
}

/// 16 x 8 pixels, the left half (200, 30, 90) and the right half (20, 180, 60), as libjpeg writes red, green and blue;
/// the components are numbered 1, 2, 3 and no marker says what they are.
const JPEG: &str = "ffd8ffdb00430001010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101ffc00011080008001003011100021100031100ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b5100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffda000c03010002000300003f00fe902bf8efafccfaff0025faff004b0af83ebfffd9";

/// An 8-bit colour image of this size.
fn coloured(rows: u16, columns: u16, photometric: &str) -> Made {
    let mut made = slice(1, 5.0, 0);
    made.text(PHOTOMETRIC, b"CS", photometric).words((0x0028, 0x0002), &[3]).words((0x0028, 0x0006), &[0]);
    made.words((0x0028, 0x0010), &[rows]).words((0x0028, 0x0011), &[columns]);
    made.words((0x0028, 0x0100), &[8]).words((0x0028, 0x0101), &[8]).words((0x0028, 0x0102), &[7]);
    made
}

fn fragments(made: &mut Made, syntax: &str, frames: &[Vec<u8>]) {
    made.claimed = syntax.into();
    made.without(PIXELS);
    let header = [&[0xE0, 0x7F, 0x10, 0][..], b"OB\0\0", &[0xFF; 4]].concat();
    made.inserted = vec![(PIXELS, [header, compressed(&[], frames)].concat())];
    made.raw((0xFFFC, 0xFFFC), b"OB", &[]);
}

#[test]
fn a_jpeg_image_of_red_green_and_blue_is_known_by_its_marker_or_the_header() {
    let _alone = one_at_a_time();
    let bare: Vec<u8> = (0..JPEG.len() / 2).map(|n| u8::from_str_radix(&JPEG[2 * n..2 * n + 2], 16).unwrap()).collect();
    let marked = |marker: &[u8]| [&bare[..2], marker, &bare[2..]].concat();
    let adobe = marked(b"\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00\x00");
    let jfif = marked(b"\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00");
    let open = |data: &[u8], photometric: &str| {
        let mut made = coloured(8, 16, photometric);
        let mut data = data.to_vec();
        data.resize(data.len().next_multiple_of(2), 0);
        fragments(&mut made, "1.2.840.10008.1.2.4.50", &[data]);
        let volume = open_one(&[made]);
        [volume.value([0, 0, 0], 0), volume.value([15, 7, 0], 0)]
    };
    // pydicom and SimpleITK give the colours as they were; 0.299 * 200 + 0.587 * 30 + 0.114 * 90 = 87.7.
    assert_eq!(open(&bare, "RGB"), [88.0, 118.0]);
    assert_eq!(open(&adobe, "YBR_FULL_422"), [88.0, 118.0]);
    // JFIF means luminance and chroma, whatever the header says: 200, 30 and 90 are the colour 147, 255, 26.
    assert!((open(&jfif, "RGB")[0] - 197.0).abs() <= 1.0);
}

#[test]
fn chroma_of_every_pixel_under_the_name_of_every_second_is_not_scrambled() {
    let _alone = one_at_a_time();
    let luminances: Vec<u8> = (0..15).map(|n| 10 * n + 3).collect();
    let full: Vec<u8> = luminances.iter().flat_map(|&y| [y, 128, 130]).chain([0]).collect();
    let mut made = coloured(3, 5, "YBR_FULL_422");
    made.raw(PIXELS, b"OB", &full);
    let volume = open_one(&[made]);
    assert_eq!(values(&volume), luminances.iter().map(|&y| f64::from(y)).collect::<Vec<_>>());
    assert!(warned(&volume, "YBR_FULL_422"), "{:?}", volume.warnings);
    // What is what it says stays so.
    let half: Vec<u8> = luminances[..12].chunks(2).flat_map(|y| [y[0], y[1], 128, 130]).collect();
    let mut made = coloured(3, 4, "YBR_FULL_422");
    made.raw(PIXELS, b"OB", &half);
    let volume = open_one(&[made]);
    assert_eq!(values(&volume), luminances[..12].iter().map(|&y| f64::from(y)).collect::<Vec<_>>());
    assert!(!warned(&volume, "YBR_FULL_422"));
}

#[test]
fn uncompressed_pixels_in_fragments() {
    let _alone = one_at_a_time();
    let frame = |n: u16| words(&(0..12).map(|p| 100 * n + p).collect::<Vec<_>>());
    let mut made = slice(1, 5.0, 0);
    count_frames(&mut made, 2);
    fragments(&mut made, "1.2.840.10008.1.2.1.98", &[frame(1), frame(2)]);
    let volume = open_one(&[made.clone()]);
    assert_eq!(values(&volume)[10..14], [110.0, 111.0, 200.0, 201.0]);
    fragments(&mut made, "1.2.840.10008.1.2.1.98", &[frame(1), frame(2)[..20].to_vec()]);
    assert!(refusal(&[made]).contains("cannot come from 44 bytes"));
}

#[test]
fn a_text_that_is_too_long_is_cut_and_said() {
    let _alone = one_at_a_time();
    let mut made = slice(1, 5.0, 100);
    made.text((0x0008, 0x103E), b"LO", &"x".repeat(1500));
    let volume = open_one(&[made.clone()]);
    assert_eq!((volume.name.len(), volume.value([0, 0, 0], 0)), (1024, 100.0));
    assert!(warned(&volume, "1500 bytes"), "{:?}", volume.warnings);
    // Not through the middle of a letter: 341 of three bytes are 1023.
    made.text((0x0008, 0x0005), b"CS", "ISO_IR 192").text((0x0008, 0x103E), b"LO", &"\u{3042}".repeat(500));
    assert_eq!(open_one(&[made]).name, "\u{3042}".repeat(341));
    let mut made = slice(1, 5.0, 100);
    done(made.text((0x0018, 0x0050), b"DS", "2\\3"));
    let volume = open_one(&[made]);
    assert_eq!(volume.geometry.spacing_mm()[2], 2.0);
    assert!(warned(&volume, "Slice Thickness is \"2\\\\3\""), "{:?}", volume.warnings);
}

//! Fields and pixels that are not by the standard.

use lamella::volume::Volume;

use super::made_dicom::{BIG, DEFLATED, EXPLICIT, IMPLICIT, Made, PIXELS, done, slice};
use super::{one_at_a_time, open_one, refusal};

const INTERCEPT: (u16, u16) = (0x0028, 0x1052);
const SLOPE: (u16, u16) = (0x0028, 0x1053);

fn with(change: impl FnOnce(&mut Made)) -> Made {
    let mut made = slice(1, 5.0, 100);
    change(&mut made);
    made
}

fn warned(volume: &Volume, text: &str) -> bool {
    volume.warnings.iter().any(|w| w.contains(text))
}

#[test]
fn an_unreadable_field_is_refused_by_name_and_value() {
    let _alone = one_at_a_time();
    let cases: &[((u16, u16), &[u8; 2], &str, &str)] = &[
        (INTERCEPT, b"DS", "1 HU", "Rescale Intercept"),
        (INTERCEPT, b"DS", "1.0e", "Rescale Intercept"),
        (INTERCEPT, b"DS", "-1,024.0", "Rescale Intercept"),
        (INTERCEPT, b"DS", "-1024\\0", "Rescale Intercept"),
        (SLOPE, b"DS", "NaN", "Rescale Slope"),
        (SLOPE, b"DS", "1.2.3", "Rescale Slope"),
        (SLOPE, b"LO", "one", "Rescale Slope"),
        ((0x0028, 0x0103), b"CS", "signed", "Pixel Representation"),
        ((0x0028, 0x0101), b"IS", "12 bits", "Bits Stored"),
        ((0x0028, 0x0102), b"IS", "11.5", "High Bit"),
        ((0x0028, 0x0002), b"IS", "one", "Samples per Pixel"),
        ((0x0028, 0x0010), b"IS", "-3", "Rows"),
        ((0x0028, 0x0030), b"DS", "0.9 mm\\0.8 mm", "Pixel Spacing"),
        ((0x0028, 0x0030), b"DS", "0.9", "Pixel Spacing"),
        ((0x0020, 0x0032), b"DS", "-20\\-15", "Image Position (Patient)"),
        ((0x0020, 0x0032), b"DS", "-20\\-15\\z", "Image Position (Patient)"),
        ((0x0020, 0x0037), b"DS", "1\\0\\0\\0\\1", "Image Orientation (Patient)"),
        ((0x0018, 0x0050), b"DS", "2 mm", "Slice Thickness"),
        ((0x0028, 0x0008), b"IS", "two", "Number of Frames"),
    ];
    for (tag, vr, value, name) in cases {
        let reason = refusal(&[with(|m| done(m.text(*tag, vr, value)))]);
        let shown = value.replace('\\', "\\\\");
        assert!(reason.contains(name) && reason.contains(&shown), "{name} = {value}: {reason}");
    }
    for (tag, value, name) in [((0x0028, 0x0103), 2, "Pixel Representation"), ((0x0028, 0x0101), 17, "Bits Stored")] {
        let reason = refusal(&[with(|m| done(m.words(tag, &[value])))]);
        assert!(reason.contains(name) && reason.contains(&value.to_string()), "{reason}");
    }
    let odd = refusal(&[with(|m| done(m.raw((0x0028, 0x0010), b"US", &[3, 0, 0])))]);
    assert!(odd.contains("0028") && odd.contains("3 bytes"), "{odd}");
    let twice = with(|m| m.inserted.push(((0x0028, 0x0010), b"\x28\x00\x10\x00US\x02\x00\x07\x00".to_vec())));
    assert!(refusal(&[twice]).contains("twice"));
}

#[test]
fn a_decimal_comma_is_read_with_a_warning() {
    let _alone = one_at_a_time();
    let cases: &[((u16, u16), &str, &str)] = &[
        (INTERCEPT, "-1024,0", "Rescale Intercept"),
        (INTERCEPT, "-1024,5", "Rescale Intercept"),
        (SLOPE, "2,50", "Rescale Slope"),
        (SLOPE, "1,5e1", "Rescale Slope"),
    ];
    for &(tag, text, name) in cases {
        let volume = open_one(&[with(|m| done(m.text(tag, b"DS", text)))]);
        let number: f64 = text.replace(',', ".").parse().unwrap();
        let expected = if tag == SLOPE { 100.0 * number } else { 100.0 + number };
        assert_eq!(volume.value([0, 0, 0], 0), expected);
        assert!(warned(&volume, name) && warned(&volume, text), "{:?}", volume.warnings);
    }
    let spaced = open_one(&[with(|m| done(m.text((0x0028, 0x0030), b"DS", "0,488\\0,512")))]);
    let [x, y, _] = spaced.geometry.spacing_mm();
    assert!((x - 0.512).abs() < 1e-9 && (y - 0.488).abs() < 1e-9 && warned(&spaced, "Pixel Spacing"));
}

#[test]
fn absent_and_empty_values_are_said() {
    let _alone = one_at_a_time();
    let volume = open_one(&[with(|m| done(m.text(INTERCEPT, b"DS", "  ").text(SLOPE, b"DS", "2")))]);
    assert_eq!(volume.value([1, 0, 0], 0), 202.0);
    assert!(warned(&volume, "Rescale Intercept is empty"));
    let volume = open_one(&[with(|m| done(m.without((0x0028, 0x0103))))]);
    assert!(warned(&volume, "Pixel Representation"));
    let volume = open_one(&[with(|m| done(m.without((0x0018, 0x0050))))]);
    assert!(warned(&volume, "slice thickness"));
    let volume =
        open_one(&[with(|m| done(m.text((0x0028, 0x1050), b"DS", "forty").text((0x0028, 0x1051), b"DS", "80")))]);
    assert!(warned(&volume, "Window Center is \"forty\"") && volume.display.window.is_none());
    let volume = open_one(&[with(|m| done(m.text((0x0018, 0x0081), b"DS", "2.46 ms")))]);
    assert_eq!(volume.value([0, 0, 0], 0), 100.0);
    let some =
        [with(|_| ()), with(|m| done(m.text((0x0020, 0x0032), b"DS", "-20\\-15\\7").text(INTERCEPT, b"DS", "-1000")))];
    assert!(warned(&open_one(&some), "1 of 2 images give no Rescale Slope"));
}

#[test]
fn what_is_no_number_matters_only_where_it_is_needed() {
    let _alone = one_at_a_time();
    // Positions order the slices; Instance Number and Slice Thickness are not needed.
    let series: Vec<Made> = (0..4u16)
        .map(|n| {
            let mut made = slice(i64::from(n), 5.0 + 2.0 * f64::from(n), 100 * n);
            made.text((0x0020, 0x0013), b"IS", "n/a").text((0x0018, 0x0050), b"DS", "thin");
            made
        })
        .collect();
    assert_eq!(open_one(&series).geometry.shape(), [4, 3, 4]);
    let bare: Vec<Made> = series
        .into_iter()
        .map(|mut made| {
            made.without((0x0020, 0x0032)).without((0x0020, 0x0037)).text((0x0018, 0x0050), b"DS", "2");
            made
        })
        .collect();
    assert!(refusal(&bare).contains("Instance Number \"n/a\""));
}

#[test]
fn eight_bit_pixels_in_big_endian_order() {
    let _alone = one_at_a_time();
    // Expected by pydicom and GDCM alike: bytes (OB) as they stand, words (OW) swapped, the last one with its padding.
    let stored: Vec<u8> = (1..=15).chain([0]).collect();
    let in_words = [2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 0].map(f64::from);
    let in_order: Vec<f64> = (1..=15).map(f64::from).collect();
    for (vr, expected) in [(b"OB", &in_order[..]), (b"OW", &in_words[..])] {
        for (rows, columns) in [(3, 5), (5, 3), (1, 15)] {
            let made = with(|m| {
                m.words((0x0028, 0x0010), &[rows]).words((0x0028, 0x0011), &[columns]);
                m.words((0x0028, 0x0100), &[8]).words((0x0028, 0x0101), &[8]).words((0x0028, 0x0102), &[7]);
                m.raw(PIXELS, vr, &stored);
                (m.claimed, m.written) = (BIG.into(), BIG.into());
            });
            let volume = open_one(&[made]);
            let got: Vec<f64> = (0..15).map(|n| volume.voxels.get(n).unwrap()).collect();
            assert_eq!(got, expected, "{rows} x {columns}");
        }
    }
    // 16-bit words are swapped whatever the representation is called.
    let made = with(|m| {
        (m.claimed, m.written) = (BIG.into(), BIG.into());
        m.elements.get_mut(&PIXELS).unwrap().0 = *b"OB";
    });
    assert_eq!(open_one(&[made]).value([1, 0, 0], 0), 101.0);
}

#[test]
fn data_that_are_not_laid_out_as_the_file_says() {
    let _alone = one_at_a_time();
    for (claimed, written, word) in [(EXPLICIT, IMPLICIT, "implicit"), (IMPLICIT, EXPLICIT, "explicit")] {
        for first in [(0x0008, 0x0000), (0x0008, 0x0005), (0x0008, 0x0008)] {
            let made = with(|m| {
                if first == (0x0008, 0x0000) {
                    m.raw(first, b"UL", &[0x40, 0, 0, 0]);
                } else if first == (0x0008, 0x0005) {
                    m.text(first, b"CS", "");
                }
                (m.claimed, m.written) = (claimed.into(), written.into());
            });
            let volume = open_one(&[made]);
            assert_eq!(volume.value([3, 2, 0], 0), 111.0);
            assert!(warned(&volume, &format!("they are read as {word}")), "{:?}", volume.warnings);
        }
    }
    for (claimed, written) in [(BIG, EXPLICIT), (EXPLICIT, BIG), (IMPLICIT, BIG)] {
        let reason = refusal(&[with(|m| (m.claimed, m.written) = (claimed.into(), written.into()))]);
        assert!(reason.contains("endian"), "{reason}");
    }
    // A transfer syntax nobody knows says nothing of how pixels are stored.
    let private = with(|m| m.claimed = "1.2.840.113619.5.2".into());
    assert!(refusal(&[private]).contains("1.2.840.113619.5.2"));
}

#[test]
fn an_element_with_an_unknown_representation_is_skipped_by_its_length() {
    let _alone = one_at_a_time();
    let private = |vr: &[u8; 2], long: bool, value: &[u8]| {
        let mut bytes = vec![0x19, 0, 1, 0x10];
        bytes.extend(vr);
        if long {
            bytes.extend([0, 0]);
            bytes.extend((value.len() as u32).to_le_bytes());
        } else {
            bytes.extend((value.len() as u16).to_le_bytes());
        }
        bytes.extend(value);
        bytes
    };
    let mut cases = vec![private(b"ZZ", true, b"SOMETHING "), private(b"QQ", false, &[7; 300])];
    for vr in [b"\0\0", b"  ", b"lo", b"??", b"1A", b"\xFF\0"] {
        cases.push(private(vr, false, b"SOMETHING "));
        cases.push(private(vr, false, b""));
        cases.push(private(vr, true, b"0123456789ABCDEF"));
    }
    // The element itself is implicit.
    let mut implicit = vec![0x19, 0, 1, 0x10, 6, 0, 0, 0];
    implicit.extend(b"SECRET");
    cases.push(implicit);
    // Two in a row.
    let mut two = private(b"\0\0", false, b"ABCD");
    two.extend([0x19, 0, 2, 0x10, 0, 0, 4, 0]);
    two.extend(b"EFGH");
    cases.push(two);
    for (n, bytes) in cases.into_iter().enumerate() {
        let made = with(|m| m.inserted.push(((0x0019, 0x1001), bytes)));
        for form in [EXPLICIT, DEFLATED] {
            let mut made = made.clone();
            (made.claimed, made.written) = (form.into(), form.into());
            assert_eq!(open_one(&[made]).value([2, 1, 0], 0), 106.0, "case {n}, {form}");
        }
    }
    // In a sequence whose length is known nothing but that length counts.
    let mut sequence = b"\x19\0\x05\x10SQ\0\0".to_vec();
    sequence.extend(20u32.to_le_bytes());
    sequence.extend([0xFE, 0xFF, 0, 0xE0, 12, 0, 0, 0, 0x19, 0, 1, 0x10, b'!', b'!', 0xFF, 0xFF, 1, 2, 3, 4]);
    let made = with(|m| m.inserted.push(((0x0019, 0x1005), sequence)));
    assert_eq!(open_one(&[made]).value([0, 0, 0], 0), 100.0);
    // Where no length fits there is a sentence for people.
    let reason =
        refusal(&[with(|m| m.inserted.push(((0x0019, 0x1001), b"\x19\0\x01\x10\x16\x07\xFF\xFF\xFF\xFF".to_vec())))]);
    assert!(reason.contains("(0019,1001)") && reason.contains("unknown value representation"), "{reason}");
}

#[test]
fn masks_and_contours_are_named_with_what_to_do() {
    let _alone = one_at_a_time();
    for (class, modality, words) in [
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG", ["a DICOM segmentation", "Segmentation Type is missing"]),
        ("1.2.840.10008.5.1.4.1.1.66.7", "SEG", ["a DICOM segmentation", "Segmentation Type is missing"]),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT", ["RTSTRUCT", "without structures"]),
        ("1.2.3", "RTSTRUCT", ["RTSTRUCT", "without structures"]),
    ] {
        let made = with(|m| done(m.text((0x0008, 0x0016), b"UI", class).text((0x0008, 0x0060), b"CS", modality)));
        let reason = refusal(&[made]);
        assert!(words.iter().all(|word| reason.contains(word)), "{reason}");
    }
}

//! Which files are one volume: each test is a kind of header that parted or merged images wrongly somewhere.

use lamella::volume::Volume;

use super::made_dicom::{Made, done, slice};
use super::{one_at_a_time, open_all, open_one, refusal, slice_values};

const NUMBER: (u16, u16) = (0x0020, 0x0013);
const POSITION: (u16, u16) = (0x0020, 0x0032);
const ORIENTATION: (u16, u16) = (0x0020, 0x0037);
const ACQUISITION: (u16, u16) = (0x0020, 0x0012);
const SOP_UID: (u16, u16) = (0x0008, 0x0018);
const SERIES_UID: (u16, u16) = (0x0020, 0x000E);
const IMAGE_TYPE: (u16, u16) = (0x0008, 0x0008);
const ECHO_TIME: (u16, u16) = (0x0018, 0x0081);
const ECHO_NUMBERS: (u16, u16) = (0x0018, 0x0086);
const SPACING: (u16, u16) = (0x0028, 0x0030);

/// Eight slices, 2 mm apart from z = 5, whose first values are 0, 100, ..., changed one by one.
fn series(mut change: impl FnMut(usize, &mut Made)) -> Vec<Made> {
    (0..8)
        .map(|n| {
            let mut made = slice(n as i64 + 1, 5.0 + 2.0 * n as f64, 100 * n as u16);
            change(n, &mut made);
            made
        })
        .collect()
}

/// All eight slices in order, 2 mm apart.
fn assert_whole(volume: &Volume) {
    assert_eq!(volume.geometry.shape(), [4, 3, 8], "{:?}", volume.warnings);
    assert!((volume.geometry.spacing_mm()[2] - 2.0).abs() < 1e-3);
    assert_eq!(slice_values(volume), [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 700.0]);
}

fn whole(files: &[Made]) -> Volume {
    let volume = open_one(files);
    assert_whole(&volume);
    volume
}

fn warned(volume: &Volume, text: &str) -> bool {
    volume.warnings.iter().any(|w| w.contains(text))
}

#[test]
fn uids_alone_make_no_copies() {
    let _alone = one_at_a_time();
    let all_same = series(|_, m| done(m.text(SOP_UID, b"UI", "1.2.3")));
    assert!(warned(&whole(&all_same), "SOP Instance UID"));
    let pairs = series(|n, m| done(m.text(SOP_UID, b"UI", &format!("1.2.3.{}", n / 2))));
    assert!(warned(&whole(&pairs), "8 images share"));
    let none = series(|_, m| done(m.text(SOP_UID, b"UI", "")));
    whole(&none);
    // A processed series that kept the UIDs is another series.
    let mut both = series(|_, _| ());
    both.extend(series(|n, m| {
        *m = slice(n as i64 + 1, 5.0 + 2.0 * n as f64, 100 * n as u16 + 50);
        m.text(SERIES_UID, b"UI", "1.2.3.99");
    }));
    let (volumes, _) = open_all(&both);
    assert_eq!(volumes.iter().map(|v| slice_values(v)[7]).collect::<Vec<_>>(), [700.0, 750.0]);
}

#[test]
fn real_copies_are_left_out_whatever_their_uid() {
    let _alone = one_at_a_time();
    let mut files = series(|_, _| ());
    files.extend([files[2].clone(), files[7].clone(), files[2].clone()]);
    assert!(whole(&files).warnings.is_empty());
    // Sent again with new UIDs.
    let mut files = series(|_, _| ());
    files.extend(series(|n, m| done(m.text(SOP_UID, b"UI", &format!("1.9.{n}")))));
    assert!(whole(&files).warnings.is_empty());
    // The same UID and place, other pixels: not a copy.
    let mut files = series(|_, _| ());
    let mut other = slice(4, 11.0, 5000);
    other.text(SOP_UID, b"UI", "1.2.3.4.4");
    files.push(other);
    let volume = whole(&files);
    assert!(warned(&volume, "different pixels") && warned(&volume, "share"), "{:?}", volume.warnings);
}

#[test]
fn numbers_are_compared_as_numbers() {
    let _alone = one_at_a_time();
    for values in [["2.46", "2.460"], ["2.46", "2.4600001"], ["+2.46", "246e-2"], ["2.46", "2.461"]] {
        let volume = whole(&series(|n, m| done(m.text(ECHO_TIME, b"DS", values[n % 2]))));
        assert!(volume.warnings.is_empty(), "{values:?}: {:?}", volume.warnings);
    }
    for values in [["0.9\\0.8", "0.900\\0.800"], ["0.9\\0.8", "0.9000005\\0.8"], ["0.90000001\\0.8", "0.89999999\\0.8"]]
    {
        whole(&series(|n, m| done(m.text(SPACING, b"DS", values[n % 2]))));
    }
    let last_digit = series(|n, m| {
        done(m.text(SPACING, b"DS", ["0.4885", "0.4885000002", "0.48849999"][n % 3]).text(
            SPACING,
            b"DS",
            &format!("{0}\\{0}", ["0.4885", "0.4885000002", "0.48849999"][n % 3]),
        ))
    });
    whole(&last_digit);
    for missing in [0, 3, 7] {
        whole(&series(|n, m| {
            if n != missing {
                m.text(ECHO_NUMBERS, b"IS", "1").text(ECHO_TIME, b"DS", "30");
            }
        }));
    }
    let rounded = series(|n, m| {
        done(m.text(
            ORIENTATION,
            b"DS",
            ["1\\0\\0\\0\\1\\0", "1.0\\-0.0\\0\\0\\0.99999\\0", "0.9999\\0\\0.0001\\-1e-5\\1\\0"][n % 3],
        ))
    });
    whole(&rounded);
    let padded = series(|n, m| done(m.text(SERIES_UID, b"UI", ["1.2.3.2", "1.2.3.2 ", "1.2.3.2\0\0"][n % 3])));
    whole(&padded);
}

#[test]
fn two_echoes_stay_two_volumes_however_they_are_written() {
    let _alone = one_at_a_time();
    let mut both = series(|n, m| done(m.text(ECHO_TIME, b"DS", ["10", "10.0", "10.00"][n % 3])));
    both.extend(series(|n, m| {
        *m = slice(n as i64 + 9, 5.0 + 2.0 * n as f64, 100 * n as u16);
        m.text(ECHO_TIME, b"DS", "20").text(ECHO_NUMBERS, b"IS", "2");
        if n == 4 {
            m.without(ECHO_TIME);
        }
    }));
    let (volumes, reasons) = open_all(&both);
    assert_eq!((volumes.len(), reasons.len()), (2, 0));
    volumes.iter().for_each(assert_whole);
}

#[test]
fn a_field_that_alternates_parts_nothing() {
    let _alone = one_at_a_time();
    let fields: [((u16, u16), &[u8; 2], [&str; 2]); 6] = [
        (ECHO_TIME, b"DS", ["2.46", "4.92"]),
        (ECHO_NUMBERS, b"IS", ["1", "2"]),
        (IMAGE_TYPE, b"CS", ["ORIGINAL\\PRIMARY\\M", "ORIGINAL\\PRIMARY\\OTHER"]),
        ((0x0020, 0x0011), b"IS", ["3", "4"]),
        ((0x0028, 0x0004), b"CS", ["MONOCHROME1", "MONOCHROME2"]),
        ((0x0018, 0x1210), b"SH", ["SOFT", "HARD"]),
    ];
    for (tag, vr, values) in fields {
        // Odd and even, the first half and the second, and one slice alone.
        for which in
            [|n: usize| n % 2, |n: usize| n / 4, |n: usize| usize::from(n == 7), |n: usize| usize::from(n == 3)]
        {
            let files = series(|n, m| done(m.text(tag, vr, values[which(n)])));
            assert!(whole(&files).warnings.iter().any(|w| w.contains("differs within the volume")), "{values:?}");
            // One slice was taken twice.
            let mut files = files;
            let mut again = files[5].clone();
            again.text(NUMBER, b"IS", "50").text(SOP_UID, b"UI", "1.2.50").words((0x7FE0, 0x0010), &[9; 12]);
            files.push(again);
            assert!(warned(&whole(&files), "different pixels"), "{values:?}");
        }
    }
    // In a CT only the value that names AXIAL or LOCALIZER counts, and case is no difference.
    let ct = series(|n, m| {
        m.text((0x0008, 0x0060), b"CS", "CT").text(
            IMAGE_TYPE,
            b"CS",
            ["ORIGINAL\\PRIMARY\\AXIAL\\A", "original\\PRIMARY\\axial"][n % 2],
        );
    });
    assert!(whole(&ct).warnings.is_empty());
}

#[test]
fn acquisition_numbers_that_count_slices_part_nothing() {
    let _alone = one_at_a_time();
    for which in [|n: usize| n, |n: usize| n % 2, |n: usize| n / 2, |n: usize| n / 4, |n: usize| 7 - n] {
        let plain = series(|n, m| done(m.text(ACQUISITION, b"IS", &which(n).to_string())));
        assert!(whole(&plain).warnings.is_empty());
        for (repeated, acquisition) in [(3, "50"), (0, "0"), (7, "1")] {
            let mut files = plain.clone();
            let mut again = files[repeated].clone();
            again.text(NUMBER, b"IS", "99").text(SOP_UID, b"UI", "1.2.99").text(ACQUISITION, b"IS", acquisition);
            again.words((0x7FE0, 0x0010), &[9; 12]);
            files.push(again);
            assert!(warned(&whole(&files), "1 image lies at the place of another"));
        }
    }
}

/// A second pass over the same body: `count` slices from `start`, with this field.
fn pass(count: usize, start: f64, first_number: i64, change: impl Fn(&mut Made)) -> Vec<Made> {
    (0..count)
        .map(|n| {
            let mut made = slice(first_number + n as i64, start + 2.0 * n as f64, 1000 + 100 * n as u16);
            made.text(SOP_UID, b"UI", &format!("1.2.3.5.{n}"));
            change(&mut made);
            made
        })
        .collect()
}

#[test]
fn two_passes_off_one_grid_are_two_volumes() {
    let _alone = one_at_a_time();
    let fields: [((u16, u16), &[u8; 2], [&str; 2]); 5] = [
        (ACQUISITION, b"IS", ["1", "2"]),
        ((0x0020, 0x0100), b"IS", ["1", "2"]),
        ((0x0018, 0x1060), b"DS", ["0", "400"]),
        ((0x0008, 0x0032), b"TM", ["101010", "101133.5"]),
        // Nothing but the numbers, which start again at the bottom.
        ((0x0020, 0x0060), b"CS", ["L", "L"]),
    ];
    for (tag, vr, values) in fields {
        for start in [9.7, 5.9, 12.3] {
            let mut files = series(|_, m| done(m.text(tag, vr, values[0])));
            files.extend(pass(6, start, 20, |m| done(m.text(tag, vr, values[1]))));
            let (volumes, reasons) = open_all(&files);
            assert_eq!((volumes.len(), reasons.len()), (2, 0), "{values:?} {start} {reasons:?}");
            assert_whole(&volumes[0]);
            assert_eq!(volumes[1].geometry.shape(), [4, 3, 6]);
            assert!((volumes[1].geometry.spacing_mm()[2] - 2.0).abs() < 1e-6);
        }
    }
    // Half-way between the slices of the other: two volumes, and both say so.
    let mut files = series(|_, m| done(m.text(ACQUISITION, b"IS", "1")));
    files.extend(pass(5, 8.0, 20, |m| done(m.text(ACQUISITION, b"IS", "2"))));
    let (volumes, _) = open_all(&files);
    assert!(volumes.len() == 2 && volumes.iter().all(|v| warned(v, "Acquisition Number")));
    // Nothing tells the passes apart.
    let mut files = series(|n, m| done(m.text(NUMBER, b"IS", &n.to_string()).text(ACQUISITION, b"IS", "1")));
    files.extend(pass(6, 9.7, 0, |m| done(m.text(ACQUISITION, b"IS", "1"))));
    assert!(refusal(&files).contains("not evenly spaced"));
}

#[test]
fn phases_of_different_length_are_volumes_of_their_own() {
    let _alone = one_at_a_time();
    for start in [5.0, 7.0, 9.0] {
        let mut files = series(|_, m| done(m.text(ACQUISITION, b"IS", "1")));
        files.extend(pass(6, start, 20, |m| done(m.text(ACQUISITION, b"IS", "2"))));
        let (volumes, _) = open_all(&files);
        assert_eq!(volumes.len(), 2);
        assert_whole(&volumes[0]);
        assert_eq!(slice_values(&volumes[1]), [1000.0, 1100.0, 1200.0, 1300.0, 1400.0, 1500.0]);
    }
    // A slice is missing in one phase: the other opens, this one asks first.
    let mut files = series(|_, m| done(m.text(ACQUISITION, b"IS", "1")));
    files.extend(pass(8, 5.0, 20, |m| done(m.text(ACQUISITION, b"IS", "2"))));
    files.remove(11);
    let (volumes, reasons) = open_all(&files);
    assert_eq!(volumes.len(), 1);
    assert_whole(&volumes[0]);
    assert!(reasons[0].contains("1 of 8 slices is missing (number 4)"), "{reasons:?}");
}

#[test]
fn time_points_are_put_together_by_what_tells_them() {
    let _alone = one_at_a_time();
    let fields: [((u16, u16), &[u8; 2], [&str; 2]); 4] = [
        (ACQUISITION, b"IS", ["7", "3"]),
        ((0x0020, 0x0100), b"IS", ["2", "1"]),
        ((0x0018, 0x1060), b"DS", ["40.5", "0"]),
        ((0x0008, 0x0032), b"TM", ["235959", "235958"]),
    ];
    for (tag, vr, values) in fields {
        // Instance Numbers are of no use here.
        let mut files = series(|n, m| done(m.text(tag, vr, values[0]).text(NUMBER, b"IS", &((n * 5) % 8).to_string())));
        let second = pass(8, 5.0, 0, |m| done(m.text(tag, vr, values[1])));
        files.extend(second.into_iter().enumerate().map(|(n, mut m)| {
            m.text(NUMBER, b"IS", &(100 + (n * 3) % 8).to_string());
            m
        }));
        let volume = open_one(&files);
        assert_eq!((volume.geometry.shape(), volume.frame_count()), ([4, 3, 8], 2));
        let values = slice_values(&volume);
        assert!(values[..8].iter().all(|&v| v >= 1000.0) && values[8..].iter().all(|&v| v < 1000.0), "{values:?}");
        assert!(volume.warnings.is_empty(), "{:?}", volume.warnings);
    }
    // Nothing tells them: a warning.
    let mut files = series(|n, m| done(m.text(NUMBER, b"IS", &((n * 5) % 8).to_string())));
    files.extend(pass(8, 5.0, 0, |_| ()).into_iter().enumerate().map(|(n, mut m)| {
        m.text(NUMBER, b"IS", &((n * 3) % 8).to_string());
        m
    }));
    assert!(warned(&open_one(&files), "time points may be mixed"));
}

#[test]
fn two_subjects_under_one_series_uid_are_never_one_volume() {
    let _alone = one_at_a_time();
    let fields: [((u16, u16), &[u8; 2], &str); 3] =
        [((0x0010, 0x0020), b"LO", "P2"), ((0x0020, 0x000D), b"UI", "1.2.7"), ((0x0020, 0x0052), b"UI", "1.2.8")];
    for (tag, vr, value) in fields {
        for start in [5.0, 6.0, 21.0] {
            let mut files = series(|_, _| ());
            files.extend(pass(8, start, 1, |m| done(m.text(tag, vr, value))));
            let (volumes, _) = open_all(&files);
            assert_eq!(volumes.len(), 2);
            assert!(
                volumes.iter().all(|v| v.frame_count() == 1 && warned(v, "although they share a Series Instance UID"))
            );
            let first = volumes.iter().find(|v| slice_values(v)[0] == 0.0).unwrap();
            assert_whole(first);
        }
    }
    // Only the name tells them apart.
    let mut files = series(|_, _| ());
    files.extend(pass(8, 5.0, 20, |m| done(m.text((0x0010, 0x0010), b"PN", "MADE^TWO"))));
    let (volumes, _) = open_all(&files);
    assert!(volumes.len() == 2 && volumes.iter().all(|v| v.frame_count() == 1));
    // A value that is missing or padded is no other one.
    let files = series(|n, m| {
        if n % 2 == 0 {
            m.without((0x0020, 0x0052)).text((0x0010, 0x0020), b"LO", "P1  ");
        }
    });
    assert!(whole(&files).warnings.is_empty());
    // One UID per slice says nothing.
    let scrambled = series(|n, m| done(m.text((0x0020, 0x0052), b"UI", &format!("1.2.{n}"))));
    assert!(warned(&whole(&scrambled), "Frame of Reference UID"));
}

#[test]
fn parts_that_fill_each_others_gaps_say_so() {
    let _alone = one_at_a_time();
    // Pixels of another kind cannot be joined: both volumes say what parts them.
    let files = series(|n, m| {
        if n % 2 == 1 {
            m.words((0x0028, 0x0100), &[32]).words((0x0028, 0x0101), &[32]).words((0x0028, 0x0102), &[31]);
            m.raw((0x7FE0, 0x0010), b"OW", &[1; 48]);
        }
    });
    let (volumes, _) = open_all(&files);
    assert!(
        volumes.len() == 2 && volumes.iter().all(|v| warned(v, "Bits Allocated")),
        "{:?}",
        volumes.iter().map(|v| &v.warnings).collect::<Vec<_>>()
    );
    let files = series(|n, m| done(m.text(SPACING, b"DS", ["0.9\\0.8", "0.7\\0.7"][n % 2])));
    let (volumes, _) = open_all(&files);
    assert!(volumes.len() == 2 && volumes.iter().all(|v| warned(v, "Pixel Spacing")));
    // An anonymiser gave every slice, or every second, a series of its own.
    for parts in [8, 2] {
        let files = series(|n, m| done(m.text(SERIES_UID, b"UI", &format!("1.2.{}", n % parts))));
        let (volumes, _) = open_all(&files);
        assert!(volumes.len() == parts && volumes.iter().all(|v| warned(v, "Series Instance UID")));
    }
    // Two scans one below the other are two scans.
    let mut files = series(|_, _| ());
    files.extend(pass(8, 21.0, 1, |m| done(m.text(SERIES_UID, b"UI", "1.2.9"))));
    let (volumes, _) = open_all(&files);
    assert!(volumes.len() == 2 && volumes.iter().all(|v| v.warnings.is_empty()));
}

#[test]
fn signs_and_sizes_of_values_may_differ_from_slice_to_slice() {
    let _alone = one_at_a_time();
    let files = series(|n, m| {
        if n == 3 {
            m.words((0x0028, 0x0103), &[1]).words((0x7FE0, 0x0010), &[0xFFFF - 4; 12]);
        }
        if n == 5 {
            m.words((0x0028, 0x0101), &[12]).words((0x0028, 0x0102), &[11]);
        }
        if n == 6 {
            m.words((0x7FE0, 0x0010), &[60000; 12]);
        }
    });
    assert_eq!(slice_values(&open_one(&files)), [0.0, 100.0, 200.0, -5.0, 400.0, 500.0, 60000.0, 700.0]);
}

#[test]
fn places_that_are_rounded_reversed_or_jittered() {
    let _alone = one_at_a_time();
    let oblique = |digits: usize, n: usize| {
        let z = 2.0 * n as f64;
        let (y, z) = (-15.0 - z * 0.479_425_538, 5.0 + z * 0.877_582_562);
        format!("-20\\{y:.digits$}\\{z:.digits$}")
    };
    for digits in [2, 3, 6] {
        let files = series(|n, m| {
            m.text(POSITION, b"DS", &oblique(digits, n));
            m.text(ORIENTATION, b"DS", ["1\\0\\0\\0\\0.877583\\0.479426", "1\\0\\0\\0\\0.87758\\0.47943"][n % 2]);
        });
        let volume = whole(&files);
        assert!(volume.warnings.is_empty(), "{:?}", volume.warnings);
    }
    let reversed = series(|n, m| done(m.text(NUMBER, b"IS", &(8 - n).to_string())));
    assert!(whole(&reversed).warnings.is_empty());
    for number in ["1", ""] {
        assert!(whole(&series(|_, m| done(m.text(NUMBER, b"IS", number)))).warnings.is_empty());
    }
    // Slices of five micrometres are slices.
    let tiny = series(|n, m| {
        m.text(POSITION, b"DS", &format!("0\\0\\{}", 0.005 * n as f64)).text(SPACING, b"DS", "0.005\\0.005");
    });
    let volume = open_one(&tiny);
    assert_eq!((volume.geometry.shape(), volume.frame_count()), ([4, 3, 8], 1));
    assert!((volume.geometry.spacing_mm()[2] - 0.005).abs() < 1e-9);
    for missing in [1, 3, 6] {
        let mut files = series(|_, _| ());
        files.remove(missing);
        let named = format!("1 of 8 slices is missing (number {}) and is left empty", missing + 1);
        assert!(refusal(&files).contains(&named));
    }
    let all_at_one =
        series(|n, m| done(m.text(POSITION, b"DS", "0\\0\\0").text((0x0020, 0x1041), b"DS", &n.to_string())));
    assert!(refusal(&all_at_one).contains("Slice Location"));
    let cine =
        series(|n, m| done(m.text(POSITION, b"DS", "0\\0\\0").text((0x0018, 0x1060), b"DS", &(40 * n).to_string())));
    let volume = open_one(&cine);
    assert_eq!((volume.geometry.shape(), volume.frame_count()), ([4, 3, 1], 8));
    assert!(warned(&volume, "one place"));
}

#[test]
fn only_a_lean_that_moves_voxels_is_told_and_only_a_ct_has_a_gantry() {
    let _alone = one_at_a_time();
    // Along y, over 14 mm and pixels of 0.8 mm: 0.3 mm is nothing, 1 mm is.
    for (modality, aside, words) in [
        ("MR", 0.3, None),
        ("CT", 0.39, None),
        ("MR", 1.0, Some("off their normal;")),
        ("CT", 1.0, Some("(gantry tilt)")),
    ] {
        let files = series(|n, m| {
            let y = -15.0 + aside * n as f64 / 7.0;
            m.text((0x0008, 0x0060), b"CS", modality);
            m.text(POSITION, b"DS", &format!("-20\\{y}\\{}", 5.0 + 2.0 * n as f64));
        });
        let volume = open_one(&files);
        match words {
            None => assert!(volume.warnings.is_empty(), "{:?}", volume.warnings),
            Some(words) => assert!(warned(&volume, words), "{:?}", volume.warnings),
        }
        assert!(modality == "CT" || !warned(&volume, "gantry"));
    }
}

#[test]
fn images_without_a_place_are_not_lost_in_silence() {
    let _alone = one_at_a_time();
    let files = series(|n, m| {
        if n == 7 {
            m.without(POSITION);
        }
    });
    let (volumes, _) = open_all(&files);
    let seven = volumes.iter().find(|v| v.geometry.shape()[2] == 7).unwrap();
    assert!(warned(seven, "gives no place"));
    let files = series(|n, m| {
        if n == 2 {
            m.without(ORIENTATION);
        }
    });
    assert!(warned(&whole(&files), "Image Orientation (Patient)"));
    whole(&series(|n, m| {
        if n == 4 {
            m.without(SPACING);
        }
    }));
    let bare = |number: fn(usize) -> String| {
        series(|n, m| done(m.without(POSITION).without(ORIENTATION).text(NUMBER, b"IS", &number(n))))
    };
    assert_whole(&open_one(&bare(|n| n.to_string())));
    for number in [|_: usize| "1".to_string(), |_: usize| String::new(), |n: usize| (n / 2).to_string()] {
        assert!(refusal(&bare(number)).contains("Instance Number"));
    }
}

#[test]
fn a_volume_without_a_file_that_cannot_be_read_says_so() {
    let _alone = one_at_a_time();
    for (tag, value) in [((0x0028, 0x1052), "1 HU"), ((0x0020, 0x0032), "-20\\-15"), ((0x0028, 0x0030), "0.9\\thin")] {
        let files = series(|n, m| {
            if n == 7 {
                m.text(tag, b"DS", value);
            }
        });
        let (volumes, reasons) = open_all(&files);
        assert_eq!((volumes.len(), reasons.len()), (1, 1));
        assert!(volumes[0].geometry.shape()[2] == 7 && warned(&volumes[0], "cannot be read"));
    }
}

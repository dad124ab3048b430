//! Stacks beside each other, places that are rounded, and what tells time points apart.

use super::frames::{at_place, enhanced};
use super::made_dicom::{Made, done, slice};
use super::{one_at_a_time, open_all, open_one, slice_values};
use lamella::volume::Volume;
use proptest::prelude::*;

const POSITION: (u16, u16) = (0x0020, 0x0032);
const ACQUISITION_TIME: (u16, u16) = (0x0008, 0x0032);

/// A slice at this place whose first value is `value`.
fn placed(number: usize, [x, y, z]: [f64; 3], value: usize) -> Made {
    let mut made = slice(number as i64, z, value as u16);
    made.text(POSITION, b"DS", &format!("{x}\\{y}\\{z}"));
    made
}

/// Where the first voxel of each volume lies and the first values of its slices, in the order of the places.
fn found(volumes: &[Volume]) -> Vec<([f64; 3], usize, Vec<f64>)> {
    let mut all: Vec<_> =
        volumes.iter().map(|v| (v.geometry.world_at([0, 0, 0]), v.frame_count(), slice_values(v))).collect();
    all.sort_by(|a, b| b.0[0].total_cmp(&a.0[0]).then(b.0[1].total_cmp(&a.0[1])));
    all
}

fn warned(volume: &Volume, text: &str) -> bool {
    volume.warnings.iter().any(|w| w.contains(text))
}

#[test]
fn stacks_side_by_side_are_volumes_of_their_own() {
    let _alone = one_at_a_time();
    // By image, by stack; and as close as a patient who moved 3 mm between two times.
    for (order, apart) in [([6, 1], 100.0), ([1, 2], 100.0), ([6, 1], 3.0), ([1, 2], 0.9)] {
        let files: Vec<Made> = (0..2)
            .flat_map(|stack| (0..6).map(move |k| (stack, k)))
            .map(|(stack, k)| {
                let number = stack * order[0] + k * order[1] + 1;
                placed(number, [10.0 + apart * stack as f64, 20.0, 30.0 + 2.0 * k as f64], 600 * stack + 100 * k)
            })
            .collect();
        let (volumes, reasons) = open_all(&files);
        // Left of the patient is positive in the file, right of him here.
        let values = |stack: usize| (0..6).map(|k| (600 * stack + 100 * k) as f64).collect::<Vec<_>>();
        let expected = [([-10.0, -20.0, 30.0], 1, values(0)), ([-10.0 - apart, -20.0, 30.0], 1, values(1))];
        assert_eq!(found(&volumes), expected, "{apart} {reasons:?}");
        assert!(volumes.iter().all(|v| warned(v, "apart in plane") && v.geometry.spacing_mm()[2] == 2.0));
    }
    // Less than half a pixel (0.8 mm) is rounding.
    let files: Vec<Made> = (0..12)
        .map(|n| placed(n + 1, [10.0 + 0.39 * (n / 6) as f64, 20.0, 30.0 + 2.0 * (n % 6) as f64], 100 * n))
        .collect();
    let volume = open_one(&files);
    assert_eq!((volume.frame_count(), volume.geometry.shape()), (2, [4, 3, 6]));
}

#[test]
fn stacks_side_by_side_in_one_object_without_stack_id() {
    let _alone = one_at_a_time();
    let frames: Vec<_> = (0..10)
        .map(|k| vec![at_place([10.0 + 100.0 * f64::from(k / 5), 20.0, 30.0 + 2.0 * f64::from(k % 5)])])
        .collect();
    let (volumes, reasons) = open_all(&[enhanced(&frames)]);
    let values = |from: usize| (from..from + 5).map(|n| 100.0 * n as f64).collect::<Vec<_>>();
    let expected = [([-10.0, -20.0, 30.0], 1, values(1)), ([-110.0, -20.0, 30.0], 1, values(6))];
    assert_eq!(found(&volumes), expected, "{reasons:?}");
}

#[test]
fn a_tilted_scan_stays_one_and_two_of_them_side_by_side_are_two() {
    let _alone = one_at_a_time();
    // A gantry that leans by 20 degrees moves each slice by 1.82 mm along y.
    let lean = 20.0f64.to_radians().tan();
    let tilted = |from: f64, first: usize| {
        (0..6).map(move |k| {
            let z = 5.0 * k as f64;
            placed(first + k + 1, [10.0, from + (lean * z * 1e4).round() / 1e4, z], 100 * (first + k))
        })
    };
    // Two times of a tilted scan.
    let files: Vec<Made> = tilted(20.0, 0).chain(tilted(20.0, 6)).collect();
    let volume = open_one(&files);
    assert_eq!((volume.frame_count(), volume.geometry.shape()[2]), (2, 6));
    assert!(warned(&volume, "off their normal") && !warned(&volume, "in plane"), "{:?}", volume.warnings);
    // The second is 3 mm aside: nearer to the next slice of the first than to its own, now and then.
    for aside in [3.0, -3.0, 60.0] {
        let files: Vec<Made> = tilted(20.0, 0).chain(tilted(20.0 + aside, 6)).collect();
        let (volumes, reasons) = open_all(&files);
        let mut values: Vec<Vec<f64>> = volumes.iter().map(slice_values).collect();
        values.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let expected = |from: usize| (from..from + 6).map(|n| 100.0 * n as f64).collect::<Vec<_>>();
        assert_eq!(values, [expected(0), expected(6)], "{aside} {reasons:?}");
    }
    // One begins above the other and ends above it: only some of their places are the same.
    let files: Vec<Made> = (0..6)
        .map(|k| placed(k + 1, [10.0, 20.0, 2.0 * k as f64], 100 * k))
        .chain((0..6).map(|k| placed(k + 7, [60.0, 20.0, 2.0 * (k + 3) as f64], 100 * (k + 6))))
        .collect();
    let (volumes, _) = open_all(&files);
    let starts: Vec<([f64; 3], usize)> = found(&volumes).into_iter().map(|(at, _, v)| (at, v.len())).collect();
    assert_eq!(starts, [([-10.0, -20.0, 0.0], 6), ([-60.0, -20.0, 6.0], 6)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_stacks_are_parted_however_they_lean_and_whichever_way_they_lie(
        count in 3usize..8,
        later in 0usize..3,
        mm in 0.5..6.0f64,
        lean in [-0.4..0.4f64, -0.4..0.4],
        turn in 0.0..6.0f64,
        far in 0.9..40.0f64,
        is_by_slice in any::<bool>(),
    ) {
        let _alone = one_at_a_time();
        // Where only one of them lies at first, it must be nearer to its own next slice than to the other's.
        let far = if later > 0 { far.max(1.5 * mm) } else { far };
        let aside = [far * turn.cos(), far * turn.sin()];
        let mut files = Vec::new();
        for stack in 0..2 {
            for k in 0..count {
                let z = mm * (k + stack * later) as f64;
                let at = |n: usize| (1e4 * (10.0 + lean[n] * z + aside[n] * stack as f64)).round() / 1e4;
                let number = if is_by_slice { 2 * k + stack } else { count * stack + k };
                files.push(placed(number + 1, [at(0), at(1), (1e4 * z).round() / 1e4], 1000 * stack + 100 * k));
            }
        }
        let (volumes, reasons) = open_all(&files);
        let mut values: Vec<Vec<f64>> = volumes.iter().map(slice_values).collect();
        values.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let expected = |stack: usize| (0..count).map(|k| (1000 * stack + 100 * k) as f64).collect::<Vec<_>>();
        prop_assert_eq!(values, vec![expected(0), expected(1)], "{:?}", reasons);
    }
}

#[test]
fn images_that_scatter_in_plane_say_so() {
    let _alone = one_at_a_time();
    let files: Vec<Made> =
        (0..140).map(|n| placed(n + 1, [10.0 + 7.0 * (n / 2) as f64, 20.0, 30.0 + 2.0 * (n % 2) as f64], n)).collect();
    let (volumes, reasons) = open_all(&files);
    assert!(volumes.iter().all(|v| warned(v, "483.0 mm apart in plane")), "{} {reasons:?}", volumes.len());
}

#[test]
fn places_rounded_to_a_tenth_are_even() {
    let _alone = one_at_a_time();
    // 1.25 mm apart: numpy.round(30 + 1.25 * numpy.arange(20), 1) and the same rounded up.
    let even = [
        30.0, 31.2, 32.5, 33.8, 35.0, 36.2, 37.5, 38.8, 40.0, 41.2, 42.5, 43.8, 45.0, 46.2, 47.5, 48.8, 50.0, 51.2,
        52.5, 53.8,
    ];
    let up = even.map(|z: f64| if (z * 10.0).round() % 10.0 == 2.0 { z + 0.1 } else { z });
    for zs in [even, up] {
        let files: Vec<Made> =
            zs.iter().enumerate().map(|(n, z)| placed(n + 1, [-20.5, -15.25, (z * 10.0).round() / 10.0], n)).collect();
        let volume = open_one(&files);
        assert_eq!(volume.geometry.shape(), [4, 3, 20]);
        assert!((volume.geometry.spacing_mm()[2] - 23.8 / 19.0).abs() < 1e-9);
        assert!(warned(&volume, "rounded to 0.1 mm") && volume.warnings.len() == 1, "{:?}", volume.warnings);
    }
    // One slice that lies a tenth aside is not rounded: nothing rounds to 1.4 and 1.1.
    for zs in [[0.0, 1.2, 2.5, 3.9, 5.0], [0.0, 1.25, 2.5, 3.85, 5.0]] {
        let files: Vec<Made> = zs.iter().enumerate().map(|(n, &z)| placed(n + 1, [-20.5, -15.0, z], n)).collect();
        let (volumes, reasons) = open_all(&files);
        assert!(volumes.is_empty() && reasons[0].contains("not evenly spaced"), "{zs:?} {reasons:?}");
    }
    // A slice is missing, and one only.
    let files: Vec<Made> =
        even.iter().enumerate().filter(|(n, _)| *n != 7).map(|(n, &z)| placed(n + 1, [-20.5, -15.0, z], n)).collect();
    let (_, reasons) = open_all(&files);
    assert!(reasons[0].contains("1 of 20 slices is missing (number 8)"), "{reasons:?}");
}

/// Two slices at each of three times, which nothing but this tells: numbers are the same for all times.
fn three_times(mut change: impl FnMut(usize, &mut Made)) -> Vec<Made> {
    let mut files = Vec::new();
    // Files come in another order for each place.
    for (k, order) in [[1, 2, 0], [2, 0, 1]].into_iter().enumerate() {
        for time in order {
            let mut made = slice(k as i64 + 1, 2.0 * k as f64, (1000 * time + 100 * k) as u16);
            made.text((0x0008, 0x0018), b"UI", &format!("1.2.3.4.{k}.{time}"));
            change(time, &mut made);
            files.push(made);
        }
    }
    files
}

const IN_ORDER: [f64; 6] = [0.0, 100.0, 1000.0, 1100.0, 2000.0, 2100.0];

#[test]
fn times_are_told_by_reference_time_inversion_and_flip_angle() {
    let _alone = one_at_a_time();
    let fields: [((u16, u16), [&str; 3], [&str; 3]); 3] = [
        ((0x0054, 0x1300), ["500", "1500.5", "2500"], ["0.5 s", "1.5 s", "2.5 s"]),
        ((0x0018, 0x0082), ["50", "400", "1100.0"], ["inversion 50 ms", "inversion 400 ms", "inversion 1100 ms"]),
        ((0x0018, 0x1314), ["2", "5", "15"], ["flip angle 2\u{b0}", "flip angle 5\u{b0}", "flip angle 15\u{b0}"]),
    ];
    for (tag, values, names) in fields {
        let volume = open_one(&three_times(|time, m| done(m.text(tag, b"DS", values[time]))));
        assert_eq!((volume.frame_count(), slice_values(&volume)), (3, IN_ORDER.to_vec()), "{values:?}");
        assert!(!warned(&volume, "may be mixed"));
        assert_eq!(volume.frame_names[..], names, "{values:?}");
    }
    assert!(warned(&open_one(&three_times(|_, _| ())), "may be mixed"));
}

#[test]
fn times_without_a_date_go_on_past_midnight() {
    let _alone = one_at_a_time();
    for times in [["235950", "000010", "000030"], ["235950", "235955.5", "000001"], ["220000", "030000", "080000"]] {
        let volume = open_one(&three_times(|time, m| done(m.text(ACQUISITION_TIME, b"TM", times[time]))));
        assert_eq!(slice_values(&volume), IN_ORDER, "{times:?}");
    }
    let volume =
        open_one(&three_times(|time, m| done(m.text(ACQUISITION_TIME, b"TM", ["235950", "000010", "000030"][time]))));
    assert_eq!(volume.frame_names, ["0 s", "20 s", "40 s"]);
    // A long day is a day, and a date says which.
    let volume =
        open_one(&three_times(|time, m| done(m.text(ACQUISITION_TIME, b"TM", ["080000", "120000", "180000"][time]))));
    assert_eq!(slice_values(&volume), IN_ORDER);
    let volume = open_one(&three_times(|time, m| {
        m.text((0x0008, 0x0022), b"DA", "20200101");
        m.text(ACQUISITION_TIME, b"TM", ["000010", "000030", "235950"][time]);
    }));
    assert_eq!(slice_values(&volume), IN_ORDER);
}

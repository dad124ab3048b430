//! Objects whose places or pixel distances stand elsewhere: gamma cameras, ultrasound, X-ray and films.

use super::frames::{count_frames, element, enhanced, group, items};
use super::made_dicom::{Made, done, slice};
use super::{one_at_a_time, open_all, open_one, refusal, slice_values};
use lamella::volume::Volume;

const SPACING: (u16, u16) = (0x0028, 0x0030);
const INCREMENT: (u16, u16) = (0x0028, 0x0009);
const ENERGY: u16 = 0x0010;
const DETECTOR: u16 = 0x0020;
const PHASE: u16 = 0x0030;
const TIME_SLOT: u16 = 0x0070;
const SLICE: u16 = 0x0080;

fn warned(volume: &Volume, text: &str) -> bool {
    volume.warnings.iter().any(|w| w.contains(text))
}

/// An image without Pixel Spacing and place.
fn flat(change: impl FnOnce(&mut Made)) -> Volume {
    let mut made = slice(1, 0.0, 0);
    made.without((0x0020, 0x0032)).without((0x0020, 0x0037)).without(SPACING);
    change(&mut made);
    open_one(&[made])
}

fn spacing(volume: &Volume) -> [f64; 2] {
    let [x, y, _] = volume.geometry.spacing_mm();
    [x, y].map(|mm| (mm * 1e9).round() / 1e9)
}

#[test]
fn the_distance_of_pixels_comes_from_elsewhere_and_says_from_where() {
    let _alone = one_at_a_time();
    let (imager, factor) = ((0x0018, 0x1164), (0x0018, 0x1114));
    let volume = flat(|m| done(m.text(imager, b"DS", "0.3\\0.15").text(factor, b"DS", "1.5")));
    assert_eq!(spacing(&volume), [0.1, 0.2]);
    assert!(warned(&volume, "Estimated Radiographic Magnification Factor, 1.5"), "{:?}", volume.warnings);
    let volume = flat(|m| done(m.text(imager, b"DS", "0.3\\0.15")));
    assert_eq!(spacing(&volume), [0.15, 0.3]);
    assert!(warned(&volume, "at the detector is taken"), "{:?}", volume.warnings);
    let volume = flat(|m| done(m.text((0x0018, 0x2010), b"DS", "0.2\\0.3")));
    assert_eq!(spacing(&volume), [0.3, 0.2]);
    assert!(warned(&volume, "Nominal Scanned Pixel Spacing"), "{:?}", volume.warnings);
    // Twice as tall as wide.
    let volume = flat(|m| done(m.text((0x0028, 0x0034), b"IS", "2\\1")));
    assert_eq!(spacing(&volume), [1.0, 2.0]);
    assert!(warned(&volume, "Pixel Aspect Ratio") && warned(&volume, "not reliable"), "{:?}", volume.warnings);
    // The image's own spacing is taken without a word.
    let volume = flat(|m| done(m.text(SPACING, b"DS", "0.9\\0.8").text(imager, b"DS", "0.3\\0.15")));
    assert_eq!(spacing(&volume), [0.8, 0.9]);
    assert!(!volume.warnings.iter().any(|w| w.contains("pacing is missing")));
}

fn region(units: u16, delta: f64) -> Vec<u8> {
    let word = |tag: u16, value: u16| element((0x0018, tag), b"US", &value.to_le_bytes());
    let long = |tag: u16, value: u32| element((0x0018, tag), b"UL", &value.to_le_bytes());
    let real = |tag: u16, value: f64| element((0x0018, tag), b"FD", &value.to_le_bytes());
    [
        word(0x6012, 1),
        long(0x6018, 0),
        long(0x601A, 0),
        long(0x601C, 3),
        long(0x601E, 2),
        word(0x6024, units),
        word(0x6026, units),
        real(0x602C, delta),
        real(0x602E, 2.0 * delta),
    ]
    .concat()
}

#[test]
fn the_one_region_of_an_ultrasound_image_has_a_scale() {
    let _alone = one_at_a_time();
    let open = |regions: &[Vec<u8>]| flat(|m| done(m.raw((0x0018, 0x6011), b"SQ", &items(regions))));
    let volume = open(&[region(3, 0.05)]);
    assert_eq!(spacing(&volume), [0.5, 1.0]);
    assert!(warned(&volume, "ultrasound region") && warned(&volume, "columns 0 to 3 and rows 0 to 2"));
    // A curve in seconds is no image; of two images nobody knows which is meant.
    assert_eq!(spacing(&open(&[region(4, 0.01), region(3, 0.05)])), [0.5, 1.0]);
    for regions in [vec![region(3, 0.05), region(3, 0.1)], vec![region(4, 0.05)], vec![]] {
        let volume = open(&regions);
        assert!(spacing(&volume) == [1.0, 1.0] && warned(&volume, "gives no pixel spacing"), "{:?}", volume.warnings);
    }
    // A sequence that is broken costs the scale, not the image.
    let mut broken = region(3, 0.05);
    let end = broken.len() - 10;
    broken[end..end + 2].copy_from_slice(&[0xFF, 0x7F]);
    assert!(warned(&open(&[broken]), "gives no pixel spacing"));
}

/// A reconstruction of a gamma camera whose frames are numbered by these vectors, the first slice at z = 300.
fn camera(distance: &str, vectors: &[(u16, &[u16])]) -> Made {
    let mut made = slice(1, 0.0, 0);
    made.without((0x0020, 0x0032)).without((0x0020, 0x0037));
    made.text((0x0008, 0x0016), b"UI", "1.2.840.10008.5.1.4.1.1.20").text((0x0008, 0x0060), b"CS", "NM");
    made.text((0x0008, 0x0008), b"CS", "ORIGINAL\\PRIMARY\\RECON TOMO\\EMISSION");
    made.text((0x0018, 0x0088), b"DS", distance);
    let place =
        [element((0x0020, 0x0032), b"DS", b"-10\\-20\\300"), element((0x0020, 0x0037), b"DS", b"1\\0\\0\\0\\1\\0")];
    made.raw((0x0054, 0x0022), b"SQ", &items(&[place.concat()]));
    let named: Vec<u8> = vectors.iter().flat_map(|(tag, _)| [&[0x54, 0][..], &tag.to_le_bytes()].concat()).collect();
    made.raw(INCREMENT, b"AT", &named);
    vectors.iter().for_each(|(tag, values)| done(made.words((0x0054, *tag), values)));
    count_frames(&mut made, vectors.first().map_or(1, |(_, values)| values.len()));
    made
}

fn heights(volume: &Volume) -> Vec<f64> {
    (0..volume.geometry.shape()[2]).map(|k| volume.geometry.world_at([0, 0, k])[2]).collect()
}

#[test]
fn slices_of_a_gamma_camera_lie_where_its_detector_says() {
    let _alone = one_at_a_time();
    // As SimpleITK places them: from the detector's position, along the normal.
    let volume = open_one(&[camera("2.5", &[(SLICE, &[1, 2, 3])])]);
    assert_eq!(volume.geometry.world_at([0, 0, 0]), [10.0, 20.0, 300.0]);
    assert_eq!((heights(&volume), slice_values(&volume)), (vec![300.0, 302.5, 305.0], vec![100.0, 200.0, 300.0]));
    assert!(volume.warnings.is_empty(), "{:?}", volume.warnings);
    // Against the normal, which the standard allows here and nowhere else (PS3.3 C.8.4.15).
    let volume = open_one(&[camera("-2.5", &[(SLICE, &[1, 2, 3])])]);
    assert_eq!((heights(&volume), slice_values(&volume)), (vec![295.0, 297.5, 300.0], vec![300.0, 200.0, 100.0]));
    // The vector, not the order of the frames, says which slice is which.
    let volume = open_one(&[camera("2.5", &[(SLICE, &[3, 1, 2])])]);
    assert_eq!((heights(&volume), slice_values(&volume)), (vec![300.0, 302.5, 305.0], vec![200.0, 300.0, 100.0]));
}

#[test]
fn windows_are_volumes_and_time_slots_are_times_of_a_gamma_camera() {
    let _alone = one_at_a_time();
    let slices: (u16, &[u16]) = (SLICE, &[1, 2, 3, 1, 2, 3]);
    for tag in [ENERGY, DETECTOR] {
        for placed in [true, false] {
            let mut made = camera("2.5", &[(tag, &[1, 1, 1, 2, 2, 2]), slices]);
            if !placed {
                made.without((0x0054, 0x0022));
            }
            let (volumes, reasons) = open_all(&[made]);
            let mut found: Vec<_> = volumes.iter().map(|v| (v.frame_count(), slice_values(v))).collect();
            found.sort_by(|a, b| a.1[0].total_cmp(&b.1[0]));
            let expected = [(1, vec![100.0, 200.0, 300.0]), (1, vec![400.0, 500.0, 600.0])];
            assert_eq!(found, expected, "{tag:x} {placed} {reasons:?}");
        }
    }
    for placed in [true, false] {
        // The second time comes first in the file.
        let mut made = camera("2.5", &[(TIME_SLOT, &[2, 2, 2, 1, 1, 1]), slices]);
        if !placed {
            made.without((0x0054, 0x0022));
        }
        let volume = open_one(&[made]);
        assert_eq!((volume.geometry.shape()[2], volume.frame_count()), (3, 2), "{placed}");
        assert_eq!(slice_values(&volume), [400.0, 500.0, 600.0, 100.0, 200.0, 300.0]);
        assert_eq!(volume.frame_names, ["time point 1", "time point 2"]);
        assert_eq!(warned(&volume, "no position or orientation"), !placed);
    }
    // Both together.
    let made = camera("2.5", &[(ENERGY, &[1, 1, 2, 2]), (TIME_SLOT, &[1, 2, 1, 2]), (SLICE, &[1, 1, 1, 1])]);
    let (volumes, reasons) = open_all(&[made]);
    let found: Vec<_> = volumes.iter().map(|v| (v.frame_count(), slice_values(v))).collect();
    assert_eq!(found, [(2, vec![100.0, 200.0]), (2, vec![300.0, 400.0])], "{reasons:?}");
}

#[test]
fn volumes_of_one_series_are_told_apart_by_their_names() {
    let _alone = one_at_a_time();
    let names = |made: &[Made]| -> Vec<String> {
        let (volumes, reasons) = open_all(made);
        let mut names: Vec<String> = volumes.into_iter().map(|volume| volume.name).collect();
        names.sort();
        assert!(names.len() > 1, "{names:?} {reasons:?}");
        names
    };
    let slices: (u16, &[u16]) = (SLICE, &[1, 2, 3, 1, 2, 3]);
    let mut made = camera("2.5", &[(ENERGY, &[1, 1, 1, 2, 2, 2]), slices]);
    assert_eq!(names(&[made.clone()]), ["made, energy window 1", "made, energy window 2"]);
    let window = |name: &str| element((0x0054, 0x0018), b"SH", name.as_bytes());
    made.raw((0x0054, 0x0012), b"SQ", &items(&[window("Tc99m "), window("Scatter ")]));
    assert_eq!(names(&[made]), ["made, energy window 1 (Tc99m)", "made, energy window 2 (Scatter)"]);
    let made = camera("2.5", &[(DETECTOR, &[1, 1, 1, 2, 2, 2]), slices]);
    assert_eq!(names(&[made]), ["made, detector 1", "made, detector 2"]);
    // Two voltages of a tube, two energies of a spectral CT, planes of a localizer, and a part of another size.
    let two = |change: &dyn Fn(&mut Made, i64)| -> Vec<Made> {
        let slice_of = |n: i64| {
            let mut made = slice(n + 1, (n % 3) as f64 * 2.0, n as u16 * 100);
            change(&mut made, n / 3);
            made
        };
        (0..6).map(slice_of).collect()
    };
    let made = two(&|made, part| done(made.text((0x0018, 0x0060), b"DS", ["80", "140"][part as usize])));
    assert_eq!(names(&made), ["made, 140 kV", "made, 80 kV"]);
    let energy = [70.0f64, 140.0].map(|kev| kev.to_le_bytes().to_vec());
    let made = two(&|made, part| done(made.raw((0x0018, 0x937C), b"FD", &energy[part as usize])));
    assert_eq!(names(&made), ["made, 140 keV", "made, 70 keV"]);
    let turned = "0\\1\\0\\0\\0\\-1";
    let made = two(&|made, part| {
        if part == 1 {
            done(made.text((0x0020, 0x0037), b"DS", turned))
        }
    });
    let found = names(&made);
    assert!(found.contains(&"made, axial".to_string()) && found[1].starts_with("made, sagittal"), "{found:?}");
    // Nobody's name, whoever it is of.
    let made = two(&|made, part| done(made.text((0x0010, 0x0010), b"PN", ["A^ONE", "B^TWO"][part as usize])));
    assert_eq!(names(&made), ["made, part 1", "made, part 2"]);
}

#[test]
fn projections_are_no_slices_and_vectors_must_fit() {
    let _alone = one_at_a_time();
    let mut made = camera("2.5", &[(DETECTOR, &[1, 1, 2, 2]), (PHASE, &[1, 1, 1, 1])]);
    made.text((0x0008, 0x0008), b"CS", "ORIGINAL\\PRIMARY\\DYNAMIC\\EMISSION");
    let volume = open_one(&[made]);
    assert_eq!((volume.geometry.shape()[2], slice_values(&volume)), (1, vec![100.0, 200.0, 300.0, 400.0]));
    assert!(warned(&volume, "4 frames are projections of a gamma camera (2 detectors)"), "{:?}", volume.warnings);
    let mut short = camera("2.5", &[(ENERGY, &[1, 1, 2, 2]), (SLICE, &[1, 2, 1, 2])]);
    short.words((0x0054, SLICE), &[1, 2]);
    assert!(refusal(&[short.clone()]).contains("Slice Vector has 2 values for 4 frames"));
    short.without((0x0054, SLICE));
    assert!(refusal(&[short]).contains("names Slice Vector, which is missing"));
    // Without a place slices can only be taken as they come.
    let mut mixed = camera("2.5", &[(SLICE, &[3, 1, 2])]);
    mixed.without((0x0054, 0x0022));
    assert!(refusal(&[mixed]).contains("Slice Vector does not ascend"));
    // Where slices are all that is counted they are counted from the first.
    let mut bare = camera("2.5", &[(SLICE, &[1, 2, 3])]);
    bare.without((0x0054, SLICE));
    assert_eq!(heights(&open_one(&[bare.clone()])), [300.0, 302.5, 305.0]);
    bare.without(INCREMENT);
    assert_eq!(heights(&open_one(&[bare])), [300.0, 302.5, 305.0]);
}

#[test]
fn frames_of_an_ultrasound_volume_lie_in_its_own_space() {
    let _alone = one_at_a_time();
    let real = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let frames: Vec<_> = [3.0, 0.0, 1.5]
        .iter()
        .map(|&z| vec![group((0x0020, 0x930E), &[element((0x0020, 0x9301), b"FD", &real(&[1.0, 2.0, z]))])])
        .collect();
    let mut made = enhanced(&frames);
    let shared = [
        group((0x0020, 0x930F), &[element((0x0020, 0x9302), b"FD", &real(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))]),
        group((0x0028, 0x9110), &[element(SPACING, b"DS", b"0.6\\0.5")]),
    ];
    made.raw((0x5200, 0x9229), b"SQ", &items(&[shared.concat()]));
    made.text((0x0008, 0x0016), b"UI", "1.2.840.10008.5.1.4.1.1.6.2").text((0x0020, 0x9312), b"UI", "1.2.3.77");
    let volume = open_one(&[made]);
    // Where the fields say, turned from left and back (LPS) to right and front (RAS); SimpleITK reads no place here.
    assert_eq!((heights(&volume), slice_values(&volume)), (vec![0.0, 1.5, 3.0], vec![200.0, 300.0, 100.0]));
    assert_eq!(volume.geometry.world_at([0, 0, 0]), [-1.0, -2.0, 0.0]);
    assert_eq!(volume.geometry.spacing_mm(), [0.5, 0.6, 1.5]);
    assert!(warned(&volume, "space of an ultrasound volume"), "{:?}", volume.warnings);
    assert_eq!(volume.frame_of_reference.as_ref().map(|of| of.uid().to_string()), Some("1.2.3.77".into()));
}

#[test]
fn a_film_with_a_place_lies_there() {
    let _alone = one_at_a_time();
    let mut film = slice(1, 7.0, 0);
    count_frames(&mut film, 3);
    film.raw(INCREMENT, b"AT", &[0x18, 0, 0x65, 0x10]);
    let volume = open_one(&[film]);
    assert_eq!((volume.geometry.shape(), volume.frame_count()), ([4, 3, 1], 3));
    assert_eq!(volume.geometry.world_at([0, 0, 0]), [20.0, 15.0, 7.0]);
    assert_eq!(slice_values(&volume), [100.0, 200.0, 300.0]);
    assert!(volume.warnings.is_empty(), "{:?}", volume.warnings);
}

//! Objects of several frames: every frame at its place with its own values, or a refusal.

use lamella::formats::{self, Ground, Mask};
use lamella::volume::{Annotations, Label, LabelMap, LabelTable};
use lamella::work::Watch;
use proptest::prelude::*;

use super::made_dicom::{BIG, COLUMNS, DEFLATED, Made, PIXELS, ROWS, Value, slice};
use super::{one_at_a_time, open_all, open_one, peak_of, refusal, slice_values};

const SHARED: (u16, u16) = (0x5200, 0x9229);
const PER_FRAME: (u16, u16) = (0x5200, 0x9230);
const DIMENSIONS: (u16, u16) = (0x0020, 0x9222);
const FRAME_CONTENT: (u16, u16) = (0x0020, 0x9111);
const DIFFUSION: (u16, u16) = (0x0018, 0x9117);
const POSITION: (u16, u16) = (0x0020, 0x9113);
const RESCALE: (u16, u16) = (0x0028, 0x9145);

/// An element, explicit and little end first.
pub fn element(tag: (u16, u16), vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"UI" { 0 } else { b' ' });
    }
    let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    bytes.extend(vr);
    if [b"SQ", b"OW"].contains(&vr) {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

/// Items of these contents.
pub fn items(contents: &[Vec<u8>]) -> Vec<u8> {
    let item =
        |content: &Vec<u8>| [&[0xFE, 0xFF, 0, 0xE0][..], &(content.len() as u32).to_le_bytes(), content].concat();
    contents.iter().flat_map(item).collect()
}

/// A sequence of one item.
pub fn group(tag: (u16, u16), content: &[Vec<u8>]) -> Vec<u8> {
    element(tag, b"SQ", &items(&[content.concat()]))
}

fn at(z: f64) -> Vec<u8> {
    at_place([-20.0, -15.0, z])
}

/// Where a frame lies.
pub fn at_place([x, y, z]: [f64; 3]) -> Vec<u8> {
    group(POSITION, &[element((0x0020, 0x0032), b"DS", format!("{x}\\{y}\\{z}").as_bytes())])
}

fn stack(id: &str) -> Vec<u8> {
    group(FRAME_CONTENT, &[element((0x0020, 0x9056), b"SH", id.as_bytes())])
}

fn rescale(slope: f64, intercept: f64) -> Vec<u8> {
    let number = |tag, value: f64| element(tag, b"DS", value.to_string().as_bytes());
    group(RESCALE, &[number((0x0028, 0x1052), intercept), number((0x0028, 0x1053), slope)])
}

/// An enhanced MR object with these per-frame groups; every pixel of frame n is 100 (n + 1) and its own index.
pub fn enhanced(frames: &[Vec<Vec<u8>>]) -> Made {
    let mut made = slice(1, 0.0, 0);
    made.text((0x0008, 0x0016), b"UI", "1.2.840.10008.5.1.4.1.1.4.1");
    for tag in [(0x0018, 0x0050), (0x0020, 0x0032), (0x0020, 0x0037), (0x0028, 0x0030)] {
        made.without(tag);
    }
    let shared = [
        group((0x0020, 0x9116), &[element((0x0020, 0x0037), b"DS", b"1\\0\\0\\0\\1\\0")]),
        group(
            (0x0028, 0x9110),
            &[element((0x0018, 0x0050), b"DS", b"2"), element((0x0028, 0x0030), b"DS", b"0.9\\0.8")],
        ),
    ];
    made.raw(SHARED, b"SQ", &items(&[shared.concat()]));
    made.raw(PER_FRAME, b"SQ", &items(&frames.iter().map(|groups| groups.concat()).collect::<Vec<_>>()));
    count_frames(&mut made, frames.len());
    made
}

/// Makes the pixels and the count of a file those of so many frames.
pub fn count_frames(made: &mut Made, frames: usize) {
    made.text((0x0028, 0x0008), b"IS", &frames.to_string());
    let pixels = (0..frames as u16).flat_map(|n| (0..ROWS * COLUMNS).map(move |p| 100 * (n + 1) + p)).collect();
    made.elements.insert(PIXELS, (*b"OW", Value::Words(pixels)));
}

fn origins(made: &Made) -> Vec<[f64; 3]> {
    let volume = open_one(std::slice::from_ref(made));
    (0..volume.geometry.shape()[2]).map(|k| volume.geometry.world_at([0, 0, k])).collect()
}

#[test]
fn frames_lie_where_each_of_them_says_with_its_own_rescaling() {
    let made = enhanced(&[
        vec![at(4.0), rescale(2.0, 1.0)],
        vec![at(0.0), rescale(0.5, -3.0)],
        vec![at(2.0), rescale(1.0, 0.0)],
    ]);
    assert_eq!(origins(&made), [[20.0, 15.0, 0.0], [20.0, 15.0, 2.0], [20.0, 15.0, 4.0]]);
    let volume = open_one(&[made]);
    assert_eq!(slice_values(&volume), [97.0, 300.0, 201.0]);
    assert_eq!(volume.value([3, 2, 2], 0), 2.0 * 111.0 + 1.0);
    assert_eq!(volume.geometry.spacing_mm(), [0.8, 0.9, 2.0]);
    assert!(volume.frame_dims.is_empty());
}

#[test]
fn stacks_of_one_object_are_volumes_of_their_own_even_between_each_other() {
    let frames: Vec<_> = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        .iter()
        .map(|&z| vec![at(z), stack(if z % 2.0 == 0.0 { "A" } else { "B" })])
        .collect();
    let (volumes, reasons) = open_all(&[enhanced(&frames)]);
    let found: Vec<_> = volumes.iter().map(slice_values).collect();
    assert_eq!(found, [[100.0, 300.0, 500.0], [200.0, 400.0, 600.0]], "{reasons:?}");
    assert!(volumes.iter().all(|v| v.geometry.spacing_mm()[2] == 2.0));
    assert!(volumes.iter().all(|v| v.warnings.iter().any(|w| w.contains("another volume of this series"))));
}

#[test]
fn a_stack_id_that_numbers_slices_or_times_parts_nothing() {
    let slices: Vec<_> = [0.0, 2.0, 4.0].iter().enumerate().map(|(n, &z)| vec![at(z), stack(&n.to_string())]).collect();
    assert_eq!(slice_values(&open_one(&[enhanced(&slices)])), [100.0, 200.0, 300.0]);
    let times: Vec<_> = [(0.0, "1"), (2.0, "1"), (0.0, "2"), (2.0, "2")].map(|(z, id)| vec![at(z), stack(id)]).to_vec();
    let volume = open_one(&[enhanced(&times)]);
    assert_eq!((volume.frame_dims.clone(), slice_values(&volume)), (vec![2], vec![100.0, 200.0, 300.0, 400.0]));
}

#[test]
fn dimensions_put_frames_in_order_and_what_differs_names_them() {
    let pointer =
        |tag: (u16, u16)| element((0x0020, 0x9165), b"AT", &[tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat());
    let frame = |z: f64, place: u32, time: u32, trigger: f64| {
        let index = [place.to_le_bytes(), time.to_le_bytes()].concat();
        vec![
            at(z),
            group(FRAME_CONTENT, &[element((0x0020, 0x9157), b"UL", &index)]),
            group((0x0018, 0x9118), &[element((0x0020, 0x9153), b"FD", &trigger.to_le_bytes())]),
        ]
    };
    // Stored from the last time to the first, within each from the top.
    let mut made =
        enhanced(&[frame(2.0, 2, 2, 350.5), frame(0.0, 1, 2, 350.5), frame(2.0, 2, 1, 10.0), frame(0.0, 1, 1, 10.0)]);
    made.raw(DIMENSIONS, b"SQ", &items(&[pointer((0x0020, 0x9057)), pointer((0x0018, 0x1060))]));
    let volume = open_one(&[made]);
    assert_eq!(slice_values(&volume), [400.0, 300.0, 200.0, 100.0]);
    assert_eq!(volume.frame_names, ["trigger 10 ms", "trigger 350.5 ms"]);
}

#[test]
fn diffusion_is_named_by_its_strength_and_direction() {
    let frame = |z: f64, b: f64, gradient: Option<[f64; 3]>| {
        let mut content = vec![element((0x0018, 0x9087), b"FD", &b.to_le_bytes())];
        if let Some(g) = gradient {
            let bytes: Vec<u8> = g.iter().flat_map(|v| v.to_le_bytes()).collect();
            content.insert(0, group((0x0018, 0x9076), &[element((0x0018, 0x9089), b"FD", &bytes)]));
        }
        vec![at(z), group(DIFFUSION, &content)]
    };
    let gradients = [None, Some([1.0, 0.0, 0.0]), Some([0.0, 0.6, 0.8])];
    let frames: Vec<_> = [0.0, 2.0]
        .iter()
        .flat_map(|&z| gradients.map(|g| frame(z, if g.is_some() { 1000.0 } else { 0.0 }, g)))
        .collect();
    let volume = open_one(&[enhanced(&frames)]);
    assert_eq!(slice_values(&volume), [100.0, 400.0, 200.0, 500.0, 300.0, 600.0]);
    let named =
        ["b 0 s/mm\u{b2}", "b 1000 s/mm\u{b2}, gradient 1.00 0.00 0.00", "b 1000 s/mm\u{b2}, gradient 0.00 0.60 0.80"];
    assert_eq!(volume.frame_names, named);
}

#[test]
fn one_position_for_all_frames_is_one_slice_and_said() {
    let mut made = enhanced(&[vec![], vec![], vec![]]);
    made.raw(PER_FRAME, b"SQ", &items(&[vec![], vec![], vec![]]));
    let orientation = group((0x0020, 0x9116), &[element((0x0020, 0x0037), b"DS", b"1\\0\\0\\0\\1\\0")]);
    made.raw(SHARED, b"SQ", &items(&[[orientation, at(7.0)].concat()]));
    let volume = open_one(&[made]);
    assert_eq!((volume.geometry.shape(), volume.frame_dims.clone()), ([4, 3, 1], vec![3]));
    assert!(volume.warnings.iter().any(|w| w.contains("All 3 images lie at one place")), "{:?}", volume.warnings);
    assert_eq!(volume.geometry.world_at([0, 0, 0])[2], 7.0);
}

#[test]
fn frames_without_a_place_open_as_slices_and_those_of_a_film_as_times() {
    let mut plain = slice(1, 5.0, 0);
    count_frames(&mut plain, 3);
    let volume = open_one(&[plain.clone()]);
    assert_eq!((volume.geometry.shape(), slice_values(&volume)), ([4, 3, 3], vec![100.0, 200.0, 300.0]));
    assert!(volume.warnings.iter().any(|w| w.contains("one Image Position (Patient) for its 3 frames")));
    plain.raw((0x0028, 0x0009), b"AT", &[0x18, 0, 0x63, 0x10]);
    let volume = open_one(&[plain]);
    assert_eq!((volume.geometry.shape(), volume.frame_dims.clone()), ([4, 3, 1], vec![3]));
    assert_eq!(slice_values(&volume), [100.0, 200.0, 300.0]);
}

#[test]
fn more_frames_than_pixels_are_refused_before_memory_is_taken() {
    let _alone = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.dcm");
    for (frames, reason) in [
        ("3", "the pixel data are cut: 48 of 72 bytes for 3 frames"),
        ("2147483647", "the pixel data are cut"),
        ("8000000000000000", "the pixel data are cut"),
        ("0", "Number of Frames is 0"),
        ("-2", "Number of Frames is -2"),
        ("1.5", "a whole number is needed"),
    ] {
        let mut made = enhanced(&[vec![at(0.0)], vec![at(2.0)]]);
        made.text((0x0028, 0x0008), b"IS", frames);
        made.save(&path);
        let (found, peak) = peak_of(|| formats::open_one(&path, None, Watch::unwatched()));
        let text = found.unwrap_err().to_string();
        assert!(text.contains(reason) && text.contains("x.dcm"), "{frames}: {text}");
        assert!(peak < 1 << 20, "{frames}: {peak} bytes");
    }
    let mut made = enhanced(&[vec![at(0.0)], vec![at(2.0)], vec![at(4.0)]]);
    count_frames(&mut made, 2);
    assert!(refusal(&[made]).contains("the file has 2 frames, but describes 3"));
}

#[test]
fn a_million_frames_of_one_pixel_are_refused() {
    let mut made = slice(1, 0.0, 0);
    made.words((0x0028, 0x0010), &[1]).words((0x0028, 0x0011), &[1]);
    made.words((0x0028, 0x0100), &[8]).words((0x0028, 0x0101), &[8]).words((0x0028, 0x0102), &[7]);
    made.text((0x0028, 0x0008), b"IS", "1000000");
    made.raw(PIXELS, b"OB", &vec![7; 1_000_000]);
    assert!(refusal(&[made]).contains("1000000 frames; up to 131072 can be read"));
}

#[test]
fn frames_that_fall_apart_into_hundreds_of_volumes_are_not_compared_pair_by_pair() {
    let _alone = one_at_a_time();
    // Each is turned against the others, so that each is a volume of its own.
    let turned = |k: u32| {
        let (sin, cos) = (f64::from(k) * 0.02).sin_cos();
        let directions = format!("{cos:.6}\\{sin:.6}\\0\\{:.6}\\{cos:.6}\\0", -sin);
        group((0x0020, 0x9116), &[element((0x0020, 0x0037), b"DS", directions.as_bytes())])
    };
    let frames: Vec<Vec<Vec<u8>>> = (0..300u32).map(|k| vec![at(f64::from(k)), turned(k)]).collect();
    let made = enhanced(&frames);
    let bytes = made.bytes().len();
    let folder = tempfile::tempdir().unwrap();
    made.save(&folder.path().join("0.dcm"));
    let (found, peak) = peak_of(|| formats::scan(folder.path(), Watch::unwatched()).unwrap());
    assert!(found.entries.len() > 128, "{} volumes", found.entries.len());
    let volume = formats::load(&found.entries[0], Watch::unwatched()).unwrap();
    let note = format!("This series falls into {} volumes", found.entries.len());
    assert!(volume.warnings.iter().any(|text| text.starts_with(&note)), "{:?}", volume.warnings);
    assert!(peak < 64 * bytes, "{peak} bytes for a file of {bytes}");
}

/// A file of `frames` frames of 3 x 3 pixels with these bytes.
fn small(frames: usize, bits: u16, vr: &[u8; 2], bytes: &[u8]) -> Made {
    let mut made = slice(1, 0.0, 0);
    made.without((0x0020, 0x0032)).without((0x0020, 0x0037));
    made.words((0x0028, 0x0010), &[3]).words((0x0028, 0x0011), &[3]);
    made.words((0x0028, 0x0100), &[bits]).words((0x0028, 0x0101), &[bits]).words((0x0028, 0x0102), &[bits - 1]);
    made.text((0x0028, 0x0008), b"IS", &frames.to_string());
    made.raw(PIXELS, vr, bytes);
    made
}

fn values(made: &Made) -> Vec<f64> {
    let volume = open_one(std::slice::from_ref(made));
    (0..volume.voxels.len()).filter_map(|n| volume.voxels.get(n)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn frames_follow_each_other_without_padding_even_within_a_byte(
        frames in 1usize..9,
        bits in prop::collection::vec(0u8..2, 81),
        bytes in prop::collection::vec(any::<u8>(), 82),
    ) {
        let mut packed = vec![0u8; (9 * frames).div_ceil(8).next_multiple_of(2)];
        bits.iter().take(9 * frames).enumerate().for_each(|(n, bit)| packed[n / 8] |= bit << (n % 8));
        let expected: Vec<f64> = bits.iter().take(9 * frames).map(|&b| f64::from(b)).collect();
        prop_assert_eq!(values(&small(frames, 1, b"OB", &packed)), expected);

        let length = (9 * frames).next_multiple_of(2);
        let expected: Vec<f64> = bytes.iter().take(9 * frames).map(|&b| f64::from(b)).collect();
        prop_assert_eq!(values(&small(frames, 8, b"OW", &bytes[..length])), expected.clone());
        let mut deflated = small(frames, 8, b"OB", &bytes[..length]);
        (deflated.claimed, deflated.written) = (DEFLATED.into(), DEFLATED.into());
        prop_assert_eq!(values(&deflated), expected.clone());
        // Words of big-endian data are swapped from the first frame to the last, not frame by frame.
        let swapped: Vec<u8> = bytes[..length].chunks_exact(2).flat_map(|pair| [pair[1], pair[0]]).collect();
        let mut big = small(frames, 8, b"OW", &swapped);
        (big.claimed, big.written) = (BIG.into(), BIG.into());
        prop_assert_eq!(values(&big), expected);
    }
}

/// A frame of twelve 16-bit pixels as RLE writes it: two segments of literal bytes.
fn rle(values: &[u16]) -> Vec<u8> {
    let mut bytes: Vec<u8> = [2u32, 64, 78].iter().flat_map(|n| n.to_le_bytes()).collect();
    bytes.resize(64, 0);
    for byte in [1, 0] {
        bytes.push((values.len() - 1) as u8);
        bytes.extend(values.iter().map(|v| v.to_le_bytes()[byte]));
        bytes.push(0x80);
    }
    bytes
}

/// Pixels in fragments behind an offset table.
pub fn compressed(table: &[u32], fragments: &[Vec<u8>]) -> Vec<u8> {
    let table: Vec<u8> = table.iter().flat_map(|n| n.to_le_bytes()).collect();
    let all: Vec<Vec<u8>> = std::iter::once(table).chain(fragments.iter().cloned()).collect();
    [items(&all), vec![0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]].concat()
}

/// Two frames of RLE in these fragments.
fn two_of_rle(table: &[u32], fragments: &[Vec<u8>]) -> Made {
    let mut made = enhanced(&[vec![at(0.0)], vec![at(2.0)]]);
    made.claimed = "1.2.840.10008.1.2.5".into();
    made.without(PIXELS);
    let header = [&[0xE0, 0x7F, 0x10, 0][..], b"OB\0\0", &[0xFF; 4]].concat();
    made.inserted = vec![(PIXELS, [header, compressed(table, fragments)].concat())];
    // What is inserted is written in front of the first element behind it.
    made.raw((0xFFFC, 0xFFFC), b"OB", &[]);
    made
}

#[test]
fn fragments_are_told_to_frames_by_tables_that_fit_or_not_at_all() {
    let frame = |n: u16| rle(&(0..12).map(|p| 100 * n + p).collect::<Vec<u16>>());
    let (first, second) = (frame(1), frame(2));
    let (head, tail) = (first[..70].to_vec(), first[70..].to_vec());
    let length = |f: &Vec<u8>| f.len() as u32 + 8;
    let both = [first.clone(), second.clone()];
    for table in [vec![], vec![0, length(&first)]] {
        let volume = open_one(&[two_of_rle(&table, &both)]);
        assert_eq!(slice_values(&volume), [100.0, 200.0]);
        assert!(!volume.warnings.iter().any(|w| w.contains("offsets")), "{:?}", volume.warnings);
    }
    for table in [vec![0], vec![4, length(&first)], vec![0, 0], vec![length(&first), 0], vec![0, u32::MAX]] {
        let volume = open_one(&[two_of_rle(&table, &both)]);
        assert_eq!(slice_values(&volume), [100.0, 200.0]);
        assert!(volume.warnings.iter().any(|w| w.contains("offsets does not fit")), "{table:?}");
    }
    let torn = [head.clone(), tail.clone(), second.clone()];
    let volume = open_one(&[two_of_rle(&[0, length(&head) + length(&tail)], &torn)]);
    assert_eq!(slice_values(&volume), [100.0, 200.0]);
    for table in [vec![], vec![0, 3], vec![0, u32::MAX]] {
        assert!(refusal(&[two_of_rle(&table, &torn)]).contains("the 2 frames lie in 3 fragments"), "{table:?}");
    }
    assert!(refusal(&[two_of_rle(&[], &both[..1])]).contains("declares 2 frames, but holds 1 fragments"));
}

#[test]
fn mutated_objects_of_many_frames_are_refused_or_opened_within_bounds() {
    let _alone = one_at_a_time();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.dcm");
    let frames: Vec<_> = (0..8).map(|n| vec![at(f64::from(n)), stack("1"), rescale(1.0, 0.0)]).collect();
    let good = enhanced(&frames).bytes();
    let mut seed = 0x1357_9BDF_0246_8ACEu64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let mut opened = 0;
    for round in 0..1500 {
        let mut bytes = good.clone();
        for _ in 0..=random(3) {
            let place = 132 + random(bytes.len() - 140);
            match random(4) {
                0 => bytes[place] = random(256) as u8,
                1 => bytes[place..place + 4].copy_from_slice(&[0xF0, 0xFF, 0xFF, 0x7F]),
                2 => bytes[place..place + 4].fill(0xFF),
                _ => bytes.truncate(place.max(150)),
            }
            if bytes.len() < 150 {
                break;
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let (found, peak) = peak_of(|| formats::open_one(&path, None, Watch::unwatched()));
        opened += usize::from(found.is_ok());
        assert!(peak <= 4 * bytes.len() + (2 << 20), "round {round}: {peak} bytes");
    }
    assert!(opened > 100, "only {opened} opened");
}

#[test]
fn a_file_without_preamble_or_meta_information_opens_whatever_its_name() {
    use super::made_dicom::{EXPLICIT, IMPLICIT};
    for form in [EXPLICIT, IMPLICIT, BIG] {
        let mut made = slice(1, 4.0, 100);
        (made.claimed, made.written) = (form.into(), form.into());
        let bytes = made.bytes();
        let first = if form == BIG { [0, 8, 0, 8] } else { [8, 0, 8, 0] };
        let meta = 132 + bytes[132..].windows(4).position(|w| w == first).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("image", &bytes[meta..]), ("image.ima", &bytes[132..])] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            let volume = formats::open_one(&path, None, Watch::unwatched()).unwrap();
            assert_eq!(
                (volume.value([0, 0, 0], 0), volume.geometry.world_at([0, 0, 0])[2]),
                (100.0, 4.0),
                "{form} {name}"
            );
            assert!(volume.warnings.iter().any(|w| w.contains("no DICOM preamble")), "{:?}", volume.warnings);
        }
    }
}

#[test]
fn masks_on_filled_slices_are_written_for_the_archive_and_come_back() {
    let _alone = one_at_a_time();
    for zs in [vec![0.0, 2.0, 6.0, 8.0], vec![0.0, 2.0, 4.0, 7.0, 10.0]] {
        let folder = tempfile::tempdir().unwrap();
        for (n, &z) in zs.iter().enumerate() {
            slice(n as i64, z, 100).save(&folder.path().join(format!("{n}.dcm")));
        }
        let scan = formats::open_one(folder.path(), Some("1.2.3.2#filled"), Watch::unwatched()).unwrap();
        let source = scan.source.clone().unwrap();
        let shape = scan.geometry.shape();
        let named = source.slices.iter().flatten().count();
        assert!(source.slices.len() == shape[2] && named < shape[2], "{:?}", source.slices);
        let mut labels = LabelMap::empty(scan.geometry.clone());
        (0..shape[2]).for_each(|k| labels.set([1 + k % 2, 1, k], 1));
        let annotations = Annotations::of_table(LabelTable(vec![Label::new(1, "Liver")]));
        let mask = Mask { labels: &labels, annotations: &annotations, source: Some(&source) };
        let out = tempfile::tempdir().unwrap();
        for name in ["mask.dcm", "mask.labelmap.dcm", "mask.rtstruct.dcm"] {
            let path = out.path().join(name);
            formats::write_mask(&path, &mask, Watch::unwatched()).unwrap();
            let on = Ground::of(&scan);
            let (read, _) = formats::read_annotated_labels(&path, Some(&on), Watch::unwatched(), &|_| {}).unwrap();
            let all = (0..shape[2]).all(|k| read.get([1 + k % 2, 1, k]) == 1);
            assert!(all && read.voxel_counts().get(&1) == Some(&shape[2]), "{name}: {:?}", read.voxel_counts());
        }
    }
}

#[test]
fn gaps_are_filled_only_after_asking_and_no_slice_moves() {
    let open = |zs: &[f64]| {
        let folder = tempfile::tempdir().unwrap();
        for (n, &z) in zs.iter().enumerate() {
            slice(n as i64, z, 100 + (10.0 * z) as u16).save(&folder.path().join(format!("{n}.dcm")));
        }
        let mut found = formats::scan(folder.path(), Watch::unwatched()).unwrap();
        let entry = found.entries.remove(0);
        let asked = entry.source.asks().map(str::to_string);
        let unasked = formats::open_one(folder.path(), None, Watch::unwatched());
        let named = formats::open_one(folder.path(), Some(&entry.id), Watch::unwatched()).unwrap();
        (asked, unasked, named)
    };
    let (asked, unasked, volume) = open(&[0.0, 2.0, 6.0, 8.0]);
    let text = unasked.unwrap_err().to_string();
    assert!(text.contains("1 of 5 slices is missing (number 3) and is left empty"), "{text}");
    assert!(text.contains("open it as series 1.2.3.2#filled"), "{text}");
    assert!(asked.is_some() && volume.warnings.iter().any(|w| w.contains("left empty")));
    assert_eq!(slice_values(&volume), [100.0, 120.0, 100.0, 160.0, 180.0]);
    assert_eq!((volume.geometry.spacing_mm()[2], volume.value([3, 2, 2], 0)), (2.0, 100.0));

    let (_, unasked, volume) = open(&[0.0, 2.0, 4.0, 7.0, 10.0]);
    assert!(unasked.unwrap_err().to_string().contains("are interpolated to 6 slices 2.000 mm apart"));
    // Values that grow with the place do so after interpolation.
    assert_eq!(slice_values(&volume), [100.0, 120.0, 140.0, 160.0, 180.0, 200.0]);

    let (asked, unasked, _) = open(&[0.0, 2.0, 4.0, 6.0]);
    assert!(asked.is_none() && unasked.is_ok());
}

//! Pixels: bits, orders, planes, damage.

use super::Field::{Fraction, Long, Short};
use super::{ConcatFields, File, described, open, values, warns};
use crate::formats::error::FormatError;
use crate::work::{Share, Signal, Stopped, Watch};

#[test]
fn small_values_that_are_white_stay_as_they_are() {
    let white = || vec![Short(262, vec![0])];
    for (bits, pixels, want) in [
        (1, vec![0b0110_0000], vec![0.0, 1.0, 1.0]),
        (2, vec![0b0110_1100], vec![1.0, 2.0, 3.0]),
        (4, vec![0x0f, 0x70], vec![0.0, 15.0, 7.0]),
        (8, vec![0, 255, 3], vec![0.0, 255.0, 3.0]),
        (16, vec![0, 0, 255, 255, 3, 1], vec![0.0, 65535.0, 259.0]),
        (32, vec![0, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0], vec![0.0, 4_294_967_295.0, 1.0]),
    ] {
        let volume = File::new(false).grey([3, 1], bits, &pixels, white()).open().unwrap();
        assert_eq!(values(&volume), want, "{bits} bits");
        assert!(volume.display.inverted && warns(&volume, "MinIsWhite"));
    }
    let floats: Vec<u8> = [0.25f32, -3.0, 99.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let float = [white(), vec![Short(339, vec![3])]].concat_fields();
    let volume = File::new(false).grey([3, 1], 32, &floats, float).open().unwrap();
    assert_eq!(values(&volume), [0.25, -3.0, 99.0]);
}

#[test]
fn every_number_of_bits_is_read_rightly_or_refused() {
    for bits in 1..=40u16 {
        // Values of each row from the highest bit on, as TIFF 6.0 says; whole bytes in the file's order.
        let highest = if bits >= 32 { u32::MAX } else { (1 << bits) - 1 };
        let numbers: Vec<u32> = (0..9u32).map(|n| n.wrapping_mul(0x9e37_79b9) & highest).collect();
        let mut pixels = Vec::new();
        for row in numbers.chunks(3) {
            let digits = |v: &u32| format!("{v:0width$b}", width = usize::from(bits));
            let text = row.iter().map(digits).collect::<Vec<_>>().concat();
            let text = format!("{text:0<width$}", width = text.len().div_ceil(8) * 8);
            pixels.extend((0..text.len() / 8).map(|n| u8::from_str_radix(&text[8 * n..8 * n + 8], 2).unwrap()));
        }
        let opened = File::new(true).grey([3, 3], bits, &pixels, Vec::new()).open();
        match opened {
            Ok(volume) => {
                assert!(matches!(bits, 1 | 2 | 4 | 8..=16 | 32), "{bits} bits");
                assert_eq!(values(&volume), numbers.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), "{bits} bits");
            }
            Err(error) => {
                assert!(!matches!(bits, 1 | 2 | 4 | 8..=16 | 32), "{bits} bits: {error}");
                assert!(error.to_string().contains(&format!("of {bits} bits")), "{error}");
            }
        }
    }
    let signed = || vec![Short(339, vec![2])];
    assert!(File::new(false).grey([1, 1], 12, &[0, 0], signed()).open().unwrap_err().to_string().contains("signed"));
    let volume = File::new(true).grey([2, 1], 16, &[0xff, 0xfe, 0, 7], signed()).open().unwrap();
    assert_eq!(values(&volume), [-2.0, 7.0]);
    // numpy.float16: 1.5, -0.5, 65504
    let half = vec![Short(339, vec![3])];
    let volume = File::new(true).grey([3, 1], 16, &[0x3e, 0, 0xb8, 0, 0x7b, 0xff], half).open().unwrap();
    assert_eq!((values(&volume), volume.voxels.voxel_type().name()), (vec![1.5, -0.5, 65504.0], "float32"));
}

#[test]
fn bits_in_reverse_order_are_read() {
    // tifffile reads 12-bit values of FillOrder 2 as these: 0x123, 0xabc.
    let reversed: Vec<u8> = [0x12u8, 0x3a, 0xbc].iter().map(|b| b.reverse_bits()).collect();
    let volume = File::new(false).grey([2, 1], 12, &reversed, vec![Short(266, vec![2])]).open().unwrap();
    assert_eq!(values(&volume), [291.0, 2748.0]);
}

#[test]
fn colours_may_lie_in_planes_and_may_be_a_stack() {
    let mut file = File::new(false);
    let places: Vec<[u32; 2]> = [[1, 2], [3, 4], [5, 6]].iter().map(|plane| file.pixels(plane)).collect();
    let (at, count) = places.iter().map(|[at, count]| (*at, *count)).unzip();
    let fields = vec![
        Short(258, vec![8; 3]),
        Short(262, vec![2]),
        Long(273, at),
        Short(277, vec![3]),
        Long(279, count),
        Short(284, vec![2]),
    ];
    file.page([2, 1], 8, [0, 0], fields);
    let volume = file.open().unwrap();
    assert_eq!((values(&volume), volume.frame_dims.as_slice()), ((1..=6).map(f64::from).collect(), &[3][..]));
    assert!(warns(&volume, "slices of a stack"));
}

#[test]
fn pages_on_the_same_bytes_and_memory_that_is_not_there_are_refused() {
    // 600 pages of 1 MB on one strip that is not even compressed.
    let mut file = File::new(false);
    let strip = file.pixels(&vec![7; 1 << 20]);
    for _ in 0..600 {
        file.page([1024, 1024], 8, strip, Vec::new());
    }
    assert!(file.open().unwrap_err().to_string().contains("same bytes"));
    // As large as memory may be, with hardly any bytes.
    let mut file = File::new(false);
    file.grey([2, 2], 8, &[1, 2, 3, 4], vec![Long(256, vec![1 << 20]), Long(257, vec![1 << 20])]);
    assert!(file.open().unwrap_err().to_string().contains("larger than can be shown"));
    let mut file = File::new(false);
    file.grey([2, 2], 8, &[1, 2, 3, 4], vec![Short(256, vec![30000]), Short(257, vec![30000])]);
    assert!(file.open().unwrap_err().to_string().contains("too few"));
    // Directories in a circle, and of more fields than the file has bytes.
    let mut file = File::new(false);
    file.grey([1, 1], 8, &[1], Vec::new());
    let first: [u8; 4] = file.bytes[4..8].try_into().unwrap();
    let link = file.link;
    file.bytes[link..link + 4].copy_from_slice(&first);
    assert!(file.open().unwrap_err().to_string().contains("circle"));
}

#[test]
fn a_stop_is_noticed_while_pages_are_read() {
    let mut file = File::new(false);
    for _ in 0..50 {
        file.grey([8, 8], 8, &[3; 64], Vec::new());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = file.save(folder.path(), "a.tif");
    let found = crate::formats::scan(&path, Watch::unwatched()).unwrap();
    let signal = Signal::default();
    let stopping = |share: Share| {
        if share.fraction > 0.5 {
            signal.stop();
        }
    };
    let loaded = crate::formats::load(&found.entries[0], Watch::new(&signal).reporting(&stopping));
    assert!(matches!(loaded, Err(FormatError::Stopped(Stopped))));
}

#[test]
fn a_stop_is_noticed_within_one_large_strip() {
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..32).for_each(|_| encoder.write_all(&vec![7; 1 << 20]).unwrap());
    let mut file = File::new(false);
    file.grey([8192, 4096], 8, &encoder.finish().unwrap(), vec![Short(259, vec![8])]);
    let folder = tempfile::tempdir().unwrap();
    let path = file.save(folder.path(), "a.tif");
    let found = crate::formats::scan(&path, Watch::unwatched()).unwrap();
    let looks = AtomicUsize::new(0);
    let signal = Signal::default();
    let stopping = |_| {
        if looks.fetch_add(1, Ordering::Relaxed) == 20 {
            signal.stop();
        }
    };
    let loaded = crate::formats::load(&found.entries[0], Watch::new(&signal).reporting(&stopping));
    assert!(matches!(loaded, Err(FormatError::Stopped(Stopped))));
    assert!(looks.into_inner() < 30, "the read goes on after the stop");
}

#[test]
fn a_damaged_byte_never_panics() {
    let text = "ImageJ=1.54f\nimages=3\nchannels=3\nunit=micron\nspacing=2\n";
    let mut file = File::new(false);
    for _ in 0..3 {
        let fields =
            [described(text), vec![Fraction(282, [4, 1]), Fraction(283, [4, 1]), Short(296, vec![1])]].concat_fields();
        file.grey([3, 2], 12, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], fields);
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = file.bytes.clone();
    for at in (0..whole.len()).step_by(2) {
        for value in [0, 1, 0x80, 0xff] {
            file.bytes.clone_from(&whole);
            file.bytes[at] = value;
            drop(open(&file.save(folder.path(), "a.tif")));
        }
        file.bytes.truncate(at);
        drop(open(&file.save(folder.path(), "a.tif")));
    }
}

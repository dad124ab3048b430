//! Small streams of every kind, and what is left to other decoders.

use super::decode;

/// More samples than any of the streams has.
const MANY: u64 = 1 << 20;

/// A file of the corpus: `OpenJPEG`'s encoder made it of [`pixel`].
macro_rules! stream {
    ($name:literal) => {
        include_bytes!(concat!("../../../fuzz/corpus/jpeg_2000_lossless/", $name)).as_slice()
    };
}

fn pixel(x: usize, y: usize, component: usize) -> i32 {
    ((7 * x * x + 13 * y * y + 5 * x * y + 31 * component) % 509) as i32
}

#[test]
fn every_pixel_comes_back_whatever_the_order_the_tiles_and_the_style_of_blocks() {
    let cases: [(&str, &[u8], [usize; 3], i32); 9] = [
        ("raw bits", stream!("bypass"), [20, 23, 1], 0),
        ("all styles of blocks at once", stream!("all_styles"), [20, 23, 1], 0),
        ("no look at the stripe below", stream!("causal"), [33, 18, 1], 0),
        ("tiles in parts, offsets, precincts", stream!("tiles"), [29, 27, 1], 0),
        ("layers, marks of packets", stream!("layers"), [31, 21, 1], 0),
        ("colours", stream!("colours"), [19, 17, 3], 0),
        ("signed, 16 bits", stream!("signed"), [24, 19, 1], -300),
        ("one column", stream!("column"), [1, 150, 1], 0),
        ("one order of packets after another", stream!("orders"), [26, 25, 1], 0),
    ];
    for (name, data, [width, height, count], shift) in cases {
        let components = decode(data, MANY).unwrap_or_else(|| panic!("{name} is not known"));
        assert_eq!(components.len(), count, "{name}");
        for (n, component) in components.iter().enumerate() {
            let wanted: Vec<i32> = (0..width * height).map(|at| pixel(at % width, at / width, n) + shift).collect();
            assert_eq!(component, &wanted, "{name}, component {n}");
        }
    }
}

#[test]
fn streams_that_end_early_and_bytes_of_no_packet_are_left_to_others() {
    let whole = stream!("layers");
    assert!(decode(whole, MANY).is_some());
    for length in 0..whole.len() - 2 {
        assert!(decode(&whole[..length], MANY).is_none(), "{length} of {} bytes", whole.len());
    }
    // The last tile part goes on to the end where it has no length.
    let part = whole.windows(2).position(|mark| mark == [0xFF, 0x90]).unwrap();
    let mut longer = whole[..whole.len() - 2].to_vec();
    longer[part + 6..part + 10].fill(0);
    assert!(decode(&longer, MANY).is_some());
    longer.push(0);
    assert!(decode(&longer, MANY).is_none());
}

#[test]
fn what_is_not_known_is_left_to_others() {
    let known = stream!("signed");
    let coding = known.windows(2).position(|mark| mark == [0xFF, 0x52]).unwrap();
    let quantization = known.windows(2).position(|mark| mark == [0xFF, 0x5C]).unwrap();
    let cases = [
        ("the irreversible wavelet", coding + 13, 0),
        ("high throughput", coding + 12, 0x40),
        ("large code blocks", coding + 10, 8),
        ("quantized coefficients", quantization + 4, 0x42),
        ("17 bits", 40 + 2, 0x90),
        ("subsampling", 41 + 2, 2),
        ("a region of interest", quantization + 1, 0x5E),
    ];
    for (name, at, value) in cases {
        let mut stream = known.to_vec();
        assert_ne!(stream[at], value, "{name}");
        stream[at] = value;
        assert!(decode(&stream, MANY).is_none(), "{name}");
    }
    // Behind the head that tells the fuzz target of its pixels.
    let high_throughput = &include_bytes!("../../../fuzz/corpus/jpeg_2000/high_throughput")[8..];
    assert!(decode(high_throughput, MANY).is_none());
}

#[test]
fn a_header_that_claims_an_enormous_image_is_refused_before_anything_is_made() {
    let mut stream = stream!("signed").to_vec();
    // Width and height of the image, then of the tile.
    for at in [8, 12, 24, 28] {
        stream[at..at + 4].copy_from_slice(&60_000u32.to_be_bytes());
    }
    assert!(decode(&stream, MANY).is_none());
    assert!(decode(stream!("signed"), 24 * 19).is_some());
    assert!(decode(stream!("signed"), 24 * 19 - 1).is_none());
}

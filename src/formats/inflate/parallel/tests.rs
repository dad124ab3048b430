//! Files read on several threads, as one reads them.

use std::io::Write;
use std::path::Path;

use super::*;
use crate::work::Signal;
use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

/// Reads `count` words behind `skip` bytes, with so small chunks that there are many.
fn read(
    path: &Path,
    skip: usize,
    count: usize,
    chunk: usize,
    watch: Watch,
) -> Result<Option<(Vec<u16>, usize)>, Stopped> {
    let head = std::fs::read(path).unwrap();
    let Some(start) = header_length(&head) else { return Ok(None) };
    let member = Member { open: &|| File::open(path), length: head.len(), start, skip };
    let mut values = vec![0; count];
    let word = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
    let place = in_chunks(&member, &mut values, word, chunk, 3, watch)?;
    Ok(place.map(|place| (values, place)))
}

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect()
}

/// Bytes as scans and masks have them: noise of some bits, flat parts, and parts that come again.
fn bytes(seed: u64, count: usize, noise: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut all: Vec<u8> = Vec::with_capacity(count);
    while all.len() < count {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let length = (state >> 33) as usize % 3000 + 1;
        match state >> 60 {
            0..4 => all.resize(all.len() + length, (state >> 20) as u8),
            4..7 if all.len() > 40_000 => all.extend_from_within(all.len() - 30_000..all.len() - 30_000 + length),
            _ => (0..length).for_each(|n| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n as u64 | 1);
                all.push((state >> (64 - noise)) as u8);
            }),
        }
    }
    all.truncate(count);
    all
}

fn packed(data: &[u8], level: u32) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::new(level));
    packer.write_all(data).unwrap();
    packer.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn threads_read_what_one_reads(
        seed: u64, count in 300_000usize..900_000, noise in 1u32..9, level in 0u32..10, skip in 0usize..800, kib in 8usize..40,
        damage in prop::option::of((any::<prop::sample::Index>(), 1u8..)),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gz");
        let data = bytes(seed, count, noise);
        let mut file = packed(&data, level);
        if let Some((at, change)) = damage {
            let at = 10 + at.index(file.len() - 10);
            file[at] ^= change;
        }
        std::fs::write(&path, [&file[..], b"behind"].concat()).unwrap();
        let read = read(&path, skip, (count - skip) / 2, kib << 10, Watch::unwatched()).unwrap();
        if damage.is_some() {
            prop_assert!(read.is_none());
        } else if let Some((values, place)) = read {
            prop_assert_eq!(place, file.len());
            prop_assert!(values == words(&data[skip..]));
        } else {
            // A chunk is as large as all, or the last blocks are larger than what one thread may decode ahead.
            prop_assert!(file.len() < 4 * (kib << 10));
        }
    }
}

#[test]
fn what_is_unusual_is_left_for_another_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gz");
    let data = bytes(5, 400_000, 7);
    let whole = packed(&data, 6);
    let on = |file: &[u8], count: usize| {
        std::fs::write(&path, file).unwrap();
        read(&path, 0, count, 1 << 14, Watch::unwatched()).unwrap()
    };
    assert!(on(&whole, 200_000).is_some());
    // A part of the values is enough; more than there are is too much, and so is what goes on in a second member.
    assert!(on(&whole, 100_000).is_some_and(|(values, _)| values == words(&data[..200_000])));
    assert!(on(&whole, 200_001).is_none());
    assert!(on(&[packed(&data[..200_000], 6), packed(&data[200_000..], 6)].concat(), 200_000).is_none());
    assert!(on(&whole[..whole.len() - 1], 200_000).is_none());
    // Text in the header.
    let named = [&whole[..3], &[0x1A], &whole[4..10], b"name\0", b"\0\0\0", &whole[10..]].concat();
    assert!(on(&named, 200_000).is_some_and(|(values, place)| values == words(&data) && place == named.len()));
    assert!(on(b"no gzip at all", 200_000).is_none());
}

#[test]
fn it_stops_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gz");
    std::fs::write(&path, packed(&bytes(5, 400_000, 7), 6)).unwrap();
    let signal = Signal::default();
    signal.stop();
    assert!(read(&path, 0, 200_000, 1 << 14, Watch::new(&signal)).is_err());
}

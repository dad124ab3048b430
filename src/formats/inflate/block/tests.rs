//! Streams of all kinds of blocks, held against another program.

use std::io::{Read, Write};

use super::*;
use flate2::write::DeflateEncoder;
use flate2::{Compression, bufread::DeflateDecoder};
use proptest::prelude::*;

/// All that a stream holds, decoded with little room at a time.
fn inflated(stream: &[u8], most: usize) -> Result<(Vec<u8>, usize), Problem> {
    let (mut inflater, mut output, mut all) = (Inflater::default(), Output::<u8>::default(), Vec::new());
    let mut bit = 0;
    loop {
        let window: Vec<u8> = all[all.len().saturating_sub(WINDOW)..].to_vec();
        let before = window.len();
        output.restart(window.into_iter(), most);
        let ended = inflater.blocks(stream, bit, usize::MAX, &mut output, |_| false)?;
        all.extend_from_slice(&output.filled()[before..]);
        bit = ended.bit;
        if ended.is_last {
            return Ok((all, bit.div_ceil(8)));
        }
    }
}

/// What `flate2` makes of it.
fn reference(stream: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut decoder = DeflateDecoder::new(stream);
    let mut all = Vec::new();
    decoder.read_to_end(&mut all).ok()?;
    Some((all, decoder.total_in() as usize))
}

/// A stream of blocks of all three kinds: pieces are flushed one by one, and what each is made of decides about its block.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = (0u8..4, prop::collection::vec(any::<u8>(), 0..600), 0usize..400);
    (prop::collection::vec((piece, 0u32..10), 0..12)).prop_map(|pieces| {
        let mut stream = Vec::new();
        let mut packer =
            DeflateEncoder::new(Vec::new(), Compression::new(pieces.first().map_or(6, |(_, level)| *level)));
        for ((kind, bytes, times), _) in pieces {
            let bytes: Vec<u8> = match kind {
                0 => bytes,
                1 => bytes.iter().map(|byte| byte % 5).collect(),
                2 => bytes.iter().take(9).cycle().take(bytes.len().min(9) * times).copied().collect(),
                _ => bytes.iter().flat_map(|byte| [byte & 63, 0]).collect(),
            };
            packer.write_all(&bytes).unwrap();
            packer.flush().unwrap();
        }
        stream.append(&mut packer.finish().unwrap());
        stream
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn streams_are_read_as_another_program_reads_them(stream in stream(), behind in prop::collection::vec(any::<u8>(), 0..30)) {
        let expected = reference(&stream).unwrap();
        let whole = [&stream[..], &behind].concat();
        prop_assert_eq!(inflated(&whole, 1 << 20), Ok(expected));
    }

    #[test]
    fn damaged_streams_are_refused_or_read_as_another_program_reads_them(
        stream in stream(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut stream = stream;
        for (at, value) in changes {
            let at = at.index(stream.len());
            stream[at] = value;
        }
        if let Some(cut) = cut {
            stream.truncate(cut.index(stream.len()));
        }
        if let Ok(read) = inflated(&stream, 1 << 20) {
            prop_assert_eq!(Some(read), reference(&stream));
        }
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0u8..3) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = *first & !7 | kind << 1;
        }
        if let Ok(read) = inflated(&bytes, 1 << 16) {
            prop_assert_eq!(Some(read), reference(&bytes));
        }
    }

    #[test]
    fn a_stream_is_read_from_any_block_on_without_what_was_before(stream in stream()) {
        let (mut inflater, mut plain, mut marked) = (Inflater::default(), Output::<u8>::default(), Output::<u16>::default());
        plain.restart(std::iter::empty(), 1 << 20);
        let Ok(first) = inflater.blocks(&stream, 0, 1, &mut plain, |_| true) else { return Ok(()) };
        if first.is_last {
            return Ok(());
        }
        let known = plain.filled().to_vec();
        marked.restart(256..256 + WINDOW as u16, 1 << 20);
        let ended = inflater.blocks(&stream, first.bit, usize::MAX, &mut marked, |_| false).unwrap();
        prop_assert!(ended.is_last);
        let of_mark = |mark: u16| match mark {
            0..256 => mark as u8,
            _ => known[known.len() - (WINDOW - usize::from(mark - 256))],
        };
        let read: Vec<u8> = known.iter().copied().chain(marked.filled()[WINDOW..].iter().map(|mark| of_mark(*mark))).collect();
        prop_assert_eq!(Some(read), reference(&stream).map(|(all, _)| all));
    }
}

#[test]
fn a_block_that_is_too_large_is_told() {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::new(6));
    packer.write_all(&vec![7; 4 << 20]).unwrap();
    let stream = packer.finish().unwrap();
    assert_eq!(inflated(&stream, 1 << 20), Err(Problem::TooLarge));
    assert_eq!(inflated(&stream, 8 << 20).map(|(all, _)| all.len()), Ok(4 << 20));
}

//! Which fragments of compressed pixel data are which frame. Source: DICOM PS3.5 annex A.4.

use std::io::{Read, Seek, SeekFrom};

use dicom::core::Tag;

use super::instance::Instance;
use super::stored::read_place;
use super::structure::{PixelData, Place, syntax};
use crate::disk;

const EXTENDED_OFFSETS: Tag = Tag(0x7FE0, 0x0001);

/// The first fragment of each frame and the one behind its last, and what the user must know of how they were found.
///
/// # Errors
/// When fragments cannot be told to frames for sure.
pub fn of_frames(instance: &Instance) -> Result<(Vec<[usize; 2]>, Option<String>), String> {
    let count = instance.frame_count;
    let Some(PixelData::Encapsulated(fragments)) = instance.pixel_data() else { return Ok((Vec::new(), None)) };
    if fragments.len() < count {
        return Err(format!(
            "the file declares {count} frames, but holds {} fragments of compressed pixels; copy the file again",
            fragments.len()
        ));
    }
    if !instance.structure.is_closed {
        return Err(
            "the compressed pixel data are not closed: the end of the file is missing; copy the file again".into()
        );
    }
    let starts = table(instance, count)?.map(|offsets| by_offsets(fragments, &offsets));
    match starts {
        Some(Some(starts)) => return Ok((to_ranges(&starts, fragments.len()), None)),
        None if fragments.len() == count => return Ok((each(count), None)),
        Some(None) if fragments.len() == count => {
            let note =
                "The table of frame offsets does not fit the compressed pixels; each fragment is taken for a frame.";
            return Ok((each(count), Some(note.into())));
        }
        _ => {}
    }
    let found = by_marks(instance, fragments)?;
    if found.len() == count && found.first() == Some(&0) {
        let note = starts.map(|_| {
            "The table of frame offsets does not fit the compressed pixels; frames are told by where an image begins.".into()
        });
        return Ok((to_ranges(&found, fragments.len()), note));
    }
    Err(format!(
        "the {count} frames lie in {} fragments, and no table of offsets says which are which; \
         convert the file to an uncompressed one with the program it comes from",
        fragments.len()
    ))
}

fn each(count: usize) -> Vec<[usize; 2]> {
    (0..count).map(|n| [n, n + 1]).collect()
}

fn to_ranges(starts: &[usize], end: usize) -> Vec<[usize; 2]> {
    starts.iter().enumerate().map(|(n, &start)| [start, starts.get(n + 1).copied().unwrap_or(end)]).collect()
}

/// The offsets of the frames, from the extended or the basic table; none where neither has one for each frame.
fn table(instance: &Instance, count: usize) -> Result<Option<Vec<u64>>, String> {
    let structure = &instance.structure;
    let extended = structure.long.iter().find(|(tag, _)| *tag == EXTENDED_OFFSETS).map(|&(_, place)| (place, 8));
    let Some((place, width)) = extended.or(structure.offset_table.map(|place| (place, 4))) else { return Ok(None) };
    let needed = (count * width) as u64;
    if place.length < needed {
        return Ok(Some(Vec::new()));
    }
    let bytes = read_place(&instance.path, structure.content, Place { length: needed, ..place })?;
    let number = |b: &[u8]| b.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    Ok(Some(bytes.chunks_exact(width).map(number).collect()))
}

/// The fragment at each offset; none where an offset is not that of a fragment, or they do not ascend from the first.
fn by_offsets(fragments: &[(u64, u64)], offsets: &[u64]) -> Option<Vec<usize>> {
    let origin = fragments.first()?.0;
    let at = |&offset: &u64| {
        let place = origin.checked_add(offset)?;
        fragments.binary_search_by_key(&place, |fragment| fragment.0).ok()
    };
    let starts: Vec<usize> = offsets.iter().map(at).collect::<Option<_>>()?;
    (starts.first() == Some(&0) && starts.windows(2).all(|pair| pair[0] < pair[1])).then_some(starts)
}

/// The fragments that begin with the mark of a JPEG or JPEG 2000 image.
fn by_marks(instance: &Instance, fragments: &[(u64, u64)]) -> Result<Vec<usize>, String> {
    if instance.structure.transfer_syntax == syntax::RLE {
        return Ok(Vec::new());
    }
    let failed = |e: std::io::Error| format!("cannot read the pixel data: {e}");
    let mut file = disk::open_regular_file(&instance.path).map_err(failed)?;
    let mut found = Vec::new();
    for (n, &(offset, length)) in fragments.iter().enumerate() {
        let mut mark = [0; 4];
        if length >= 4 {
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            file.read_exact(&mut mark).map_err(failed)?;
        }
        let is_jpeg_2000 = mark == [0xFF, 0x4F, 0xFF, 0x51] || mark == [0, 0, 0, 0x0C];
        if mark.starts_with(&[0xFF, 0xD8, 0xFF]) || is_jpeg_2000 {
            found.push(n);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_name_fragments_by_their_headers() {
        let fragments = [(108, 10), (126, 20), (154, 6), (168, 2)];
        assert_eq!(by_offsets(&fragments, &[0, 18, 60]), Some(vec![0, 1, 3]));
        assert_eq!(by_offsets(&fragments, &[0, 46]), Some(vec![0, 2]));
        for wrong in [&[0, 17][..], &[18, 46], &[0, 0], &[0, 46, 18], &[0, u64::MAX], &[]] {
            assert_eq!(by_offsets(&fragments, wrong), None, "{wrong:?}");
        }
        assert_eq!(to_ranges(&[0, 1, 3], 4), [[0, 1], [1, 3], [3, 4]]);
    }
}

//! Header extensions: pieces of text between the header and the voxels.
//!
//! Each has its size (a multiple of 16, these eight bytes included), a code of its kind, and its content. Source: nifti1.h, `nifti1_extension`.

use std::io::{self, Read};

use crate::formats::annotations::{self, Found};
use crate::volume::Annotations;

/// The code of a comment: plain text that every reader may skip.
const COMMENT: i32 = 6;
/// Kinds that hold no text about labels: DICOM (which may name the patient), numbers, pickles, programs of their own.
const NOT_ABOUT_LABELS: [i32; 12] = [2, 10, 12, 16, 20, 22, 24, 26, 28, 34, 40, 44];
/// Text that is looked through at most, at least, and for each byte of the file.
const TEXT_BYTES: [u64; 2] = [1 << 20, annotations::MAX_TEXT_BYTES];
const TEXT_PER_BYTE: u64 = 32;
/// More extensions than this are no extensions.
const MAX_COUNT: usize = 256;

/// Reads the extensions that stand in the next `size` bytes; all of those bytes are consumed where they are there.
///
/// `flag` are the four bytes behind the header; `file_bytes` is the length of the file, which bounds the memory.
///
/// # Errors
/// Those of the stream; what the extensions say wrongly is a warning.
pub fn read(stream: &mut dyn Read, flag: [u8; 4], size: u64, big_endian: bool, file_bytes: u64) -> io::Result<Found> {
    let mut found = Found::default();
    let mut left = size;
    let mut is_ours = false;
    let mut budget = (file_bytes.saturating_mul(TEXT_PER_BYTE)).clamp(TEXT_BYTES[0], TEXT_BYTES[1]);
    for _ in 0..MAX_COUNT {
        // Whoever says that none follow may leave any bytes there.
        if flag[0] == 0 || left < 8 {
            break;
        }
        let mut head = [0; 8];
        stream.read_exact(&mut head)?;
        left -= 8;
        let [a, b, c, d, e, f, g, h] = head;
        let number = |bytes: [u8; 4]| if big_endian { i32::from_be_bytes(bytes) } else { i32::from_le_bytes(bytes) };
        let (length, code) = (number([a, b, c, d]), number([e, f, g, h]));
        let content = u64::try_from(length).ok().and_then(|length| length.checked_sub(8));
        let Some(content) = content.filter(|content| *content <= left) else {
            // Zeros fill the space up to the voxels.
            if head != [0; 8] {
                found.warnings.push(format!(
                    "A header extension says that it has {length} bytes where {} are left; names of labels in it are not read.",
                    left + 8
                ));
            }
            break;
        };
        left -= content;
        if NOT_ABOUT_LABELS.contains(&code) || content > budget {
            if content > budget && !NOT_ABOUT_LABELS.contains(&code) {
                found.warnings.push(format!("A header extension of {content} bytes was not looked through."));
            }
            skip(&mut *stream, content)?;
            continue;
        }
        budget -= content;
        let mut text = Vec::new();
        if Read::take(&mut *stream, content).read_to_end(&mut text)? as u64 != content {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(other) = annotations::in_extension(&text, "A header extension") else { continue };
        // Ours goes before all others: who has edited a mask here has named it here.
        let other_is_ours = code == COMMENT && annotations::is_own(&text);
        found.warnings.extend(other.warnings);
        if !other.annotations.is_empty() && (found.annotations.is_empty() || (other_is_ours && !is_ours)) {
            found.annotations = other.annotations;
            is_ours = other_is_ours;
        }
    }
    skip(stream, left)?;
    Ok(found)
}

fn skip(stream: &mut dyn Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut Read::take(stream, count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// The extensions of a header that is a file of its own: they go to its end.
///
/// # Errors
/// Those of the stream.
pub fn read_to_end(stream: &mut dyn Read, big_endian: bool, file_bytes: u64) -> io::Result<Found> {
    let mut rest = Vec::new();
    Read::take(stream, TEXT_BYTES[1]).read_to_end(&mut rest)?;
    match rest.split_first_chunk() {
        Some((flag, mut text)) => {
            let size = text.len() as u64;
            read(&mut text, *flag, size, big_endian, file_bytes)
        }
        None => Ok(Found::default()),
    }
}

/// The four bytes behind a header and the extension of these annotations; without any the four bytes alone.
pub fn write(annotations: &Annotations) -> Vec<u8> {
    if annotations.is_empty() {
        return vec![0; 4];
    }
    let text = annotations::to_json(annotations, None);
    let size = (text.len() + 8).next_multiple_of(16);
    let mut bytes = vec![1, 0, 0, 0];
    // More than 2 GB of names cannot be in memory as labels.
    bytes.extend(i32::try_from(size).unwrap_or(i32::MAX).to_le_bytes());
    bytes.extend(COMMENT.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.resize(4 + size, 0);
    bytes
}

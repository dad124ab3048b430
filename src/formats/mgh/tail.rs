//! What follows the voxels: five numbers of the scanner, then parts that have a number and a length. `FreeSurfer` passes over parts that it
//! does not know (`utils/tags.cpp`); one of them is ours.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::disk::open_regular_file;
use crate::formats::annotations::{self, Found};
use crate::formats::gzip::Members;
use crate::formats::stored::Encoding;
use crate::volume::Annotations;

/// Bytes of repetition time, flip angle, echo time, inversion time and field of view.
const NUMBERS: usize = 20;
/// Number of our part.
const OWN: i32 = 0x4C6D_6C61;
/// Parts without a length, after which nothing can be found.
const WITHOUT_LENGTH: [i32; 4] = [1, 2, 20, 30];
/// Most bytes that are looked through: transforms and names of commands are short.
const MOST: u64 = 1 << 24;

/// What is written behind the voxels.
pub fn of(annotations: &Annotations) -> Vec<u8> {
    let mut bytes = vec![0; NUMBERS];
    if !annotations.is_empty() {
        let text = annotations::to_json(annotations, None);
        bytes.extend(OWN.to_be_bytes());
        bytes.extend(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// What stands behind so many bytes about labels. A part that cannot be read says nothing: the voxels count.
pub fn read(path: &Path, encoding: Encoding, before: u64) -> Found {
    let tail = bytes(path, encoding, before).unwrap_or_default();
    own(tail.get(NUMBERS..).unwrap_or_default())
        .and_then(|text| annotations::in_extension(text, "The file"))
        .unwrap_or_default()
}

fn bytes(path: &Path, encoding: Encoding, before: u64) -> std::io::Result<Vec<u8>> {
    let mut file = BufReader::new(open_regular_file(path)?);
    let mut tail = Vec::new();
    if encoding == Encoding::Gzip {
        let mut members: Members<BufReader<File>> = Members::new(file);
        std::io::copy(&mut (&mut members).take(before), &mut std::io::sink())?;
        members.take(MOST).read_to_end(&mut tail)?;
    } else {
        file.seek(SeekFrom::Start(before))?;
        file.take(MOST).read_to_end(&mut tail)?;
    }
    Ok(tail)
}

/// Our part among the others.
fn own(mut parts: &[u8]) -> Option<&[u8]> {
    loop {
        let (number, rest) = parts.split_first_chunk()?;
        let number = i32::from_be_bytes(*number);
        if WITHOUT_LENGTH.contains(&number) {
            return None;
        }
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let part = rest.get(..length)?;
        if number == OWN {
            return Some(part);
        }
        parts = rest.get(length..)?;
    }
}

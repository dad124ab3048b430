//! Bytes of a data set as they are stored.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::DeflateDecoder;

use super::stream;
use super::structure::{Content, Place};
use crate::disk;
use crate::work::memory;
use crate::work::numbers::index;

/// Reads bytes of the data set; room is taken as they come, so that lengths may lie.
///
/// # Errors
/// A sentence for the user, also where fewer bytes are there.
pub fn read_place(path: &Path, content: Content, place: Place) -> Result<Vec<u8>, String> {
    let Place { offset, length } = place;
    let failed = |e: io::Error| format!("cannot read the pixel data: {e}");
    let mut file = disk::open_regular_file(path).map_err(failed)?;
    let mut bytes = Vec::new();
    match content {
        Content::File => {
            let present = file.metadata().map_err(failed)?.len().saturating_sub(offset);
            bytes.reserve_exact(index(length.min(present)));
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        }
        Content::Deflated(start) => {
            memory::ensure::<u8>(index(length)).map_err(|e| e.to_string())?;
            file.seek(SeekFrom::Start(start)).map_err(failed)?;
            let mut inflater = DeflateDecoder::new(file);
            io::copy(&mut (&mut inflater).take(offset), &mut io::sink()).map_err(stream::damaged)?;
            inflater.take(length).read_to_end(&mut bytes).map_err(stream::damaged)?;
        }
    }
    if (bytes.len() as u64) < length {
        return Err(format!("the pixel data are cut: {} of {length} bytes; copy the file again", bytes.len()));
    }
    Ok(bytes)
}

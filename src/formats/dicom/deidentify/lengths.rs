//! Every length that the parser of dicom-rs is going to meet, held against the bytes that are there.
//!
//! That parser takes as much memory as an element claims. The walk has looked at all lengths, but it reads files that are not by the letter
//! as they are meant: what is an element to it may be another one to the parser. So the parser's own reader is asked, value by value, and
//! nothing is read.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use dicom::core::Tag;
use dicom::core::header::Header;
use dicom::dictionary_std::tags;
use dicom::encoding::decode::{Decode, file_header_decoder};
use dicom::encoding::transfer_syntax::TransferSyntaxIndex;
use dicom::parser::dataset::LazyDataToken;
use dicom::parser::dataset::lazy_read::LazyDataSetReader;
use dicom::parser::stateful::decode::StatefulDecode;
use dicom::transfer_syntax::TransferSyntaxRegistry;

use crate::disk::open_regular_file;

/// Preamble and mark.
const PREAMBLE: u64 = 132;
/// Items and sequences within each other; the parser goes as deep as a file does.
const MOST_NESTED: usize = 64;

/// Refuses a file whose elements claim more bytes than it has, or are nested too deep. What the parser will refuse by itself passes.
///
/// # Errors
/// A sentence that names the element.
pub fn check(path: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("cannot read the file: {e}");
    let file = open_regular_file(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(PREAMBLE)).map_err(failed)?;
    let Some(uid) = meta_information(&mut reader, length)? else { return Ok(()) };
    let Some(syntax) = TransferSyntaxRegistry.get(&uid) else { return Ok(()) };
    let Ok(mut set) = LazyDataSetReader::new_with_ts(reader, syntax) else { return Ok(()) };
    let mut depth = 0usize;
    while let Some(Ok(token)) = set.advance() {
        let claims = match &token {
            LazyDataToken::SequenceStart { .. }
            | LazyDataToken::ItemStart { .. }
            | LazyDataToken::PixelSequenceStart => {
                depth += 1;
                if depth > MOST_NESTED {
                    return Err(format!("sequences and items are nested more than {MOST_NESTED} deep"));
                }
                None
            }
            LazyDataToken::SequenceEnd | LazyDataToken::ItemEnd => {
                depth = depth.saturating_sub(1);
                None
            }
            // What follows the pixels is not read.
            LazyDataToken::ElementHeader(header) if depth == 0 && header.tag() > tags::PIXEL_DATA => return Ok(()),
            LazyDataToken::LazyValue { header, decoder } => Some((header.tag(), header.len.0, decoder.position())),
            LazyDataToken::LazyItemValue { len, decoder } => Some((tags::PIXEL_DATA, *len, decoder.position())),
            _ => None,
        };
        if let Some((tag, claimed, at)) = claims {
            fits(tag, claimed, length.saturating_sub(at))?;
        }
        if token.skip().is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn fits(tag: Tag, claimed: u32, left: u64) -> Result<(), String> {
    if u64::from(claimed) <= left {
        return Ok(());
    }
    Err(format!(
        "to the letter of its transfer syntax, element {tag} claims {claimed} bytes where {left} are left; convert the file to a correct \
         one with another program first"
    ))
}

/// Steps over the file meta information, and gives the transfer syntax; nothing where the parser will refuse it.
fn meta_information(reader: &mut BufReader<File>, length: u64) -> Result<Option<String>, String> {
    let decoder = file_header_decoder();
    let mut uid = None;
    // The first element says how many bytes the others have.
    let mut first = [0; 4];
    let Ok((header, _)) = decoder.decode_header(reader) else { return Ok(None) };
    if header.tag() != tags::FILE_META_INFORMATION_GROUP_LENGTH
        || header.len.0 != 4
        || reader.read_exact(&mut first).is_err()
    {
        return Ok(None);
    }
    let (all, mut read) = (u64::from(u32::from_le_bytes(first)), 0);
    while read < all {
        let Ok((header, size)) = decoder.decode_header(reader) else { return Ok(None) };
        let Ok(at) = reader.stream_position() else { return Ok(None) };
        let claimed = header.len.0;
        fits(header.tag(), claimed, length.saturating_sub(at))?;
        if header.tag() == tags::TRANSFER_SYNTAX_UID {
            let mut bytes = Vec::new();
            if reader.take(u64::from(claimed)).read_to_end(&mut bytes).is_err() {
                return Ok(None);
            }
            uid = Some(String::from_utf8_lossy(&bytes).trim_matches(['\0', ' ']).to_string());
        } else if reader.seek_relative(i64::from(claimed)).is_err() {
            return Ok(None);
        }
        read += u64::from(claimed) + size as u64;
    }
    Ok(uid)
}

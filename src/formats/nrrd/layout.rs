//! How the data are written, as the header says it.

use super::header::Header;
use crate::formats::stored::{Encoding, Layout};
use crate::volume::VoxelType;

/// Takes the fields that say how files are read.
///
/// # Errors
/// A sentence that names the field.
pub fn layout(header: &Header, kind: VoxelType) -> Result<Layout, String> {
    let encoding = named(header.require("encoding")?)?;
    let lines = header.whole("line skip", 0)?;
    let line_skip =
        u64::try_from(lines).map_err(|_| format!("the field `line skip` is {lines}; lines are counted from 0"))?;
    let bytes = header.whole("byte skip", 0)?;
    let byte_skip = match bytes {
        -1 if encoding == Encoding::Raw || encoding.is_packed() => None,
        _ => Some(u64::try_from(bytes).map_err(|_| {
            format!(
                "the field `byte skip` is {bytes} with the encoding {}; 0 and more, or -1 with raw data, are possible",
                name(encoding)
            )
        })?),
    };
    Ok(Layout { encoding, kind, line_skip, byte_skip })
}

/// The encoding of a name.
fn named(name: &str) -> Result<Encoding, String> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "raw" => Encoding::Raw,
        "gz" | "gzip" => Encoding::Gzip,
        "txt" | "text" | "ascii" => Encoding::Text,
        "hex" => Encoding::Hex,
        "bz2" | "bzip2" => {
            return Err(
                "voxels that are compressed by bzip2 are not supported; save the file with the encoding gzip or raw"
                    .into(),
            );
        }
        "zrl" => {
            return Err(
                "voxels that are compressed by zrl are not supported; save the file with the encoding gzip or raw"
                    .into(),
            );
        }
        _ => return Err(format!("the field `encoding` is {name:?}; raw, gzip, text and hex can be read")),
    })
}

/// The name that other programs know.
pub fn name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Raw => "raw",
        Encoding::Gzip | Encoding::Zlib => "gzip",
        Encoding::Text => "text",
        Encoding::Hex => "hex",
    }
}

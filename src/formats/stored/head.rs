//! The fixed header that a file begins with, plain or compressed, its numbers big end first.

use std::io::{self, BufReader, Read};
use std::path::Path;

use super::{Data, Encoding, Layout, Parts};
use crate::disk::open_regular_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::gzip::{Members, is_gzip};
use crate::volume::VoxelType;
use crate::work::Watch;

/// The first bytes of a file.
pub struct Head {
    bytes: Vec<u8>,
    /// How the file is written, as its own first bytes say.
    pub encoding: Encoding,
}

macro_rules! getter {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("A number of the type ", stringify!($name), " at a place; 0 behind the end.")]
            pub fn $name(&self, at: usize) -> $name {
                let mut raw = [0; size_of::<$name>()];
                if let Some(bytes) = self.bytes.get(at..at + raw.len()) {
                    raw.copy_from_slice(bytes);
                }
                $name::from_be_bytes(raw)
            }
        )*
    };
}

impl Head {
    /// Reads so many bytes.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, or has fewer bytes.
    pub fn read(path: &Path, count: usize) -> Result<Self> {
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                FormatError::malformed(path, format!("the compressed header is damaged ({e}); copy the file again"))
            }
            io::ErrorKind::UnexpectedEof => {
                FormatError::malformed(path, format!("the file ends inside its header of {count} bytes; copy it again"))
            }
            _ => FormatError::read(path, e),
        };
        let file = open_regular_file(path).map_err(|e| FormatError::read(path, e))?;
        let mut reader = BufReader::new(file);
        let first = io::BufRead::fill_buf(&mut reader).map_err(failed)?;
        let encoding = if is_gzip(first) { Encoding::Gzip } else { Encoding::Raw };
        let mut bytes = vec![0; count];
        match encoding {
            Encoding::Gzip => Members::new(reader).read_exact(&mut bytes),
            _ => reader.read_exact(&mut bytes),
        }
        .map_err(failed)?;
        Ok(Self { bytes, encoding })
    }

    getter!(i16 u16 i32 u32 f32 f64);

    /// The file's values behind the header.
    pub fn data(&self, path: &Path, values: usize, kind: VoxelType) -> (Parts, Layout) {
        let mut layout = Layout::plain(self.encoding, kind);
        layout.byte_skip = u64::try_from(self.bytes.len()).ok();
        (Parts::attached(path, 0, values), layout)
    }
}

/// Makes sure that the values can be there, without reading them.
///
/// # Errors
/// Names the file that is too short.
pub fn check((parts, layout): &(Parts, Layout), path: &Path, watch: Watch) -> Result<()> {
    Data::new(parts, *layout, path, watch).map(drop)
}

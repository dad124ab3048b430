//! Files of named arrays with a line of JSON: what model files and training checkpoints are made of.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use safetensors::{Dtype, SafeTensors, View};

use crate::disk::{open_regular_file, replace_file};
use crate::engine::{Array, Weights};
use crate::work::memory::{self, OutOfMemory};

/// Most bytes of a header, as in the format's own library.
const MOST_HEADER_BYTES: u64 = 100_000_000;

/// An array of a file; its bytes are made when their turn comes, so that there is no second copy of all of them.
struct Written<'a>(&'a Array);

impl View for Written<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(&self.0.values[..])
    }
}

/// Writes arrays, and a text under `key` of the file's metadata, in place of whatever is there.
///
/// # Errors
/// When the file cannot be written; an existing file is untouched then.
pub fn write<'a>(
    path: &Path,
    key: &str,
    text: String,
    arrays: impl IntoIterator<Item = (String, &'a Array)>,
) -> io::Result<()> {
    let views: Vec<_> = arrays.into_iter().map(|(name, array)| (name, Written(array))).collect();
    memory::ensure::<u8>(views.iter().map(|(_, array)| array.data_len()).sum())?;
    let metadata = HashMap::from([(key.to_string(), text)]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(io::Error::other)?;
    replace_file(path, |writer| io::Write::write_all(writer, &file))
}

/// All bytes of a file that is a regular one.
///
/// # Errors
/// When it cannot be read, or the memory is too small for it.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open_regular_file(path)?;
    let count = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    memory::ensure::<u8>(count)?;
    let mut bytes = Vec::with_capacity(count);
    Read::by_ref(&mut file).take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file is one of named arrays that has a text under `key`; only its header is read.
pub fn has_text(path: &Path, key: &str) -> bool {
    open_regular_file(path).is_ok_and(|file| header(file).is_some_and(|header| header["__metadata__"][key].is_string()))
}

fn header(mut file: File) -> Option<serde_json::Value> {
    let mut count = [0; 8];
    file.read_exact(&mut count).ok()?;
    let count = u64::from_le_bytes(count);
    let is_there = count <= MOST_HEADER_BYTES && count <= file.metadata().ok()?.len();
    let mut text = Vec::new();
    if is_there {
        file.take(count).read_to_end(&mut text).ok()?;
    }
    serde_json::from_slice(&text).ok()
}

/// The text under `key` of a file's metadata.
///
/// # Errors
/// When the file is no file of named arrays.
pub fn text(bytes: &[u8], key: &str) -> Result<Option<String>, String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| format!("not a safetensors file: {e}"))?;
    Ok(metadata.metadata().as_ref().and_then(|m| m.get(key)).cloned())
}

/// The names of the arrays, in order.
///
/// # Errors
/// When the file is damaged.
pub fn names(bytes: &[u8]) -> Result<Vec<String>, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| format!("a damaged safetensors file: {e}"))?;
    let mut names: Vec<String> = tensors.names().into_iter().map(String::from).collect();
    names.sort_unstable();
    Ok(names)
}

/// The arrays of a file.
///
/// # Errors
/// When it is damaged, holds other numbers than 32-bit floats, or the memory is too small for it.
pub fn arrays(bytes: &[u8]) -> Result<Weights, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| format!("a damaged safetensors file: {e}"))?;
    memory::ensure::<u8>(bytes.len()).map_err(|e: OutOfMemory| e.to_string())?;
    let mut weights = Weights::new();
    for (name, view) in tensors.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("tensor {name:?} has type {:?}, needed is F32", view.dtype()));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        weights.insert(name, Array::new(view.shape(), values));
    }
    Ok(weights)
}

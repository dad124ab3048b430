//! Files of named arrays with a line of JSON: what model files and training checkpoints are made of.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::Path;

use safetensors::{Dtype, SafeTensors, View};

use crate::disk::replace_file;
use crate::engine::{Array, Weights};

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
    let views = arrays.into_iter().map(|(name, array)| (name, Written(array)));
    let metadata = HashMap::from([(key.to_string(), text)]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(io::Error::other)?;
    replace_file(path, |writer| io::Write::write_all(writer, &file))
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
/// When it is damaged, or holds other numbers than 32-bit floats.
pub fn arrays(bytes: &[u8]) -> Result<Weights, String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| format!("a damaged safetensors file: {e}"))?;
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

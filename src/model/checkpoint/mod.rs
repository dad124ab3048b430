//! Weights of other programs: files of `torch.save` (zip archives and the older form) and `.safetensors`.
//!
//! **Invariant:** nothing in a file is ever executed: pickled calls are data, and only those that build tensors are understood.
//! **Invariant:** no input makes it panic, and memory is bounded by a small multiple of the file's size.

mod archive;
mod lookup;
mod pickle;
mod pickle_ops;
mod tensors;

use std::io;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

use crate::engine::{Array, Weights};

/// What a file of weights holds.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Tensors by name; prefixes that all of them share are gone.
    pub tensors: Weights,
    /// What else the file holds and is plain data (numbers, texts, lists, dictionaries).
    pub extras: serde_json::Value,
}

/// Why a file of weights cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system's reason.
    #[error("the file {} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is damaged or something else.
    #[error("{problem} ({})", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Reads a file of weights, whatever its form.
///
/// # Errors
/// When it is none, or is damaged.
pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let bytes = std::fs::read(path).map_err(|source| CheckpointError::File { path: path.into(), source })?;
    let foreign = |problem: String| CheckpointError::Foreign { path: path.into(), problem };
    let checkpoint = if bytes.starts_with(b"PK\x03\x04") {
        archive::read_zip(&bytes).map_err(foreign)?
    } else if bytes.first() == Some(&0x80) && bytes.get(8) != Some(&b'{') {
        // The length in front of safetensors' header may begin with this byte too.
        archive::read_legacy(&bytes).map_err(foreign)?
    } else {
        read_safetensors(&bytes).map_err(foreign)?
    };
    if checkpoint.tensors.is_empty() {
        return Err(foreign("the file holds no floating-point tensors".into()));
    }
    Ok(Checkpoint { tensors: without_prefixes(checkpoint.tensors), ..checkpoint })
}

fn read_safetensors(bytes: &[u8]) -> Result<Checkpoint, String> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|e| format!("neither a file of torch.save nor of safetensors: {e}"))?;
    let mut tensors = Weights::new();
    for (name, view) in file.tensors() {
        let kind = match view.dtype() {
            Dtype::F32 => tensors::Kind::Float,
            Dtype::F64 => tensors::Kind::Double,
            Dtype::F16 => tensors::Kind::Half,
            Dtype::BF16 => tensors::Kind::BFloat16,
            _ => continue,
        };
        tensors.insert(name, Array::new(view.shape(), kind.values(view.data())));
    }
    Ok(Checkpoint { tensors, extras: serde_json::Value::Null })
}

/// Wrappers of networks (data parallel, compiled, lightning) put a prefix in front of every name.
const PREFIXES: [&str; 5] = ["module.", "_orig_mod.", "model.", "net.", "network."];

fn without_prefixes(mut tensors: Weights) -> Weights {
    while let Some(prefix) = PREFIXES.iter().find(|prefix| tensors.keys().all(|name| name.starts_with(**prefix))) {
        tensors = tensors.into_iter().map(|(name, array)| (name[prefix.len()..].to_string(), array)).collect();
    }
    // A compiled part inside of a network.
    tensors.into_iter().map(|(name, array)| (name.replace("_orig_mod.", ""), array)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_prefixes_go_and_others_stay() {
        let named =
            |names: &[&str]| -> Weights { names.iter().map(|n| ((*n).to_string(), Array::zeros(&[1]))).collect() };
        let cleaned = without_prefixes(named(&["module.model.a", "module.model.b"]));
        assert_eq!(cleaned.keys().collect::<Vec<_>>(), ["a", "b"]);
        let kept = without_prefixes(named(&["model.a", "b"]));
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["b", "model.a"]);
    }

    #[test]
    fn a_pickle_that_repeats_itself_without_end_is_refused_soon() {
        // Thirty-three dictionaries, each of which holds the next one twice.
        let mut bytes = b"\x80\x02}q\x00".to_vec();
        for n in 1..=32u8 {
            bytes.extend([b'}', b'q', n, b'(', b'U', 1, b'a', b'h', n - 1, b'U', 1, b'b', b'h', n - 1, b'u']);
        }
        bytes.push(b'.');
        let pickle = pickle::read(&bytes).unwrap();
        let start = std::time::Instant::now();
        assert!(pickle.network().is_empty());
        assert!(pickle.plain().is_object());
        assert!(start.elapsed().as_secs() < 5);
    }

    #[test]
    fn rubbish_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rubbish.pth");
        for bytes in [&b""[..], b"PK\x03\x04 not really", b"\x80\x02]q\x00.", b"\x80\x02", b"hello", b"\x80\x04h\x05."]
        {
            std::fs::write(&path, bytes).unwrap();
            assert!(read(&path).is_err(), "{bytes:?}");
        }
    }
}

//! Weights of other programs: files of `torch.save` (zip archives and the older form) and `.safetensors`.
//!
//! **Invariant:** nothing in a file is ever executed: pickled calls are data, and only those that build tensors are understood.
//! **Invariant:** no input makes it panic, and memory is bounded by a small multiple of the file's size.

mod archive;
mod container;
mod lookup;
mod pickle;
mod tensors;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

use crate::disk::open_regular_file;
use crate::engine::{Array, Weights};
use crate::work::memory;

pub use container::{Container, kind};

/// What a file of weights holds.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Tensors by name, from the outermost key of the file on; what wrappers add inside of names is gone.
    pub tensors: Weights,
    /// Tensors that are no floats, and what they are.
    pub unread: BTreeMap<String, String>,
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

/// The bytes of a regular file.
///
/// # Errors
/// When it is none, or memory cannot be had.
pub fn bytes(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let read = || -> io::Result<Vec<u8>> {
        let file = open_regular_file(path)?;
        let length = file.metadata()?.len();
        memory::ensure::<u8>(usize::try_from(length).unwrap_or(usize::MAX))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|source| CheckpointError::File { path: path.into(), source })
}

/// Reads a file of weights, whatever its form.
///
/// # Errors
/// When it is none, or is damaged.
pub fn read(path: &Path) -> Result<Checkpoint, CheckpointError> {
    from_bytes(&bytes(path)?, path)
}

/// Reads weights from the bytes of their file; `path` is for messages.
///
/// # Errors
/// As [`read`].
pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Checkpoint, CheckpointError> {
    let foreign = |problem: String| CheckpointError::Foreign { path: path.into(), problem };
    let checkpoint = match kind(bytes) {
        Container::Archive => archive::read_zip(bytes),
        Container::Legacy => archive::read_legacy(bytes),
        Container::SafeTensors => read_safetensors(bytes),
        Container::Onnx => Err("the file is an ONNX network, not weights alone".into()),
        Container::Other(what) => Err(what),
    };
    let checkpoint = checkpoint.map_err(|problem| match container::by_ending(path) {
        Some(hint) => format!("{problem}; {hint}"),
        None => problem,
    });
    let Checkpoint { tensors, unread, extras } = checkpoint.map_err(foreign)?;
    if tensors.is_empty() {
        let odd = unread.iter().find(|(name, _)| !name.ends_with(COUNTER));
        return Err(foreign(match odd {
            Some((name, what)) => format!(
                "the file holds no floating-point tensors that can be read; its {name:?} is {what}; save the network's weights as \
                 float32 (torch.save(network.float().state_dict(), ...)), before it is quantised, or export it as ONNX"
            ),
            None => "the file holds no floating-point tensors".into(),
        }));
    }
    let tensors = tensors.into_iter().map(|(name, array)| (without_wrappers(&name), array)).collect();
    let unread = unread.into_iter().map(|(name, what)| (without_wrappers(&name), what)).collect();
    Ok(Checkpoint { tensors, unread, extras })
}

/// Batch norms count their batches in a tensor of this name, which nothing needs.
pub const COUNTER: &str = "num_batches_tracked";

fn read_safetensors(bytes: &[u8]) -> Result<Checkpoint, String> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|e| format!("neither a file of torch.save nor of safetensors: {e}"))?;
    let (mut tensors, mut unread) = (Weights::new(), BTreeMap::new());
    for (name, view) in file.tensors() {
        let kind = match view.dtype() {
            Dtype::F32 => tensors::Kind::Float,
            Dtype::F64 => tensors::Kind::Double,
            Dtype::F16 => tensors::Kind::Half,
            Dtype::BF16 => tensors::Kind::BFloat16,
            other => {
                unread.insert(name, format!("{other:?}"));
                continue;
            }
        };
        memory::ensure::<f32>(view.data().len() / kind.bytes()).map_err(|e| e.to_string())?;
        tensors.insert(name, Array::new(view.shape(), kind.values(view.data())));
    }
    Ok(Checkpoint { tensors, unread, extras: serde_json::Value::Null })
}

/// Parts of names that compilers and distributed training put anywhere inside.
const WRAPPERS: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];

fn without_wrappers(name: &str) -> String {
    name.split('.').filter(|part| !WRAPPERS.contains(part)).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrappers_add_is_gone_wherever_it_is() {
        assert_eq!(without_wrappers("_orig_mod.a._fsdp_wrapped_module.b.weight"), "a.b.weight");
        assert_eq!(without_wrappers("model.module.a"), "model.module.a");
    }

    #[test]
    fn a_pickle_that_repeats_itself_without_end_has_no_tensors() {
        // Thirty-three dictionaries, each of which holds the next one twice.
        let mut bytes = b"\x80\x02}q\x00".to_vec();
        for n in 1..=32u8 {
            bytes.extend([b'}', b'q', n, b'(', b'U', 1, b'a', b'h', n - 1, b'U', 1, b'b', b'h', n - 1, b'u']);
        }
        bytes.push(b'.');
        let pickle = pickle::read(&bytes).unwrap();
        assert!(pickle.tensors().is_empty());
        assert!(pickle.plain().is_object());
    }

    #[test]
    fn a_dictionary_that_holds_itself_a_hundred_thousand_times_has_no_tensors() {
        let mut bytes = b"\x80\x02}q\x00(".to_vec();
        (0..100_000).for_each(|n| bytes.extend([b"U\x05", format!("{n:05x}").as_bytes(), b"h\x00"].concat()));
        bytes.extend(b"u.");
        let mut list = b"\x80\x02]q\x00(".to_vec();
        list.extend(b"h\x00".repeat(100_000));
        list.extend(b"e.");
        for bytes in [bytes, list] {
            let pickle = pickle::read(&bytes).unwrap();
            assert!(pickle.tensors().is_empty());
            assert!(!pickle.plain().is_null());
        }
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

//! The two forms of `torch.save`: a zip archive (since 1.6), and pickles followed by the storages.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use super::lookup::Tensor;
use super::pickle::{self, Item, Pickle};
use super::tensors::View;
use super::{Checkpoint, container};
use crate::engine::Weights;
use crate::work::memory;

/// The large integer that the older form starts with (`torch/serialization.py`, `MAGIC_NUMBER`), lowest byte first.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// So many times the file's size tensors may take: halves become floats, and four names may share a storage.
const MOST_SHARING: usize = 16;
/// Largest pickle of an archive; the values themselves lie beside it.
const LARGEST_PICKLE: u64 = 64 << 20;

/// Reads an archive.
///
/// # Errors
/// When it is no archive of weights, or a part is missing.
pub fn read_zip(bytes: &[u8]) -> Result<Checkpoint, String> {
    let mut archive = container::open(bytes)?;
    let names: Vec<String> = archive.file_names().filter_map(Result::ok).map(|name| name.to_string()).collect();
    let pickled = names.into_iter().find(|name| name == "data.pkl" || name.ends_with("/data.pkl"));
    let pickled = pickled.ok_or("an archive without data.pkl, so not one of torch.save")?;
    let root = pickled.trim_end_matches("data.pkl").to_string();
    let mut entry = |name: &str, limit: u64| -> Result<Vec<u8>, String> {
        let file = archive.by_name(name).map_err(|e| format!("{name} in the archive cannot be read: {e}"))?;
        if file.size() > limit {
            return Err(format!("{name} in the archive is too large ({} bytes)", file.size()));
        }
        let limit = limit.min(file.size());
        memory::ensure::<u8>(usize::try_from(limit).unwrap_or(usize::MAX)).map_err(|e| e.to_string())?;
        let mut content = Vec::new();
        file.take(limit).read_to_end(&mut content).map_err(|e| format!("{name} in the archive cannot be read: {e}"))?;
        Ok(content)
    };
    if let Ok(order) = entry(&format!("{root}byteorder"), 64)
        && order == b"big"
    {
        return Err("the archive was written on a big-endian machine".into());
    }
    let pickle = pickle::read(&entry(&pickled, LARGEST_PICKLE)?)?;
    // Archives of weights are not compressed, so no entry is larger than the file.
    let size = bytes.len() as u64;
    checkpoint(&pickle, bytes.len(), |view| entry(&format!("{root}data/{}", view.storage), size))
}

/// Storages are read once, and only while their tensors follow each other.
fn checkpoint(
    pickle: &Pickle,
    file_bytes: usize,
    mut storage: impl FnMut(&View) -> Result<Vec<u8>, String>,
) -> Result<Checkpoint, String> {
    let (mut tensors, mut unread) = (Weights::new(), BTreeMap::new());
    let mut last: Option<(String, Vec<u8>)> = None;
    // Tensors may share storages, as nnU-Net's do under further names, but not without measure.
    let mut left = MOST_SHARING.saturating_mul(file_bytes);
    for (name, tensor) in pickle.tensors() {
        let view = match tensor {
            Tensor::Floats(view) => view,
            Tensor::Other(what) => {
                unread.insert(name, what);
                continue;
            }
        };
        let bytes = view.shape.iter().fold(4usize, |product, &n| product.saturating_mul(n));
        left = left.checked_sub(bytes).ok_or("its tensors would take many times the file's size")?;
        if last.as_ref().is_none_or(|(key, _)| *key != view.storage) {
            let bytes = storage(&view)?;
            left = left.checked_sub(bytes.len()).ok_or("its tensors would take many times the file's size")?;
            last = Some((view.storage.clone(), bytes));
        }
        let bytes = last.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let array = view.read(bytes).map_err(|e| format!("tensor {name:?}: {e}"))?;
        tensors.insert(name, array);
    }
    Ok(Checkpoint { tensors, unread, extras: pickle.plain() })
}

/// Reads the older form: a magic number, a version, facts about the machine, the values, the keys of the storages, and the
/// storages, each with its number of values in front.
///
/// # Errors
/// When it is something else, or cut off.
pub fn read_legacy(bytes: &[u8]) -> Result<Checkpoint, String> {
    let mut at = 0;
    let mut next = || -> Result<Pickle, String> {
        let pickle = pickle::read(&bytes[at..])?;
        at += pickle.length;
        Ok(pickle)
    };
    let magic = next()?;
    if magic.items.get(magic.root) != Some(&Item::Large(MAGIC.to_vec())) {
        return Err("pickled data, but not of torch.save".into());
    }
    let (_version, machine) = (next()?, next()?);
    if machine.plain()["little_endian"] == serde_json::json!(false) {
        return Err("the file was written on a big-endian machine".into());
    }
    let (pickle, keys) = (next()?, next()?);
    let sizes = pickle.storage_sizes();
    let mut storages: HashMap<&str, &[u8]> = HashMap::new();
    let Item::List(keys_of) = &keys.items[keys.root] else { return Err("the list of storages is missing".into()) };
    for &key in keys_of {
        let Item::Text(key) = &keys.items[key] else { return Err("a storage without a key".into()) };
        let count = bytes.get(at..at + 8).ok_or("the storages are cut off")?;
        let count = u64::from_le_bytes(count.try_into().unwrap_or_default());
        let width = sizes.get(&**key).copied();
        let width = width.ok_or_else(|| format!("storage {key} has an unknown type"))?;
        let length = usize::try_from(count).ok().and_then(|n| n.checked_mul(width));
        let end = length.and_then(|n| n.checked_add(at + 8)).filter(|&end| end <= bytes.len());
        let end = end.ok_or("the storages are cut off")?;
        storages.insert(key, &bytes[at + 8..end]);
        at = end;
    }
    let storage = |view: &View| {
        storages
            .get(view.storage.as_str())
            .map(|b| b.to_vec())
            .ok_or_else(|| format!("storage {} is missing", view.storage))
    };
    checkpoint(&pickle, bytes.len(), storage)
}

impl Pickle {
    /// Bytes of a value in each storage, also in those of integers.
    fn storage_sizes(&self) -> HashMap<&str, usize> {
        let mut sizes = HashMap::new();
        for item in &self.items {
            let Item::Persistent(reference) = item else { continue };
            let Item::List(reference) = &self.items[*reference] else { continue };
            let part = |n: usize| reference.get(n).map(|&id| &self.items[id]);
            if let (Some(Item::Global(_, class)), Some(Item::Text(key))) = (part(1), part(2)) {
                let size = match &**class {
                    "ComplexDoubleStorage" => 16,
                    "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => 8,
                    "FloatStorage" | "IntStorage" | "QInt32Storage" => 4,
                    "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
                    // Storages without a type count their bytes.
                    "ByteStorage" | "CharStorage" | "BoolStorage" | "QInt8Storage" | "QUInt8Storage"
                    | "UntypedStorage" => 1,
                    _ => continue,
                };
                sizes.insert(&**key, size);
            }
        }
        sizes
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]
mod tests {
    use super::*;

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
        })
    }

    /// An archive as PyTorch writes it (`caffe2/serialize/inline_container.cc`): values at multiples of 64 bytes, and records for
    /// archives of more than 4 GB behind the directory, whatever its size.
    fn archive(stem: &str, entries: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in entries {
            let (name, offset, size) = (format!("{stem}/{name}"), bytes.len(), (content.len() as u32).to_le_bytes());
            let start = offset + 30 + name.len();
            let padding = (start + 4).next_multiple_of(64) - start;
            let crc = crc32(content).to_le_bytes();
            let name_length = (name.len() as u16).to_le_bytes();
            let common = [&[0u8; 2][..], &[0; 4], &crc, &size, &size, &name_length].concat();
            bytes.extend(b"PK\x03\x04\0\0\0\x08");
            bytes.extend(&common);
            bytes.extend((padding as u16).to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend(b"FB");
            bytes.extend((padding as u16 - 4).to_le_bytes());
            bytes.extend(vec![b'Z'; padding - 4]);
            bytes.extend(*content);
            directory.extend(b"PK\x01\x02\0\0\0\0\0\x08");
            directory.extend(&common);
            directory.extend([0; 12]);
            directory.extend((offset as u32).to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let (start, length, count) = (bytes.len() as u64, directory.len() as u64, entries.len() as u64);
        bytes.extend(directory);
        let records = bytes.len() as u64;
        bytes.extend(b"PK\x06\x06");
        bytes.extend(44u64.to_le_bytes());
        bytes.extend([0x1e, 3, 0x2d, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        [count, count, length, start].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        bytes.extend(b"PK\x06\x07\0\0\0\0");
        bytes.extend(records.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        [count as u16; 2].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        [length as u32, start as u32].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        bytes.extend([0, 0]);
        bytes
    }

    /// `{"w": tensor of two floats}`.
    const PICKLE: &[u8] =
        b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\
        \x01\0\0\x000X\x03\0\0\0cpuK\x02tQK\0K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs.";

    #[test]
    fn archives_are_read_whatever_the_length_of_their_name() {
        let values: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let plain: &[(&str, &[u8])] =
            &[("data.pkl", PICKLE), ("byteorder", b"little"), ("data/0", &values), ("version", b"3\n")];
        let today: &[(&str, &[u8])] =
            &[("data.pkl", PICKLE), (".format_version", b"1"), ("data/0", &values), (".data/serialization_id", b"00")];
        for length in 1..=60 {
            for entries in [plain, today] {
                let bytes = archive(&"n".repeat(length), entries);
                let read = read_zip(&bytes).unwrap_or_else(|e| panic!("{length} letters: {e}"));
                assert_eq!(read.tensors["w"].values, [1.5, -2.0], "{length} letters");
            }
        }
    }

    #[test]
    fn tensors_that_are_no_floats_are_told() {
        let replaced = |from: &str, to: &str| {
            let text = PICKLE.iter().map(|&b| b as char).collect::<String>().replace(from, to);
            text.chars().map(|c| c as u8).collect::<Vec<u8>>()
        };
        let read = |pickle: &[u8]| read_zip(&archive("n", &[("data.pkl", pickle), ("data/0", &[0; 16])])).unwrap();
        for (from, to, what) in [
            ("FloatStorage", "LongStorage", "int64"),
            ("FloatStorage", "QInt8Storage", "QInt8Storage"),
            ("_rebuild_tensor_v2", "_rebuild_qtensor", "quantised"),
            ("_rebuild_tensor_v2", "_rebuild_sparse_tensor", "sparse"),
            ("_rebuild_tensor_v2", "_rebuild_meta_tensor_no_storage", "without values (device meta)"),
        ] {
            let read = read(&replaced(from, to));
            assert!(read.tensors.is_empty());
            assert_eq!(read.unread["w"], what);
        }
        // The third form names its type behind the hooks.
        let third = |kind: &str| {
            let typed = replaced("_rebuild_tensor_v2", "_rebuild_tensor_v3");
            let at = typed.len() - 4;
            [&typed[..at], format!("ctorch\n{kind}\n").as_bytes(), &typed[at..]].concat()
        };
        assert_eq!(read(&third("float8_e4m3fn")).unread["w"], "float8_e4m3fn");
        assert_eq!(read(&third("bfloat16")).tensors["w"].values, [0.0, 0.0]);
    }
}

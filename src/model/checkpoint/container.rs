//! Which kind of file it is, told by its content: those that hold weights, and others that are met under the same endings.

use std::io::Cursor;

/// Kind of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Container {
    /// A zip archive of `torch.save`.
    Archive,
    /// The form of `torch.save` before 1.6: pickles, then storages.
    Legacy,
    /// Named arrays behind a JSON header.
    SafeTensors,
    /// A network in the ONNX format.
    Onnx,
    /// Something else, in words, and what can be done.
    Other(String),
}

/// What to do with a program that holds a network.
const EXPORT: &str = "load it in the program that wrote it, and export the network as ONNX (torch.onnx.export) or its \
                      weights (torch.save(network.state_dict(), ...))";
/// The same for other libraries.
const CONVERT: &str = "export the network as ONNX there and import that file";

/// Files that their first bytes tell: where, which, what it is, what to do.
const BEGINNINGS: &[(usize, &[u8], &str, &str)] = &[
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras and TensorFlow write", CONVERT),
    (4, b"TFL3", "a TensorFlow Lite model", CONVERT),
    (4, b"ET12", "a program of ExecuTorch", EXPORT),
    (4, b"PTMF", "a program of PyTorch Mobile", EXPORT),
    (0, b"GGUF", "a GGUF file, as language models come in", "segmentation networks come as ONNX or PyTorch weights"),
    (0, b"\x93NUMPY", "a NumPy array", "it holds one array, no network; import the file of weights"),
    (0, b"\x1f\x8b", "compressed by gzip", "unpack it first (gunzip)"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"),
    (0, b"Rar!", "a RAR archive", "unpack it first"),
    (0, b"BZh", "compressed by bzip2", "unpack it first"),
    (0, b"\xfd7zXZ\0", "compressed by xz", "unpack it first"),
    (
        0,
        b"version https://git-lfs.github.com/spec/",
        "a pointer of Git LFS in place of the file",
        "fetch the file itself (git lfs pull, or the download of its page)",
    ),
    (0, b"<!DOCTYPE", "a web page, perhaps in place of a download", "download the file again"),
    (0, b"<!doctype", "a web page, perhaps in place of a download", "download the file again"),
    (0, b"<html", "a web page, perhaps in place of a download", "download the file again"),
    (0, b"<?xml", "an XML file, as OpenVINO writes beside its weights", CONVERT),
    (0, b"ftrt", "an engine of TensorRT", "import the ONNX file that it was made from"),
    (257, b"ustar", "a tar archive", "unpack it first; if torch.load reads it as it is, save it again with torch.save"),
];

/// Archives that the names of their entries tell: part of a name, what it is, what to do.
const ENTRIES: &[(&str, &str, &str)] = &[
    ("archive_format", "an exported program (torch.export, .pt2)", EXPORT),
    ("serialized_exported_program.json", "an exported program (torch.export, .pt2)", EXPORT),
    ("constants.pkl", "a TorchScript archive (torch.jit.save)", EXPORT),
    (".data/extern_modules", "a package of torch.package", EXPORT),
    ("model.weights.h5", "a Keras model", CONVERT),
    ("saved_model.pb", "a TensorFlow model", CONVERT),
    ("Manifest.json", "a Core ML model", CONVERT),
    (".npy", "an archive of NumPy arrays", "save the weights with torch.save or as safetensors"),
];

fn other(what: &str, way_out: &str) -> Container {
    Container::Other(format!("the file is {what}; {way_out}"))
}

/// The kind of a file.
pub fn kind(bytes: &[u8]) -> Container {
    let begins = |at: usize, with: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(with));
    if bytes.is_empty() {
        return other("empty", "copy or download it again");
    }
    if begins(0, b"PK\x03\x04") {
        return of_archive(bytes);
    }
    // The length in front of safetensors' header may begin with any byte.
    if begins(8, b"{") {
        return Container::SafeTensors;
    }
    if let Some((.., what, way_out)) = BEGINNINGS.iter().find(|(at, with, ..)| begins(*at, with)) {
        return other(what, way_out);
    }
    if is_old_tar(bytes) {
        return other("a tar archive of torch.save before PyTorch 0.1.10", "load it with PyTorch and save it again");
    }
    if bytes.first() == Some(&0x80) {
        return Container::Legacy;
    }
    if is_onnx(bytes) {
        return Container::Onnx;
    }
    if bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') {
        return other("a JSON text", "import the file of weights that lies beside it");
    }
    Container::SafeTensors
}

/// What files with this ending are, for those that have no mark inside.
pub(super) fn by_ending(path: &std::path::Path) -> Option<String> {
    let ending = path.extension()?.to_str()?.to_lowercase();
    let what = match ending.as_str() {
        "pb" | "index" | "meta" => "TensorFlow",
        "pdparams" | "pdmodel" | "pdiparams" => "PaddlePaddle",
        "mlmodel" => "Core ML",
        "caffemodel" | "prototxt" => "Caffe",
        "params" => "MXNet",
        "engine" | "plan" | "trt" => "TensorRT",
        _ => return None,
    };
    Some(format!("the ending .{ending} is of {what}: {CONVERT}"))
}

fn of_archive(bytes: &[u8]) -> Container {
    let Ok(archive) = open(bytes) else { return Container::Archive };
    let names: Vec<String> = archive.file_names().filter_map(Result::ok).map(|name| name.to_string()).collect();
    let is_entry = |part: &str| {
        names
            .iter()
            .any(|name| name == part || name.ends_with(&format!("/{part}")) || (part == ".npy" && name.ends_with(part)))
    };
    if let Some((_, what, way_out)) = ENTRIES.iter().find(|(part, ..)| is_entry(part)) {
        return other(what, way_out);
    }
    if is_entry("data.pkl") {
        return Container::Archive;
    }
    let within = names.iter().find(|name| {
        [".pth", ".pt", ".ckpt", ".safetensors", ".onnx", ".bin"].iter().any(|ending| name.ends_with(ending))
    });
    match within {
        Some(name) => other(&format!("a zip archive with {name:?} in it"), "unpack it and import that file"),
        None => other(
            "a zip archive without data.pkl, so not one of torch.save",
            "unpack it and import the file of weights",
        ),
    }
}

/// A zip archive that begins with the file: otherwise the place of its directory is guessed, and wrong for archives of
/// `torch.save` whose first header is as long as the records behind the directory.
pub(super) fn open(bytes: &[u8]) -> Result<zip::ZipArchive<Cursor<&[u8]>>, String> {
    let config = zip::read::Config { archive_offset: zip::read::ArchiveOffset::Known(0) };
    zip::ZipArchive::with_config(config, Cursor::new(bytes)).map_err(|e| format!("a damaged archive: {e}"))
}

/// The tar archives of before 2017 have no magic: their first entry is a file of one of these names.
fn is_old_tar(bytes: &[u8]) -> bool {
    let first = bytes.get(..100).unwrap_or_default();
    bytes.len() >= 1024
        && ["sys_info", "pickle", "tensors", "storages"].iter().any(|name| first.starts_with(name.as_bytes()))
}

/// Fields of an ONNX model: number and whether it is bytes with a length (`onnx/onnx.proto3`, `ModelProto`).
const FIELDS: [(u64, bool); 12] = [
    (1, false),
    (2, true),
    (3, true),
    (4, true),
    (5, false),
    (6, true),
    (7, true),
    (8, true),
    (14, true),
    (20, true),
    (25, true),
    (26, true),
];

/// Whether the file is a message with the fields of an ONNX model to its last byte, a graph among them.
pub(super) fn is_onnx(bytes: &[u8]) -> bool {
    let (mut at, mut has_graph) = (0, false);
    while at < bytes.len() {
        let Some(tag) = varint(bytes, &mut at) else { return false };
        let (field, wire) = (tag >> 3, tag & 7);
        let known = FIELDS.iter().any(|&(number, sized)| number == field && (wire == 2) == sized);
        if !known || !matches!(wire, 0 | 2) {
            return false;
        }
        let Some(value) = varint(bytes, &mut at) else { return false };
        if wire == 2 {
            let end = usize::try_from(value).ok().and_then(|n| at.checked_add(n)).filter(|&end| end <= bytes.len());
            let Some(end) = end else { return false };
            at = end;
            has_graph |= field == 7;
        }
    }
    has_graph
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn zipped(names: &[&str]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            writer.start_file(*name, options).unwrap();
            writer.write_all(b"x").unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn words(bytes: &[u8]) -> String {
        match kind(bytes) {
            Container::Other(text) => text,
            kind => panic!("{kind:?}"),
        }
    }

    #[test]
    fn archives_are_told_by_their_entries() {
        assert_eq!(kind(&zipped(&["net/data.pkl", "net/data/0", "net/version"])), Container::Archive);
        let scripted = ["t/data/0", "t/data.pkl", "t/code/__torch__/net.py", "t/constants.pkl", "t/version"];
        assert!(words(&zipped(&scripted)).contains("TorchScript"));
        let exported =
            ["e/data/weights/weight_0", "e/models/model.json", "e/archive_format", "e/data/sample_inputs/model.pt"];
        assert!(words(&zipped(&exported)).contains(".pt2"));
        assert!(words(&zipped(&["serialized_exported_program.json", "version"])).contains(".pt2"));
        assert!(words(&zipped(&["metadata.json", "config.json", "model.weights.h5"])).contains("Keras"));
        assert!(words(&zipped(&["arr_0.npy"])).contains("NumPy"));
        assert!(words(&zipped(&["fold_0/best.pth", "readme.txt"])).contains("fold_0/best.pth"));
        assert!(words(&zipped(&["readme.txt"])).contains("data.pkl"));
    }

    #[test]
    fn other_files_are_named_with_a_way_out() {
        let mut tar = vec![0u8; 1536];
        tar[..8].copy_from_slice(b"sys_info");
        assert!(words(&tar).contains("0.1.10"));
        tar[257..262].copy_from_slice(b"ustar");
        assert!(words(&tar).contains("tar archive"));
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"\x89HDF\r\n\x1a\nrest", "Keras"),
            (b"\x1c\0\0\0TFL3....", "Lite"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"{\"weight_map\": {}}", "JSON"),
            (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "gzip"),
        ] {
            assert!(words(bytes).contains(word), "{word}");
        }
    }

    #[test]
    fn endings_tell_where_nothing_else_does() {
        let of = |name: &str| by_ending(std::path::Path::new(name));
        assert!(of("saved_model.pb").unwrap().contains("TensorFlow"));
        assert!(of("net.PDPARAMS").unwrap().contains("PaddlePaddle"));
        assert!(of("net.engine").unwrap().contains("TensorRT"));
        assert_eq!((of("net.pth"), of("net")), (None, None));
    }

    #[test]
    fn onnx_is_told_by_its_fields_whatever_its_ending() {
        // ir_version 8, producer "x", a graph of two bytes, an operator set of two bytes.
        let model = b"\x08\x08\x12\x01x\x3a\x02\x0a\x00\x42\x02\x10\x11";
        assert_eq!(kind(model), Container::Onnx);
        assert!(!is_onnx(&model[..12]) && !is_onnx(b"\x08\x08") && !is_onnx(b"\x0a\x08text text"));
        assert!(!is_onnx(&[0xff; 40]) && !is_onnx(b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    }
}

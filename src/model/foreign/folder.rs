//! Folders that programs save a network in.

use std::path::{Path, PathBuf};

/// Names that libraries give the weights of a folder, the first that is there counts.
const NAMES: [&str; 5] = [
    "model.safetensors",
    "pytorch_model.bin",
    "diffusion_pytorch_model.safetensors",
    "checkpoint_final.pth",
    "model.onnx",
];
/// Endings of files of weights.
const ENDINGS: [&str; 8] = ["safetensors", "pth", "pt", "ckpt", "bin", "onnx", "tar", "pkl"];
/// Most entries that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// The file of weights in a folder.
///
/// # Errors
/// When there is none, or more than one, or the folder is of a kind that is known and not read.
pub fn weights(folder: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("the folder cannot be read: {e}"))?;
    let mut names: Vec<String> =
        entries.flatten().take(MOST_ENTRIES).map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let has = |name: &str| names.iter().any(|n| n == name);
    if let Some(name) = NAMES.into_iter().find(|name| has(name)) {
        return Ok(folder.join(name));
    }
    if has("saved_model.pb") || has("keras_metadata.pb") {
        return Err("the folder holds a TensorFlow model; export it as ONNX (tf2onnx) and import that file".into());
    }
    if has(".metadata") && names.iter().any(|n| n.ends_with(".distcp")) {
        return Err("the folder holds a distributed checkpoint; make one file of it (python -m \
                    torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE) and import that"
            .into());
    }
    if let Some(name) = names.iter().find(|n| n.ends_with(".index.json")) {
        return Err(format!("the folder holds weights in several files ({name}); save them as one and import that"));
    }
    if has("data.pkl") || has("constants.pkl") {
        return Err("the folder is an unpacked archive of torch.save; import the archive itself".into());
    }
    let is_weights = |name: &&String| {
        !name.starts_with('.') && Path::new(name).extension().is_some_and(|e| ENDINGS.iter().any(|known| e == *known))
    };
    let found: Vec<&String> = names.iter().filter(is_weights).collect();
    match found[..] {
        [name] => Ok(folder.join(name)),
        [] => Err("the folder holds no weights (.safetensors, .pth, .pt, .ckpt, .bin or .onnx)".into()),
        [first, second, ..] => {
            Err(format!("the folder holds several files of weights ({first}, {second} ...); import one of them"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| std::fs::write(folder.path().join(name), "x").unwrap());
        weights(folder.path()).map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
    }

    #[test]
    fn the_one_file_of_weights_is_found() {
        assert_eq!(of(&["config.json", "README.md", "model.safetensors", "other.pth"]).unwrap(), "model.safetensors");
        assert_eq!(of(&["config.json", "pytorch_model.bin"]).unwrap(), "pytorch_model.bin");
        assert_eq!(of(&["notes.txt", "best.ckpt", "._best.ckpt"]).unwrap(), "best.ckpt");
    }

    #[test]
    fn other_folders_are_named() {
        for (names, word) in [
            (&["a.pth", "b.pth"][..], "several files"),
            (&["saved_model.pb"], "TensorFlow"),
            (&[".metadata", "__0_0.distcp"], "distributed"),
            (&["model.safetensors.index.json", "model-00001-of-00002.safetensors"], "several files"),
            (&["data.pkl", "version"], "unpacked"),
            (&["readme.txt"], "no weights"),
        ] {
            let problem = of(names).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
    }
}

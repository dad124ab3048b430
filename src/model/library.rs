//! Models at hand: those that come with the program and those in the user's folder.

use std::path::{Path, PathBuf};

use super::package::{Model, ModelError};
use super::spec::SeenScans;
use crate::home::data_folder;

/// Models inside the program.
const BUNDLED: &[(&str, &[u8])] = &[("hippocampus", include_bytes!("../../models/hippocampus.safetensors"))];

/// The model inside the program that answers strokes. It segments nothing by itself, so it is not listed.
const TOUCH: &[u8] = include_bytes!("../../models/touch.safetensors");

/// What the scans looked like that a bundled model learned from; its file was written before models said so themselves.
fn seen_by_bundled(id: &str) -> Option<SeenScans> {
    let hippocampus = || SeenScans { modality: "MR".into(), spacing_mm: [1.0; 3], extent_mm: [35.0, 50.0, 36.0] };
    (id == "hippocampus").then(hippocampus)
}

/// Where a listed model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Inside the program.
    Bundled,
    /// A file in the user's model folder.
    User(PathBuf),
}

/// A model that can be picked.
#[derive(Debug, Clone)]
pub struct ListedModel {
    /// Identifier.
    pub id: String,
    /// Where it is.
    pub origin: Origin,
}

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Neither an identifier nor a file.
    #[error("there is no model {name:?}; known are: {known}")]
    Unknown {
        /// As the user wrote it.
        name: String,
        /// Identifiers that exist.
        known: String,
    },
    /// The file is there but cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// The user's model folder among the program's own (`home::data_folder`).
pub fn user_folder() -> Option<PathBuf> {
    Some(data_folder()?.join("models"))
}

/// Whether a text can be a model's identifier, which is a file's name too: letters, digits, `-`, `_`, `.`, not first a dot.
pub fn is_id(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(plain)
}

/// Whether an identifier is that of a model inside the program.
pub fn is_bundled(id: &str) -> bool {
    BUNDLED.iter().any(|(bundled, _)| *bundled == id)
}

/// The model that answers strokes.
///
/// # Errors
/// When the program's own file is damaged.
pub fn touch() -> Result<Model, LibraryError> {
    Ok(Model::from_bytes(TOUCH, Path::new("bundled model touch"))?)
}

/// Bundled models first, then the user's by name.
pub fn list() -> Vec<ListedModel> {
    let bundled = BUNDLED.iter().map(|(id, _)| ListedModel { id: (*id).to_string(), origin: Origin::Bundled });
    let mut user: Vec<ListedModel> = user_folder()
        .and_then(|folder| std::fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
        .filter_map(|path| {
            Some(ListedModel { id: path.file_stem()?.to_string_lossy().into_owned(), origin: Origin::User(path) })
        })
        .collect();
    user.sort_by(|a, b| a.id.cmp(&b.id));
    bundled.chain(user).collect()
}

/// The listed model whose file has this checksum; those that cannot be read are passed over.
pub fn find_by_checksum(sha256: &str) -> Option<Model> {
    list().into_iter().filter_map(|model| find(&model.id).ok()).find(|model| model.spec.sha256 == sha256)
}

/// The file that [`find`] reads for a name; none for a model inside the program, and for what does not exist.
pub fn file_of(name: &str) -> Option<PathBuf> {
    if Path::new(name).is_file() {
        return Some(name.into());
    }
    // A model inside the program comes first.
    match list().into_iter().find(|model| model.id == name)?.origin {
        Origin::User(path) => Some(path),
        Origin::Bundled => None,
    }
}

/// The model of an identifier or a file.
///
/// # Errors
/// When neither exists, or the file cannot be used.
pub fn find(name: &str) -> Result<Model, LibraryError> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(Model::load(path)?);
    }
    let listed = list();
    match listed.iter().find(|model| model.id == name).map(|model| &model.origin) {
        Some(Origin::Bundled) => {
            let bytes = BUNDLED.iter().find(|(id, _)| *id == name).map_or(&[][..], |(_, bytes)| bytes);
            let mut model = Model::from_bytes(bytes, Path::new(&format!("bundled model {name}")))?;
            model.spec.provenance.seen = seen_by_bundled(name);
            Ok(model)
        }
        Some(Origin::User(path)) => Ok(Model::load(path)?),
        None => {
            let known: Vec<&str> = listed.iter().map(|model| model.id.as_str()).collect();
            Err(LibraryError::Unknown { name: name.into(), known: known.join(", ") })
        }
    }
}

//! The folders of the program: under `LAMELLA_DATA_DIR`, beside the binary where it is portable, else by the platform's convention.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder, or an empty file, of this name beside the binary makes the program portable.
const PORTABLE: &str = "portable";
/// Where a portable program with an empty file keeps its own files, beside the binary.
const PORTABLE_DATA: &str = "portable-data";
/// The program's folder among those of others.
const NAME: &str = "lamella";

/// Where settings lie; `None` where the account has no folder for them.
pub fn config_folder() -> Option<PathBuf> {
    own_folder().or_else(|| {
        let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
        Some(etcetera::BaseStrategy::config_dir(&folders).join(NAME))
    })
}

/// Where models, journals and reports lie; `None` where the account has no folder for them.
pub fn data_folder() -> Option<PathBuf> {
    own_folder().or_else(|| {
        let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
        Some(etcetera::BaseStrategy::data_dir(&folders).join(NAME))
    })
}

/// Whether everything lies beside the binary.
pub fn is_portable() -> bool {
    std::env::var_os("LAMELLA_DATA_DIR").is_none() && portable_folder().is_some()
}

/// The one folder for everything, where the platform's are not used.
fn own_folder() -> Option<PathBuf> {
    std::env::var_os("LAMELLA_DATA_DIR").map(PathBuf::from).or_else(|| portable_folder().cloned())
}

/// Looked up once: what lies where must not change while the program runs.
fn portable_folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| portable_beside(&std::env::current_exe().ok()?)).as_ref()
}

/// The folder of a portable program, by what lies beside its binary.
fn portable_beside(binary: &Path) -> Option<PathBuf> {
    let beside = binary.parent()?;
    let mark = beside.join(PORTABLE);
    let kind = std::fs::metadata(&mark).ok()?;
    if kind.is_dir() {
        return Some(mark);
    }
    // A file of this name that holds something is somebody else's.
    (kind.is_file() && kind.len() == 0).then(|| beside.join(PORTABLE_DATA))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_or_an_empty_file_beside_the_binary_makes_it_portable() {
        let folder = tempfile::tempdir().unwrap();
        let binary = folder.path().join("lamella");
        let mark = folder.path().join(PORTABLE);
        assert_eq!(portable_beside(&binary), None);
        std::fs::write(&mark, b"").unwrap();
        assert_eq!(portable_beside(&binary), Some(folder.path().join("portable-data")));
        std::fs::write(&mark, b"another program's").unwrap();
        assert_eq!(portable_beside(&binary), None);
        std::fs::remove_file(&mark).unwrap();
        std::fs::create_dir(&mark).unwrap();
        assert_eq!(portable_beside(&binary), Some(mark));
    }
}

//! How jobs call files.

use std::path::Path;

/// A path's last part, for a title.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

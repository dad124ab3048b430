//! What was measured of devices, kept beside the user's models from one start to the next.

use std::path::PathBuf;

use super::library::user_folder;
use crate::disk::replace_file;
use crate::engine::DeviceTimes;

fn file() -> Option<PathBuf> {
    Some(user_folder()?.with_file_name("device-times.json"))
}

/// What is known; nothing where there is no file yet, or one that cannot be read: it is measured again then.
pub fn known_device_times() -> DeviceTimes {
    let text = file().and_then(|path| std::fs::read_to_string(path).ok());
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Keeps what was measured. Where it cannot be written it is measured again the next time, and nothing else is lost.
pub fn keep_device_times(times: &DeviceTimes) {
    let (Some(path), Ok(text)) = (file(), serde_json::to_string(times)) else { return };
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    if folder.is_ok() {
        // The measurement is repeated then.
        let _ = replace_file::<std::io::Error>(&path, |file| std::io::Write::write_all(file, text.as_bytes()));
    }
}

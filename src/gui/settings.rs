//! What is remembered between starts: theme, layout, recent paths, model. Never anything about patients' data but paths, which only
//! the user may read.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::theme;
use crate::disk::{create_private_folder, replace_private_file};

/// Number of recent paths.
const RECENT: usize = 8;

/// Remembered choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Dark theme.
    pub dark: bool,
    /// Position of the vertical and horizontal split, as shares.
    pub splits: [f32; 2],
    /// Widths of the left and the right panel, in points.
    pub widths: [f32; 2],
    /// Whether panels are shown.
    pub panels: bool,
    /// Last opened paths, newest first.
    pub recent: Vec<PathBuf>,
    /// The folder that was chosen from last.
    pub folder: PathBuf,
    /// Last model.
    pub model: String,
    /// Fill opacity of labels.
    pub opacity: f32,
    /// Whether labels are filled.
    pub fill: bool,
    /// Whether labels are outlined.
    pub outline: bool,
    /// Whether images are interpolated.
    pub smooth: bool,
    /// Brush diameter in millimetres.
    pub brush_mm: f64,
    /// Titles of the inspector cards that are folded.
    pub folded: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dark: true,
            splits: [0.5, 0.5],
            widths: [theme::LEFT_WIDTH, theme::RIGHT_WIDTH],
            panels: true,
            recent: Vec::new(),
            folder: PathBuf::new(),
            model: "hippocampus".into(),
            opacity: 0.4,
            fill: true,
            outline: true,
            smooth: true,
            brush_mm: 4.0,
            folded: Vec::new(),
        }
    }
}

fn file() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("LAMELLA_DATA_DIR") {
        return Some(PathBuf::from(folder).join("settings.json"));
    }
    let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(etcetera::BaseStrategy::config_dir(&folders).join("lamella").join("settings.json"))
}

impl Settings {
    /// Reads the settings; damaged or missing ones become the defaults.
    pub fn load() -> Self {
        let text = file().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Writes the settings on a thread of their own.
    pub fn save(&self) {
        let (Some(path), Ok(text)) = (file(), serde_json::to_string_pretty(self)) else { return };
        std::thread::spawn(move || {
            let written = path
                .parent()
                .map_or(Ok(()), create_private_folder)
                .and_then(|()| replace_private_file(&path, |w| std::io::Write::write_all(w, text.as_bytes())));
            if let Err(error) = written {
                tracing::warn!("settings were not saved: {error}");
            }
        });
    }

    /// Puts a path in front of the recent ones.
    pub fn remember(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.recent.retain(|p| *p != path);
        self.recent.insert(0, path);
        self.recent.truncate(RECENT);
    }
}

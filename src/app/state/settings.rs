//! What is remembered between starts: theme, layout, keys, recent paths, model. Never anything of patients but paths, which only
//! the user may read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use super::keymap::Keymap;
use super::tiles::{Layout, TileContent};
use crate::disk::{create_private_folder, replace_private_file};
use crate::drawing::ColourMap;
use crate::tools::{ToolOptions, all_options};
use crate::words::Language;

/// Number of recent paths.
const RECENT: usize = 8;

/// Tasks of the panel on the right, in the order of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Window, interpolation, where a network looks.
    Look,
    /// Labels and tools.
    Annotate,
    /// Run a model, refine it.
    Segment,
    /// Train a model.
    Teach,
    /// Write files.
    Export,
}

impl Task {
    /// All of them, in the order of the tabs.
    pub const ALL: [Self; 5] = [Self::Look, Self::Annotate, Self::Segment, Self::Teach, Self::Export];

    /// For its tab.
    pub fn name(self) -> &'static str {
        match self {
            Self::Look => "Look",
            Self::Annotate => "Annotate",
            Self::Segment => "Segment",
            Self::Teach => "Teach",
            Self::Export => "Export",
        }
    }
}

/// Remembered choices.
#[allow(clippy::struct_excessive_bools, reason = "switches that the user sets one by one")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Dark theme.
    pub dark: bool,
    /// The language of the window; none before the first start has taken the system's.
    pub language: Option<Language>,
    /// Position of the vertical and horizontal split, as shares.
    pub splits: [f32; 2],
    /// How the tiles lie.
    pub layout: Layout,
    /// What the tiles hold, in reading order.
    pub tiles: [TileContent; 4],
    /// Whether all views have one scale.
    pub linked_scale: bool,
    /// Widths of the left and the right panel, in points.
    pub widths: [f32; 2],
    /// Size of the window's inside, in points; none until it was seen.
    pub window_size: Option<[f32; 2]>,
    /// Whether panels are shown.
    pub panels: bool,
    /// The open task.
    pub task: Task,
    /// Last opened paths, newest first.
    pub recent: Vec<PathBuf>,
    /// The folder that was chosen from last.
    pub folder: PathBuf,
    /// The folder that is fetched into from servers; empty until it was chosen.
    pub fetch_folder: PathBuf,
    /// Last model.
    pub model: String,
    /// Fill opacity of labels.
    pub opacity: f32,
    /// Opacity in the 3-D tile of labels by their names; what is not in it is opaque.
    pub body_opacity: BTreeMap<String, f32>,
    /// Whether labels are filled.
    pub fill: bool,
    /// Whether labels are outlined.
    pub outline: bool,
    /// Whether images are interpolated.
    pub smooth: bool,
    /// What was chosen about tools.
    pub tools: ToolOptions,
    /// Room for steps that undo can take back, in megabytes.
    pub undo_mb: usize,
    /// Titles of sections that are folded.
    pub folded: Vec<String>,
    /// The user's keys.
    pub keys: Keymap,
    /// Whether the right button changes the window, rather than the zoom, while a tool for looking is in hand.
    pub right_drag_windows: bool,
    /// Pictures a second when slices or frames are played.
    pub cine_rate: f32,
    /// Opacity of a scan that is laid over another one.
    pub overlay_opacity: f32,
    /// Its colours.
    pub overlay_colours: ColourMap,
    /// Whether its values below the window are clear.
    pub overlay_hides_low: bool,
    /// Whether the place stays when the user turns from one scan to another of the same frame of reference.
    pub links_scans: bool,
    /// Whether it does so also where no frame of reference is stated.
    pub links_by_coordinates: bool,
    /// Name of the newest report of a fault that the user has been told of.
    pub seen_crash: String,
}

/// Opacities in the 3-D tile that can be chosen; what is not to be seen at all is hidden.
pub const BODY_OPACITIES: std::ops::RangeInclusive<f32> = 0.05..=1.0;
/// Least and most room for undo, in megabytes.
pub const UNDO_MB: std::ops::RangeInclusive<usize> = 16..=16_384;
/// Where journals of unsaved work lie.
pub fn journal_folder() -> Option<PathBuf> {
    Some(file()?.parent()?.join("journals"))
}
impl Default for Settings {
    fn default() -> Self {
        Self {
            dark: true,
            language: None,
            splits: [0.5, 0.5],
            layout: Layout::Grid,
            tiles: TileContent::DEFAULT,
            linked_scale: true,
            widths: [240.0, 300.0],
            window_size: None,
            panels: true,
            task: Task::Segment,
            recent: Vec::new(),
            folder: PathBuf::new(),
            fetch_folder: PathBuf::new(),
            model: "hippocampus".into(),
            opacity: 0.4,
            body_opacity: BTreeMap::new(),
            fill: true,
            outline: true,
            smooth: true,
            // What is not needed in every scan leaves the room to the list of labels.
            folded: vec!["Operations".into()],
            tools: ToolOptions::default(),
            undo_mb: 256,
            keys: Keymap::default(),
            right_drag_windows: false,
            cine_rate: 10.0,
            overlay_opacity: 0.5,
            overlay_colours: ColourMap::default(),
            overlay_hides_low: false,
            links_scans: true,
            links_by_coordinates: false,
            seen_crash: String::new(),
        }
    }
}

impl Settings {
    /// The opacity of a label in the 3-D tile, by its name.
    pub fn opacity_in_body(&self, name: &str) -> f32 {
        let kept = self.body_opacity.get(name).copied().filter(|opacity| opacity.is_finite());
        kept.unwrap_or(1.0).clamp(*BODY_OPACITIES.start(), *BODY_OPACITIES.end())
    }

    /// Sets it, for all labels of this name.
    pub fn set_opacity_in_body(&mut self, name: String, opacity: f32) {
        if opacity < 1.0 {
            self.body_opacity.insert(name, opacity);
        } else {
            self.body_opacity.remove(&name);
        }
    }
}

/// Where the settings lie.
pub fn file() -> Option<PathBuf> {
    Some(crate::home::config_folder()?.join("settings.json"))
}

impl Settings {
    /// Reads the settings; each that is damaged or missing is as at first, and the others stay. Recent paths that are gone are
    /// forgotten.
    pub fn load() -> Self {
        let text = file().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let mut settings = Self::read(&text);
        settings.tools.keep_only(&all_options());
        settings
    }

    /// Settings from their text, one by one: what another version or a slip has put there does not take the others with it.
    fn read(text: &str) -> Self {
        if let Ok(settings) = serde_json::from_str(text) {
            return settings;
        }
        let (Ok(serde_json::Value::Object(said)), Ok(serde_json::Value::Object(mut all))) =
            (serde_json::from_str(text), serde_json::to_value(Self::default()))
        else {
            return Self::default();
        };
        let mut settings = Self::default();
        for (name, value) in said {
            let before = all.insert(name.clone(), value);
            if let Ok(read) = serde_json::from_value(serde_json::Value::Object(all.clone())) {
                settings = read;
            } else {
                tracing::warn!("the setting {name} cannot be read and is as at first");
                match before {
                    Some(before) => all.insert(name, before),
                    None => all.remove(&name),
                };
            }
        }
        settings
    }

    /// Puts a path in front of the recent ones.
    pub fn remember(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.forget(&path);
        self.recent.insert(0, path);
        self.recent.truncate(RECENT);
    }

    /// Takes a path from the recent ones: nothing could be opened there.
    pub fn forget(&mut self, path: &Path) {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        self.recent.retain(|recent| *recent != absolute);
    }
}

/// Writes settings on a thread of its own, in the order in which they are given; what is not written yet when it goes is written then.
#[derive(Debug)]
pub struct SettingsWriter {
    path: Option<PathBuf>,
    thread: Option<(Sender<String>, JoinHandle<()>)>,
}

impl SettingsWriter {
    /// A writer of a file; of none where there is no place for it.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self { path, thread: None }
    }

    /// Writes the settings soon.
    pub fn write(&mut self, settings: &Settings) {
        let (Some(path), Ok(text)) = (&self.path, serde_json::to_string_pretty(settings)) else { return };
        let path = path.clone();
        let (to, _) = self.thread.get_or_insert_with(|| {
            let (to, texts) = channel();
            (to, std::thread::spawn(move || write_all(&path, &texts)))
        });
        if to.send(text).is_err() {
            tracing::warn!("settings were not saved: their thread has ended");
        }
    }

    /// Waits until all is written.
    pub fn finish(&mut self) {
        if let Some((to, thread)) = self.thread.take() {
            drop(to);
            // A panic of it was printed.
            let _ = thread.join();
        }
    }
}

impl Drop for SettingsWriter {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Writes each text that comes; of several that wait the newest is enough.
fn write_all(path: &Path, texts: &Receiver<String>) {
    while let Ok(first) = texts.recv() {
        let text = texts.try_iter().last().unwrap_or(first);
        let written = path
            .parent()
            .map_or(Ok(()), create_private_folder)
            .and_then(|()| replace_private_file(path, |w| std::io::Write::write_all(w, text.as_bytes())));
        if let Err(error) = written {
            tracing::warn!("settings were not saved: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_settings_are_on_disk_when_their_writer_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lamella/settings.json");
        let mut writer = SettingsWriter::new(Some(path.clone()));
        for undo_mb in 100..200 {
            writer.write(&Settings { undo_mb, ..Settings::default() });
        }
        drop(writer);
        assert_eq!(Settings::read(&std::fs::read_to_string(&path).unwrap()).undo_mb, 199);
    }

    #[test]
    fn settings_of_another_version_keep_what_both_know() {
        let old = r#"{"dark": false, "widths": [200.0, 300.0], "something": 1, "keys": {"edit.undo": ["U"]}, "overlay_colours": "of tomorrow",
            "tools": {"brush.size": 7.5, "brush.shape": 3}}"#;
        let settings: Settings = serde_json::from_str(old).unwrap();
        assert_eq!(settings.tools.number(&crate::tools::BRUSH_SIZE).to_bits(), 7.5f64.to_bits());
        assert_eq!(settings.tools.choice(&crate::tools::BRUSH_SHAPE), "disc");
        assert!(
            (settings.overlay_opacity - 0.5).abs() < 1e-6 && settings.links_scans && !settings.links_by_coordinates
        );
        assert!(!settings.dark && settings.task == Task::Segment && settings.keys.is_changed("edit.undo"));
        let again: Settings = serde_json::from_str(&serde_json::to_string(&settings).unwrap()).unwrap();
        assert_eq!(again, settings);
    }

    #[test]
    fn a_layout_that_was_chosen_stays_and_without_one_the_fourth_tile_is_the_body() {
        assert_eq!(Settings::read("{}").tiles[3], TileContent::Body);
        let before = r#"{"tiles": [{"plane": "axial"}, {"plane": "sagittal"}, {"plane": "coronal"}, "facts"]}"#;
        assert_eq!(Settings::read(before).tiles[3], TileContent::Facts);
    }

    #[test]
    fn one_setting_that_cannot_be_read_does_not_take_the_others_with_it() {
        let text = r#"{"task": "register", "dark": false, "opacity": "half", "widths": [200.0, 310.0], "undo_mb": -4}"#;
        let first = Settings::default();
        assert_eq!(Settings::read(text), Settings { dark: false, widths: [200.0, 310.0], ..first.clone() });
        for broken in ["", "[1, 2]", "{\"dark\": ", "\u{0}\u{1}"] {
            assert_eq!(Settings::read(broken), first, "{broken:?}");
        }
    }
}

//! Radiology's usual windows for CT, each a command.

use super::{CommandEntry, Group, no_scan};
use crate::volume::Window;

/// A window with a name.
#[derive(Debug, Clone, Copy)]
pub struct WindowPreset {
    /// The id of its command.
    pub id: &'static str,
    /// For the list.
    pub name: &'static str,
    /// For menus and the palette.
    command: &'static str,
    /// Width and level in Hounsfield units.
    size: [f64; 2],
}

impl WindowPreset {
    /// The display window.
    pub fn window(&self) -> Window {
        let [width, level] = self.size;
        Window { level, width }
    }
}

const fn preset(id: &'static str, name: &'static str, command: &'static str, width: f64, level: f64) -> WindowPreset {
    WindowPreset { id, name, command, size: [width, level] }
}

/// All of them.
pub const WINDOW_PRESETS: [WindowPreset; 9] = [
    preset("view.window-brain", "Brain", "CT window: brain", 80.0, 40.0),
    preset("view.window-stroke", "Stroke", "CT window: stroke", 40.0, 40.0),
    preset("view.window-subdural", "Subdural", "CT window: subdural", 200.0, 75.0),
    preset("view.window-abdomen", "Abdomen", "CT window: abdomen", 400.0, 40.0),
    preset("view.window-liver", "Liver", "CT window: liver", 150.0, 90.0),
    preset("view.window-mediastinum", "Mediastinum", "CT window: mediastinum", 400.0, 50.0),
    preset("view.window-lung", "Lung", "CT window: lung", 1500.0, -600.0),
    preset("view.window-bone", "Bone", "CT window: bone", 2000.0, 400.0),
    preset("view.window-cta", "CTA", "CT window: CTA", 600.0, 200.0),
];

const fn command<const N: usize>() -> CommandEntry {
    let WindowPreset { id, command, .. } = WINDOW_PRESETS[N];
    CommandEntry::new(id, command, Group::View, |studio| {
        studio.view_mut().into_iter().for_each(|view| view.window = WINDOW_PRESETS[N].window());
    })
    .hint("Set radiology's usual window for CT")
    .unless(no_scan)
}

/// Their commands.
pub const WINDOWS: &[CommandEntry] = &[
    command::<0>(),
    command::<1>(),
    command::<2>(),
    command::<3>(),
    command::<4>(),
    command::<5>(),
    command::<6>(),
    command::<7>(),
    command::<8>(),
];

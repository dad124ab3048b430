//! The window.
//!
//! **Invariant:** [`App`]'s `logic` drains events and never paints; `ui` paints and never waits: no file, dialog or
//! network runs on the frame thread.
//! **Invariant:** every colour and size comes from [`theme`].
//! **Invariant:** masks are exact: labels are drawn voxel by voxel with their borders on voxel borders, at any zoom.
//!
//! Deliberately absent: tensors, DICOM tags, file formats.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points of the screen and voxels turn into each other"
)]
#![allow(
    clippy::struct_excessive_bools,
    clippy::large_enum_variant,
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::semicolon_if_nothing_returned,
    reason = "the window is painted from many switches"
)]

mod app;
mod attention;
mod cards;
mod chosen_model;
mod compose;
mod data_panel;
mod dialogs;
mod info_tile;
mod joining;
mod keys;
mod notices;
mod opaque;
mod opening;
mod outcomes;
mod pending;
mod pixels;
mod plan_choices;
mod preview;
mod refining;
mod saving;
mod scan_choices;
mod settings;
mod slice_view;
mod status_bar;
mod still;
mod tasks;
mod teach;
mod teaching;
mod theme;
mod tiled_texture;
mod tiles;
mod top_bar;
mod unsaved;
mod viewer;
mod welcome;

use std::path::PathBuf;

pub use app::App;

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When the system offers no window or no graphics device.
pub fn run(paths: Vec<PathBuf>) -> eframe::Result<()> {
    let started = std::time::Instant::now();
    let viewport = egui::ViewportBuilder::default()
        .with_title("Lamella")
        .with_app_id("lamella")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([960.0, 600.0]);
    // Grey values reach the screen as they are, without noise to soften steps.
    let options = eframe::NativeOptions { viewport, dithering: false, ..eframe::NativeOptions::default() };
    eframe::run_native("Lamella", options, Box::new(|context| Ok(Box::new(App::new(context, paths, started)))))
}

pub(crate) use eframe::egui;

//! The window.
//!
//! **Invariant:** [`App`]'s `logic` drains events and never paints; `ui` paints and never waits: no file, dialog or
//! network runs on the frame thread.
//! **Invariant:** whatever paints reads the studio and sends requests; nothing here changes it but [`App`], by `app::handle`.
//! **Invariant:** every colour and size comes from [`theme`].
//! **Invariant:** masks are exact: labels are drawn voxel by voxel with their borders on voxel borders, at any zoom.
//!
//! Deliberately absent: tensors, DICOM tags, file formats, rules of the editor.

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

mod bars;
mod bench_body;
mod console;
mod controls;
mod dialogs;
mod input;
mod lines;
mod measurements;
mod numbers;
mod other_driver;
mod paint;
mod panels;
mod shell;
mod table;
mod theme;
mod views;
mod windows;

use std::path::PathBuf;

use crate::app::Settings;
use crate::words::Language;
pub use bench_body::{BodyTimes, Likeness, bench_body};
pub use shell::App;

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When the system offers no window or no graphics device.
pub fn run(paths: Vec<PathBuf>) -> eframe::Result<()> {
    let started = std::time::Instant::now();
    console::leave();
    let mut settings = Settings::load();
    settings.language.get_or_insert_with(Language::of_system);
    let viewport = egui::ViewportBuilder::default()
        .with_title("Lamella")
        .with_app_id("lamella")
        .with_icon(icon())
        .with_inner_size(settings.window_size.unwrap_or([1280.0, 800.0]))
        .with_min_inner_size([960.0, 600.0]);
    // Grey values reach the screen as they are, without noise to soften steps.
    let options = eframe::NativeOptions { viewport, dithering: false, ..eframe::NativeOptions::default() };
    let was_open = std::rc::Rc::new(std::cell::Cell::new(false));
    let opened = was_open.clone();
    let make = move |context: &eframe::CreationContext| {
        opened.set(true);
        Ok(Box::new(App::new(context, settings, paths, started)) as Box<dyn eframe::App>)
    };
    match eframe::run_native("Lamella", options, Box::new(make)) {
        // Another driver helps where the graphics failed, not where there is no display.
        Err(error @ eframe::Error::Wgpu(_)) if !was_open.get() && other_driver::try_next(&error) => Ok(()),
        result => result,
    }
}

/// What the window shows in its title and among the running programs (`packaging/linux/lamella.svg`, 64 x 64 pixels).
fn icon() -> egui::IconData {
    eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon/lamella-64.png")).unwrap_or_default()
}

pub(crate) use eframe::egui;

//! Tools of the slice views: state machines over pointer events in slice space.
//!
//! **Invariant:** a tool is one file and one entry in [`TOOLS`]. The bar, the palette, keys, tooltips and the guide come from the entry.
//! **Invariant:** a tool changes nothing itself: it answers with commands for the session, made by a `Painter`, and with what the view does.
//! **Invariant:** whatever a tool is in the middle of, [`Tool::abort`] ends it without a trace.
//!
//! Deliberately absent: egui, jobs, files.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points on a slice and its pixels turn into each other"
)]

mod brush;
mod crosshair;
mod eraser;
mod hand;
mod polygon;
mod stroke;
mod tool;
mod window_level;

pub use tool::{
    Button, Footprint, Look, Outline, Pointer, PointerCursor, PointerKind, Refusal, Reply, Slice, Tool, ToolEntry,
    ToolKey,
};

/// All tools, in the order of the bar.
pub const TOOLS: &[ToolEntry] =
    &[crosshair::ENTRY, hand::ENTRY, window_level::ENTRY, brush::ENTRY, eraser::ENTRY, polygon::ENTRY];

/// The tool of an id.
pub fn find(id: &str) -> Option<&'static ToolEntry> {
    TOOLS.iter().find(|entry| entry.id == id)
}

#[cfg(test)]
mod tests;

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

mod adaptive_brush;
mod angle;
mod brush;
mod crosshair;
mod enclosed;
mod eraser;
mod flood_fill;
mod freehand;
mod hand;
mod lasso;
mod level_tracing;
mod live_wire;
mod measuring;
mod options;
mod pick_label;
mod polygon;
mod roi;
mod ruler;
mod scissors;
mod scissors_in_body;
mod scribbles;
mod step;
mod stroke;
mod threshold_brush;
mod tool;
mod touch;
mod touch_answer;
mod touch_guide;
mod touch_work;
mod window_level;
mod zooming;

pub use flood_fill::FILLED;
pub use options::{Choice, OptionKind, OptionValue, ToolOption, ToolOptions};
pub use scissors::{CUT, ENTRY as SCISSORS};
pub use scissors_in_body::{BodyCut, CUT_LABELS};
pub use scribbles::{Scribble, Scribbles};
pub use stroke::{BRUSH_SHAPE, BRUSH_SIZE};
pub use threshold_brush::{PAINTED_VALUES, values_under};
pub use tool::{
    Button, Drafted, Errand, ErrandWork, Handles, HighlightWork, Look, Outline, Pointer, PointerCursor, PointerKind,
    Refusal, Reply, Slice, Tool, ToolEntry, ToolKey, window_values,
};
pub use touch_answer::{AnswerStrokes, NOTHING, NoAnswer, OFF, ON, SliceValues, StrokeAnswer, StrokeQuestion};
pub use touch_work::{VisitSlice, follow};
pub use window_level::dragged_window;
pub use zooming::dragged_zoom;

/// All tools, in the order of the bar.
pub const TOOLS: &[ToolEntry] = &[
    crosshair::ENTRY,
    hand::ENTRY,
    window_level::ENTRY,
    brush::ENTRY,
    eraser::ENTRY,
    polygon::ENTRY,
    lasso::ENTRY,
    threshold_brush::ENTRY,
    adaptive_brush::ENTRY,
    flood_fill::ENTRY,
    level_tracing::ENTRY,
    live_wire::ENTRY,
    touch::ENTRY,
    scissors::ENTRY,
    pick_label::ENTRY,
    ruler::ENTRY,
    angle::ENTRY,
    roi::ENTRY,
];

/// The tool of an id.
pub fn find(id: &str) -> Option<&'static ToolEntry> {
    TOOLS.iter().find(|entry| entry.id == id)
}

/// The options of all tools, those that are shared as often as tools have them.
pub fn all_options() -> Vec<ToolOption> {
    TOOLS.iter().flat_map(|entry| entry.options.iter().copied()).collect()
}

#[cfg(test)]
mod tests;

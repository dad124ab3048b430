//! What the window knows and does, without a window: views' state, commands, keys, tasks, models.
//!
//! **Invariant:** panels read [`Studio`] and send [`Request`]s; [`handle`] is the one place that carries them out.
//! **Invariant:** whatever can be done is an entry in [`commands::all`]; a key, a menu, the palette and a button lead to the same entry.
//! **Invariant:** `state` never acts on more than its own subject; `act` changes the studio; `commands` only name what `act` does.
//!
//! Deliberately absent: egui, textures, painting.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "points of the screen and voxels turn into each other"
)]

pub mod act;
pub mod commands;
mod handle;
pub mod state;

pub use handle::handle;
pub use state::request::{Dialog, Effect, Outbox, Request};
pub use state::settings::{Settings, Task};
pub use state::studio::Studio;

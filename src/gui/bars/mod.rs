//! The bar at the top, the line at the bottom with its tray of jobs, and messages.

mod history;
mod notices;
pub mod status;
pub mod top;
mod tray;

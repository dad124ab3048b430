//! The centre: tiles with slice views, the facts, the numbers, or nothing. Views hold caches of the graphics device and nothing else.

mod annotations;
mod body;
mod body_box;
mod body_buttons;
mod facts;
mod frame;
mod grey;
mod in_hand;
mod laid_over;
mod measurements;
mod numbers;
mod overlay;
mod path_points;
mod plane_line;
mod pointer;
mod reslice_buttons;
mod resliced;
mod slice_view;
mod slider;
mod tiles;

pub use facts::number;
pub use slice_view::Views;
pub use tiles::views_ui;

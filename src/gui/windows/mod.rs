//! What lies over the main window: questions, the palette of commands, the Keys window, the welcome page.

pub mod about;
pub mod body_pictures;
pub mod crashes;
pub mod deidentifying;
pub mod figures;
pub mod keys;
pub mod leaving;
pub mod licences;
pub mod other_grid;
pub mod palette;
pub mod pending;
pub mod recovery;
pub mod replacing;
pub mod servers;
pub mod sizing;
pub mod templates;
pub mod welcome;

//! What tiles show, changed by commands.

use crate::app::state::studio::Studio;
use crate::app::state::tiles::{Layout, TileContent};

/// Shows something beside the slices; alone where it is there already; beside them again.
pub fn show(studio: &mut Studio, content: TileContent) {
    let is_shown = studio.shows(content);
    if studio.display.maximised.is_some() {
        studio.display.maximised = None;
        if is_shown {
            return;
        }
    } else if is_shown {
        studio.display.maximised = studio.settings.tiles.iter().position(|other| *other == content);
        return;
    }
    bring(studio, content);
}

/// Puts something into the last tile where no tile holds it, and lays the tiles so that it is seen.
pub fn bring(studio: &mut Studio, content: TileContent) {
    let tiles = &mut studio.settings.tiles;
    let last = tiles.len() - 1;
    let place = tiles.iter().position(|other| *other == content);
    if place.is_none() {
        tiles[last] = content;
    }
    if place.unwrap_or(last) >= studio.settings.layout.count() {
        studio.settings.layout = Layout::Grid;
    }
}

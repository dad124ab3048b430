//! Plays slices or frames.

use std::time::{Duration, Instant};

use crate::app::state::cine::{Cine, Played, due};
use crate::app::state::studio::Studio;
use crate::volume::Plane;

/// Plays the slices of a plane, or ends what is played.
pub fn toggle_slices(studio: &mut Studio, plane: Plane) {
    toggle(studio, Played::Slices(plane));
}

/// Plays the frames, or ends what is played.
pub fn toggle_frames(studio: &mut Studio) {
    toggle(studio, Played::Frames);
}

fn toggle(studio: &mut Studio, played: Played) {
    let is_same = studio.cine.is_some_and(|cine| cine.played == played);
    studio.cine = (!is_same).then_some(Cine { played, since: None });
}

/// Shows what is due; how long until the next picture is. Nothing where nothing is played.
pub fn advance(studio: &mut Studio, now: Instant) -> Option<Duration> {
    let cine = studio.cine?;
    let rate = studio.settings.cine_rate;
    if studio.volume().is_none() || studio.pressed.is_some() {
        studio.cine = None;
        return None;
    }
    let since = cine.since.unwrap_or(now);
    let (steps, wait) = due(since, now, rate);
    studio.cine = Some(Cine { since: Some(if steps > 0 { now } else { since }), ..cine });
    if steps > 0 {
        step(studio, cine.played, steps);
    }
    Some(wait)
}

/// So many pictures further; behind the last one comes the first.
fn step(studio: &mut Studio, played: Played, steps: usize) {
    match played {
        Played::Slices(plane) => {
            let Some(layout) = studio.layout(plane) else { return };
            if let Some(view) = studio.view_mut() {
                let mut screen = layout.screen(view.cursor);
                screen[2] = (screen[2] + steps) % layout.size[2].max(1);
                view.cursor = layout.voxel(screen);
            }
        }
        Played::Frames => {
            let count = studio.volume().map_or(1, |volume| volume.frame_count().max(1));
            if let Some(view) = studio.view_mut() {
                view.frame = (view.frame + steps) % count;
            }
        }
    }
}

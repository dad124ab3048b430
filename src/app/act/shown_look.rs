//! How views are drawn, for pictures of them in files.

use crate::app::state::studio::Studio;
use crate::app::state::views::{Pose, ScanView};
use crate::drawing::{Look, PICTURE_EDGE, PictureSize};

/// The look of a view as it is on screen, without rulers and regions.
pub fn shown_look(studio: &Studio, view: &ScanView, pose: Pose) -> Look {
    Look {
        window: view.window,
        is_inverted: view.inverted,
        is_smooth: studio.settings.smooth,
        opacity: if studio.settings.fill { studio.settings.opacity } else { 0.0 },
        outline: studio.settings.outline,
        labels: studio.display.labels,
        text: studio.display.annotations,
        zoom: pose.zoom,
        pan_mm: pose.pan_mm,
        figures: Vec::new(),
        size: PictureSize::ShorterSide(PICTURE_EDGE),
    }
}

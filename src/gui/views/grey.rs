//! A slice as grey values, as the window of the view shows it.

use crate::app::Studio;
use crate::app::state::views::ScanView;
use crate::session::ScanId;
use crate::volume::{PlaneLayout, Volume, Window};

/// What a grey texture shows; equal keys need no new one.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageKey {
    scan: Option<ScanId>,
    /// Its number.
    pub slice: usize,
    frame: usize,
    window: Window,
    /// Whether it is interpolated.
    pub smooth: bool,
    inverted: bool,
}

impl ImageKey {
    /// Of a slice of the scan on screen.
    pub fn new(studio: &Studio, view: &ScanView, slice: usize) -> Self {
        Self {
            scan: studio.shown,
            slice,
            frame: view.frame,
            window: view.window,
            smooth: studio.settings.smooth,
            inverted: view.inverted,
        }
    }
}

/// The grey values of a slice as it is shown.
pub fn grey_slice(volume: &Volume, layout: &PlaneLayout, key: &ImageKey) -> Vec<u8> {
    let mut grey = Vec::new();
    layout.grey_slice(volume, key.frame, key.slice, key.window, &mut grey);
    if key.inverted {
        grey.iter_mut().for_each(|grey| *grey = !*grey);
    }
    grey
}

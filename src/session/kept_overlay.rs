//! What lies over a scan, as documents and journals keep it.

use serde::{Deserialize, Serialize};

use super::reference::ScanReference;
use crate::volume::Window;

/// A scan that is laid over another one: how this is looked at, and no step of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptOverlay {
    /// The scan above.
    pub over: ScanReference,
    /// How it is shown.
    pub look: KeptLook,
}

/// How a scan is laid over another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptLook {
    /// Whether it is shown.
    pub is_on: bool,
    /// Its frame.
    pub frame: usize,
    /// Its display window.
    pub window: Window,
    /// Whether it is shown although its file states another frame of reference.
    pub in_other_space: bool,
    /// How much of the scan below it covers.
    pub opacity: f32,
    /// The name of its colours in settings.
    pub colours: String,
    /// Whether its values below the window are clear.
    pub hides_low: bool,
}

//! Segmentations that were kept outside a session: in a journal or a document.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::document::Segmentation;
use super::kept_overlay::KeptOverlay;
use super::reference::ScanReference;
use crate::volume::{LabelMap, LabelTable, Maker, Measurement, SliceKey, SliceState};

/// A scan with what was kept of it.
#[derive(Debug, Clone)]
pub struct KeptScan {
    /// Which scan.
    pub reference: ScanReference,
    /// Where it may lie too: from the document's own folder, which may have moved with it.
    pub beside: Option<PathBuf>,
    /// Its segmentations.
    pub segmentations: Vec<KeptSegmentation>,
    /// What was measured on it.
    pub measurements: Vec<Measurement>,
    /// Whether a document holds the measurements as they are.
    pub measurements_saved: bool,
    /// What was laid over it.
    pub overlay: Option<KeptOverlay>,
    /// What was done since the last save, oldest first; empty in a document.
    pub steps: Vec<String>,
}

/// A segmentation as it was kept.
#[derive(Debug, Clone)]
pub struct KeptSegmentation {
    /// For the data tree.
    pub name: String,
    /// The labels.
    pub labels: LabelMap,
    /// Names and colours.
    pub table: LabelTable,
    /// How far its slices are.
    pub states: BTreeMap<SliceKey, SliceState>,
    /// Who made what is in a slice.
    pub makers: BTreeMap<SliceKey, Maker>,
    /// Whether a file holds it as it is.
    pub is_saved: bool,
}

impl KeptSegmentation {
    /// A segmentation as it is.
    pub fn of(segmentation: &Segmentation) -> Self {
        // All is named, so that what is added to a segmentation is not forgotten here.
        let Segmentation { scan: _, name, labels, table, states, makers, revision, saved } = segmentation;
        Self {
            name: name.clone(),
            labels: labels.clone(),
            table: table.clone(),
            states: states.clone(),
            makers: makers.clone(),
            is_saved: revision.is_saved_as(*saved),
        }
    }
}

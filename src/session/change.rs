//! What a step of the history and an entry of the journal consist of.

use super::document::{Document, ScanId, Segmentation, SegmentationId};
use super::measurements::MeasurementId;
use crate::volume::{BrickPatch, LabelTable, Maker, Measurement, SliceKey, SliceState};

/// A change of one segmentation or measurement: forward, or a way back.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Labels(SegmentationId, BrickPatch),
    Table(SegmentationId, LabelTable),
    States(SegmentationId, Vec<(SliceKey, SliceState)>),
    Makers(SegmentationId, Vec<(SliceKey, Option<Maker>)>),
    Rename(SegmentationId, String),
    Add(SegmentationId, Box<Segmentation>),
    Remove(SegmentationId),
    Measurement(ScanId, MeasurementId, Option<Measurement>),
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Segmentation(SegmentationId),
    Measurement(ScanId, MeasurementId),
}

impl Change {
    /// What it changes.
    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Labels(of, _)
            | Self::Table(of, _)
            | Self::States(of, _)
            | Self::Makers(of, _)
            | Self::Rename(of, _)
            | Self::Add(of, _)
            | Self::Remove(of) => Subject::Segmentation(*of),
            Self::Measurement(scan, id, _) => Subject::Measurement(*scan, *id),
        }
    }

    /// The segmentation that it changes, if it is about one.
    pub(super) fn target(&self) -> Option<SegmentationId> {
        match self.subject() {
            Subject::Segmentation(of) => Some(of),
            Subject::Measurement(..) => None,
        }
    }

    /// Bytes that keeping it costs.
    pub(super) fn byte_count(&self) -> usize {
        const SMALL: usize = 1024;
        match self {
            Self::Labels(_, patch) => patch.byte_count(),
            Self::Add(_, segmentation) => segmentation.labels.byte_count(),
            Self::Table(..)
            | Self::States(..)
            | Self::Makers(..)
            | Self::Rename(..)
            | Self::Remove(_)
            | Self::Measurement(..) => SMALL,
        }
    }

    /// Of a way back whose change was just made: the change itself, as the document has it now.
    pub(super) fn counterpart(&self, document: &Document) -> Option<Self> {
        let now = |of: &SegmentationId| document.segmentation(*of);
        Some(match self {
            Self::Labels(of, patch) => Self::Labels(*of, patch.counterpart(now(of)?.labels())),
            Self::Table(of, _) => Self::Table(*of, now(of)?.table.clone()),
            Self::States(of, states) => {
                let own = &now(of)?.states;
                let state = |(key, _): &(SliceKey, SliceState)| (*key, own.get(key).copied().unwrap_or_default());
                Self::States(*of, states.iter().map(state).collect())
            }
            Self::Makers(of, makers) => {
                let own = &now(of)?.makers;
                Self::Makers(*of, makers.iter().map(|(key, _)| (*key, own.get(key).cloned())).collect())
            }
            Self::Rename(of, _) => Self::Rename(*of, now(of)?.name.clone()),
            Self::Remove(of) => Self::Add(*of, Box::new(now(of)?.clone())),
            Self::Add(of, _) => Self::Remove(*of),
            Self::Measurement(scan, id, _) => {
                Self::Measurement(*scan, *id, document.measurements(*scan).get(*id).cloned())
            }
        })
    }
}

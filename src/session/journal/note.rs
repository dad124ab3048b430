//! What is written of an entry.

use std::io;

use serde::{Deserialize, Serialize};

use crate::disk::Record;
use crate::session::change::Change;
use crate::session::document::{Document, Revision, ScanId, Segmentation, SegmentationId};
use crate::session::entry::{How, Step, What};
use crate::session::kept_overlay::KeptOverlay;
use crate::session::reference::ScanReference;
use crate::volume::{BrickPatch, LabelTable, Maker, Measurement, SliceKey, SliceState};

/// Kind of a record that begins an entry: what stands before it without a commit was never finished.
pub const BEGIN: u8 = 0;
/// Kind of a record that is a [`Note`] in JSON.
pub const NOTE: u8 = 1;
/// Kind of a record that is the number of a segmentation and a chunk of bricks.
pub const BRICKS: u8 = 2;
/// Kind of a record that is a [`Commit`] in JSON.
pub const COMMIT: u8 = 3;

/// A part of an entry, besides bricks.
#[derive(Debug, Serialize, Deserialize)]
pub enum Note {
    /// A scan was opened, more is known of it, or something else is laid over it.
    Scan {
        id: u32,
        reference: Box<ScanReference>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overlay: Option<Box<KeptOverlay>>,
    },
    /// A scan went with its segmentations.
    Closed { id: u32 },
    /// A segmentation came, without a label; its bricks follow.
    Add { id: u32, head: Head },
    /// A segmentation went.
    Remove { id: u32 },
    /// It has another table.
    Table { id: u32, table: LabelTable },
    /// Some of its slices have other states.
    States { id: u32, states: Vec<(SliceKey, SliceState)> },
    /// Some of its slices have other makers, or none any more.
    Makers { id: u32, makers: Vec<(SliceKey, Option<Maker>)> },
    /// It has another name.
    Rename { id: u32, name: String },
    /// It is in a file as it was at a revision.
    Saved { id: u32, revision: Revision },
    /// A measurement of a scan came or is another, or went.
    Measurement { scan: u32, id: u32, measurement: Option<Measurement> },
    /// A document holds a scan's measurements as they were at a revision.
    MeasurementsSaved { scan: u32, revision: u64 },
}

/// A segmentation without its labels.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    pub scan: u32,
    pub name: String,
    pub table: LabelTable,
    pub states: Vec<(SliceKey, SliceState)>,
    pub makers: Vec<(SliceKey, Maker)>,
    pub revision: Revision,
    pub saved: Revision,
}

/// The end of an entry: all before it counts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Commit {
    /// The step's name; empty where it is none.
    pub name: String,
    pub how: How,
    /// Of what changed, afterwards.
    pub revisions: Vec<(u32, Revision)>,
    /// Of measurements of scans that changed, afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<(u32, u64)>,
}

impl Head {
    fn of(segmentation: &Segmentation) -> Self {
        // All is named, so that what is added to a segmentation is not forgotten here.
        let Segmentation { scan, name, labels: _, table, states, makers, revision, saved } = segmentation;
        Self {
            scan: scan.0,
            name: name.clone(),
            table: table.clone(),
            states: states.iter().map(|(key, state)| (*key, *state)).collect(),
            makers: makers.iter().map(|(key, maker)| (*key, maker.clone())).collect(),
            revision: *revision,
            saved: *saved,
        }
    }
}

fn json(kind: u8, value: &impl Serialize) -> io::Result<Record> {
    Ok((kind, serde_json::to_vec(value)?))
}

fn bricks(of: SegmentationId, patch: &BrickPatch) -> impl Iterator<Item = Record> + '_ {
    patch.chunks().map(move |chunk| (BRICKS, [&of.0.to_le_bytes()[..], &chunk].concat()))
}

/// The records of a segmentation that comes.
fn added(id: SegmentationId, segmentation: &Segmentation) -> io::Result<Vec<Record>> {
    let mut records = vec![json(NOTE, &Note::Add { id: id.0, head: Head::of(segmentation) })?];
    records.extend(bricks(id, &BrickPatch::whole(segmentation.labels())));
    Ok(records)
}

fn changed(change: &Change) -> io::Result<Vec<Record>> {
    let note = match change {
        Change::Labels(of, patch) => return Ok(bricks(*of, patch).collect()),
        Change::Add(of, segmentation) => return added(*of, segmentation),
        Change::Table(of, table) => Note::Table { id: of.0, table: table.clone() },
        Change::States(of, states) => Note::States { id: of.0, states: states.clone() },
        Change::Makers(of, makers) => Note::Makers { id: of.0, makers: makers.clone() },
        Change::Rename(of, name) => Note::Rename { id: of.0, name: name.clone() },
        Change::Remove(of) => Note::Remove { id: of.0 },
        Change::Measurement(scan, id, measurement) => {
            Note::Measurement { scan: scan.0, id: id.0, measurement: measurement.clone() }
        }
    };
    Ok(vec![json(NOTE, &note)?])
}

fn commit(
    name: &str,
    how: How,
    revisions: &[(SegmentationId, Revision)],
    measured: &[(ScanId, u64)],
) -> io::Result<Record> {
    let revisions = revisions.iter().map(|(id, revision)| (id.0, *revision)).collect();
    let measured = measured.iter().map(|(scan, revision)| (scan.0, *revision)).collect();
    json(COMMIT, &Commit { name: name.into(), how, revisions, measured })
}

/// The records of what happened.
pub fn records(what: &What) -> io::Result<Vec<Record>> {
    let note = match what {
        What::Changed(Step { name, how, changes, revisions, measured }) => {
            let mut records = vec![(BEGIN, Vec::new())];
            for change in changes {
                records.extend(changed(change)?);
            }
            records.push(commit(name, *how, revisions, measured)?);
            return Ok(records);
        }
        What::Scan(id, reference, overlay) => {
            Note::Scan { id: id.0, reference: reference.clone(), overlay: overlay.clone() }
        }
        What::Closed(id) => Note::Closed { id: id.0 },
        What::Saved(id, revision) => Note::Saved { id: id.0, revision: *revision },
        What::MeasurementsSaved(scan, revision) => Note::MeasurementsSaved { scan: scan.0, revision: *revision },
    };
    Ok(vec![(BEGIN, Vec::new()), json(NOTE, &note)?, commit("", How::Aside, &[], &[])?])
}

/// The records of a scan that is there, with its segmentations.
pub fn scan_records(document: &Document, scan: ScanId) -> io::Result<Vec<Record>> {
    let Some(reference) = document.reference(scan) else { return Ok(Vec::new()) };
    let (reference, overlay) = (Box::new(reference.clone()), document.overlay(scan).cloned().map(Box::new));
    let mut records = vec![(BEGIN, Vec::new()), json(NOTE, &Note::Scan { id: scan.0, reference, overlay })?];
    for (id, segmentation) in document.segmentations_of(scan) {
        records.extend(added(id, segmentation)?);
    }
    let own = document.measurements(scan);
    for (id, measurement) in own.iter() {
        let measurement = Some(measurement.clone());
        records.push(json(NOTE, &Note::Measurement { scan: scan.0, id: id.0, measurement })?);
    }
    records.push(json(NOTE, &Note::MeasurementsSaved { scan: scan.0, revision: own.saved })?);
    records.push(commit("", How::Aside, &[], &[(scan, own.revision)])?);
    Ok(records)
}

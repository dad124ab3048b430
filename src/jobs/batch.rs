//! One scan of many: its mask is made unless it is there, complete.
//!
//! A mask is complete when its record beside it ([`CaseRecord`]) names the scan's content, the model and the choices of this run, and the
//! mask's own bytes. Names and times of files decide nothing. A mask that somebody has changed since it was made is left as it is.

mod inputs;
mod names;
mod record;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use inputs::{Naming, Refused, ScanInput, ScanInputs, scans_to_segment};
pub use names::{MaskNames, is_bids};
pub use record::{CaseRecord, Generator};

use record::MadeOf;
pub use table::{BATCH_STARTS, BatchRow, Outcome, Separator, batch_lines, batch_table};

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::label_names::SaveNamesJob;
use super::output::{Inputs, OutputKind, make_folder};
use super::save_labels::SaveLabelsJob;
use super::segment::{SegmentJob, Segmented};
use crate::disk::{Claim, ClaimError};
use crate::engine::DeviceChoice;
use crate::formats::{self, Entry, read_annotated_labels};
use crate::model::Model;
use crate::pipeline::{SegmentOptions, misfits};
use crate::volume::{Annotations, Maker, SliceState, Volume, stack_frames};

/// Segments one scan of many.
#[derive(Clone)]
pub struct SegmentCaseJob {
    /// The scan's files, one for each channel or one for all.
    pub entries: Vec<Entry>,
    /// The scan's files as its record names them.
    pub sources: Vec<String>,
    /// Where the mask goes.
    pub mask: PathBuf,
    /// The model.
    pub model: Arc<Model>,
    /// Where to run.
    pub device: DeviceChoice,
    /// Further choices.
    pub options: SegmentOptions,
    /// Whether the mask is made anew whatever is there.
    pub overwrite: bool,
    /// Whether names and colours of labels are written into a table of BIDS beside the mask.
    pub names: bool,
    /// What the whole run reads: no mask takes the place of it.
    pub read: Arc<Inputs>,
}

/// What became of a scan.
#[derive(Debug, Clone)]
pub enum Case {
    /// Its mask was made.
    Made(CaseRecord),
    /// Its mask was there, complete.
    There(CaseRecord),
    /// Its mask was changed since it was made; it was left as it is.
    Changed(CaseRecord),
    /// Another process is making it.
    Held,
}

impl Job for SegmentCaseJob {
    type Output = Case;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "segment-case", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Segmenting".into()
    }

    fn run(self, work: &Work<()>) -> Result<Case, JobError> {
        let started = Instant::now();
        work.watch.check()?;
        make_folder(self.mask.parent().unwrap_or(Path::new(".")))?;
        let claim = match Claim::take(&self.mask, Duration::ZERO) {
            Ok(claim) => claim,
            Err(ClaimError::Held { .. }) => return Ok(Case::Held),
            Err(ClaimError::Disk(error)) => {
                return Err(JobError::Other(format!("{} cannot be written: {error}", self.mask.display())));
            }
        };
        let channels = self.entries.iter().map(|entry| formats::load(entry, work.watch.stage("Reading")));
        let channels = channels.collect::<Result<Vec<Volume>, _>>()?;
        let made_of = MadeOf::new(&channels, &self.model.spec, &self.options)?;
        if let Some(there) = self.what_is_there(&made_of)? {
            return Ok(there);
        }
        let volume = joined(channels)?;
        volume.warnings.iter().for_each(|warning| work.warn(warning.clone()));
        misfits(&self.model.spec, &volume).iter().for_each(|misfit| work.warn(misfit.to_string()));
        let source = volume.source.clone();
        let job = SegmentJob {
            volume: Arc::new(volume),
            model: self.model.clone(),
            device: self.device,
            options: self.options.clone(),
            probabilities: false,
            shown_as: BTreeMap::new(),
        };
        let Segmented { labels, table, device, .. } = work.run(job, |_| ())?;
        let volumes = record::label_volumes(&labels, &table);
        let annotations = Annotations::of_labels(&labels, table.clone(), SliceState::Draft)
            .made_by(&Maker::Model(self.model.spec.title.clone()));
        let mask = self.mask.clone();
        work.run(SaveLabelsJob { path: mask.clone(), labels, annotations, source, sidecar: false }, |()| ())?;
        if self.names {
            work.run(SaveNamesJob { path: record::names_path(&mask), table }, |()| ())?;
        }
        let mask_sha256 = record::file_sha256(&mask)
            .map_err(|e| JobError::Other(format!("{} cannot be read again: {e}", mask.display())))?;
        let record = CaseRecord {
            description: format!("Segmentation by {}. For research use; not for diagnosis.", self.model.spec.title),
            sources: self.sources,
            generated_by: vec![Generator::own()],
            made_of,
            mask_sha256,
            device,
            labels: volumes,
            seconds: started.elapsed().as_secs_f64(),
        };
        record.write(&mask)?;
        drop(claim);
        Ok(Case::Made(record))
    }
}

impl SegmentCaseJob {
    /// What stands at the mask's place and stays there; `None` where the mask is to be made.
    ///
    /// # Errors
    /// When something is there that is no mask of an earlier run and may be worth something.
    fn what_is_there(&self, made_of: &MadeOf) -> Result<Option<Case>, JobError> {
        let kind = if self.overwrite { OutputKind::Image } else { OutputKind::Draft };
        if !self.mask.exists() {
            return self.read.allow(&self.mask, kind).map(|()| None);
        }
        let Some(record) = CaseRecord::of(&self.mask) else {
            return self.read.allow(&self.mask, kind).map(|()| None);
        };
        if self.read.reads(&self.mask) {
            return self.read.allow(&self.mask, kind).map(|()| None);
        }
        let is_as_made = record::file_sha256(&self.mask).is_ok_and(|sha256| sha256 == record.mask_sha256);
        if self.overwrite || (is_as_made && record.made_of != *made_of) {
            return Ok(None);
        }
        if is_as_made {
            return Ok(Some(Case::There(record)));
        }
        // What is cut short holds nothing of a hand; a model's mask was left there by a run that was killed before it wrote the record.
        let watch = crate::work::Watch::unwatched();
        let is_readable = read_annotated_labels(&self.mask, None, watch, &|_| {}).is_ok();
        let is_changed = is_readable && self.read.allow(&self.mask, OutputKind::Draft).is_err();
        Ok(is_changed.then_some(Case::Changed(record)))
    }
}

/// The channels of a scan as one volume.
fn joined(mut channels: Vec<Volume>) -> Result<Volume, JobError> {
    match channels.len() {
        1 => Ok(channels.remove(0)),
        _ => stack_frames(&channels).map_err(JobError::Other),
    }
}

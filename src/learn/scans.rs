//! The labelled scans of a training: in memory where they fit, else read again whenever one is needed.

use std::borrow::Cow;

use super::dataset::Dataset;
use super::error::FitError;
use super::facts::ScanFacts;
use super::reading::{LabelledScan, Loader, read_case};
use crate::engine::free_memory_bytes;
use crate::volume::LabelValue;
use crate::work::{Stopped, Watch};

/// While a scan is read there is room for so many: its file, its values and its labels, more than once.
const SPARE_SCANS: u64 = 6;

/// What is asked of scans when they are read for the first time.
pub struct Asked<'a> {
    /// Which frames' labelled values are needed.
    pub frames: &'a [bool],
    /// The label of voxels that count nowhere.
    pub ignore: Option<LabelValue>,
    /// Bytes that the scans may take together; none: as many as there are.
    pub most_bytes: Option<f64>,
}

/// Scans of a data set, in the order of their names as they were given.
pub struct Scans<'a> {
    dataset: Dataset,
    load: Loader<'a>,
    facts: Vec<ScanFacts>,
    places: Vec<Place>,
}

/// Where a scan is.
enum Place {
    Memory(Box<LabelledScan>),
    /// In its files alone; what it held when it was read.
    Files(Content),
}

/// Tells a scan with its labels from others, by what they hold: the image's checksum, how its values are read, its grid, its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    fn of(scan: &LabelledScan) -> Self {
        let LabelledScan { image, labels, .. } = scan;
        let [values, of_labels] = [image.checksum(), labels.fingerprint()];
        let affine = image.geometry.world_from_voxel();
        Self(format!("{values:016x} {of_labels:016x} {:?} {affine:?}", image.rescale))
    }

    /// As it is written down.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl<'a> Scans<'a> {
    /// Reads scans one after the other. Where they take too much together, all are let go, and only their facts stay.
    ///
    /// # Errors
    /// As of [`read_case`], and when the work is stopped.
    pub fn read(
        dataset: &Dataset,
        names: &[String],
        load: Loader<'a>,
        asked: &Asked,
        watch: Watch,
        notice: &mut dyn FnMut(String),
    ) -> Result<Self, FitError> {
        let mut scans =
            Self { dataset: dataset.clone(), load, facts: Vec::with_capacity(names.len()), places: Vec::new() };
        let (mut bytes, mut largest, mut is_too_much) = (0, 0, false);
        for (n, name) in names.iter().enumerate() {
            watch.at(n as f32 / names.len() as f32)?;
            let scan = scans.load(name, watch, notice)?;
            let facts = ScanFacts::of(&scan, asked.frames, asked.ignore);
            bytes += facts.bytes;
            scans.facts.push(facts);
            scans.places.push(Place::Memory(Box::new(scan)));
            largest = largest.max(scans.facts[n].bytes as u64);
            is_too_much |= asked.most_bytes.is_some_and(|most| bytes as f64 > most)
                || free_memory_bytes().is_some_and(|free| free < SPARE_SCANS * largest);
            if is_too_much {
                scans.places.iter_mut().for_each(Place::let_go);
            }
        }
        Ok(scans)
    }

    fn load(&self, name: &str, watch: Watch, notice: &mut dyn FnMut(String)) -> Result<LabelledScan, FitError> {
        // A file that was not read to its end is no damaged one.
        let stopped = |error| if watch.should_stop() { FitError::Stopped(Stopped) } else { error };
        read_case(&self.dataset, name, self.load, notice).map_err(stopped)
    }

    /// What is known of each.
    pub fn facts(&self) -> &[ScanFacts] {
        &self.facts
    }

    /// Number of scans.
    pub fn count(&self) -> usize {
        self.facts.len()
    }

    /// What a scan holds.
    pub fn content(&self, n: usize) -> Content {
        match &self.places[n] {
            Place::Memory(scan) => Content::of(scan),
            Place::Files(content) => content.clone(),
        }
    }

    /// All of them, where they are in memory.
    pub fn in_memory(&self) -> Option<Vec<&LabelledScan>> {
        self.places.iter().map(Place::in_memory).collect()
    }

    /// A scan, read again where it is not in memory.
    ///
    /// # Errors
    /// When it cannot be read any more, it is another one by now, or the work is stopped.
    pub fn get(&self, n: usize, watch: Watch) -> Result<Cow<'_, LabelledScan>, FitError> {
        let content = match &self.places[n] {
            Place::Memory(scan) => return Ok(Cow::Borrowed(scan)),
            Place::Files(content) => content,
        };
        watch.check()?;
        // Whatever is to be said of its files was said when it was read first.
        let scan = self.load(&self.facts[n].name, watch, &mut |_| {})?;
        if Content::of(&scan) == *content {
            return Ok(Cow::Owned(scan));
        }
        let problem = "its files have changed since the training began; start it again, so that all scans are learned from as they are";
        Err(FitError::Case { name: scan.name, problem: problem.into() })
    }

    /// Lets a scan go that is not needed any more; it can still be read again.
    pub fn let_go(&mut self, n: usize) {
        self.places[n].let_go();
    }
}

impl Place {
    fn in_memory(&self) -> Option<&LabelledScan> {
        match self {
            Self::Memory(scan) => Some(scan),
            Self::Files(_) => None,
        }
    }

    fn let_go(&mut self) {
        if let Self::Memory(scan) = self {
            *self = Self::Files(Content::of(scan));
        }
    }
}

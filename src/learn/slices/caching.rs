//! Bringing scans that do not fit into the memory to the network's grid on disk, once.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::file::{self, Found, SliceFile, Wanted};
use super::{Slices, folder};
use crate::learn::error::FitError;
use crate::learn::preparing::{Cutting, Grid, cut_axes};
use crate::learn::reading::LabelledScan;
use crate::learn::sampling::{LabelIndex, PreparedCase};
use crate::learn::scans::Scans;
use crate::model::{ModelSpec, SliceAxis};
use crate::work::memory::Bytes;
use crate::work::{Watch, free_disk_bytes};

/// Left on the disk for the model and whatever else is written meanwhile.
const RESERVE_BYTES: u64 = 256 << 20;

/// Where slices are kept, and what the user is told of it.
pub struct Cache<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// Bytes of memory that are free.
    pub free_bytes: u64,
    /// Bytes that are free on the folder's disk; none: as many as the system says.
    pub free_disk_bytes: Option<u64>,
}

/// A scan along one axis.
struct Cut {
    scan: usize,
    grid: Grid,
    made_from: String,
    path: PathBuf,
}

impl Cut {
    fn wanted(&self, channels: usize) -> Wanted<'_> {
        let pixels = self.grid.size.iter().product();
        Wanted { made_from: &self.made_from, channels, pixels, slices: self.grid.slices }
    }
}

/// All cases along all axes that the model cuts, on disk. What an earlier run has left there whole is taken over; scans are let go, one
/// after the other.
///
/// # Errors
/// When the folder cannot be written to or its disk has too little room, a scan cannot be read again, or the work is stopped.
pub fn cache_all(
    scans: &mut Scans,
    spec: &ModelSpec,
    ignore: Option<u16>,
    cache: &Cache,
    watch: Watch,
    notice: &mut dyn FnMut(String),
) -> Result<Vec<PreparedCase>, FitError> {
    let folder = cache.folder;
    let problem = |problem: String| FitError::Slices { path: folder.into(), problem };
    folder::make(folder)
        .map_err(|error| problem(format!("cannot be kept, because the folder cannot be made: {error}")))?;
    let cuts = cuts(scans, spec, ignore, folder)?;
    folder::keep_only(folder, &cuts.iter().map(|cut| cut.path.clone()).collect::<BTreeSet<_>>());
    let found: Vec<Found> = cuts.iter().map(|cut| file::find(&cut.path, &cut.wanted(spec.image_channels))).collect();
    tell_and_check(&cuts, &found, (scans.count(), spec.image_channels), cache, notice)?;
    let (count, mut cases) = (cuts.len(), Vec::with_capacity(cuts.len()));
    let share = |n: usize| n as f32 / count as f32;
    let mut all = cuts.into_iter().zip(found).enumerate().peekable();
    for n in 0..scans.count() {
        // A scan that is cut along several axes is read once.
        let mut read: Option<Cow<LabelledScan>> = None;
        while let Some((place, (cut, found))) = all.next_if(|(_, (cut, _))| cut.scan == n) {
            let own = watch.part(share(place), share(place + 1));
            own.at(0.0)?;
            let (file, index) = match taken_over(&cut, found, own, notice)? {
                Some(whole) => whole,
                None => {
                    let scan = match read.take() {
                        Some(scan) => scan,
                        None => scans.get(n, own.quiet())?,
                    };
                    let cutting = Cutting::new(&scan, &cut.grid, spec, own.quiet())?;
                    let index = LabelIndex::new(spec.classes.len(), ignore);
                    let whole = file::write(&cut.path, &cut.wanted(spec.image_channels), &cutting, index, own)?;
                    read = Some(scan);
                    whole
                }
            };
            let Grid { size, slice_step, may_mirror, .. } = cut.grid;
            let name = scans.facts()[n].name.clone();
            cases.push(PreparedCase { name, size, slices: Slices::File(file), may_mirror, slice_step, index });
        }
        drop(read);
        scans.let_go(n);
    }
    Ok(cases)
}

/// Every scan along every axis, with all that decides what its slices hold.
fn cuts(scans: &Scans, spec: &ModelSpec, ignore: Option<u16>, folder: &Path) -> Result<Vec<Cut>, FitError> {
    let mut cuts = Vec::new();
    for (scan, facts) in scans.facts().iter().enumerate() {
        let content = scans.content(scan);
        for axis in cut_axes(spec) {
            let made_from = made_from(content.text(), spec, axis, ignore);
            let path = folder::file_of(folder, &made_from);
            let grid = Grid::new(&facts.name, &facts.geometry, spec, axis)?;
            cuts.push(Cut { scan, grid, made_from, path });
        }
    }
    Ok(cuts)
}

fn made_from(content: &str, spec: &ModelSpec, axis: SliceAxis, ignore: Option<u16>) -> String {
    let normalisations: Vec<_> = (0..spec.image_channels).map(|frame| spec.normalisation_of(frame)).collect();
    let plan = (axis.name(), spec.spacing_mm, normalisations, spec.reversed, spec.classes.len(), ignore);
    format!("{content} {plan:?}")
}

/// Says how much is to be written where, and refuses what the disk has no room for.
fn tell_and_check(
    cuts: &[Cut],
    found: &[Found],
    (scans, channels): (usize, usize),
    cache: &Cache,
    notice: &mut dyn FnMut(String),
) -> Result<(), FitError> {
    let bytes = |cut: &Cut| cut.wanted(channels).bytes();
    let all: u64 = cuts.iter().map(bytes).sum();
    let is_there = |found: &Found| matches!(found, Found::File(..));
    let missing = || cuts.iter().zip(found).filter(|(_, found)| !is_there(found));
    let needed: u64 = missing().map(|(cut, _)| bytes(cut)).sum();
    let free_disk = cache.free_disk_bytes.or_else(|| free_disk_bytes(cache.folder));
    let there = found.iter().filter(|found| is_there(found)).count();
    let shown = cache.folder.display();
    let on_disk = free_disk.map_or(String::new(), |free| format!(", where {} are free", Bytes(free)));
    if free_disk.is_some_and(|free| needed + RESERVE_BYTES > free) {
        return Err(FitError::Plan(format!(
            "{scans} scans take {} on the network's grid, {} of memory are free, and the disk of {shown} has {} free; {} more and {} \
             to spare are needed there. Make room, choose an output on another disk, fewer or smaller scans, or slices along one axis",
            Bytes(all),
            Bytes(cache.free_bytes),
            Bytes(free_disk.unwrap_or(0)),
            Bytes(needed),
            Bytes(RESERVE_BYTES)
        )));
    }
    let already = match there {
        0 => String::new(),
        _ => format!(" {there} of {} files are there already, {} are missing.", cuts.len(), Bytes(needed)),
    };
    notice(format!(
        "{scans} scans take {} on the network's grid, and {} of memory are free: their slices are kept in {shown}{on_disk}, until the \
         training has ended.{already}",
        Bytes(all),
        Bytes(cache.free_bytes)
    ));
    Ok(())
}

/// What an earlier run has left, if it is whole.
fn taken_over(
    cut: &Cut,
    found: Found,
    watch: Watch,
    notice: &mut dyn FnMut(String),
) -> Result<Option<(SliceFile, LabelIndex)>, FitError> {
    let why = match found {
        Found::Nothing => return Ok(None),
        Found::File(file, index) if file.is_whole(watch)? => return Ok(Some((file, index))),
        Found::File(..) => "it is damaged",
        Found::Other(why) => why,
    };
    notice(format!("The prepared slices in {} are made anew: {why}.", cut.path.display()));
    Ok(None)
}

//! DICOM as scanners, anonymisers and broken programs write it: right, or refused with a reason; never quietly wrong.
//!
//! What is right was asked of pydicom 3.0.2 and GDCM (SimpleITK 2.5.7) where a comment says so.
#![allow(unsafe_code, reason = "a counting allocator is the only way to see what a hostile file makes us allocate")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::type_complexity, reason = "tables of cases are read row by row")]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "byte strings of two letters are references")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]
#![allow(clippy::semicolon_if_nothing_returned, reason = "short closures")]

#[path = "faults_dicom/cameras.rs"]
mod cameras;
#[path = "faults_dicom/directories.rs"]
mod directories;
#[path = "faults_dicom/frames.rs"]
mod frames;
#[path = "faults_dicom/grouping.rs"]
mod grouping;
#[path = "faults_dicom/hostile.rs"]
mod hostile;
#[path = "support/made_dicom.rs"]
mod made_dicom;
#[path = "faults_dicom/series.rs"]
mod series;
#[path = "faults_dicom/stacks.rs"]
mod stacks;
#[path = "faults_dicom/tables.rs"]
mod tables;
#[path = "faults_dicom/values.rs"]
mod values;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lamella::formats;
use lamella::volume::Volume;
use lamella::work::Watch;
use made_dicom::Made;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Tests that count memory must not see each other's.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes taken at most while something runs.
fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let outcome = work();
    (outcome, PEAK.load(Ordering::Relaxed).saturating_sub(before))
}

/// Everything that a folder with these files opens as, and the reasons for what is left out.
fn open_all(files: &[Made]) -> (Vec<Volume>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    for (n, file) in files.iter().enumerate() {
        file.save(&folder.path().join(format!("{n:04}.dcm")));
    }
    open_folder(folder.path())
}

fn open_folder(folder: &Path) -> (Vec<Volume>, Vec<String>) {
    let findings = formats::scan(folder, Watch::unwatched()).unwrap();
    let mut reasons: Vec<String> = findings.skipped.into_iter().map(|s| s.reason).collect();
    let mut volumes = Vec::new();
    for entry in &findings.entries {
        if let Some(what) = entry.source.asks() {
            reasons.push(what.into());
            continue;
        }
        match formats::load(entry, Watch::unwatched()) {
            Ok(volume) => volumes.push(volume),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    (volumes, reasons)
}

/// The one volume of a folder.
fn open_one(files: &[Made]) -> Volume {
    let (mut volumes, reasons) = open_all(files);
    assert_eq!(volumes.len(), 1, "{reasons:?}");
    volumes.remove(0)
}

/// The reason why nothing opens.
fn refusal(files: &[Made]) -> String {
    let (volumes, reasons) = open_all(files);
    assert!(volumes.is_empty(), "{} volumes opened", volumes.len());
    reasons.join(" | ")
}

/// The first value of every slice, frame by frame.
fn slice_values(volume: &Volume) -> Vec<f64> {
    let [.., slices] = volume.geometry.shape();
    (0..volume.frame_count()).flat_map(|f| (0..slices).map(move |k| volume.value([0, 0, k], f))).collect()
}

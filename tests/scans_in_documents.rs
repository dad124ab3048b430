//! Scans that a `.lamella` document holds: in the window, and how much memory they take while they are written and read.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(unsafe_code, reason = "a counting allocator is the only way to see how much is held at a time")]

#[path = "support/window.rs"]
mod window;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eframe::egui;
use egui_kittest::kittest::Queryable;
use lamella::app::Request;
use lamella::app::state::paths::{Answer, Mode, Purpose};
use lamella::session::{Session, read_document, read_scan_copy, write_document};
use lamella::volume::{Affine, Geometry, Rescale, Volume, Voxels};
use lamella::work::Watch;
use window::*;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn takes(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        takes(layout.size());
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        takes(layout.size());
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that some work holds beyond what was held before, in bytes.
fn peak_of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let began = std::time::Instant::now();
    let result = work();
    println!("it took {:?}", began.elapsed());
    (PEAK.load(Ordering::Relaxed).saturating_sub(before), result)
}

#[test]
fn writing_and_reading_a_scan_takes_no_second_copy_of_it() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.lamella");
    let values: Vec<i16> = (0..256 * 256 * 800u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 20) as i16).collect();
    let geometry = Geometry::new([256, 256, 800], Affine::IDENTITY).unwrap();
    let volume = Volume::new(geometry, Voxels::I16(Arc::new(values)), vec![], Rescale::IDENTITY, "head".into());
    let whole = volume.byte_count();
    let mut session = Session::default();
    let (scan, _) = session.add_scan(Arc::new(volume));
    session.set_keeps_scans(true);
    let watch = Watch::unwatched();
    let (first, written) = peak_of(|| write_document(&path, session.document(), watch).unwrap());
    session.set_copy(scan, Some(written.copies[0].1.clone()));
    let (again, _) = peak_of(|| write_document(&path, session.document(), watch).unwrap());
    let kept = read_document(&path, watch).unwrap().remove(0);
    let (read, volume) = peak_of(|| read_scan_copy(&kept.reference, watch).unwrap().unwrap());
    let shares = [first, again, read].map(|bytes| lamella::work::numbers::share(bytes, whole));
    println!("of {whole} bytes: writing {:.2}, copying {:.2}, reading {:.2}", shares[0], shares[1], shares[2]);
    // Room for the scan is asked for with 32 MB more, which nobody takes.
    assert!(shares[0] < 0.25 && shares[1] < 0.25 && shares[2] < 1.5, "{shares:?}");
    assert!(volume.voxels.equals(&session.document().scan(scan).unwrap().voxels));
}

fn scan_in(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("head.nii.gz");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample/synthetic_hippocampus.nii.gz");
    std::fs::copy(sample, &path).unwrap();
    path
}

fn told(window: &Window, part: &str) -> bool {
    window.state().messages().iter().any(|text| text.contains(part))
}

fn save_as(harness: &mut Window, path: &Path) {
    let mode = Mode::Save("Lamella document".into(), vec![".lamella"]);
    let answer = Answer { purpose: Purpose::SaveDocument, mode, path: Some(path.to_path_buf()) };
    harness.state_mut().request(Request::Answer(answer));
    harness.run_steps(2);
    settle(harness);
}

#[test]
fn a_document_with_its_scan_opens_where_the_scan_is_not() {
    let _alone = alone();
    if !can_render() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scan = scan_in(folder.path());
    let mut first = window(vec![scan.clone()]);
    settle(&mut first);
    first.key_press(egui::Key::Num4);
    first.run_steps(2);
    drag_in_axial_view(&mut first, egui::vec2(40.0, 0.0));
    let painted = first.state().labels().unwrap().clone();
    let volume = first.state().studio().volume().unwrap().clone();
    task(&mut first, EXPORT);
    press(&mut first, "Keep the scans in the document");
    assert!(first.state().studio().session.document().keeps_scans());
    let path = folder.path().join("case.lamella");
    save_as(&mut first, &path);
    drop(first);

    // The file is there and the same: it is what is opened.
    let mut same = window(vec![path.clone()]);
    settle(&mut same);
    assert_eq!(same.state().studio().shown_item().unwrap().entry.path, scan);
    assert!(same.state().studio().session.document().keeps_scans(), "the document remembers it");
    drop(same);

    // Another computer, without the scan.
    let other = folder.path().join("elsewhere");
    std::fs::create_dir(&other).unwrap();
    let moved = other.join("case.lamella");
    std::fs::rename(&path, &moved).unwrap();
    std::fs::remove_file(&scan).unwrap();
    let mut second = window(vec![moved.clone()]);
    settle(&mut second);
    assert!(second.state().labels().unwrap().same_labels(&painted));
    assert!(second.state().studio().volume().unwrap().voxels.equals(&volume.voxels));
    assert!(told(&second, "is shown from case.lamella: its file is not there"), "{:?}", second.state().messages());
    // What is not to be kept any more is kept all the same where nothing else has it.
    second.state_mut().request(Request::Run("file.keep-scans"));
    second.run_steps(2);
    second.state_mut().request(Request::Run("file.save-document"));
    second.run_steps(2);
    settle(&mut second);
    assert!(told(&second, "it would be lost"), "{:?}", second.state().messages());
    drop(second);

    // A file of this name that holds something else is not taken for it.
    let mut inverse = (*volume).clone();
    inverse.rescale = Rescale::Uniform { slope: -1.0, intercept: 7.0 };
    lamella::formats::write_volume(&scan, &inverse, Watch::unwatched()).unwrap();
    let mut third = window(vec![moved]);
    settle(&mut third);
    let shown = third.state().studio().volume().unwrap();
    assert!(shown.voxels.equals(&volume.voxels) && shown.value([3, 4, 5], 0) == volume.value([3, 4, 5], 0));
    assert!(told(&third, "the file that is there now has other values"), "{:?}", third.state().messages());
    assert!(third.query_all_by_label("head").next().is_some(), "it is in the list");
}

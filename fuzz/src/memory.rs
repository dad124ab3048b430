//! Counts what is allocated, and holds a reader to its bound.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::entries::{BYTES_PER_BYTE, Reader};

/// Whoever wants a large piece asks for it with 32 MiB besides and gives it back at once (`work::memory`); labels do so for 32 MiB of bricks.
/// Nobody touches these bytes.
const ASKED_FOR: usize = 64 << 20;

/// The system's allocator, with a count.
pub struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn taken(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Reads an input; gives whether something in it could be read.
///
/// # Panics
/// When it takes more memory than its reader may, and whenever the reader panics.
pub fn held(reader: &Reader, bytes: &[u8]) -> bool {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let is_read = (reader.read)(bytes);
    let taken = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    let most = ASKED_FOR + reader.free_bytes + BYTES_PER_BYTE * bytes.len();
    assert!(taken <= most, "{}: {taken} bytes were taken for an input of {}; {most} may be", reader.name, bytes.len());
    is_read
}

//! Aligned memory, and where maps lie in it.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::super::simd::LANES;
use crate::work::memory::{self, OutOfMemory};

/// Alignment of small memory: a cache line.
const LINE_BYTES: usize = 64;
/// Size and alignment of a huge page. One needs far fewer entries of the processor's address cache than small pages.
const HUGE_BYTES: usize = 2 << 20;

/// Floats that start on a cache line, or on a huge page where there are many; zero at first.
pub struct Aligned {
    start: NonNull<f32>,
    floats: usize,
    layout: Layout,
}

// SAFETY: it owns its memory alone, as a `Vec<f32>` does.
unsafe impl Send for Aligned {}
// SAFETY: shared references only read.
unsafe impl Sync for Aligned {}

impl Aligned {
    /// At least `count` zeros.
    ///
    /// # Panics
    /// As [`memory::must_have`], where there is no room for them.
    pub fn zeros(count: usize) -> Self {
        let floats = count.next_multiple_of(LANES).max(LANES);
        let bytes = floats * size_of::<f32>();
        let unit = if bytes >= HUGE_BYTES { HUGE_BYTES } else { LINE_BYTES };
        memory::must_have::<u8>(bytes);
        let refused = || std::panic::panic_any(OutOfMemory { wanted_bytes: bytes as u64, free_bytes: None });
        let Ok(layout) = Layout::from_size_align(bytes.next_multiple_of(unit), unit) else { refused() };
        // SAFETY: the layout is not empty; all bytes are written before anyone reads them.
        let start = unsafe {
            let start = std::alloc::alloc(layout);
            if start.is_null() {
                refused();
            }
            if unit == HUGE_BYTES {
                ask_for_huge_pages(start, layout.size());
            }
            start.write_bytes(0, layout.size());
            NonNull::new_unchecked(start.cast())
        };
        Self { start, floats, layout }
    }

    /// Values padded with zeros to whole blocks of channels.
    pub fn padded<T: Copy + Into<f64>>(values: &[T]) -> Self {
        let mut padded = Self::zeros(values.len());
        padded.as_mut_slice().iter_mut().zip(values).for_each(|(p, &v)| *p = v.into() as f32);
        padded
    }

    /// Number of floats.
    pub fn len(&self) -> usize {
        self.floats
    }

    /// All floats.
    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: the memory is ours and was written.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.floats) }
    }

    /// All floats.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is passed on.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.floats) }
    }
}

/// Values that a kernel reads beside maps.
pub enum Constants {
    /// Known when compiling.
    Fixed(Aligned),
    /// Written by an earlier step: the first float in the arena.
    Placed(usize),
}

impl Constants {
    /// The first of them.
    ///
    /// # Safety
    /// The arena holds what was placed in it.
    pub unsafe fn start(&self, arena: *const f32) -> *const f32 {
        match self {
            Self::Fixed(values) => values.as_slice().as_ptr(),
            // SAFETY: as the caller says.
            Self::Placed(offset) => unsafe { arena.add(*offset) },
        }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { std::alloc::dealloc(self.start.as_ptr().cast(), self.layout) }
    }
}

/// Tells the system that huge pages are welcome; it may do nothing, here or by its settings.
///
/// # Safety
/// The range belongs to the caller.
unsafe fn ask_for_huge_pages(start: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the range is ours and page-aligned; the advice changes no content.
    unsafe {
        libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, bytes);
}

/// Where a map `[batch, channels, height, width]` lies: in blocks of sixteen channels (or single ones), each a plane of
/// pixels with a border of zeros around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    /// First float of the first plane's border.
    pub offset: usize,
    /// Images.
    pub batch: usize,
    /// Channels that mean something; the others of the last block are finite and unused.
    pub channels: usize,
    /// Channels of a block: [`LANES`] or 1.
    pub lanes: usize,
    /// Pixels of an image.
    pub size: [usize; 2],
    /// Zeros on each side.
    pub border: usize,
    /// Floats from image to image; more than its own planes where it is part of a concatenation.
    pub image: usize,
}

impl Map {
    /// Shape of the dense array with its values.
    pub fn shape(&self) -> [usize; 4] {
        [self.batch, self.channels, self.size[0], self.size[1]]
    }

    /// Blocks of channels.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(self.lanes)
    }

    /// Floats from row to row.
    pub fn row(&self) -> usize {
        (self.size[1] + 2 * self.border) * self.lanes
    }

    /// Floats from block to block.
    pub fn plane(&self) -> usize {
        (self.size[0] + 2 * self.border) * self.row()
    }

    /// Floats of an image's planes.
    pub fn own_len(&self) -> usize {
        self.blocks() * self.plane()
    }

    /// Index of the first lane of a pixel; rows and columns may reach into the border.
    pub fn at(&self, image: usize, block: usize, row: isize, column: isize) -> usize {
        debug_assert!(image < self.batch && block < self.blocks());
        let border = self.border as isize;
        debug_assert!(row >= -border && row < self.size[0] as isize + border);
        debug_assert!(column >= -border && column < self.size[1] as isize + border);
        let pixel = (row + border) as usize * self.row() + (column + border) as usize * self.lanes;
        self.offset + image * self.image + block * self.plane() + pixel
    }

    /// End of the last float.
    pub fn end(&self) -> usize {
        self.offset + (self.batch - 1) * self.image + self.own_len()
    }
}

/// Places for things that live from one step to another, such that what lives together does not overlap.
#[derive(Default)]
pub struct Arena {
    placed: Vec<Placed>,
    len: usize,
}

struct Placed {
    start: usize,
    len: usize,
    first: usize,
    last: usize,
}

impl Arena {
    /// The lowest free place for `len` floats from step `first` to step `last`.
    pub fn place(&mut self, len: usize, first: usize, last: usize) -> usize {
        let len = len.next_multiple_of(LANES);
        let mut living: Vec<&Placed> = self.placed.iter().filter(|p| p.first <= last && first <= p.last).collect();
        living.sort_by_key(|p| p.start);
        let mut start = 0;
        for other in living {
            if start + len <= other.start {
                break;
            }
            start = start.max(other.start + other.len);
        }
        self.placed.push(Placed { start, len, first, last });
        self.len = self.len.max(start + len);
        start
    }

    /// Floats in all.
    pub fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_together_does_not_overlap_and_space_is_used_again() {
        let mut arena = Arena::default();
        let a = arena.place(100, 0, 2);
        let b = arena.place(50, 1, 3);
        let c = arena.place(100, 3, 4);
        assert!(b >= a + 100 && c + 100 <= b.max(a + 100), "{a} {b} {c}");
        assert_eq!(c, a, "the first place is free again");
        assert_eq!(arena.len(), 112 + 64);
    }

    #[test]
    fn a_map_counts_from_its_border() {
        let map = Map { offset: 32, batch: 2, channels: 20, lanes: LANES, size: [3, 5], border: 1, image: 1120 };
        assert_eq!((map.blocks(), map.row(), map.plane()), (2, 112, 560));
        assert_eq!(map.at(0, 0, -1, -1), 32);
        assert_eq!(map.at(1, 1, 0, 0), 32 + 1120 + 560 + 112 + 16);
        assert_eq!(map.end(), 32 + 2240);
    }
}

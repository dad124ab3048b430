//! Telling the system's allocator to keep freed memory while a network trains.
//!
//! Every step frees and asks for the same large arrays. Given back to the system each time, they would be mapped and
//! zeroed again page by page, which takes a tenth of a step.

#![allow(unsafe_code)]

/// While it lives, freed memory stays with the process; at its end it is given back. Only glibc can be told.
pub struct KeepFreedMemory(());

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod limits {
    /// Larger arrays than this are mapped on their own.
    pub const NEVER: i32 = 1 << 30;
    /// glibc's own limit for both.
    pub const USUAL: i32 = 128 * 1024;
}

impl KeepFreedMemory {
    /// Starts keeping.
    pub fn start() -> Self {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: the options are glibc's, and only change when memory is given back.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, limits::NEVER);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
            libc::mallopt(libc::M_TOP_PAD, 64 << 20);
        }
        Self(())
    }
}

impl Drop for KeepFreedMemory {
    fn drop(&mut self) {
        super::compiled::single::forget_arenas();
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: as above.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, limits::USUAL);
            libc::mallopt(libc::M_TRIM_THRESHOLD, limits::USUAL);
            libc::mallopt(libc::M_TOP_PAD, limits::USUAL);
            libc::malloc_trim(0);
        }
    }
}

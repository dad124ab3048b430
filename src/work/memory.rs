//! Memory: how much there is, and whether a large piece can be had.

use std::fmt;

use super::container;

/// Pieces below this are not asked for.
const SMALL_BYTES: u64 = 1 << 20;
/// Pieces from this on are also compared with what the machine has left, which takes a moment to find out.
const LARGE_BYTES: u64 = 16 << 20;
/// Left for the many small pieces that nobody asks for.
const RESERVE_BYTES: usize = 32 << 20;

/// Memory that cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemory {
    /// Bytes that were wanted in one piece.
    pub wanted_bytes: u64,
    /// Bytes that programs could still get, where the system says.
    pub free_bytes: Option<u64>,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = Bytes(self.wanted_bytes);
        match self.free_bytes.map(Bytes) {
            Some(free) => write!(
                f,
                "{bytes} of memory are needed, {free} are free; close other programs or images, or use a smaller file"
            ),
            None => write!(
                f,
                "{bytes} of memory are needed and cannot be had; close other programs or images, or use a smaller file"
            ),
        }
    }
}

impl std::error::Error for OutOfMemory {}

impl From<OutOfMemory> for std::io::Error {
    fn from(error: OutOfMemory) -> Self {
        Self::new(std::io::ErrorKind::OutOfMemory, error)
    }
}

/// A number of bytes as people read it: `1.5 GB`.
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0;
        for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")] {
            if value >= unit {
                let tenths = value / (unit / 10);
                return write!(f, "{}.{} {name}", tenths / 10, tenths % 10);
            }
        }
        write!(f, "{value} bytes")
    }
}

/// Whether `count` values of a type can be had in one piece, besides what is taken already.
///
/// It asks for the room, within the limits set for this program and for the machine, and gives it back at once: whoever takes it next gets it
/// unless another thread is faster.
///
/// # Errors
/// How much was wanted, and how much is free.
pub fn ensure<T>(count: usize) -> Result<(), OutOfMemory> {
    let wanted_bytes = (count as u64).saturating_mul(size_of::<T>() as u64);
    if wanted_bytes < SMALL_BYTES {
        return Ok(());
    }
    let free_bytes = if wanted_bytes < LARGE_BYTES { None } else { free_bytes() };
    if free_bytes.is_some_and(|free| wanted_bytes > free) {
        return Err(OutOfMemory { wanted_bytes, free_bytes });
    }
    let room = usize::try_from(wanted_bytes).unwrap_or(usize::MAX).saturating_add(RESERVE_BYTES);
    Vec::<u8>::new().try_reserve_exact(room).map_err(|_| OutOfMemory { wanted_bytes, free_bytes: None })
}

/// The same for code that has no errors to give back, far below whoever runs it: it unwinds with [`OutOfMemory`], of which whoever runs
/// jobs and commands makes a message. Without it the program would be aborted.
///
/// # Panics
/// With [`OutOfMemory`].
pub fn must_have<T>(count: usize) {
    if let Err(refused) = ensure::<T>(count) {
        std::panic::panic_any(refused);
    }
}

/// Zeros, if there is room for them.
///
/// # Panics
/// As [`must_have`].
pub fn zeros<T: Clone + Default>(count: usize) -> Vec<T> {
    must_have::<T>(count);
    vec![T::default(); count]
}

/// Whether so many bytes are free; takes nothing, and says yes where the system does not tell.
///
/// # Errors
/// How much was wanted, and how much is free.
pub fn affordable(wanted_bytes: u64) -> Result<(), OutOfMemory> {
    if wanted_bytes < SMALL_BYTES {
        return Ok(());
    }
    match free_bytes() {
        Some(free) if wanted_bytes > free => Err(OutOfMemory { wanted_bytes, free_bytes: Some(free) }),
        _ => Ok(()),
    }
}

/// Makes room for `more` values behind those of a list, which grows by doubling as lists do.
///
/// # Errors
/// When the list cannot grow; it is as before then.
pub fn make_room<T>(list: &mut Vec<T>, more: usize) -> Result<(), OutOfMemory> {
    let needed = list.len().saturating_add(more);
    if needed <= list.capacity() {
        return Ok(());
    }
    let bytes = |count: usize| (count as u64).saturating_mul(size_of::<T>() as u64);
    // What is only convenient is not asked for where memory is short.
    let doubled = needed.max(list.capacity().saturating_mul(2));
    let wanted = if affordable(bytes(doubled - list.len())).is_ok() { doubled } else { needed };
    affordable(bytes(wanted - list.len()))?;
    let grown = list.try_reserve_exact(wanted - list.len()).or_else(|_| list.try_reserve_exact(more));
    grown.map_err(|_| OutOfMemory { wanted_bytes: bytes(more), free_bytes: None })
}

/// Bytes that programs can still get without others being moved to disk; `None` where the system does not say.
pub fn free_bytes() -> Option<u64> {
    free_and_all_bytes().map(|[free, _]| free)
}

/// Bytes of memory that programs can still get, and all, within the limits set for this program.
pub fn free_and_all_bytes() -> Option<[u64; 2]> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    let limits = container::limits().unwrap_or([u64::MAX; 2]);
    let own = own_limits().unwrap_or([u64::MAX; 2]);
    let free = system.available_memory().min(limits[0]).min(own[0]);
    let all = system.total_memory().min(limits[1]).min(own[1]);
    (all > 0).then_some([free, all])
}

/// What this process may still take, and all that it may, where `ulimit` bounds it.
fn own_limits() -> Option<[u64; 2]> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let bound = |limit: &str, used: &str| {
        // "Max address space  2000000000  unlimited  bytes": the first number counts.
        let most: u64 =
            limits.lines().find_map(|line| line.strip_prefix(limit))?.split_whitespace().next()?.parse().ok()?;
        let kilobytes: u64 =
            status.lines().find_map(|line| line.strip_prefix(used))?.split_whitespace().next()?.parse().ok()?;
        Some([most.saturating_sub(kilobytes * 1024), most])
    };
    let bounds = [bound("Max address space", "VmSize:"), bound("Max data size", "VmData:")];
    bounds.into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_be_had_is_refused_with_its_size() {
        assert_eq!(ensure::<u8>(1 << 20), Ok(()));
        let refused = ensure::<f64>(1 << 50).unwrap_err();
        assert_eq!(refused.wanted_bytes, 1 << 53);
        assert!(refused.to_string().starts_with("9007199.2 GB of memory are needed"), "{refused}");
        // More than the address space holds.
        assert_eq!(ensure::<u64>(usize::MAX).unwrap_err().wanted_bytes, u64::MAX);
    }

    #[test]
    fn a_list_grows_or_stays_as_it_is() {
        let mut list = vec![1u16, 2, 3];
        make_room(&mut list, 2).unwrap();
        assert!(list.capacity() >= 5 && list == [1, 2, 3]);
        let refused = make_room(&mut list, 1 << 50).unwrap_err();
        assert_eq!(refused.wanted_bytes, 1 << 51);
        assert_eq!(list, [1, 2, 3]);
        assert!(affordable(1 << 55).unwrap_err().free_bytes.is_some());
        assert_eq!(affordable(1 << 10), Ok(()));
    }

    #[test]
    fn what_cannot_be_had_far_below_unwinds_with_its_size() {
        let panic = std::panic::catch_unwind(|| zeros::<f32>(1 << 50)).unwrap_err();
        assert_eq!(panic.downcast_ref::<OutOfMemory>().unwrap().wanted_bytes, 1 << 52);
        assert_eq!(zeros::<u16>(5), [0; 5]);
    }

    #[test]
    fn sizes_are_written_with_a_fitting_unit() {
        let texts = [999, 1_500, 2_000_000, 1_234_567_890].map(|bytes| Bytes(bytes).to_string());
        assert_eq!(texts, ["999 bytes", "1.5 kB", "2.0 MB", "1.2 GB"]);
    }
}

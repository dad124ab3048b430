//! Values that lie in a file as they are: all threads read pieces of it, each straight to its place.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::disk::open_regular_file;
use crate::volume::{Fill, Voxel, VoxelType, Voxels};
use crate::work::Watch;
use crate::work::numbers::share;

/// Bytes of a piece: they stay in a processor's cache until they are values.
const PIECE: usize = 1 << 18;

/// Where values begin in a file.
struct Values<'a> {
    path: &'a Path,
    start: u64,
    watch: Watch<'a>,
}

impl Fill for Values<'_> {
    type Error = io::Error;

    fn fill<T: Voxel>(self, values: &mut [T], of_bytes: impl Fn(&[u8]) -> T + Sync) -> io::Result<bool> {
        let (piece, done) = (PIECE / size_of::<T>(), AtomicUsize::new(0));
        let pieces = values.len().div_ceil(piece);
        let read = |(file, bytes): &mut (Option<std::fs::File>, Vec<u8>), (n, values): (usize, &mut [T])| {
            self.watch.at(share(done.fetch_add(1, Ordering::Relaxed), pieces)).map_err(io::Error::other)?;
            let file = match file {
                Some(file) => file,
                None => file.insert(open_regular_file(self.path)?),
            };
            file.seek(SeekFrom::Start(self.start.saturating_add((n * piece * size_of::<T>()) as u64)))?;
            bytes.resize(size_of_val(values), 0);
            file.read_exact(bytes)?;
            let of_values = bytes.chunks_exact(size_of::<T>());
            values.iter_mut().zip(of_values).for_each(|(value, bytes)| *value = of_bytes(bytes));
            Ok(())
        };
        let all = values.par_chunks_mut(piece).enumerate();
        all.try_for_each_init(|| (None, Vec::new()), read).map(|()| true)
    }
}

/// Reads values that begin at a byte of a file, which must be long enough: room is made for all of them at once.
///
/// # Errors
/// The file's own, `UnexpectedEof` where it is shorter, [`Stopped`](crate::work::Stopped) inside, and where memory is short.
pub fn read_values(
    path: &Path,
    start: u64,
    (kind, count): (VoxelType, usize),
    is_big_endian: bool,
    watch: Watch,
) -> io::Result<Voxels> {
    let values = Voxels::filled(kind, count, is_big_endian, Values { path, start, watch })?;
    values.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Signal;

    #[test]
    fn pieces_lie_in_their_places_in_either_byte_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("values");
        // Several pieces, the last one short.
        let values: Vec<i32> = (0..200_001).map(|n: i32| n.wrapping_mul(0x0102_0305) - 9).collect();
        for is_big in [false, true] {
            let bytes = values.iter().flat_map(|v| if is_big { v.to_be_bytes() } else { v.to_le_bytes() });
            std::fs::write(&path, [7; 13].into_iter().chain(bytes).collect::<Vec<u8>>()).unwrap();
            let read = |count| read_values(&path, 13, (VoxelType::I32, count), is_big, Watch::unwatched());
            let Voxels::I32(read_back) = read(values.len()).unwrap() else { panic!("another type") };
            assert!(*read_back == values);
            assert_eq!(read(values.len() + 1).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        let signal = Signal::default();
        signal.stop();
        let stopped = read_values(&path, 13, (VoxelType::I32, 9), false, Watch::new(&signal)).unwrap_err();
        assert!(stopped.get_ref().and_then(|inner| inner.downcast_ref::<crate::work::Stopped>()).is_some());
    }
}

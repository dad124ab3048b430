//! The voxels of a file that is written, slice by slice.

use std::io::{self, Read, Write};
use std::path::Path;

use super::error::FormatError;
use crate::volume::with_voxels;
use crate::volume::{Annotations, LabelMap, LabelValue, Volume, VoxelType};
use crate::work::{Stopped, Watch};

/// The bytes of a file, made slice by slice.
pub struct SliceStream<'a> {
    pending: Vec<u8>,
    position: usize,
    next: usize,
    count: usize,
    encode: &'a dyn Fn(usize, &mut Vec<u8>),
    watch: Watch<'a>,
}

impl<'a> SliceStream<'a> {
    /// So many slices, whose bytes `encode` adds to a list.
    pub fn new(count: usize, encode: &'a dyn Fn(usize, &mut Vec<u8>), watch: Watch<'a>) -> Self {
        Self { pending: Vec::new(), position: 0, next: 0, count, encode, watch }
    }

    /// The same with a header before them.
    #[must_use]
    pub fn behind(self, header: Vec<u8>) -> Self {
        Self { pending: header, ..self }
    }
}

impl Read for SliceStream<'_> {
    fn read(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.pending.len() && self.next < self.count {
            self.watch.at(crate::work::numbers::share(self.next, self.count)).map_err(io::Error::other)?;
            self.pending.clear();
            self.position = 0;
            (self.encode)(self.next, &mut self.pending);
            self.next += 1;
        }
        let written = buffer.write(&self.pending[self.position..])?;
        self.position += written;
        Ok(written)
    }
}

/// A failure to write a file, said for the user; the work may have been stopped.
pub fn explain(path: &Path, source: io::Error) -> FormatError {
    match source.get_ref().and_then(|inner| inner.downcast_ref::<Stopped>()) {
        Some(&stopped) => FormatError::Stopped(stopped),
        None => FormatError::Write { path: path.into(), source },
    }
}

/// Adds the stored values of a slice (counted through all frames), little end first.
#[allow(clippy::redundant_closure_for_method_calls, reason = "the method is another one for each type of voxels")]
pub fn put_stored(volume: &Volume, slice: usize, out: &mut Vec<u8>) {
    let [ni, nj, _] = volume.geometry.shape();
    let range = slice * ni * nj..(slice + 1) * ni * nj;
    with_voxels!(&volume.voxels, data => put(&data[range], |value| value.to_le_bytes(), out));
}

/// Adds the bytes of values. Room is made for all of them at once: added one by one, each would ask for its own.
fn put<T: Copy, const BYTES: usize>(values: &[T], bytes: impl Fn(T) -> [u8; BYTES], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + values.len() * BYTES, 0);
    let places = out[start..].as_chunks_mut::<BYTES>().0;
    places.iter_mut().zip(values).for_each(|(place, value)| *place = bytes(*value));
}

/// uint8, or uint16 where a label needs it.
pub fn label_type(labels: &LabelMap, annotations: &Annotations) -> VoxelType {
    let is_wide = |label: LabelValue| label > LabelValue::from(u8::MAX);
    // A label without a voxel may get one in another program, which keeps the type.
    let is_wide =
        labels.voxel_counts().into_keys().chain(annotations.table.0.iter().map(|label| label.value)).any(is_wide);
    if is_wide { VoxelType::U16 } else { VoxelType::U8 }
}

/// Adds the labels of a k slice in the type of [`label_type`], little end first.
pub fn put_labels(labels: &LabelMap, k: usize, kind: VoxelType, out: &mut Vec<u8>) {
    let mut slice = Vec::new();
    labels.slice_k(k, &mut slice);
    if kind == VoxelType::U16 {
        put(&slice, LabelValue::to_le_bytes, out);
    } else {
        put(&slice, |label| [label.to_le_bytes()[0]], out);
    }
}

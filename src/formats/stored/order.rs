//! The order of values: voxels lie with the axes of space first and frames after each other.

use std::path::Path;
use std::sync::Arc;

use crate::formats::error::{FormatError, Result};
use crate::volume::Voxels;
use crate::work::{Watch, memory};

/// Values in another order of their axes: `sizes` are those of the file, fastest first, and `order` says which axis comes first, second and
/// so on.
///
/// # Errors
/// When the memory is short or the work was stopped.
pub fn in_order(voxels: &Voxels, sizes: &[usize], order: &[usize], path: &Path, watch: Watch) -> Result<Voxels> {
    // How far apart the values of neighbours along each axis are in the file.
    let mut strides = Vec::with_capacity(sizes.len());
    let mut stride = 1usize;
    for size in sizes {
        strides.push(stride);
        stride = stride.saturating_mul(*size);
    }
    let order: Vec<(usize, usize)> = order.iter().filter_map(|n| Some((*sizes.get(*n)?, *strides.get(*n)?))).collect();
    macro_rules! sorted {
        ($($variant:ident)*) => {
            match voxels {
                $(Voxels::$variant(data) => Voxels::$variant(Arc::new(gathered(data, &order, path, watch)?)),)*
            }
        };
    }
    Ok(sorted!(U8 I8 U16 I16 U32 I32 U64 I64 F32 F64))
}

/// Values in another order: for each axis its size and how far apart its neighbours are.
fn gathered<T: Copy>(data: &[T], order: &[(usize, usize)], path: &Path, watch: Watch) -> Result<Vec<T>> {
    memory::ensure::<T>(data.len()).map_err(|e| FormatError::memory(path, e))?;
    let mut out = Vec::with_capacity(data.len());
    let Some((&(row, step), outer)) = order.split_first() else { return Ok(out) };
    let rows: usize = outer.iter().map(|(size, _)| *size).product();
    let mut at = vec![0usize; outer.len()];
    for n in 0..rows {
        if n % 4096 == 0 {
            watch.check()?;
        }
        let start: usize = at.iter().zip(outer).map(|(index, (_, stride))| index * stride).sum();
        out.extend(data.iter().skip(start).step_by(step).take(row));
        for (index, (size, _)) in at.iter_mut().zip(outer) {
            *index += 1;
            if *index < *size {
                break;
            }
            *index = 0;
        }
    }
    Ok(out)
}

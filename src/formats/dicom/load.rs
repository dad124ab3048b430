//! From a stack to a volume: every slice is decoded straight to its place.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::instance::{Instance, PixelFormat};
use super::pixels::{Sample, decode};
use super::stack::Stack;
use crate::formats::Watch;
use crate::formats::error::{FormatError, Result};
use crate::volume::{Rescale, Volume, Voxels};

/// Decodes all slices in parallel.
///
/// # Errors
/// Names the first file whose pixels cannot be decoded.
pub fn load(stack: &Stack, watch: Watch) -> Result<Volume> {
    let Some(first) = stack.instances.first() else { return Err(FormatError::Cancelled) };
    let voxels = match (first.format.samples, first.format.bits_allocated, first.format.signed) {
        (3, 8, _) | (_, 8, false) => Voxels::U8(read_all(stack, watch)?),
        (_, 8, true) => Voxels::I8(read_all(stack, watch)?),
        (3, ..) | (_, 16, false) => Voxels::U16(read_all(stack, watch)?),
        (_, 16, true) => Voxels::I16(read_all(stack, watch)?),
        (_, _, false) => Voxels::U32(read_all(stack, watch)?),
        (_, _, true) => Voxels::I32(read_all(stack, watch)?),
    };
    let same = stack.instances.iter().all(|i| i.rescale == first.rescale);
    let rescale = if same {
        Rescale::Uniform { slope: first.rescale.0, intercept: first.rescale.1 }
    } else {
        Rescale::PerSlice(Arc::new(stack.instances.iter().map(|i| i.rescale).collect()))
    };
    let frame_dims = if stack.frame_count > 1 { vec![stack.frame_count] } else { Vec::new() };
    let name = if first.description.is_empty() { first.modality.clone() } else { first.description.clone() };
    let mut volume = Volume::new(stack.geometry.clone(), voxels, frame_dims, rescale, name);
    volume.display.inverted = first.format.photometric == "MONOCHROME1";
    volume.display.modality.clone_from(&first.modality);
    volume.display.window = stack.instances[stack.instances.len() / 2].window;
    volume.header.clone_from(&first.header);
    volume.warnings.clone_from(&stack.warnings);
    if first.format.samples == 3 {
        volume.warnings.push("A colour image; its luminance is shown.".into());
    }
    Ok(volume)
}

fn read_all<T: Sample>(stack: &Stack, watch: Watch) -> Result<Arc<Vec<T>>> {
    let PixelFormat { rows, columns, .. } = stack.instances[0].format;
    for instance in &stack.instances {
        check_plausible(instance)?;
    }
    let mut voxels = vec![T::default(); rows * columns * stack.instances.len()];
    let done = AtomicUsize::new(0);
    voxels.par_chunks_mut(rows * columns).zip(&stack.instances).try_for_each(|(slice, instance)| {
        let count = done.fetch_add(1, Ordering::Relaxed);
        if watch(count as f32 / stack.instances.len() as f32) == ControlFlow::Break(()) {
            return Err(FormatError::Cancelled);
        }
        decode(instance, slice).map_err(|problem| FormatError::malformed(&instance.path, problem))
    })?;
    Ok(Arc::new(voxels))
}

/// Refuses declared sizes that the bytes in the file cannot fill, before memory is taken for them.
fn check_plausible(instance: &Instance) -> Result<()> {
    super::pixels::check_size(instance).map_err(|problem| FormatError::malformed(&instance.path, problem))
}

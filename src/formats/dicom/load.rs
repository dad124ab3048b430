//! From a stack to a volume: every slice is decoded straight to its place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::frame::Frame;
use super::pixels::{self, Sample, Wanted};
use super::stack::gaps::{Filling, Slot};
use super::stack::{Stack, names};
use super::structure::Content;
use super::uptake;
use crate::formats::Ground;
use crate::formats::error::{FormatError, Result};
use crate::volume::{FrameOfReference, Rescale, SourceFile, SourceImages, SourceSlice, Uptake, Volume, Voxels};
use crate::work::memory;
use crate::work::numbers::share;
use crate::work::{Stopped, Watch};

/// Decodes all slices in parallel.
///
/// # Errors
/// Names the first file whose pixels cannot be decoded.
pub fn load(stack: &Stack, watch: Watch) -> Result<Volume> {
    let Some(first) = stack.instances.first() else { return Err(FormatError::Stopped(Stopped)) };
    let voxels = match value_type(stack) {
        ValueType::U8 => Voxels::U8(read_all(stack, watch)?),
        ValueType::I8 => Voxels::I8(read_all(stack, watch)?),
        ValueType::U16 => Voxels::U16(read_all(stack, watch)?),
        ValueType::I16 => Voxels::I16(read_all(stack, watch)?),
        ValueType::U32 => Voxels::U32(read_all(stack, watch)?),
        ValueType::I32 => Voxels::I32(read_all(stack, watch)?),
    };
    let rescales = rescales(stack);
    let rescale = match rescales.first() {
        Some(&one) if rescales.iter().all(|&other| other == one) => Rescale::Uniform { slope: one.0, intercept: one.1 },
        _ => Rescale::PerSlice(Arc::new(rescales)),
    };
    let frame_dims = if stack.frame_count > 1 { vec![stack.frame_count] } else { Vec::new() };
    let mut volume = Volume::new(stack.geometry.clone(), voxels, frame_dims, rescale, stack.title.clone());
    volume.display.inverted = first.format.photometric == "MONOCHROME1";
    volume.display.modality.clone_from(&first.modality);
    volume.display.window = stack.instances[stack.instances.len() / 2].window;
    let Ground { source, frame_of_reference, warnings, .. } = ground(stack)?;
    (volume.source, volume.frame_of_reference, volume.warnings) = (source, frame_of_reference, warnings);
    volume.header.clone_from(&first.header);
    volume.uptake = uptake::of_stack(stack);
    volume.header.extend(volume.uptake.as_ref().map(|uptake| (Uptake::NAME.to_string(), uptake.to_string())));
    volume.frame_names.clone_from(&stack.frame_names);
    volume.time_step_s = names::time_step_s(&stack.instances, stack.frame_count);
    Ok(volume)
}

/// Where a stack lies and the images that it is made of, with what must be said of it.
///
/// # Errors
/// For sizes that the files cannot hold.
pub fn ground(stack: &Stack) -> Result<Ground> {
    check_sizes(stack)?;
    let mut warnings = stack.warnings.clone();
    if stack.instances.first().is_some_and(|first| first.format.samples == 3 || first.palette.is_some()) {
        warnings.push("A colour image; its luminance is shown.".into());
    }
    Ok(Ground {
        geometry: stack.geometry.clone(),
        // Slices that were made of several images, or of none, have none that a mask could name.
        source: stack.filling.is_none().then(|| Arc::new(source_images(stack))),
        frame_of_reference: frame_of_reference(stack),
        warnings,
    })
}

/// Refuses declared sizes that the bytes in the files cannot fill.
fn check_sizes(stack: &Stack) -> Result<()> {
    for (n, frame) in stack.instances.iter().enumerate() {
        if n == 0 || !stack.instances[n - 1].shares_file(frame) {
            pixels::check_size(frame).map_err(|problem| FormatError::malformed(&frame.path, problem))?;
        }
    }
    Ok(())
}

/// The files of a stack, and which of their frames is which slice. The tiles of a sheet all name the sheet.
pub fn source_images(stack: &Stack) -> SourceImages {
    let mut files: Vec<SourceFile> = Vec::new();
    let mut number_of: BTreeMap<usize, usize> = BTreeMap::new();
    let slice = |frame: &Arc<Frame>| {
        let file = *number_of.entry(Arc::as_ptr(&frame.file).addr()).or_insert_with(|| {
            files.push(SourceFile {
                path: frame.path.clone(),
                class_uid: frame.class_uid.clone(),
                instance_uid: frame.uid.clone(),
            });
            files.len() - 1
        });
        let number = u32::try_from(frame.index + 1).ok().filter(|_| frame.frame_count > 1);
        SourceSlice { file, frame: number }
    };
    let slices = stack.instances.iter().map(slice).collect();
    let first = stack.instances.first();
    SourceImages {
        study_uid: first.and_then(|first| first.subject.study.clone()).unwrap_or_default(),
        series_uid: first.map(|first| first.series_uid.clone()).unwrap_or_default(),
        is_placed: is_placed(stack),
        files,
        slices,
    }
}

/// Slope and intercept of every slice; an empty one has those of the slice before it.
fn rescales(stack: &Stack) -> Vec<(f64, f64)> {
    let all: Vec<(f64, f64)> = stack.instances.iter().map(|i| i.rescale.unwrap_or((1.0, 0.0))).collect();
    let Some(filling) = &stack.filling else { return all };
    let places = stack.instances.len() / stack.frame_count.max(1);
    let mut filled = Vec::with_capacity(filling.slots.len() * stack.frame_count);
    for frame in all.chunks(places.max(1)) {
        let mut last = (1.0, 0.0);
        for slot in &filling.slots {
            if let Slot::Slice(n) | Slot::Between(n, _) = slot {
                last = frame.get(*n).copied().unwrap_or(last);
            }
            filled.push(last);
        }
    }
    filled
}

/// Whether every image says where it lies.
fn is_placed(stack: &Stack) -> bool {
    stack.instances.iter().all(|i| i.position.is_some() && i.directions.is_some())
}

/// The one frame of reference that the images state; none where their places were made up.
pub fn frame_of_reference(stack: &Stack) -> Option<FrameOfReference> {
    if !is_placed(stack) {
        return None;
    }
    let mut stated = stack.instances.iter().filter_map(|i| i.subject.frame_of_reference.as_deref());
    let first = stated.next()?;
    if stated.all(|other| other == first) { FrameOfReference::new(first) } else { None }
}

/// How the values of a stack are kept.
enum ValueType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
}

/// The smallest type that holds the values of every slice: files of one series differ in sign and size now and then.
fn value_type(stack: &Stack) -> ValueType {
    let formats = || stack.instances.iter().map(|i| &i.format);
    if let Some(bits) = stack.instances.first().and_then(|i| i.table_bits()) {
        return if bits == 8 { ValueType::U8 } else { ValueType::U16 };
    }
    let is_colour = formats().any(|f| f.samples == 3);
    let bits = formats().map(|f| f.bits_allocated).max().unwrap_or(16);
    let some_signed = !is_colour && formats().any(|f| f.signed);
    let unsigned_bits = formats().filter(|f| !f.signed).map(|f| f.bits_stored).max().unwrap_or(0);
    match (bits, some_signed) {
        (1, _) | (8, false) => ValueType::U8,
        (16, false) => ValueType::U16,
        (_, false) => ValueType::U32,
        (8, true) if unsigned_bits < 8 => ValueType::I8,
        (8 | 16, true) if unsigned_bits < 16 => ValueType::I16,
        _ => ValueType::I32,
    }
}

/// What is decoded in one go: the tiles of a sheet, or all frames of a deflated file.
struct Portion<'a, T> {
    frame: &'a Frame,
    wanted: Vec<Wanted<'a, T>>,
}

fn portions<'a, T: Sample>(stack: &'a Stack, voxels: &'a mut [T], slice: usize) -> Vec<Portion<'a, T>> {
    let mut portions: BTreeMap<(usize, usize), Portion<T>> = BTreeMap::new();
    for (n, (out, frame)) in voxels.chunks_mut(slice).zip(&stack.instances).enumerate() {
        let is_deflated = matches!(frame.structure.content, Content::Deflated(_));
        let file = Arc::as_ptr(&frame.file).addr();
        let key = match (frame.frame_count > 1 && is_deflated, frame.tile) {
            (true, _) => (file, 0),
            (false, Some(_)) => (file, frame.index),
            (false, None) => (0, n),
        };
        let wanted = Wanted { index: frame.index, tile: frame.tile, out };
        portions.entry(key).or_insert_with(|| Portion { frame, wanted: Vec::new() }).wanted.push(wanted);
    }
    portions.into_values().collect()
}

fn read_all<T: Sample>(stack: &Stack, watch: Watch) -> Result<Arc<Vec<T>>> {
    let Some(first) = stack.instances.first() else { return Err(FormatError::Stopped(Stopped)) };
    let slice = first.format.pixels();
    // Before memory is taken for them.
    check_sizes(stack)?;
    let slices = stack.filling.as_ref().map_or(stack.instances.len(), |f| f.slots.len() * stack.frame_count);
    let count = slice * slices;
    let no_memory = |e: memory::OutOfMemory| FormatError::unsupported(&first.path, e.to_string());
    memory::ensure::<T>(count).map_err(no_memory)?;
    let mut voxels = vec![T::default(); count];
    if let Some(filling) = &stack.filling {
        fill(stack, filling, &mut voxels, slice, watch)?;
        return Ok(Arc::new(voxels));
    }
    let done = AtomicUsize::new(0);
    let portions = portions(stack, &mut voxels, slice);
    let total = portions.len();
    portions.into_par_iter().try_for_each(|Portion { frame, wanted }| {
        let count = done.fetch_add(1, Ordering::Relaxed);
        watch.at(share(count, total))?;
        pixels::decode_frames(frame, wanted).map_err(|problem| FormatError::malformed(&frame.path, problem))
    })?;
    Ok(Arc::new(voxels))
}

/// Decodes slices to their places between gaps. What is missing gets the lowest value that is there.
fn fill<T: Sample>(stack: &Stack, filling: &Filling, voxels: &mut [T], slice: usize, watch: Watch) -> Result<()> {
    let is_deflated =
        |frame: &Arc<Frame>| frame.frame_count > 1 && matches!(frame.structure.content, Content::Deflated(_));
    if let Some(frame) = stack.instances.iter().find(|frame| is_deflated(frame)) {
        let reason =
            "a deflated object of several frames with gaps; convert it to an uncompressed transfer syntax first";
        return Err(FormatError::unsupported(&frame.path, reason));
    }
    let places = stack.instances.len() / stack.frame_count.max(1);
    let total = filling.slots.len() * stack.frame_count;
    let done = AtomicUsize::new(0);
    let source = |n: usize, number: usize| stack.instances.get(n / filling.slots.len() * places + number);
    let read = |n: usize, number: usize, out: &mut [T]| -> Result<()> {
        let Some(frame) = source(n, number) else { return Ok(()) };
        let wanted = Wanted { index: frame.index, tile: frame.tile, out };
        pixels::decode_frames(frame, vec![wanted]).map_err(|problem| FormatError::malformed(&frame.path, problem))
    };
    voxels.par_chunks_mut(slice).enumerate().try_for_each(|(n, out)| {
        watch.at(share(done.fetch_add(1, Ordering::Relaxed), total))?;
        match filling.slots.get(n % filling.slots.len()) {
            Some(&Slot::Slice(number)) => read(n, number, out),
            Some(&Slot::Between(number, part)) => {
                let mut next = vec![T::default(); slice];
                read(n, number, out)?;
                read(n, number + 1, &mut next)?;
                for (value, other) in out.iter_mut().zip(next) {
                    *value = value.between(other, part);
                }
                Ok(())
            }
            Some(Slot::Empty) | None => Ok(()),
        }
    })?;
    let is_empty = |n: usize| filling.slots.get(n % filling.slots.len()) == Some(&Slot::Empty);
    let there = voxels.chunks(slice).enumerate().filter(|(n, _)| !is_empty(*n)).flat_map(|(_, values)| values);
    let lowest = there.copied().reduce(T::lower).unwrap_or_default();
    voxels.chunks_mut(slice).enumerate().filter(|(n, _)| is_empty(*n)).for_each(|(_, values)| values.fill(lowest));
    Ok(())
}

//! What `lamella bench body` times: surfaces of a mask made and drawn as the 3-D tile draws them, without a window.

mod likeness;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui_wgpu::wgpu;
use serde::Serialize;

use super::egui;
use super::paint::body::{BodyDevice, Look, Scene, answer};
use crate::app::state::body::{Blocks, BodyLook, MOST_BYTES, Surfaces};
use crate::app::state::camera::{Camera, Side};
use crate::formats::{RgbPicture, read_annotated_labels, write_picture};
use crate::jobs::{Job, MeshLabelsJob, MeshedBlock, Work};
use crate::volume::{LabelMap, LabelValue, Region};
use crate::work::Watch;
pub use likeness::Likeness;

/// Views that are compared with pictures of all triangles.
const COMPARED: usize = 4;
/// Frames that are drawn before any is timed.
const WARM: usize = 3;
/// Radius of the stroke's ball, in voxels.
const BALL: usize = 8;
/// Longest that a frame may take.
const LONGEST: Duration = Duration::from_secs(30);

/// What was measured.
#[derive(Debug, Serialize)]
pub struct BodyTimes {
    /// The graphics device.
    pub device: String,
    /// Whether it draws without a card.
    pub is_software: bool,
    /// Width and height of the picture in pixels.
    pub size: [u32; 2],
    /// Shape of the mask.
    pub shape: [usize; 3],
    /// Triangles of all surfaces.
    pub triangles: usize,
    /// Triangles that the last picture at rest was drawn of.
    pub full_triangles: usize,
    /// Samples of a pixel in it.
    pub full_samples: u32,
    /// How far pictures at rest are from those of all triangles.
    pub likeness: Likeness,
    /// Memory of all surfaces in bytes, the simpler and the coarse ones included.
    pub surface_bytes: usize,
    /// Making all surfaces.
    pub mesh_s: f64,
    /// Making those that a stroke has changed: the median of several strokes.
    pub stroke_ms: f64,
    /// A frame while the view turns: all of them, in milliseconds.
    pub moving_ms: Vec<f64>,
    /// The same in full quality, as at rest, until the picture is whole.
    pub full_ms: Vec<f64>,
    /// The longest frame of each of these.
    pub longest_ms: Vec<f64>,
}

impl std::fmt::Display for BodyTimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let median = |times: &[f64]| {
            let mut sorted = times.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
        };
        let Likeness { mean_levels, far_share, one_sided_share } = self.likeness;
        let (moving, full, longest) = (median(&self.moving_ms), median(&self.full_ms), median(&self.longest_ms));
        write!(
            f,
            "{}: {} triangles in {:.2} s, {:.1} ms after a stroke; a frame {moving:.1} ms, in full {full:.1} ms, {longest:.1} ms of it \
             the longest frame; in full {} triangles are drawn, {mean_levels:.2} levels from a picture of all, {:.2} % of its pixels by more \
             than 16, {:.2} % beside the outlines",
            self.device,
            self.triangles,
            self.mesh_s,
            self.stroke_ms,
            self.full_triangles,
            100.0 * far_share,
            100.0 * one_sided_share
        )
    }
}

/// Reads a mask, makes its surfaces and turns them once around their axis from feet to head in so many frames. `pictures` is a folder for the
/// first view as it is shown at rest and of all triangles.
///
/// # Errors
/// Where the mask cannot be read, there is no graphics device or pictures cannot be written, in words.
pub fn bench_body(
    mask: &Path,
    size: [u32; 2],
    frames: usize,
    software: bool,
    pictures: Option<&Path>,
) -> Result<BodyTimes, String> {
    let (labels, annotations) =
        read_annotated_labels(mask, None, Watch::unwatched(), &|_| {}).map_err(|e| e.to_string())?;
    let start = Instant::now();
    let mut surfaces = Surfaces::default();
    mesh(&mut surfaces, &labels, None)?;
    let mesh_s = start.elapsed().as_secs_f64();
    let stroke_ms = strokes(&labels)?;
    let (device, queue, info) = open(software)?;
    let is_software = info.device_type == wgpu::DeviceType::Cpu;
    let mut colours: Vec<_> = annotations.table.0.iter().map(|label| (label.value, opaque(label.colour))).collect();
    colours.sort_unstable();
    let first = Camera::from(Side::Anterior, surfaces.bounds(labels.geometry()));
    let stage = Stage { device, queue, size, labels: &labels, colours, first, frames };
    let mut body = stage.body(is_software);
    let mut timed = |is_moving: bool| -> Result<Vec<[f64; 2]>, String> {
        for n in 0..WARM {
            stage.frame(&mut body, &surfaces.blocks, n + 1, is_moving)?;
        }
        (0..frames).map(|n| stage.frame(&mut body, &surfaces.blocks, n, is_moving)).collect()
    };
    let (moving, full) = (timed(true)?, timed(false)?);
    let shown = body.shown().ok_or("nothing was drawn")?;
    let pairs = stage.pairs(&mut body, &surfaces.blocks, is_software)?;
    if let (Some(folder), Some([at_rest, of_all])) = (pictures, pairs.first()) {
        for (name, picture) in [("at-rest.png", at_rest), ("all-triangles.png", of_all)] {
            write_picture(&folder.join(name), picture).map_err(|e| e.to_string())?;
        }
    }
    let whole = |times: &[[f64; 2]]| times.iter().map(|[whole, _]| *whole).collect();
    Ok(BodyTimes {
        device: info.name,
        is_software,
        size,
        shape: labels.geometry().shape(),
        triangles: triangles(&surfaces.blocks),
        full_triangles: shown.triangles,
        full_samples: shown.samples,
        likeness: Likeness::of(&pairs),
        surface_bytes: surfaces.byte_count(),
        mesh_s,
        stroke_ms,
        moving_ms: whole(&moving),
        full_ms: whole(&full),
        longest_ms: full.iter().map(|[_, longest]| *longest).collect(),
    })
}

/// A device and the views that are drawn on it.
struct Stage<'a> {
    device: wgpu::Device,
    queue: wgpu::Queue,
    size: [u32; 2],
    labels: &'a LabelMap,
    colours: Vec<(LabelValue, [u8; 4])>,
    first: Camera,
    frames: usize,
}

impl Stage<'_> {
    fn body(&self, is_software: bool) -> BodyDevice {
        BodyDevice::new(&self.device, wgpu::TextureFormat::Rgba8Unorm, is_software)
    }

    /// Draws a view until it is whole: milliseconds of all of that, and of its longest frame.
    fn frame(
        &self,
        body: &mut BodyDevice,
        blocks: &Arc<Blocks>,
        n: usize,
        is_moving: bool,
    ) -> Result<[f64; 2], String> {
        let geometry = self.labels.geometry();
        let camera = self.first.orbited([std::f64::consts::TAU * n as f64 / self.frames.max(1) as f64, 0.0]);
        let of = BodyLook { colours: self.colours.clone(), kept: Region::whole(geometry.shape()) };
        let aspect = f64::from(self.size[0]) / f64::from(self.size[1]);
        let look = Look::new(geometry, &camera, aspect, of, egui::Color32::BLACK);
        let scene = Scene { blocks: blocks.clone(), slices: Vec::new(), volume: None, look, is_moving };
        let (mut whole, mut longest, mut goes_on) = (0.0, 0.0f64, true);
        while goes_on {
            let start = Instant::now();
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            goes_on = body.draw((&self.device, &self.queue), &mut encoder, &scene, self.size);
            self.queue.submit([encoder.finish()]);
            let waiting = wgpu::PollType::Wait { submission_index: None, timeout: Some(LONGEST) };
            self.device.poll(waiting).map_err(|e| e.to_string())?;
            let time = start.elapsed().as_secs_f64() * 1000.0;
            (whole, longest) = (whole + time, longest.max(time));
        }
        Ok([whole, longest])
    }

    /// Some views as they are shown at rest, and the same with all triangles.
    fn pairs(
        &self,
        body: &mut BodyDevice,
        blocks: &Arc<Blocks>,
        is_software: bool,
    ) -> Result<Vec<[RgbPicture; 2]>, String> {
        let (all, mut other) = (Arc::new(with_all_triangles(blocks)), self.body(is_software));
        let picture = |n: usize, body: &mut BodyDevice, blocks: &Arc<Blocks>| {
            self.frame(body, blocks, n, false)?;
            let picture = body.read((&self.device, &self.queue)).map_err(|e| e.to_string())?;
            picture.ok_or_else(|| "nothing was drawn".to_owned())
        };
        let step = (self.frames / COMPARED).max(1);
        (0..self.frames)
            .step_by(step)
            .take(COMPARED)
            .map(|n| Ok([picture(n, body, blocks)?, picture(n, &mut other, &all)?]))
            .collect()
    }
}

/// Blocks without simpler surfaces.
fn with_all_triangles(blocks: &Blocks) -> Blocks {
    let whole = |block: &MeshedBlock| MeshedBlock {
        block: block.block,
        fine: block.fine.clone(),
        simpler: block.fine.clone(),
        coarse: block.coarse.clone(),
    };
    blocks.iter().map(|(place, block)| (*place, Arc::new(whole(block)))).collect()
}

fn opaque([r, g, b]: crate::volume::Rgb) -> [u8; 4] {
    [r, g, b, u8::MAX]
}

fn triangles(blocks: &Arc<Blocks>) -> usize {
    blocks.values().map(|block| block.fine.indices.len() / 3).sum()
}

/// Makes the surfaces of labels, or of what has changed in them.
fn mesh(surfaces: &mut Surfaces, labels: &LabelMap, before: Option<LabelMap>) -> Result<(), String> {
    let made = Mutex::new(Vec::new());
    let take = |told| {
        if let crate::jobs::Told::Event(some) = told {
            made.lock().unwrap_or_else(PoisonError::into_inner).extend::<Vec<_>>(some);
        }
    };
    let job = MeshLabelsJob { labels: labels.clone(), before, step: 1 };
    job.run(&Work::new(Watch::unwatched(), &take)).map_err(|e| e.to_string())?;
    surfaces.take(made.into_inner().unwrap_or_else(PoisonError::into_inner), MOST_BYTES);
    Ok(())
}

/// Milliseconds to make the surfaces anew after a ball was painted somewhere on a label: the median of several.
fn strokes(labels: &LabelMap) -> Result<f64, String> {
    let shape = labels.geometry().shape();
    let mut places = Vec::new();
    labels.for_each_labelled(|voxel, label| {
        // Where labels end.
        if voxel[0] + 1 < shape[0] && labels.get([voxel[0] + 1, voxel[1], voxel[2]]) != label {
            places.push((voxel, label));
        }
    });
    let mut times = Vec::new();
    for n in 0..9 {
        let Some((centre, label)) = places.get(places.len() * (2 * n + 1) / 18) else { break };
        let mut painted = labels.clone();
        let range = |axis: usize| centre[axis].saturating_sub(BALL)..(centre[axis] + BALL + 1).min(shape[axis]);
        for k in range(2) {
            for j in range(1) {
                for i in range(0) {
                    let voxel = [i, j, k];
                    let far: usize = (0..3).map(|axis| voxel[axis].abs_diff(centre[axis]).pow(2)).sum();
                    if far <= BALL * BALL {
                        painted.set(voxel, *label);
                    }
                }
            }
        }
        let start = Instant::now();
        mesh(&mut Surfaces::default(), &painted, Some(labels.clone()))?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().ok_or_else(|| "the mask has no label".into())
}

/// Opens the best graphics device, or the one that draws without a card.
fn open(software: bool) -> Result<(wgpu::Device, wgpu::Queue, wgpu::AdapterInfo), String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let wanted = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        force_fallback_adapter: software,
        ..wgpu::RequestAdapterOptions::default()
    };
    let adapter = answer(instance.request_adapter(&wanted)).map_err(|e| format!("there is no graphics device: {e}"))?;
    let (device, queue) =
        answer(adapter.request_device(&wgpu::DeviceDescriptor::default())).map_err(|e| e.to_string())?;
    Ok((device, queue, adapter.get_info()))
}

#[cfg(test)]
mod tests;

//! What `lamella bench body` times: surfaces of a mask made and drawn as the 3-D tile draws them, without a window.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui_wgpu::wgpu;
use serde::Serialize;

use super::egui;
use super::paint::body::{BodyDevice, Look, Scene, answer};
use crate::app::state::body::{Blocks, BodyLook, MOST_BYTES, Surfaces};
use crate::app::state::camera::{Camera, Side};
use crate::formats::read_annotated_labels;
use crate::jobs::{Job, MeshLabelsJob, Work};
use crate::volume::{LabelMap, Region};
use crate::work::Watch;

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
    /// Memory of all surfaces in bytes, the coarse ones included.
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
        let (moving, full, longest) = (median(&self.moving_ms), median(&self.full_ms), median(&self.longest_ms));
        write!(
            f,
            "{}: {} triangles in {:.2} s, {:.1} ms after a stroke; a frame {moving:.1} ms, in full {full:.1} ms, {longest:.1} ms of it \
             the longest frame",
            self.device, self.triangles, self.mesh_s, self.stroke_ms
        )
    }
}

/// Reads a mask, makes its surfaces and turns them once around their axis from feet to head in so many frames.
///
/// # Errors
/// Where the mask cannot be read or there is no graphics device, in words.
pub fn bench_body(mask: &Path, size: [u32; 2], frames: usize, software: bool) -> Result<BodyTimes, String> {
    let (labels, annotations) =
        read_annotated_labels(mask, None, Watch::unwatched(), &|_| {}).map_err(|e| e.to_string())?;
    let start = Instant::now();
    let mut surfaces = Surfaces::default();
    mesh(&mut surfaces, &labels, None)?;
    let mesh_s = start.elapsed().as_secs_f64();
    let stroke_ms = strokes(&labels)?;
    let (device, queue, info) = open(software)?;
    let is_software = info.device_type == wgpu::DeviceType::Cpu;
    let mut body = BodyDevice::new(&device, wgpu::TextureFormat::Rgba8Unorm, is_software);
    let mut colours: Vec<_> = annotations.table.0.iter().map(|label| (label.value, opaque(label.colour))).collect();
    colours.sort_unstable();
    let kept = Region::whole(labels.geometry().shape());
    let first = Camera::from(Side::Anterior, surfaces.bounds(labels.geometry()));
    let aspect = f64::from(size[0]) / f64::from(size[1]);
    // The whole picture, and its longest frame.
    let mut frame = |n: usize, is_moving: bool| -> Result<[f64; 2], String> {
        let camera = first.orbited([std::f64::consts::TAU * n as f64 / frames.max(1) as f64, 0.0]);
        let of = BodyLook { colours: colours.clone(), kept };
        let look = Look::new(labels.geometry(), &camera, aspect, of, egui::Color32::BLACK);
        let scene = Scene { blocks: surfaces.blocks.clone(), slices: Vec::new(), volume: None, look, is_moving };
        let (mut whole, mut longest, mut goes_on) = (0.0, 0.0f64, true);
        while goes_on {
            let start = Instant::now();
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            goes_on = body.draw((&device, &queue), &mut encoder, &scene, size);
            queue.submit([encoder.finish()]);
            let waiting = wgpu::PollType::Wait { submission_index: None, timeout: Some(LONGEST) };
            device.poll(waiting).map_err(|e| e.to_string())?;
            let time = start.elapsed().as_secs_f64() * 1000.0;
            (whole, longest) = (whole + time, longest.max(time));
        }
        Ok([whole, longest])
    };
    let mut timed = |is_moving: bool| -> Result<Vec<[f64; 2]>, String> {
        for n in 0..WARM {
            frame(n + 1, is_moving)?;
        }
        (0..frames).map(|n| frame(n, is_moving)).collect()
    };
    let (moving, full) = (timed(true)?, timed(false)?);
    let whole = |times: &[[f64; 2]]| times.iter().map(|[whole, _]| *whole).collect();
    Ok(BodyTimes {
        device: info.name,
        is_software,
        size,
        shape: labels.geometry().shape(),
        triangles: triangles(&surfaces.blocks),
        surface_bytes: surfaces.byte_count(),
        mesh_s,
        stroke_ms,
        moving_ms: whole(&moving),
        full_ms: whole(&full),
        longest_ms: full.iter().map(|[_, longest]| *longest).collect(),
    })
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
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry};

    const SIDE: u32 = 96;

    /// What a device shows of a scene, as bytes of red, green, blue and opacity, and how many frames it took.
    fn picture(
        (device, queue): (&wgpu::Device, &wgpu::Queue),
        body: &mut BodyDevice,
        scene: &Scene,
    ) -> (Vec<u8>, usize) {
        let size = wgpu::Extent3d { width: SIDE, height: SIDE, depth_or_array_layers: 1 };
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        // Rows of a copy are multiples of 256 bytes.
        let row = 4 * SIDE.next_multiple_of(64);
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(row * SIDE),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let (mut frames, mut goes_on) = (0, true);
        while goes_on {
            frames += 1;
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            goes_on = body.draw((device, queue), &mut encoder, scene, [SIDE; 2]);
            {
                let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                    color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                        view: &view,
                        depth_slice: None,
                        resolve_target: None,
                        ops: wgpu::Operations::default(),
                    })],
                    ..wgpu::RenderPassDescriptor::default()
                });
                body.copy(&mut pass.forget_lifetime());
            }
            encoder.copy_texture_to_buffer(
                texture.as_image_copy(),
                wgpu::TexelCopyBufferInfo {
                    buffer: &buffer,
                    layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None },
                },
                size,
            );
            queue.submit([encoder.finish()]);
        }
        buffer.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.unwrap());
        device.poll(wgpu::PollType::Wait { submission_index: None, timeout: Some(LONGEST) }).unwrap();
        let bytes = buffer.slice(..).get_mapped_range().unwrap().to_vec();
        (bytes.chunks_exact(row as usize).flat_map(|row| row[..4 * SIDE as usize].to_vec()).collect(), frames)
    }

    #[test]
    fn a_picture_that_comes_in_parts_is_the_one_that_is_drawn_at_once() {
        let (device, queue, _) = match open(true) {
            Ok(opened) => opened,
            Err(why) => {
                assert!(std::env::var_os("LAMELLA_CI").is_none(), "CI needs a (software) Vulkan driver: {why}");
                return eprintln!("skipped: {why}");
            }
        };
        // Many small pieces of two labels, in blocks at all distances.
        let geometry = Geometry::new([58; 3], Affine::IDENTITY).unwrap();
        let labels = LabelMap::from_fn(geometry, |[i, j, k]| {
            let mixed = (i / 4 * 73 + j / 4 * 179 + k / 4 * 283).wrapping_mul(2_654_435_761) >> 7;
            [0, 0, 1, 2][mixed % 4]
        });
        let mut surfaces = Surfaces::default();
        mesh(&mut surfaces, &labels, None).unwrap();
        let count = triangles(&surfaces.blocks);
        assert!((200_000..400_000).contains(&count), "{count} triangles");
        let camera = Camera::from(Side::Anterior, surfaces.bounds(labels.geometry())).orbited([0.5, 0.3]);
        let of = BodyLook {
            colours: vec![(1, [250, 60, 30, 255]), (2, [40, 120, 250, 255])],
            kept: Region::whole(labels.geometry().shape()),
        };
        let look = Look::new(labels.geometry(), &camera, 1.0, of, egui::Color32::BLACK);
        let scene = Scene { blocks: surfaces.blocks.clone(), slices: Vec::new(), volume: None, look, is_moving: false };
        let drawn = |is_software: bool| {
            let mut body = BodyDevice::new(&device, wgpu::TextureFormat::Rgba8Unorm, is_software);
            let first = picture((&device, &queue), &mut body, &scene);
            assert_eq!(picture((&device, &queue), &mut body, &scene), (first.0.clone(), 1), "it is drawn once");
            first
        };
        let ((whole, one), (parts, several)) = (drawn(false), drawn(true));
        assert!(one == 1 && several > 3, "{one} and {several} frames");
        assert!(whole.chunks_exact(4).filter(|pixel| pixel[0] > 40 || pixel[2] > 40).count() > 2000);
        assert!(whole == parts, "both are the same picture");
    }
}

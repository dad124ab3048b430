//! The body on the graphics device.

use std::ops::Range;

use eframe::egui_wgpu::wgpu;

use super::blocks::{DeviceBlocks, Level};
use super::pipelines::{INSTANCE_BYTES, Pipelines, SMOOTH};
use super::reading::read;
use super::scene::{Look, Scene};
use super::slices::DeviceSlices;
use super::target::Target;
use super::volume::{DeviceVolume, VolumeScene};
use crate::app::state::body::BlockPart;
use crate::formats::RgbPicture;
use crate::jobs::JobError;

/// Bytes of the scene: two matrices of 4 by 4 and two places, as f32.
const SCENE_BYTES: u64 = 4 * (16 + 16 + 4 + 4);
/// Instances there is room for at the start.
const INSTANCES: u64 = 1024;
/// Most triangles that are drawn while the view moves without a graphics card, unless even coarse surfaces have more.
const FEW_TRIANGLES: usize = 60_000;

/// With more triangles than this, a picture without a graphics card has one sample a pixel also at rest.
const MANY_TRIANGLES: usize = 400_000;
/// Triangles that are drawn in one frame without a graphics card; a picture of more comes in several.
const TRIANGLES_A_FRAME: usize = 80_000;
/// A picture at rest of more triangles than this comes after a coarse one.
const SOON_TRIANGLES: usize = 800_000;
/// Pixels through which rays go in one part of a picture for a file.
const PIXELS_A_PART: u32 = 200_000;

/// How well a picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Quality {
    size: [u32; 2],
    samples: u32,
    level: Level,
}

impl Quality {
    /// As at rest, and with a card always.
    fn full(scene: &Scene, size: [u32; 2], is_software: bool) -> Self {
        let fine = if is_software { scene.triangles(Level::Fine) } else { 0 };
        let samples = if fine > MANY_TRIANGLES { 1 } else { SMOOTH };
        let is_simpler = fine > TRIANGLES_A_FRAME && scene.is_finer_than_pixels(size);
        let level = if is_simpler { Level::Simpler } else { Level::Fine };
        Self { size, samples, level }
    }

    /// As while the view moves without a card: a quarter of the pixels and, where there are many triangles, coarse surfaces.
    fn moving(scene: &Scene, size: [u32; 2]) -> Self {
        let level = if scene.triangles(Level::Fine) > FEW_TRIANGLES { Level::Coarse } else { Level::Fine };
        Self { size: size.map(|n| n.div_ceil(2)), samples: 1, level }
    }
}

/// A picture in full that comes in several frames; what was drawn while the view moved is shown until it is whole.
struct Coming {
    look: Look,
    quality: Quality,
    target: Target,
    /// Calls that it has.
    done: usize,
}

/// What a picture of the body shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Samples of a pixel.
    pub samples: u32,
    /// Triangles that were drawn, those that face away from the viewer included.
    pub triangles: usize,
}

/// A picture that is whole.
struct Drawn {
    look: Look,
    quality: Quality,
    triangles: usize,
}

/// A call: a part of a block with a colour.
struct Call<'a> {
    place: [usize; 3],
    part: &'a BlockPart,
}

/// What the device has of the body.
pub struct BodyDevice {
    is_software: bool,
    most_pixels: u32,
    pipelines: Pipelines,
    scene: wgpu::Buffer,
    group: wgpu::BindGroup,
    instances: wgpu::Buffer,
    blocks: DeviceBlocks,
    slices: DeviceSlices,
    volume: DeviceVolume,
    shown_volume: Option<VolumeScene>,
    target: Option<Target>,
    /// What the picture shows.
    drawn: Option<Drawn>,
    coming: Option<Coming>,
    /// Whether what came was out of date before it was whole: then a picture that is there at once comes first.
    was_late: bool,
}

fn instance_buffer(device: &wgpu::Device, count: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("blocks of surfaces"),
        size: count * INSTANCE_BYTES,
        usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

impl BodyDevice {
    /// Prepares a device whose window has a format.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat, is_software: bool) -> Self {
        let pipelines = Pipelines::new(device, format);
        let scene = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("scene"),
            size: SCENE_BYTES,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("scene"),
            layout: &pipelines.scene,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: scene.as_entire_binding() }],
        });
        Self {
            is_software,
            most_pixels: device.limits().max_texture_dimension_2d,
            pipelines,
            scene,
            group,
            instances: instance_buffer(device, INSTANCES),
            blocks: DeviceBlocks::default(),
            slices: DeviceSlices::default(),
            volume: DeviceVolume::new(device, [1, SMOOTH]),
            shown_volume: None,
            target: None,
            drawn: None,
            coming: None,
            was_late: false,
        }
    }

    /// Draws a scene into a picture of so many pixels, unless that is what the picture shows. Whether a further frame has to go on with it.
    pub fn draw(
        &mut self,
        (device, queue): (&wgpu::Device, &wgpu::Queue),
        encoder: &mut wgpu::CommandEncoder,
        scene: &Scene,
        size: [u32; 2],
    ) -> bool {
        let size = size.map(|n| n.min(self.most_pixels));
        let (full, moving) = (Quality::full(scene, size, self.is_software), Quality::moving(scene, size));
        let is_of = self.blocks.is_of(&scene.blocks) && self.slices.is_of(&scene.slices);
        let is_of = is_of && self.shown_volume == scene.volume;
        let shows = |quality: Quality| {
            is_of && self.drawn.as_ref().is_some_and(|drawn| drawn.look == scene.look && drawn.quality == quality)
        };
        let triangles = scene.triangles(full.level);
        let comes_in_parts = self.is_software && scene.volume.is_none() && triangles > TRIANGLES_A_FRAME;
        if self.coming.as_ref().is_some_and(|coming| !is_of || coming.look != scene.look || coming.quality != full) {
            self.was_late = true;
        }
        // What shows another view of the same surfaces for a moment is better than two pictures one after the other.
        let is_soon = is_of && !self.was_late && triangles <= SOON_TRIANGLES;
        let wanted = match (self.is_software, scene.is_moving) {
            (true, true) => moving,
            _ if comes_in_parts && !shows(full) && !shows(moving) && !is_soon => moving,
            _ => full,
        };
        if shows(wanted) {
            self.coming = None;
            return false;
        }
        if comes_in_parts && wanted == full {
            return self.go_on((device, queue), encoder, scene, full);
        }
        self.coming = None;
        self.blocks.follow(&scene.blocks);
        self.slices.follow((device, queue), &self.pipelines.picture, &scene.slices);
        let is_fitting = |target: &Target| target.size == wanted.size && target.samples == wanted.samples;
        let target = self.target.take().filter(is_fitting);
        let target =
            target.unwrap_or_else(|| Target::new(device, &self.pipelines.picture, wanted.size, wanted.samples));
        self.shown_volume.clone_from(&scene.volume);
        match &scene.volume {
            Some(volume) => self.volume.send((device, queue), volume, wanted.samples == 1),
            None => self.volume.forget(),
        }
        let calls = if scene.volume.is_some() { Calls::default() } else { Calls::new(scene, wanted.level) };
        self.send((device, queue), scene, wanted.level, (&calls.all, 0..calls.all.len()));
        self.record(encoder, scene, (&target, wanted), &calls, 0..calls.all.len());
        self.target = Some(target);
        self.drawn = Some(Drawn { look: scene.look.clone(), quality: wanted, triangles: calls.triangles() });
        wanted != full && !scene.is_moving
    }

    /// Draws the next part of a picture in full, whose view the picture shows already. Whether there is more of it.
    fn go_on(
        &mut self,
        (device, queue): (&wgpu::Device, &wgpu::Queue),
        encoder: &mut wgpu::CommandEncoder,
        scene: &Scene,
        full: Quality,
    ) -> bool {
        let calls = Calls::new(scene, full.level);
        let is_begun = |coming: &Coming| coming.look == scene.look && coming.quality == full;
        let coming = self.coming.take().filter(is_begun);
        let mut coming = coming.unwrap_or_else(|| Coming {
            look: scene.look.clone(),
            quality: full,
            target: Target::new(device, &self.pipelines.picture, full.size, full.samples),
            done: 0,
        });
        let part = coming.done..calls.next_end(coming.done);
        self.send((device, queue), scene, full.level, (&calls.all, part.clone()));
        self.record(encoder, scene, (&coming.target, full), &calls, part.clone());
        coming.done = part.end;
        if part.end < calls.all.len() {
            self.coming = Some(coming);
            return true;
        }
        self.target = Some(coming.target);
        self.drawn = Some(Drawn { look: coming.look, quality: full, triangles: calls.triangles() });
        self.was_late = false;
        false
    }

    /// Draws a scene in full quality, whatever the device, part by part: `submit` gets one after the other, and may end it.
    ///
    /// # Errors
    /// Those of `submit`.
    pub fn draw_whole<E>(
        &mut self,
        (device, queue): (&wgpu::Device, &wgpu::Queue),
        scene: &Scene,
        size: [u32; 2],
        mut submit: impl FnMut(wgpu::CommandBuffer) -> Result<(), E>,
    ) -> Result<&Target, E> {
        let full = Quality { size, samples: SMOOTH, level: Level::Fine };
        self.blocks.follow(&scene.blocks);
        self.slices.follow((device, queue), &self.pipelines.picture, &scene.slices);
        let target = self.target.take().filter(|target| target.size == size && target.samples == SMOOTH);
        let target = target.unwrap_or_else(|| Target::new(device, &self.pipelines.picture, size, SMOOTH));
        let encoder = || device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        if let Some(volume) = &scene.volume {
            self.volume.send((device, queue), volume, false);
            let rows = (PIXELS_A_PART / size[0].max(1)).max(1);
            for first in (0..size[1]).step_by(rows as usize) {
                let (mut encoder, count) = (encoder(), rows.min(size[1] - first));
                {
                    let ends = [first == 0, first + count == size[1]];
                    let mut pass = target.begin(&mut encoder, scene.look.ground, ends);
                    pass.set_scissor_rect(0, first, size[0], count);
                    self.volume.draw(&mut pass, true);
                }
                submit(encoder.finish())?;
            }
        } else {
            let calls = Calls::new(scene, full.level);
            let mut done = 0;
            loop {
                let part = done..calls.next_end(done);
                let mut encoder = encoder();
                self.send((device, queue), scene, full.level, (&calls.all, part.clone()));
                self.record(&mut encoder, scene, (&target, full), &calls, part.clone());
                submit(encoder.finish())?;
                done = part.end;
                if done == calls.all.len() {
                    break;
                }
            }
        }
        (self.drawn, self.coming) = (None, None);
        Ok(self.target.insert(target))
    }

    /// Puts on the device what some of the calls need.
    fn send(
        &mut self,
        (device, queue): (&wgpu::Device, &wgpu::Queue),
        scene: &Scene,
        level: Level,
        (calls, part): (&[Call], Range<usize>),
    ) {
        for call in calls.iter().skip(part.start).take(part.len()) {
            self.blocks.send(device, call.place, level);
        }
        queue.write_buffer(&self.scene, 0, &scene_bytes(&scene.look));
        let bytes: Vec<u8> = calls.iter().flat_map(|call| instance(scene, level, call)).collect();
        if bytes.len() as u64 > self.instances.size() {
            self.instances = instance_buffer(device, (bytes.len() as u64 / INSTANCE_BYTES).next_power_of_two());
        }
        if !bytes.is_empty() {
            queue.write_buffer(&self.instances, 0, &bytes);
        }
    }

    /// Draws some of the calls; slices come between what is solid and what is translucent.
    fn record(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        scene: &Scene,
        (target, quality): (&Target, Quality),
        calls: &Calls,
        part: Range<usize>,
    ) {
        let (solid, is_last) = (calls.solid, part.end == calls.all.len());
        let mut pass = target.begin(encoder, scene.look.ground, [part.start == 0, is_last]);
        if scene.volume.is_some() {
            self.volume.draw(&mut pass, quality.samples > 1);
            return;
        }
        let surfaces = &self.pipelines.surfaces[usize::from(quality.samples > 1)];
        let is_cut = usize::from(scene.look.kept.is_some());
        pass.set_bind_group(0, &self.group, &[]);
        pass.set_pipeline(&surfaces.solid[is_cut]);
        self.draw_calls(&mut pass, quality.level, calls, part.start..part.end.min(solid));
        // Once: in the part in which what is translucent begins, or in the last.
        if part.start <= solid && (solid < part.end || is_last) {
            pass.set_pipeline(&surfaces.slice);
            self.slices.draw(&mut pass);
        }
        if part.end > solid {
            pass.set_pipeline(&surfaces.clear[is_cut]);
            self.draw_calls(&mut pass, quality.level, calls, part.start.max(solid)..part.end);
        }
    }

    fn draw_calls(&self, pass: &mut wgpu::RenderPass, level: Level, calls: &Calls, part: Range<usize>) {
        pass.set_vertex_buffer(1, self.instances.slice(..));
        let mut last = None;
        for (n, call) in (0..).zip(&calls.all).skip(part.start).take(part.len()) {
            let Some(buffers) = self.blocks.get(call.place, level) else { continue };
            if last != Some(call.place) {
                pass.set_vertex_buffer(0, buffers.vertices.slice(..));
                pass.set_index_buffer(buffers.indices.slice(..), wgpu::IndexFormat::Uint16);
                last = Some(call.place);
            }
            pass.draw_indexed(call.part.indices.clone(), call.part.base, n..n + 1);
        }
    }

    /// What the picture shows; none where there is no picture.
    pub fn shown(&self) -> Option<Shown> {
        let Drawn { quality: Quality { size, samples, .. }, triangles, .. } = *self.drawn.as_ref()?;
        Some(Shown { size, samples, triangles })
    }

    /// Brings the picture back from the device; none where there is no picture.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn read(&self, of: (&wgpu::Device, &wgpu::Queue)) -> Result<Option<RgbPicture>, JobError> {
        self.target.as_ref().map(|target| read(of, target)).transpose()
    }

    /// Copies the picture.
    pub fn copy(&self, pass: &mut wgpu::RenderPass<'static>) {
        let Some(target) = &self.target else { return };
        pass.set_pipeline(&self.pipelines.copy);
        pass.set_bind_group(0, &target.group, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// What is drawn, in order.
#[derive(Default)]
struct Calls<'a> {
    all: Vec<Call<'a>>,
    /// How many of them are solid; the others let through what lies behind them.
    solid: usize,
}

impl<'a> Calls<'a> {
    /// The parts that may be seen. Of what is solid the nearest blocks come first: what they hide is not lit. Of what is translucent the
    /// farthest do: blocks lie side by side, so that each lies over those that it covers.
    fn new(scene: &'a Scene, level: Level) -> Self {
        let mut seen: Vec<(f32, [usize; 3], &[BlockPart])> = Vec::new();
        for (place, block, [low, high]) in scene.seen(level) {
            let far = (0..3).map(|axis| (f32::midpoint(low[axis], high[axis]) - scene.look.eye[axis]).powi(2)).sum();
            seen.push((far, *place, &level.of(block).parts));
        }
        seen.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut all, mut clear) = (Vec::new(), Vec::new());
        for (place, part) in seen.into_iter().flat_map(|(_, place, parts)| parts.iter().map(move |part| (place, part)))
        {
            match scene.look.colour(part.label) {
                Some([.., u8::MAX]) => all.push(Call { place, part }),
                Some(_) => clear.push(Call { place, part }),
                None => {}
            }
        }
        let solid = all.len();
        all.extend(clear.into_iter().rev());
        Self { all, solid }
    }

    fn triangles(&self) -> usize {
        self.all.iter().map(|call| call.part.indices.len() / 3).sum()
    }

    /// The end of a part of the calls from one on, of so many triangles that a frame can draw.
    fn next_end(&self, from: usize) -> usize {
        let mut triangles = 0;
        let fits = |call: &&Call| {
            triangles += call.part.indices.len() / 3;
            triangles <= TRIANGLES_A_FRAME
        };
        let count = self.all.iter().skip(from).take_while(fits).count().max(1);
        (from + count).min(self.all.len())
    }
}

fn instance(scene: &Scene, level: Level, call: &Call) -> [u8; INSTANCE_BYTES as usize] {
    let origin = scene.blocks.get(&call.place).map_or([0; 3], |block| level.of(block).origin);
    let colour = scene.look.colour(call.part.label).unwrap_or_default();
    let mut bytes = [0; INSTANCE_BYTES as usize];
    for (bytes, part) in bytes.chunks_exact_mut(4).zip(origin) {
        bytes.copy_from_slice(&(part as f32).to_ne_bytes());
    }
    bytes[12..].copy_from_slice(&colour);
    bytes
}

/// As the shader has it: matrices by columns.
fn scene_bytes(look: &Look) -> Vec<u8> {
    let clip = (0..4).flat_map(|column| (0..4).map(move |row| look.clip_from_voxel[row][column]));
    let normals = (0..4).flat_map(|column| {
        (0..4).map(move |row| if row < 3 && column < 3 { look.view_from_normal[row][column] } else { 0.0 })
    });
    let [low, high] = look.kept.unwrap_or([[f32::MIN; 3], [f32::MAX; 3]]);
    let ends = [low, high].into_iter().flat_map(|[x, y, z]| [x, y, z, 0.0]);
    clip.chain(normals).chain(ends).flat_map(f32::to_ne_bytes).collect()
}

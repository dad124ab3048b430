//! Parts of the window that look as they did a frame ago, kept as a picture instead of being painted again.
//!
//! While a slice is scrolled or painted the panels beside it stay as they are, and without a graphics card their text
//! and fills cost as much as the slices do. What a part shows is compared shape by shape in every frame: a part that
//! changed is painted by egui as ever, one that did not is copied.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui_wgpu::{
    self, CallbackResources, CallbackTrait, RenderState, Renderer, RendererOptions, ScreenDescriptor, wgpu,
};

use crate::gui::egui;
use crate::gui::theme;
use egui::epaint::{ClippedPrimitive, ClippedShape, ImageDelta, Primitive, Shape};
use egui::{Color32, PaintCallbackInfo, Rect, TextureId, TexturesDelta};

/// Pictures inside a part (thumbnails) of at most this many pixels are known here; parts with others are not kept.
const MOST_PIXELS: usize = 128 * 128;

/// Prepares a window; must come before the first frame.
pub fn install(context: &egui::Context, state: &RenderState) {
    if state.target_format.is_srgb() {
        // The window's ground is cleared in another shade there than it is painted.
        return;
    }
    let textures = Arc::new(Mutex::new(Vec::new()));
    let kept = OnDevice::new(&state.device, state.target_format, textures.clone());
    state.renderer.write().callback_resources.insert(kept);
    context.add_plugin(Stills::new(textures));
}

/// Says that what lies within `area` (points) seldom changes. The window's ground is all that may lie behind it.
pub fn keep(context: &egui::Context, area: Rect) {
    context.with_plugin(|stills: &mut Stills| {
        if stills.areas.iter().all(|other| !other.shrink(1.0).intersects(area)) {
            stills.areas.push(area);
        }
    });
}

/// Turns keeping on or off, from the next frame on.
pub fn set_on(context: &egui::Context, on: bool) {
    context.with_plugin(|stills: &mut Stills| stills.on = on);
}

/// How many parts of the last frame were copied from the picture.
pub fn kept(context: &egui::Context) -> usize {
    let is_kept = |part: &&Part| matches!(part.keeping, Keeping::As(_));
    context.with_plugin(|stills: &mut Stills| stills.parts.iter().filter(is_kept).count()).unwrap_or(0)
}

/// What the device must know of textures before it paints, in order.
type Waiting = Arc<Mutex<Vec<(TextureId, Option<ImageDelta>)>>>;

/// The parts of a window.
struct Stills {
    textures: Waiting,
    /// Textures the device knows.
    known: HashSet<TextureId>,
    /// What this frame's code said of itself.
    areas: Vec<Rect>,
    parts: Vec<Part>,
    /// The colour of the window's ground in the last frame.
    ground: Option<Color32>,
    /// Whether anything is kept.
    on: bool,
}

/// A part as it was in the last frame.
struct Part {
    area: Rect,
    shapes: Vec<ClippedShape>,
    keeping: Keeping,
}

#[derive(Clone)]
enum Keeping {
    /// It was new in the last frame.
    Not,
    /// It shows what cannot be kept.
    Never,
    As(Arc<Still>),
}

impl egui::Plugin for Stills {
    fn debug_name(&self) -> &'static str {
        "stills"
    }

    fn on_begin_pass(&mut self, _: &mut egui::Ui) {
        self.areas.clear();
    }

    fn output_hook(&mut self, context: &egui::Context, output: &mut egui::FullOutput) {
        self.follow_textures(&output.textures_delta);
        let ground = theme::clear_colour(&context.global_style().visuals);
        if self.ground.replace(ground) != Some(ground) {
            self.parts.clear();
        }
        let mut shapes = std::mem::take(&mut output.shapes);
        // What shows nothing would still part its neighbours into two calls of the device.
        shapes.retain(|shape| seen(shape).is_positive());
        let (taken, rest) = take_apart(shapes, &self.areas);
        let last = std::mem::take(&mut self.parts);
        for (&area, shapes) in self.areas.iter().zip(taken) {
            let keeping = match last.iter().find(|part| part.area == area && part.shapes == shapes) {
                None => Keeping::Not,
                Some(_) if !self.on => Keeping::Not,
                Some(Part { keeping: Keeping::Not, .. }) => {
                    self.still(context, area, &shapes, ground, output.pixels_per_point)
                }
                Some(part) => part.keeping.clone(),
            };
            match &keeping {
                Keeping::As(still) => output.shapes.push(still.clone().copied()),
                _ => output.shapes.extend_from_slice(&shapes),
            }
            self.parts.push(Part { area, shapes, keeping });
        }
        output.shapes.extend(rest);
    }
}

impl Stills {
    fn new(textures: Waiting) -> Self {
        Self { textures, known: HashSet::new(), areas: Vec::new(), parts: Vec::new(), ground: None, on: true }
    }

    fn follow_textures(&mut self, delta: &TexturesDelta) {
        let mut waiting = self.textures.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, image) in delta.set.iter().flat_map(|(id, images)| images.iter().map(move |image| (id, image))) {
            let font = *id == TextureId::default();
            let whole = image.pos.is_none();
            if whole && self.known.contains(id) {
                // Positions in the font's picture are shares of its size; other pictures look different now.
                self.parts.clear();
                waiting.retain(|(other, _)| other != id);
            }
            let [width, height] = image.image.size();
            if font || (whole && width * height <= MOST_PIXELS) {
                self.known.insert(*id);
                waiting.push((*id, Some(image.clone())));
            } else if self.known.remove(id) {
                self.parts.clear();
                waiting.push((*id, None));
            }
        }
        for id in &delta.free {
            if self.known.remove(id) {
                waiting.push((*id, None));
            }
        }
    }

    /// What the device needs to keep a part.
    fn still(
        &self,
        context: &egui::Context,
        area: Rect,
        shapes: &[ClippedShape],
        ground: Color32,
        pixels_per_point: f32,
    ) -> Keeping {
        if shapes.is_empty() {
            return Keeping::Never;
        }
        // Larger than the area, so that its edge is not softened.
        let ground = Shape::rect_filled(area.expand(2.0), 0.0, ground);
        let mut all = vec![ClippedShape { clip_rect: area, shape: ground }];
        all.extend_from_slice(shapes);
        let primitives = context.tessellate(all, pixels_per_point);
        let known = |primitive: &ClippedPrimitive| match &primitive.primitive {
            Primitive::Mesh(mesh) => self.known.contains(&mesh.texture_id),
            Primitive::Callback(_) => false,
        };
        let painted = shapes.iter().fold(Rect::NOTHING, |all, shape| all.union(seen(shape)));
        if !painted.is_positive() || !primitives.iter().all(known) {
            return Keeping::Never;
        }
        // Soft edges reach a pixel further, and underlines a little.
        let rect = painted.expand(2.0 + 2.0 / pixels_per_point).intersect(area);
        Keeping::As(Arc::new(Still { id: NEXT.fetch_add(1, Ordering::Relaxed), rect, primitives }))
    }
}

/// Takes the shapes of each area out of a frame's, to be painted before the rest.
///
/// A shape stays in the rest, and all later ones of its area with it, once the rest has painted into the area. The
/// outermost point of an area is left out of account: there panels have their borders.
fn take_apart(shapes: Vec<ClippedShape>, areas: &[Rect]) -> (Vec<Vec<ClippedShape>>, Vec<ClippedShape>) {
    let mut taken = vec![Vec::new(); areas.len()];
    let mut covered = vec![false; areas.len()];
    let mut rest = Vec::new();
    for shape in shapes {
        match areas.iter().position(|area| belongs(&shape, *area)) {
            Some(n) if !covered[n] => taken[n].push(shape),
            _ => {
                let seen = seen(&shape);
                for (covered, area) in covered.iter_mut().zip(areas) {
                    *covered |= seen.intersects(area.shrink(1.0));
                }
                rest.push(shape);
            }
        }
    }
    (taken, rest)
}

/// Whether a shape is of what fills an area. egui lets the contents of a panel reach a few points over its edge; only
/// what does so is left to the rest.
fn belongs(shape: &ClippedShape, area: Rect) -> bool {
    let seen = seen(shape);
    let within = area.contains_rect(shape.clip_rect) || area.contains_rect(seen.expand(1.0));
    within && area.expand(4.0).contains_rect(shape.clip_rect)
}

/// Where a shape may paint.
fn seen(shape: &ClippedShape) -> Rect {
    shape.shape.visual_bounding_rect().intersect(shape.clip_rect)
}

/// Number of the next still.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What a kept part shows.
struct Still {
    id: u64,
    /// Where there is more than the window's ground.
    rect: Rect,
    primitives: Vec<ClippedPrimitive>,
}

impl Still {
    fn copied(self: Arc<Self>) -> ClippedShape {
        let rect = self.rect;
        let copy = egui_wgpu::Callback::new_paint_callback(rect, Copied(self));
        ClippedShape { clip_rect: rect, shape: Shape::Callback(copy) }
    }
}

/// A copy of a still at its place.
struct Copied(Arc<Still>);

impl CallbackTrait for Copied {
    fn prepare(
        &self,
        device: &wgpu::Device,
        _: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(kept) = resources.get_mut::<OnDevice>() {
            kept.fit(device, screen);
            kept.want(&self.0);
        }
        Vec::new()
    }

    fn finish_prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(kept) = resources.get_mut::<OnDevice>() {
            kept.paint(device, queue);
        }
        Vec::new()
    }

    fn paint(&self, info: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        let Some(kept) = resources.get::<OnDevice>() else { return };
        let Some(picture) = &kept.picture else { return };
        let [width, height] = info.screen_size_px.map(|n| n as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        pass.set_pipeline(&kept.pipeline);
        pass.set_bind_group(0, &picture.group, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// A picture of the window's size in which the kept parts are painted at their places.
struct Picture {
    size: [u32; 2],
    view: wgpu::TextureView,
    group: wgpu::BindGroup,
}

/// What the device keeps.
struct OnDevice {
    renderer: Renderer,
    textures: Waiting,
    format: wgpu::TextureFormat,
    pipeline: wgpu::RenderPipeline,
    picture: Option<Picture>,
    pixels_per_point: f32,
    /// Stills to paint in this frame.
    wanted: Vec<Arc<Still>>,
    /// Numbers of the stills that are painted.
    painted: Vec<u64>,
}

impl OnDevice {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat, textures: Waiting) -> Self {
        let module = device.create_shader_module(wgpu::include_wgsl!("still.wgsl"));
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("stills"),
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("around"),
                buffers: &[],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("same_place"),
                targets: &[Some(format.into())],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            }),
            multiview_mask: None,
            cache: None,
        });
        Self {
            renderer: Renderer::new(device, format, RendererOptions { dithering: false, ..RendererOptions::default() }),
            textures,
            format,
            pipeline,
            picture: None,
            pixels_per_point: 1.0,
            wanted: Vec::new(),
            painted: Vec::new(),
        }
    }

    /// Makes the picture as large as the window.
    fn fit(&mut self, device: &wgpu::Device, screen: &ScreenDescriptor) {
        self.pixels_per_point = screen.pixels_per_point;
        let size = screen.size_in_pixels;
        if self.picture.as_ref().is_some_and(|picture| picture.size == size) {
            return;
        }
        self.painted.clear();
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("stills"),
            size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: self.format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let nearest = device.create_sampler(&wgpu::SamplerDescriptor::default());
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("stills"),
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&nearest) },
            ],
        });
        self.picture = Some(Picture { size, view, group });
    }

    fn want(&mut self, still: &Arc<Still>) {
        if !self.painted.contains(&still.id) {
            self.wanted.push(still.clone());
        }
    }

    /// Paints what is wanted, all at once: the renderer has one buffer of corners.
    ///
    /// It is sent to the device at once: the window's own commands are dropped where its surface has gone out of date.
    fn paint(&mut self, device: &wgpu::Device, queue: &wgpu::Queue) {
        let Some(picture) = &self.picture else { return };
        if self.wanted.is_empty() {
            return;
        }
        for (id, image) in self.textures.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            match image {
                Some(image) => self.renderer.update_texture(device, queue, id, &image),
                None => self.renderer.free_texture(&id),
            }
        }
        let primitives: Vec<ClippedPrimitive> =
            self.wanted.iter().flat_map(|still| still.primitives.iter().cloned()).collect();
        let screen = ScreenDescriptor { size_in_pixels: picture.size, pixels_per_point: self.pixels_per_point };
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("stills") });
        self.renderer.update_buffers(device, queue, &mut encoder, &primitives, &screen);
        let mut pass = encoder
            .begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("stills"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &picture.view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Load, store: wgpu::StoreOp::Store },
                })],
                ..wgpu::RenderPassDescriptor::default()
            })
            .forget_lifetime();
        self.renderer.render(&mut pass, &primitives, &screen);
        drop(pass);
        queue.submit([encoder.finish()]);
        self.painted.extend(self.wanted.drain(..).map(|still| still.id));
        // Most have been painted over since.
        let many = self.painted.len().saturating_sub(64);
        self.painted.drain(..many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{pos2, vec2};

    fn patch(clip: Rect, place: Rect) -> ClippedShape {
        ClippedShape { clip_rect: clip, shape: Shape::rect_filled(place, 0.0, Color32::WHITE) }
    }

    #[test]
    fn what_is_painted_over_an_area_stays_over_it() {
        let area = Rect::from_min_size(pos2(10.0, 10.0), vec2(100.0, 100.0));
        let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(300.0, 200.0));
        let within = area.shrink(20.0);
        let beside = Rect::from_min_size(pos2(200.0, 10.0), vec2(50.0, 50.0));
        let border = Rect::from_min_size(pos2(10.0, 9.5), vec2(100.0, 1.0));
        let below = patch(area, within);
        let menu = patch(window, within);
        let entry = patch(within, within);
        let shapes = vec![patch(window, beside), patch(window, border), below.clone(), menu.clone(), entry.clone()];
        let (taken, rest) = take_apart(shapes, &[area]);
        assert_eq!(taken, vec![vec![below]]);
        assert_eq!(rest[2..], [menu, entry]);
    }

    #[test]
    fn contents_that_reach_over_the_edge_of_their_panel_are_left_to_the_rest() {
        let area = Rect::from_min_size(pos2(10.0, 10.0), vec2(100.0, 100.0));
        let clip = area.expand(3.0);
        let (label, mark) = (patch(clip, area.shrink(20.0)), patch(clip, area.translate(vec2(-2.0, 0.0))));
        let (taken, rest) = take_apart(vec![label.clone(), mark.clone()], &[area]);
        assert_eq!((taken, rest), (vec![vec![label]], vec![mark]));
    }

    /// Frames of a window with one kept area: the number of shapes of each, and of copies among them.
    fn frames(texts: &[&str]) -> Vec<(usize, usize)> {
        let context = egui::Context::default();
        context.add_plugin(Stills::new(Waiting::default()));
        let frame = |text: &&str| {
            let output = context.run_ui(egui::RawInput::default(), |ui| {
                let shown = egui::Panel::left("panel").show(ui, |ui| {
                    ui.label(*text);
                    ui.label("below");
                });
                keep(ui.ctx(), shown.response.rect);
            });
            let copies = output.shapes.iter().filter(|s| matches!(s.shape, Shape::Callback(_))).count();
            let count = (output.shapes.len(), copies);
            output.drop_without_applying_deltas();
            count
        };
        texts.iter().map(frame).collect()
    }

    #[test]
    fn a_part_is_copied_until_it_changes() {
        // The first frames of a context settle its layout.
        let seen = frames(&["a", "a", "a", "a", "a", "a", "b", "b", "b"]);
        let copies: Vec<usize> = seen.iter().map(|(_, copies)| *copies).collect();
        assert_eq!(copies[5..], [1, 0, 1, 1], "{seen:?}");
        assert!(seen[5].0 < seen[6].0, "{seen:?}");
    }
}

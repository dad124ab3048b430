//! Opaque rectangles that reach the screen without blending: grounds of one colour, and slices as 8-bit grey textures.
//!
//! egui paints everything through one blended pipeline with RGBA textures. Most of a window's pixels are slices and
//! grounds; drawn here they cost a fraction without a graphics card, and a slice is a quarter of the bytes to send.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor, wgpu};

use super::tiled_texture::{cut, place_of};
use crate::gui::egui;
use egui::{Color32, Rect};

/// Bytes of a rectangle on the device: four corners and a colour, as f32.
const QUAD_BYTES: u64 = 32;

/// Rectangles the buffer has room for at the start; it grows.
const QUADS: u64 = 64;

/// What all rectangles share on the device.
struct Shared {
    flat: wgpu::RenderPipeline,
    grey: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    quads: wgpu::Buffer,
    /// Rectangles of this frame that are not on the device yet.
    waiting: Vec<[f32; 8]>,
}

/// Prepares a device for opaque rectangles; must come before the first frame.
pub fn install(state: &RenderState) {
    let shared = Shared::new(&state.device, state.target_format);
    state.renderer.write().callback_resources.insert(shared);
}

fn quad_buffer(device: &wgpu::Device, quads: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("opaque rectangles"),
        size: quads * QUAD_BYTES,
        usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

impl Shared {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::include_wgsl!("opaque.wgsl"));
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("grey picture"),
            entries: &[
                wgpu::BindGroupLayoutEntry {
                    binding: 0,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Texture {
                        sample_type: wgpu::TextureSampleType::Float { filterable: true },
                        view_dimension: wgpu::TextureViewDimension::D2,
                        multisampled: false,
                    },
                    count: None,
                },
                wgpu::BindGroupLayoutEntry {
                    binding: 1,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
                    count: None,
                },
            ],
        });
        let pipeline = |label: &str, groups: &[Option<&wgpu::BindGroupLayout>], entry: &str| {
            let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(label),
                bind_group_layouts: groups,
                ..wgpu::PipelineLayoutDescriptor::default()
            });
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some(label),
                layout: Some(&layout),
                vertex: wgpu::VertexState {
                    module: &module,
                    entry_point: Some("corner"),
                    buffers: &[Some(wgpu::VertexBufferLayout {
                        array_stride: QUAD_BYTES,
                        step_mode: wgpu::VertexStepMode::Instance,
                        attributes: &wgpu::vertex_attr_array![0 => Float32x4, 1 => Float32x4],
                    })],
                    compilation_options: wgpu::PipelineCompilationOptions::default(),
                },
                primitive: wgpu::PrimitiveState {
                    topology: wgpu::PrimitiveTopology::TriangleStrip,
                    ..wgpu::PrimitiveState::default()
                },
                depth_stencil: None,
                multisample: wgpu::MultisampleState::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &module,
                    entry_point: Some(entry),
                    targets: &[Some(format.into())],
                    compilation_options: wgpu::PipelineCompilationOptions::default(),
                }),
                multiview_mask: None,
                cache: None,
            })
        };
        let space = if format.is_srgb() { "linear" } else { "gamma" };
        let flat = pipeline("opaque ground", &[], &format!("flat_{space}"));
        let grey = pipeline("grey picture", &[Some(&layout)], &format!("grey_{space}"));
        Self { flat, grey, layout, quads: quad_buffer(device, QUADS), waiting: Vec::new() }
    }

    /// Adds rectangles (in points) to this frame's; the number of the first.
    fn add(&mut self, screen: &ScreenDescriptor, rects: &[Rect], colour: Color32) -> usize {
        let first = self.waiting.len();
        let [width, height] = screen.size_in_pixels.map(|n| n as f32 / screen.pixels_per_point);
        let [r, g, b, a] = colour.to_normalized_gamma_f32();
        let x = |x: f32| 2.0 * x / width - 1.0;
        let y = |y: f32| 1.0 - 2.0 * y / height;
        let of_rect = |q: &Rect| [x(q.left()), y(q.top()), x(q.right()), y(q.bottom()), r, g, b, a];
        self.waiting.extend(rects.iter().map(of_rect));
        first
    }

    /// Sends this frame's rectangles.
    fn send(&mut self, device: &wgpu::Device, queue: &wgpu::Queue) {
        let bytes: Vec<u8> = self.waiting.drain(..).flatten().flat_map(f32::to_ne_bytes).collect();
        if bytes.is_empty() {
            return;
        }
        if bytes.len() as u64 > self.quads.size() {
            self.quads = quad_buffer(device, (bytes.len() as u64 / QUAD_BYTES).next_power_of_two());
        }
        queue.write_buffer(&self.quads, 0, &bytes);
    }
}

/// Rectangles of one frame.
struct Quads {
    rects: Vec<Rect>,
    fill: Fill,
    /// Number of the first on the device.
    first: AtomicUsize,
}

enum Fill {
    Flat(Color32),
    Grey(Arc<Part>),
}

impl Quads {
    fn shape(rects: Vec<Rect>, fill: Fill) -> egui::Shape {
        if rects.is_empty() {
            return egui::Shape::Noop;
        }
        let bounds = rects.iter().fold(Rect::NOTHING, |all, rect| all.union(Rect::from_two_pos(rect.min, rect.max)));
        let quads = Self { rects, fill, first: AtomicUsize::new(0) };
        egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(bounds, quads))
    }
}

impl CallbackTrait for Quads {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(shared) = resources.get_mut::<Shared>() {
            let colour = match &self.fill {
                Fill::Flat(colour) => *colour,
                Fill::Grey(part) => {
                    part.send(device, queue, &shared.layout);
                    Color32::BLACK
                }
            };
            self.first.store(shared.add(screen, &self.rects, colour), Ordering::Relaxed);
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
        if let Some(shared) = resources.get_mut::<Shared>() {
            shared.send(device, queue);
        }
        Vec::new()
    }

    fn paint(
        &self,
        info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(shared) = resources.get::<Shared>() else { return };
        let first = self.first.load(Ordering::Relaxed) as u32;
        // Positions are those of the whole window; the device's own viewport would be the rectangle's.
        let [width, height] = info.screen_size_px.map(|n| n as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        match &self.fill {
            Fill::Flat(_) => pass.set_pipeline(&shared.flat),
            Fill::Grey(part) => {
                let Some((_, group)) = part.device.get() else { return };
                pass.set_pipeline(&shared.grey);
                pass.set_bind_group(0, group, &[]);
            }
        }
        pass.set_vertex_buffer(0, shared.quads.slice(..));
        pass.draw(0..4, first..first + self.rects.len() as u32);
    }
}

/// Opaque rectangles of one colour.
pub fn ground(rects: Vec<Rect>, colour: Color32) -> egui::Shape {
    Quads::shape(rects, Fill::Flat(colour))
}

/// A piece of a grey picture no larger than the device's largest texture.
struct Part {
    size: [u32; 2],
    smooth: bool,
    /// Pixels that are not on the device yet, rows from the top.
    pending: Mutex<Option<Vec<u8>>>,
    device: OnceLock<(wgpu::Texture, wgpu::BindGroup)>,
}

impl Part {
    fn set(&self, pixels: Vec<u8>) {
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = Some(pixels);
    }

    fn create(&self, device: &wgpu::Device, layout: &wgpu::BindGroupLayout) -> (wgpu::Texture, wgpu::BindGroup) {
        let [width, height] = self.size;
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("slice"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::R8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let filter = if self.smooth { wgpu::FilterMode::Linear } else { wgpu::FilterMode::Nearest };
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            mag_filter: filter,
            min_filter: filter,
            ..wgpu::SamplerDescriptor::default()
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("slice"),
            layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&sampler) },
            ],
        });
        (texture, group)
    }

    /// Sends pixels that wait.
    fn send(&self, device: &wgpu::Device, queue: &wgpu::Queue, layout: &wgpu::BindGroupLayout) {
        let Some(pixels) = self.pending.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let (texture, _) = self.device.get_or_init(|| self.create(device, layout));
        let [width, height] = self.size;
        let rows = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width), rows_per_image: None };
        let extent = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
        queue.write_texture(texture.as_image_copy(), &pixels, rows, extent);
    }
}

/// A grey picture on the device, cut where it is larger than the device's largest texture.
pub struct GreyPicture {
    size: [usize; 2],
    smooth: bool,
    /// Place of each part in pixels, and the part.
    parts: Vec<([usize; 4], Arc<Part>)>,
}

impl GreyPicture {
    /// A picture of pixels (rows from the top); takes the place of `last` where size and filter are the same.
    pub fn replace(
        last: Option<Self>,
        context: &egui::Context,
        size: [usize; 2],
        pixels: Vec<u8>,
        smooth: bool,
    ) -> Self {
        let picture = match last {
            Some(last) if last.size == size && last.smooth == smooth => last,
            _ => {
                let most = context.input(|i| i.max_texture_side);
                let part = |place: [usize; 4]| {
                    let size = [place[2] as u32, place[3] as u32];
                    (place, Arc::new(Part { size, smooth, pending: Mutex::new(None), device: OnceLock::new() }))
                };
                Self { size, smooth, parts: cut(size, most).into_iter().map(part).collect() }
            }
        };
        if let [(_, whole)] = &picture.parts[..] {
            whole.set(pixels);
        } else {
            for ([left, top, width, height], part) in &picture.parts {
                let rows = pixels.chunks_exact(size[0]).skip(*top).take(*height);
                part.set(rows.flat_map(|row| &row[*left..left + width]).copied().collect());
            }
        }
        picture
    }

    /// Paints it into a rectangle, mirrored left to right and top to bottom, as far as the painter's clip shows it.
    pub fn paint(&self, painter: &egui::Painter, rect: Rect, flips: [bool; 2]) {
        for (part_of, part) in &self.parts {
            let Rect { mut min, mut max } = place_of(*part_of, self.size, rect, flips);
            // A quad whose edges have changed places shows its texture mirrored.
            if flips[0] {
                std::mem::swap(&mut min.x, &mut max.x);
            }
            if flips[1] {
                std::mem::swap(&mut min.y, &mut max.y);
            }
            let place = Rect { min, max };
            painter.add(Quads::shape(vec![place], Fill::Grey(part.clone())));
        }
    }
}

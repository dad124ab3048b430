//! The stills on the graphics device: painted once into a picture of the window's size, then copied from it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, Renderer, RendererOptions, ScreenDescriptor, wgpu};

use crate::gui::egui;
use egui::epaint::{ClippedPrimitive, ClippedShape, ImageDelta, Primitive, Shape};
use egui::{PaintCallbackInfo, Rect, TextureId};

/// What the device must know of textures before it paints, in order.
pub type Waiting = Arc<Mutex<Vec<(TextureId, Option<ImageDelta>)>>>;

/// Number of the next still.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What a kept part shows.
pub struct Still {
    id: u64,
    /// Where there is more than the window's ground.
    rect: Rect,
    primitives: Vec<ClippedPrimitive>,
}

impl Still {
    /// A still of shapes that have been made ready to paint; `rect` is where there is more than the window's ground.
    pub fn new(rect: Rect, primitives: Vec<ClippedPrimitive>) -> Self {
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), rect, primitives }
    }

    /// Whether a texture is seen in it.
    pub fn shows(&self, texture: TextureId) -> bool {
        let is_seen = |primitive: &ClippedPrimitive| match &primitive.primitive {
            Primitive::Mesh(mesh) => mesh.texture_id == texture,
            Primitive::Callback(_) => false,
        };
        self.primitives.iter().any(is_seen)
    }
}

/// The copy of stills that follow one another in an area, if there are any.
pub fn copied(stills: Vec<Arc<Still>>) -> Option<ClippedShape> {
    if stills.is_empty() {
        return None;
    }
    let rect = stills.iter().fold(Rect::NOTHING, |all, still| all.union(still.rect));
    let copy = egui_wgpu::Callback::new_paint_callback(rect, Copied(stills));
    Some(ClippedShape { clip_rect: rect, shape: Shape::Callback(copy) })
}

/// A copy of stills at their places.
struct Copied(Vec<Arc<Still>>);

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
            self.0.iter().for_each(|still| kept.want(still));
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
pub struct OnDevice {
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
    /// Prepares a device.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat, textures: Waiting) -> Self {
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
        let many = self.painted.len().saturating_sub(256);
        self.painted.drain(..many);
    }
}

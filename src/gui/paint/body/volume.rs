//! The values of a scan on the graphics device, and rays through them.

use std::sync::Arc;

use eframe::egui_wgpu::wgpu;
use wgpu::util::{DeviceExt, TextureDataOrder};

use super::pipelines::COLOURS;
use crate::app::state::camera::Camera;
use crate::volume::{Geometry, Region, SmallVolume};

/// How far a ray goes at once, in voxels of the volume: in full quality, and while the view moves without a card.
const PACES: [f32; 2] = [0.6, 1.6];

/// A scan all through, and how it is looked at.
#[derive(Clone)]
pub struct VolumeScene {
    /// The values.
    pub values: Arc<SmallVolume>,
    /// What each of 256 values looks like: red, green, blue, and opacity along a millimetre.
    pub table: Vec<[u8; 4]>,
    /// Whether only the largest value along a ray is seen.
    pub is_maximum: bool,
    /// Numbers for the shader: viewer, right, up, ahead, ends, in voxels.
    pub rays: [[f32; 4]; 6],
    /// From slopes in voxels to slopes in the picture, by rows.
    pub normals: [[f32; 3]; 3],
}

impl PartialEq for VolumeScene {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.values, &other.values)
            && (&self.table, self.is_maximum, self.rays) == (&other.table, other.is_maximum, other.rays)
    }
}

impl VolumeScene {
    /// The values of a grid through a camera, in a picture `aspect` times as wide as high.
    pub fn new(
        (geometry, values): (&Geometry, Arc<SmallVolume>),
        camera: &Camera,
        aspect: f64,
        kept: Region,
        (table, is_maximum): (Vec<[u8; 4]>, bool),
    ) -> Self {
        let voxels = geometry.voxel_from_world();
        let of = |at| voxels.direction(camera.ray(at, aspect)[1]);
        let ahead = of([0.0, 0.0]);
        let side = |end: [f64; 3]| [0, 1, 2].map(|axis| end[axis] - ahead[axis]);
        let half = |at: [f64; 2], axis: [f64; 3]| crate::volume::dot(camera.ray(at, aspect)[1], axis);
        let (width, height) = (half([1.0, 0.0], camera.right), half([0.0, 1.0], camera.up));
        let wide = |v: [f64; 3], w: f64| [v[0] as f32, v[1] as f32, v[2] as f32, w as f32];
        let end = |n: [usize; 3]| n.map(|n| n as f64 - 0.5);
        let normals = camera.normals(geometry.world_from_voxel());
        let largest = normals.iter().flatten().fold(f64::MIN_POSITIVE, |most, part| most.max(part.abs()));
        Self {
            values,
            table,
            is_maximum,
            rays: [
                wide(voxels.point(camera.eye()), 0.0),
                wide(side(of([1.0, 0.0])), 0.0),
                wide(side(of([0.0, 1.0])), 0.0),
                wide(ahead, 0.0),
                wide(end(kept.start), width),
                wide(end(kept.end), height),
            ],
            normals: normals.map(|row| row.map(|part| (part / largest) as f32)),
        }
    }

    fn bytes(&self, is_quick: bool) -> Vec<u8> {
        let step = self.values.step.map(|n| n as f32);
        let extent = [0, 1, 2].map(|axis| step[axis] * self.values.size[axis] as f32);
        let last = [
            [step[0], step[1], step[2], PACES[usize::from(is_quick)]],
            [extent[0], extent[1], extent[2], f32::from(u8::from(self.is_maximum))],
        ];
        let normals = (0..4).flat_map(|column| (0..4).map(move |row| (row, column)));
        let normals = normals.map(|(row, column)| if row < 3 && column < 3 { self.normals[row][column] } else { 0.0 });
        let numbers = self.rays.iter().chain(&last).flatten().copied().chain(normals);
        numbers.flat_map(f32::to_ne_bytes).collect()
    }
}

/// Pipelines for one sample a pixel and for several, and what the device has.
pub struct DeviceVolume {
    pipelines: [wgpu::RenderPipeline; 2],
    layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    values: Option<(Arc<SmallVolume>, wgpu::TextureView)>,
    group: Option<wgpu::BindGroup>,
}

impl DeviceVolume {
    /// Prepares a device.
    pub fn new(device: &wgpu::Device, samples: [u32; 2]) -> Self {
        let module = device.create_shader_module(wgpu::include_wgsl!("volume.wgsl"));
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        };
        let texture = |view_dimension| wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension,
            multisampled: false,
        };
        let uniform = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("volume"),
            entries: &[
                entry(0, uniform),
                entry(1, texture(wgpu::TextureViewDimension::D3)),
                entry(2, texture(wgpu::TextureViewDimension::D2)),
                entry(3, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            ],
        });
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..wgpu::SamplerDescriptor::default()
        });
        let pipelines = samples.map(|samples| pipeline(device, &module, &layout, samples));
        Self { pipelines, layout, sampler, values: None, group: None }
    }

    /// Puts a scene on the device; the values only where they are others.
    pub fn send(&mut self, (device, queue): (&wgpu::Device, &wgpu::Queue), scene: &VolumeScene, is_quick: bool) {
        let is_there = self.values.as_ref().is_some_and(|(values, _)| Arc::ptr_eq(values, &scene.values));
        if !is_there {
            let size = scene.values.size.map(|n| n as u32);
            let view = upload(device, queue, size, wgpu::TextureFormat::R8Unorm, &scene.values.values);
            self.values = Some((scene.values.clone(), view));
        }
        let Some((_, values)) = &self.values else { return };
        let table = upload(
            device,
            queue,
            [scene.table.len() as u32, 1, 0],
            wgpu::TextureFormat::Rgba8Unorm,
            scene.table.as_flattened(),
        );
        let rays = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: Some("rays"),
            contents: &scene.bytes(is_quick),
            usage: wgpu::BufferUsages::UNIFORM,
        });
        self.group = Some(device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("volume"),
            layout: &self.layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: rays.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(values) },
                wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::TextureView(&table) },
                wgpu::BindGroupEntry { binding: 3, resource: wgpu::BindingResource::Sampler(&self.sampler) },
            ],
        }));
    }

    /// Lets go of the values.
    pub fn forget(&mut self) {
        (self.values, self.group) = (None, None);
    }

    /// Draws what was sent; `is_smooth` where a pixel has several samples.
    pub fn draw(&self, pass: &mut wgpu::RenderPass, is_smooth: bool) {
        let Some(group) = &self.group else { return };
        pass.set_pipeline(&self.pipelines[usize::from(is_smooth)]);
        pass.set_bind_group(0, group, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// A texture of bytes; of three dimensions where its depth is not 0.
fn upload(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    [width, height, depth]: [u32; 3],
    format: wgpu::TextureFormat,
    bytes: &[u8],
) -> wgpu::TextureView {
    let dimension = if depth == 0 { wgpu::TextureDimension::D2 } else { wgpu::TextureDimension::D3 };
    let texture = device.create_texture_with_data(
        queue,
        &wgpu::TextureDescriptor {
            label: Some("volume"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: depth.max(1) },
            mip_level_count: 1,
            sample_count: 1,
            dimension,
            format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        },
        TextureDataOrder::LayerMajor,
        bytes,
    );
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

fn pipeline(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    group: &wgpu::BindGroupLayout,
    samples: u32,
) -> wgpu::RenderPipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("volume"),
        bind_group_layouts: &[Some(group)],
        ..wgpu::PipelineLayoutDescriptor::default()
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("volume"),
        layout: Some(&layout),
        vertex: super::pipelines::around(module),
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: Some(wgpu::DepthStencilState {
            format: super::pipelines::DEPTHS,
            depth_write_enabled: Some(false),
            depth_compare: Some(wgpu::CompareFunction::Always),
            stencil: wgpu::StencilState::default(),
            bias: wgpu::DepthBiasState::default(),
        }),
        multisample: wgpu::MultisampleState { count: samples, ..wgpu::MultisampleState::default() },
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some("through"),
            targets: &[Some(wgpu::ColorTargetState {
                format: COLOURS,
                blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        }),
        multiview_mask: None,
        cache: None,
    })
}

//! How the device draws surfaces and copies the picture.

use eframe::egui_wgpu::wgpu;

/// Format of the picture; its colours are in gamma space.
pub const COLOURS: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// Format of depths.
pub const DEPTHS: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;
/// Samples of a pixel in a picture at rest.
pub const SMOOTH: u32 = 4;

/// Bytes of an instance: a block's origin, and a colour.
pub const INSTANCE_BYTES: u64 = 16;
/// Bytes of a slice: a corner, two sides, and a colour.
pub const SLICE_BYTES: u64 = 40;

/// Pipelines of surfaces for one number of samples.
pub struct Surfaces {
    /// Closed surfaces, of which only what faces the viewer is drawn, and surfaces that are cut open.
    pub solid: [wgpu::RenderPipeline; 2],
    /// The same of what lets through what lies behind it.
    pub clear: [wgpu::RenderPipeline; 2],
    /// Slices between them.
    pub slice: wgpu::RenderPipeline,
}

/// Everything that is made once.
pub struct Pipelines {
    /// One sample a pixel, and [`SMOOTH`].
    pub surfaces: [Surfaces; 2],
    /// Copies the picture.
    pub copy: wgpu::RenderPipeline,
    /// What surfaces are given: the scene.
    pub scene: wgpu::BindGroupLayout,
    /// What the copy is given: picture and sampler.
    pub picture: wgpu::BindGroupLayout,
}

impl Pipelines {
    /// Pipelines whose copies reach a window of a format.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::include_wgsl!("body.wgsl"));
        let scene = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("scene"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            }],
        });
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        };
        let texture = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let picture = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("picture of the body"),
            entries: &[entry(0, texture), entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering))],
        });
        let surfaces = [1, SMOOTH].map(|samples| Surfaces {
            solid: [false, true].map(|is_cut| surfaces(device, &module, &scene, samples, [is_cut, false])),
            clear: [false, true].map(|is_cut| surfaces(device, &module, &scene, samples, [is_cut, true])),
            slice: slice(device, &module, [&scene, &picture], samples),
        });
        let copy = copy(device, &module, &picture, format);
        Self { surfaces, copy, scene, picture }
    }
}

fn layout(device: &wgpu::Device, label: &str, groups: &[Option<&wgpu::BindGroupLayout>]) -> wgpu::PipelineLayout {
    device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(label),
        bind_group_layouts: groups,
        ..wgpu::PipelineLayoutDescriptor::default()
    })
}

fn surfaces(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    scene: &wgpu::BindGroupLayout,
    samples: u32,
    [is_cut, is_clear]: [bool; 2],
) -> wgpu::RenderPipeline {
    let corners = wgpu::VertexBufferLayout {
        array_stride: 8,
        step_mode: wgpu::VertexStepMode::Vertex,
        attributes: &wgpu::vertex_attr_array![0 => Uint16x4],
    };
    let blocks = wgpu::VertexBufferLayout {
        array_stride: INSTANCE_BYTES,
        step_mode: wgpu::VertexStepMode::Instance,
        attributes: &wgpu::vertex_attr_array![1 => Float32x3, 2 => Unorm8x4],
    };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("surfaces"),
        layout: Some(&layout(device, "surfaces", &[Some(scene)])),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some("surface"),
            buffers: &[Some(corners), Some(blocks)],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        },
        primitive: wgpu::PrimitiveState {
            cull_mode: (!is_cut).then_some(wgpu::Face::Back),
            ..wgpu::PrimitiveState::default()
        },
        // What is translucent hides nothing.
        depth_stencil: Some(wgpu::DepthStencilState { depth_write_enabled: Some(!is_clear), ..nearest() }),
        multisample: wgpu::MultisampleState { count: samples, ..wgpu::MultisampleState::default() },
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(match [is_cut, is_clear] {
                [false, false] => "lit",
                [true, false] => "lit_cut",
                [false, true] => "clear",
                [true, true] => "clear_cut",
            }),
            targets: &[Some(wgpu::ColorTargetState {
                format: COLOURS,
                blend: is_clear.then_some(wgpu::BlendState::ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        }),
        multiview_mask: None,
        cache: None,
    })
}

/// What is nearest is seen.
fn nearest() -> wgpu::DepthStencilState {
    wgpu::DepthStencilState {
        format: DEPTHS,
        depth_write_enabled: Some(true),
        depth_compare: Some(wgpu::CompareFunction::Less),
        stencil: wgpu::StencilState::default(),
        bias: wgpu::DepthBiasState::default(),
    }
}

fn slice(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    [scene, picture]: [&wgpu::BindGroupLayout; 2],
    samples: u32,
) -> wgpu::RenderPipeline {
    let slices = wgpu::VertexBufferLayout {
        array_stride: SLICE_BYTES,
        step_mode: wgpu::VertexStepMode::Instance,
        attributes: &wgpu::vertex_attr_array![0 => Float32x3, 1 => Float32x3, 2 => Float32x3, 3 => Unorm8x4],
    };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("slices of the body"),
        layout: Some(&layout(device, "slices of the body", &[Some(scene), Some(picture)])),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some("slice_corner"),
            buffers: &[Some(slices)],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        },
        primitive: wgpu::PrimitiveState {
            topology: wgpu::PrimitiveTopology::TriangleStrip,
            ..wgpu::PrimitiveState::default()
        },
        depth_stencil: Some(nearest()),
        multisample: wgpu::MultisampleState { count: samples, ..wgpu::MultisampleState::default() },
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some("slice_grey"),
            targets: &[Some(COLOURS.into())],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        }),
        multiview_mask: None,
        cache: None,
    })
}

fn copy(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    picture: &wgpu::BindGroupLayout,
    format: wgpu::TextureFormat,
) -> wgpu::RenderPipeline {
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("copy of the body"),
        layout: Some(&layout(device, "copy of the body", &[Some(picture)])),
        vertex: around(module),
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(if format.is_srgb() { "copy_linear" } else { "copy_gamma" }),
            targets: &[Some(format.into())],
            compilation_options: wgpu::PipelineCompilationOptions::default(),
        }),
        multiview_mask: None,
        cache: None,
    })
}

/// One triangle around a whole picture: the shader's `around`.
pub fn around(module: &wgpu::ShaderModule) -> wgpu::VertexState<'_> {
    wgpu::VertexState {
        module,
        entry_point: Some("around"),
        buffers: &[],
        compilation_options: wgpu::PipelineCompilationOptions::default(),
    }
}

//! The picture that surfaces are drawn into.

use eframe::egui_wgpu::wgpu;

use super::pipelines::{COLOURS, DEPTHS};

/// Colours and depths of a picture.
pub struct Target {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Samples of a pixel.
    pub samples: u32,
    samples_view: Option<wgpu::TextureView>,
    texture: wgpu::Texture,
    picture: wgpu::TextureView,
    depths: wgpu::TextureView,
    /// For the copy.
    pub group: wgpu::BindGroup,
}

impl Target {
    /// An empty picture.
    pub fn new(device: &wgpu::Device, layout: &wgpu::BindGroupLayout, size: [u32; 2], samples: u32) -> Self {
        let texture = |label, format, sample_count, usage| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage,
                view_formats: &[],
            })
        };
        let view = |texture: wgpu::Texture| texture.create_view(&wgpu::TextureViewDescriptor::default());
        let drawn = wgpu::TextureUsages::RENDER_ATTACHMENT;
        let read = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_SRC;
        let own = texture("body", COLOURS, 1, drawn | read);
        let picture = view(own.clone());
        let depths = view(texture("depths of the body", DEPTHS, samples, drawn));
        let samples_view = (samples > 1).then(|| view(texture("samples of the body", COLOURS, samples, drawn)));
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..wgpu::SamplerDescriptor::default()
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("picture of the body"),
            layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&picture) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&sampler) },
            ],
        });
        Self { size, samples, samples_view, texture: own, picture, depths, group }
    }

    /// Begins to draw: on an empty ground what comes first, else over what is there; whether that is the last of it too.
    pub fn begin<'a>(
        &self,
        encoder: &'a mut wgpu::CommandEncoder,
        ground: [f32; 4],
        [is_first, is_last]: [bool; 2],
    ) -> wgpu::RenderPass<'a> {
        let [r, g, b, a] = ground.map(f64::from);
        let (view, resolve_target) = match &self.samples_view {
            Some(samples) => (samples, is_last.then_some(&self.picture)),
            None => (&self.picture, None),
        };
        let keep = |is_kept: bool| if is_kept { wgpu::StoreOp::Store } else { wgpu::StoreOp::Discard };
        let store = keep(self.samples == 1 || !is_last);
        let (colours, depths) = if is_first {
            (wgpu::LoadOp::Clear(wgpu::Color { r, g, b, a }), wgpu::LoadOp::Clear(1.0))
        } else {
            (wgpu::LoadOp::Load, wgpu::LoadOp::Load)
        };
        encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("body"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view,
                depth_slice: None,
                resolve_target,
                ops: wgpu::Operations { load: colours, store },
            })],
            depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
                view: &self.depths,
                depth_ops: Some(wgpu::Operations { load: depths, store: keep(!is_last) }),
                stencil_ops: None,
            }),
            ..wgpu::RenderPassDescriptor::default()
        })
    }

    /// Copies the picture into a buffer whose rows have so many bytes.
    pub fn copy_to(&self, encoder: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer, row: u32) {
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None };
        let size = wgpu::Extent3d { width: self.size[0], height: self.size[1], depth_or_array_layers: 1 };
        encoder.copy_texture_to_buffer(
            self.texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo { buffer, layout },
            size,
        );
    }
}

//! Slices between the surfaces.

use std::sync::Arc;

use eframe::egui_wgpu::wgpu;
use wgpu::util::{DeviceExt, TextureDataOrder};

use super::pipelines::SLICE_BYTES;
use crate::gui::egui;
use crate::volume::PlaneLayout;

/// A slice as a grey picture at its place in the grid.
pub struct SlicePicture {
    /// Columns and rows.
    pub size: [u32; 2],
    /// Grey values, rows from the top.
    pub grey: Vec<u8>,
    /// The first corner and the sides along columns and rows, in voxels.
    pub place: [[f32; 3]; 3],
    /// The colour of its frame.
    pub colour: egui::Color32,
}

impl SlicePicture {
    /// A slice of a layout.
    pub fn new(layout: &PlaneLayout, slice: usize, grey: Vec<u8>, colour: egui::Color32) -> Self {
        let [columns, rows, _] = layout.size;
        // Places in a voxel begin at its border.
        let at = |column, row| layout.point_in_voxel(column, row, slice).map(|part| part as f32);
        let (corner, right, below) = (at(0.0, 0.0), at(columns as f64, 0.0), at(0.0, rows as f64));
        let side = |end: [f32; 3]| [0, 1, 2].map(|axis| end[axis] - corner[axis]);
        Self { size: [columns as u32, rows as u32], grey, place: [corner, side(right), side(below)], colour }
    }

    fn bytes(&self) -> Vec<u8> {
        let place = self.place.as_flattened().iter().flat_map(|part| part.to_ne_bytes());
        let bytes: Vec<u8> = place.chain(self.colour.to_array()).collect();
        debug_assert_eq!(bytes.len() as u64, SLICE_BYTES);
        bytes
    }
}

/// A slice on the device.
struct Known {
    of: Arc<SlicePicture>,
    group: wgpu::BindGroup,
    place: wgpu::Buffer,
}

/// The slices that the device has.
#[derive(Default)]
pub struct DeviceSlices(Vec<Known>);

impl DeviceSlices {
    /// Whether these are the slices that it has.
    pub fn is_of(&self, slices: &[Arc<SlicePicture>]) -> bool {
        self.0.len() == slices.len() && self.0.iter().zip(slices).all(|(known, slice)| Arc::ptr_eq(&known.of, slice))
    }

    /// Puts slices on the device. A slice that is larger than its largest texture is left out.
    pub fn follow(
        &mut self,
        (device, queue): (&wgpu::Device, &wgpu::Queue),
        layout: &wgpu::BindGroupLayout,
        slices: &[Arc<SlicePicture>],
    ) {
        let mut before = std::mem::take(&mut self.0);
        let most = device.limits().max_texture_dimension_2d;
        for slice in slices.iter().filter(|slice| slice.size.iter().all(|n| *n <= most)) {
            let kept = before.iter().position(|known| Arc::ptr_eq(&known.of, slice)).map(|at| before.swap_remove(at));
            self.0.push(kept.unwrap_or_else(|| send(device, queue, layout, slice)));
        }
    }

    /// Draws them.
    pub fn draw(&self, pass: &mut wgpu::RenderPass) {
        for slice in &self.0 {
            pass.set_bind_group(1, &slice.group, &[]);
            pass.set_vertex_buffer(0, slice.place.slice(..));
            pass.draw(0..4, 0..1);
        }
    }
}

fn send(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    layout: &wgpu::BindGroupLayout,
    slice: &Arc<SlicePicture>,
) -> Known {
    let [width, height] = slice.size;
    let texture = device.create_texture_with_data(
        queue,
        &wgpu::TextureDescriptor {
            label: Some("slice of the body"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::R8Unorm,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        },
        TextureDataOrder::LayerMajor,
        &slice.grey,
    );
    let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
    let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
        mag_filter: wgpu::FilterMode::Linear,
        min_filter: wgpu::FilterMode::Linear,
        ..wgpu::SamplerDescriptor::default()
    });
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("slice of the body"),
        layout,
        entries: &[
            wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) },
            wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&sampler) },
        ],
    });
    let place = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: Some("place of a slice"),
        contents: &slice.bytes(),
        usage: wgpu::BufferUsages::VERTEX,
    });
    Known { of: slice.clone(), group, place }
}

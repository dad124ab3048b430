//! The picture of the 3-D tile: surfaces drawn into a picture of their own, with depth, which is copied into the window.
//!
//! It is drawn again only where what it shows has changed. Without a graphics card it is drawn coarsely while it moves, and in full when it
//! rests, a part in each frame where there is much to draw.

mod artist;
mod blocks;
mod device;
mod pipelines;
mod reading;
mod scene;
mod slices;
mod target;
mod volume;

use eframe::egui_wgpu::{self, CallbackResources, CallbackTrait, RenderState, ScreenDescriptor, wgpu};

use crate::gui::egui;
pub use artist::{Artist, answer};
pub use device::BodyDevice;
pub use scene::{Look, Scene};
pub use slices::SlicePicture;
pub use volume::VolumeScene;

/// Prepares a device; must come before the first frame.
pub fn install(state: &RenderState) {
    let is_software = state.adapter.get_info().device_type == wgpu::DeviceType::Cpu;
    let device = BodyDevice::new(&state.device, state.target_format, is_software);
    state.renderer.write().callback_resources.insert(device);
}

/// The picture of a scene in a rectangle.
pub fn picture(context: &egui::Context, rect: egui::Rect, scene: Scene) -> egui::Shape {
    let picture = Picture { context: context.clone(), rect, scene };
    egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, picture))
}

struct Picture {
    context: egui::Context,
    rect: egui::Rect,
    scene: Scene,
}

impl CallbackTrait for Picture {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(body) = resources.get_mut::<BodyDevice>() {
            let size: [f32; 2] = (self.rect.size() * screen.pixels_per_point).into();
            let size = size.map(|n| (n.round() as u32).max(1));
            if body.draw((device, queue), encoder, &self.scene, size) {
                self.context.request_repaint();
            }
        }
        Vec::new()
    }

    fn paint(&self, _: egui::PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        // The viewport is the rectangle.
        if let Some(body) = resources.get::<BodyDevice>() {
            body.copy(pass);
        }
    }
}

//! Pictures of the body for files, drawn on a graphics device of their own: the window goes on meanwhile.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use eframe::egui_wgpu::wgpu;

use super::device::BodyDevice;
use super::reading::{read, wait};
use super::scene::{Look, Scene};
use super::slices::SlicePicture;
use super::volume::VolumeScene;
use crate::app::state::body_pictures::{BodyShown, DrawBody, DrawFrom};
use crate::app::state::camera::Camera;
use crate::formats::RgbPicture;
use crate::gui::egui::Color32;
use crate::gui::theme;
use crate::jobs::JobError;
use crate::work::Watch;

/// Draws with the window's adapter.
#[derive(Debug)]
pub struct Artist(wgpu::Adapter);

impl Artist {
    /// Draws with an adapter.
    pub fn new(adapter: wgpu::Adapter) -> Self {
        Self(adapter)
    }
}

impl DrawBody for Artist {
    fn begin(&self, shown: BodyShown, size: [u32; 2]) -> DrawFrom {
        let adapter = self.0.clone();
        let mut easel: Option<Easel> = None;
        Box::new(move |camera, watch| {
            let easel = match &mut easel {
                Some(easel) => easel,
                none => none.insert(Easel::open(&adapter, &shown, size)?),
            };
            easel.draw(&shown, camera, watch)
        })
    }
}

/// A device with what the pictures show.
struct Easel {
    device: wgpu::Device,
    queue: wgpu::Queue,
    body: BodyDevice,
    slices: Vec<Arc<SlicePicture>>,
    size: [u32; 2],
}

impl Easel {
    fn open(adapter: &wgpu::Adapter, shown: &BodyShown, size: [u32; 2]) -> Result<Self, JobError> {
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("pictures of the body"),
            required_limits: adapter.limits(),
            ..wgpu::DeviceDescriptor::default()
        };
        let opened = answer(adapter.request_device(&descriptor));
        let (device, queue) =
            opened.map_err(|e| JobError::Other(format!("the graphics device cannot be used: {e}")))?;
        let most = device.limits().max_texture_dimension_2d;
        if size.iter().any(|side| *side > most) {
            return Err(JobError::Other(format!("the graphics device draws at most {most} pixels a side")));
        }
        let body = BodyDevice::new(&device, wgpu::TextureFormat::Rgba8Unorm, false);
        let slice = |slice: &crate::app::state::body_pictures::ShownSlice| {
            let colour = theme::plane_colour(slice.plane);
            Arc::new(SlicePicture::new(&slice.layout, slice.slice, slice.grey.clone(), colour))
        };
        let slices = shown.slices.iter().map(slice).collect();
        Ok(Self { device, queue, body, slices, size })
    }

    fn draw(&mut self, shown: &BodyShown, camera: &Camera, watch: Watch) -> Result<RgbPicture, JobError> {
        let [width, height] = self.size;
        let aspect = f64::from(width) / f64::from(height);
        let [r, g, b] = shown.ground;
        let volume = shown.through.as_ref().map(|through| {
            let looks = (through.table.clone(), through.is_maximum);
            VolumeScene::new((&shown.geometry, through.values.clone()), camera, aspect, shown.look.kept, looks)
        });
        let scene = Scene {
            blocks: shown.blocks.clone(),
            slices: self.slices.clone(),
            volume,
            look: Look::new(&shown.geometry, camera, aspect, shown.look.clone(), Color32::from_rgb(r, g, b)),
            is_moving: false,
        };
        let (device, queue) = (&self.device, &self.queue);
        let target = self.body.draw_whole((device, queue), &scene, self.size, |part| {
            wait(device, queue.submit([part]))?;
            Ok::<_, JobError>(watch.check()?)
        })?;
        read((device, queue), target)
    }
}

/// The answer of a question to wgpu, which answers at once but for a browser.
pub fn answer<T>(question: impl Future<Output = T>) -> T {
    let mut question = pin!(question);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = question.as_mut().poll(&mut context) {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

//! A second scan laid over the image of a slice, in the colours of its values.

use std::sync::Arc;

use super::frame::Frame;
use crate::app::Studio;
use crate::app::act::overlay::look;
use crate::drawing::OverlayLook;
use crate::gui::egui;
use crate::gui::paint::tiled_texture::TiledTexture;
use crate::volume::Plane;
use egui::{Color32, Rect, TextureOptions};

/// A slice of the overlay on the graphics device.
pub struct LaidPicture {
    /// The values that it was made of.
    values: Arc<Vec<f32>>,
    size: [usize; 2],
    thinning: usize,
    look: OverlayLook,
    smooth: bool,
    texture: TiledTexture,
}

impl LaidPicture {
    /// Makes the picture anew where what is to be shown has changed; none where nothing is.
    pub fn renew(cache: &mut Option<Self>, context: &egui::Context, (plane, slice): (Plane, usize), studio: &Studio) {
        let Some((laid, over, _)) = studio.overlay() else {
            *cache = None;
            return;
        };
        let Some(ready) = studio.laid_slice(plane, slice) else {
            *cache = None;
            return;
        };
        let (look, smooth) = (look(studio, &laid, over), studio.settings.smooth);
        let is_current = cache.as_ref().is_some_and(|known| {
            Arc::ptr_eq(&known.values, &ready.values) && (known.look, known.smooth) == (look, smooth)
        });
        if is_current {
            return;
        }
        let colour = |rgb: Option<[u8; 3]>| rgb.map_or(Color32::TRANSPARENT, |[r, g, b]| Color32::from_rgb(r, g, b));
        let texels: Vec<Color32> = look.colour_all(&ready.values).map(colour).collect();
        let options = if smooth { TextureOptions::LINEAR } else { TextureOptions::NEAREST };
        let (last, name) = (cache.take().map(|known| known.texture), format!("{} overlay", plane.name()));
        *cache = Some(Self {
            values: ready.values.clone(),
            size: ready.size,
            thinning: ready.thinning,
            look,
            smooth,
            texture: TiledTexture::replace(last, context, &name, ready.size, texels, options),
        });
    }

    /// Paints it.
    pub fn paint(&self, painter: &egui::Painter, frame: &Frame, opacity: f32) {
        // Blocks of a slice that is not finished may reach beyond its edge.
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(frame.image));
        let end = self.size.map(|count| (count * self.thinning) as f32);
        let place = Rect::from_two_pos(frame.to_screen([0.0; 2]), frame.to_screen(end));
        self.texture.paint_faint(&painter, place, frame.flips, opacity.clamp(0.0, 1.0));
    }
}

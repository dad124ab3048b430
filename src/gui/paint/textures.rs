//! Small pictures on the graphics device, made once for each picture.

use std::sync::Arc;

use crate::app::state::picture::Picture;
use crate::gui::egui;

/// Most pictures that are kept; those that were not painted for longest go first.
const MOST: usize = 256;

/// Pictures and their textures.
#[derive(Default)]
pub struct Textures {
    known: Vec<(Picture, egui::TextureHandle)>,
}

impl Textures {
    /// The texture of a picture, sampled as the first who asks for it says.
    pub fn of(
        &mut self,
        context: &egui::Context,
        picture: &Picture,
        options: egui::TextureOptions,
    ) -> egui::TextureHandle {
        // A picture that nobody else holds is not painted any more.
        self.known.retain(|(known, _)| known.is_same(picture) || Arc::strong_count(&known.rgba) > 1);
        let found = self.known.iter().position(|(known, _)| known.is_same(picture));
        let entry = match found {
            Some(at) => self.known.remove(at),
            None => {
                let image = egui::ColorImage::from_rgba_unmultiplied(picture.size, &picture.rgba);
                (picture.clone(), context.load_texture("picture", image, options))
            }
        };
        let texture = entry.1.clone();
        self.known.push(entry);
        if self.known.len() > MOST {
            drop(self.known.remove(0));
        }
        texture
    }
}

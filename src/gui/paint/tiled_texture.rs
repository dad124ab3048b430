//! A picture on the graphics device, cut where it is larger than the device's largest texture.

use crate::gui::egui;
use egui::{Color32, ColorImage, Rect, TextureOptions, pos2};

/// One picture, in one or more textures.
pub struct TiledTexture {
    size: [usize; 2],
    options: TextureOptions,
    /// Place of each part in pixels, and its texture.
    parts: Vec<([usize; 4], egui::TextureHandle)>,
}

/// Left, top, width and height of the parts of a picture, none longer than `most`.
pub fn cut(size: [usize; 2], most: usize) -> Vec<[usize; 4]> {
    let most = most.max(1);
    let mut parts = Vec::new();
    for top in (0..size[1]).step_by(most) {
        for left in (0..size[0]).step_by(most) {
            parts.push([left, top, most.min(size[0] - left), most.min(size[1] - top)]);
        }
    }
    parts
}

impl TiledTexture {
    /// Puts pixels (rows from the top) on the device.
    pub fn new(
        context: &egui::Context,
        name: &str,
        size: [usize; 2],
        pixels: Vec<Color32>,
        options: TextureOptions,
    ) -> Self {
        let most = context.input(|i| i.max_texture_side);
        let load = |(part, image)| (part, context.load_texture(name, image, options));
        Self { size, options, parts: crop(size, pixels, &cut(size, most)).into_iter().map(load).collect() }
    }

    /// Replaces the pixels where size and filter are the same; else makes a new picture.
    pub fn replace(
        last: Option<Self>,
        context: &egui::Context,
        name: &str,
        size: [usize; 2],
        pixels: Vec<Color32>,
        options: TextureOptions,
    ) -> Self {
        match last {
            Some(mut last) if last.size == size && last.options == options => {
                let places: Vec<_> = last.parts.iter().map(|(part, _)| *part).collect();
                for ((_, image), (_, texture)) in crop(size, pixels, &places).into_iter().zip(&mut last.parts) {
                    texture.set(image, options);
                }
                last
            }
            _ => Self::new(context, name, size, pixels, options),
        }
    }

    /// Paints it into a rectangle, as far as the painter's clip shows it.
    pub fn paint(&self, painter: &egui::Painter, rect: Rect) {
        let scale = egui::vec2(rect.width() / self.size[0] as f32, rect.height() / self.size[1] as f32);
        for ([left, top, width, height], texture) in &self.parts {
            let corner = rect.min + egui::vec2(*left as f32, *top as f32) * scale;
            let place = Rect::from_min_size(corner, egui::vec2(*width as f32, *height as f32) * scale);
            let all = Rect::from_min_max(egui::Pos2::ZERO, pos2(1.0, 1.0));
            painter.image(texture.id(), place, all, Color32::WHITE);
        }
    }
}

/// The pictures of some parts; a single part is the picture itself and is not copied.
fn crop(size: [usize; 2], pixels: Vec<Color32>, parts: &[[usize; 4]]) -> Vec<([usize; 4], ColorImage)> {
    if let [part @ [0, 0, width, height]] = *parts
        && [width, height] == size
    {
        return vec![(part, ColorImage::new(size, pixels))];
    }
    let cut = |&part: &[usize; 4]| {
        let [left, top, width, height] = part;
        let rows = pixels.chunks_exact(size[0]).skip(top).take(height);
        let inside = rows.flat_map(|row| &row[left..left + width]).copied().collect();
        (part, ColorImage::new([width, height], inside))
    };
    parts.iter().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_large_picture_once() {
        let parts = cut([20, 9], 8);
        assert_eq!(parts.len(), 6);
        assert!(parts.iter().all(|[_, _, w, h]| *w <= 8 && *h <= 8));
        assert_eq!(parts.iter().map(|[_, _, w, h]| w * h).sum::<usize>(), 180);
        let pixels: Vec<Color32> = (0..180).map(|n| Color32::from_gray(n as u8)).collect();
        let cut = crop([20, 9], pixels, &parts);
        assert_eq!(cut[5].1.pixels, [176, 177, 178, 179].map(Color32::from_gray));
    }
}

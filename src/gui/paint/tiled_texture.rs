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

/// Where a part of a picture of a size lies when the whole fills a rectangle, mirrored left to right and top to bottom.
pub fn place_of(part: [usize; 4], size: [usize; 2], rect: Rect, flips: [bool; 2]) -> Rect {
    let [left, top, width, height] = part;
    let scale = egui::vec2(rect.width() / size[0] as f32, rect.height() / size[1] as f32);
    let first = |from: usize, length: usize, whole: usize, is_flipped: bool| {
        if is_flipped { whole.saturating_sub(from + length) } else { from }
    };
    let at = [first(left, width, size[0], flips[0]), first(top, height, size[1], flips[1])];
    let corner = rect.min + egui::vec2(at[0] as f32, at[1] as f32) * scale;
    Rect::from_min_size(corner, egui::vec2(width as f32, height as f32) * scale)
}

/// The whole of a texture, from the other side where it is mirrored.
pub fn seen_part([across, down]: [bool; 2]) -> Rect {
    let ends = |is_flipped: bool| if is_flipped { (1.0, 0.0) } else { (0.0, 1.0) };
    let ((left, right), (top, bottom)) = (ends(across), ends(down));
    Rect { min: pos2(left, top), max: pos2(right, bottom) }
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

    /// Paints it into a rectangle, mirrored left to right and top to bottom, as far as the painter's clip shows it.
    pub fn paint(&self, painter: &egui::Painter, rect: Rect, flips: [bool; 2]) {
        self.paint_faint(painter, rect, flips, 1.0);
    }

    /// The same with an opacity.
    pub fn paint_faint(&self, painter: &egui::Painter, rect: Rect, flips: [bool; 2], opacity: f32) {
        let tint = Color32::WHITE.gamma_multiply(opacity);
        for (part, texture) in &self.parts {
            painter.image(texture.id(), place_of(*part, self.size, rect, flips), seen_part(flips), tint);
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
    fn parts_of_a_mirrored_picture_change_sides() {
        let rect = Rect::from_min_size(pos2(10.0, 0.0), egui::vec2(200.0, 90.0));
        let place = |flips| place_of([16, 0, 4, 8], [20, 9], rect, flips);
        assert_eq!(place([false; 2]), Rect::from_min_size(pos2(170.0, 0.0), egui::vec2(40.0, 80.0)));
        assert_eq!(place([true, true]), Rect::from_min_size(pos2(10.0, 10.0), egui::vec2(40.0, 80.0)));
        assert_eq!(seen_part([true, false]), Rect { min: pos2(1.0, 0.0), max: pos2(0.0, 1.0) });
    }

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

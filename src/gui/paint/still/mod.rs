//! Parts of the window that look as they did a frame ago, kept as a picture instead of being painted again.
//!
//! While a slice is scrolled or painted the panels beside it stay as they are, and without a graphics card their text
//! and fills cost as much as the slices do. They are cut into bands, and what a band shows is compared shape by shape in
//! every frame: a band that changed is painted by egui as ever, one that did not is copied.

mod bands;
mod device;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use eframe::egui_wgpu::RenderState;

use crate::gui::egui;
use crate::gui::theme;
use bands::{bands, seen, take_apart};
use device::{OnDevice, Still, Waiting, copied};
use egui::epaint::{ClippedPrimitive, ClippedShape, Primitive, Shape};
use egui::{Color32, Rect, TextureId, TexturesDelta};

/// Pictures inside a part (thumbnails) of at most this many pixels are known here; parts with others are not kept.
const MOST_PIXELS: usize = 128 * 128;

/// Prepares a window; must come before the first frame.
pub fn install(context: &egui::Context, state: &RenderState) {
    if state.target_format.is_srgb() {
        // The window's ground is cleared in another shade there than it is painted.
        return;
    }
    let textures = Arc::new(Mutex::new(Vec::new()));
    let kept = OnDevice::new(&state.device, state.target_format, textures.clone());
    state.renderer.write().callback_resources.insert(kept);
    context.add_plugin(Stills::new(textures));
}

/// Says that what lies within `area` (points) seldom changes. The window's ground is all that may lie behind it.
pub fn keep(context: &egui::Context, area: Rect) {
    context.with_plugin(|stills: &mut Stills| {
        if stills.areas.iter().all(|other| !other.shrink(1.0).intersects(area)) {
            stills.areas.push(area);
        }
    });
}

/// Turns keeping on or off, from the next frame on.
pub fn set_on(context: &egui::Context, on: bool) {
    context.with_plugin(|stills: &mut Stills| stills.on = on);
}

/// Of how many areas of the last frame all that they show was copied from the picture.
pub fn kept(context: &egui::Context) -> usize {
    let is_kept = |of_area: &[Part]| {
        let copies = of_area.iter().filter(|part| matches!(part.keeping, Keeping::As(_))).count();
        copies > 0 && copies == of_area.iter().filter(|part| !part.shapes.is_empty()).count()
    };
    let count = |stills: &mut Stills| stills.parts.chunk_by(|a, b| a.of == b.of).filter(|parts| is_kept(parts)).count();
    context.with_plugin(count).unwrap_or(0)
}

/// The parts of a window.
struct Stills {
    textures: Waiting,
    /// Textures the device knows.
    known: HashSet<TextureId>,
    /// What this frame's code said of itself.
    areas: Vec<Rect>,
    parts: Vec<Part>,
    /// The colour of the window's ground in the last frame.
    ground: Option<Color32>,
    /// Whether anything is kept.
    on: bool,
}

/// A band of an area as it was in the last frame.
struct Part {
    /// Which area of the frame it is of.
    of: usize,
    area: Rect,
    shapes: Vec<ClippedShape>,
    keeping: Keeping,
}

#[derive(Clone)]
enum Keeping {
    /// It was new in the last frame.
    Not,
    /// It shows what cannot be kept.
    Never,
    As(Arc<Still>),
}

impl egui::Plugin for Stills {
    fn debug_name(&self) -> &'static str {
        "stills"
    }

    fn on_begin_pass(&mut self, _: &mut egui::Ui) {
        self.areas.clear();
    }

    fn output_hook(&mut self, context: &egui::Context, output: &mut egui::FullOutput) {
        self.follow_textures(&output.textures_delta);
        let ground = theme::clear_colour(&context.global_style().visuals);
        if self.ground.replace(ground) != Some(ground) || !self.on {
            self.parts.clear();
        }
        if !self.on {
            return;
        }
        let mut shapes = std::mem::take(&mut output.shapes);
        // What shows nothing would still part its neighbours into two calls of the device.
        shapes.retain(|shape| seen(shape).is_positive());
        let (bands, of_areas) = bands(&self.areas);
        let (mut taken, rest) = take_apart(shapes, &self.areas, &bands, &of_areas);
        let last = std::mem::take(&mut self.parts);
        for (of, of_area) in of_areas.into_iter().enumerate() {
            // Bands that follow one another are copied at once.
            let mut run = Vec::new();
            for n in of_area {
                let (area, shapes) = (bands[n], std::mem::take(&mut taken[n]));
                let keeping = match last.iter().find(|part| part.area == area && part.shapes == shapes) {
                    None => Keeping::Not,
                    Some(Part { keeping: Keeping::Not, .. }) => {
                        self.still(context, area, &shapes, ground, output.pixels_per_point)
                    }
                    Some(part) => part.keeping.clone(),
                };
                match &keeping {
                    Keeping::As(still) => run.push(still.clone()),
                    _ => {
                        output.shapes.extend(copied(std::mem::take(&mut run)));
                        output.shapes.extend_from_slice(&shapes);
                    }
                }
                self.parts.push(Part { of, area, shapes, keeping });
            }
            output.shapes.extend(copied(run));
        }
        output.shapes.extend(rest);
    }
}

impl Stills {
    fn new(textures: Waiting) -> Self {
        Self { textures, known: HashSet::new(), areas: Vec::new(), parts: Vec::new(), ground: None, on: true }
    }

    fn follow_textures(&mut self, delta: &TexturesDelta) {
        let textures = self.textures.clone();
        let mut waiting = textures.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, image) in delta.set.iter().flat_map(|(id, images)| images.iter().map(move |image| (id, image))) {
            let font = *id == TextureId::default();
            let whole = image.pos.is_none();
            if whole && self.known.contains(id) {
                // Positions in the font's picture are shares of its size; other pictures look different now.
                self.forget(*id);
                waiting.retain(|(other, _)| other != id);
            }
            let [width, height] = image.image.size();
            if font || (whole && width * height <= MOST_PIXELS) {
                self.known.insert(*id);
                waiting.push((*id, Some(image.clone())));
            } else if self.known.remove(id) {
                self.forget(*id);
                waiting.push((*id, None));
            }
        }
        for id in &delta.free {
            if self.known.remove(id) {
                waiting.push((*id, None));
            }
        }
    }

    /// Drops what was kept with a texture.
    fn forget(&mut self, texture: TextureId) {
        self.parts.retain(|part| !matches!(&part.keeping, Keeping::As(still) if still.shows(texture)));
    }

    /// What the device needs to keep a part.
    fn still(
        &self,
        context: &egui::Context,
        area: Rect,
        shapes: &[ClippedShape],
        ground: Color32,
        pixels_per_point: f32,
    ) -> Keeping {
        if shapes.is_empty() {
            return Keeping::Never;
        }
        // Larger than the area, so that its edge is not softened.
        let ground = Shape::rect_filled(area.expand(2.0), 0.0, ground);
        let mut all = vec![ClippedShape { clip_rect: area, shape: ground }];
        all.extend_from_slice(shapes);
        let primitives = context.tessellate(all, pixels_per_point);
        let known = |primitive: &ClippedPrimitive| match &primitive.primitive {
            Primitive::Mesh(mesh) => self.known.contains(&mesh.texture_id),
            Primitive::Callback(_) => false,
        };
        let painted = shapes.iter().fold(Rect::NOTHING, |all, shape| all.union(seen(shape)));
        if !painted.is_positive() || !primitives.iter().all(known) {
            return Keeping::Never;
        }
        // Soft edges reach a pixel further, and underlines a little.
        let rect = painted.expand(2.0 + 2.0 / pixels_per_point).intersect(area);
        Keeping::As(Arc::new(Still::new(rect, primitives)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of a window with one kept area: the number of shapes of each, and of copies among them.
    fn frames(texts: &[&str]) -> Vec<(usize, usize)> {
        let context = egui::Context::default();
        context.add_plugin(Stills::new(Waiting::default()));
        let frame = |text: &&str| {
            let output = context.run_ui(egui::RawInput::default(), |ui| {
                let shown = egui::Panel::left("panel").show(ui, |ui| {
                    ui.label(*text);
                    ui.label("below");
                });
                keep(ui.ctx(), shown.response.rect);
            });
            let copies = output.shapes.iter().filter(|s| matches!(s.shape, Shape::Callback(_))).count();
            let count = (output.shapes.len(), copies);
            output.drop_without_applying_deltas();
            count
        };
        texts.iter().map(frame).collect()
    }

    #[test]
    fn a_small_picture_that_changes_elsewhere_leaves_the_parts_alone() {
        let context = egui::Context::default();
        context.add_plugin(Stills::new(Waiting::default()));
        let picture = |grey| egui::ColorImage::filled([4, 4], Color32::from_gray(grey));
        let mut beside = context.load_texture("labels", picture(0), egui::TextureOptions::NEAREST);
        let mut within = context.load_texture("thumbnail", picture(0), egui::TextureOptions::NEAREST);
        let mut kept_of = |of_beside: u8, of_within: u8| {
            if of_beside > 0 {
                beside.set(picture(of_beside), egui::TextureOptions::NEAREST);
            }
            if of_within > 0 {
                within.set(picture(of_within), egui::TextureOptions::NEAREST);
            }
            let output = context.run_ui(egui::RawInput::default(), |ui| {
                let shown = egui::Panel::left("panel").show(ui, |ui| ui.image((within.id(), egui::vec2(9.0, 9.0))));
                keep(ui.ctx(), shown.response.rect);
                ui.image((beside.id(), egui::vec2(9.0, 9.0)));
            });
            output.drop_without_applying_deltas();
            let is_kept = |part: &&Part| matches!(part.keeping, Keeping::As(_));
            context.with_plugin(|stills: &mut Stills| stills.parts.iter().filter(is_kept).count()).unwrap()
        };
        (0..6).for_each(|_| _ = kept_of(0, 0));
        let all = kept_of(0, 0);
        assert!(all > 0);
        assert_eq!([kept_of(1, 0), kept_of(2, 0), kept_of(0, 1), kept_of(0, 0)], [all, all, all - 1, all]);
    }

    #[test]
    fn a_part_is_copied_until_it_changes() {
        // The first frames of a context settle its layout.
        let seen = frames(&["a", "a", "a", "a", "a", "a", "b", "b", "b"]);
        let copies: Vec<usize> = seen.iter().map(|(_, copies)| *copies).collect();
        assert_eq!(copies[5..], [1, 1, 1, 1], "{seen:?}");
        assert!(seen[5].0 < seen[6].0, "{seen:?}");
    }
}

//! Pictures before they are on the graphics device.

use std::sync::Arc;

/// A small picture. Clones share their pixels, and the address of those tells one picture from another.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Columns and rows.
    pub size: [usize; 2],
    /// Red, green, blue, opacity, row by row; not premultiplied.
    pub rgba: Arc<Vec<u8>>,
}

impl Picture {
    /// Of grey values.
    pub fn from_grey(size: [usize; 2], grey: &[u8]) -> Self {
        Self { size, rgba: Arc::new(grey.iter().flat_map(|&v| [v, v, v, u8::MAX]).collect()) }
    }

    /// Whether it is the same picture.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.rgba, &other.rgba)
    }
}

/// A held-back slice with the true labels and the model's.
#[derive(Debug, Clone)]
pub struct PreviewPicture {
    /// The case.
    pub name: String,
    /// Width over height of a picture in millimetres.
    pub aspect: f32,
    /// With the true labels.
    pub truth: Picture,
    /// With the model's.
    pub predicted: Picture,
}

/// Share of a label's colour over the grey value.
const OPACITY: f32 = 0.5;
/// Longest side of a picture; larger slices are thinned.
const MOST_PIXELS: usize = 1024;

impl PreviewPicture {
    /// Paints a slice twice.
    pub fn new(preview: crate::learn::Preview) -> Self {
        let [rows, columns] = preview.size;
        let [row_mm, column_mm] = preview.pixel_mm;
        let aspect = (columns as f64 * column_mm / (rows as f64 * row_mm)) as f32;
        let step = rows.max(columns).div_ceil(MOST_PIXELS).max(1);
        let size = [columns.div_ceil(step), rows.div_ceil(step)];
        let paint = |labels: &[u16]| {
            let place = |n: usize| n / size[0] * step * columns + n % size[0] * step;
            let pixel = |n: usize| coloured(preview.grey[place(n)], labels[place(n)]);
            Picture { size, rgba: Arc::new((0..size[0] * size[1]).flat_map(pixel).collect()) }
        };
        let (truth, predicted) = (paint(&preview.truth), paint(&preview.predicted));
        Self { name: preview.name, aspect, truth, predicted }
    }
}

fn coloured(grey: u8, label: u16) -> [u8; 4] {
    if label == 0 {
        return [grey, grey, grey, u8::MAX];
    }
    let mix = |c: u8| (f32::from(c) * OPACITY + f32::from(grey) * (1.0 - OPACITY)) as u8;
    let [r, g, b] = crate::volume::default_colour(label).map(mix);
    [r, g, b, u8::MAX]
}

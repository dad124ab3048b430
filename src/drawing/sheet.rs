//! Many slices of a scan in one figure, as papers print them: rows of tiles with positions, a scale bar and the names of labels.

use std::collections::BTreeSet;

use super::place::PictureSize;
use super::scale_bar::{bar_mm, bar_name};
use super::slice::{Look, picture};
use super::text;
use crate::formats::RgbPicture;
use crate::volume::{Geometry, Label, LabelMap, LabelTable, Plane, PlaneLayout, Volume};
use crate::work::numbers::real;
use crate::work::{Stopped, Watch};

/// Height of letters in points of a printer.
const POINTS: f32 = 7.0;
/// Points in an inch.
const POINTS_PER_INCH: f32 = 72.0;
/// Narrowest tile, in pixels.
const NARROWEST: usize = 16;
/// Most pixels of a sheet.
const MOST_PIXELS: usize = 200_000_000;
/// Share of a tile's width that the scale bar may have.
const BAR_SHARE: f32 = 0.5;

/// What lies behind the tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ground {
    /// As paper.
    #[default]
    White,
    /// As the views.
    Black,
}

impl Ground {
    /// Red, green and blue of the ground, and of what is written on it.
    pub fn colours(self) -> ([u8; 3], [u8; 3]) {
        match self {
            Self::White => ([255; 3], [0; 3]),
            Self::Black => ([0; 3], [0xE6; 3]),
        }
    }
}

/// What is drawn besides the tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "switches that the user sets one by one")]
pub struct SheetParts {
    /// The position of every slice below it.
    pub captions: bool,
    /// Which side is which, in the first tile.
    pub letters: bool,
    /// A scale bar.
    pub bar: bool,
    /// Names and colours of the labels in the slices.
    pub legend: bool,
}

/// A sheet that is to be drawn.
pub struct SheetPlan {
    /// Which slices: their plane.
    pub plane: Plane,
    /// Whether tiles are mirrored across and down.
    pub flips: [bool; 2],
    /// The frame.
    pub frame: usize,
    /// Which slices: their numbers, in the order of the tiles.
    pub slices: Vec<usize>,
    /// Tiles in a row.
    pub columns: usize,
    /// Pixels of the sheet across.
    pub width: usize,
    /// Pixels in an inch, by which letters are as large as in print.
    pub dots_per_inch: f32,
    /// What lies behind.
    pub ground: Ground,
    /// What is drawn besides.
    pub parts: SheetParts,
    /// How a slice is shown; its size is the tile's.
    pub look: Look,
}

/// A sheet.
pub struct Sheet {
    /// Its pixels.
    pub picture: RgbPicture,
    /// Left, top, width and height of the tiles, in the order of the slices.
    pub tiles: Vec<[usize; 4]>,
    /// Left, top, and length in pixels and millimetres of the scale bar.
    pub bar: Option<([usize; 2], usize, f32)>,
    /// What the user must be told.
    pub notes: Vec<String>,
}

/// Why a sheet cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The user stopped it.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// There is nothing to draw.
    #[error("no slice is chosen")]
    NoSlices,
    /// A slice that is not there.
    #[error("there is no slice {0}: there are {1}, counted from 0")]
    NoSuchSlice(usize, usize),
    /// Tiles would be too small.
    #[error("{columns} tiles beside each other do not fit into {width} pixels; choose fewer columns or a wider sheet")]
    TooNarrow {
        /// Tiles in a row.
        columns: usize,
        /// Pixels across.
        width: usize,
    },
    /// The picture would be too large.
    #[error(
        "a sheet of {0} x {1} pixels is larger than can be drawn; choose fewer slices, more columns or fewer dots per inch"
    )]
    TooLarge(usize, usize),
}

/// Lengths of a sheet in pixels.
struct Lengths {
    text: f32,
    gap: usize,
    line: usize,
    tile: [usize; 2],
    caption: usize,
}

impl Lengths {
    fn new(plan: &SheetPlan, columns: usize, layout: &PlaneLayout, geometry: &Geometry) -> Result<Self, SheetError> {
        let text = POINTS * plan.dots_per_inch / POINTS_PER_INCH;
        let gap = ((text / 2.0).round() as usize).max(1);
        let too_narrow = SheetError::TooNarrow { columns, width: plan.width };
        let room = plan.width.checked_sub(gap * (columns + 1)).map(|room| room / columns);
        let Some(width) = room.filter(|width| *width >= NARROWEST) else { return Err(too_narrow) };
        let tile = PictureSize::Width(width).of(layout, geometry);
        let [across, down, _] = layout.pixel_mm(geometry);
        let height = (width as f64 * real(layout.size[1]) * down / (real(layout.size[0]) * across)).round() as usize;
        // A tile that is cut to the largest picture has no square pixels.
        if tile != [width, height.max(1)] {
            return Err(SheetError::TooLarge(width * columns, height));
        }
        let line = text::line_height(text).ceil() as usize;
        Ok(Self { text, gap, line, tile, caption: if plan.parts.captions { line } else { 0 } })
    }

    fn rows_height(&self, rows: usize) -> usize {
        self.gap + rows * (self.tile[1] + self.caption + self.gap)
    }

    /// Left and top of a tile.
    fn place(&self, n: usize, columns: usize) -> [usize; 2] {
        let (column, row) = (n % columns, n / columns);
        [self.gap + column * (self.tile[0] + self.gap), self.rows_height(row)]
    }
}

/// Draws a sheet.
///
/// # Errors
/// When there is nothing to draw, it does not fit, or the work was stopped.
pub fn sheet(
    volume: &Volume,
    (labels, table): (&LabelMap, &LabelTable),
    plan: &SheetPlan,
    watch: Watch,
) -> Result<Sheet, SheetError> {
    let layout = PlaneLayout::new(&volume.geometry, plan.plane).mirrored(plan.flips);
    let count = layout.size[2];
    if plan.slices.is_empty() {
        return Err(SheetError::NoSlices);
    }
    if let Some(wrong) = plan.slices.iter().find(|slice| **slice >= count) {
        return Err(SheetError::NoSuchSlice(*wrong, count));
    }
    let columns = plan.columns.clamp(1, plan.slices.len());
    let lengths = Lengths::new(plan, columns, &layout, &volume.geometry)?;
    let rows = plan.slices.len().div_ceil(columns);
    let named = if plan.parts.legend && plan.look.labels {
        shown_labels(labels, table, &layout, &plan.slices)
    } else {
        Vec::new()
    };
    let width = 2 * lengths.gap + columns * lengths.tile[0] + (columns - 1) * lengths.gap;
    let legend = Legend::new(&named, &lengths, width);
    let is_measured = plan.parts.bar && !volume.geometry.is_size_assumed();
    let foot = (if is_measured { lengths.line + lengths.gap } else { 0 }) + legend.height(&lengths);
    let height = lengths.rows_height(rows) + foot;
    if width.saturating_mul(height) > MOST_PIXELS {
        return Err(SheetError::TooLarge(width, height));
    }
    let (ground, ink) = plan.ground.colours();
    let mut whole = RgbPicture { width, height, rgb: ground.repeat(width * height) };
    let look = Look { size: PictureSize::Width(lengths.tile[0]), text: false, ..plan.look.clone() };
    let mut tiles = Vec::new();
    for (n, slice) in plan.slices.iter().copied().enumerate() {
        watch.at(crate::work::numbers::share(n, plan.slices.len()))?;
        let tile = picture(volume, labels, table, &layout, (plan.frame, slice), &look, None);
        let at = lengths.place(n, columns);
        paste(&mut whole, &tile, at);
        tiles.push([at[0], at[1], tile.width, tile.height]);
        if plan.parts.captions {
            let caption = caption(&volume.geometry, &layout, plan.plane, slice);
            let caption = text::cut(&caption, lengths.text, lengths.tile[0] as f32);
            text::write(&mut whole, [at[0] as f32, (at[1] + tile.height) as f32], &caption, lengths.text, ink);
        }
    }
    if plan.parts.letters {
        write_letters(&mut whole, &lengths, layout.letters);
    }
    let mut top = lengths.rows_height(rows);
    let bar = is_measured.then(|| draw_bar(&mut whole, &lengths, &layout, &volume.geometry, (top, ink))).flatten();
    top += if is_measured { lengths.line + lengths.gap } else { 0 };
    legend.draw(&mut whole, &lengths, (top, ink));
    Ok(Sheet { picture: whole, tiles, bar, notes: notes(plan, volume, &named) })
}

/// What is left out, and why.
fn notes(plan: &SheetPlan, volume: &Volume, named: &[&Label]) -> Vec<String> {
    let mut notes = Vec::new();
    if plan.parts.bar && volume.geometry.is_size_assumed() {
        notes.push("Nobody knows how large a voxel is, so the sheet has no scale bar.".into());
    }
    let lacking: BTreeSet<char> = named.iter().flat_map(|label| text::missing(&label.name)).collect();
    if !lacking.is_empty() {
        let letters: String = lacking.into_iter().collect();
        notes.push(format!("Letters of names that cannot be drawn: {letters}"));
    }
    notes
}

/// Labels that are seen in the slices, in the order of the table.
fn shown_labels<'a>(
    labels: &LabelMap,
    table: &'a LabelTable,
    layout: &PlaneLayout,
    slices: &[usize],
) -> Vec<&'a Label> {
    let (mut seen, mut values) = (BTreeSet::new(), Vec::new());
    for slice in slices {
        layout.read_labels(labels, *slice, &mut values);
        seen.extend(values.iter().copied());
    }
    table.0.iter().filter(|label| label.visible && seen.contains(&label.value)).collect()
}

/// Where a slice lies in the patient, as the status line says it; its number where nobody knows how large voxels are.
pub fn caption(geometry: &Geometry, layout: &PlaneLayout, plane: Plane, slice: usize) -> String {
    if geometry.is_size_assumed() {
        return format!("Slice {}", slice + 1);
    }
    let [columns, rows, _] = layout.size;
    let middle = layout.point_in_voxel(real(columns) / 2.0, real(rows) / 2.0, slice);
    let at = geometry.world_from_voxel().point(middle)[plane.world_axis()];
    let letters = [['L', 'R'], ['P', 'A'], ['I', 'S']][plane.world_axis()];
    format!("{} {:.1} mm", letters[usize::from(at >= 0.0)], at.abs())
}

fn paste(whole: &mut RgbPicture, tile: &RgbPicture, [left, top]: [usize; 2]) {
    for (y, row) in tile.rgb.chunks_exact(3 * tile.width.max(1)).enumerate() {
        let first = 3 * ((top + y) * whole.width + left);
        if let Some(target) = whole.rgb.get_mut(first..first + row.len()) {
            target.copy_from_slice(row);
        }
    }
}

/// The letters of the left and right side, in the first tile.
fn write_letters(whole: &mut RgbPicture, lengths: &Lengths, letters: [char; 4]) {
    let [left, top] = [lengths.gap as f32, lengths.gap as f32];
    let [width, height] = lengths.tile.map(|side| side as f32);
    let pad = lengths.text / 4.0;
    let middle = top + (height - lengths.line as f32) / 2.0;
    for (n, letter) in letters.into_iter().take(2).enumerate() {
        let letter = letter.to_string();
        let x = if n == 0 { left + pad } else { left + width - pad - text::width(&letter, lengths.text) };
        // Over tissue, a letter is read with a dark rim.
        for shift in [[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]] {
            text::write(whole, [x + shift[0], middle + shift[1]], &letter, lengths.text, [0; 3]);
        }
        text::write(whole, [x, middle], &letter, lengths.text, [255; 3]);
    }
}

/// A bar at the foot, with its length beside it.
fn draw_bar(
    whole: &mut RgbPicture,
    lengths: &Lengths,
    layout: &PlaneLayout,
    geometry: &Geometry,
    (top, ink): (usize, [u8; 3]),
) -> Option<([usize; 2], usize, f32)> {
    let slice_mm = (real(layout.size[0]) * layout.pixel_mm(geometry)[0]) as f32;
    let pixel_mm = slice_mm / lengths.tile[0] as f32;
    let mm = bar_mm(slice_mm * BAR_SHARE)?;
    let length = (mm / pixel_mm).round() as usize;
    let thick = ((lengths.text / 5.0).round() as usize).max(2);
    let at = [lengths.gap, top + (lengths.line.saturating_sub(thick)) / 2];
    fill(whole, at, [length, thick], ink);
    let left = (at[0] + length + lengths.gap) as f32;
    text::write(whole, [left, top as f32], &bar_name(mm), lengths.text, ink);
    Some((at, length, mm))
}

fn fill(whole: &mut RgbPicture, [left, top]: [usize; 2], [width, height]: [usize; 2], colour: [u8; 3]) {
    for y in top..(top + height).min(whole.height) {
        let first = 3 * (y * whole.width + left.min(whole.width));
        let end = 3 * (y * whole.width + (left + width).min(whole.width));
        if let Some(row) = whole.rgb.get_mut(first..end) {
            row.chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&colour));
        }
    }
}

/// Names and colours of labels, in rows.
struct Legend {
    /// Left in pixels, row, colour and name.
    entries: Vec<(usize, usize, [u8; 3], String)>,
    rows: usize,
}

impl Legend {
    fn new(labels: &[&Label], lengths: &Lengths, width: usize) -> Self {
        let room = width.saturating_sub(2 * lengths.gap);
        let (mut entries, mut left, mut row) = (Vec::new(), 0, 0);
        for label in labels {
            let square = lengths.text as usize + lengths.gap;
            let name = text::cut(&label.name, lengths.text, room.saturating_sub(square) as f32);
            let own = square + text::width(&name, lengths.text).ceil() as usize;
            if left > 0 && left + own > room {
                (left, row) = (0, row + 1);
            }
            entries.push((lengths.gap + left, row, label.colour, name));
            left += own + 3 * lengths.gap;
        }
        let rows = if entries.is_empty() { 0 } else { row + 1 };
        Self { entries, rows }
    }

    fn height(&self, lengths: &Lengths) -> usize {
        if self.rows == 0 { 0 } else { self.rows * lengths.line + lengths.gap }
    }

    fn draw(&self, whole: &mut RgbPicture, lengths: &Lengths, (top, ink): (usize, [u8; 3])) {
        let side = lengths.text as usize;
        for (left, row, colour, name) in &self.entries {
            let top = top + row * lengths.line;
            fill(whole, [*left, top + (lengths.line.saturating_sub(side)) / 2], [side, side], *colour);
            let at = [(left + side) as f32 + lengths.gap as f32, top as f32];
            text::write(whole, at, name, lengths.text, ink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Rescale, Voxels, Window};
    use std::sync::Arc;

    /// 40 x 30 x 12 voxels of 0.5 x 1.2 x 3 mm.
    fn scan() -> Volume {
        let columns = [[-0.5, 0.0, 0.0], [0.0, -1.2, 0.0], [0.0, 0.0, 3.0]];
        let geometry = Geometry::new([40, 30, 12], Affine::from_columns(columns, [10.0, 18.0, -9.0])).unwrap();
        let voxels = (0..40 * 30 * 12u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Volume::new(geometry, Voxels::U8(Arc::new(voxels)), vec![], Rescale::IDENTITY, String::new())
    }

    fn plan(plane: Plane, slices: Vec<usize>) -> SheetPlan {
        SheetPlan {
            plane,
            flips: [false; 2],
            frame: 0,
            slices,
            columns: 3,
            width: 900,
            dots_per_inch: 150.0,
            ground: Ground::White,
            parts: SheetParts { captions: true, letters: false, bar: true, legend: true },
            look: Look { opacity: 0.5, outline: true, ..Look::plain(Window { level: 128.0, width: 256.0 }) },
        }
    }

    fn labelled(scan: &Volume) -> (LabelMap, LabelTable) {
        let labels = LabelMap::from_fn(scan.geometry.clone(), |[i, j, k]| {
            u16::from(i > 10 && i < 20 && j > 5 && j < 25) * if k < 6 { 1 } else { 2 }
        });
        let mut table =
            LabelTable(vec![Label::new(1, "Anterior"), Label::new(2, "Posterior"), Label::new(3, "Nowhere")]);
        (table.0[0].colour, table.0[1].colour) = ([255, 0, 0], [0, 200, 0]);
        (labels, table)
    }

    fn part(whole: &RgbPicture, [left, top, width, height]: [usize; 4]) -> Vec<u8> {
        let row = |y: usize| whole.rgb[3 * (y * whole.width + left)..][..3 * width].to_vec();
        (top..top + height).flat_map(row).collect()
    }

    #[test]
    fn tiles_are_the_slices_as_the_same_compositor_draws_them() {
        let scan = scan();
        let (labels, table) = labelled(&scan);
        for plane in Plane::ALL {
            let plan = plan(plane, vec![1, 4, 7, 10]);
            let sheet = sheet(&scan, (&labels, &table), &plan, Watch::unwatched()).unwrap();
            assert_eq!(sheet.tiles.len(), 4);
            let layout = PlaneLayout::new(&scan.geometry, plane);
            for (tile, slice) in sheet.tiles.iter().zip(&plan.slices) {
                let look = Look { size: PictureSize::Width(tile[2]), ..plan.look.clone() };
                let alone = picture(&scan, &labels, &table, &layout, (0, *slice), &look, None);
                assert_eq!([alone.width, alone.height], [tile[2], tile[3]]);
                assert!(part(&sheet.picture, *tile) == alone.rgb, "{plane:?} {slice}");
            }
            // Side by side, and the fourth below the first.
            assert_eq!((sheet.tiles[0][1], sheet.tiles[0][0]), (sheet.tiles[1][1], sheet.tiles[3][0]));
            assert!(sheet.tiles[3][1] > sheet.tiles[0][1] + sheet.tiles[0][3]);
        }
    }

    #[test]
    fn the_bar_is_as_long_as_it_says_where_voxels_are_long() {
        let scan = scan();
        let (labels, table) = labelled(&scan);
        // Coronal tiles are 40 voxels of 0.5 mm wide and 12 of 3 mm high; sagittal ones 30 of 1.2 mm wide.
        for (plane, width_mm, height_mm) in [(Plane::Coronal, 20.0, 36.0), (Plane::Sagittal, 36.0, 36.0)] {
            let sheet = sheet(&scan, (&labels, &table), &plan(plane, vec![3]), Watch::unwatched()).unwrap();
            let [_, _, width, height] = sheet.tiles[0];
            assert!((width as f64 / height as f64 - width_mm / height_mm).abs() < 0.01);
            let ([left, top], length, mm) = sheet.bar.unwrap();
            assert!(mm == 10.0, "{mm}");
            let row = part(&sheet.picture, [0, top, sheet.picture.width, 1]);
            let dark = row.chunks_exact(3).skip(left).take_while(|pixel| **pixel == [0; 3]).count();
            assert_eq!(dark, length);
            let wanted = 10.0 / (width_mm / width as f64);
            assert!((length as f64 - wanted).abs() <= 0.5, "{length} {wanted}");
        }
    }

    #[test]
    fn captions_say_where_slices_lie_and_the_legend_what_is_seen() {
        let scan = scan();
        let (labels, table) = labelled(&scan);
        let layout = |plane| PlaneLayout::new(&scan.geometry, plane);
        let said = |plane, slice| caption(&scan.geometry, &layout(plane), plane, slice);
        // Slices grow towards the head, the front and the right.
        assert_eq!([said(Plane::Axial, 0), said(Plane::Axial, 11)], ["I 9.0 mm", "S 24.0 mm"]);
        assert_eq!([said(Plane::Sagittal, 39), said(Plane::Sagittal, 0)], ["R 10.0 mm", "L 9.5 mm"]);
        assert_eq!(said(Plane::Coronal, 29), "A 18.0 mm");
        let names = |slices: &[usize]| {
            let of = shown_labels(&labels, &table, &layout(Plane::Axial), slices);
            of.into_iter().map(|label| label.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!([names(&[1]), names(&[1, 8])], [vec!["Anterior"], vec!["Anterior", "Posterior"]]);
        let with = |legend: bool| {
            let mut plan = plan(Plane::Axial, vec![1, 8]);
            plan.parts.legend = legend;
            sheet(&scan, (&labels, &table), &plan, Watch::unwatched()).unwrap().picture
        };
        let (plain, named) = (with(false), with(true));
        assert!(named.height > plain.height);
        let squares = part(&named, [0, plain.height, named.width, named.height - plain.height]);
        let of = |colour: [u8; 3]| squares.chunks_exact(3).filter(|pixel| **pixel == colour).count();
        assert!(of([255, 0, 0]) > 100 && of([255, 0, 0]) == of([0, 200, 0]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let scan = scan();
        let (labels, table) = labelled(&scan);
        let drawn = |plan: &SheetPlan| {
            sheet(&scan, (&labels, &table), plan, Watch::unwatched()).map(|_| ()).map_err(|error| error.to_string())
        };
        assert!(drawn(&plan(Plane::Axial, vec![])).unwrap_err().contains("no slice"));
        assert!(drawn(&plan(Plane::Axial, vec![12])).unwrap_err().contains("no slice 12: there are 12"));
        assert!(
            drawn(&SheetPlan { width: 60, ..plan(Plane::Axial, vec![1, 2, 3]) }).unwrap_err().contains("fewer columns")
        );
        let huge = SheetPlan { width: 90_000, columns: 1, ..plan(Plane::Axial, vec![1; 9]) };
        assert!(drawn(&huge).unwrap_err().contains("larger than can be drawn"));
    }
}

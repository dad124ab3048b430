//! The window that draws slices for papers: what is chosen, and a small picture of what comes of it.

use super::picture::Picture;
use super::servers::Said;
use crate::drawing::{Ground, SheetParts, SliceNumbers};
use crate::jobs::SliceContent;
use crate::session::{Revision, ScanId};
use crate::volume::{Plane, Window};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FigureKind {
    /// Many slices in one picture.
    #[default]
    Sheet,
    /// A picture for each slice.
    Files,
    /// A TIFF with a page for each slice.
    Stack,
}

impl FigureKind {
    /// In the order of the list, with its name and what it means.
    pub const ALL: [(Self, &str, &str); 3] = [
        (Self::Sheet, "Sheet", "Many slices in one picture, with positions, a scale bar and the names of the labels"),
        (Self::Files, "Files", "A picture for each slice, in a folder"),
        (Self::Stack, "Stack", "A TIFF with a page for each slice, which opens in ImageJ with its distances"),
    ];
}

/// Contents with their names and what they mean.
pub const CONTENTS: [(SliceContent, &str, &str); 4] = [
    (SliceContent::Overlay, "Image and labels", "In colours, as they are drawn here"),
    (SliceContent::Image, "Image", "Through the window of the view, 8 bits"),
    (SliceContent::Values, "Values", "The image's values: 8 or 16 bits, or single precision (TIFF)"),
    (SliceContent::Labels, "Label values", "The numbers of the labels, 8 or 16 bits"),
];

/// Dots per inch that can be chosen.
pub const DOTS: std::ops::RangeInclusive<u16> = 72..=1200;
/// Widths of a printed figure in millimetres that can be chosen.
pub const WIDTHS_MM: std::ops::RangeInclusive<f64> = 40.0..=400.0;
/// Millimetres in an inch.
const INCH_MM: f64 = 25.4;

/// What is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureForm {
    /// What is written.
    pub kind: FigureKind,
    /// What files and stacks show.
    pub content: SliceContent,
    /// Whether files are TIFF instead of PNG.
    pub is_tiff: bool,
    /// The plane of the slices.
    pub plane: Plane,
    /// Which slices, as typed, counted as the views count them.
    pub slices: String,
    /// Tiles in a row of a sheet.
    pub columns: usize,
    /// Width of the printed sheet in millimetres.
    pub width_mm: f64,
    /// Dots per inch of a sheet.
    pub dots: u16,
    /// What lies behind the tiles.
    pub ground: Ground,
    /// What is drawn besides the tiles.
    pub parts: SheetParts,
    /// Whether labels are drawn.
    pub labels: bool,
    /// Opacity of their fill.
    pub opacity: f32,
    /// Whether they have outlines.
    pub outline: bool,
}

impl FigureForm {
    /// A sheet of these slices, as typed.
    pub fn new(plane: Plane, slices: String, columns: usize, [opacity, outline]: [Option<f32>; 2]) -> Self {
        Self {
            kind: FigureKind::Sheet,
            content: SliceContent::Overlay,
            is_tiff: false,
            plane,
            slices,
            columns,
            width_mm: 174.0,
            dots: 300,
            ground: Ground::White,
            parts: SheetParts { captions: true, letters: true, bar: true, legend: true },
            labels: true,
            opacity: opacity.unwrap_or(0.0),
            outline: outline.is_some(),
        }
    }

    /// The numbers of the slices, counted from 0, where there are so many.
    ///
    /// # Errors
    /// What is wrong with what is typed, for the user.
    pub fn numbers(&self, count: usize) -> Result<Vec<usize>, String> {
        self.slices.parse::<SliceNumbers>()?.among(count, 1)
    }

    /// Pixels of a sheet across.
    pub fn width(&self) -> usize {
        (self.width_mm / INCH_MM * f64::from(self.dots)).round() as usize
    }

    /// Endings of the file that is asked for, the preferred one first; none where a folder is.
    pub fn endings(&self) -> Vec<&'static str> {
        match self.kind {
            FigureKind::Sheet => vec![".png", ".tif"],
            FigureKind::Stack => vec![".tif"],
            FigureKind::Files => Vec::new(),
        }
    }
}

/// What a preview was drawn of.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnOf {
    /// The choices.
    pub form: FigureForm,
    /// The scan.
    pub scan: ScanId,
    /// What its labels were.
    pub labels: Option<Revision>,
    /// The frame and the window of the view, and whether dark is bright.
    pub look: (usize, Window, bool),
}

/// All of the window.
#[derive(Debug, Default)]
pub struct Figures {
    /// What is chosen, while the window is open.
    pub form: Option<FigureForm>,
    /// The last choices, for the next time, and the scan that they were made for.
    pub last: Option<(ScanId, FigureForm)>,
    /// The last preview, and what it is of.
    pub preview: Option<(DrawnOf, Picture)>,
    /// What a preview is being drawn of.
    pub drawing: Option<DrawnOf>,
    /// Why there is no preview.
    pub problem: Option<String>,
    /// What came of writing.
    pub said: Option<Said>,
}

/// What the window asks for.
#[derive(Debug, Clone)]
pub enum FigureRequest {
    /// Close it.
    Close,
    /// What is chosen, changed.
    Form(Box<FigureForm>),
    /// Ask for a place and write.
    Save,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_counted_as_the_views_count_them() {
        let mut form = FigureForm::new(Plane::Axial, "1-9:4".into(), 3, [Some(0.4), None]);
        assert_eq!(form.numbers(9), Ok(vec![0, 4, 8]));
        form.slices = "0".into();
        assert!(form.numbers(9).unwrap_err().contains("counted from 1"));
        // 174 mm at 300 dots per inch.
        assert_eq!(form.width(), 2055);
        assert!(!form.outline && form.opacity > 0.3);
    }
}

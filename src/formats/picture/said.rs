//! What the files of a stack say besides their pixels, and what the user says of their size.

use std::path::{Path, PathBuf};

use super::pages::{Kind, SizeOfFile};
use super::tiff;
use crate::formats::error::{FormatError, Result};
use crate::formats::{GivenSize, SizeSaid};
use crate::volume::Rescale;

/// Sizes of pixels in the files of a stack that differ by less are the same.
const SAME_SIZE: f64 = 1e-4;
/// Most files of a stack that are named one by one.
const NAMED: usize = 4;

const SIZE_UNKNOWN: &str = "Pictures do not say how large a pixel is; 1 mm is assumed in all directions.";
const IN_PIXELS: &str =
    "Nobody knows how large a pixel is: it counts as 1 mm in all directions, so lengths and volumes count pixels.";

/// What the files of a stack say.
pub struct Said {
    pub mm: [f64; 3],
    pub size_known: bool,
    pub rescale: Rescale,
    pub inverted: bool,
    warnings: Vec<String>,
    /// Those about sizes.
    size_warnings: Vec<String>,
    pub header: Vec<(String, String)>,
}

impl Said {
    pub fn of(plan: &tiff::Plan) -> Self {
        Self {
            mm: plan.sizes.mm,
            size_known: plan.sizes.known,
            rescale: plan.rescale.clone(),
            inverted: plan.inverted,
            warnings: plan.warnings.clone(),
            size_warnings: plan.sizes.warnings.clone(),
            header: plan.header.clone(),
        }
    }

    pub fn of_png(size: SizeOfFile) -> Self {
        let (mm, size_known, warning) = match size.mm {
            [Some(x), Some(y), _] => {
                ([x, y, 1.0], true, format!("A pixel is taken as {x} x {y} mm, as the {} says.", size.origin))
            }
            _ => ([1.0; 3], false, SIZE_UNKNOWN.into()),
        };
        let size_warnings = vec![warning];
        Self {
            mm,
            size_known,
            rescale: Rescale::IDENTITY,
            inverted: false,
            warnings: Vec::new(),
            size_warnings,
            header: Vec::new(),
        }
    }

    /// Takes in what the next file of a stack says; each sentence once.
    pub fn join(&mut self, next: Self, path: &Path) -> Result<()> {
        if self.rescale != next.rescale {
            return Err(FormatError::unsupported(
                path,
                "the picture has another calibration than the first of its folder; open it by itself",
            ));
        }
        let differ = self.mm.iter().zip(next.mm).any(|(a, b)| (a / b - 1.0).abs() > SAME_SIZE);
        if differ || self.size_known != next.size_known {
            let warning = "The pictures do not agree on the size of a pixel; that of the first is used.";
            warn(&mut self.size_warnings, warning.into());
        }
        if self.inverted != next.inverted {
            let warning = "In some pictures small values are white, in others they are black; values are as stored.";
            warn(&mut self.warnings, warning.into());
        }
        next.warnings.into_iter().for_each(|warning| warn(&mut self.warnings, warning));
        if !differ {
            next.size_warnings.into_iter().for_each(|warning| warn(&mut self.size_warnings, warning));
        }
        Ok(())
    }

    /// Takes the size that the user says instead of what the files say or do not say.
    pub fn take(&mut self, given: Option<GivenSize>) {
        let Some(given) = given else { return };
        self.size_warnings.clear();
        match given {
            GivenSize::Millimetres(mm) => {
                let [x, y, z] = mm;
                self.header.push(("Voxel size".into(), format!("{x} x {y} x {z} mm, as the user says")));
                (self.mm, self.size_known) = (mm, true);
            }
            GivenSize::Pixels => {
                self.size_warnings.push(IN_PIXELS.into());
                (self.mm, self.size_known) = ([1.0; 3], false);
            }
        }
    }

    /// All that the user must be told.
    pub fn into_warnings(self) -> Vec<String> {
        let mut all = self.size_warnings;
        self.warnings.into_iter().for_each(|warning| warn(&mut all, warning));
        all
    }
}

fn warn(warnings: &mut Vec<String>, warning: String) {
    if !warnings.contains(&warning) {
        warnings.push(warning);
    }
}

/// What a stack's first file says of sizes, and which slices there are.
pub fn size_said(files: &[PathBuf], kind: Kind, of_file: SizeOfFile) -> SizeSaid {
    let slices = files.len().max(kind.slices);
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let order = match files {
        [one] if slices > 1 => format!("{slices} slices, in the order of the pages of {}", name(one)),
        [one] => name(one),
        many => {
            let count = many.len();
            let names: Vec<String> =
                many.iter().take(if count > NAMED { NAMED - 1 } else { NAMED }).map(name).collect();
            let last = many.last().filter(|_| count > NAMED).map(|last| format!(" ... {}", name(last)));
            format!("{count} files, in the order of their numbers: {}{}", names.join(", "), last.unwrap_or_default())
        }
    };
    let is_said = of_file.mm.iter().any(Option::is_some);
    SizeSaid { mm: of_file.mm, origin: if is_said { of_file.origin } else { "" }, slices, order, given: None }
}

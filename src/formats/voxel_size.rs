//! The size of a voxel, where files do not say it and the user does.

use std::str::FromStr;

/// Sizes in millimetres that a voxel can have.
const POSSIBLE_MM: std::ops::RangeInclusive<f64> = 1e-7..=1e4;

/// The size of a voxel, as the user says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GivenSize {
    /// In millimetres along columns, rows and slices.
    Millimetres([f64; 3]),
    /// Nobody knows it: lengths count pixels.
    Pixels,
}

/// What files say of the size of a voxel, where their format can be without it.
#[derive(Debug, Clone, PartialEq)]
pub struct SizeSaid {
    /// In millimetres along columns, rows and slices, as far as they say it.
    pub mm: [Option<f64>; 3],
    /// Where in the file that stands; empty where nothing does.
    pub origin: &'static str,
    /// How many slices there are.
    pub slices: usize,
    /// Which slices there are, in their order, for the user.
    pub order: String,
    /// What the user said.
    pub given: Option<GivenSize>,
}

impl SizeSaid {
    /// Whether the user is to be asked. A single slice has no distance to another one.
    pub fn is_open(&self) -> bool {
        let needed = if self.slices > 1 { 3 } else { 2 };
        self.given.is_none() && self.mm.iter().take(needed).any(Option::is_none)
    }
}

impl GivenSize {
    /// Checked numbers, in millimetres.
    ///
    /// # Errors
    /// Which one cannot be the size of a voxel.
    pub fn of_mm(mm: [f64; 3]) -> Result<Self, String> {
        match mm.iter().find(|mm| !POSSIBLE_MM.contains(mm)) {
            None => Ok(Self::Millimetres(mm)),
            Some(wrong) => Err(format!(
                "{wrong} mm is no size of a voxel; it must be from {} to {} mm",
                POSSIBLE_MM.start(),
                POSSIBLE_MM.end()
            )),
        }
    }
}

/// "0.5,0.5,2" along columns, rows and slices, or "pixels".
impl FromStr for GivenSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "pixels" {
            return Ok(Self::Pixels);
        }
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[x, y, z]) => Self::of_mm([x, y, z]),
            _ => Err(format!("{text:?} is not three lengths in mm with commas between them (X,Y,Z), nor `pixels`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_lengths_or_pixels_are_read_and_nothing_else() {
        assert_eq!("0.5, 0.25,2".parse(), Ok(GivenSize::Millimetres([0.5, 0.25, 2.0])));
        assert_eq!("pixels".parse(), Ok(GivenSize::Pixels));
        for wrong in ["", "1,2", "1,2,3,4", "1;2;3", "1,2,x"] {
            assert!(wrong.parse::<GivenSize>().unwrap_err().contains("X,Y,Z"), "{wrong}");
        }
        for wrong in ["0,1,1", "1,-2,1", "1,1,nan", "inf,1,1", "1,1,20000"] {
            assert!(wrong.parse::<GivenSize>().unwrap_err().contains("no size of a voxel"), "{wrong}");
        }
    }

    #[test]
    fn the_user_is_asked_for_what_is_missing() {
        let said = |mm, slices, given| SizeSaid { mm, origin: "", slices, order: String::new(), given }.is_open();
        assert!(said([None; 3], 1, None) && said([Some(1.0), Some(1.0), None], 2, None));
        assert!(!said([Some(1.0), Some(1.0), None], 1, None), "one slice has no distance to another");
        assert!(!said([None; 3], 9, Some(GivenSize::Pixels)));
    }
}

//! The question how large the voxels of pictures are, where their files do not say it.

use std::path::PathBuf;

use crate::formats::{GivenSize, SizeSaid};
use crate::words::{self, say};

/// What is asked, and what was answered for whole folders.
#[derive(Debug, Default)]
pub struct Sizing {
    /// The question on screen.
    pub form: Option<SizeForm>,
    /// What the user said for all pictures of a folder.
    pub of_folders: Vec<(PathBuf, GivenSize)>,
}

/// The question, with what is typed so far.
#[derive(Debug, Clone, PartialEq)]
pub struct SizeForm {
    /// The item of the data tree that waits to be shown.
    pub item: usize,
    /// What it is called.
    pub name: String,
    /// What its files say.
    pub said: SizeSaid,
    /// Millimetres along columns, rows and slices, as typed.
    pub typed: [String; 3],
    /// How many other pictures of its folder do not say it either.
    pub others: usize,
    /// Whether the answer holds for them too.
    pub is_for_folder: bool,
}

impl SizeForm {
    /// With what the files say, and what was said before, filled in.
    pub fn new(item: usize, name: String, said: SizeSaid, others: usize) -> Self {
        let typed = [0, 1, 2].map(|axis| {
            let given = match said.given {
                Some(GivenSize::Millimetres(mm)) => Some(mm[axis]),
                Some(GivenSize::Pixels) | None => None,
            };
            given.or(said.mm[axis]).map(|mm| mm.to_string()).unwrap_or_default()
        });
        Self { item, name, said, typed, others, is_for_folder: false }
    }

    /// Fields that count: a single slice has no distance to another one.
    pub fn field_count(&self) -> usize {
        if self.said.slices > 1 { 3 } else { 2 }
    }

    /// What is typed.
    ///
    /// # Errors
    /// What is missing or wrong, for the user.
    pub fn answer(&self) -> Result<GivenSize, String> {
        let mut mm = [1.0; 3];
        for (axis, (mm, typed)) in mm.iter_mut().zip(&self.typed).take(self.field_count()).enumerate() {
            let name = [say!("the width"), say!("the height"), say!("the distance of slices")][axis];
            let typed = typed.trim().replace(',', ".");
            if typed.is_empty() {
                return Err(say!("Type {name} in mm", name));
            }
            *mm = typed.parse().map_err(|_| say!("\"{typed}\" is no number; type {name} in mm", typed, name))?;
        }
        GivenSize::of_mm(mm)
    }

    /// What the files say, and what they do not.
    pub fn told(&self) -> String {
        let names = [say!("width"), say!("height"), say!("distance of slices")].into_iter().take(self.field_count());
        let (said, unsaid): (Vec<_>, Vec<_>) = names.zip(self.said.mm).partition(|(_, mm)| mm.is_some());
        let list = |names: &[(&str, Option<f64>)]| names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        match (said.is_empty(), unsaid.is_empty()) {
            (true, _) => say!("Its files do not say how large a voxel is.").into(),
            (false, true) => say!("Filled in from the {origin}: check it.", origin = words::shown(self.said.origin)),
            (false, false) => {
                say!(
                    "Filled in from the {origin}: {said}. Not said: {unsaid}.",
                    origin = words::shown(self.said.origin),
                    said = list(&said),
                    unsaid = list(&unsaid)
                )
            }
        }
    }
}

/// The user's word.
#[derive(Debug, Clone, PartialEq)]
pub enum SizeAnswer {
    /// What is typed, changed.
    Form(Box<SizeForm>),
    /// Open it with what is typed.
    Typed,
    /// Nobody knows it.
    Pixels,
    /// Open nothing.
    Cancel,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(mm: [Option<f64>; 3], slices: usize) -> SizeForm {
        let said = SizeSaid { mm, origin: "resolution fields", slices, order: String::new(), given: None };
        SizeForm::new(0, "a".into(), said, 0)
    }

    #[test]
    fn what_the_files_say_is_filled_in_and_the_rest_is_asked_for() {
        let mut form = form([Some(0.25), Some(0.25), None], 9);
        assert_eq!(form.typed, ["0.25", "0.25", ""]);
        assert_eq!(form.told(), "Filled in from the resolution fields: width, height. Not said: distance of slices.");
        assert_eq!(form.answer().unwrap_err(), "Type the distance of slices in mm");
        form.typed[2] = " 1,5".into();
        assert_eq!(form.answer(), Ok(GivenSize::Millimetres([0.25, 0.25, 1.5])));
        form.typed[0] = "0".into();
        assert!(form.answer().unwrap_err().contains("0 mm is no size"));
        form.typed[0] = "x".into();
        assert!(form.answer().unwrap_err().contains("type the width"));
    }

    #[test]
    fn a_single_slice_needs_no_distance() {
        let mut form = form([None; 3], 1);
        assert_eq!(form.told(), "Its files do not say how large a voxel is.");
        form.typed = ["2".into(), "3".into(), String::new()];
        assert_eq!(form.answer(), Ok(GivenSize::Millimetres([2.0, 3.0, 1.0])));
    }
}

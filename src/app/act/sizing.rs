//! Asking how large the voxels of pictures are before they are shown.

use std::path::Path;

use super::scans;
use crate::app::state::scans::Item;
use crate::app::state::sizing::{SizeAnswer, SizeForm};
use crate::app::state::studio::Studio;
use crate::formats::{GivenSize, SizeSaid};

/// Whether an item waits for the user's word on its size before it can be read. What was said for its folder is taken.
pub(super) fn must_wait(studio: &mut Studio, n: usize) -> bool {
    let Some(item) = studio.items.get(n).filter(|item| is_open(item)) else { return false };
    let known = studio.sizing.of_folders.iter().rev().find(|(folder, _)| Some(folder.as_path()) == folder_of(item));
    match known.map(|(_, given)| *given) {
        Some(given) => {
            give(studio, n, given);
            false
        }
        None => {
            ask(studio, n);
            true
        }
    }
}

/// Asks for the size of an item's voxels; not of one that is read already, whose labels lie on its grid.
pub fn ask(studio: &mut Studio, n: usize) {
    let Some(item) = studio.items.get(n).filter(|item| can_be_asked(item)) else { return };
    let Some(said) = item.entry.source.size_said().cloned() else { return };
    let is_other = |(at, other): &(usize, &Item)| *at != n && is_open(other) && folder_of(other) == folder_of(item);
    let others = studio.items.iter().enumerate().filter(is_other).count();
    studio.sizing.form = Some(SizeForm::new(n, item.entry.name.clone(), said, others));
}

/// Whether an item's size can be given, or given anew.
pub fn can_be_asked(item: &Item) -> bool {
    item.scan.is_none() && item.entry.source.size_said().is_some()
}

fn is_open(item: &Item) -> bool {
    can_be_asked(item) && item.entry.source.size_said().is_some_and(SizeSaid::is_open)
}

/// The folder of a picture, or of a stack.
fn folder_of(item: &Item) -> Option<&Path> {
    item.entry.path.parent()
}

/// Takes the user's word.
pub fn answer(studio: &mut Studio, answer: SizeAnswer) {
    let given = match (answer, &studio.sizing.form) {
        (SizeAnswer::Form(form), _) => {
            studio.sizing.form = Some(*form);
            return;
        }
        (SizeAnswer::Cancel, form) => {
            let item = form.as_ref().and_then(|form| studio.items.get_mut(form.item)).filter(|item| is_open(item));
            item.into_iter().for_each(|item| item.case.is_unsized = true);
            studio.sizing.form = None;
            return;
        }
        (_, None) => return,
        (SizeAnswer::Pixels, Some(_)) => GivenSize::Pixels,
        (SizeAnswer::Typed, Some(form)) => match form.answer() {
            Ok(given) => given,
            Err(_) => return,
        },
    };
    let Some(form) = studio.sizing.form.take() else { return };
    if form.is_for_folder
        && let Some(folder) = studio.items.get(form.item).and_then(folder_of).map(Path::to_path_buf)
    {
        studio.sizing.of_folders.push((folder, given));
    }
    give(studio, form.item, given);
    scans::show_item(studio, form.item);
}

fn give(studio: &mut Studio, n: usize, given: GivenSize) {
    if let Some(item) = studio.items.get_mut(n)
        && let Some(source) = item.entry.source.of_size(given)
    {
        item.entry.source = source;
        item.case.is_unsized = false;
    }
}

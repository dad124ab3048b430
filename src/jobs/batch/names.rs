//! What masks of a folder of scans are called: as derivatives of BIDS where scans are called as BIDS says, else by the scans' own names in
//! their own folders.
//!
//! Source: Brain Imaging Data Structure 1.10, "Common data types and metadata" and "Imaging derivatives"
//! (bids-specification.readthedocs.io).

use std::collections::HashSet;
use std::path::Path;

use crate::formats::stem;

/// Suffix of discrete segmentations in BIDS.
const SUFFIX: &str = "_dseg";
/// Ending of every mask that is written here.
const ENDING: &str = ".nii.gz";
/// Suffixes of BIDS that say that an image holds labels or probabilities.
const MASK_SUFFIXES: [&str; 3] = ["dseg", "mask", "probseg"];

/// A name of BIDS in its two parts: `sub-01_ses-2_T1w` is the entities `sub-01_ses-2` and the suffix `T1w`.
fn bids_parts(stem: &str) -> Option<(&str, &str)> {
    let (entities, suffix) = stem.rsplit_once('_')?;
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_entity = |text: &str| text.split_once('-').is_some_and(|(key, label)| is_plain(key) && is_plain(label));
    let is_bids = entities.starts_with("sub-") && entities.split('_').all(is_entity) && is_plain(suffix);
    is_bids.then_some((entities, suffix))
}

/// Whether a file's name, without its ending, is one of BIDS.
pub fn is_bids(stem: &str) -> bool {
    bids_parts(stem).is_some()
}

/// Whether a file's name, without its ending, says by the rules of BIDS that it is a mask.
pub(super) fn is_bids_mask(stem: &str) -> bool {
    bids_parts(stem).is_some_and(|(_, suffix)| MASK_SUFFIXES.contains(&suffix))
}

/// A name in a folder, which may be none.
pub(super) fn place_below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

/// Gives every scan the place of its mask: `sub-01/anat/sub-01_T1w.nii.gz` becomes `sub-01/anat/sub-01_desc-MODEL_dseg.nii.gz`, and
/// `a/b.nrrd` becomes `a/b_dseg.nii.gz`. Where two scans of a folder would have the same, the later one's says its suffix or a number too.
#[derive(Debug, Default)]
pub struct MaskNames(HashSet<String>);

impl MaskNames {
    /// The place of the mask of a scan, below the folder of all masks, with `/` between folders. `name` is the scan's place, `model` the
    /// model's identifier.
    pub fn of(&mut self, name: &str, model: &str) -> String {
        let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
        let stem = stem(Path::new(file));
        let model: String = model.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = match bids_parts(&stem) {
            Some((entities, suffix)) => {
                vec![format!("{entities}_desc-{model}"), format!("{entities}_desc-{model}{suffix}")]
            }
            None => vec![stem.clone()],
        };
        let numbered = |number: usize| match bids_parts(&stem) {
            Some((entities, suffix)) => format!("{entities}_desc-{model}{suffix}{number}"),
            None => format!("{stem}_{number}"),
        };
        let places = plain.into_iter().chain((2..).map(numbered));
        let mut places = places.map(|name| place_below(folder, &format!("{name}{SUFFIX}{ENDING}")));
        // File systems of two platforms take `A` and `a` for the same. A number is always free in the end.
        places.find(|place| self.0.insert(place.to_lowercase())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_bids_are_told_from_others() {
        for (stem, is_one) in [
            ("sub-01_T1w", true),
            ("sub-01_ses-pre_run-2_T2w", true),
            ("sub-01", false),
            ("sub-01_T1w_extra", false),
            ("sub-_T1w", false),
            ("patient_T1w", false),
            ("sub-01_ses-2_", false),
        ] {
            assert_eq!(is_bids(stem), is_one, "{stem}");
        }
        assert!(is_bids_mask("sub-01_desc-a_dseg") && is_bids_mask("sub-01_mask") && !is_bids_mask("sub-01_T1w"));
        assert!(!is_bids_mask("case_mask"));
    }

    #[test]
    fn masks_lie_in_the_scans_folders_and_no_two_have_one_name() {
        let mut names = MaskNames::default();
        let places: Vec<String> = [
            "sub-01/anat/sub-01_T1w.nii.gz",
            "sub-01/anat/sub-01_T2w.nii.gz",
            "sub-01/anat/sub-01_T2w.nii",
            "sub-01/anat/sub-01_T2w.mha",
            "a/scan.nrrd",
            "a/Scan.nii.gz",
            "a/scan.mha",
            "b/scan.nrrd",
            "scan.nrrd",
        ]
        .iter()
        .map(|name| names.of(name, "hippo-campus.2"))
        .collect();
        assert_eq!(
            places,
            [
                "sub-01/anat/sub-01_desc-hippocampus2_dseg.nii.gz",
                "sub-01/anat/sub-01_desc-hippocampus2T2w_dseg.nii.gz",
                "sub-01/anat/sub-01_desc-hippocampus2T2w2_dseg.nii.gz",
                "sub-01/anat/sub-01_desc-hippocampus2T2w3_dseg.nii.gz",
                "a/scan_dseg.nii.gz",
                "a/Scan_2_dseg.nii.gz",
                "a/scan_3_dseg.nii.gz",
                "b/scan_dseg.nii.gz",
                "scan_dseg.nii.gz",
            ]
        );
    }
}

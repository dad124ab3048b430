//! Which tables belong to a segmentation of BIDS: those whose entities are all in its name, in its folder or in one above it.
//!
//! Source: BIDS 1.10, "The Inheritance Principle"; fMRIPrep writes `desc-aseg_dseg.tsv` beside `dataset_description.json`.

use std::path::{Path, PathBuf};

use crate::formats::stem;

/// What the names of discrete segmentations end in.
const SUFFIX: &str = "dseg";
/// Marks the folder of a data set.
const ROOT: &str = "dataset_description.json";
/// Folders above a mask that are looked at: datatype, session, subject, derivative.
const MOST_FOLDERS: usize = 5;
/// More entities are in no name; the number of names to try doubles with each.
const MOST_ENTITIES: usize = 7;

/// Where tables of a mask may lie, the most specific first; none for names that are not those of a segmentation of BIDS.
pub fn tables_of(mask: &Path) -> Vec<PathBuf> {
    let stem = stem(mask);
    let Some(before) = stem.strip_suffix(SUFFIX) else { return Vec::new() };
    let entities: Vec<&str> = before.split('_').filter(|part| !part.is_empty()).collect();
    if entities.len() > MOST_ENTITIES || entities.iter().any(|entity| !entity.contains('-')) {
        return Vec::new();
    }
    let mut choices: Vec<u32> = (0..1 << entities.len()).collect();
    choices.sort_by_key(|choice| (std::cmp::Reverse(choice.count_ones()), *choice));
    let name = |choice: &u32| {
        let chosen = entities.iter().enumerate().filter(|(n, _)| choice >> n & 1 == 1);
        let mut name: String = chosen.flat_map(|(_, entity)| [*entity, "_"]).collect();
        name.push_str(SUFFIX);
        name + ".tsv"
    };
    let names: Vec<String> = choices.iter().map(name).collect();
    let folders = folders(mask);
    folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))).collect()
}

/// The mask's folder, and those above it up to that of the data set, where there is one.
fn folders(mask: &Path) -> Vec<PathBuf> {
    let own = mask.parent().map(Path::to_path_buf).unwrap_or_default();
    let absolute = std::path::absolute(&own).unwrap_or_else(|_| own.clone());
    let above: Vec<&Path> = absolute.ancestors().take(MOST_FOLDERS).collect();
    match above.iter().position(|folder| folder.join(ROOT).is_file()) {
        Some(root) => above.iter().take(root + 1).map(|folder| folder.to_path_buf()).collect(),
        None => vec![own],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_belongs_to_masks_that_have_its_entities() {
        let folder = tempfile::tempdir().unwrap();
        let anat = folder.path().join("sub-01/anat");
        std::fs::create_dir_all(&anat).unwrap();
        let mask = anat.join("sub-01_desc-aseg_dseg.nii.gz");
        let beside: Vec<String> =
            tables_of(&mask).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(beside, ["sub-01_desc-aseg_dseg.tsv", "sub-01_dseg.tsv", "desc-aseg_dseg.tsv", "dseg.tsv"]);
        std::fs::write(folder.path().join(ROOT), "{}").unwrap();
        let found = tables_of(&mask);
        assert_eq!(found.len(), 3 * 4);
        assert!(found.contains(&folder.path().join("desc-aseg_dseg.tsv")));
        assert!(found.iter().all(|path| path.starts_with(folder.path())), "nothing above the data set");
        for other in
            ["sub-01_T1w.nii.gz", "my mask_dseg.nii.gz", "dseg_probseg.nii", "a-1_b-2_c-3_d-4_e-5_f-6_g-7_h-8_dseg.nii"]
        {
            assert!(tables_of(&anat.join(other)).is_empty(), "{other}");
        }
    }
}

//! Names of files to be written: completed where the ending is missing, refused where it is another format's.

use std::path::{Path, PathBuf};

/// Longest text behind a dot that is taken for an ending.
const LONGEST_ENDING: usize = 5;

/// A path whose name ends in one of `endings`, of which the first is added where there is none.
///
/// # Errors
/// A sentence for the user where the name is empty or has the ending of another kind of file.
pub fn with_ending(path: &Path, endings: &[&str]) -> Result<PathBuf, String> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = name.trim().trim_end_matches('.');
    let allowed = || endings.join(" or ");
    let lower = plain.to_lowercase();
    let only_an_ending = endings.iter().any(|ending| lower == *ending || lower == ending.trim_start_matches('.'));
    if plain.is_empty() || (only_an_ending && lower.starts_with('.')) {
        return Err(format!("The file needs a name before {}.", allowed()));
    }
    if endings.iter().any(|ending| lower.len() > ending.len() && lower.ends_with(ending)) {
        return Ok(path.with_file_name(plain));
    }
    if let Some((stem, last)) = plain.rsplit_once('.') {
        // Behind a dot stands an ending or a part of the name, such as a date or a version.
        let is_ending = !stem.is_empty()
            && last.len() <= LONGEST_ENDING
            && last.chars().all(|c| c.is_ascii_alphanumeric())
            && last.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_ending {
            return Err(format!("{plain} cannot be written as .{last}: end the name in {}, or in nothing.", allowed()));
        }
    }
    let ending = endings.first().copied().unwrap_or_default();
    Ok(path.with_file_name(format!("{plain}{ending}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_ending_is_added_once_and_a_wrong_one_refused() {
        let nifti = &[".nii.gz", ".nii"][..];
        let done = |name: &str| {
            with_ending(&Path::new("/a").join(name), nifti)
                .map(|p| p.file_name().unwrap().to_str().unwrap().to_string())
        };
        for (name, whole) in [
            ("abc", "abc.nii.gz"),
            ("abc.nii", "abc.nii"),
            ("abc.nii.gz", "abc.nii.gz"),
            ("ABC.NII.GZ", "ABC.NII.GZ"),
            (" abc. ", "abc.nii.gz"),
            ("2024.01.05", "2024.01.05.nii.gz"),
            ("case.7", "case.7.nii.gz"),
            ("Dr.Schneider", "Dr.Schneider.nii.gz"),
            ("Leber Größe", "Leber Größe.nii.gz"),
            (".hidden", ".hidden.nii.gz"),
            ("nii", "nii.nii.gz"),
        ] {
            assert_eq!(done(name).as_deref(), Ok(whole), "{name}");
        }
        for wrong in ["abc.png", "abc.mha", "abc.nrrd", "abc.gz", "abc.nii.gz.zip", ".nii.gz", ".nii", "...", "abc.DCM"]
        {
            let error = done(wrong).unwrap_err();
            assert!(error.contains(".nii.gz"), "{wrong}: {error}");
        }
        assert_eq!(with_ending(Path::new("view"), &[".png"]), Ok("view.png".into()));
        assert!(with_ending(Path::new("view.jpg"), &[".png"]).is_err());
    }
}

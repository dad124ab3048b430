//! Slices of the pictures of a folder.

use std::path::{Path, PathBuf};

use super::RealSlice;
use crate::formats;
use crate::learn::FitError;
use crate::volume::{LabelMap, Volume};
use crate::work::Watch;

/// The folder of pictures, and that of their labels, by the same names.
const IMAGES: &str = "images";
const LABELS: &str = "labels";
/// Most slices along an axis of a picture.
const MOST: usize = 32;
/// Fewest pixels along a side of a slice.
const LEAST: usize = 24;
/// Shares of the values that are below black and above white.
const RARE: f64 = 0.002;
/// Shares of a picture's slices at both ends that are left out: there is little to see.
const ENDS: f64 = 0.08;

/// Slices of real pictures.
pub struct RealSlices {
    pub(super) slices: Vec<RealSlice>,
}

impl RealSlices {
    /// Reads folders that hold `images`, and `labels` for as many of them as are labelled, on the images' grids. Gives also what it was
    /// that was read, one line a picture.
    ///
    /// # Errors
    /// Names the file that cannot be read, or does not lie on its picture's grid, or the folder without pictures.
    pub fn read(folders: &[PathBuf], watch: Watch) -> Result<(Self, Vec<String>), FitError> {
        let mut all = Self { slices: Vec::new() };
        let mut lines = Vec::new();
        for folder in folders {
            let images = folder.join(IMAGES);
            let problem = |problem: String| FitError::Case { name: images.display().to_string(), problem };
            let entries = std::fs::read_dir(&images).map_err(|e| problem(e.to_string()))?;
            let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            paths.sort_unstable();
            if paths.is_empty() {
                return Err(problem("there are no pictures".into()));
            }
            for path in paths {
                watch.check().map_err(FitError::Stopped)?;
                let before = all.slices.len();
                let is_labelled = all.take(&path, &folder.join(LABELS), watch)?;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let labels = if is_labelled { "with labels" } else { "without labels" };
                lines.push(format!("{name}: {} slices {labels}", all.slices.len() - before));
            }
        }
        if all.slices.is_empty() {
            let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            let problem = format!("no picture has slices of at least {LEAST} x {LEAST} pixels");
            return Err(FitError::Case { name: folders.join(", "), problem });
        }
        Ok((all, lines))
    }

    /// Adds the slices of a picture; gives whether it has labels.
    fn take(&mut self, path: &Path, labels: &Path, watch: Watch) -> Result<bool, FitError> {
        let problem = |problem: String| FitError::Case { name: path.display().to_string(), problem };
        let volume = formats::open_one(path, None, watch).map_err(|e| problem(e.to_string()))?;
        let name = path.file_name().unwrap_or_default();
        let labels = labels.join(name);
        let labels = if labels.exists() {
            let read = formats::read_labels(&labels, watch, &|_| {}).map_err(|e| problem(e.to_string()))?;
            let placed = read.placed_by(&volume.geometry);
            if placed.geometry().shape() != volume.geometry.shape() {
                return Err(problem(format!("its labels {} have another grid", labels.display())));
            }
            Some(placed)
        } else {
            None
        };
        let shape = volume.geometry.shape();
        let spacing = volume.geometry.spacing_mm();
        let [black, white] = range(&volume);
        for axis in 0..3 {
            let [a, b] = [(axis + 1) % 3, (axis + 2) % 3];
            if shape[a] < LEAST || shape[b] < LEAST {
                continue;
            }
            let ends = (shape[axis] as f64 * ENDS) as usize;
            let inner = shape[axis] - 2 * ends;
            let count = inner.min(MOST);
            for n in 0..count {
                let at = ends + n * inner / count;
                let voxels = || {
                    (0..shape[b]).flat_map(move |row| {
                        (0..shape[a]).map(move |column| {
                            let mut voxel = [0; 3];
                            (voxel[axis], voxel[a], voxel[b]) = (at, column, row);
                            voxel
                        })
                    })
                };
                let grey = |voxel| ((volume.value(voxel, 0) - black) / (white - black)).clamp(0.0, 1.0) as f32;
                let image: Vec<f32> = voxels().map(grey).collect();
                let small = |map: &LabelMap| voxels().map(|voxel| u8::try_from(map.get(voxel)).unwrap_or(0)).collect();
                let labels: Option<Vec<u8>> = labels.as_ref().map(small);
                let (size, spacing) = ([shape[b], shape[a]], [spacing[b], spacing[a]]);
                self.slices.push(RealSlice { size, spacing, image, labels });
            }
        }
        Ok(labels.is_some())
    }
}

/// The values that are black and white.
fn range(volume: &Volume) -> [f64; 2] {
    let shape = volume.geometry.shape();
    let count = volume.geometry.voxel_count();
    let step = (count / 100_000).max(1) | 1;
    let voxel = |n: usize| [n % shape[0], n / shape[0] % shape[1], n / (shape[0] * shape[1])];
    let values = (0..count).step_by(step).map(|n| volume.value(voxel(n), 0)).filter(|value| value.is_finite());
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let rank = (values.len() as f64 * RARE) as usize;
    match (values.get(rank), values.get(values.len().saturating_sub(1 + rank))) {
        (Some(black), Some(white)) if black < white => [*black, *white],
        _ => [0.0, 1.0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Annotations, Geometry, Rescale, Voxels};
    use std::sync::Arc;

    #[test]
    fn folders_of_pictures_with_and_without_labels_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for name in [IMAGES, LABELS] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let geometry = Geometry::new(
            [40, 30, 3],
            Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]], [0.0; 3]),
        )
        .unwrap();
        let voxels = Voxels::I16(Arc::new((0..3600).map(|n| n % 40).collect()));
        let volume = Volume::new(geometry.clone(), voxels, vec![], Rescale::IDENTITY, String::new());
        for name in ["a.nii.gz", "b.nii.gz"] {
            formats::write_volume(&folder.path().join(IMAGES).join(name), &volume, Watch::unwatched()).unwrap();
        }
        let labels = LabelMap::from_fn(geometry, |[i, _, _]| u16::from(i > 20));
        let path = folder.path().join(LABELS).join("a.nii.gz");
        formats::write_labels(&path, &labels, &Annotations::default(), Watch::unwatched()).unwrap();
        let (read, lines) = RealSlices::read(&[folder.path().into()], Watch::unwatched()).unwrap();
        assert_eq!(lines, ["a.nii.gz: 3 slices with labels", "b.nii.gz: 3 slices without labels"]);
        let slice = &read.slices[0];
        assert_eq!((slice.size, slice.spacing), ([30, 40], [2.0, 1.0]));
        let labels = slice.labels.as_ref().unwrap();
        assert!(slice.image[25] > slice.image[15] && labels[25] == 1 && labels[15] == 0);
        assert!(RealSlices::read(&[folder.path().join(IMAGES)], Watch::unwatched()).is_err());
    }
}

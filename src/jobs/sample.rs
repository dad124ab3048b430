//! The sample inside the program, and how it was made.

use std::path::Path;
use std::sync::Arc;

use super::dataset::open_dataset;
use super::{Inputs, JobError, Outcome, OutputKind, load_case};
use crate::disk::replace_file;
use crate::engine::Random;
use crate::formats;
use crate::learn::{AppearanceModel, Specimen};
use crate::volume::{Affine, Annotations, Geometry, Label, LabelMap, LabelTable, PlaneLayout, Rescale, Volume, Voxels};
use crate::work::{Stopped, Watch};

/// File name of the sample.
const SAMPLE_NAME: &str = "synthetic_hippocampus.nii.gz";
/// File name of its labels.
const SAMPLE_LABELS_NAME: &str = "synthetic_hippocampus_labels.nii.gz";
const SAMPLE: &[u8] = include_bytes!("../../assets/sample/synthetic_hippocampus.nii.gz");

/// Unpacks the sample into the user's data folder (or the temporary one) and loads it.
pub(super) fn open() -> Result<Outcome, JobError> {
    let folder = crate::model::user_folder().and_then(|f| Some(f.parent()?.join("samples")));
    let folder = folder.unwrap_or_else(|| std::env::temp_dir().join("lamella"));
    let path = folder.join(SAMPLE_NAME);
    let failed =
        |e: std::io::Error| JobError::Other(format!("the sample cannot be unpacked to {}: {e}", path.display()));
    if !std::fs::read(&path).is_ok_and(|bytes| bytes == SAMPLE) {
        std::fs::create_dir_all(&folder).map_err(failed)?;
        replace_file(&path, |w| std::io::Write::write_all(w, SAMPLE)).map_err(failed)?;
    }
    let findings = formats::scan(&path, Watch::unwatched())?;
    let entry = findings.entries.into_iter().next().ok_or_else(|| JobError::Other("the sample is damaged".into()))?;
    let volume = formats::load(&entry, Watch::unwatched())?;
    let _ = volume.statistics();
    Ok(Outcome::Sample(Box::new(entry), Arc::new(volume)))
}

/// Grid of the synthetic volume (R, A, S), 1 mm.
const SHAPE: [usize; 3] = [36, 52, 36];
/// Modes of variation.
const MODES: usize = 24;

/// Draws a synthetic scan and its labels from the training cases of a data set.
///
/// # Errors
/// When the data set cannot be read or the files cannot be written.
pub fn make_sample(dataset: &Path, split: &Path, seed: u64, folder: &Path, watch: Watch) -> Result<(), JobError> {
    let inputs = Inputs::new([dataset.to_path_buf(), split.to_path_buf()]);
    let [image, labels] = [SAMPLE_NAME, SAMPLE_LABELS_NAME].map(|name| folder.join(name));
    std::fs::create_dir_all(folder).map_err(|e| JobError::Other(format!("cannot make {}: {e}", folder.display())))?;
    for path in [&image, &labels] {
        inputs.allow(path, OutputKind::Image)?;
    }
    let dataset = open_dataset(dataset, &|_| {}, watch)?;
    let split = dataset.read_split(split, None)?;
    let mut specimens = Vec::new();
    for name in &split.train {
        watch.check()?;
        let files = dataset.case(name).ok_or_else(|| JobError::Other(format!("no case {name}")))?;
        let case = load_case(files, watch, &|_| {});
        let case =
            case.map_err(
                |problem| if watch.should_stop() { JobError::Stopped(Stopped) } else { JobError::Other(problem) },
            )?;
        specimens.push(specimen(&case.0, &case.1));
    }
    let drawn = AppearanceModel::new(&specimens, dataset.labels.len(), MODES).draw(&mut Random::new(seed, 0));
    let geometry = Geometry::new(SHAPE, Affine::IDENTITY).map_err(|e| JobError::Other(e.to_string()))?;
    let values: Vec<i16> = drawn.image.iter().map(|v| (400.0 + 100.0 * v).clamp(0.0, 2000.0) as i16).collect();
    let volume =
        Volume::new(geometry.clone(), Voxels::I16(Arc::new(values)), Vec::new(), Rescale::IDENTITY, "synthetic".into());
    let drawn_labels = LabelMap::from_fn(geometry, |[i, j, k]| drawn.labels[(k * SHAPE[1] + j) * SHAPE[0] + i]);
    formats::write_volume(&image, &volume, Watch::unwatched())?;
    let names = dataset.labels.iter().filter(|(value, _)| **value != 0);
    let table = LabelTable(names.map(|(value, name)| Label::new(*value, name)).collect());
    formats::write_labels(&labels, &drawn_labels, &Annotations::of_table(table), Watch::unwatched())?;
    Ok(())
}

/// A case on the common grid, its labels' centre in the grid's middle, z-scored; beyond the crop its border goes on.
fn specimen(image: &Volume, labels: &LabelMap) -> Specimen {
    let layout = PlaneLayout::along(&image.geometry, [0, 1, 2], [true; 3]);
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    labels.for_each_labelled(|voxel, _| {
        let at = layout.screen(voxel);
        (0..3).for_each(|axis| sum[axis] += at[axis] as f64);
        count += 1.0;
    });
    let offset: [i64; 3] = [0, 1, 2].map(|axis| {
        let centre = if count > 0.0 { sum[axis] / count } else { layout.size[axis] as f64 / 2.0 };
        centre.round() as i64 - SHAPE[axis] as i64 / 2
    });
    let mut specimen = Specimen { image: Vec::new(), labels: Vec::new() };
    for k in 0..SHAPE[2] as i64 {
        for j in 0..SHAPE[1] as i64 {
            for i in 0..SHAPE[0] as i64 {
                let wanted = [i + offset[0], j + offset[1], k + offset[2]];
                let at = [0, 1, 2].map(|axis| wanted[axis].clamp(0, layout.size[axis] as i64 - 1));
                let voxel = layout.voxel(at.map(|v| v as usize));
                specimen.image.push(image.value(voxel, 0) as f32);
                specimen.labels.push(if at == wanted { labels.get(voxel) } else { 0 });
            }
        }
    }
    let n = specimen.image.len() as f32;
    let mean = specimen.image.iter().sum::<f32>() / n;
    let deviation = (specimen.image.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt().max(1e-6);
    specimen.image.iter_mut().for_each(|v| *v = (*v - mean) / deviation);
    specimen
}

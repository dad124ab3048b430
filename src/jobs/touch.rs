//! From strokes to a mask.

use std::path::PathBuf;
use std::time::Instant;

use super::error::JobError;
use super::grids::difference;
use super::job::{Job, JobKind, Work};
use super::title::file_name;
use super::touch_slices::{SharedTouchNetwork, answered};
use crate::edit::{SeedGrowing, grow_from_seeds};
use crate::formats::{self, GivenSize};
use crate::volume::{LabelMap, LabelValue, Region, Volume};

/// Strokes on the structure.
const ON: LabelValue = 1;
/// Strokes off it.
const OFF: LabelValue = 2;

/// How strokes become a mask.
#[derive(Clone)]
pub enum TouchMethod {
    /// A network answers them, each slice with strokes by itself.
    Network(SharedTouchNetwork),
    /// It answers them, and takes the answers on through the slices beside until the structure ends or is in doubt.
    Through(SharedTouchNetwork),
    /// They grow over the whole volume, see [`grow_from_seeds`].
    Grow,
}

/// Makes a mask of strokes on and off a structure.
#[derive(Clone)]
pub struct TouchJob {
    /// The image: a file or a DICOM folder.
    pub image: PathBuf,
    /// Which series, where there are several.
    pub series: Option<String>,
    /// How large a voxel is, for pictures that do not say it.
    pub size: Option<GivenSize>,
    /// The frame of it that is looked at, from 0.
    pub frame: usize,
    /// The strokes, on the same grid: 1 on the structure, 2 off it, 0 elsewhere.
    pub strokes: PathBuf,
    /// How they become a mask.
    pub method: TouchMethod,
    /// The mask's value in the structure, not 0.
    pub label: LabelValue,
}

/// A mask that was made of strokes.
#[derive(Debug, Clone)]
pub struct Touched {
    /// The label in the structure, 0 elsewhere, on the image's grid.
    pub labels: LabelMap,
    /// Seconds that the answer took, without reading files.
    pub seconds: f64,
}

impl Job for TouchJob {
    type Output = Touched;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "touch", is_kept_when_stopped: false };

    fn title(&self) -> String {
        format!("Segmenting {} by strokes", file_name(&self.image))
    }

    fn run(self, work: &Work<()>) -> Result<Touched, JobError> {
        if self.label == 0 {
            return Err(JobError::Other("the label 0 is the background; choose another".into()));
        }
        let Self { image, series, size, frame, strokes: path, method, label } = self;
        let volume = formats::open_of_size(&image, series.as_deref(), size, work.watch.stage("Reading the image"))?;
        volume.warnings.iter().for_each(|warning| work.warn(warning));
        if frame >= volume.frame_count() {
            let frames = volume.frame_count();
            return Err(JobError::Other(format!("there is no frame {frame} in {}: it has {frames}", image.display())));
        }
        let read = formats::read_labels(&path, work.watch, &|text| work.warn(text))?;
        let strokes = read.placed_by(&volume.geometry);
        if !strokes.geometry().lies_on(&volume.geometry) {
            return Err(JobError::Other(format!(
                "the strokes {} ({:?} voxels) do not lie on the grid of {} ({:?} voxels): {}; draw them on this image",
                path.display(),
                strokes.geometry().shape(),
                image.display(),
                volume.geometry.shape(),
                difference(strokes.geometry(), &volume.geometry)
            )));
        }
        let strokes = checked(strokes, &path)?;
        if !strokes.voxel_counts().contains_key(&ON) {
            return Err(JobError::Other(format!(
                "{} has no stroke on the structure; mark some of it with the value 1",
                path.display()
            )));
        }
        let start = Instant::now();
        let mask = match method {
            TouchMethod::Network(network) => answered(&network, (&volume, frame), &strokes, false, work)?,
            TouchMethod::Through(network) => answered(&network, (&volume, frame), &strokes, true, work)?,
            TouchMethod::Grow => grown(&volume, frame, strokes, &path, work)?,
        };
        let seconds = start.elapsed().as_secs_f64();
        let labels = if label == ON { mask } else { with_label(&mask, label)? };
        Ok(Touched { labels, seconds })
    }
}

/// The voxels that strokes on the structure reach more cheaply than those off it.
fn grown(
    volume: &Volume,
    frame: usize,
    strokes: LabelMap,
    path: &std::path::Path,
    work: &Work<()>,
) -> Result<LabelMap, JobError> {
    let strokes = if strokes.voxel_counts().contains_key(&OFF) {
        strokes
    } else {
        work.warn(format!(
            "{} has no stroke off the structure (2); the border of the image counts as off it",
            path.display()
        ));
        bordered(strokes)
    };
    let region = Region::whole(volume.geometry.shape());
    let growing = SeedGrowing { volume, frame, strokes: &strokes, labels: &[ON, OFF], region };
    let watch = work.watch.stage("Growing");
    let shares = grow_from_seeds(&growing, watch.part(0.0, 0.95))?;
    let mask = LabelMap::empty(volume.geometry.clone()).edited(region, watch, |start, row| {
        shares.read_row(start, row);
        row.iter_mut().filter(|label| **label != ON).for_each(|label| *label = 0);
    });
    Ok(mask?)
}

/// A mask of another label.
fn with_label(mask: &LabelMap, label: LabelValue) -> Result<LabelMap, JobError> {
    let other = mask.mapped(|value| Some(if value == 0 { 0 } else { label }));
    other.map_err(|value| JobError::Broken(format!("the mask has the value {value}")))
}

/// Strokes that hold nothing but what strokes may.
fn checked(strokes: LabelMap, path: &std::path::Path) -> Result<LabelMap, JobError> {
    match strokes.voxel_counts().into_keys().find(|value| !matches!(*value, ON | OFF)) {
        None => Ok(strokes),
        Some(other) => Err(JobError::Other(format!(
            "{} has the value {other}; strokes are 1 on the structure, 2 off it, and 0 elsewhere",
            path.display()
        ))),
    }
}

/// The border of the grid is off the structure, but where a stroke is on it. An axis of one or two voxels has no border.
fn bordered(mut strokes: LabelMap) -> LabelMap {
    let shape = strokes.geometry().shape();
    for axis in (0..3).filter(|axis| shape[*axis] > 2) {
        let [a, b] = [(axis + 1) % 3, (axis + 2) % 3];
        for end in [0, shape[axis] - 1] {
            for (n, m) in (0..shape[a]).flat_map(|n| (0..shape[b]).map(move |m| (n, m))) {
                let mut voxel = [0; 3];
                (voxel[axis], voxel[a], voxel[b]) = (end, n, m);
                if strokes.get(voxel) == 0 {
                    strokes.set(voxel, OFF);
                }
            }
        }
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::volume::{Affine, Annotations, Geometry, Rescale, Volume, Voxels};
    use crate::work::{Signal, Watch};
    use std::path::Path;
    use std::sync::Arc;

    const SHAPE: [usize; 3] = [30, 24, 1];

    fn grid(shape: [usize; 3]) -> Geometry {
        Geometry::new(shape, Affine::from_columns([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 2.0]], [0.0; 3]))
            .unwrap()
    }

    /// A bright disc on a dark ground.
    fn is_disc([i, j, _]: [usize; 3]) -> bool {
        (i as f64 - 15.0).powi(2) + (j as f64 - 11.0).powi(2) <= 49.0
    }

    fn image(folder: &Path) -> PathBuf {
        let value = |n: usize| 100 + i16::from(is_disc([n % 30, n / 30, 0])) * 400 + (n * 37 % 11) as i16;
        let voxels = Voxels::I16(Arc::new((0..720).map(value).collect()));
        let volume = Volume::new(grid(SHAPE), voxels, vec![], Rescale::IDENTITY, String::new());
        let path = folder.join("image.nii.gz");
        formats::write_volume(&path, &volume, Watch::unwatched()).unwrap();
        path
    }

    fn touched(folder: &Path, drawn: &[([usize; 3], LabelValue)], shape: [usize; 3]) -> Result<LabelMap, JobError> {
        let mut strokes = LabelMap::empty(grid(shape));
        drawn.iter().for_each(|(voxel, label)| strokes.set(*voxel, *label));
        let path = folder.join("strokes.nrrd");
        formats::write_labels(&path, &strokes, &Annotations::default(), Watch::unwatched()).unwrap();
        let job = TouchJob {
            image: image(folder),
            series: None,
            size: None,
            frame: 0,
            strokes: path,
            method: TouchMethod::Grow,
            label: 1,
        };
        run_here(job, &Signal::default(), &|_| {}).map(|touched| touched.labels)
    }

    #[test]
    fn strokes_become_a_mask_and_without_one_off_it_the_border_is() {
        let folder = tempfile::tempdir().unwrap();
        let on = ([15, 11, 0], 1);
        for drawn in [vec![on, ([2, 2, 0], 2)], vec![on]] {
            let mask = touched(folder.path(), &drawn, SHAPE).unwrap();
            let wrong = (0..720).map(|n| [n % 30, n / 30, 0]).filter(|v| (mask.get(*v) == 1) != is_disc(*v)).count();
            assert!(wrong < 8, "{wrong} pixels of 149");
            assert!(mask.geometry().matches(&grid(SHAPE), 1e-3));
        }
    }

    #[test]
    fn what_is_no_strokes_of_this_image_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused =
            |drawn: &[([usize; 3], LabelValue)], shape| touched(folder.path(), drawn, shape).unwrap_err().to_string();
        let other = refused(&[([1, 1, 0], 1)], [30, 25, 1]);
        assert!(other.contains("[30, 25, 1]") && other.contains("[30, 24, 1]"), "{other}");
        assert!(refused(&[([1, 1, 0], 2)], SHAPE).contains("no stroke on the structure"));
        assert!(refused(&[([1, 1, 0], 7)], SHAPE).contains("has the value 7"));
    }
}

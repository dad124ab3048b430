//! Strokes on the slices of a volume, answered by the network.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::error::JobError;
use super::job::Work;
use crate::engine::DeviceChoice;
use crate::model;
use crate::pipeline::{self, TouchNetwork};
use crate::tools::{AnswerStrokes, NoAnswer, SliceValues, StrokeQuestion, follow};
use crate::volume::{LabelMap, Volume};

/// A network that many jobs use one after the other.
pub type SharedTouchNetwork = Arc<Mutex<TouchNetwork>>;

/// The network that comes with the program, or that of a model file.
///
/// # Errors
/// When the file is no such model, or the device does not work.
pub fn touch_network(file: Option<&Path>, device: DeviceChoice) -> Result<SharedTouchNetwork, JobError> {
    let model = match file {
        Some(path) => model::Model::load(path)?,
        None => model::touch()?,
    };
    Ok(Arc::new(Mutex::new(TouchNetwork::new(&model, device)?)))
}

/// The mask of every slice that has strokes on the structure, along the axis that fewest slices with strokes lie along. Others are empty,
/// unless the answers go on `through` the slices: each to half the way to the next slice with strokes, or until the structure ends.
pub(super) fn answered(
    network: &SharedTouchNetwork,
    (volume, frame): (&Volume, usize),
    strokes: &LabelMap,
    through: bool,
    work: &Work<()>,
) -> Result<LabelMap, JobError> {
    let occupied = strokes.occupied();
    let drawn = |axis: usize| occupied[axis].iter().filter(|is_drawn| **is_drawn).count();
    // Slices in the order of storing where strokes do not tell.
    let axis = [2, 1, 0].into_iter().min_by_key(|axis| drawn(*axis)).unwrap_or(2);
    let slices = occupied[axis].iter().enumerate().filter(|(_, is_drawn)| **is_drawn).map(|(at, _)| at);
    let slices: Vec<usize> = slices.collect();
    let mut mask = LabelMap::empty(volume.geometry.clone());
    let watch = work.watch.stage("Answering");
    let count = slices.len();
    let shape = volume.geometry.shape();
    for (n, at) in slices.iter().copied().enumerate() {
        watch.at(n as f32 / count as f32)?;
        let plane = SlicePlane { axis, at, shape };
        let drawn: Vec<u8> = plane.voxels().map(|voxel| u8::try_from(strokes.get(voxel)).unwrap_or(0)).collect();
        if !drawn.contains(&pipeline::ON) {
            work.warn(format!("slice {at} has strokes off the structure alone; it stays empty"));
            continue;
        }
        let values = |at: usize| {
            let plane = SlicePlane { axis, at, shape };
            let ([columns, rows], spacing) = (plane.axes(), volume.geometry.spacing_mm());
            SliceValues {
                values: plane.voxels().map(|voxel| volume.value(voxel, frame) as f32).collect(),
                size: plane.size(),
                spacing_mm: [spacing[rows], spacing[columns]],
            }
        };
        let part = watch.part(n as f32 / count as f32, (n + 1) as f32 / count as f32);
        let question = StrokeQuestion { values: &values(at), strokes: &drawn, previous: None };
        let answer = network.answer(&question, part).map_err(refused)?;
        let mut put = |at: usize, inside: &[u8]| {
            let plane = SlicePlane { axis, at, shape };
            let inside = plane.voxels().zip(inside).filter(|(_, is_in)| **is_in != 0);
            inside.for_each(|(voxel, _)| mask.set(voxel, 1));
        };
        put(at, &answer.inside);
        if through {
            let start = n.checked_sub(1).map_or(0, |before| usize::midpoint(slices[before], at) + 1);
            let end = slices.get(n + 1).map_or(shape[axis], |next| usize::midpoint(at, *next) + 1);
            let mut visit = |at: usize, inside: Option<&[u8]>| {
                part.check()?;
                if let Some(inside) = inside {
                    put(at, inside);
                }
                Ok(())
            };
            follow(network, start..end, &values, (at, &answer.inside), part, &mut visit).map_err(refused)?;
        }
    }
    let mut network = network.lock().unwrap_or_else(PoisonError::into_inner);
    network.take_notices().into_iter().for_each(|notice| work.warn(notice));
    Ok(mask)
}

fn refused(none: NoAnswer) -> JobError {
    match none {
        NoAnswer::Stopped(stopped) => stopped.into(),
        NoAnswer::Failed(text) => JobError::Other(text),
    }
}

/// A slice across a voxel axis.
#[derive(Debug, Clone, Copy)]
struct SlicePlane {
    axis: usize,
    at: usize,
    shape: [usize; 3],
}

impl SlicePlane {
    /// The voxel axes of columns and rows.
    fn axes(self) -> [usize; 2] {
        match self.axis {
            0 => [1, 2],
            1 => [0, 2],
            _ => [0, 1],
        }
    }

    /// Rows and columns.
    fn size(self) -> [usize; 2] {
        let [columns, rows] = self.axes();
        [self.shape[rows], self.shape[columns]]
    }

    /// Its voxels, row by row.
    fn voxels(self) -> impl Iterator<Item = [usize; 3]> {
        let [columns, rows] = self.axes();
        (0..self.shape[rows]).flat_map(move |row| {
            (0..self.shape[columns]).map(move |column| {
                let mut voxel = [0; 3];
                (voxel[self.axis], voxel[rows], voxel[columns]) = (self.at, row, column);
                voxel
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};
    use crate::work::{Signal, Watch};

    /// A bright ball in a dark volume whose slices along the second axis lie far apart.
    const SHAPE: [usize; 3] = [60, 5, 50];

    fn is_ball([i, j, k]: [usize; 3]) -> bool {
        let off = [i as f64 - 30.0, (j as f64 - 2.0) * 4.0, k as f64 - 25.0];
        off.iter().map(|v| v * v).sum::<f64>() <= 196.0
    }

    fn volume() -> Volume {
        let geometry =
            Geometry::new(SHAPE, Affine::from_columns([[1.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 1.0]], [0.0; 3]));
        let value = |n: usize| {
            let voxel = [n % 60, n / 60 % 5, n / 300];
            100 + i16::from(is_ball(voxel)) * 300 + (n * 37 % 11) as i16
        };
        let voxels = Voxels::I16(Arc::new((0..15_000).map(value).collect()));
        Volume::new(geometry.unwrap(), voxels, vec![], Rescale::IDENTITY, String::new())
    }

    #[test]
    fn slices_with_strokes_are_answered_and_strokes_are_respected() {
        let volume = volume();
        let mut strokes = LabelMap::empty(volume.geometry.clone());
        for j in [1, 2] {
            (24..36).for_each(|i| strokes.set([i, j, 25], 1));
            (5..55).for_each(|i| strokes.set([i, j, 4], 2));
        }
        // One stroke is where the image says otherwise; a slice has strokes off the ball alone.
        strokes.set([34, 2, 20], 2);
        strokes.set([3, 2, 45], 1);
        strokes.set([10, 4, 10], 2);
        let network = touch_network(None, DeviceChoice::Cpu).unwrap();
        let signal = Signal::default();
        let warnings = Mutex::new(Vec::new());
        let tell = |told| {
            if let crate::jobs::Told::Warning(text) = told {
                warnings.lock().unwrap().push(text);
            }
        };
        let work: Work<()> = Work::new(Watch::new(&signal), &tell);
        let mask = answered(&network, (&volume, 0), &strokes, false, &work).unwrap();
        assert_eq!((mask.get([34, 2, 20]), mask.get([3, 2, 45])), (0, 1));
        let is_empty = |j: usize| (0..60).all(|i| (0..50).all(|k| mask.get([i, j, k]) == 0));
        assert!(is_empty(0) && is_empty(3) && is_empty(4));
        assert!(warnings.lock().unwrap().iter().any(|text| text.contains("slice 4")));
        let (mut both, mut sum) = (0.0, 0.0);
        for voxel in (0..60).flat_map(|i| (0..50).map(move |k| [i, 1, k])) {
            let (ours, truth) = (mask.get(voxel) == 1, is_ball(voxel));
            both += f64::from(u8::from(ours && truth));
            sum += f64::from(u8::from(ours) + u8::from(truth));
        }
        assert!(2.0 * both / sum > 0.85, "Dice {}", 2.0 * both / sum);
        // On through the slices, each to half the way: what was answered stays, and slices with strokes stay theirs.
        let through = answered(&network, (&volume, 0), &strokes, true, &work).unwrap();
        mask.for_each_labelled(|voxel, _| assert_eq!(through.get(voxel), 1, "{voxel:?}"));
        let in_slice = |mask: &LabelMap, j: usize| {
            (0..60).flat_map(|i| (0..50).map(move |k| [i, j, k])).filter(|v| mask.get(*v) == 1).count()
        };
        assert_eq!([1, 2].map(|j| in_slice(&through, j)), [1, 2].map(|j| in_slice(&mask, j)));
        // A stop is a stop.
        signal.stop();
        assert!(answered(&network, (&volume, 0), &strokes, false, &work).unwrap_err().is_stop());
    }
}

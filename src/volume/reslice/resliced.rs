//! A resliced picture: values and labels of its pixels.

use std::sync::Arc;

use super::super::affine::Affine;
use super::super::geometry::{Geometry, GeometryError};
use super::super::label_map::{LabelMap, LabelValue};
use super::super::scan::{Rescale, Volume};
use super::super::voxels::Voxels;
use super::error::ResliceError;
use super::rows::Reslice;

/// A picture of a scan along a plane or a path, row by row from the top left. Clones share their pixels.
#[derive(Debug, Clone)]
pub struct Resliced {
    /// Columns and rows.
    pub size: [usize; 2],
    /// Rescaled values; NaN where the scan has none.
    pub values: Arc<Vec<f32>>,
    /// Labels; none where none were asked for.
    pub labels: Option<Arc<Vec<LabelValue>>>,
}

impl Resliced {
    /// The value outside of the scan that a display window shows black, where dark is bright or not.
    pub fn black(is_inverted: bool) -> f32 {
        if is_inverted { f32::INFINITY } else { f32::NEG_INFINITY }
    }

    /// The values as a volume of one slice on a grid of the picture's size; `outside` stands where the scan has none.
    pub fn volume(&self, geometry: Geometry, outside: f32, of: &Volume) -> Volume {
        let values = self.values.iter().map(|value| if value.is_nan() { outside } else { *value }).collect();
        let mut volume =
            Volume::new(geometry, Voxels::F32(Arc::new(values)), Vec::new(), Rescale::IDENTITY, of.name.clone());
        volume.display.clone_from(&of.display);
        volume
    }

    /// The labels as a map of one slice on a grid of the picture's size; empty where none were asked for.
    pub fn label_map(&self, geometry: Geometry) -> LabelMap {
        let Some(labels) = &self.labels else { return LabelMap::empty(geometry) };
        let columns = self.size[0];
        LabelMap::from_fn(geometry, |[i, j, _]| labels.get(j * columns + i).copied().unwrap_or(0))
    }
}

impl Reslice {
    /// A grid for a picture that lies nowhere in the patient: the first pixel is at the origin, columns run to the left and rows to the feet, so that
    /// a coronal view shows it as it is.
    ///
    /// # Errors
    /// When it has no pixels.
    pub fn placeless_geometry(&self) -> Result<Geometry, ResliceError> {
        let mm = self.pixel_mm;
        let columns = [[-mm, 0.0, 0.0], [0.0, 0.0, -mm], [0.0, -mm, 0.0]];
        let made = Geometry::new([self.columns, self.rows.len(), 1], Affine::from_columns(columns, [0.0; 3]));
        made.map_err(|_: GeometryError| ResliceError::Size([self.columns as f64, self.rows.len() as f64]))
    }
}

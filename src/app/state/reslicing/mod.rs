//! The oblique and the curved tile: where they cut the scan on screen, and the pictures that are ready.

mod turning;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tiles::TileContent;
use super::views::Pose;
use crate::session::ScanId;
use crate::volume::{CurvedPath, Geometry, LabelMap, ObliquePlane, Plane, Reslice, ResliceError, Resliced, Slab, Vec3};
pub use turning::{Angles, Directions, SNAP_DEGREES};

/// Most pixels along a side of a picture in a tile.
const MOST_PIXELS: usize = 2048;
/// Widths of a straightened picture in millimetres.
pub const WIDTHS_MM: std::ops::RangeInclusive<f64> = 5.0..=300.0;
/// The thickest slab in millimetres.
pub const THICKEST_MM: f64 = 100.0;

/// A tile that shows the scan along something else than its voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResliceTile {
    /// Along a plane.
    Oblique,
    /// Straightened along a path.
    Curved,
}

impl ResliceTile {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Oblique, Self::Curved];

    /// What the tile holds.
    pub fn content(self) -> TileContent {
        match self {
            Self::Oblique => TileContent::Oblique,
            Self::Curved => TileContent::Curved,
        }
    }
}

/// How the oblique plane of a scan lies. It goes through the cursor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObliqueForm {
    /// Its directions.
    pub directions: Directions,
    /// The exact place that the cursor was put to in the tile, and the voxel that it came to: while the cursor is there, the plane goes
    /// through the place.
    pub place: Option<([usize; 3], Vec3)>,
    /// Its thickness.
    pub slab: Slab,
    /// Zoom and place in the tile.
    pub pose: Pose,
}

impl Default for ObliqueForm {
    fn default() -> Self {
        // Tilted from the first, so that its line shows in every view.
        let directions = Directions::from(Angles { forward: 30.0, sideways: 0.0, within: 0.0 });
        Self { directions, place: None, slab: Slab::default(), pose: Pose::FIT }
    }
}

impl ObliqueForm {
    /// The place that the plane goes through, in RAS millimetres.
    pub fn through(&self, geometry: &Geometry, cursor: [usize; 3]) -> Vec3 {
        self.place.filter(|(of, _)| *of == cursor).map_or_else(|| geometry.world_at(cursor), |(_, place)| place)
    }

    /// The plane as a picture of all of the scan that lies on it.
    pub fn plane(&self, geometry: &Geometry, cursor: [usize; 3]) -> ObliquePlane {
        let Directions { right, down } = self.directions;
        ObliquePlane::whole(geometry, self.through(geometry, cursor), [right, down], MOST_PIXELS)
    }
}

/// A path through a scan, and how the scan is straightened along it.
#[derive(Debug, Clone, PartialEq)]
pub struct PathForm {
    /// Points of the path in RAS millimetres, in their order.
    pub points: Arc<Vec<Vec3>>,
    /// Width of the picture.
    pub width_mm: f64,
    /// Degrees that the picture is turned about the path.
    pub angle: f64,
    /// Its thickness.
    pub slab: Slab,
    /// Zoom and place in the tile.
    pub pose: Pose,
}

impl Default for PathForm {
    fn default() -> Self {
        Self { points: Arc::default(), width_mm: 60.0, angle: 0.0, slab: Slab::default(), pose: Pose::FIT }
    }
}

impl PathForm {
    /// The path with steps of so many millimetres, or longer ones where it would have too many.
    ///
    /// # Errors
    /// When there are fewer than two points at different places.
    pub fn path(&self, step_mm: f64) -> Result<CurvedPath, ResliceError> {
        let polygon: f64 = self.points.windows(2).map(|pair| distance_mm(pair[0], pair[1])).sum();
        // A curve through points is at most a little longer than the straight lines between them.
        let longest = (1.5 * polygon).max(self.width_mm);
        CurvedPath::through(&self.points, step_mm.max(longest / MOST_PIXELS as f64))
    }
}

/// Millimetres between two places.
pub fn distance_mm(a: Vec3, b: Vec3) -> f64 {
    (0..3).map(|n| (a[n] - b[n]).powi(2)).sum::<f64>().sqrt()
}

/// What a picture is along.
#[derive(Debug, Clone, PartialEq)]
pub enum Along {
    /// A plane.
    Plane(ObliquePlane),
    /// A path, with the width of the picture and its angle in degrees.
    Path(Arc<Vec<Vec3>>, f64, f64),
}

/// What a picture shows; equal keys need no new one.
#[derive(Debug, Clone, PartialEq)]
pub struct ResliceKey {
    /// The scan.
    pub scan: ScanId,
    /// Its frame.
    pub frame: usize,
    /// Where.
    pub along: Along,
    /// How thick.
    pub slab: Slab,
}

/// A picture that is ready.
#[derive(Debug, Clone)]
pub struct ReadyPicture {
    /// What it shows.
    pub key: ResliceKey,
    /// The labels that it has.
    pub labels: Option<LabelMap>,
    /// All pixels.
    pub reslice: Arc<Reslice>,
    /// So many times so many of them are one in the picture.
    pub thinning: usize,
    /// Their values and labels.
    pub resliced: Resliced,
}

/// A tile's picture.
#[derive(Debug)]
pub struct Picture {
    /// What is shown.
    pub ready: Option<ReadyPicture>,
    /// Nanoseconds that a pixel of a layer took lately.
    pub pixel_nanos: f64,
    /// What a job could not make: it is not tried again.
    pub failed: Option<ResliceKey>,
}

impl Default for Picture {
    fn default() -> Self {
        Self { ready: None, pixel_nanos: 60.0, failed: None }
    }
}

/// Both tiles.
#[derive(Debug, Default)]
pub struct Reslicing {
    /// The planes of scans that have had one.
    pub planes: BTreeMap<ScanId, ObliqueForm>,
    /// The paths of scans that have had one.
    pub paths: BTreeMap<ScanId, PathForm>,
    /// Pictures of the oblique and the curved tile.
    pub pictures: [Picture; 2],
    /// What a job makes now, and for which tile.
    pub asked: Option<(ResliceTile, ResliceKey)>,
    /// The tile under the pointer.
    pub hovered: Option<ResliceTile>,
    /// Whether a click in a view adds a point to the path.
    pub is_placing: bool,
}

/// Something about the oblique and the curved tile.
#[derive(Debug, Clone)]
pub enum ResliceRequest {
    /// Whether the pointer is over one of them.
    Hover(Option<ResliceTile>),
    /// How the oblique plane lies.
    Plane(ObliqueForm),
    /// Lay the oblique plane as slices lie.
    Lay(Plane),
    /// Move the oblique plane along its normal by so many slices.
    Step(i64),
    /// The cursor goes to a place in RAS millimetres, through which the oblique plane goes exactly.
    Cursor(Vec3),
    /// How the scan is straightened.
    Path(PathForm),
    /// Whether a click in a view adds a point to the path.
    Placing(bool),
    /// Add a point to the path.
    Add(Vec3),
    /// Move a point of the path.
    Move(usize, Vec3),
    /// Take the last point of the path back.
    TakeBack,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;

    #[test]
    fn the_plane_goes_through_the_exact_place_until_the_cursor_leaves_it() {
        let geometry = Geometry::new([10, 10, 10], Affine::IDENTITY).unwrap();
        let form = ObliqueForm { place: Some(([5, 5, 5], [5.3, 4.8, 5.0])), ..ObliqueForm::default() };
        assert_eq!(form.through(&geometry, [5, 5, 5]), [5.3, 4.8, 5.0]);
        assert_eq!(form.through(&geometry, [5, 5, 6]), [5.0, 5.0, 6.0]);
    }

    #[test]
    fn a_long_path_gets_longer_steps_and_one_point_is_none() {
        let form = |points: Vec<Vec3>| PathForm { points: Arc::new(points), ..PathForm::default() };
        assert_eq!(form(vec![[0.0; 3]]).path(0.5), Err(ResliceError::TooFewPoints));
        let short = form(vec![[0.0; 3], [100.0, 0.0, 0.0]]).path(0.5).unwrap();
        assert_eq!((short.step_mm, short.places.len()), (0.5, 201));
        let long = form(vec![[0.0; 3], [9000.0, 0.0, 0.0]]).path(0.5).unwrap();
        assert!(long.places.len() <= MOST_PIXELS, "{}", long.places.len());
    }
}

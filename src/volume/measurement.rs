//! Measurements on a scan: rulers, angles and regions, each in one slice of one plane, by points in the patient.

use serde::{Deserialize, Serialize};

use super::affine::Vec3;
use super::geometry::Geometry;
use super::plane::{Plane, PlaneLayout};

/// What is drawn. Points are patient RAS millimetres, so that no flip of a view and no storage order changes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A line between two ends.
    Ruler([Vec3; 2]),
    /// Two legs that meet in the second point.
    Angle([Vec3; 3]),
    /// The ellipse that touches the edges of the rectangle between two opposite corners.
    Ellipse([Vec3; 2]),
    /// The rectangle between two opposite corners. Its edges run along the rows and columns of the slice.
    Rectangle([Vec3; 2]),
}

impl Figure {
    /// Its points.
    pub fn points(&self) -> &[Vec3] {
        match self {
            Self::Ruler(points) | Self::Ellipse(points) | Self::Rectangle(points) => points,
            Self::Angle(points) => points,
        }
    }

    fn points_mut(&mut self) -> &mut [Vec3] {
        match self {
            Self::Ruler(points) | Self::Ellipse(points) | Self::Rectangle(points) => points,
            Self::Angle(points) => points,
        }
    }

    /// Whether it encloses voxels.
    pub fn is_region(&self) -> bool {
        matches!(self, Self::Ellipse(_) | Self::Rectangle(_))
    }

    /// What it is called, for the user.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ruler(_) => "Ruler",
            Self::Angle(_) => "Angle",
            Self::Ellipse(_) | Self::Rectangle(_) => "ROI",
        }
    }

    /// The same within a sentence.
    pub fn name_in_text(&self) -> &'static str {
        match self {
            Self::Ruler(_) => "ruler",
            Self::Angle(_) => "angle",
            Self::Ellipse(_) | Self::Rectangle(_) => "ROI",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Ruler(_) => Kind::Ruler,
            Self::Angle(_) => Kind::Angle,
            Self::Ellipse(_) => Kind::Ellipse,
            Self::Rectangle(_) => Kind::Rectangle,
        }
    }

    /// What it is called in files.
    pub fn id(&self) -> &'static str {
        match self.kind() {
            Kind::Ruler => "ruler",
            Kind::Angle => "angle",
            Kind::Ellipse => "ellipse",
            Kind::Rectangle => "rectangle",
        }
    }
}

/// Straight lines that an ellipse is drawn with.
const ELLIPSE_STEPS: usize = 96;

/// A named figure in a slice of a plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Measurement {
    /// For the list.
    pub name: String,
    /// The plane that it was drawn in. Which slice follows from its first point.
    pub plane: Plane,
    /// What was drawn.
    pub figure: Figure,
}

impl Measurement {
    /// The slice that it lies in; `None` where that is beside the grid.
    pub fn slice(&self, geometry: &Geometry) -> Option<usize> {
        let layout = PlaneLayout::new(geometry, self.plane);
        let [_, _, slice] = layout.point_on_screen(geometry.voxel_from_world().point(*self.figure.points().first()?));
        let slice = slice.round();
        (slice >= 0.0 && slice < layout.size[2] as f64).then_some(slice as usize)
    }

    /// Its points in pixels of its slice: pixel `n` spans `n..n + 1`.
    pub fn pixels(&self, geometry: &Geometry) -> Vec<[f64; 2]> {
        let layout = PlaneLayout::new(geometry, self.plane);
        let pixel = |point: &Vec3| {
            let [column, row, _] = layout.point_on_screen(geometry.voxel_from_world().point(*point));
            [column, row]
        };
        self.figure.points().iter().map(pixel).collect()
    }

    /// What can be dragged, in pixels of its slice: ends, the corner of an angle, the four corners around a region.
    pub fn handles(&self, geometry: &Geometry) -> Vec<[f64; 2]> {
        match (self.figure.is_region(), &self.pixels(geometry)[..]) {
            (true, [[x0, y0], [x1, y1]]) => vec![[*x0, *y0], [*x1, *y0], [*x1, *y1], [*x0, *y1]],
            (_, points) => points.to_vec(),
        }
    }

    /// The line that is drawn, in pixels of its slice; that of a region ends where it began.
    pub fn outline(&self, geometry: &Geometry) -> Vec<[f64; 2]> {
        let points = self.pixels(geometry);
        match (&self.figure, &points[..]) {
            (Figure::Rectangle(_), [[x0, y0], [x1, y1]]) => {
                vec![[*x0, *y0], [*x1, *y0], [*x1, *y1], [*x0, *y1], [*x0, *y0]]
            }
            (Figure::Ellipse(_), [a, b]) => {
                let middle = [0, 1].map(|n| f64::midpoint(a[n], b[n]));
                let at = |step: usize| {
                    let (sin, cos) = (std::f64::consts::TAU * step as f64 / ELLIPSE_STEPS as f64).sin_cos();
                    [middle[0] + (b[0] - a[0]) / 2.0 * cos, middle[1] + (b[1] - a[1]) / 2.0 * sin]
                };
                (0..=ELLIPSE_STEPS).map(at).collect()
            }
            _ => points,
        }
    }

    /// Moves a handle to a pixel of a slice.
    pub fn drag(&mut self, geometry: &Geometry, handle: usize, at: [f64; 2], slice: usize) {
        let place = |at: [f64; 2]| point_on_slice(geometry, self.plane, at, slice);
        if !self.figure.is_region() {
            let place = place(at);
            self.figure.points_mut().get_mut(handle).into_iter().for_each(|point| *point = place);
            return;
        }
        let [[x0, y0], [x1, y1]] = self.pixels(geometry)[..] else { return };
        let [x, y] = at;
        let [a, b] = match handle {
            0 => [[x, y], [x1, y1]],
            1 => [[x0, y], [x, y1]],
            2 => [[x0, y0], [x, y]],
            _ => [[x, y0], [x1, y]],
        };
        let places = [place(a), place(b)];
        self.figure.points_mut().copy_from_slice(&places);
    }

    /// The same on another grid of as many voxels: it stays at its voxels, as labels do.
    #[must_use]
    pub fn carried(mut self, from: &Geometry, to: &Geometry) -> Self {
        if from != to {
            // It stays in its slice of voxels, whatever plane of the patient that is on the other grid.
            let axis_of = |geometry: &Geometry, plane: Plane| PlaneLayout::new(geometry, plane).axes[2];
            let axis = axis_of(from, self.plane);
            self.plane = Plane::ALL.into_iter().find(|plane| axis_of(to, *plane) == axis).unwrap_or(self.plane);
            for point in self.figure.points_mut() {
                *point = to.world_from_voxel().point(from.voxel_from_world().point(*point));
            }
        }
        self
    }
}

/// The place in the patient of a pixel of a slice.
pub fn point_on_slice(geometry: &Geometry, plane: Plane, [column, row]: [f64; 2], slice: usize) -> Vec3 {
    geometry.world_from_voxel().point(PlaneLayout::new(geometry, plane).point_in_voxel(column, row, slice))
}

/// As files have it: doubles by their bits, since text would round them.
#[derive(Serialize, Deserialize)]
struct Written {
    name: String,
    plane: Plane,
    kind: Kind,
    points: Vec<[u64; 3]>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ruler,
    Angle,
    Ellipse,
    Rectangle,
}

impl From<Measurement> for Written {
    fn from(Measurement { name, plane, figure }: Measurement) -> Self {
        let points = figure.points().iter().map(|point| point.map(f64::to_bits)).collect();
        Self { name, plane, kind: figure.kind(), points }
    }
}

impl TryFrom<Written> for Measurement {
    type Error = String;

    fn try_from(Written { name, plane, kind, points }: Written) -> Result<Self, String> {
        let points: Vec<Vec3> = points.into_iter().map(|point| point.map(f64::from_bits)).collect();
        if points.iter().flatten().any(|at| !at.is_finite()) {
            return Err(format!("the measurement \"{name}\" has a point that is no place"));
        }
        let wrong = format!("the measurement \"{name}\" ({kind:?}) has {} points", points.len());
        let figure = match kind {
            Kind::Ruler => points.try_into().map(Figure::Ruler),
            Kind::Angle => points.try_into().map(Figure::Angle),
            Kind::Ellipse => points.try_into().map(Figure::Ellipse),
            Kind::Rectangle => points.try_into().map(Figure::Rectangle),
        };
        let figure = figure.map_err(|_| wrong)?;
        Ok(Self { name, plane, figure })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;
    use proptest::prelude::*;

    fn oblique() -> Geometry {
        let columns = [[-0.7, 0.1, 0.0], [0.05, 0.2, 1.4], [0.1, 2.5, -0.3]];
        Geometry::new([20, 30, 12], Affine::from_columns(columns, [11.0, -40.0, 7.5])).unwrap()
    }

    #[test]
    fn on_a_grid_with_other_axes_a_figure_stays_in_its_slice_of_voxels() {
        let from = Geometry::new([8, 9, 10], Affine::IDENTITY).unwrap();
        // The third voxel axis runs from front to back, the second from feet to head.
        let columns = [[1.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 3.0, 0.0]];
        let to = Geometry::new([8, 9, 10], Affine::from_columns(columns, [0.0; 3])).unwrap();
        let figure = Figure::Rectangle([[1.0, 2.0, 4.0], [5.0, 6.0, 4.0]]);
        let own = Measurement { name: "ROI 1".into(), plane: Plane::Axial, figure };
        let carried = own.carried(&from, &to);
        assert_eq!(
            (carried.plane, carried.figure),
            (Plane::Coronal, Figure::Rectangle([[1.0, 12.0, 4.0], [5.0, 12.0, 12.0]]))
        );
    }

    proptest! {
        #[test]
        fn a_point_is_found_where_it_was_put(at in [0.0f64..12.0, 0.0..12.0], slice in 0usize..12, plane in 0usize..3) {
            let (geometry, plane) = (oblique(), Plane::ALL[plane]);
            let point = point_on_slice(&geometry, plane, at, slice);
            let own = Measurement { name: "Ruler 1".into(), plane, figure: Figure::Ruler([point; 2]) };
            prop_assert_eq!(own.slice(&geometry), Some(slice));
            for [column, row] in own.pixels(&geometry) {
                prop_assert!((column - at[0]).abs() < 1e-9 && (row - at[1]).abs() < 1e-9);
            }
        }

        #[test]
        fn a_file_keeps_every_bit(points in prop::array::uniform3(prop::array::uniform3(any::<f64>()))) {
            let own = Measurement { name: "\"A\"".into(), plane: Plane::Coronal, figure: Figure::Angle(points) };
            let text = serde_json::to_string(&own).unwrap();
            let read: Result<Measurement, _> = serde_json::from_str(&text);
            if points.iter().flatten().all(|at| at.is_finite()) {
                prop_assert_eq!(read.unwrap(), own);
            } else {
                prop_assert!(read.unwrap_err().to_string().contains("no place"));
            }
        }

        #[test]
        fn a_dragged_handle_lies_under_the_pointer_and_the_opposite_one_stays(handle in 0usize..4, at in [1.0f64..11.0, 1.0..11.0]) {
            let geometry = oblique();
            let corner = |at| point_on_slice(&geometry, Plane::Sagittal, at, 4);
            let figure = Figure::Ellipse([corner([2.0, 3.0]), corner([9.0, 8.0])]);
            let mut own = Measurement { name: "ROI 1".into(), plane: Plane::Sagittal, figure };
            let before = own.handles(&geometry);
            own.drag(&geometry, handle, at, 4);
            let after = own.handles(&geometry);
            let is_near = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9;
            prop_assert!(is_near(after[handle], at), "{after:?}");
            let opposite = (handle + 2) % 4;
            prop_assert!(is_near(after[opposite], before[opposite]), "{after:?}");
        }
    }

    #[test]
    fn what_lies_is_refused() {
        let own = Measurement { name: "R".into(), plane: Plane::Axial, figure: Figure::Ruler([[0.0; 3]; 2]) };
        let text = serde_json::to_string(&own).unwrap();
        assert_eq!(text, r#"{"name":"R","plane":"axial","kind":"ruler","points":[[0,0,0],[0,0,0]]}"#);
        let read = |text: &str| serde_json::from_str::<Measurement>(text).unwrap_err().to_string();
        assert!(read(&text.replace("ruler", "angle")).contains("(Angle) has 2 points"));
        assert!(read(&text.replace("ruler", "egg")).contains("egg"));
        let beside = Measurement { figure: Figure::Ruler([[0.0, 0.0, 1e9]; 2]), ..own };
        assert_eq!(beside.slice(&oblique()), None);
    }

    #[test]
    fn on_another_grid_it_stays_at_its_voxels() {
        let (from, to) = (oblique(), Geometry::new([20, 30, 12], Affine::IDENTITY).unwrap());
        let point = from.world_from_voxel().point([3.0, 4.0, 5.0]);
        let own = Measurement { name: "R".into(), plane: Plane::Axial, figure: Figure::Ruler([point; 2]) };
        let [a, ..] = own.carried(&from, &to).figure.points().to_vec()[..] else { panic!() };
        assert!(a.iter().zip([3.0, 4.0, 5.0]).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?}");
    }
}

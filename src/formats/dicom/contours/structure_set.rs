//! What a structure set holds: regions of interest and their outlines.

use crate::shape::{area_vector, even_odd_area, flattened};
use crate::volume::{Code, Rgb, Term, Vec3, dot};
use crate::work::numbers::real;

/// How the points of a contour are joined (Contour Geometric Type, PS3.3 C.8.8.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContourKind {
    /// A closed outline in a plane: `CLOSED_PLANAR`, and `CLOSEDPLANAR_XOR`, which is the same by the even-odd rule.
    Closed,
    /// Single points.
    Point,
    /// A line in a plane, which encloses nothing.
    OpenPlanar,
    /// A line in space.
    OpenNonplanar,
    /// Something else, by its name in the file.
    Other(String),
}

impl ContourKind {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "CLOSED_PLANAR" | "CLOSEDPLANAR_XOR" => Self::Closed,
            "POINT" => Self::Point,
            "OPEN_PLANAR" => Self::OpenPlanar,
            "OPEN_NONPLANAR" => Self::OpenNonplanar,
            other => Self::Other(other.into()),
        }
    }

    /// Its name in DICOM.
    pub fn name(&self) -> &str {
        match self {
            Self::Closed => "CLOSED_PLANAR",
            Self::Point => "POINT",
            Self::OpenPlanar => "OPEN_PLANAR",
            Self::OpenNonplanar => "OPEN_NONPLANAR",
            Self::Other(name) => name,
        }
    }
}

/// An outline.
#[derive(Debug, Clone, PartialEq)]
pub struct Contour {
    /// How the points are joined.
    pub kind: ContourKind,
    /// RAS millimetres; empty where they were not asked for.
    pub points: Vec<Vec3>,
    /// SOP Instance UID of the image that it was drawn on, where the file says it.
    pub image: Option<String>,
}

/// A region of interest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Roi {
    /// ROI Number.
    pub number: i64,
    /// ROI Name.
    pub name: String,
    /// Whether ROI Generation Algorithm is AUTOMATIC.
    pub is_automatic: bool,
    /// RT ROI Interpreted Type, such as ORGAN; empty where the file gives none.
    pub interpreted_type: String,
    /// ROI Display Color.
    pub colour: Option<Rgb>,
    /// What it is in the codes of a terminology.
    pub term: Option<Term>,
    /// Its outlines.
    pub contours: Vec<Contour>,
}

/// A series that contours were drawn on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReferencedSeries {
    /// Series Instance UID.
    pub series_uid: String,
    /// SOP Instance UIDs of its images, as far as the file names them.
    pub images: Vec<String>,
}

/// A structure set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StructureSet {
    /// Structure Set Label.
    pub label: String,
    /// The series that it was drawn on.
    pub referenced_series: Vec<ReferencedSeries>,
    /// In the order of the file.
    pub rois: Vec<Roi>,
    /// What is doubtful about the file.
    pub warnings: Vec<String>,
    pub(super) patient: String,
    pub(super) study_uid: String,
    pub(super) series_uid: String,
    pub(super) instance_uid: String,
    pub(super) frame_of_reference: String,
}

/// Contours in one plane.
pub(super) struct ContourPlane<'a> {
    /// Unit normal.
    pub normal: Vec3,
    /// Distance from the origin along the normal in millimetres.
    pub offset_mm: f64,
    pub contours: Vec<&'a Contour>,
}

/// Contours in planes, those within a hundredth of a millimetre of one together.
pub(super) fn planes_of<'a>(contours: &[&'a Contour]) -> Vec<ContourPlane<'a>> {
    const SAME_PLANE_MM: f64 = 0.01;
    const SAME_DIRECTION: f64 = 0.9999;
    // Where hundreds of planes cross in one place, those that lie there twice are no longer looked for.
    const MOST_CROSSING: usize = 256;
    let directions = contours.iter().filter_map(|contour| direction(area_vector(&contour.points)));
    // Points and lines have no direction of their own.
    let usual = directions.max_by(|a, b| a.1.total_cmp(&b.1)).map_or([0.0, 0.0, 1.0], |(normal, _)| normal);
    let mut placed: Vec<(Vec3, f64, &Contour)> = Vec::new();
    for contour in contours {
        let Some(middle) = middle(&contour.points) else { continue };
        let own = direction(area_vector(&contour.points)).map(|(own, _)| own);
        let normal = own.filter(|own| dot(*own, usual).abs() < SAME_DIRECTION).unwrap_or(usual);
        placed.push((normal, dot(normal, middle), contour));
    }
    placed.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut planes: Vec<ContourPlane> = Vec::new();
    for (normal, offset_mm, contour) in placed {
        let near = planes.iter_mut().rev().take_while(|plane| offset_mm - plane.offset_mm <= SAME_PLANE_MM);
        let mut near = near.take(MOST_CROSSING);
        match near.find(|plane| dot(plane.normal, normal).abs() >= SAME_DIRECTION) {
            Some(plane) => plane.contours.push(contour),
            None => planes.push(ContourPlane { normal, offset_mm, contours: vec![contour] }),
        }
    }
    planes
}

impl StructureSet {
    /// Lets the points go: names and counts of contours stay.
    pub(super) fn forget_points(&mut self) {
        self.rois.iter_mut().flat_map(|roi| &mut roi.contours).for_each(|contour| contour.points = Vec::new());
    }
}

impl Roi {
    /// Its closed contours that have points.
    pub(super) fn closed(&self) -> Vec<&Contour> {
        self.contours.iter().filter(|c| c.kind == ContourKind::Closed && !c.points.is_empty()).collect()
    }

    /// Per plane, in ascending order along the normal: number of contours, and the area inside by the even-odd rule in square millimetres.
    /// The rule is that of outlines that do not cross each other.
    pub fn areas_mm2(&self) -> Vec<(usize, f64)> {
        let area = |plane: ContourPlane| {
            let outlines: Vec<Vec<[f64; 2]>> =
                plane.contours.iter().map(|contour| flattened(&contour.points, plane.normal)).collect();
            (outlines.len(), even_odd_area(&outlines))
        };
        planes_of(&self.closed()).into_iter().map(area).collect()
    }

    /// Number of points of all contours.
    pub fn point_count(&self) -> usize {
        self.contours.iter().map(|contour| contour.points.len()).sum()
    }
}

/// Mean of the points; none where there are none.
fn middle(points: &[Vec3]) -> Option<Vec3> {
    let count = real(points.len());
    let sum = |axis: usize| points.iter().map(|point| point[axis]).sum::<f64>() / count;
    (!points.is_empty()).then(|| [sum(0), sum(1), sum(2)])
}

/// A direction that leads to the positive side of the axis that it is nearest to, and the length; none for what has no direction.
fn direction(vector: Vec3) -> Option<(Vec3, f64)> {
    const LEAST_MM2: f64 = 1e-9;
    let length = dot(vector, vector).sqrt();
    let largest = vector.into_iter().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    let scale = if largest < 0.0 { -length } else { length };
    (length > LEAST_MM2 && length.is_finite()).then(|| (vector.map(|part| part / scale), length))
}

/// The parts of a term as they are found.
#[derive(Debug, Default)]
pub(super) struct TermParts {
    pub category: Option<Code>,
    pub kind: Option<Code>,
    pub side: Option<Code>,
}

impl TermParts {
    /// The term, where the kind is known. A kind alone is an anatomical structure: that is what most contours are.
    pub fn term(self) -> Option<Term> {
        let category = self.category.unwrap_or_else(|| Code::snomed("123037004", "Anatomical Structure"));
        Some(Term { category, kind: self.kind?, side: self.side })
    }
}

//! `lamella reslice`

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::Result;
use super::scan_look::{Opened, ScanLook};
use super::terminal::Terminal;
use crate::drawing::{PICTURE_EDGE, PictureSize, picture};
use crate::formats::read_path_points;
use crate::jobs::{JobError, OutputKind, ResliceJob, SaveLabelsJob, SavePictureJob, SaveVolumeJob};
use crate::volume::{
    Annotations, CurvedPath, Geometry, LabelTable, ObliquePlane, PlaneLayout, Reslice, ResliceError, Resliced, Slab,
    SlabKind, Vec3, Volume,
};
use crate::work::numbers::real;

/// Pixels along the longer side of a plane where no size of a pixel is named.
const MOST_USUAL_PIXELS: usize = 4096;

/// Cut a scan along any plane, or straighten it along a path.
#[derive(Args)]
pub struct ResliceScan {
    /// A scan
    input: PathBuf,
    /// A picture (.png), or an image file with the values (.nii.gz, .nrrd, .mha ...)
    #[arg(short, long)]
    output: PathBuf,
    /// A place of the plane in patient RAS millimetres; by default the scan's middle
    #[arg(long, value_name = "X,Y,Z", allow_hyphen_values = true)]
    centre: Option<Numbers<3>>,
    /// The direction that the plane is looked along, in RAS
    #[arg(long, value_name = "X,Y,Z", allow_hyphen_values = true, required_unless_present = "path")]
    normal: Option<Numbers<3>>,
    /// What is up in the picture, in RAS; by default the head, or the front in a plane that lies more like an axial one
    #[arg(long, value_name = "X,Y,Z", allow_hyphen_values = true, requires = "normal")]
    up: Option<Numbers<3>>,
    /// Width and height of the picture in mm; by default all of the scan
    #[arg(long, value_name = "W,H", requires = "normal")]
    size: Option<Numbers<2>>,
    /// Straighten the scan along the points of this file: [[x, y, z], ...] in RAS mm, or a curve that 3D Slicer saved (.mrk.json)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["centre", "normal"])]
    path: Option<PathBuf>,
    /// Of a path: millimetres across
    #[arg(long, default_value_t = 60.0, value_name = "MM", conflicts_with = "normal")]
    width: f64,
    /// Of a path: degrees that the picture is turned about it
    #[arg(long, default_value_t = 0.0, allow_hyphen_values = true, value_name = "DEGREES", conflicts_with = "normal")]
    angle: f64,
    /// Millimetres of a pixel; by default the scan's finest spacing
    #[arg(long, value_name = "MM")]
    pixel: Option<f64>,
    /// Millimetres through the plane that are one picture
    #[arg(long, default_value_t = 0.0, value_name = "MM")]
    thickness: f64,
    /// What becomes of the values through the thickness
    #[arg(long, value_enum, default_value_t = SlabChoice::Mean, requires = "thickness")]
    slab: SlabChoice,
    /// In an image file: the value where the scan has none; by default none (NaN)
    #[arg(long, allow_hyphen_values = true)]
    outside: Option<f32>,
    /// Also write the mask's labels at the same pixels into this file
    #[arg(long, value_name = "FILE", requires = "mask")]
    labels: Option<PathBuf>,
    /// Of a picture: pixels of the shorter side; 512 by default
    #[arg(long)]
    edge: Option<usize>,
    #[command(flatten)]
    shown: ScanLook,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SlabChoice {
    Mean,
    Max,
    Min,
}

/// Numbers with commas between them.
#[derive(Debug, Clone, Copy)]
struct Numbers<const N: usize>([f64; N]);

impl<const N: usize> FromStr for Numbers<N> {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers: Vec<f64> = text.split(',').map_while(|part| part.trim().parse().ok()).collect();
        let is_whole = numbers.len() == text.split(',').count() && numbers.iter().all(|number| number.is_finite());
        let numbers = numbers.try_into().ok().filter(|_| is_whole);
        numbers.map(Self).ok_or_else(|| format!("{text:?} is not {N} numbers with commas between them"))
    }
}

fn refused(error: &ResliceError) -> JobError {
    JobError::Other(error.to_string())
}

fn save_labels(path: &Path, labels: crate::volume::LabelMap, table: LabelTable, terminal: &Terminal) -> Result {
    let annotations = Annotations { table, ..Annotations::default() };
    let job = SaveLabelsJob { path: path.into(), labels, annotations, source: None, sidecar: false };
    terminal.run(job, &|()| {})?;
    Ok(())
}

impl ResliceScan {
    pub(super) fn run(&self) -> Result {
        let is_picture = self.output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
        let inputs = self.shown.inputs(&self.input).and(self.path.clone());
        inputs.allow(&self.output, if is_picture { OutputKind::Picture } else { OutputKind::Image })?;
        self.labels.iter().try_for_each(|path| inputs.allow(path, OutputKind::Image))?;
        if self.labels.as_ref() == Some(&self.output) {
            return Err(JobError::Other("--labels and --output name the same file; choose another name".into()));
        }
        if !(self.thickness.is_finite() && self.thickness >= 0.0) {
            return Err(JobError::Other(format!("--thickness {} is not 0 or more millimetres", self.thickness)));
        }
        match (is_picture, self.outside, self.edge) {
            (true, Some(_), _) => {
                return Err(JobError::Other("--outside is for image files, and this is a picture".into()));
            }
            (false, _, Some(_)) => {
                return Err(JobError::Other("--edge is for pictures (.png), and this is none".into()));
            }
            _ => {}
        }
        let terminal = Terminal::new("Reslicing");
        let Opened { volume, labels, table } = self.shown.open(&self.input, &terminal)?;
        let (reslice, geometry) = match &self.path {
            Some(path) => self.along(path, &volume)?,
            None => self.plane(&volume)?,
        };
        let [columns, rows] = reslice.size();
        let pixel_mm = reslice.pixel_mm;
        let job = ResliceJob {
            volume: volume.clone(),
            frame: self.shown.frame,
            labels: self.shown.has_mask().then_some(labels),
            reslice: Arc::new(reslice),
            slab: self.slab(),
        };
        let resliced = terminal.run(job, &|()| {})?;
        if !resliced.values.iter().any(|value| value.is_finite()) {
            terminal.warn("no pixel of the picture lies in the scan");
        }
        let map = resliced.label_map(geometry.clone());
        let path = self.output.clone();
        if is_picture {
            let look = self.shown.look(Some(&volume), PictureSize::ShorterSide(self.edge.unwrap_or(PICTURE_EDGE)))?;
            let (image, layout) = (
                resliced.volume(geometry.clone(), Resliced::black(volume.display.inverted), &volume),
                PlaneLayout::as_stored(&geometry),
            );
            let picture = picture(&image, &map, &table, &layout, (0, 0), &look, None);
            terminal.run(SavePictureJob { path, picture }, &|()| {})?;
        } else {
            let image = Arc::new(resliced.volume(geometry.clone(), self.outside.unwrap_or(f32::NAN), &volume));
            terminal.run(SaveVolumeJob { path, volume: image }, &|()| {})?;
        }
        if let Some(path) = &self.labels {
            save_labels(path, map, table, &terminal)?;
        }
        terminal.finish();
        say!("{}: {columns} x {rows} pixels of {pixel_mm} mm", self.output.display());
        if self.path.is_some() && !is_picture {
            tell!("note: a straightened image has no place in the patient; its coordinates count from its first pixel");
        }
        Ok(())
    }

    fn slab(&self) -> Slab {
        let kind = match self.slab {
            SlabChoice::Mean => SlabKind::Mean,
            SlabChoice::Max => SlabKind::Maximum,
            SlabChoice::Min => SlabKind::Minimum,
        };
        Slab { thickness_mm: self.thickness, kind }
    }

    fn plane(&self, volume: &Volume) -> Result<(Reslice, Geometry)> {
        let geometry = &volume.geometry;
        let middle = || geometry.world_from_voxel().point(geometry.shape().map(|n| (real(n) - 1.0) / 2.0));
        let centre: Vec3 = self.centre.map_or_else(middle, |numbers| numbers.0);
        let normal = self.normal.map(|numbers| numbers.0).ok_or_else(|| refused(&ResliceError::NoDirection))?;
        let up = self.up.map_or_else(|| ObliquePlane::usual_up(normal), |numbers| numbers.0);
        let directions = ObliquePlane::directions(normal, up).map_err(|error| refused(&error))?;
        let mut plane = ObliquePlane::whole(geometry, centre, directions, MOST_USUAL_PIXELS);
        if let Some(size) = self.size {
            (plane.centre, plane.size_mm) = (centre, size.0);
            plane.pixel_mm = geometry.finest_mm();
        }
        plane.pixel_mm = self.pixel.unwrap_or(plane.pixel_mm);
        let reslice = plane.reslice().map_err(|error| refused(&error))?;
        let grid = plane.geometry(reslice.size()).map_err(|error| JobError::Other(error.to_string()))?;
        Ok((reslice, grid))
    }

    fn along(&self, path: &Path, volume: &Volume) -> Result<(Reslice, Geometry)> {
        let points = read_path_points(path)?;
        let step = self.pixel.unwrap_or_else(|| volume.geometry.finest_mm());
        let path = CurvedPath::through(&points, step).map_err(|error| refused(&error))?;
        let reslice = path.straightened(self.width, self.angle.to_radians()).map_err(|error| refused(&error))?;
        let grid = reslice.placeless_geometry().map_err(|error| refused(&error))?;
        Ok((reslice, grid))
    }
}

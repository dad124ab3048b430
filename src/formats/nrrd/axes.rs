//! The axes of an array: which of them lie in space, which count frames.

use super::header::{Header, vectors};
use crate::formats::stored::shown;

/// More axes than this are in no file.
const MOST_AXES: usize = 16;
/// What an axis can stand for, in small letters (Teem, `enumsNrrd.c`).
const KINDS: [&str; 31] = [
    "domain",
    "space",
    "time",
    "list",
    "point",
    "vector",
    "covariant-vector",
    "normal",
    "stub",
    "scalar",
    "complex",
    "2-vector",
    "3-color",
    "rgb-color",
    "hsv-color",
    "xyz-color",
    "4-color",
    "rgba-color",
    "3-vector",
    "3-gradient",
    "3-normal",
    "4-vector",
    "quaternion",
    "2d-symmetric-matrix",
    "2d-masked-symmetric-matrix",
    "2d-matrix",
    "2d-masked-matrix",
    "3d-symmetric-matrix",
    "3d-masked-symmetric-matrix",
    "3d-matrix",
    "3d-masked-matrix",
];

/// What the header says of one axis, fastest first.
#[derive(Debug, Clone)]
pub struct Axis {
    /// Number of samples.
    pub size: usize,
    /// What it stands for, one of [`KINDS`]; empty where nobody says.
    pub kind: &'static str,
    /// From one sample to the next, in the header's space.
    pub direction: Option<Vec<f64>>,
    /// Distance of samples where there is no direction.
    pub spacing: Option<f64>,
    /// Positions of the axis's ends.
    pub ends: [Option<f64>; 2],
    /// Thickness of a slice.
    pub thickness: Option<f64>,
    /// Whether the ends are centres of samples, not their borders.
    pub is_node: bool,
    /// Unit of what is not in the header's space.
    pub unit: String,
}

/// Axes in the order that voxels are kept in: those in space, then frames.
#[derive(Debug, Clone)]
pub struct Axes {
    /// Every axis, in file order.
    pub all: Vec<Axis>,
    /// Numbers of those in space: one to three.
    pub spatial: Vec<usize>,
    /// Numbers of the others.
    pub frames: Vec<usize>,
}

impl Axes {
    /// Takes the fields that say something of axes.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn of(header: &Header) -> Result<Self, String> {
        let count = header.require("dimension")?;
        let count = count.parse::<usize>().ok().filter(|count| (1..=MOST_AXES).contains(count)).ok_or_else(|| {
            format!("the field `dimension` is {:?}; an array has 1 to {MOST_AXES} dimensions", shown(count))
        })?;
        header.require("sizes")?;
        let sizes = header.words("sizes", count)?.unwrap_or_default();
        let sizes = sizes.iter().map(|word| match word.parse::<usize>() {
            Ok(size) if size > 0 => Ok(size),
            _ => Err(format!("the field `sizes` has {:?}; sizes are whole numbers from 1 on", shown(word))),
        });
        let sizes = sizes.collect::<Result<Vec<usize>, String>>()?;
        sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size)).ok_or("the sizes overflow")?;
        let directions = match header.get("space directions") {
            Some(text) => vectors("space directions", text)?,
            None => vec![None; count],
        };
        if directions.len() != count {
            return Err(format!("the field `space directions` has {} vectors for {count} axes", directions.len()));
        }
        let kinds = each(header, "kinds", count, kind)?;
        let is_node = each(header, "centers", count, |word| match word {
            "node" => Some(true),
            "cell" | "none" | "???" => Some(false),
            _ => None,
        })?;
        let lengths = |name, is_possible: fn(f64) -> bool| each(header, name, count, |word| number(word, is_possible));
        let spacings = lengths("spacings", |spacing| spacing != 0.0)?;
        let thicknesses = lengths("thicknesses", |thickness| thickness > 0.0)?;
        let (mins, maxs) = (lengths("axis mins", |_| true)?, lengths("axis maxs", |_| true)?);
        let units = header.quoted("units", count)?;
        let known = |values: &[Option<f64>], n: usize| values.get(n).copied().flatten();
        let all: Vec<Axis> = sizes
            .into_iter()
            .zip(directions)
            .enumerate()
            .map(|(n, (size, direction))| Axis {
                size,
                kind: kinds.get(n).copied().unwrap_or_default(),
                direction,
                spacing: known(&spacings, n),
                ends: [known(&mins, n), known(&maxs, n)],
                thickness: known(&thicknesses, n),
                is_node: is_node.get(n).copied().unwrap_or_default(),
                unit: units.get(n).cloned().unwrap_or_default(),
            })
            .collect();
        let spatial = spatial(&all)?;
        let frames = (0..count).filter(|n| !spatial.contains(n)).collect();
        Ok(Self { all, spatial, frames })
    }

    /// Sizes of the grid.
    pub fn shape(&self) -> [usize; 3] {
        let size = |n: usize| self.spatial.get(n).and_then(|axis| self.all.get(*axis)).map_or(1, |axis| axis.size);
        [size(0), size(1), size(2)]
    }

    /// Sizes of the axes that count frames; one alone needs no axis.
    pub fn frame_dims(&self) -> Vec<usize> {
        self.frames.iter().filter_map(|n| self.all.get(*n)).map(|axis| axis.size).filter(|size| *size > 1).collect()
    }

    /// What the values of a voxel are, where the axis says it.
    pub fn frame_kinds(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let others = self.frames.iter().filter_map(|n| self.all.get(*n));
        others.filter(|axis| axis.size > 1).map(|axis| (axis.kind, axis.size))
    }

    /// Whether voxels lie in the file as they are kept: no axis of frames comes before one of space.
    pub fn are_in_order(&self) -> bool {
        let is_frame = |n: &&usize| self.frames.contains(n) && self.all.get(**n).is_some_and(|axis| axis.size > 1);
        let first = self.frames.iter().filter(|n| is_frame(n)).min();
        let last = self.spatial.iter().filter(|n| self.all.get(**n).is_some_and(|axis| axis.size > 1)).max();
        first.is_none_or(|first| last.is_none_or(|last| last < first))
    }
}

/// Numbers of the axes in space.
fn spatial(all: &[Axis]) -> Result<Vec<usize>, String> {
    let numbered = || all.iter().enumerate();
    let with_direction: Vec<usize> = numbered().filter(|(_, axis)| is_in_space(axis)).map(|(n, _)| n).collect();
    let chosen = if with_direction.is_empty() {
        let is_possible = |axis: &Axis| axis.kind.is_empty() || is_of_space(axis);
        let possible: Vec<usize> = numbered().filter(|(_, axis)| is_possible(axis)).map(|(n, _)| n).collect();
        // Where some axes are measured, the others are no lengths.
        let is_measured = |n: &usize| all.get(*n).is_some_and(|axis| axis.spacing.is_some());
        let measured: Vec<usize> = possible.iter().copied().filter(is_measured).collect();
        let chosen = if possible.len() > 3 && measured.len() >= 2 { measured } else { possible };
        chosen.into_iter().take(3).collect()
    } else {
        let lost = |(_, axis): &(usize, &Axis)| axis.direction.is_none() && axis.size > 1 && is_of_space(axis);
        if let Some((n, axis)) = numbered().find(lost) {
            return Err(format!(
                "axis {} is of the kind {:?} in the field `kinds`, but has no vector in `space directions`, as other axes have; give it \
                 one, or another kind such as list",
                n + 1,
                axis.kind
            ));
        }
        with_direction
    };
    match chosen.len() {
        1..=3 => Ok(chosen),
        0 => Err("none of the axes lies in space, so that there is no image to show".into()),
        more => Err(format!("{more} axes have directions in space; an image has three")),
    }
}

/// The values of a field of one word for each axis; none where the field is not there.
fn each<T>(header: &Header, name: &str, axes: usize, value: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let words = header.words(name, axes)?.unwrap_or_default();
    let wrong = |word: &str| {
        let text = header.get(name).unwrap_or_default();
        format!("the field `{name}` is {:?}; {:?} cannot stand there", shown(text), shown(word))
    };
    words.into_iter().map(|word| value(&word.to_ascii_lowercase()).ok_or_else(|| wrong(word))).collect()
}

/// A finite number, or that it is not known, which NaN says.
#[allow(clippy::option_option, reason = "the outer one is that the word cannot be read")]
fn number(word: &str, is_possible: fn(f64) -> bool) -> Option<Option<f64>> {
    let number = word.parse::<f64>().ok()?;
    if number.is_nan() {
        return Some(None);
    }
    (number.is_finite() && is_possible(number)).then_some(Some(number))
}

/// The kind of a word in small letters, which may be another name that Teem knows.
fn kind(word: &str) -> Option<&'static str> {
    let plain = word.replace("tensor", "matrix").replace("-sym-", "-symmetric-");
    let plain = match plain.as_str() {
        "none" | "???" => return Some(""),
        "contravariant-vector" => "vector",
        "rgb" | "rgbcolor" => "rgb-color",
        "hsv" | "hsvcolor" => "hsv-color",
        "rgba" | "rgbacolor" => "rgba-color",
        other => other,
    };
    KINDS.into_iter().find(|kind| *kind == plain)
}

/// Whether a kind says that an axis lies in space.
fn is_of_space(axis: &Axis) -> bool {
    matches!(axis.kind, "domain" | "space")
}

/// Whether an axis has a direction with a part in the first three dimensions; one along the fourth is time.
fn is_in_space(axis: &Axis) -> bool {
    let Some(direction) = &axis.direction else { return false };
    direction.len() < 4 || direction.iter().take(3).any(|part| *part != 0.0)
}

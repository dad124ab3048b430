//! From frames to labels: on the grid of a scan where they lie on it, else on their own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::frames::{FrameReader, Values, for_each_run};
use super::grid::own_grid;
use super::header::{Frame, Segmentation};
use super::segments::Segment;
use crate::formats::error::{FormatError, Result};
use crate::formats::{Ground, LabelsInFile};
use crate::volume::{
    Annotations, BRICK_EDGE, FrameOfReference, Geometry, LabelMap, LabelTable, LabelValue, Lattice, Maker, Plane,
    PlaneLayout, SourceImages,
};
use crate::work::Watch;
use crate::work::numbers::share;

/// Frames lie on a scan where their pixels are no further from its voxels than this share of its finest spacing ...
const ON_GRID: f64 = 0.1;
/// ... and this far where they name the slice that they were made on.
const ON_NAMED_SLICE: f64 = 0.5;
/// What is beyond this share is told.
const TOLD: f64 = 0.01;

/// How a frame lies in the grid.
#[derive(Clone, Copy)]
enum Lies {
    /// Here.
    At(Lattice),
    /// Beside all voxels, by so many millimetres at least, where that can be said.
    Beside(Option<f64>),
}

/// Reads the labels of a layer: on the grid of `on` where its frames lie there, else on the grid through the frames.
///
/// # Errors
/// For pixel data that cannot be read, for frames that lie on no grid, and when the work was stopped.
pub fn labels(segmentation: &Segmentation, layer: &[u16], on: Option<&Ground>, watch: Watch) -> Result<LabelsInFile> {
    let mut why = None;
    if let Some(ground) = on {
        let scan = Target {
            geometry: &ground.geometry,
            source: ground.source.as_deref(),
            frame_of_reference: ground.frame_of_reference.as_ref(),
        };
        match on_scan(segmentation, layer, &scan, watch)? {
            Ok(labels) => return Ok(labels),
            Err(beside) => why = Some(beside),
        }
    }
    let grid = own_grid(segmentation).map_err(|problem| {
        let problem = why.as_ref().map_or_else(|| problem.clone(), |why| format!("{why}; by itself: {problem}"));
        FormatError::unsupported(&segmentation.path, format!("the mask cannot be placed: {problem}"))
    })?;
    let lies: Vec<Lies> = grid.planes.iter().map(|k| Lies::At(Lattice::of_slice(*k))).collect();
    let mut read = paint(segmentation, layer, &lies, &grid.geometry, Use::Kept, watch)?;
    read.warnings.splice(0..0, grid.warnings);
    read.warnings.extend(why);
    Ok(read.into_labels(segmentation, layer))
}

/// Where labels are to lie.
pub struct Target<'a> {
    /// The grid.
    pub geometry: &'a Geometry,
    /// The images of its slices.
    pub source: Option<&'a SourceImages>,
    /// The space of its coordinates.
    pub frame_of_reference: Option<&'a FrameOfReference>,
}

/// The labels on a scan, or why they do not lie on it.
///
/// # Errors
/// For pixel data that cannot be read, and when the work was stopped.
fn on_scan(
    segmentation: &Segmentation,
    layer: &[u16],
    scan: &Target,
    watch: Watch,
) -> Result<std::result::Result<LabelsInFile, String>> {
    let finest = scan.geometry.finest_mm();
    let (lies, by_name) = lie_on_scan(segmentation, scan);
    let mut read = paint(segmentation, layer, &lies, scan.geometry, Use::Kept, watch)?;
    if let Some(why) = read.lies_elsewhere() {
        return Ok(Err(why));
    }
    if read.outside > 0 {
        let voxels = read.outside;
        read.warnings.push(format!("{voxels} voxels of the mask lie outside the scan and are left out."));
    }
    if let Some(off) = read.off_mm.filter(|off| *off > TOLD * finest) {
        read.warnings.push(format!(
            "The mask lies up to {off:.3} mm beside the voxels of the scan; it is taken as lying on them."
        ));
    }
    let spaces = segmentation.frame_of_reference.as_ref().zip(scan.frame_of_reference);
    if by_name == 0 && spaces.is_some_and(|(own, there)| own != there) {
        read.warnings.push(
            "The mask states another frame of reference than the scan and names none of its images; look whether it belongs to it.".into(),
        );
    }
    Ok(Ok(read.into_labels(segmentation, layer)))
}

/// The number of voxels in which a segmentation on a scan differs from labels on that scan, or why it does not lie there.
///
/// # Errors
/// For pixel data that cannot be read, and when the work was stopped.
pub fn differences(
    segmentation: &Segmentation,
    layer: &[u16],
    scan: &Target,
    labels: &LabelMap,
    watch: Watch,
) -> Result<std::result::Result<usize, String>> {
    let (lies, _) = lie_on_scan(segmentation, scan);
    let differing = AtomicUsize::new(0);
    let read = paint(segmentation, layer, &lies, scan.geometry, Use::Compared(labels, &differing), watch)?;
    Ok(read.lies_elsewhere().map_or_else(|| Ok(differing.into_inner() + read.outside), Err))
}

/// How all frames lie on a scan, and how many of them name one of its images.
fn lie_on_scan(segmentation: &Segmentation, scan: &Target) -> (Vec<Lies>, usize) {
    let slices = slices_by_image(scan);
    let mut by_name = 0;
    let of_frame = |frame: &Frame| {
        let named = frame.source.as_ref().and_then(|source| named_slice(&slices, source));
        by_name += usize::from(named.is_some());
        lies_on(frame, segmentation, scan.geometry, named)
    };
    (segmentation.frames.iter().map(of_frame).collect(), by_name)
}

/// The slice of each image of a scan, by its SOP Instance UID and the number of its frame.
fn slices_by_image<'a>(scan: &Target<'a>) -> HashMap<(&'a str, Option<u32>), usize> {
    let depth = scan.geometry.shape()[2];
    let mut slices = HashMap::new();
    let Some(source) = scan.source else { return slices };
    for (n, slice) in source.slices.iter().enumerate().filter_map(|(n, slice)| Some((n, (*slice)?))) {
        if let Some(file) = source.files.get(slice.file).filter(|file| !file.instance_uid.is_empty()) {
            slices.entry((file.instance_uid.as_str(), slice.frame)).or_insert(n % depth);
        }
    }
    slices
}

fn named_slice(slices: &HashMap<(&str, Option<u32>), usize>, (uid, frame): &(String, Option<u32>)) -> Option<usize> {
    // Some programs number the one frame of a plain image.
    slices.get(&(uid.as_str(), *frame)).or_else(|| slices.get(&(uid.as_str(), None))).copied()
}

fn lies_on(frame: &Frame, segmentation: &Segmentation, grid: &Geometry, named: Option<usize>) -> Lies {
    let Segmentation { rows, columns, .. } = *segmentation;
    let [ni, nj, _] = grid.shape();
    let Some(place) = frame.place else {
        return match named {
            Some(k) if [columns, rows] == [ni, nj] => Lies::At(Lattice::of_slice(k)),
            _ => Lies::Beside(None),
        };
    };
    let Some(own) = place.geometry(columns, rows) else { return Lies::Beside(None) };
    let Some(lattice) = Lattice::between(&own, grid) else { return Lies::Beside(None) };
    let agrees = named
        .is_some_and(|k| lattice.axis(2) == 2 && usize::try_from(lattice.at([0; 3])[2]).is_ok_and(|there| there == k));
    let near = grid.finest_mm() * if agrees { ON_NAMED_SLICE } else { ON_GRID };
    if lattice.off_mm <= near { Lies::At(lattice) } else { Lies::Beside(Some(lattice.off_mm)) }
}

/// Painted frames.
struct Painted {
    labels: LabelMap,
    warnings: Vec<String>,
    inside: usize,
    outside: usize,
    /// Frames with labels that lie on no slice.
    beside: usize,
    /// How far frames with labels are off at most.
    off_mm: Option<f64>,
    /// Voxels that two segments have.
    overlaid: usize,
    /// Numbers in the pixels that no segment has.
    unknown: HashSet<u16>,
}

/// Pixels of a row with the same label.
struct Run {
    first: usize,
    length: usize,
    value: LabelValue,
}

/// What the numbers in the pixels become.
struct Meanings<'a> {
    segmentation: &'a Segmentation,
    values: &'a HashMap<u16, LabelValue>,
    unknown: HashSet<u16>,
}

/// What becomes of painted labels.
#[derive(Clone, Copy)]
enum Use<'a> {
    /// They are wanted.
    Kept,
    /// They are compared with these, the voxels that differ are counted, and their memory is used again for the next layer of bricks.
    Compared(&'a LabelMap, &'a AtomicUsize),
}

impl Use<'_> {
    /// Compares one layer of bricks.
    fn look_at(self, painted: &LabelMap, layer: usize) {
        if let Use::Compared(labels, differing) = self {
            differing.fetch_add(labels.differences_in_layer(painted, layer), Ordering::Relaxed);
        }
    }
}

/// Paints all frames: those of different layers of bricks on different threads, where all frames are slices of the grid.
fn paint(
    segmentation: &Segmentation,
    layer: &[u16],
    lies: &[Lies],
    grid: &Geometry,
    becomes: Use,
    watch: Watch,
) -> Result<Painted> {
    let slice = |lies: &Lies| match lies {
        Lies::At(lattice) if lattice.axis(2) == 2 => usize::try_from(lattice.at([0; 3])[2]).ok(),
        _ => None,
    };
    let slabs = || lies.iter().map(|lies| slice(lies).map(|k| k / BRICK_EDGE)).collect::<Option<Vec<_>>>();
    let values = values_of(segmentation, layer);
    let layers = grid.shape()[2].div_ceil(BRICK_EDGE);
    let done = AtomicUsize::new(0);
    let part = |frames: &[usize]| paint_part(segmentation, &values, lies, frames, grid, &done, watch);
    let mut painted = if let Some(slabs) = slabs() {
        let mut frames_of: BTreeMap<usize, Vec<usize>> = (0..layers).map(|slab| (slab, Vec::new())).collect();
        for (frame, slab) in slabs.into_iter().enumerate() {
            frames_of.entry(slab).or_default().push(frame);
        }
        let of_slab = |(slab, frames): (usize, Vec<usize>)| {
            let mut painted = part(&frames)?;
            becomes.look_at(&painted.labels, slab);
            if let Use::Compared(..) = becomes {
                painted.labels = LabelMap::empty(grid.clone());
            }
            Ok((slab, painted))
        };
        let parts: Result<Vec<_>> = frames_of.into_par_iter().map(of_slab).collect();
        let mut all = Painted::nothing(grid.clone());
        parts?.into_iter().for_each(|(slab, part)| all.add(slab, part));
        all
    } else {
        let all = part(&(0..lies.len()).collect::<Vec<_>>())?;
        (0..layers).for_each(|slab| becomes.look_at(&all.labels, slab));
        all
    };
    painted.labels.compact();
    painted.warnings.clone_from(&segmentation.warnings);
    if painted.overlaid > 0 {
        let overlaid = painted.overlaid;
        painted.warnings.push(format!(
            "{overlaid} voxels belong to two segments although the file says that none overlap; the later segment has them."
        ));
    }
    if !painted.unknown.is_empty() {
        let mut numbers: Vec<u16> = painted.unknown.iter().copied().collect();
        numbers.sort_unstable();
        painted.warnings.push(format!(
            "The pixels have numbers that no segment has ({numbers:?}); they are kept as labels without a name."
        ));
    }
    Ok(painted)
}

/// Paints some of the frames.
fn paint_part(
    segmentation: &Segmentation,
    values: &HashMap<u16, LabelValue>,
    lies: &[Lies],
    frames: &[usize],
    grid: &Geometry,
    done: &AtomicUsize,
    watch: Watch,
) -> Result<Painted> {
    let bad = |problem: String| FormatError::malformed(&segmentation.path, problem);
    let shape = grid.shape();
    let mut painted = Painted::nothing(grid.clone());
    if frames.is_empty() {
        return Ok(painted);
    }
    let mut meanings = Meanings { segmentation, values, unknown: HashSet::new() };
    let mut reader = FrameReader::open(segmentation).map_err(bad)?;
    let (mut overlaid, columns) = (0usize, segmentation.columns);
    for &n in frames {
        let (Some(frame), Some(lies)) = (segmentation.frames.get(n), lies.get(n)) else { continue };
        watch.at(share(done.fetch_add(1, Ordering::Relaxed), segmentation.frames.len()))?;
        if frame.segment.is_some_and(|number| !meanings.values.contains_key(&number)) {
            continue;
        }
        let pixels = reader.read(n).map_err(|problem| bad(format!("frame {}: {problem}", n + 1)))?;
        let lattice = match lies {
            Lies::At(lattice) => *lattice,
            Lies::Beside(off) => {
                let mut is_empty = true;
                meanings.for_each_run(frame, pixels, |_| is_empty = false);
                if !is_empty {
                    painted.beside += 1;
                    painted.off_mm = (*off).into_iter().chain(painted.off_mm).reduce(f64::max);
                }
                continue;
            }
        };
        let (labels, mut inside, mut outside) = (&mut painted.labels, 0, 0);
        meanings.for_each_run(frame, pixels, |run| {
            let Run { first, length, value } = run;
            let [i, j] = [first % columns, first / columns];
            let end = lattice.inside([i + length - 1, j, 0], shape);
            if lattice.keeps_rows()
                && let (Some(voxel), Some(_)) = (lattice.inside([i, j, 0], shape), end)
            {
                overlaid += labels.fill_row(voxel, length, value);
                inside += length;
                return;
            }
            for n in 0..length {
                match lattice.inside([i + n, j, 0], shape) {
                    Some(voxel) => {
                        overlaid += labels.fill_row(voxel, 1, value);
                        inside += 1;
                    }
                    None => outside += 1,
                }
            }
        });
        if inside + outside > 0 {
            painted.off_mm = Some(painted.off_mm.map_or(lattice.off_mm, |off| off.max(lattice.off_mm)));
        }
        (painted.inside, painted.outside) = (painted.inside + inside, painted.outside + outside);
    }
    painted.overlaid = overlaid;
    painted.unknown = meanings.unknown;
    Ok(painted)
}

/// The value in the mask of each segment of a layer.
pub fn values_of(segmentation: &Segmentation, layer: &[u16]) -> HashMap<u16, LabelValue> {
    let layer: HashSet<u16> = layer.iter().copied().collect();
    let own = segmentation.segments.iter().filter(|segment| layer.contains(&segment.number) && !segment.is_background);
    let kept: HashMap<u16, LabelValue> = own.clone().map(|s| (s.number, s.value(segmentation.is_ours))).collect();
    let different: HashSet<LabelValue> = kept.values().copied().collect();
    // Values of ours are only good where they are all different.
    if different.len() == kept.len() { kept } else { own.map(|segment| (segment.number, segment.number)).collect() }
}

/// The labels of a layer.
pub fn table(segmentation: &Segmentation, layer: &[u16]) -> LabelTable {
    let values = values_of(segmentation, layer);
    let of_segment = |segment: &Segment| Some(segment.label(*values.get(&segment.number)?));
    LabelTable(segmentation.segments.iter().filter_map(of_segment).collect())
}

impl Meanings<'_> {
    /// Calls `visit` with the runs of pixels of a frame that have the same label; none goes beyond its row.
    fn for_each_run(&mut self, frame: &Frame, pixels: Values, mut visit: impl FnMut(Run)) {
        let columns = self.segmentation.columns;
        if let Some(number) = frame.segment {
            let value = self.values.get(&number).copied().unwrap_or(number);
            let bits = pixels.bits(self.segmentation.pixels);
            for_each_run(&bits, columns, |first, length| visit(Run { first, length, value }));
            return;
        }
        let mut open: Option<Run> = None;
        let mut add = |pixel: usize, value: LabelValue| match &mut open {
            Some(run) if run.value == value && run.first + run.length == pixel && !pixel.is_multiple_of(columns) => {
                run.length += 1;
            }
            _ => open.replace(Run { first: pixel, length: 1, value }).into_iter().for_each(&mut visit),
        };
        if let Values::Numbers(numbers) = pixels {
            let (mut last, mut meaning) = (0, 0);
            let is_labelled = |number: u16| number != 0 && Some(number) != self.segmentation.padding;
            for (pixel, number) in numbers.into_iter().enumerate().filter(|(_, number)| is_labelled(*number)) {
                if number != last {
                    last = number;
                    meaning = self.values.get(&number).copied().unwrap_or_else(|| {
                        self.unknown.insert(number);
                        number
                    });
                }
                add(pixel, meaning);
            }
        }
        open.into_iter().for_each(visit);
    }
}

impl Painted {
    fn nothing(grid: Geometry) -> Self {
        Self {
            labels: LabelMap::empty(grid),
            warnings: Vec::new(),
            inside: 0,
            outside: 0,
            beside: 0,
            off_mm: None,
            overlaid: 0,
            unknown: HashSet::new(),
        }
    }

    /// Why it does not lie on the scan, where it does not.
    fn lies_elsewhere(&self) -> Option<String> {
        if self.beside > 0 {
            let far = self.off_mm.map(|mm| format!(", {mm:.3} mm off")).unwrap_or_default();
            let frames = if self.beside == 1 { "one frame lies".into() } else { format!("{} frames lie", self.beside) };
            return Some(format!("{frames} on no slice of the scan{far}"));
        }
        (self.inside == 0 && self.outside > 0).then(|| "all of it lies outside the scan".into())
    }

    /// Adds what was painted into one layer of bricks.
    fn add(&mut self, layer: usize, part: Self) {
        self.labels.take_layer(&part.labels, layer);
        self.inside += part.inside;
        self.outside += part.outside;
        self.beside += part.beside;
        self.off_mm = self.off_mm.into_iter().chain(part.off_mm).reduce(f64::max);
        self.overlaid += part.overlaid;
        self.unknown.extend(part.unknown);
    }

    fn into_labels(self, segmentation: &Segmentation, layer: &[u16]) -> LabelsInFile {
        let values = values_of(segmentation, layer);
        let own = segmentation.segments.iter().filter(|segment| values.contains_key(&segment.number));
        let mut annotations = Annotations::of_table(table(segmentation, layer));
        if let Some(maker) = common_maker(&own.collect::<Vec<_>>()) {
            annotations = annotations.with_makers(slices_with_labels(&self.labels).map(|key| (key, maker.clone())));
        }
        LabelsInFile { labels: self.labels, annotations, warnings: self.warnings, notice: None }
    }
}

/// Who made all segments; where several did, a program with a hand after it.
fn common_maker(segments: &[&Segment]) -> Option<Maker> {
    let makers: Option<Vec<Maker>> = segments.iter().map(|segment| segment.maker()).collect();
    let makers = makers.filter(|makers| !makers.is_empty())?;
    let first = makers.first()?;
    if makers.iter().all(|maker| maker == first) {
        return Some(first.clone());
    }
    let mut names: Vec<&str> = makers
        .iter()
        .filter_map(|maker| match maker {
            Maker::Hand => None,
            Maker::Model(name) | Maker::CorrectedModel(name) => Some(name.as_str()),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    Some(Maker::CorrectedModel(names.join(", ")))
}

/// The slices along all three axes that hold labels.
fn slices_with_labels(labels: &LabelMap) -> impl Iterator<Item = (u8, usize)> {
    let occupied = labels.occupied();
    let mut keys = Vec::new();
    for plane in Plane::ALL {
        let layout = PlaneLayout::new(labels.geometry(), plane);
        let axis = layout.axes[2];
        let holds = |slice: &usize| occupied[axis][layout.voxel([0, 0, *slice])[axis]];
        let world = u8::try_from(plane.world_axis()).unwrap_or(u8::MAX);
        keys.extend((0..layout.size[2]).filter(holds).map(|slice| (world, slice)));
    }
    keys.into_iter()
}

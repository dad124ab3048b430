//! Which plane of a file is which slice and frame.

use super::axes::{self, Axis, Role};
use super::calibration::{Resolution, Sizes, believed, of_fields, of_imagej, of_ome};
use super::directory::{Directory, tag};
use super::imagej::ImageJ;
use super::layout::{Compression, Layout, Photometric};
use super::ome::{Image, Missing, Ome};
use super::shaped;
use super::source::Source;
use crate::formats::error::Result;
use crate::formats::picture::PALETTE;
use crate::volume::Rescale;
use crate::work::numbers::index;

/// Most planes behind a single directory.
const MOST_PLANES: usize = 1 << 20;

/// Where the pixels of a plane are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a page.
    Page(usize),
    /// From this byte on, in one piece.
    At(u64),
}

/// Who describes the file.
pub enum Writer {
    ImageJ(ImageJ),
    Ome(Ome),
    /// tifffile's shape, or nobody: the text itself.
    Other(String),
}

/// Planes in the order slices, then frames.
pub struct Arrangement {
    pub layout: Layout,
    /// The page that describes the others.
    pub first: usize,
    pub planes: Vec<Place>,
    pub slices: usize,
    pub frames: usize,
    pub warnings: Vec<String>,
    /// What frames are, where there are several.
    pub frames_are: Option<String>,
    /// The program that the description is from.
    pub written_by: Option<String>,
    writer: Writer,
    image: usize,
    lsm: Option<[f64; 3]>,
}

/// Pages that are slices, and how many are thumbnails or masks.
fn full_pages(source: &mut Source, pages: &[Directory]) -> Result<(Vec<usize>, usize)> {
    let mut full = Vec::new();
    for (n, page) in pages.iter().enumerate() {
        let new = page.unsigned(source, tag::NEW_SUBFILE_TYPE)?.unwrap_or(0);
        let old = page.unsigned(source, tag::SUBFILE_TYPE)?.unwrap_or(1);
        let mask = page.unsigned(source, tag::PHOTOMETRIC)? == Some(4);
        // Bit 0: a smaller version of another page; bit 2: a mask of what is transparent.
        if new & 0b101 == 0 && old != 2 && !mask {
            full.push(n);
        }
    }
    if full.is_empty() {
        // A thumbnail by itself is all there is.
        return Ok(((0..pages.len()).collect(), 0));
    }
    let left_out = pages.len() - full.len();
    Ok((full, left_out))
}

/// The text of the first full page, or of the first page.
pub fn description(source: &mut Source, pages: &[Directory]) -> Result<String> {
    let (full, _) = full_pages(source, pages)?;
    for page in [full.first().copied().unwrap_or(0), 0] {
        if let Some(text) = pages.get(page).map(|page| page.text(source, tag::DESCRIPTION)).transpose()?.flatten() {
            return Ok(text);
        }
    }
    Ok(String::new())
}

fn writer(source: &Source, description: &str) -> Result<Writer> {
    if let Some(imagej) = ImageJ::parse(description) {
        return Ok(Writer::ImageJ(imagej));
    }
    Ok(match Ome::parse(description).map_err(|problem| source.unsupported(problem))? {
        Some(ome) if !ome.images.is_empty() => Writer::Ome(ome),
        _ => Writer::Other(description.to_string()),
    })
}

/// The number of images that an OME description speaks of; 1 for all else.
pub fn images(source: &Source, description: &str) -> Result<usize> {
    Ok(match writer(source, description)? {
        Writer::Ome(ome) => ome.images.len(),
        _ => 1,
    })
}

/// Sorts the planes of an image.
pub fn arrange(source: &mut Source, pages: &[Directory], image: usize) -> Result<Arrangement> {
    let text = description(source, pages)?;
    let writer = writer(source, &text)?;
    if let Writer::Ome(ome) = writer {
        return of_ome_planes(source, pages, ome, image);
    }
    let (full, left_out) = full_pages(source, pages)?;
    let first = full.first().copied().unwrap_or(0);
    let page = pages.get(first).ok_or_else(|| source.malformed("there is no picture in the file"))?;
    let layout = Layout::of(source, page)?;
    let mut sorted = Arrangement {
        layout,
        first,
        planes: Vec::new(),
        slices: 1,
        frames: 1,
        warnings: Vec::new(),
        frames_are: None,
        written_by: None,
        writer,
        image,
        lsm: None,
    };
    if left_out > 0 {
        sorted
            .warnings
            .push(format!("{left_out} of {} pages are smaller versions or masks of others and left out.", pages.len()));
    }
    let behind = planes_behind(source, page, &mut sorted, full.len())?;
    let count = behind.as_ref().map_or(full.len(), Vec::len);
    let found = stack_axes(source, page, &mut sorted, count)?;
    let places: Vec<Place> = match behind {
        Some(places) => places,
        None => full.into_iter().map(Place::Page).collect(),
    };
    sorted.take(&found, &places);
    tell_palette(&mut sorted);
    Ok(sorted)
}

impl Arrangement {
    fn take(&mut self, found: &[Axis], places: &[Place]) {
        self.slices = axes::size_of(found, Role::Slice);
        self.planes = axes::planes(found).into_iter().filter_map(|n| places.get(n).copied()).collect();
        self.frames = self.planes.len() / self.slices.max(1);
        self.frames_are = axes::describe(found);
        self.warnings.extend(self.frames_are.clone());
    }
}

/// Says that values are numbers of colours.
fn tell_palette(sorted: &mut Arrangement) {
    if sorted.layout.photometric == Photometric::Palette {
        sorted.warnings.push(PALETTE.into());
    }
}

/// Axes of so many planes, the fastest first.
fn stack_axes(source: &mut Source, page: &Directory, sorted: &mut Arrangement, count: usize) -> Result<Vec<Axis>> {
    let plain = vec![Axis::new(Role::Slice, count)];
    if let Some(bytes) = page.raw(source, tag::LSM)? {
        sorted.written_by = Some("Zeiss LSM".into());
        let field = |n: usize| bytes.get(8 + 4 * n..12 + 4 * n).map(|b| index(source.number(b)));
        let size = |n: usize| bytes.get(40 + 8 * n..48 + 8 * n).map(|b| f64::from_bits(source.number(b)) * 1000.0);
        if let [Some(x), Some(y), Some(z)] = [size(0), size(1), size(2)] {
            let usable = |mm: f64| mm.is_finite() && mm > 1e-9 && mm < 1e3;
            sorted.lsm = (usable(x) && usable(y)).then(|| [x, y, if usable(z) { z } else { x }]);
        }
        let (slices, times) = (field(2).unwrap_or(1).max(1), field(4).unwrap_or(1).max(1));
        if slices.checked_mul(times) == Some(count) {
            return Ok(vec![Axis::new(Role::Slice, slices), Axis::new(Role::Time, times)]);
        }
        let warning = format!(
            "The LSM file speaks of {slices} slices and {times} times, but has {count} pages; they are slices."
        );
        sorted.warnings.push(warning);
        return Ok(plain);
    }
    let samples = sorted.layout.samples;
    match &sorted.writer {
        Writer::ImageJ(said) => {
            let version = said.get("ImageJ").unwrap_or_default();
            sorted.written_by = Some(format!("ImageJ {version}").trim().to_string());
            let found = said.axes(count).map_err(|problem| source.malformed(problem))?;
            let declared = said.images().map_err(|problem| source.malformed(problem))?;
            // A page that another program has taken out of a stack keeps the stack's description.
            let others = count > 1 && said.get("images").is_some() && declared != count;
            let misfit = found.is_none() && (declared > 1 || said.speaks_of_frames());
            if others || misfit {
                sorted.warnings.push(format!(
                    "ImageJ's description speaks of {declared} planes{}, but {count} are here; they are shown as slices in their order.",
                    if said.speaks_of_frames() { " of several channels or times" } else { "" }
                ));
                return Ok(plain);
            }
            Ok(found.unwrap_or(plain))
        }
        Writer::Other(text) => {
            let size = sorted.layout.size;
            let Some((found, named)) = shaped::axes(text, size, samples, Some(count)) else { return Ok(plain) };
            sorted.written_by = Some("tifffile".into());
            if !named && found.iter().filter(|axis| axis.size > 1).count() > 1 {
                let warning = "The description gives a shape without names; its last numbers are taken as slices, rows and columns.";
                sorted.warnings.push(warning.into());
            }
            Ok(found)
        }
        Writer::Ome(_) => Ok(plain),
    }
}

/// The places of planes that lie behind one another after a single page, as large `ImageJ` stacks, `MetaMorph` stacks and truncated
/// files of tifffile have them.
fn planes_behind(
    source: &mut Source,
    page: &Directory,
    sorted: &mut Arrangement,
    pages: usize,
) -> Result<Option<Vec<Place>>> {
    if pages != 1 {
        return Ok(None);
    }
    let layout = &sorted.layout;
    let metamorph = page.count(tag::UIC2);
    let declared = match &sorted.writer {
        _ if metamorph > 0 => usize::try_from(metamorph).unwrap_or(usize::MAX),
        Writer::ImageJ(said) => said.images().map_err(|problem| source.malformed(problem))?,
        Writer::Other(text) => shaped::axes(text, layout.size, layout.samples, None)
            .and_then(|(found, _)| axes::plane_count(&found))
            .unwrap_or(1),
        Writer::Ome(_) => 1,
    };
    if declared <= 1 {
        return Ok(None);
    }
    let one = |why: &str| format!("The file speaks of {declared} planes, but {why}; the one that is there is shown.");
    if layout.compression != Compression::None || layout.tiled || layout.planar {
        sorted.warnings.push(one("has one page, and no others can lie behind it"));
        return Ok(None);
    }
    let chunks = layout.chunks(source, page)?;
    let start = chunks.first().map_or(0, |&(offset, _)| offset);
    let in_one_piece = chunks.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0);
    let size = layout.page_bytes();
    let room = source.length.saturating_sub(start) / size.max(1);
    if !in_one_piece || room <= 1 {
        sorted.warnings.push(one("there is room for one"));
        return Ok(None);
    }
    if declared as u64 > room || declared > MOST_PLANES {
        return Err(source.malformed(format!(
            "the file speaks of {declared} planes behind one another, but ends after {room}; copy it again"
        )));
    }
    if metamorph > 0 {
        sorted.written_by = Some("MetaMorph".into());
    }
    Ok(Some((0..declared as u64).map(|n| Place::At(start + n * size)).collect()))
}

fn of_ome_planes(source: &mut Source, pages: &[Directory], ome: Ome, image: usize) -> Result<Arrangement> {
    let file_name = source.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let described = ome.images.get(image).cloned().unwrap_or_default();
    // The samples of the first page tell which channels lie in one page.
    let head = pages.first().ok_or_else(|| source.malformed("there is no picture in the file"))?;
    let samples = head.unsigned(source, tag::SAMPLES)?.unwrap_or(1).clamp(1, 1 << 12) as usize;
    let (found, order) = ome.planes(&described, &file_name, pages.len(), samples).map_err(|missing| match missing {
        Missing::Elsewhere(text) | Missing::Wrong(text) => source.unsupported(text),
    })?;
    let first = order.first().copied().unwrap_or(0);
    let page = pages.get(first).ok_or_else(|| source.malformed("there is no picture in the file"))?;
    let layout = Layout::of(source, page)?;
    let size = described.size().map_err(|problem| source.malformed(problem))?;
    if size.iter().zip(layout.size).any(|(said, real)| said.is_some_and(|said| said != real)) {
        let [x, y] = size.map(|side| side.unwrap_or(0));
        let [width, height] = layout.size;
        return Err(
            source.malformed(format!("OME's description says {x} x {y} pixels, the page has {width} x {height}"))
        );
    }
    let mut sorted = Arrangement {
        layout,
        first,
        planes: Vec::new(),
        slices: 1,
        frames: 1,
        warnings: Vec::new(),
        frames_are: None,
        written_by: Some("OME".into()),
        writer: Writer::Other(String::new()),
        image,
        lsm: None,
    };
    let used = order.iter().collect::<std::collections::BTreeSet<_>>().len();
    if used < order.len() {
        return Err(source.malformed("OME's description puts several planes on one page"));
    }
    let count = ome.images.len();
    if used < pages.len() && count == 1 {
        sorted.warnings.push(format!(
            "{} of {} pages are not in OME's description and left out.",
            pages.len() - used,
            pages.len()
        ));
    }
    let places: Vec<Place> = order.into_iter().map(Place::Page).collect();
    // The pages are in order already.
    sorted.slices = axes::size_of(&found, Role::Slice);
    sorted.frames = places.len() / sorted.slices.max(1);
    sorted.planes = places;
    sorted.frames_are = axes::describe(&found);
    sorted.warnings.extend(sorted.frames_are.clone());
    if count > 1 {
        let name = if described.name.is_empty() { String::new() } else { format!(" ({})", described.name) };
        sorted.warnings.push(format!("Image {} of {count} of this OME-TIFF{name}.", image + 1));
    }
    sorted.writer = Writer::Ome(ome);
    tell_palette(&mut sorted);
    Ok(sorted)
}

/// Sizes of voxels, from whoever knows them.
pub fn sizes(source: &mut Source, pages: &[Directory], sorted: &Arrangement) -> Result<Sizes> {
    let page = pages.get(sorted.first).ok_or_else(|| source.malformed("there is no picture in the file"))?;
    let resolution = Resolution::of(source, page)?;
    if let Some(mm) = sorted.lsm {
        return Ok(Sizes { mm, known: true, warnings: Vec::new(), origin: "LSM", is_said: [true; 3] });
    }
    Ok(believed(match &sorted.writer {
        Writer::ImageJ(said) => of_imagej(said, &resolution, sorted.slices),
        Writer::Ome(ome) => {
            let image = ome.images.get(sorted.image).cloned().unwrap_or_else(Image::default);
            of_ome(&image, &resolution, sorted.slices)
        }
        Writer::Other(_) => of_fields(&resolution, sorted.slices),
    }))
}

/// `ImageJ` keeps signed values as unsigned ones, and measured values as others, with a line that leads back.
pub fn rescale(source: &Source, sorted: &mut Arrangement) -> Result<Rescale> {
    let Writer::ImageJ(said) = &sorted.writer else { return Ok(Rescale::IDENTITY) };
    let number = |key| said.number(key).map_err(|problem| source.malformed(problem));
    let (kind, intercept, slope) = (number("cf")?, number("c0")?, number("c1")?);
    match (kind, intercept, slope) {
        (None, ..) => Ok(Rescale::IDENTITY),
        (Some(0.0), Some(intercept), Some(slope)) if slope != 0.0 && number("c2")?.is_none() => {
            if slope != 1.0 || intercept != 0.0 {
                sorted.warnings.push(format!(
                    "Values are calibrated as ImageJ's description says: {slope} times what is stored, and {intercept} (c1, c0)."
                ));
            }
            Ok(Rescale::Uniform { slope, intercept })
        }
        (Some(kind), ..) => {
            let warning =
                format!("ImageJ's description gives a calibration (cf={kind}) that is not used; values are as stored.");
            sorted.warnings.push(warning);
            Ok(Rescale::IDENTITY)
        }
    }
}

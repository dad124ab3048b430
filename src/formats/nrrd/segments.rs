//! The segments of 3D Slicer: names, colours and label values as pairs such as `Segment0_Name:=liver`.
//!
//! Source: `vtkMRMLSegmentationStorageNode` of 3D Slicer, `Libs/vtkSegmentationCore` and `Libs/MRML/Core`.

use std::collections::BTreeMap;

use crate::formats::annotations::{self, Found, Listed};
use crate::formats::stored::shown;
use crate::volume::{Annotations, Code, Geometry, LabelTable, Rgb, Term};

/// The key of our own annotations.
const OWN: &str = "Lamella_Annotations";
/// Colours that cannot be read and are shown.
const MOST_SHOWN: usize = 3;

/// What one segment says.
#[derive(Default)]
struct Segment<'a> {
    name: &'a str,
    colour: Option<&'a str>,
    value: Option<&'a str>,
    tags: &'a str,
}

/// Whether a pair is our own, which says again what others say.
pub fn is_own(key: &str) -> bool {
    key == OWN
}

/// Whether the pairs describe a segmentation.
pub fn is_segmentation(pairs: &[(String, String)]) -> bool {
    pairs.iter().any(|(key, _)| part_of(key).is_some())
}

/// Whether the values are shares of a voxel that lie in a segment, as 3D Slicer keeps them: its older versions call the kind of values that a
/// segmentation is kept in the master, its newer ones the source.
pub fn is_fractional(pairs: &[(String, String)]) -> bool {
    let is_kind = |key: &str| key.ends_with("MasterRepresentation") || key.ends_with("SourceRepresentation");
    pairs.iter().any(|(key, value)| is_kind(key) && value.trim_start().starts_with("Fractional"))
}

/// The number and the rest of `Segment3_Name`.
fn part_of(key: &str) -> Option<(u32, &str)> {
    let (number, part) = key.strip_prefix("Segment")?.split_once('_')?;
    Some((number.parse().ok()?, part))
}

/// Names, colours and states; ours go before those of the segments, which tell less.
pub fn read(pairs: &[(String, String)]) -> Found {
    let own = pairs.iter().find(|(key, _)| key == OWN);
    let mut found =
        own.and_then(|(_, text)| annotations::in_extension(text.as_bytes(), "The header")).unwrap_or_default();
    if found.annotations.is_empty() {
        let (listed, colour_note) = listed(pairs);
        found.warnings.extend(colour_note);
        if let Some(listed) = listed.finish("The header") {
            found.annotations = listed.annotations;
            found.warnings.extend(listed.warnings);
        }
    }
    found
}

/// The segments, and which of their colours cannot be read.
fn listed(pairs: &[(String, String)]) -> (Listed, Option<String>) {
    let mut segments: BTreeMap<u32, Segment> = BTreeMap::new();
    for (key, value) in pairs {
        let Some((number, part)) = part_of(key) else { continue };
        let segment = segments.entry(number).or_default();
        match part {
            "Name" => segment.name = value,
            "Color" => segment.colour = Some(value),
            "LabelValue" => segment.value = Some(value),
            "Tags" => segment.tags = value,
            _ => {}
        }
    }
    let mut listed = Listed::default();
    let mut wrong = Vec::new();
    for (number, segment) in &segments {
        let colour = segment.colour.and_then(colour);
        if let Some(text) = segment.colour.filter(|_| colour.is_none()) {
            wrong.push(format!("Segment{number}_Color is {:?}", shown(text)));
        }
        // Before there were label values, a segment had a layer of its own, of ones.
        listed.push_meaning(segment.value.unwrap_or("1"), segment.name, colour, term_in(segment.tags));
    }
    let count = wrong.len();
    let more = if count > MOST_SHOWN { ", ..." } else { "" };
    wrong.truncate(MOST_SHOWN);
    let note = format!(
        "Colours are three numbers from 0 to 1; {count} cannot be read ({}{more}), and default colours are shown instead.",
        wrong.join(", ")
    );
    (listed, (count > 0).then_some(note))
}

/// A colour of exactly three numbers from 0 to 1.
fn colour(text: &str) -> Option<Rgb> {
    let parts = text.split_whitespace().map(|part| part.parse().ok()).collect::<Option<Vec<f64>>>()?;
    let parts = <[f64; 3]>::try_from(parts).ok()?;
    parts.iter().all(|part| (0.0..=1.0).contains(part)).then(|| annotations::colour(parts, true))?
}

/// What begins the meaning of a segment among its tags.
const TERM: &str = "TerminologyEntry:";
/// The list of terms that 3D Slicer looks a segment's meaning up in, and that of regions.
const CONTEXTS: [&str; 2] =
    ["Segmentation category and type - 3D Slicer General Anatomy list", "Anatomic codes - DICOM master list"];
/// What 3D Slicer writes where nobody has said what a segment means: tissue.
const NO_MEANING: &str = "85756007";

/// The meaning of a segment among its tags: context, category, type, modifier, context and codes of the region, between tildes, each code as
/// scheme, value and meaning. Source: 3D Slicer, `vtkSlicerTerminologiesModuleLogic::SerializeTerminologyEntry`.
fn term_in(tags: &str) -> Option<Term> {
    let entry = tags.split('|').find_map(|tag| tag.strip_prefix(TERM))?;
    let mut codes = entry.split('~').skip(1).map(|text| {
        let mut parts = text.splitn(3, '^').map(str::trim);
        let [scheme, value, meaning] = [(); 3].map(|()| parts.next().unwrap_or_default().to_string());
        (!scheme.is_empty() && !value.is_empty()).then_some(Code { scheme, value, meaning })
    });
    let (category, kind, side) = (codes.next()??, codes.next()??, codes.next().flatten());
    (kind.value != NO_MEANING).then_some(Term { category, kind, side })
}

/// The tags of a segment of a meaning.
fn tags(term: &Term) -> String {
    // What parts the fields cannot be in them.
    let part = |text: &str| text.replace(['^', '~', '|'], " ").replace(char::is_control, " ");
    let code = |code: &Code| format!("{}^{}^{}", part(&code.scheme), part(&code.value), part(&code.meaning));
    let side = term.side.as_ref().map_or_else(|| "^^".into(), code);
    let [types, regions] = CONTEXTS;
    format!("{TERM}{types}~{}~{}~{side}~{regions}~^^~^^|", code(&term.category), code(&term.kind))
}

/// The pairs of a file of labels, for 3D Slicer and for us. Frames would be layers of segments to 3D Slicer; for them ours stand alone.
pub fn write(annotations: &Annotations, geometry: &Geometry, frame_count: usize) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut put = |key: String, value: String| pairs.push((key, value));
    let [ni, nj, nk] = geometry.shape().map(|size| size - 1);
    let LabelTable(labels) = &annotations.table;
    let labels = if frame_count > 1 { &[][..] } else { &labels[..] };
    for (n, label) in labels.iter().enumerate() {
        let [r, g, b] = label.colour.map(|part| f64::from(part) / 255.0);
        put(format!("Segment{n}_Color"), format!("{r:.6} {g:.6} {b:.6}"));
        put(format!("Segment{n}_ColorAutoGenerated"), "0".into());
        put(format!("Segment{n}_Extent"), format!("0 {ni} 0 {nj} 0 {nk}"));
        put(format!("Segment{n}_ID"), format!("Segment_{}", label.value));
        put(format!("Segment{n}_LabelValue"), label.value.to_string());
        put(format!("Segment{n}_Layer"), "0".into());
        put(format!("Segment{n}_Name"), label.name.clone());
        put(format!("Segment{n}_NameAutoGenerated"), "0".into());
        put(format!("Segment{n}_Tags"), label.term.as_deref().map_or_else(|| "|".into(), tags));
    }
    if !labels.is_empty() {
        put("Segmentation_ContainedRepresentationNames".into(), "Binary labelmap|".into());
        put("Segmentation_ConversionParameters".into(), String::new());
        // Slicer 5.4 and before, and from 5.6 on.
        put("Segmentation_MasterRepresentation".into(), "Binary labelmap".into());
        put("Segmentation_SourceRepresentation".into(), "Binary labelmap".into());
        put("Segmentation_ReferenceImageExtentOffset".into(), "0 0 0".into());
    }
    if !annotations.is_empty() {
        put(OWN.into(), annotations::to_json(annotations, None));
    }
    pairs
}

//! Reading structure sets (PS3.3 A.19.3).

use std::collections::HashMap;
use std::path::Path;

use dicom::core::VR;
use dicom::dictionary_std::tags;

use super::doubtful::drop_repeated;
use super::elements::{Element, Elements, Span};
use super::source::listed;
use super::structure_set::{Contour, ContourKind, ReferencedSeries, Roi, StructureSet, TermParts};
use crate::formats::dicom::characters::CharacterSets;
use crate::formats::dicom::fields::quoted;
use crate::formats::dicom::structure::dictionary_vr;
use crate::volume::{Code, Vec3};
use crate::work::{Stopped, Watch};

/// RT Structure Set Storage.
pub const CLASS_UID: &str = "1.2.840.10008.5.1.4.1.1.481.3";

/// Each structure is a label of its own, and that many are told apart.
const MOST_ROIS: usize = 65_535;

/// Most sentences about one file.
const MOST_WARNINGS: usize = 32;

/// Why a file is not read.
#[derive(Debug)]
pub enum Problem {
    /// What is wrong with it.
    Broken(String),
    /// The work was stopped.
    Stopped,
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Broken(text)
    }
}

impl From<Stopped> for Problem {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

type Result<T> = std::result::Result<T, Problem>;

/// Whether a file is a structure set, by its SOP Class or Modality. Files that are no DICOM are none.
pub fn is_structure_set(path: &Path) -> bool {
    let look = || -> std::result::Result<bool, String> {
        let mut elements = Elements::open(path)?;
        let whole = elements.whole();
        while let Some(element) = elements.next(whole)? {
            match element.tag {
                tags::SOP_CLASS_UID => {
                    if plain(&elements.bytes(&element)?) == CLASS_UID {
                        return Ok(true);
                    }
                }
                tags::MODALITY => return Ok(plain(&elements.bytes(&element)?) == "RTSTRUCT"),
                tag if tag > tags::MODALITY => return Ok(false),
                _ => elements.skip(&element, whole)?,
            }
        }
        Ok(false)
    };
    look().unwrap_or(false)
}

/// Reads a structure set.
///
/// # Errors
/// Names the element or the field that cannot be read, and its value.
pub fn read(path: &Path, watch: Watch) -> Result<StructureSet> {
    let mut reader = Reader {
        elements: Elements::open(path)?,
        charset: None,
        watch,
        set: StructureSet::default(),
        places: HashMap::new(),
        wrong_counts: 0,
    };
    reader.data_set()?;
    Ok(reader.finish())
}

struct Reader<'a> {
    elements: Elements,
    charset: Option<Vec<u8>>,
    watch: Watch<'a>,
    set: StructureSet,
    /// Where the region of a number is.
    places: HashMap<i64, usize>,
    /// Contours with another number of points than they say.
    wrong_counts: usize,
}

impl Reader<'_> {
    fn data_set(&mut self) -> Result<()> {
        let whole = self.elements.whole();
        while let Some(element) = self.elements.next(whole)? {
            match element.tag {
                tags::SPECIFIC_CHARACTER_SET => self.charset = Some(self.elements.bytes(&element)?),
                tags::SOP_INSTANCE_UID => self.set.instance_uid = self.uid(&element)?,
                tags::SERIES_INSTANCE_UID => self.set.series_uid = self.uid(&element)?,
                tags::STUDY_INSTANCE_UID => self.set.study_uid = self.uid(&element)?,
                tags::PATIENT_ID => self.set.patient = self.text(&element)?.to_uppercase(),
                tags::STRUCTURE_SET_LABEL => self.set.label = self.text(&element)?,
                tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE => self.each(&element, whole, Self::frame_of_reference)?,
                tags::STRUCTURE_SET_ROI_SEQUENCE => self.each(&element, whole, Self::roi)?,
                tags::ROI_CONTOUR_SEQUENCE => self.each(&element, whole, Self::roi_contours)?,
                tags::RTROI_OBSERVATIONS_SEQUENCE => self.each(&element, whole, Self::observation)?,
                _ => self.elements.skip(&element, whole)?,
            }
        }
        Ok(())
    }

    /// Visits the items of a sequence.
    fn each(&mut self, sequence: &Element, around: Span, visit: fn(&mut Self, Span) -> Result<()>) -> Result<()> {
        let sequence = self.elements.sequence(sequence, around)?;
        while let Some(item) = self.elements.item(sequence)? {
            self.watch.check()?;
            visit(self, item)?;
        }
        Ok(())
    }

    fn frame_of_reference(&mut self, item: Span) -> Result<()> {
        while let Some(element) = self.elements.next(item)? {
            match element.tag {
                tags::FRAME_OF_REFERENCE_UID => {
                    let uid = self.uid(&element)?;
                    if self.set.frame_of_reference.is_empty() {
                        self.set.frame_of_reference = uid;
                    }
                }
                tags::RT_REFERENCED_STUDY_SEQUENCE => self.each(&element, item, Self::referenced_study)?,
                _ => self.elements.skip(&element, item)?,
            }
        }
        Ok(())
    }

    fn referenced_study(&mut self, item: Span) -> Result<()> {
        while let Some(element) = self.elements.next(item)? {
            match element.tag {
                tags::RT_REFERENCED_SERIES_SEQUENCE => self.each(&element, item, Self::referenced_series)?,
                _ => self.elements.skip(&element, item)?,
            }
        }
        Ok(())
    }

    fn referenced_series(&mut self, item: Span) -> Result<()> {
        let mut series = ReferencedSeries::default();
        while let Some(element) = self.elements.next(item)? {
            match element.tag {
                tags::SERIES_INSTANCE_UID => series.series_uid = self.uid(&element)?,
                tags::CONTOUR_IMAGE_SEQUENCE => series.images.extend(self.images(&element, item)?),
                _ => self.elements.skip(&element, item)?,
            }
        }
        self.set.referenced_series.push(series);
        Ok(())
    }

    /// SOP Instance UIDs of a Contour Image Sequence.
    fn images(&mut self, element: &Element, around: Span) -> Result<Vec<String>> {
        let mut images = Vec::new();
        let sequence = self.elements.sequence(element, around)?;
        while let Some(item) = self.elements.item(sequence)? {
            while let Some(element) = self.elements.next(item)? {
                match element.tag {
                    tags::REFERENCED_SOP_INSTANCE_UID => images.push(self.uid(&element)?),
                    _ => self.elements.skip(&element, item)?,
                }
            }
        }
        Ok(images)
    }

    fn roi(&mut self, item: Span) -> Result<()> {
        let mut number = None;
        let (mut name, mut is_automatic) = (String::new(), false);
        while let Some(element) = self.elements.next(item)? {
            match element.tag {
                tags::ROI_NUMBER => number = Some(self.whole(&element, "ROI Number")?),
                tags::ROI_NAME => name = self.text(&element)?,
                tags::ROI_GENERATION_ALGORITHM => is_automatic = self.text(&element)? == "AUTOMATIC",
                _ => self.elements.skip(&element, item)?,
            }
        }
        let number = number.ok_or_else(|| format!("the ROI {name:?} has no ROI Number"))?;
        let roi = self.roi_of(number)?;
        (roi.name, roi.is_automatic) = (name, is_automatic);
        Ok(())
    }

    /// The region of a number, which other sequences may tell of first.
    fn roi_of(&mut self, number: i64) -> Result<&mut Roi> {
        let rois = &mut self.set.rois;
        if rois.len() >= MOST_ROIS && !self.places.contains_key(&number) {
            return Err(Problem::Broken(format!(
                "it holds more than {MOST_ROIS} structures, which is the most that can be read"
            )));
        }
        let place = *self.places.entry(number).or_insert_with(|| {
            rois.push(Roi { number, ..Roi::default() });
            rois.len() - 1
        });
        Ok(&mut rois[place])
    }

    fn roi_contours(&mut self, item: Span) -> Result<()> {
        let (mut number, mut colour, mut contours) = (None, None, Vec::new());
        while let Some(element) = self.elements.next(item)? {
            match element.tag {
                tags::REFERENCED_ROI_NUMBER => number = Some(self.whole(&element, "Referenced ROI Number")?),
                tags::ROI_DISPLAY_COLOR => colour = self.colour(&element)?,
                tags::CONTOUR_SEQUENCE => {
                    let sequence = self.elements.sequence(&element, item)?;
                    while let Some(item) = self.elements.item(sequence)? {
                        self.watch.check()?;
                        contours.push(self.contour(item)?);
                    }
                }
                _ => self.elements.skip(&element, item)?,
            }
        }
        let number = number.ok_or_else(|| "contours have no Referenced ROI Number".to_string())?;
        let roi = self.roi_of(number)?;
        roi.colour = roi.colour.or(colour);
        roi.contours.extend(contours);
        Ok(())
    }

    fn contour(&mut self, item: Span) -> Result<Contour> {
        let (mut kind, mut image, mut points, mut stated) = (ContourKind::Closed, None, Vec::new(), None);
        while let Some(element) = self.elements.next(item)? {
            match element.tag {
                tags::CONTOUR_GEOMETRIC_TYPE => kind = ContourKind::of(&self.text(&element)?),
                tags::CONTOUR_IMAGE_SEQUENCE => image = self.images(&element, item)?.into_iter().next(),
                tags::NUMBER_OF_CONTOUR_POINTS => stated = Some(self.whole(&element, "Number of Contour Points")?),
                tags::CONTOUR_DATA => points = self.contour_data(&element)?,
                _ => self.elements.skip(&element, item)?,
            }
        }
        let is_other = stated.is_some_and(|stated| usize::try_from(stated).ok() != Some(points.len()));
        if is_other {
            self.wrong_counts += 1;
        }
        Ok(Contour { kind, points, image })
    }

    fn contour_data(&mut self, element: &Element) -> Result<Vec<Vec3>> {
        const NAME: &str = "Contour Data";
        let (mut points, mut open, mut count): (Vec<Vec3>, Vec3, usize) = (Vec::new(), [0.0; 3], 0);
        self.elements.numbers(element, NAME, &mut |value| {
            if let Some(part) = open.get_mut(count % 3) {
                *part = value;
            }
            count += 1;
            if count.is_multiple_of(3) {
                // World is right, anterior, superior here.
                points.push([0.0 - open[0], 0.0 - open[1], open[2]]);
            }
        })?;
        if count.is_multiple_of(3) {
            points.shrink_to_fit();
            Ok(points)
        } else {
            Err(Problem::Broken(format!("{NAME} holds {count} numbers; a point has three")))
        }
    }

    fn colour(&mut self, element: &Element) -> Result<Option<[u8; 3]>> {
        let text = plain(&self.elements.bytes(element)?);
        let parts: Option<Vec<u8>> = text.split('\\').map(|part| part.trim().parse().ok()).collect();
        match parts.as_deref() {
            Some(&[red, green, blue]) => Ok(Some([red, green, blue])),
            _ if text.is_empty() => Ok(None),
            _ => {
                self.warn(format!(
                    "ROI Display Color is {}, not three numbers up to 255; another colour is given.",
                    quoted(&text)
                ));
                Ok(None)
            }
        }
    }

    fn observation(&mut self, item: Span) -> Result<()> {
        let (mut number, mut interpreted, mut parts) = (None, String::new(), TermParts::default());
        while let Some(element) = self.elements.next(item)? {
            match element.tag {
                tags::REFERENCED_ROI_NUMBER => number = Some(self.whole(&element, "Referenced ROI Number")?),
                tags::RTROI_INTERPRETED_TYPE => interpreted = self.text(&element)?,
                tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE => {
                    parts.category = self.code(&element, item, &mut None)?;
                }
                tags::RTROI_IDENTIFICATION_CODE_SEQUENCE => {
                    let mut side = None;
                    parts.kind = self.code(&element, item, &mut side)?;
                    parts.side = side;
                }
                _ => self.elements.skip(&element, item)?,
            }
        }
        let Some(number) = number else { return Ok(()) };
        let roi = self.roi_of(number)?;
        if roi.interpreted_type.is_empty() {
            roi.interpreted_type = interpreted;
        }
        roi.term = roi.term.take().or_else(|| parts.term());
        Ok(())
    }

    /// The first code of a sequence, and the side of the body in it.
    fn code(&mut self, element: &Element, around: Span, side: &mut Option<Code>) -> Result<Option<Code>> {
        let mut found: Option<Code> = None;
        let sequence = self.elements.sequence(element, around)?;
        while let Some(item) = self.elements.item(sequence)? {
            let [mut scheme, mut value, mut long_value, mut meaning] = [const { String::new() }; 4];
            while let Some(element) = self.elements.next(item)? {
                match element.tag {
                    tags::CODE_VALUE => value = self.text(&element)?,
                    tags::CODING_SCHEME_DESIGNATOR => scheme = self.text(&element)?,
                    tags::CODE_MEANING => meaning = self.text(&element)?,
                    tags::LONG_CODE_VALUE => long_value = self.text(&element)?,
                    tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE if found.is_none() => {
                        *side = self.code(&element, item, &mut None)?;
                    }
                    _ => self.elements.skip(&element, item)?,
                }
            }
            let value = if value.is_empty() { long_value } else { value };
            if found.is_none() && !value.is_empty() && !scheme.is_empty() {
                found = Some(Code { scheme, value, meaning });
            }
        }
        Ok(found)
    }

    fn warn(&mut self, text: String) {
        if self.set.warnings.len() < MOST_WARNINGS && !self.set.warnings.contains(&text) {
            self.set.warnings.push(text);
        }
    }

    fn uid(&mut self, element: &Element) -> Result<String> {
        Ok(plain(&self.elements.bytes(element)?))
    }

    fn whole(&mut self, element: &Element, name: &str) -> Result<i64> {
        let text = plain(&self.elements.bytes(element)?);
        text.parse().map_err(|_| Problem::Broken(format!("{name} is {text:?}, which is no whole number")))
    }

    /// A text in the file's character set.
    fn text(&mut self, element: &Element) -> Result<String> {
        let bytes = self.elements.bytes(element)?;
        let Some(charset) = self.charset.as_ref().filter(|_| !CharacterSets::is_plain(&bytes)) else {
            return Ok(plain(&bytes));
        };
        let sets = CharacterSets::read(Some(charset));
        if let Some(warning) = sets.warning() {
            self.warn(warning);
        }
        Ok(trimmed(&sets.decode(&bytes, dictionary_vr(element.tag) == Some(VR::PN))))
    }

    fn finish(mut self) -> StructureSet {
        if self.wrong_counts > 0 {
            let count = self.wrong_counts;
            self.warn(format!(
                "{count} contour(s) hold another number of points than they say; those that are there are taken."
            ));
        }
        for roi in self.set.rois.iter_mut().filter(|roi| roi.name.is_empty()) {
            roi.name = format!("ROI {}", roi.number);
        }
        let repeated = self.set.rois.iter_mut().map(|roi| (drop_repeated(roi), roi.name.clone()));
        let repeated: Vec<(usize, String)> = repeated.filter(|(count, _)| *count > 0).collect();
        if !repeated.is_empty() {
            let count: usize = repeated.iter().map(|(count, _)| count).sum();
            let names: Vec<&str> = repeated.iter().map(|(_, name)| name.as_str()).collect();
            self.warn(format!("{count} outline(s) stand there more than once and are taken once: {}.", listed(&names)));
        }
        self.set
    }
}

/// A text without padding.
fn plain(bytes: &[u8]) -> String {
    trimmed(&String::from_utf8_lossy(bytes))
}

fn trimmed(text: &str) -> String {
    text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_string()
}

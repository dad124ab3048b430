//! A structure set as labels on the grid of its scan.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::paint::{Fit, fill, fit};
use super::read::{Problem, read};
use super::structure_set::{ContourKind, Roi, StructureSet};
use crate::formats::dicom::load::{frame_of_reference, source_images};
use crate::formats::dicom::stack::Stack;
use crate::formats::error::{FormatError, Result};
use crate::formats::labels::LabelsInFile;
use crate::formats::{Facts, Ground, Source};
use crate::volume::{
    Annotations, FrameOfReference, Geometry, Label, LabelMap, LabelTable, LabelValue, Rescale, SourceImages, Volume,
    Voxels,
};
use crate::work::numbers::share;
use crate::work::{Watch, memory};

/// The rule by which voxels are taken, for the user.
pub(super) const RULE: &str = "Contours are outlines: a voxel is taken if its centre lies inside an odd number of a structure's contours, or on one.";
/// Names that are listed in a message.
const MOST_NAMES: usize = 8;

/// Structures of a file that do not overlap.
pub struct ContourFile {
    pub path: PathBuf,
    /// Without points.
    pub set: Arc<StructureSet>,
    /// Their places in the set.
    pub rois: Vec<usize>,
    /// Whether it is the first of the file's masks, which has what is said of the whole file.
    pub is_first: bool,
    /// The scans that were found with the file.
    pub scans: Vec<Arc<Stack>>,
}

impl fmt::Debug for ContourFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// A grid to paint on.
struct Target<'a> {
    grid: &'a Geometry,
    images: Option<&'a SourceImages>,
    frame_of_reference: Option<&'a FrameOfReference>,
}

impl ContourFile {
    /// The scan that the contours were drawn on, among those in the file's folder.
    fn own_scan(&self, watch: Watch) -> Result<Arc<Stack>> {
        let found = best(&self.set, &self.scans).cloned();
        if let Some(found) = found {
            return Ok(found);
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let listing = std::fs::read_dir(folder).map_err(|error| FormatError::read(folder, error))?;
        let mut files: Vec<PathBuf> = listing.flatten().map(|item| item.path()).filter(|path| path.is_file()).collect();
        files.sort();
        let files: Vec<PathBuf> = files.into_iter().filter(|path| *path != self.path && is_dicom(path)).collect();
        let scans = crate::formats::dicom::stacks_of(&files, watch)?;
        best(&self.set, &scans).cloned().ok_or_else(|| {
            FormatError::unsupported(
                &self.path,
                "contours have no voxels of their own, and the scan that they were drawn on is not in their folder; open that scan \
                 and then this file as its mask, or name it with --reference SCAN",
            )
        })
    }
}

impl Source for ContourFile {
    fn facts(&self, _: Watch) -> Result<Option<Facts>> {
        Ok(None)
    }

    fn load(&self, watch: Watch) -> Result<Volume> {
        let LabelsInFile { labels, annotations, warnings, .. } = self.labels(None, watch)?;
        let [ni, nj, nk] = labels.geometry().shape();
        memory::ensure::<LabelValue>(ni * nj * nk).map_err(|error| FormatError::memory(&self.path, error))?;
        let (mut voxels, mut slice) = (Vec::with_capacity(ni * nj * nk), Vec::new());
        for k in 0..nk {
            watch.check()?;
            labels.slice_k(k, &mut slice);
            voxels.append(&mut slice);
        }
        let voxels = Voxels::U16(Arc::new(voxels));
        let mut volume =
            Volume::new(labels.geometry().clone(), voxels, Vec::new(), Rescale::IDENTITY, self.set.label.clone());
        volume.annotations = annotations;
        volume.warnings = warnings;
        Ok(volume)
    }

    fn labels(&self, on: Option<&Ground>, watch: Watch) -> Result<LabelsInFile> {
        if let Some(on) = on {
            let images = on.source.as_deref();
            let target = Target { grid: &on.geometry, images, frame_of_reference: on.frame_of_reference.as_ref() };
            return self.paint(&target, watch);
        }
        let scan = self.own_scan(watch)?;
        let (images, space) = (source_images(&scan), frame_of_reference(&scan));
        self.paint(&Target { grid: &scan.geometry, images: Some(&images), frame_of_reference: space.as_ref() }, watch)
    }

    fn refers_to(&self) -> Option<&str> {
        let mut series = self.set.referenced_series.iter().map(|series| series.series_uid.as_str());
        series.find(|uid| !uid.is_empty())
    }

    fn is_all_by_model(&self) -> Option<bool> {
        Some(!self.set.rois.is_empty() && self.set.rois.iter().all(|roi| roi.is_automatic))
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

fn is_dicom(path: &Path) -> bool {
    crate::formats::read_head(path).is_ok_and(|head| (crate::formats::dicom::FORMAT.claims)(path, &head))
}

/// Reads the contours of a file.
pub fn read_set(path: &Path, watch: Watch) -> Result<StructureSet> {
    read(path, watch).map_err(|problem| match problem {
        Problem::Broken(reason) => FormatError::malformed(path, reason),
        Problem::Stopped => FormatError::Stopped(crate::work::Stopped),
    })
}

/// The images that contours name.
fn named_images(set: &StructureSet) -> HashSet<&str> {
    let of_series = set.referenced_series.iter().flat_map(|series| &series.images);
    let of_contours = set.rois.iter().flat_map(|roi| roi.contours.iter().filter_map(|contour| contour.image.as_ref()));
    of_series.chain(of_contours).map(String::as_str).filter(|uid| !uid.is_empty()).collect()
}

fn names_series(set: &StructureSet, uid: &str) -> bool {
    !uid.is_empty() && set.referenced_series.iter().any(|series| series.series_uid == uid)
}

/// The scan with the most of the images that the contours name, or that of the series which they name.
fn best<'a>(set: &StructureSet, scans: &'a [Arc<Stack>]) -> Option<&'a Arc<Stack>> {
    let named = named_images(set);
    let fitness = |scan: &Arc<Stack>| {
        let images = source_images(scan);
        let count = images.files.iter().filter(|file| named.contains(file.instance_uid.as_str())).count();
        (count, names_series(set, &images.series_uid), images.files.len())
    };
    // A grid with filled gaps is one that the user has to agree to.
    let whole = scans.iter().filter(|scan| scan.filling.is_none());
    let fitting = whole.map(|scan| (fitness(scan), scan)).filter(|((count, named, _), _)| *count > 0 || *named);
    fitting.max_by_key(|(fitness, _)| *fitness).map(|(_, scan)| scan)
}

impl ContourFile {
    /// Paints the structures.
    fn paint(&self, target: &Target, watch: Watch) -> Result<LabelsInFile> {
        let set = read_set(&self.path, watch.part(0.0, 0.4))?;
        let watch = watch.part(0.4, 1.0);
        let is_own = is_own_scan(&set, target.images);
        let fit = fit(&set, target.grid, is_own, watch.quiet())?;
        let table = table_of(&self.path, &set)?;
        let mut labels = LabelMap::empty(target.grid.clone());
        let (mut outside, mut closed, mut shared, mut without, mut own) = (0, 0, 0, Vec::new(), Vec::new());
        let mut crossed = Vec::new();
        for (n, roi) in self.rois.iter().enumerate() {
            watch.at(share(n, self.rois.len()))?;
            let (Some(roi), Some(label)) = (set.rois.get(*roi), table.get(*roi)) else { continue };
            let filled = fill(roi, target.grid, &fit, watch.quiet())?;
            outside += filled.outside;
            closed += roi.closed().len();
            if filled.is_empty() {
                without.push(label.name.as_str());
            }
            if filled.is_crossed {
                crossed.push(label.name.as_str());
            }
            shared += filled.put(label.value, &mut labels, watch.quiet())?;
            own.push(label.clone());
        }
        if closed > 0 && outside == closed && self.rois.len() == set.rois.len() {
            return Err(FormatError::unsupported(
                &self.path,
                "none of its contours lies in the scan; open the scan that they were drawn on, or name it with --reference SCAN",
            ));
        }
        labels.compact();
        let mut warnings = Vec::new();
        if outside > 0 {
            warnings.push(format!("{outside} of {closed} contours lie outside the scan."));
        }
        if !without.is_empty() {
            warnings.push(format!("Structures without a voxel, kept as empty labels: {}.", listed(&without)));
        }
        if !crossed.is_empty() {
            warnings.push(format!(
                "Outlines of one structure cross each other; what lies inside two of them is not taken: {}.",
                listed(&crossed)
            ));
        }
        if shared > 0 {
            warnings.push(format!("{shared} voxels lie in two structures; they belong to the one that comes first."));
        }
        if self.is_first {
            warnings.extend(of_set(&set, target, &fit, is_own));
            warnings.extend(same_names(&set, &table));
            if self.rois.len() < set.rois.len() {
                warnings.push("Structures overlap: the file holds several masks.".into());
            }
            warnings.push(RULE.into());
        }
        Ok(LabelsInFile { labels, annotations: Annotations::of_table(LabelTable(own)), warnings, notice: None })
    }
}

/// Whether these are images that the contours were drawn on. Who names nothing, and what says nothing, is believed.
fn is_own_scan(set: &StructureSet, images: Option<&SourceImages>) -> bool {
    let named = named_images(set);
    let names_none = named.is_empty() && set.referenced_series.iter().all(|series| series.series_uid.is_empty());
    images.is_none_or(|images| {
        let is_named = || images.files.iter().any(|file| named.contains(file.instance_uid.as_str()));
        names_none || names_series(set, &images.series_uid) || is_named()
    })
}

/// Labels of the structures, in their order: their numbers where these can be labels, else counted; each with a name of its own.
pub fn table_of(path: &Path, set: &StructureSet) -> Result<Vec<Label>> {
    let numbers: Vec<LabelValue> = set.rois.iter().filter_map(|roi| roi.number.try_into().ok()).collect();
    let numbers_serve = numbers.len() == set.rois.len() && !numbers.contains(&0);
    let mut names = Names::default();
    let mut table = Vec::with_capacity(set.rois.len());
    for (n, roi) in set.rois.iter().enumerate() {
        let counted = LabelValue::try_from(n + 1).map_err(|_| {
            FormatError::unsupported(path, format!("it holds {} structures; 65535 can be read", set.rois.len()))
        })?;
        let value = if numbers_serve { numbers[n] } else { counted };
        let mut label = Label::new(value, names.different(&roi.name));
        label.colour = roi.colour.unwrap_or(label.colour);
        label.term = roi.term.clone().map(Box::new);
        table.push(label);
    }
    Ok(table)
}

/// Names that are given, each once.
#[derive(Default)]
pub struct Names {
    taken: HashSet<String>,
    /// The number that comes next behind a name that is asked for again.
    next: HashMap<String, usize>,
}

impl Names {
    /// A name that nobody has yet: with a number behind it where it is taken.
    pub fn different(&mut self, name: &str) -> String {
        if self.taken.insert(name.to_string()) {
            return name.to_string();
        }
        let next = self.next.entry(name.to_string()).or_insert(2);
        loop {
            let free = format!("{name} ({next})");
            *next += 1;
            if self.taken.insert(free.clone()) {
                return free;
            }
        }
    }
}

/// "a, b and 3 more".
pub fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES { format!("{shown} and {} more", names.len() - MOST_NAMES) } else { shown }
}

fn same_names(set: &StructureSet, table: &[Label]) -> Option<String> {
    let renamed: Vec<String> = (set.rois.iter().zip(table))
        .filter(|(roi, label)| roi.name != label.name)
        .map(|(roi, label)| format!("number {} is read as {}", roi.number, label.name))
        .collect();
    let renamed: Vec<&str> = renamed.iter().map(String::as_str).collect();
    (!renamed.is_empty()).then(|| format!("Several structures have the same name: {}.", listed(&renamed)))
}

/// What is to be said of the whole file: what lies elsewhere than in slices of the scan that it was drawn on, what is not painted.
fn of_set(set: &StructureSet, target: &Target, fit: &Fit, is_own: bool) -> Vec<String> {
    let mut warnings = set.warnings.clone();
    let own = FrameOfReference::new(&set.frame_of_reference);
    let is_same_space = own.is_some() && own.as_ref() == target.frame_of_reference;
    if is_own && own.is_some() && target.frame_of_reference.is_some() && !is_same_space {
        warnings.push(
            "The contours name another space (Frame of Reference UID) than the scan; they are placed by their coordinates as they are."
                .into(),
        );
    }
    if !is_own {
        warnings.push(if is_same_space {
            "The contours were drawn on another series of the same space; they are placed by their coordinates.".into()
        } else {
            "The contours were drawn on another series, and the files do not say that it lies in the same space; they are placed by \
             their coordinates as they are."
                .to_string()
        });
    }
    if fit.beside_mm > 0.0 {
        warnings.push(format!(
            "Planes of contours lie up to {:.2} mm beside the slices; a slice takes the plane nearest to it, at most {:.2} mm away.",
            fit.beside_mm, fit.reach_mm
        ));
    }
    if fit.is_turned {
        warnings.push(
            "Contours are turned against the slices of this scan; a voxel takes the plane of contours nearest to it, at most half a step \
             of the planes and 5 mm away."
                .into(),
        );
    }
    warnings.extend(not_painted(set));
    warnings
}

/// Contours that enclose nothing.
fn not_painted(set: &StructureSet) -> Option<String> {
    let kinds = |roi: &Roi| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for contour in roi.contours.iter().filter(|contour| contour.kind != ContourKind::Closed) {
            *counts.entry(contour.kind.name().into()).or_default() += 1;
        }
        let counts: Vec<String> = counts.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        (!counts.is_empty()).then(|| format!("{} ({})", roi.name, counts.join(", ")))
    };
    let found: Vec<String> = set.rois.iter().filter_map(kinds).collect();
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    (!found.is_empty())
        .then(|| format!("Points and open lines enclose nothing and are not painted: {}.", listed(&found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_given_once() {
        let mut names = Names::default();
        let given = ["a", "a", "a (2)", "a", "b", "a (4)", "a"].map(|name| names.different(name));
        assert_eq!(given, ["a", "a (2)", "a (2) (2)", "a (3)", "b", "a (4)", "a (5)"]);
    }
}

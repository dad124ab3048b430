//! Writing surfaces of labels.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::case_files::plain_name;
use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::output::{Inputs, OutputKind};
use super::title::file_name;
use crate::formats::{self, Surface};
use crate::shape::surface_mesh;
use crate::volume::{Label, LabelMap, LabelTable, LabelValue};
use crate::work::{Stopped, Watch, numbers};

/// Writes closed surfaces of labels: all into one file where the format tells them apart, else into one file for each label.
#[derive(Clone)]
pub struct SaveSurfacesJob {
    /// Where to. Several files get the names of their labels behind this one.
    pub path: PathBuf,
    /// What.
    pub labels: LabelMap,
    /// Names and colours.
    pub table: LabelTable,
    /// Only these labels; all where there are none.
    pub chosen: BTreeSet<LabelValue>,
    /// Whether steps between slices are evened out.
    pub is_smooth: bool,
}

impl Job for SaveSurfacesJob {
    /// The files.
    type Output = Vec<PathBuf>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-surfaces", is_kept_when_stopped: true };

    fn title(&self) -> String {
        format!("Saving surfaces {}", file_name(&self.path))
    }

    fn run(self, work: &Work<()>) -> Result<Vec<PathBuf>, JobError> {
        let (wanted, empty) = self.wanted();
        if wanted.is_empty() {
            let text = "There is no voxel with a label that is wanted, so that there is no surface.";
            return Err(JobError::Other(text.into()));
        }
        if !empty.is_empty() {
            let names: Vec<&str> = empty.iter().map(|label| label.name.as_str()).collect();
            work.warn(format!("Without a voxel, and therefore without a surface: {}.", names.join(", ")));
        }
        let paths = paths_of(&self.path, &wanted);
        if let [path] = &paths[..] {
            let surfaces = self.surfaces(&wanted, work.watch.stage("Making surfaces"))?;
            formats::write_surfaces(path, &surfaces, work.watch.stage("Saving"))?;
            return Ok(paths);
        }
        // Nobody was asked about these names: only surfaces of before are replaced.
        paths.iter().try_for_each(|path| Inputs::default().allow(path, OutputKind::Surface))?;
        for (n, (label, path)) in wanted.iter().zip(&paths).enumerate() {
            let watch = work.watch.stage("Saving surfaces");
            let watch = watch.part(numbers::share(n, wanted.len()), numbers::share(n + 1, wanted.len()));
            let surfaces = self.surfaces(std::slice::from_ref(label), watch.part(0.0, 0.8))?;
            formats::write_surfaces(path, &surfaces, watch.part(0.8, 1.0))?;
        }
        Ok(paths)
    }
}

impl SaveSurfacesJob {
    /// The files that are written.
    pub fn paths(&self) -> Vec<PathBuf> {
        paths_of(&self.path, &self.wanted().0)
    }

    /// The labels that are written, and those that are wanted and have no voxel.
    fn wanted(&self) -> (Vec<Label>, Vec<Label>) {
        let counts = self.labels.voxel_counts();
        let mut table = self.table.clone();
        table.cover(counts.keys().copied());
        let is_chosen = |label: &Label| self.chosen.is_empty() || self.chosen.contains(&label.value);
        let is_there = |label: &Label| counts.get(&label.value).is_some_and(|count| *count > 0);
        table.0.into_iter().filter(is_chosen).partition(is_there)
    }

    fn surfaces(&self, labels: &[Label], watch: Watch) -> Result<Vec<Surface>, Stopped> {
        let mut surfaces = Vec::new();
        for (n, label) in labels.iter().enumerate() {
            let watch = watch.part(numbers::share(n, labels.len()), numbers::share(n + 1, labels.len()));
            watch.at(0.0)?;
            let Some(region) = self.labels.region_of(label.value) else { continue };
            let shape = [0, 1, 2].map(|axis| region.end[axis] - region.start[axis]);
            let mark = |k: usize, slice: &mut [bool]| {
                self.labels.mark_slice(label.value, region, region.start[2] + k, slice);
            };
            let Some(place) = self.labels.geometry().cropped(region) else { continue };
            let mesh = surface_mesh(shape, place.world_from_voxel(), mark, self.is_smooth, watch)?;
            surfaces.push(Surface { name: label.name.clone(), colour: label.colour, mesh });
        }
        Ok(surfaces)
    }
}

/// One file where it tells labels apart or there is one label, else a file for each: `bones_femur.stl` for the label "femur" of `bones.stl`.
/// Names that would be the same get the label's number, and are counted where that is taken too.
fn paths_of(path: &Path, labels: &[Label]) -> Vec<PathBuf> {
    if labels.len() < 2 || formats::surfaces_in(path).is_none_or(|mesh| mesh.holds_many) {
        return vec![path.to_path_buf()];
    }
    let stem = formats::stem(path);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ending = name.get(stem.len()..).unwrap_or_default();
    let mut taken = BTreeSet::new();
    let mut name_of = |label: &Label| {
        let plain = plain_name(&label.name).replace(' ', "_");
        let mut names = (0u32..).map(|n| match n {
            0 => plain.clone(),
            1 => format!("{plain}_{}", label.value),
            n => format!("{plain}_{}_{n}", label.value),
        });
        // Some systems take names for the same that differ in capitals alone.
        let own = names.find(|name| taken.insert(name.to_lowercase())).unwrap_or_default();
        path.with_file_name(format!("{stem}_{own}{ending}"))
    };
    labels.iter().map(&mut name_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_labels() {
        let labels =
            [(1, "Left lobe"), (2, "a/b"), (3, "left lobe"), (4, "")].map(|(value, name)| Label::new(value, name));
        let names: Vec<String> = paths_of(Path::new("/x/bones.STL"), &labels)
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names[0], "bones_Left_lobe.STL");
        assert_eq!(names[2], "bones_left_lobe_3.STL");
        assert_eq!(names[1], "bones_a_b.STL");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn no_two_labels_share_a_file() {
        for table in [["a", "a", "a_2"], ["a_2", "a", "A"], ["A_3", "a", "a"]] {
            let labels: Vec<Label> = (1..).zip(table).map(|(value, name)| Label::new(value, name)).collect();
            let paths = paths_of(Path::new("/x/bones.stl"), &labels);
            let names: BTreeSet<String> = paths.iter().map(|path| path.to_string_lossy().to_lowercase()).collect();
            assert_eq!(names.len(), 3, "{table:?}: {paths:?}");
        }
    }
}

//! Where results may be written: never over what a command reads, and over what is there only if it is a result of the same kind.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::error::JobError;
use crate::disk::{FileId, follow_links, open_regular_file};
use crate::formats;
use crate::model::{self, foreign};
use crate::volume::{Annotations, LabelTable, Maker, SliceKey, SliceState};
use crate::work::Watch;

/// How deep folders among the inputs are looked through.
const MOST_FOLDERS: usize = 64;
/// Ending of model files.
const MODEL_ENDING: &str = "safetensors";
/// Ending of pictures that are written.
const PNG_ENDING: &str = "png";
/// Ending of ONNX files.
const ONNX_ENDING: &str = "onnx";

/// What a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// A model file.
    Model,
    /// An ONNX file.
    Onnx,
    /// A mask or a volume.
    Image,
    /// A mask of a model: only such masks are replaced, as the model left them.
    Draft,
    /// A mask of one slice as PNG.
    Png,
    /// Slices as PNG or TIFF.
    Picture,
    /// Surfaces of labels.
    Surface,
    /// A text that begins in one of these ways.
    Text(&'static [&'static str]),
}

impl OutputKind {
    /// Checks a file name's ending.
    fn check_ending(self, path: &Path) -> Result<(), JobError> {
        let ending = match self {
            Self::Draft => return Ok(formats::labels_writer_for(path).map(drop)?),
            Self::Image if formats::surfaces_in(path).is_some() => {
                let text = format!("{} is a file of surfaces, which `lamella convert` makes of a mask", path.display());
                return Err(JobError::Other(text));
            }
            Self::Image | Self::Surface => return Ok(formats::writer_for(path).map(drop)?),
            Self::Text(_) => return Ok(()),
            Self::Picture => {
                let name = path.to_string_lossy().to_lowercase();
                if formats::SLICE_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                    return Ok(());
                }
                let text =
                    format!("a picture is written to a file that ends in .png or .tif, not to {}", path.display());
                return Err(JobError::Other(text));
            }
            Self::Png => PNG_ENDING,
            Self::Model => MODEL_ENDING,
            Self::Onnx => ONNX_ENDING,
        };
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending)) {
            return Ok(());
        }
        if self == Self::Png {
            return Err(JobError::Other(format!(
                "a picture is written to a file that ends in .png, not to {}",
                path.display()
            )));
        }
        Err(JobError::Other(format!("a model is written to a file that ends in .{ending}, not to {}", path.display())))
    }

    /// Whether a file's content is a result of this kind.
    fn is_in(self, path: &Path) -> bool {
        match self {
            Self::Model => model::is_model_file(path),
            Self::Onnx => foreign::is_own_onnx(path),
            Self::Image | Self::Png | Self::Picture => {
                // A name is no content: the header tells the size, and where it tells none all is read.
                let is_image = |entry: &formats::Entry| {
                    let is_told = entry.kind == formats::Kind::Contours || entry.shape.iter().all(|&n| n > 0);
                    is_told || formats::load(entry, Watch::unwatched()).is_ok()
                };
                formats::scan(path, Watch::unwatched()).is_ok_and(|found| found.entries.iter().any(is_image))
            }
            Self::Draft => is_draft(path),
            Self::Surface => Self::Text(formats::SURFACE_STARTS).is_in(path),
            Self::Text(starts) => {
                let longest = starts.iter().map(|start| start.len()).max().unwrap_or(0);
                let mut head = Vec::new();
                let read = open_regular_file(path).and_then(|file| file.take(longest as u64).read_to_end(&mut head));
                read.is_ok() && starts.iter().any(|start| head.starts_with(start.as_bytes()))
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Model => "model of Lamella",
            Self::Onnx => "ONNX file that Lamella wrote",
            Self::Image | Self::Png | Self::Picture => "image that can be read",
            Self::Draft => "mask as a model left it",
            Self::Surface => "surface that Lamella wrote",
            Self::Text(_) => "report of Lamella",
        }
    }

    /// What to do where something else is there.
    fn way_out(self) -> &'static str {
        match self {
            Self::Draft => "choose another name or folder, or say --overwrite if it may be lost",
            _ => "choose another name, or remove it first",
        }
    }
}

/// Whether a file is a mask in which every slice is what a model made of it, or an empty one: nothing of a hand is lost with it.
fn is_draft(path: &Path) -> bool {
    // Contours cannot be painted without their scan, and say who made them without.
    let entries = formats::scan(path, Watch::unwatched()).map(|found| found.entries).unwrap_or_default();
    let said: Option<Vec<bool>> = entries.iter().map(|entry| entry.source.is_all_by_model()).collect();
    if let Some(said) = said.filter(|said| !said.is_empty()) {
        return said.into_iter().all(|is_by_model| is_by_model) && is_own_dicom(path);
    }
    let read = formats::read_annotated_labels(path, None, Watch::unwatched(), &|_| {});
    read.is_ok_and(|(labels, annotations)| {
        let Annotations { table, states, makers, .. } = &annotations;
        if labels.voxel_counts().is_empty() {
            return !table.0.is_empty();
        }
        if states.is_empty() {
            // DICOM keeps who made a mask, and no marks of slices.
            let is_by_model = |(_, maker): &(SliceKey, Maker)| matches!(maker, Maker::Model(_));
            return !makers.is_empty() && makers.iter().all(is_by_model) && is_own_dicom(path);
        }
        let is_of_model = |(key, state): &(SliceKey, SliceState)| {
            let made = makers.iter().find(|(of, _)| of == key);
            *state == SliceState::Draft && matches!(made, Some((_, Maker::Model(_))))
        };
        // Slices without a mark are of a file that the model was run over.
        let marked = Annotations::of_labels(&labels, LabelTable::default(), SliceState::Draft).states.len();
        states.len() >= marked && states.iter().all(is_of_model)
    })
}

/// Whether a DICOM file says at its beginning that this program wrote it.
fn is_own_dicom(path: &Path) -> bool {
    const META_BYTES: u64 = 1024;
    let mut head = Vec::new();
    let read = open_regular_file(path).and_then(|file| file.take(META_BYTES).read_to_end(&mut head));
    let own = formats::IMPLEMENTATION_CLASS_UID.as_bytes();
    read.is_ok() && head.windows(own.len()).any(|part| part == own)
}

/// Makes a folder for results, with those above it, where it is not there.
///
/// # Errors
/// Says what is in the way.
pub fn make_folder(folder: &Path) -> Result<(), JobError> {
    let shown = folder.display();
    if folder.exists() && !folder.is_dir() {
        return Err(JobError::Other(format!("{shown} is a file and no folder; name a folder")));
    }
    std::fs::create_dir_all(folder).map_err(|e| JobError::Other(format!("cannot make the folder {shown}: {e}")))
}

/// What a command reads: files, and folders with all that is in them.
#[derive(Debug, Default)]
pub struct Inputs {
    paths: Vec<PathBuf>,
    /// Looked up when the first result would replace a file.
    files: OnceLock<HashMap<FileId, PathBuf>>,
}

impl Inputs {
    /// Inputs at these paths; what does not exist is none.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { paths: paths.into_iter().collect(), files: OnceLock::new() }
    }

    /// These inputs and another one.
    #[must_use]
    pub fn and(self, another: Option<PathBuf>) -> Self {
        Self::new(self.paths.into_iter().chain(another))
    }

    /// Checks that a result may be written to a path.
    ///
    /// # Errors
    /// Says what is there, and what to do.
    pub fn allow(&self, path: &Path, kind: OutputKind) -> Result<(), JobError> {
        let refused = |text: String| Err(JobError::Other(text));
        let shown = path.display();
        if path.is_dir() {
            return refused(format!("{shown} is a folder; name a file in it"));
        }
        kind.check_ending(path)?;
        let target = follow_links(path).map_err(|e| JobError::Other(format!("{shown} cannot be written to: {e}")))?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return refused(format!("{shown} cannot be written to: no such folder as {}", folder.display()));
        }
        let there = match std::fs::metadata(&target) {
            Ok(there) => there,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return refused(format!("{shown} cannot be written to: {error}")),
        };
        if !there.is_file() {
            return refused(format!("{shown} is a device, a pipe or a socket and no file; choose another name"));
        }
        if let Some(input) = FileId::of(&target).and_then(|id| self.files().get(&id)) {
            let same = if input == path { String::new() } else { format!(" (it is {})", input.display()) };
            return refused(format!(
                "the result would overwrite {shown}, which this command reads{same}; choose another name or folder"
            ));
        }
        if there.len() > 0 && !kind.is_in(&target) {
            return refused(format!("{shown} is there already and is no {}; {}", kind.name(), kind.way_out()));
        }
        if there.permissions().readonly() {
            return refused(format!("{shown} is write-protected; choose another name, or allow writing it"));
        }
        Ok(())
    }

    /// Whether a path leads to a file that is read.
    pub fn reads(&self, path: &Path) -> bool {
        FileId::of(path).is_some_and(|id| self.files().contains_key(&id))
    }

    fn files(&self) -> &HashMap<FileId, PathBuf> {
        self.files.get_or_init(|| {
            let mut files = HashMap::new();
            for path in &self.paths {
                collect(path, 0, &mut files);
            }
            files
        })
    }
}

/// All files at and below a path; a folder that is reached twice by links counts once.
fn collect(path: &Path, depth: usize, files: &mut HashMap<FileId, PathBuf>) {
    let Some(id) = FileId::of(path) else { return };
    if depth > MOST_FOLDERS || files.contains_key(&id) {
        return;
    }
    files.insert(id, path.to_path_buf());
    if path.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            collect(&entry.path(), depth + 1, files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    fn refusal(inputs: &Inputs, path: &Path, kind: OutputKind) -> String {
        inputs.allow(path, kind).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn only_results_of_the_same_kind_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let model: Model = crate::model::find("hippocampus").unwrap();
        model.save(&at("model.safetensors")).unwrap();
        foreign::save_onnx(&model, &at("model.onnx")).unwrap();
        let image = include_bytes!("../../assets/sample/synthetic_hippocampus.nii.gz");
        let write = |name: &str, bytes: &[u8]| std::fs::write(at(name), bytes).unwrap();
        write("image.nii.gz", image);
        write("table.csv", b"epoch,seconds,rate,loss\n");
        write("patients.csv", b"case,age\n");
        for name in ["notes.safetensors", "notes.onnx", "notes.nii.gz", "notes.nii", "notes.csv"] {
            write(name, b"my notes of two years, and nothing that Lamella wrote");
        }
        // Right by its ending alone.
        write("image.safetensors", image);
        std::fs::copy(at("model.safetensors"), at("model.nii.gz")).unwrap();
        std::fs::copy(at("model.safetensors"), at("other.onnx")).unwrap();
        write("empty.safetensors", b"");
        let none = Inputs::default();
        let table = OutputKind::Text(&["epoch,seconds,", "case,Dice"]);
        for (name, kind, said) in [
            ("new.safetensors", OutputKind::Model, ""),
            ("new.SafeTensors", OutputKind::Model, ""),
            ("new.nii.gz", OutputKind::Image, ""),
            ("new.onnx", OutputKind::Onnx, ""),
            ("model.safetensors", OutputKind::Model, ""),
            ("model.onnx", OutputKind::Onnx, ""),
            ("image.nii.gz", OutputKind::Image, ""),
            ("table.csv", table, ""),
            ("empty.safetensors", OutputKind::Model, ""),
            ("notes.safetensors", OutputKind::Model, "no model of Lamella"),
            ("image.safetensors", OutputKind::Model, "no model of Lamella"),
            ("notes.onnx", OutputKind::Onnx, "no ONNX file that Lamella wrote"),
            ("other.onnx", OutputKind::Onnx, "no ONNX file that Lamella wrote"),
            ("notes.nii.gz", OutputKind::Image, "no image that can be read"),
            ("notes.nii", OutputKind::Image, "no image that can be read"),
            ("model.nii.gz", OutputKind::Image, "no image that can be read"),
            ("notes.csv", table, "no report of Lamella"),
            ("patients.csv", table, "no report of Lamella"),
            ("new.pth", OutputKind::Model, "ends in .safetensors"),
            ("image.nii.gz", OutputKind::Model, "ends in .safetensors"),
            ("new", OutputKind::Model, "ends in .safetensors"),
            ("model.safetensors", OutputKind::Onnx, "ends in .onnx"),
            ("none/new.safetensors", OutputKind::Model, "no such folder"),
            ("", OutputKind::Model, "is a folder"),
        ] {
            let refused = refusal(&none, &at(name), kind);
            assert!(if said.is_empty() { refused.is_empty() } else { refused.contains(said) }, "{name}: {refused:?}");
            assert!(refused.is_empty() || refused.contains(&at(name).display().to_string()), "{refused}");
        }
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let [deep, file] = ["a/b", "file.txt"].map(|name| folder.path().join(name));
        std::fs::write(&file, "notes").unwrap();
        assert!(make_folder(&deep).is_ok() && make_folder(&deep).is_ok() && deep.is_dir());
        let refused = make_folder(&file).unwrap_err().to_string();
        assert!(refused.contains("file.txt is a file and no folder"), "{refused}");
    }

    #[test]
    fn only_masks_of_models_that_nobody_has_touched_are_drafts() {
        use crate::volume::{Affine, Geometry, Label, LabelMap};
        let folder = tempfile::tempdir().unwrap();
        let mut labels = LabelMap::empty(Geometry::new([4, 4, 4], Affine::IDENTITY).unwrap());
        let table = LabelTable(vec![Label::new(1, "Liver")]);
        let write = |name: &str, labels: &LabelMap, annotations: &Annotations| {
            let mut annotations = annotations.clone();
            annotations.seal(labels);
            let path = folder.path().join(name);
            formats::write_labels(&path, labels, &annotations, Watch::unwatched()).unwrap();
            refusal(&Inputs::default(), &path, OutputKind::Draft)
        };
        assert_eq!(write("empty.nii.gz", &labels, &Annotations::of_table(table.clone())), "");
        labels.set([1, 2, 3], 1);
        let draft = Annotations::of_labels(&labels, table.clone(), SliceState::Draft);
        let made = draft.clone().made_by(&Maker::Model("Livers".into()));
        assert_eq!(write("mask.nii.gz", &labels, &made), "");
        let mut corrected = made.clone();
        corrected.states[0].1 = SliceState::Corrected;
        let mut partly = made.clone();
        partly.states.pop();
        let by_hand = draft.clone().made_by(&Maker::CorrectedModel("Livers".into()));
        let of_nobody = [draft, Annotations::of_table(table), Annotations::default()];
        for (n, kept) in [corrected, partly, by_hand].iter().chain(&of_nobody).enumerate() {
            let refused = write(&format!("{n}.nii.gz"), &labels, kept);
            assert!(refused.contains("--overwrite"), "{n}: {refused:?}");
        }
        let scan = folder.path().join("scan.nii.gz");
        std::fs::write(&scan, include_bytes!("../../assets/sample/synthetic_hippocampus.nii.gz")).unwrap();
        assert!(refusal(&Inputs::default(), &scan, OutputKind::Draft).contains("--overwrite"));
        assert!(refusal(&Inputs::default(), &folder.path().join("m.png"), OutputKind::Draft).contains(".nii.gz"));
    }

    #[test]
    #[cfg(unix)]
    fn an_input_is_never_replaced_whatever_it_is_called() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let image = include_bytes!("../../assets/sample/synthetic_hippocampus.nii.gz");
        std::fs::create_dir_all(at("scans/deep")).unwrap();
        for name in ["scan.nii.gz", "scans/a.nii.gz", "scans/deep/b.nii.gz", "other.nii.gz"] {
            std::fs::write(at(name), image).unwrap();
        }
        std::fs::hard_link(at("scan.nii.gz"), at("hard.nii.gz")).unwrap();
        std::fs::hard_link(at("scans/deep/b.nii.gz"), at("deep.nii.gz")).unwrap();
        symlink("scan.nii.gz", at("soft.nii.gz")).unwrap();
        symlink("soft.nii.gz", at("twice.nii.gz")).unwrap();
        symlink("scans", at("linked")).unwrap();
        symlink("../linked", at("scans/round")).unwrap();
        let inputs = Inputs::new([at("scan.nii.gz"), at("linked"), at("missing")]);
        let names = [
            "scan.nii.gz",
            "hard.nii.gz",
            "soft.nii.gz",
            "twice.nii.gz",
            "deep.nii.gz",
            "linked/a.nii.gz",
            "scans/deep/../a.nii.gz",
            "scans/round/deep/b.nii.gz",
        ];
        for name in names {
            assert!(refusal(&inputs, &at(name), OutputKind::Image).contains("overwrite"), "{name}");
        }
        for name in ["other.nii.gz", "new.nii.gz", "scans/new.nii.gz"] {
            assert_eq!(refusal(&inputs, &at(name), OutputKind::Image), "", "{name}");
        }
        symlink("/dev/null", at("null.nii.gz")).unwrap();
        symlink("gone/far.nii.gz", at("dangling.nii.gz")).unwrap();
        assert!(refusal(&inputs, &at("null.nii.gz"), OutputKind::Image).contains("device"));
        assert!(refusal(&inputs, &at("dangling.nii.gz"), OutputKind::Image).contains("no such folder"));
    }
}

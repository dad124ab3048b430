//! `lamella convert`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::Result;
use super::named_labels::named_labels;
use super::spacing::Spacing;
use super::terminal::Terminal;
use crate::edit::Resampling;
use crate::formats::{self, Entry, For, Ground, Kind};
use crate::jobs::{Inputs, JobError, OutputKind, SaveLabelsJob, SaveSurfacesJob, resampled_labels};
use crate::volume::{Annotations, Geometry, LabelMap, LabelTable, SourceImages, Volume};
use crate::work::Watch;

/// How files of names of labels begin that may be written over.
const NAMES: OutputKind = OutputKind::Text(&["################", "index\t"]);

/// Convert a volume or mask to another format, keeping its geometry.
#[derive(Args)]
pub struct Convert {
    /// A file or a DICOM folder
    input: PathBuf,
    /// The file to write; its ending decides the format. A folder (with a slash at the end) becomes a derived DICOM series. `.label` and `.txt` (ITK-SNAP) and `.tsv` (BIDS) hold a mask's names and colours alone
    #[arg(short, long)]
    output: PathBuf,
    /// Series Instance UID (or name), where the input holds several
    #[arg(long)]
    series: Option<String>,
    /// Fill the gaps of a DICOM series, also of the one that --reference names: missing slices stay empty, uneven ones are interpolated
    #[arg(long)]
    fill_gaps: bool,
    /// The scan that a mask belongs to: it is placed on its grid, and a DICOM segmentation (.dcm) names its images
    #[arg(long, value_name = "SCAN")]
    reference: Option<PathBuf>,
    /// With --reference, where the mask lies on another grid than the scan: bring it onto the scan's grid, by the nearest voxel or by the
    /// label with the largest share around (`shape`: smooth borders)
    #[arg(long, value_name = "HOW", requires = "reference")]
    resample: Option<How>,
    /// Names and colours for the mask: a label description of ITK-SNAP, a table of BIDS, or a list of numbers and names
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// For PET in DICOM: standardised uptake values by body weight (`SUVbw`, g/mL) instead of activity
    #[arg(long)]
    suv: bool,
    /// For surfaces (.stl, .ply, .obj): only this label, by its name or its number; may be given several times
    #[arg(long, value_name = "N|NAME")]
    label: Vec<String>,
    /// For surfaces: even out the steps between slices; the volume stays
    #[arg(long)]
    smooth: bool,
    #[command(flatten)]
    spacing: Spacing,
}

/// How a mask comes onto another grid.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum How {
    /// The nearest voxel's label
    Nearest,
    /// The label with the largest share among the eight voxels around
    Shape,
}

/// How the identifier of a series ends whose gaps are filled.
const FILLED: &str = "#filled";

/// Voxels this near are those of the scan, in shares of its finest spacing.
const SAME_VOXELS: f64 = 0.1;

/// A mask in the voxels of its scan, however either is stored.
fn laid_on(
    (labels, table): (LabelMap, &LabelTable),
    grid: &Geometry,
    input: &Path,
    how: Option<How>,
    terminal: &Terminal,
) -> Result<LabelMap> {
    let labels = labels.placed_by(grid);
    if labels.geometry().lies_on(grid) {
        return Ok(labels.on(grid));
    }
    let whole = labels.laid_on(grid, SAME_VOXELS * grid.finest_mm()).filter(|laid| laid.outside == 0);
    if let (None, Some(how)) = (&whole, how) {
        let how = match how {
            How::Nearest => Resampling::Nearest,
            How::Shape => Resampling::LinearShares,
        };
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let (found, notices) = resampled_labels((&labels, table), input, grid, how, watch.stage("Resampling"))?;
        notices.iter().for_each(|notice| terminal.warn(notice));
        return Ok(found);
    }
    whole.map(|laid| laid.labels).ok_or_else(|| {
        let (input, own) = (input.display(), labels.geometry());
        JobError::Other(format!(
            "the mask {input} does not lie on the voxels of the scan ({:?} voxels {} against {:?} {}); let it be resampled by --resample \
             nearest or --resample shape",
            own.shape(),
            own.orientation().code(),
            grid.shape(),
            grid.orientation().code()
        ))
    })
}

/// Whether an output is a folder: one that is there, or a name with a slash at its end.
fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().to_string_lossy().ends_with(std::path::is_separator)
}

impl Convert {
    pub(super) fn run(&self) -> Result {
        let writes_names = formats::is_names_file(&self.output);
        let read = [self.input.clone()].into_iter().chain(self.names.clone()).chain(self.reference.clone());
        let inputs = Inputs::new(read);
        if formats::surfaces_in(&self.output).is_some() {
            return self.surfaces(&inputs);
        }
        if self.smooth || !self.label.is_empty() {
            let endings = formats::endings_of(Kind::Mesh, For::Saving).join(", ");
            let problem = format!("--label and --smooth are for surfaces: end the output in {endings}");
            return Err(JobError::Other(problem));
        }
        if is_folder(&self.output) {
            return self.series();
        }
        inputs.allow(&self.output, if writes_names { NAMES } else { OutputKind::Image })?;
        let terminal = Terminal::new("Converting");
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let is_mask = writes_names || self.reference.is_some() || formats::needs_source(&self.output);
        if self.suv && is_mask {
            return Err(JobError::Other("--suv is for scans, and this writes a mask; leave --suv out".into()));
        }
        if is_mask && !writes_names {
            return self.convert_mask(&terminal);
        }
        let mut volume = self.open(watch)?;
        for warning in &volume.warnings {
            tell!("note: {warning}");
        }
        if self.suv {
            volume = self.in_uptake(&volume)?;
        }
        self.annotate(&mut volume, writes_names)?;
        if writes_names {
            for notice in formats::write_names(&self.output, &volume.annotations.table)? {
                tell!("note: {notice}");
            }
            terminal.finish();
            return Ok(());
        }
        formats::write_volume(&self.output, &volume, watch)?;
        let kind = Some(volume.voxels.voxel_type());
        for notice in formats::notices_of_writing(&self.output, &volume.geometry, kind) {
            eprintln!("note: {notice}");
        }
        terminal.finish();
        Ok(())
    }

    /// Writes a derived DICOM series.
    fn series(&self) -> Result {
        if self.reference.is_some() || self.names.is_some() {
            let problem = "a folder becomes a DICOM series, which holds a scan; end a mask in .dcm, .nii.gz or .nrrd";
            return Err(JobError::Other(problem.into()));
        }
        let terminal = Terminal::new("Converting");
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let mut volume = self.open(watch.part(0.0, 0.4))?;
        volume.warnings.iter().for_each(|warning| terminal.warn(warning));
        if self.suv {
            volume = self.in_uptake(&volume)?;
        }
        let notes = formats::write_series(&self.output, &volume, watch.part(0.4, 1.0))?;
        terminal.finish();
        notes.iter().for_each(|note| tell!("note: {note}"));
        Ok(())
    }

    /// Opens the input as a volume.
    fn open(&self, watch: Watch) -> Result<Volume> {
        let named = self.series.as_deref();
        if !self.fill_gaps {
            return self.spacing.open(&self.input, named, watch);
        }
        let filled = filled_series(&self.input, named, watch.part(0.0, 0.1))?;
        // A series without gaps is opened as it is.
        self.spacing.open(&self.input, filled.as_deref().or(named), watch.part(0.1, 1.0))
    }

    /// What the mask must know of the scan that it belongs to, where one is named.
    fn ground(&self, watch: Watch) -> Result<Option<Ground>> {
        let Some(path) = &self.reference else { return Ok(None) };
        let filled = if self.fill_gaps { filled_series(path, None, watch.part(0.0, 0.1))? } else { None };
        self.spacing.ground_of(path, filled.as_deref(), watch.part(0.1, 1.0)).map(Some)
    }

    fn in_uptake(&self, volume: &Volume) -> Result<Volume> {
        volume.in_uptake().map_err(|reason| JobError::Other(format!("{}: {reason}", self.input.display())))
    }

    /// The mask, on the grid of its scan where that is named, with the names that are asked for; and the images of the scan.
    fn mask(&self, terminal: &Terminal) -> Result<(LabelMap, Annotations, Option<Arc<SourceImages>>)> {
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let reading = watch.stage("Reading the scan");
        let scan = self.ground(reading)?;
        scan.iter().flat_map(|scan| &scan.warnings).for_each(|warning| terminal.warn(warning));
        let warn = |text: String| terminal.warn(&text);
        let (mut labels, mut annotations) =
            formats::read_chosen_labels(&self.input, self.series.as_deref(), scan.as_ref(), watch, &warn)?;
        if let Some(scan) = &scan {
            labels = laid_on((labels, &annotations.table), &scan.geometry, &self.input, self.resample, terminal)?;
        }
        if let Some(path) = &self.names {
            let found = formats::read_names(path)?;
            found.warnings.iter().for_each(|warning| terminal.warn(warning));
            annotations.table = found.annotations.table;
            annotations.table.cover(labels.voxel_counts().into_keys());
        }
        Ok((labels, annotations, scan.and_then(|scan| scan.source)))
    }

    /// Writes a mask on the grid of its scan.
    fn convert_mask(&self, terminal: &Terminal) -> Result {
        let (labels, annotations, source) = self.mask(terminal)?;
        terminal
            .run(SaveLabelsJob { path: self.output.clone(), labels, annotations, source, sidecar: false }, &|()| {})?;
        terminal.finish();
        Ok(())
    }

    /// Writes surfaces of the mask's labels.
    fn surfaces(&self, inputs: &Inputs) -> Result {
        let terminal = Terminal::new("Converting");
        let (labels, table) =
            if self.reference.is_some() { self.labels_on_scan(&terminal)? } else { self.labels_alone(&terminal)? };
        let chosen = named_labels(&table, &self.label, &self.input)?;
        let job = SaveSurfacesJob { path: self.output.clone(), labels, table, chosen, is_smooth: self.smooth };
        for path in job.paths() {
            inputs.allow(&path, OutputKind::Surface)?;
        }
        let written = terminal.run(job, &|()| {})?;
        terminal.finish();
        written.iter().for_each(|path| tell!("{}", path.display()));
        Ok(())
    }

    /// The mask's labels on the grid of its scan.
    fn labels_on_scan(&self, terminal: &Terminal) -> Result<(LabelMap, LabelTable)> {
        let (labels, mut annotations, _) = self.mask(terminal)?;
        annotations.table.cover(labels.voxel_counts().into_keys());
        Ok((labels, annotations.table))
    }

    /// The mask's labels where it says that they lie.
    fn labels_alone(&self, terminal: &Terminal) -> Result<(LabelMap, LabelTable)> {
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let mut volume = self.spacing.open(&self.input, self.series.as_deref(), watch)?;
        volume.warnings.iter().for_each(|warning| tell!("note: {warning}"));
        self.annotate(&mut volume, true)?;
        let table = std::mem::take(&mut volume.annotations.table);
        let (labels, _) = LabelMap::rounded(&volume, 0).map_err(|e| JobError::Other(e.to_string()))?;
        Ok((labels, table))
    }

    /// Adds what files beside the input and the file of names say about the labels.
    fn annotate(&self, volume: &mut Volume, needs_labels: bool) -> Result {
        let found = formats::complete_annotations(&self.input, std::mem::take(&mut volume.annotations));
        let mut annotations = found.annotations;
        found.warnings.iter().for_each(|warning| tell!("note: {warning}"));
        if annotations.is_empty() && !needs_labels && self.names.is_none() {
            return Ok(());
        }
        let values = match volume.stored_labels() {
            Some(values) if volume.frame_count() == 1 && annotations.states.is_empty() => values,
            _ => match self.labels_of(volume, &mut annotations, needs_labels)? {
                Some(labels) => labels.voxel_counts().into_keys().collect(),
                None => {
                    volume.annotations.table = annotations.table;
                    return Ok(());
                }
            },
        };
        if let Some(path) = &self.names {
            let found = formats::read_names(path)?;
            found.warnings.iter().for_each(|warning| tell!("note: {warning}"));
            annotations.table = found.annotations.table;
        }
        annotations.table.cover(values);
        volume.annotations = annotations;
        Ok(())
    }

    /// The labels that a volume holds, without marks that are not theirs; none where it is no mask and need be none.
    fn labels_of(
        &self,
        volume: &Volume,
        annotations: &mut Annotations,
        needs_labels: bool,
    ) -> Result<Option<LabelMap>> {
        let labels = match LabelMap::rounded(volume, 0) {
            Ok((labels, _)) if volume.frame_count() == 1 => labels,
            other => {
                let why = other.map_or_else(|error| error.to_string(), |_| "it has several frames".into());
                if needs_labels || self.names.is_some() {
                    let path = self.input.display();
                    let what =
                        if self.names.is_some() { "names belong to masks" } else { "surfaces are made of masks" };
                    return Err(JobError::Other(format!("{what}, and {path} is none: {why}")));
                }
                return Ok(None);
            }
        };
        if annotations.drop_stale_states(&labels) {
            tell!(
                "note: the mask was changed by another program after slices in it were marked; the marks are not kept"
            );
        }
        Ok(Some(labels))
    }
}

/// The one series of a path that has gaps to fill, or the named one of several.
fn filled_series(path: &Path, named: Option<&str>, watch: Watch) -> Result<Option<String>> {
    let findings = formats::scan(path, watch)?;
    let asks = |entry: &&Entry| entry.source.asks().is_some();
    let is_named = |entry: &&Entry| {
        named.is_none_or(|id| entry.id == id || entry.name == id || entry.id.strip_suffix(FILLED) == Some(id))
    };
    let filled: Vec<&Entry> = findings.entries.iter().filter(asks).filter(is_named).collect();
    Ok(if let [only] = filled[..] { Some(only.id.clone()) } else { None })
}

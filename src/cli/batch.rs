//! `lamella batch`

mod run;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::segment::Choices;
use super::terminal::Terminal;
use super::{Result, print_json};
use crate::disk::replace_file;
use crate::jobs::{
    BATCH_STARTS, BatchRow, Generator, Inputs, JobError, MaskNames, Naming, Outcome, OutputKind, SegmentCaseJob,
    Separator, batch_lines, batch_table, is_bids, make_folder, scans_to_segment,
};
use crate::model::{self, Model};
use crate::work::Watch;

/// The table's name in the folder of masks.
const TABLE: &str = "batch.tsv";
/// What says in a folder that it is a data set of BIDS.
const DESCRIPTION: &str = "dataset_description.json";
/// The release of BIDS that is followed.
const BIDS_VERSION: &str = "1.10.0";

/// Segment every scan of a folder. What is complete is passed over, so that a run which was ended continues where it was
#[derive(Args)]
pub struct Batch {
    /// Folders of scans, or scans
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// A bundled or user model's id, or a model file
    #[arg(short, long)]
    model: String,
    /// The folder of the masks, in which the folders of the scans are mirrored
    #[arg(short, long)]
    output: PathBuf,
    /// Scans that are segmented at a time; they share the processor threads
    #[arg(short, long, default_value = "1")]
    jobs: NonZeroUsize,
    /// Number of processor threads of all jobs together; all by default
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    choices: Choices,
    /// Make every mask anew, also those that are complete or were changed since
    #[arg(long)]
    overwrite: bool,
    /// The table's file (.tsv or .csv) instead of batch.tsv in the folder of masks
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// The folder that folders are counted from, where only a part of it is segmented
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Only the scan of this mask, as --plan names it; no table is written
    #[arg(long, value_name = "MASK", conflicts_with = "table")]
    only: Option<String>,
    /// Segment nothing: list the scans and where their masks go
    #[arg(long)]
    plan: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A scan and its place in the table.
struct Planned {
    /// Its line; what became of it is filled in.
    row: BatchRow,
    /// How it is made; `None` where that is impossible.
    job: Option<SegmentCaseJob>,
}

impl Batch {
    pub(super) fn run(&self) -> Result {
        let model = Arc::new(model::find(&self.model)?);
        let table = self.table_file()?;
        let mut planned = self.plan(&model)?;
        if self.plan {
            return self.show_plan(&planned);
        }
        make_folder(&self.output)?;
        if let Some((path, _)) = &table {
            Inputs::default().allow(path, OutputKind::Text(BATCH_STARTS))?;
        }
        if planned.iter().any(|scan| scan.job.as_ref().is_some_and(|job| job.names)) {
            describe(&self.output, &model)?;
        }
        let terminal = Terminal::new("Scans");
        let stopped = run::run(&mut planned, self.jobs, self.threads, &terminal)?;
        terminal.finish();
        let rows: Vec<BatchRow> = planned.into_iter().map(|scan| scan.row).collect();
        let labels = model.spec.label_table();
        if let Some((path, separator)) = &table {
            let text = batch_table(&rows, &labels, *separator);
            replace_file(path, |writer| std::io::Write::write_all(writer, text.as_bytes()))
                .map_err(|e| JobError::Other(format!("the table cannot be written to {}: {e}", path.display())))?;
        }
        if self.json {
            print_json(&json!({"model": model.spec.id, "scans": rows}))?;
        } else {
            batch_lines(&rows, &labels).iter().for_each(|line| say!("{line}"));
        }
        if let Some(stopped) = stopped {
            return Err(stopped);
        }
        let failed = rows.iter().filter(|row| row.outcome == Outcome::Failed).count();
        let changed = rows.iter().filter(|row| row.outcome == Outcome::Changed).count();
        if changed > 0 {
            tell!(
                "note: {changed} masks were changed since they were made and were left as they are; --overwrite makes them anew"
            );
        }
        match failed {
            0 => Ok(()),
            _ => Err(JobError::Other(format!(
                "{failed} of {} scans were not segmented; the same command again tries only these",
                rows.len()
            ))),
        }
    }

    /// The table's file and form.
    fn table_file(&self) -> Result<Option<(PathBuf, Separator)>> {
        let path = match (&self.table, &self.only) {
            (Some(path), _) => path.clone(),
            (None, None) => self.output.join(TABLE),
            (None, Some(_)) => return Ok(None),
        };
        match path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase).as_deref() {
            Some("tsv") => Ok(Some((path, Separator::Tab))),
            Some("csv") => Ok(Some((path, Separator::Comma))),
            _ => Err(JobError::Other(format!("{} ends neither in .tsv nor in .csv", path.display()))),
        }
    }

    /// Every scan, and where its mask goes.
    fn plan(&self, model: &Arc<Model>) -> Result<Vec<Planned>> {
        let naming = Naming::Mirrored { root: self.root.as_deref(), output: &self.output };
        let found = scans_to_segment(&self.inputs, &model.spec, self.choices.fill_gaps, naming, Watch::unwatched())?;
        found.notes.iter().for_each(|note| tell!("note: {note}"));
        let sources = found.scans.iter().flat_map(|input| &input.entries).map(|entry| entry.path.clone());
        let read = Arc::new(Inputs::new(sources.chain(model::file_of(&self.model))));
        let mut names = MaskNames::default();
        let mut planned = Vec::new();
        for input in found.scans {
            let place = names.of(&input.name, &model.spec.id);
            if self.only.as_ref().is_some_and(|only| *only != place) {
                continue;
            }
            let sources: Vec<String> = input.entries.iter().map(|entry| self.shown(&entry.path)).collect();
            let entries = input.entries.iter().map(|entry| self.choices.spacing.of(entry)).collect::<Result<Vec<_>>>();
            let job = entries.map(|entries| SegmentCaseJob {
                entries,
                sources: sources.clone(),
                mask: self.output.join(&place),
                model: model.clone(),
                device: self.choices.device,
                options: self.choices.options(),
                overwrite: self.overwrite,
                names: is_bids(&crate::formats::stem(Path::new(&input.name))),
                read: read.clone(),
            });
            let scan = match &input.entries[..] {
                // A series by its folder and its description.
                [entry] if entry.path.is_dir() => format!("{} ({})", self.shown(&entry.path), entry.name),
                _ => sources.join(" + "),
            };
            let problem = job.as_ref().err().map(ToString::to_string).unwrap_or_default();
            planned.push(Planned { row: row(scan, place, problem), job: job.ok() });
        }
        if let Some(only) = self.only.as_ref().filter(|_| planned.is_empty()) {
            return Err(JobError::Other(format!("no scan of these has the mask {only}; --plan lists all of them")));
        }
        for refused in found.refused.into_iter().filter(|_| self.only.is_none()) {
            planned.push(Planned { row: row(self.shown(&refused.path), String::new(), refused.reason), job: None });
        }
        Ok(planned)
    }

    /// A path below the folder that it was found in, with `/` between folders.
    fn shown(&self, path: &Path) -> String {
        let roots = self.root.iter().chain(&self.inputs);
        let below = roots.filter(|root| root.is_dir()).find_map(|root| path.strip_prefix(root).ok());
        let below = below.filter(|below| !below.as_os_str().is_empty());
        let name = || path.file_name().map_or(path, Path::new);
        let shown = below.unwrap_or_else(name).iter().map(|part| part.to_string_lossy().into_owned());
        shown.collect::<Vec<_>>().join("/")
    }

    fn show_plan(&self, planned: &[Planned]) -> Result {
        if self.json {
            let scans: Vec<_> = planned
                .iter()
                .map(|scan| {
                    let paths = scan.job.as_ref().map(|job| job.entries.iter().map(|e| &e.path).collect::<Vec<_>>());
                    json!({"scan": scan.row.scan, "paths": paths.unwrap_or_default(), "mask": scan.row.mask,
                        "problem": scan.row.problem})
                })
                .collect();
            return print_json(&json!({"scans": scans}));
        }
        for Planned { row, .. } in planned {
            if row.problem.is_empty() {
                say!("{} -> {}", row.scan, row.mask);
            } else {
                say!("{}: {}", row.scan, row.problem);
            }
        }
        Ok(())
    }
}

/// The line of a scan that nothing has become of yet, or that cannot be segmented.
fn row(scan: String, mask: String, problem: String) -> BatchRow {
    let outcome = if problem.is_empty() { Outcome::Missing } else { Outcome::Failed };
    BatchRow { scan, mask, outcome, seconds: None, labels: Vec::new(), problem }
}

/// Says in the folder of masks that it is a data set of BIDS, where nothing says so yet.
fn describe(output: &Path, model: &Model) -> Result {
    let path = output.join(DESCRIPTION);
    if path.exists() {
        return Ok(());
    }
    let told = json!({
        "Name": format!("Segmentations by {}", model.spec.title),
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [Generator::own()],
    });
    replace_file(&path, |writer| std::io::Write::write_all(writer, format!("{told:#}\n").as_bytes()))
        .map_err(|e| JobError::Other(format!("{} cannot be written: {e}", path.display())))
}

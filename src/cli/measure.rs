//! `lamella measure`

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use serde::Serialize;

use super::Result;
use super::measure_document::{self, Asked};
use super::named_labels::named_labels;
use super::spacing::Spacing;
use super::terminal::Terminal;
use crate::disk::replace_file;
use crate::formats::read_annotated_labels;
use crate::jobs::{Inputs, JobError, MeasureJob, OpenLabelsJob, OutputKind};
use crate::measure::{COLUMNS, CSV_START, FIGURES_CSV_START, Row, Wanted, csv, figures_csv};
use crate::session;
use crate::volume::{Geometry, LabelMap, LabelTable, LabelValue, Volume};
use crate::work::Watch;

/// How a JSON document of ours begins.
const JSON_START: &str = "{\n  \"mask\":";
/// How that of a document's measurements begins.
const DOCUMENT_JSON_START: &str = "{\n  \"document\":";
/// Widest name that is printed whole.
const NAME_WIDTH: usize = 24;

/// Measure the labels of a mask (volumes, values of the image, surfaces, diameters), or tell the rulers, angles and regions of a document.
#[derive(Args)]
pub struct Measure {
    /// The mask, or a .lamella document
    mask: PathBuf,
    /// The image on the same grid, for mean, deviation, range and percentiles of its values
    #[arg(long, value_name = "SCAN")]
    image: Option<PathBuf>,
    /// Series Instance UID (or name), where the image holds several
    #[arg(long, requires = "image")]
    series: Option<String>,
    /// Frame of a 4-D image, counted from 0; without it the first one
    #[arg(long, requires = "image")]
    frame: Option<usize>,
    #[command(flatten)]
    spacing: Spacing,
    /// Only this label, by its name or its number; may be given several times
    #[arg(long, value_name = "N|NAME")]
    label: Vec<String>,
    /// Print one JSON document
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV, one row a label
    #[arg(long)]
    csv: bool,
    /// Write the table into a file; its ending (.csv or .json) decides the form where nothing else does
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Table,
    Csv,
    Json,
}

#[derive(Serialize)]
struct Report<'a> {
    mask: &'a Path,
    image: Option<&'a Path>,
    frame: usize,
    shape: [usize; 3],
    spacing_mm: [f64; 3],
    voxel_mm3: f64,
    notices: Vec<String>,
    labels: Vec<Row>,
}

impl Measure {
    pub(super) fn run(&self) -> Result {
        let form = self.form()?;
        if session::is_document(&self.mask) {
            return self.document(form);
        }
        if let Some(output) = &self.output {
            let start: &[&str] = if form == Form::Json { &[JSON_START] } else { &[CSV_START] };
            Inputs::new([Some(self.mask.clone()), self.image.clone()].into_iter().flatten())
                .allow(output, OutputKind::Text(start))?;
        }
        let terminal = Terminal::new("Measuring");
        let notices = Mutex::new(Vec::new());
        let (labels, table, image) = self.open(&terminal, &notices)?;
        let wanted = self.wanted(&table)?;
        let job = MeasureJob { labels, image, wanted: wanted.clone(), forms: true, since: None };
        let (labels, mut measured) = terminal.run(job, &|()| {})?;
        terminal.finish();
        let is_wanted = |value: LabelValue| match &wanted {
            Wanted::All => true,
            Wanted::These(these) => these.contains(&value),
        };
        let listed = table.0.iter().filter(|label| is_wanted(label.value));
        let rows: Vec<Row> = listed.map(|label| Row::new(label, measured.remove(&label.value))).collect();
        let notices = notices.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.show(form, rows, labels.geometry(), notices)
    }

    /// Rulers, angles and regions of a document.
    fn document(&self, form: Form) -> Result {
        if !self.label.is_empty() {
            let shown = self.mask.display();
            return Err(JobError::Other(format!("{shown} is a document, whose rulers and regions have no --label")));
        }
        if let Some(output) = &self.output {
            let start: &[&str] = if form == Form::Json { &[DOCUMENT_JSON_START] } else { &[FIGURES_CSV_START] };
            Inputs::new([Some(self.mask.clone()), self.image.clone()].into_iter().flatten())
                .allow(output, OutputKind::Text(start))?;
        }
        let terminal = Terminal::new("Measuring");
        let asked =
            Asked { path: &self.mask, image: self.image.as_ref(), series: self.series.as_deref(), frame: self.frame() };
        let report = measure_document::report(&asked, &terminal)?;
        terminal.finish();
        match form {
            Form::Table => {
                measure_document::print(&report);
                Ok(())
            }
            Form::Csv => self.write(&figures_csv(&report.measurements)),
            Form::Json => {
                self.write(&(serde_json::to_string_pretty(&report).map_err(|e| JobError::Other(e.to_string()))? + "\n"))
            }
        }
    }

    fn frame(&self) -> usize {
        self.frame.unwrap_or(0)
    }

    fn form(&self) -> Result<Form> {
        let has_ending = |ending: &str| {
            self.output.as_ref().and_then(|o| o.extension()).is_some_and(|e| e.eq_ignore_ascii_case(ending))
        };
        match &self.output {
            _ if self.json => Ok(Form::Json),
            _ if self.csv => Ok(Form::Csv),
            None => Ok(Form::Table),
            Some(_) if has_ending("json") => Ok(Form::Json),
            Some(_) if has_ending("csv") => Ok(Form::Csv),
            Some(output) => {
                let shown = output.display();
                Err(JobError::Other(format!("{shown} ends neither in .csv nor in .json; say --csv or --json")))
            }
        }
    }

    /// The labels on the image's grid, their names, and the image.
    #[allow(clippy::type_complexity, reason = "three things that belong together for one call")]
    fn open(
        &self,
        terminal: &Terminal,
        notices: &Mutex<Vec<String>>,
    ) -> Result<(LabelMap, LabelTable, Option<(Arc<Volume>, usize)>)> {
        let warn = |text: String| {
            terminal.warn(&text);
            notices.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        };
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let Some(path) = &self.image else {
            self.spacing.refuse("is the size of the image's voxels; name it with --image")?;
            let (labels, annotations) = read_annotated_labels(&self.mask, None, watch, &warn)?;
            return Ok((labels, annotations.table, None));
        };
        let volume = Arc::new(self.spacing.open(path, self.series.as_deref(), watch.stage("Reading image"))?);
        volume.warnings.iter().cloned().for_each(&warn);
        if self.frame() >= volume.frame_count() {
            let count = volume.frame_count();
            let frames =
                if count == 1 { "one frame, number 0".to_string() } else { format!("frames 0 to {}", count - 1) };
            let shown = path.display();
            return Err(JobError::Other(format!("there is no frame {}: {shown} has {frames}", self.frame())));
        }
        if !volume.statistics().has_numbers() {
            warn("no voxel of the image has a number (all are NaN or infinite), so that there are no statistics of values".into());
        }
        let opened = terminal.run(
            OpenLabelsJob { path: self.mask.clone(), id: None, volume: volume.clone(), resampling: None },
            &|()| {},
        )?;
        Ok((opened.labels, opened.table, Some((volume, self.frame()))))
    }

    /// The labels that are asked for: a name first, then a number.
    fn wanted(&self, table: &LabelTable) -> Result<Wanted> {
        if self.label.is_empty() {
            return Ok(Wanted::All);
        }
        named_labels(table, &self.label, &self.mask).map(Wanted::These)
    }

    fn show(&self, form: Form, labels: Vec<Row>, geometry: &Geometry, notices: Vec<String>) -> Result {
        let text = match form {
            Form::Table => {
                print_table(&labels);
                return Ok(());
            }
            Form::Csv => csv(&labels),
            Form::Json => {
                let report = Report {
                    mask: &self.mask,
                    image: self.image.as_deref(),
                    frame: self.frame(),
                    shape: geometry.shape(),
                    spacing_mm: geometry.spacing_mm(),
                    voxel_mm3: geometry.voxel_volume_mm3(),
                    notices,
                    labels,
                };
                serde_json::to_string_pretty(&report).map_err(|e| JobError::Other(e.to_string()))? + "\n"
            }
        };
        self.write(&text)
    }

    /// Into the file, or onto the terminal.
    fn write(&self, text: &str) -> Result {
        match &self.output {
            Some(path) => replace_file(path, |writer| writer.write_all(text.as_bytes()))
                .map_err(|e| JobError::Other(format!("the table cannot be written to {}: {e}", path.display()))),
            None => {
                say!("{}", text.trim_end_matches('\n'));
                Ok(())
            }
        }
    }
}

/// The few columns that fit beside each other, those without any number left out.
fn print_table(rows: &[Row]) {
    let columns = COLUMNS.iter().filter(|column| column.is_main);
    let columns: Vec<_> =
        columns.filter(|column| rows.iter().any(|row| column.shown(row.measures.as_ref()) != "-")).collect();
    let heads: Vec<String> = columns.iter().map(|column| format!("{:>12}", column.title)).collect();
    say!("{:>5} {:NAME_WIDTH$} {}", "label", "name", heads.join(" "));
    for row in rows {
        let numbers: Vec<String> =
            columns.iter().map(|column| format!("{:>12}", column.shown(row.measures.as_ref()))).collect();
        let name: String = row.name.chars().take(NAME_WIDTH).collect();
        say!("{:>5} {name:NAME_WIDTH$} {}", row.label, numbers.join(" "));
    }
    if rows.is_empty() {
        tell!("note: the mask has no label.");
    }
}

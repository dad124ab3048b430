//! `lamella edit`

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value as Json, json};

use super::spacing::Spacing;
use super::terminal::Terminal;
use super::{Result, print_json};
use crate::edit::operations::{
    Kind, Mask, OPERATIONS, Operation, OperationError, Order, Parameter, Scope, Value, Values, WorksOn, find, label_of,
};
use crate::formats::{self, Ground};
use crate::jobs::{Inputs, JobError, OperateJob, Operated, OutputKind, SaveLabelsJob};
use crate::session::{Command, Edit as Change, Incoming, Origin, PaintRules, Painter, SegmentationId, Session};
use crate::volume::{Annotations, Geometry, LabelTable, LabelValue, Plane, PlaneLayout, Rescale, Volume, Voxels};
use crate::work::{Watch, memory};

/// Change the labels of a mask by operations, one after the other.
#[derive(Args)]
pub struct Edit {
    /// The mask
    #[arg(required_unless_present = "list")]
    input: Option<PathBuf>,
    /// The mask to write; its ending decides the format
    #[arg(short, long, required_unless_present = "list")]
    output: Option<PathBuf>,
    /// An operation with its parameters: "ID key=value key=value"; may be given several times
    #[arg(long = "do", required_unless_present = "list", value_name = "OPERATION")]
    steps: Vec<Words>,
    /// The scan that the mask belongs to, for operations that look at it
    #[arg(long)]
    image: Option<PathBuf>,
    #[command(flatten)]
    spacing: Spacing,
    /// Frame of a 4-D scan, counted from 0
    #[arg(long, default_value_t = 0)]
    frame: usize,
    /// The label to work on, by number or name; "all" for every label. Where the mask has one label alone, it is that one
    #[arg(long)]
    label: Option<String>,
    /// Only a slice: axial:N, coronal:N or sagittal:N, counted from 1 as the window does
    #[arg(long, value_name = "PLANE:N")]
    slice: Option<SliceOf>,
    /// List the operations with their parameters
    #[arg(long)]
    list: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// An operation's id and what is said about its parameters, before anything is read.
#[derive(Debug, Clone)]
struct Words {
    operation: &'static Operation,
    said: Vec<(String, String)>,
}

impl FromStr for Words {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut words = text.split_whitespace();
        let id = words.next().ok_or("an operation is missing")?;
        let operation = find(id).map_err(|error| error.to_string())?;
        let mut said: Vec<(String, String)> = Vec::new();
        for word in words {
            match (word.split_once('='), said.last_mut()) {
                (Some((key, value)), _) => said.push((key.into(), value.into())),
                // A name of several words.
                (None, Some((_, value))) => *value = format!("{value} {word}"),
                (None, None) => return Err(format!("\"{word}\" is no parameter; write it as key=value")),
            }
        }
        for (key, value) in &said {
            let Some(parameter) = operation.parameters.iter().find(|parameter| parameter.id == key) else {
                let known = operation.parameters.iter().map(|parameter| parameter.id).collect();
                return Err(OperationError::UnknownParameter { parameter: key.clone(), known }.to_string());
            };
            // Labels are in the masks; all else can be judged now.
            if !matches!(parameter.kind, Kind::Label | Kind::Mask) {
                parameter.read(value, &LabelTable::default()).map_err(|error| error.to_string())?;
            }
        }
        Ok(Self { operation, said })
    }
}

impl Words {
    /// Files of other masks.
    fn masks(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let is_mask = |id: &str| {
            let parameter = self.operation.parameters.iter().find(|parameter| parameter.id == id);
            parameter.is_some_and(|parameter| matches!(parameter.kind, Kind::Mask))
        };
        self.said.iter().filter(move |(id, _)| is_mask(id)).map(|(_, text)| parted(text).0.into())
    }
}

/// A file, and the label in it that is meant: "FILE#LABEL".
fn parted(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('#') {
        Some((file, label)) if !Path::new(text).exists() => (file, Some(label)),
        _ => (text, None),
    }
}

/// A label of another mask.
fn other_mask(text: &str, grid: &Geometry, terminal: &Terminal) -> Result<Mask> {
    let (file, label) = parted(text);
    let (labels, annotations) =
        formats::read_annotated_labels(Path::new(file), None, Watch::unwatched(), &|text| terminal.warn(&text))?;
    let labels = labels.placed_by(grid);
    if !labels.geometry().lies_on(grid) {
        return Err(JobError::Other(format!("{file} lies on another grid than the mask; resample one of them first")));
    }
    let all = &annotations.table.0;
    let value = match label {
        Some(label) => label_of(label, &annotations.table),
        None => all.first().map(|label| label.value).filter(|_| all.len() == 1),
    };
    let names: Vec<String> = all.iter().map(|label| format!("{} ({})", label.value, label.name)).collect();
    let label = value.ok_or_else(|| {
        JobError::Other(format!("say which label of {file} is meant, {file}#LABEL: it has {}", names.join(", ")))
    })?;
    Ok(Mask { name: file.into(), labels, label })
}

/// A slice of a plane, counted from 1.
#[derive(Debug, Clone, Copy)]
struct SliceOf(Plane, usize);

impl FromStr for SliceOf {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts = text.split_once(':').and_then(|(plane, slice)| {
            let plane = Plane::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(plane))?;
            Some(Self(plane, slice.parse().ok().filter(|slice| *slice > 0)?))
        });
        parts.ok_or_else(|| "a slice is axial:N, coronal:N or sagittal:N, and N is at least 1".into())
    }
}

impl Edit {
    pub(super) fn run(&self) -> Result {
        if self.list {
            return self.print_list();
        }
        let (Some(input), Some(output)) = (&self.input, &self.output) else {
            return Err(JobError::Other("a mask to read and one to write are needed".into()));
        };
        let others = self.steps.iter().flat_map(Words::masks);
        let read = [Some(input.clone()), self.image.clone()].into_iter().flatten().chain(others);
        Inputs::new(read).allow(output, OutputKind::Image)?;
        let terminal = Terminal::new("Editing");
        let (mut session, of, grid) = self.open(input, &terminal)?;
        let mut reports = Vec::new();
        for step in &self.steps {
            let operated = self.operate(&mut session, of, step, &terminal)?;
            let tallies: Vec<String> = operated.tallies.iter().map(ToString::to_string).collect();
            if !self.json {
                say!("{}: {}", step.operation.id, if tallies.is_empty() { "done".into() } else { tallies.join(", ") });
            }
            for note in &operated.notes {
                terminal.warn(note);
            }
            if operated.withheld > 0 {
                terminal.warn(&format!("{} voxels in finished slices stay as they are", operated.withheld));
            }
            reports.push(json!({
                "operation": step.operation.id,
                "counts": operated.tallies.iter().map(|t| json!({"what": t.several, "count": t.count})).collect::<Vec<_>>(),
                "added": operated.added.iter().map(|l| json!({"value": l.value, "name": l.name})).collect::<Vec<_>>(),
                "notes": operated.notes,
                "withheld": operated.withheld,
                "seconds": operated.seconds,
            }));
        }
        let Some(segmentation) = session.document().segmentation(of) else {
            return Err(JobError::Broken("the mask is gone".into()));
        };
        let (labels, annotations) = (segmentation.labels().clone().on(&grid), segmentation.annotations());
        let counts = labels.voxel_counts();
        let source = session.document().scan(segmentation.scan()).and_then(|scan| scan.source.clone());
        terminal.run(SaveLabelsJob { path: output.clone(), labels, annotations, source, sidecar: false }, &|()| {})?;
        terminal.finish();
        if self.json {
            let counts: serde_json::Map<String, Json> =
                counts.into_iter().map(|(label, voxels)| (label.to_string(), json!(voxels))).collect();
            print_json(&json!({"input": input, "output": output, "steps": reports, "voxels": counts}))?;
        }
        Ok(())
    }

    /// The mask as a segmentation of its scan, and the grid of its file, which it keeps to the last digit.
    fn open(&self, input: &Path, terminal: &Terminal) -> Result<(Session, SegmentationId, Geometry)> {
        let report = |share| terminal.progress(share);
        let watch = Watch::unwatched().reporting(&report);
        let scan = self.image.as_ref().map(|path| self.spacing.open(path, None, watch.stage("Reading the scan")));
        let scan = scan.transpose()?;
        // Without a scan the size is that of the mask's own voxels.
        let ground = match &scan {
            Some(scan) => Some(Ground::of(scan)),
            None => self.spacing.said_of(input, watch)?,
        };
        let (labels, annotations) =
            formats::read_annotated_labels(input, ground.as_ref(), watch, &|text| terminal.warn(&text))?;
        // What a picture does not say of its voxels, the scan or the user does.
        let grid = match &ground {
            Some(ground) if labels.geometry().may_be(&ground.geometry) && labels.geometry().is_size_assumed() => {
                ground.geometry.clone()
            }
            _ => labels.geometry().clone(),
        };
        let labels = labels.on(&grid);
        let (volume, labels) = match self.image.as_ref().zip(scan) {
            None => (nothing(labels.geometry().clone()), labels),
            Some((path, volume)) => {
                volume.warnings.iter().for_each(|warning| terminal.warn(warning));
                if self.frame >= volume.frame_count() {
                    return Err(JobError::Other(format!(
                        "there is no frame {} in {}: it has {}",
                        self.frame,
                        path.display(),
                        volume.frame_count()
                    )));
                }
                let placed = labels.placed_by(&volume.geometry);
                if !placed.geometry().lies_on(&volume.geometry) {
                    return Err(JobError::Other(format!(
                        "the mask {} lies on another grid than the scan {}; resample one of them first",
                        input.display(),
                        path.display()
                    )));
                }
                (volume, placed)
            }
        };
        let mut session = Session::default();
        let (_, of) = session.add_scan(Arc::new(volume));
        let mut painter = painter(&session, of)?;
        painter.take(labels, &Incoming::default());
        let Annotations { table, states, makers, .. } = annotations;
        let makers = makers.into_iter().map(|(key, maker)| (key, Some(maker))).collect();
        let edits = vec![
            Change::Labels(painter.finish()),
            Change::Table(of, table),
            Change::States(of, states),
            Change::Makers(of, makers),
        ];
        apply(&mut session, Command { origin: Origin::File, ..Command::by_hand("Open", edits) })?;
        Ok((session, of, grid))
    }

    /// Does one operation.
    fn operate(
        &self,
        session: &mut Session,
        of: SegmentationId,
        step: &Words,
        terminal: &Terminal,
    ) -> Result<Operated> {
        let painter = painter(session, of)?;
        let table = painter.table().clone();
        let named = |error: OperationError| JobError::Other(format!("{}: {error}", step.operation.id));
        let mut said = Vec::new();
        for (id, text) in &step.said {
            let Some(parameter) = step.operation.parameters.iter().find(|parameter| parameter.id == id) else {
                continue;
            };
            let value = match parameter.kind {
                Kind::Mask => Value::Mask(Box::new(other_mask(text, painter.labels().geometry(), terminal)?)),
                _ => parameter.read(text, &table).map_err(named)?,
            };
            said.push((id.clone(), value));
        }
        let geometry = painter.labels().geometry().clone();
        let values = Values::new(step.operation.parameters, said, geometry.shape()).map_err(named)?;
        let selected = self.selected(step.operation, &table)?;
        let scope = self.scope(&geometry)?;
        let order = Order { operation: step.operation, values, selected, scope, frame: self.frame };
        let job = OperateJob { painter, order, has_image: self.image.is_some() };
        let operated = terminal.run(job, &|()| {}).map_err(|error| match error {
            JobError::Operation(OperationError::NoImage) => JobError::Other(format!(
                "{} looks at the scan that the mask belongs to: give it by --image",
                step.operation.id
            )),
            JobError::Operation(error) => named(error),
            other => other,
        })?;
        let mut table = table;
        table.0.extend(operated.added.iter().cloned());
        let Some(segmentation) = session.document().segmentation(of) else { return Ok(operated) };
        // Marks say how far a person got; what an operation changes of them is a draft.
        let states = if segmentation.states().next().is_some() {
            segmentation.drafts_where(&operated.changed)
        } else {
            Vec::new()
        };
        let labels = operated.painted.clone();
        let edits = vec![Change::Labels(labels), Change::Table(of, table), Change::States(of, states)];
        apply(session, Command::by_hand(step.operation.name, edits))?;
        Ok(operated)
    }

    fn scope(&self, geometry: &Geometry) -> Result<Scope> {
        let Some(SliceOf(plane, number)) = self.slice else { return Ok(Scope::Volume) };
        let count = PlaneLayout::new(geometry, plane).size[2];
        if number > count {
            let plane = plane.name().to_lowercase();
            return Err(JobError::Other(format!("there is no {plane} slice {number}: the mask has {count}")));
        }
        Ok(Scope::Slice(plane, number - 1))
    }

    fn selected(&self, operation: &Operation, table: &LabelTable) -> Result<Vec<LabelValue>> {
        let all: Vec<LabelValue> = table.0.iter().map(|label| label.value).collect();
        let listed = || {
            let names: Vec<String> = table.0.iter().map(|label| format!("{} ({})", label.value, label.name)).collect();
            if names.is_empty() { "it has none".to_string() } else { format!("it has {}", names.join(", ")) }
        };
        match &self.label {
            Some(text) if text == "all" && operation.works_on != WorksOn::One => Ok(all),
            Some(text) if text == "all" => {
                Err(JobError::Other(format!("{} works on one label; name it by --label", operation.id)))
            }
            Some(text) => label_of(text, table)
                .map(|label| vec![label])
                .ok_or_else(|| JobError::Other(format!("the mask has no label {text}: {}", listed()))),
            None if all.len() == 1 || operation.works_on == WorksOn::Together => Ok(all),
            None => Err(JobError::Other(format!("say by --label which label is meant: {}", listed()))),
        }
    }

    fn print_list(&self) -> Result {
        if self.json {
            return print_json(&json!({"operations": OPERATIONS.iter().map(told).collect::<Vec<_>>()}));
        }
        for operation in OPERATIONS {
            say!("{}  {}: {}", operation.id, operation.group.name(), operation.hint);
            for parameter in operation.parameters {
                let default =
                    parameter.default().map_or(String::new(), |value| format!("; {value} where nothing is said"));
                say!("    {}: {} ({}{default})", parameter.id, parameter.hint, parameter.allowed());
            }
        }
        Ok(())
    }
}

/// An operation for programs.
fn told(operation: &Operation) -> Json {
    let works_on = match operation.works_on {
        WorksOn::One => "one",
        WorksOn::Each => "each",
        WorksOn::Together => "together",
    };
    json!({
        "id": operation.id, "name": operation.name, "group": operation.group.name(), "hint": operation.hint,
        "works_on": works_on, "needs_image": operation.needs_image,
        "parameters": operation.parameters.iter().map(parameter).collect::<Vec<_>>(),
    })
}

fn parameter(parameter: &Parameter) -> Json {
    let mut told = json!({"id": parameter.id, "name": parameter.name, "hint": parameter.hint});
    let kind = match parameter.kind {
        Kind::Number { unit, min, max, step, default } => {
            json!({"kind": "number", "unit": unit, "min": min, "max": max, "step": step, "default": default})
        }
        Kind::Count { unit, min, max, default } => {
            json!({"kind": "count", "unit": unit, "min": min, "max": max, "default": default})
        }
        Kind::Choice(choices) => {
            let ids: Vec<&str> = choices.iter().map(|choice| choice.id).collect();
            json!({"kind": "choice", "choices": ids, "default": ids.first()})
        }
        Kind::Flag { default } => json!({"kind": "flag", "default": default}),
        Kind::Label => json!({"kind": "label"}),
        Kind::Intensity(_) => json!({"kind": "intensity"}),
        Kind::Voxel => json!({"kind": "voxel"}),
        Kind::Mask => json!({"kind": "mask"}),
    };
    if let (Some(told), Json::Object(kind)) = (told.as_object_mut(), kind) {
        told.extend(kind);
    }
    told
}

/// A scan without content for a mask that is edited alone: nobody looks at it, and no memory is touched.
fn nothing(geometry: Geometry) -> Volume {
    let voxels = Voxels::U8(Arc::new(memory::zeros(geometry.voxel_count())));
    Volume::new(geometry, voxels, Vec::new(), Rescale::IDENTITY, String::new())
}

fn painter(session: &Session, of: SegmentationId) -> Result<Painter> {
    Painter::new(session.document(), of, &PaintRules::default())
        .ok_or_else(|| JobError::Broken("the mask is gone".into()))
}

fn apply(session: &mut Session, command: Command) -> Result {
    session.apply(command).map(drop).map_err(|refused| JobError::Other(refused.to_string()))
}

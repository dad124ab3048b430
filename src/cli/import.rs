//! `lamella models import`

use std::path::PathBuf;

use clap::Args;

use super::{Result, print_json};
use crate::jobs::{Inputs, JobError, OutputKind, make_folder};
use crate::model::foreign::{self, Description};
use crate::model::{self, IntensityNormalisation, SliceAxis};

/// What to take over, and what its file does not say.
#[derive(Args)]
pub struct Import {
    /// The file, or a folder with one network in it
    file: PathBuf,
    /// Identifier of the model; the file's name without
    #[arg(long)]
    id: Option<String>,
    /// Names of the labels without the background, in their order
    #[arg(long, value_delimiter = ',')]
    labels: Vec<String>,
    /// Slice axis: axial, coronal or sagittal
    #[arg(long)]
    axis: Option<SliceAxis>,
    /// Neighbouring slices on either side among the network's input channels
    #[arg(long, default_value_t = 0)]
    neighbours: usize,
    /// Spacing of rows and columns in millimetres that the network was trained at
    #[arg(long, value_delimiter = 'x', value_name = "ROWSxCOLUMNS")]
    spacing: Vec<f64>,
    /// Intensities: zscore, zscore-nonzero, or LOW,HIGH,MEAN,STD (clipped, minus mean, by deviation)
    #[arg(long, allow_hyphen_values = true)]
    normalise: Option<String>,
    /// Height and width of a training patch
    #[arg(long, value_delimiter = 'x', value_name = "HxW")]
    patch: Vec<usize>,
    /// Orientation that training images were stored in, three letters of R/L, A/P, S/I
    #[arg(long, default_value = "RAS")]
    orientation: String,
    /// Left and right are labelled, so that images must not be mirrored
    #[arg(long)]
    no_mirror: bool,
    /// Licence of the weights
    #[arg(long)]
    licence: Option<String>,
    /// nnU-Net's plans.json, if it is not beside the checkpoint
    #[arg(long)]
    plans: Option<PathBuf>,
    /// nnU-Net's dataset.json, if it is not beside the checkpoint
    #[arg(long)]
    dataset: Option<PathBuf>,
    /// What weights alone do not say, for example upsampling=bilinear or activation=relu; what was assumed is printed
    #[arg(long, value_name = "KEY=VALUE")]
    assume: Vec<String>,
    /// Of a file with several networks the one whose tensors' names begin so
    #[arg(long, value_name = "PREFIX")]
    part: Option<String>,
    /// Write the model here instead of into the user's model folder
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print one JSON document about what was taken over
    #[arg(long)]
    json: bool,
}

fn pair<T: Copy + std::fmt::Debug>(name: &str, values: &[T]) -> Result<Option<[T; 2]>> {
    match values {
        [] => Ok(None),
        &[a, b] => Ok(Some([a, b])),
        other => Err(JobError::Other(format!("--{name} needs two values, for example 1x1, not {other:?}"))),
    }
}

fn normalisation(text: &str) -> Result<IntensityNormalisation> {
    let wrong = || JobError::Other(format!("--normalise {text:?}; use zscore, zscore-nonzero or LOW,HIGH,MEAN,STD"));
    match text {
        "zscore" => return Ok(IntensityNormalisation::ZScore { nonzero: false }),
        "zscore-nonzero" => return Ok(IntensityNormalisation::ZScore { nonzero: true }),
        _ => {}
    }
    let numbers: std::result::Result<Vec<f64>, _> = text.split(',').map(|n| n.trim().parse::<f64>()).collect();
    match numbers.map_err(|_| wrong())?[..] {
        [low, high, mean, std] if low < high && std > 0.0 && [low, high, mean, std].iter().all(|v| v.is_finite()) => {
            Ok(IntensityNormalisation::Clip { range: [low, high], mean, std })
        }
        _ => Err(wrong()),
    }
}

/// A key and what is assumed of it.
fn assumption(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key.trim().into(), value.trim().into())),
        _ => Err(JobError::Other(format!("--assume {text:?}; use KEY=VALUE, for example upsampling=bilinear"))),
    }
}

/// Which of the axes R, A, S run the other way.
fn reversed(orientation: &str) -> Result<[bool; 3]> {
    let letters: Vec<char> = orientation.to_uppercase().chars().collect();
    let axis = |n: usize, [forward, backward]: [char; 2]| match letters.get(n) {
        Some(&c) if c == forward => Some(false),
        Some(&c) if c == backward => Some(true),
        _ => None,
    };
    match (axis(0, ['R', 'L']), axis(1, ['A', 'P']), axis(2, ['S', 'I']), letters.len()) {
        (Some(r), Some(a), Some(s), 3) => Ok([r, a, s]),
        _ => Err(JobError::Other(format!(
            "--orientation {orientation:?}; use three letters in the order R or L, A or P, S or I, for example LPS"
        ))),
    }
}

impl Import {
    pub(super) fn run(&self) -> Result {
        let read = [&self.file].into_iter().chain(&self.plans).chain(&self.dataset);
        let inputs = Inputs::new(read.cloned());
        if let Some(path) = &self.output {
            inputs.allow(path, OutputKind::Model)?;
        }
        let stem = self.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let description = Description {
            id: self.id.clone().unwrap_or(stem),
            labels: self.labels.clone(),
            neighbours: self.neighbours,
            slice_axis: self.axis,
            spacing_mm: pair("spacing", &self.spacing)?,
            normalisation: self.normalise.as_deref().map(normalisation).transpose()?,
            patch: pair("patch", &self.patch)?,
            reversed: reversed(&self.orientation)?,
            no_mirror: self.no_mirror,
            licence: self.licence.clone(),
            plans: self.plans.clone(),
            dataset: self.dataset.clone(),
            assume: self.assume.iter().map(|text| assumption(text)).collect::<Result<_>>()?,
            part: self.part.clone(),
        };
        let (mut model, report) = foreign::import(&self.file, &description)?;
        if let Some(id) = &self.id {
            model.spec.id.clone_from(id);
        }
        let id = &model.spec.id;
        if !model::is_id(id) {
            return Err(JobError::Other(format!(
                "{id:?} cannot be a model's id; name one with --id (letters, digits, - _ .)"
            )));
        }
        if self.output.is_none() && model::is_bundled(id) {
            return Err(JobError::Other(format!("{id} is a bundled model; name another with --id")));
        }
        let target = match &self.output {
            Some(path) => path.clone(),
            None => {
                let folder = model::user_folder()
                    .ok_or_else(|| JobError::Other("this account has no folder for data; use --output".into()))?;
                make_folder(&folder)?;
                folder.join(format!("{id}.safetensors"))
            }
        };
        let replaced = target.exists();
        inputs.allow(&target, OutputKind::Model)?;
        model.save(&target)?;
        if self.json {
            return print_json(&serde_json::json!({
                "output": target, "id": id, "network": report.network, "matched": report.matched,
                "left": report.left, "assumed": report.assumed, "notices": report.notices, "replaced": replaced,
            }));
        }
        say!("{}{}", target.display(), if replaced { " (replaced)" } else { "" });
        say!("  network: {}; {} tensors taken over", report.network, report.matched);
        if !report.left.is_empty() {
            say!("  left out: {}", shortened(&report.left));
        }
        for notice in &report.notices {
            say!("  note: {notice}");
        }
        if !report.assumed.is_empty() {
            say!("  assumed, as the file does not say: {}", report.assumed.join("; "));
        }
        let id = if self.output.is_some() { target.display().to_string() } else { model.spec.id.clone() };
        if model.spec.is_classifier() {
            say!("  a classifier: start a training from it with `lamella train DATASET -o MODEL --init {id}`");
        } else {
            say!("  use it with `lamella segment IMAGE -m {id} -o MASK`");
        }
        Ok(())
    }
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let first = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{first} and {} more", names.len() - SHOWN) } else { first }
}

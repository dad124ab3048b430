//! `lamella touch`

mod list;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::spacing::Spacing;
use super::terminal::Terminal;
use super::{Result, print_json};
use crate::engine::DeviceChoice;
use crate::formats;
use crate::jobs::{Inputs, JobError, OutputKind, SaveLabelsJob, TouchJob, TouchMethod, touch_network};
use crate::volume::{Annotations, Label, LabelTable, LabelValue};
use list::{Pair, read_list};

/// Make a mask of strokes on and off a structure.
#[derive(Args)]
pub struct Touch {
    /// The image: a file or a DICOM folder
    #[arg(required_unless_present = "list")]
    image: Option<PathBuf>,
    /// The strokes, on the image's grid: 0 nothing, 1 on the structure, 2 off it
    #[arg(long, required_unless_present = "list")]
    strokes: Option<PathBuf>,
    /// The mask to write; its ending decides the format (.png for one slice)
    #[arg(short, long, required_unless_present = "list")]
    output: Option<PathBuf>,
    /// Many pairs in one run: a CSV file with the columns image, strokes and output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["image", "strokes", "output", "series"])]
    list: Option<PathBuf>,
    /// How strokes become a mask: by a network, each slice that has some by itself; or grown from seeds over the whole volume
    #[arg(long, value_enum, default_value_t = Method::Network)]
    method: Method,
    /// The network's answers go on through the slices beside, until the structure ends or is in doubt
    #[arg(long)]
    through: bool,
    /// Another model than the one that comes with the program (see `lamella train-touch`)
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// auto, cpu, gpu, gpu:N, cuda, cuda:N or metal
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// The mask's value in the structure
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(LabelValue).range(1..))]
    label: LabelValue,
    /// Series Instance UID (or name), where the image's folder holds several
    #[arg(long)]
    series: Option<String>,
    #[command(flatten)]
    spacing: Spacing,
    /// Frame of a 4-D image, counted from 0
    #[arg(long, default_value_t = 0)]
    frame: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// How strokes become a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// By the network.
    Network,
    /// Grown from seeds.
    Grow,
}

/// What was made of a pair.
struct Made {
    voxels: usize,
    volume_ml: f64,
    seconds: f64,
}

impl Touch {
    pub(super) fn run(self) -> Result {
        let pairs = match (&self.list, &self.image, &self.strokes, &self.output) {
            (Some(list), ..) => read_list(list)?,
            (None, Some(image), Some(strokes), Some(output)) => {
                vec![Pair { image: image.clone(), strokes: strokes.clone(), output: output.clone() }]
            }
            _ => return Err(JobError::Other("image, strokes and output are needed, or a list of them".into())),
        };
        // Every output is checked before anything is written.
        let inputs: Vec<PathBuf> = pairs.iter().flat_map(|pair| [pair.image.clone(), pair.strokes.clone()]).collect();
        let inputs = Inputs::new(inputs);
        for pair in &pairs {
            let kind = if is_picture(&pair.output) { OutputKind::Png } else { OutputKind::Image };
            inputs.allow(&pair.output, kind)?;
        }
        let method = match self.method {
            Method::Grow if self.through => {
                return Err(JobError::Other(
                    "--through goes with --method network; grow fills the whole volume as it is".into(),
                ));
            }
            Method::Grow => TouchMethod::Grow,
            Method::Network => {
                let network = touch_network(self.model.as_deref(), self.device)?;
                if self.through { TouchMethod::Through(network) } else { TouchMethod::Network(network) }
            }
        };
        let terminal = Terminal::new("Answering");
        let mut rows = Vec::with_capacity(pairs.len());
        for pair in &pairs {
            let made = self.make(pair, &method, &terminal)?;
            if !self.json {
                let Made { voxels, volume_ml, seconds } = made;
                terminal.finish();
                say!("{}: {voxels} voxels, {volume_ml:.2} mL, {:.0} ms", pair.output.display(), seconds * 1000.0);
            }
            rows.push(json!({
                "image": pair.image, "strokes": pair.strokes, "output": pair.output,
                "voxels": made.voxels, "volume_ml": made.volume_ml, "seconds": made.seconds,
            }));
        }
        terminal.finish();
        match (self.json, self.list.is_some(), rows.as_slice()) {
            (true, false, [row]) => print_json(row),
            (true, ..) => print_json(&rows),
            _ => Ok(()),
        }
    }

    /// Makes and writes the mask of a pair.
    fn make(&self, pair: &Pair, method: &TouchMethod, terminal: &Terminal) -> Result<Made> {
        let job = TouchJob {
            image: pair.image.clone(),
            series: self.series.clone(),
            size: self.spacing.given(),
            frame: self.frame,
            strokes: pair.strokes.clone(),
            method: method.clone(),
            label: self.label,
        };
        let touched = terminal.run(job, &|()| {})?;
        let labels = touched.labels;
        let voxels = labels.voxel_counts().get(&self.label).copied().unwrap_or(0);
        let volume_ml = crate::work::numbers::real(voxels) * labels.geometry().voxel_volume_mm3() / 1000.0;
        if is_picture(&pair.output) {
            formats::write_mask_picture(&pair.output, &labels)?;
        } else {
            let annotations = Annotations::new(LabelTable(vec![Label::new(self.label, "Structure")]), Vec::new());
            terminal.run(
                SaveLabelsJob { path: pair.output.clone(), labels, annotations, source: None, sidecar: false },
                &|()| {},
            )?;
        }
        Ok(Made { voxels, volume_ml, seconds: touched.seconds })
    }
}

fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
}

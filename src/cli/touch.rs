//! `lamella touch`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::terminal::Terminal;
use super::{Result, print_json};
use crate::formats;
use crate::jobs::{Inputs, OutputKind, SaveLabelsJob, TouchJob};
use crate::volume::{Annotations, Label, LabelTable};

/// Make a mask of strokes on and off a structure.
#[derive(Args)]
pub struct Touch {
    /// The image: a file or a DICOM folder
    image: PathBuf,
    /// The strokes, on the image's grid: 0 nothing, 1 on the structure, 2 off it
    #[arg(long)]
    strokes: PathBuf,
    /// The mask to write, 1 in the structure; its ending decides the format (.png for one slice)
    #[arg(short, long)]
    output: PathBuf,
    /// Series Instance UID (or name), where the image's folder holds several
    #[arg(long)]
    series: Option<String>,
    /// Frame of a 4-D image, counted from 0
    #[arg(long, default_value_t = 0)]
    frame: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Touch {
    pub(super) fn run(self) -> Result {
        let Self { image, strokes, output, series, frame, json: is_json } = self;
        let is_picture = output.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
        let kind = if is_picture { OutputKind::Png } else { OutputKind::Image };
        Inputs::new([image.clone(), strokes.clone()]).allow(&output, kind)?;
        let terminal = Terminal::new("Growing");
        let job = TouchJob { image: image.clone(), series, frame, strokes: strokes.clone() };
        let labels = terminal.run(job, &|()| {})?;
        let voxels = labels.voxel_counts().get(&1).copied().unwrap_or(0);
        let ml = crate::work::numbers::real(voxels) * labels.geometry().voxel_volume_mm3() / 1000.0;
        if is_picture {
            formats::write_mask_picture(&output, &labels)?;
        } else {
            let annotations = Annotations::new(LabelTable(vec![Label::new(1, "Structure")]), Vec::new());
            terminal.run(
                SaveLabelsJob { path: output.clone(), labels, annotations, source: None, sidecar: false },
                &|()| {},
            )?;
        }
        terminal.finish();
        if is_json {
            let told = json!({"image": image, "strokes": strokes, "output": output, "voxels": voxels, "volume_ml": ml});
            return print_json(&told);
        }
        say!("{}: {voxels} voxels, {ml:.2} mL", output.display());
        Ok(())
    }
}

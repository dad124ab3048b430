//! `lamella models`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::import::Import;
use super::{Result, print_json};
use crate::jobs::{Inputs, JobError, ListZooJob, OutputKind, ZooRow, run_here};
use crate::model::foreign::save_onnx;
use crate::model::{self, Origin};
use crate::work::Signal;

/// List, show, import and export models.
#[derive(Args)]
pub struct Models {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there are few of them, and none lives long")]
enum Action {
    /// Bundled and user models, and the architectures that can be trained
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Everything about a model
    Show {
        /// Its id or file
        id: String,
    },
    /// Take a model into the user's model folder: one of Lamella, ONNX, or weights of PyTorch (.pth, .pt, .safetensors) of
    /// nnU-Net v2, `segmentation_models.pytorch`, torchvision, milesial, mateuszbuda
    Import(Import),
    /// Join models of one kind, of the folds of a cross-validation say, into one that gives their mean
    Ensemble {
        /// Their ids or files
        #[arg(required = true, num_args = 2..)]
        models: Vec<String>,
        /// The model file to write
        #[arg(short, long)]
        output: PathBuf,
    },
    /// Write a model to a file: .safetensors, or .onnx
    Export {
        /// Its id or file
        id: String,
        /// The file to write
        #[arg(short, long)]
        output: PathBuf,
    },
}

impl Models {
    pub(super) fn run(&self) -> Result {
        match self.action.as_ref().unwrap_or(&Action::List { json: false }) {
            Action::List { json } => list(*json),
            Action::Show { id } => show(id),
            Action::Import(import) => import.run(),
            Action::Ensemble { models, output } => ensemble(models, output),
            Action::Export { id, output } => export(id, output),
        }
    }
}

fn list(as_json: bool) -> Result {
    let models = model::list();
    let table = run_here(ListZooJob, &Signal::default(), &|_| {})?;
    if as_json {
        let origin = |origin: &Origin| match origin {
            Origin::Bundled => json!("bundled"),
            Origin::User(path) => json!(path),
        };
        let models: Vec<_> = models.iter().map(|m| json!({"id": m.id, "origin": origin(&m.origin)})).collect();
        let row =
            |row: ZooRow| json!({"id": row.id, "title": row.title, "parameters": row.parameters, "gmac": row.gmac});
        let [architectures, encoders, attentions] = table.map(|rows| rows.into_iter().map(row).collect::<Vec<_>>());
        return print_json(&json!({
            "models": models,
            "architectures": architectures,
            "encoders": encoders,
            "attention": attentions,
        }));
    }
    say!("Models");
    for listed in models {
        match model::find(&listed.id) {
            Ok(model) => say!("  {:20} {}", listed.id, model.spec.title),
            Err(error) => say!("  {:20} cannot be used: {error}", listed.id),
        }
    }
    let titles = [
        "Architectures for training (--arch), with their parameters and multiply-adds for a slice of 256 x 256",
        "Encoders of the U-Net (--encoder); parameters of the classifier, multiply-adds of the U-Net",
        "Attention (--attention); parameters and multiply-adds that it adds to the U-Net",
    ];
    for (title, rows) in titles.into_iter().zip(table) {
        say!("{title}");
        for row in rows {
            say!("  {:20} {:>11} {:>8.2} GMAC  {}", row.id, row.parameters, row.gmac, row.title);
        }
    }
    Ok(())
}

fn show(id: &str) -> Result {
    let mut spec = model::find(id)?.spec;
    // The structure of an imported network is long and no text.
    if let Some(structure) = spec.architecture.options.get_mut("structure") {
        *structure = json!(format!("{} characters", structure.as_str().map_or(0, str::len)));
    }
    print_json(&spec)
}

fn ensemble(names: &[String], output: &Path) -> Result {
    Inputs::new(names.iter().filter_map(|name| model::file_of(name))).allow(output, OutputKind::Model)?;
    let members = names.iter().map(|name| model::find(name)).collect::<std::result::Result<Vec<_>, _>>()?;
    let mut joined = model::ensemble(&members).map_err(JobError::Other)?;
    joined.spec.id = output.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    joined.save(output)?;
    say!("{}: the mean of {} models", output.display(), members.len());
    Ok(())
}

fn export(id: &str, output: &Path) -> Result {
    let is_onnx = output.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx"));
    let kind = if is_onnx { OutputKind::Onnx } else { OutputKind::Model };
    Inputs::new(model::file_of(id)).allow(output, kind)?;
    let model = model::find(id)?;
    if is_onnx {
        let report = save_onnx(&model, output)?;
        let size = report.size.map_or("any size that its strides divide".into(), |[h, w]| format!("{h} x {w} only"));
        say!("{} ({} KB, images of {size})", output.display(), report.bytes.div_ceil(1024));
        return Ok(());
    }
    model.save(output)?;
    say!("{}", output.display());
    Ok(())
}

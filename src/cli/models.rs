//! `lamella models`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Result, print_json};
use crate::jobs::JobError;
use crate::jobs::{ZooRow, zoo_table};
use crate::model::{self, Model, Origin};

/// List, show, import and export models.
#[derive(Args)]
pub struct Models {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
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
    /// Copy a model file into the user's model folder
    Import {
        /// The file
        file: PathBuf,
    },
    /// Write a model to a file
    Export {
        /// Its id
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
            Action::Show { id } => print_json(&model::find(id)?.spec),
            Action::Import { file } => import(file),
            Action::Export { id, output } => {
                model::find(id)?.save(output)?;
                println!("{}", output.display());
                Ok(())
            }
        }
    }
}

fn list(as_json: bool) -> Result {
    let models = model::list();
    let table = zoo_table().map_err(|e| JobError::Other(e.to_string()))?;
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
    println!("Models");
    for listed in models {
        match model::find(&listed.id) {
            Ok(model) => println!("  {:20} {}", listed.id, model.spec.title),
            Err(error) => println!("  {:20} cannot be used: {error}", listed.id),
        }
    }
    let titles = [
        "Architectures for training (--arch), with their parameters and multiply-adds for a slice of 256 x 256",
        "Encoders of the U-Net (--encoder); parameters of the classifier, multiply-adds of the U-Net",
        "Attention (--attention); parameters and multiply-adds that it adds to the U-Net",
    ];
    for (title, rows) in titles.into_iter().zip(table) {
        println!("{title}");
        for row in rows {
            println!("  {:20} {:>11} {:>8.2} GMAC  {}", row.id, row.parameters, row.gmac, row.title);
        }
    }
    Ok(())
}

fn import(file: &std::path::Path) -> Result {
    let model = Model::load(file)?;
    let folder = model::user_folder().ok_or_else(|| JobError::Other("this account has no folder for data".into()))?;
    std::fs::create_dir_all(&folder)
        .map_err(|e| JobError::Other(format!("cannot make the folder {}: {e}", folder.display())))?;
    let name = file.file_name().ok_or_else(|| JobError::Other(format!("{} is no file", file.display())))?;
    let target = folder.join(name);
    model.save(&target)?;
    println!("{}", target.display());
    Ok(())
}

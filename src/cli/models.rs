//! `lamella models`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Result, print_json};
use crate::jobs::JobError;
use crate::jobs::architectures;
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
    if as_json {
        let origin = |origin: &Origin| match origin {
            Origin::Bundled => json!("bundled"),
            Origin::User(path) => json!(path),
        };
        let models: Vec<_> = models.iter().map(|m| json!({"id": m.id, "origin": origin(&m.origin)})).collect();
        let architectures: Vec<_> = architectures().map(|a| json!({"id": a.id, "title": a.title})).collect();
        return print_json(&json!({"models": models, "architectures": architectures}));
    }
    println!("Models");
    for listed in models {
        match model::find(&listed.id) {
            Ok(model) => println!("  {:20} {}", listed.id, model.spec.title),
            Err(error) => println!("  {:20} cannot be used: {error}", listed.id),
        }
    }
    println!("Architectures for training");
    for architecture in architectures() {
        println!("  {:20} {}", architecture.id, architecture.title);
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

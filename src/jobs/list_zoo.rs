//! What can be built: architectures, encoders, attention, each with its computed cost.

use serde_json::{Value, json};

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::model::ArchitectureSpec;
use crate::zoo::{self, ARCHITECTURES, Architecture, Attention, Cost, Encoder, Ends, ZooError};

/// One entry of the zoo.
#[derive(Debug, Clone)]
pub struct ZooRow {
    /// Identifier on the command line and in options.
    pub id: String,
    /// What it is, and when to choose it.
    pub title: String,
    /// Trainable parameters.
    pub parameters: usize,
    /// Thousand million multiply-adds for a slice of 256 x 256.
    pub gmac: f64,
}

/// Lists what can be built, with its cost.
#[derive(Debug, Clone)]
pub struct ListZooJob;

impl Job for ListZooJob {
    /// Architectures, encoders, attention.
    type Output = [Vec<ZooRow>; 3];
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "list-zoo", is_kept_when_stopped: true };

    fn title(&self) -> String {
        "Listing networks".into()
    }

    fn run(self, _: &Work<()>) -> Result<[Vec<ZooRow>; 3], JobError> {
        zoo_table().map_err(|e| JobError::Other(e.to_string()))
    }
}

fn cost(arch: &str, options: &Value) -> Result<Cost, ZooError> {
    Ok(zoo::cost(&zoo::build(arch, Ends { in_channels: 1, classes: 2 }, options)?)?)
}

fn row(id: String, title: String, Cost { parameters, macs }: Cost) -> ZooRow {
    ZooRow { id, title, parameters, gmac: macs as f64 / 1e9 }
}

/// Architectures; encoders (parameters of the published classifier, multiply-adds of the U-Net with it); attention (what
/// it adds to the U-Net).
fn zoo_table() -> Result<[Vec<ZooRow>; 3], ZooError> {
    let of_architecture =
        |a: &Architecture| Ok(row(a.id.into(), format!("{}: {}", a.title, a.advice), cost(a.id, &Value::Null)?));
    let of_encoder = |encoder: &Encoder| {
        let published = encoder.classifier(Ends { in_channels: 3, classes: 1000 })?.trainable_count();
        let macs = cost("unet", &json!({"encoder": encoder}))?.macs;
        Ok(row(encoder.id(), encoder.line().into(), Cost { parameters: published, macs }))
    };
    let plain = cost("unet", &Value::Null)?;
    let of_attention = |attention: &Attention| {
        let with = cost("unet", &json!({"attention": attention}))?;
        let added = Cost { parameters: with.parameters - plain.parameters, macs: with.macs - plain.macs };
        Ok(row(attention.id(), attention.line().into(), added))
    };
    let architectures: Result<_, ZooError> = ARCHITECTURES.iter().map(of_architecture).collect();
    let encoders: Result<_, ZooError> = Encoder::ALL.iter().map(of_encoder).collect();
    let attention: Result<_, ZooError> = Attention::ALL.iter().map(of_attention).collect();
    Ok([architectures?, encoders?, attention?])
}

/// Whether an architecture can be built from its options.
///
/// # Errors
/// Why not, said for the user.
pub fn check_architecture(architecture: &ArchitectureSpec) -> Result<(), String> {
    let ends = Ends { in_channels: 1, classes: 2 };
    zoo::build(&architecture.id, ends, &architecture.options).map(|_| ()).map_err(|e| e.to_string())
}

/// The number of stages at which a network can have attention, where that is known from its options.
pub fn attention_stages(architecture: &ArchitectureSpec) -> Option<usize> {
    zoo::attention_stages(&architecture.id, &architecture.options)
}

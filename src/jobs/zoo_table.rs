//! What can be built: architectures, encoders, attention, each with its computed cost.

use serde_json::{Value, json};

use crate::zoo::{self, ARCHITECTURES, Attention, Cost, Encoder, Ends};

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

fn cost(arch: &str, options: &Value) -> Cost {
    let ends = Ends { in_channels: 1, classes: 2 };
    let found = zoo::build(arch, ends, options).ok().and_then(|graph| zoo::cost(&graph).ok());
    found.unwrap_or(Cost { parameters: 0, macs: 0 })
}

fn row(id: String, title: String, Cost { parameters, macs }: Cost) -> ZooRow {
    ZooRow { id, title, parameters, gmac: macs as f64 / 1e9 }
}

/// Architectures; encoders (parameters of the published classifier, multiply-adds of the U-Net with it); attention (what
/// it adds to the U-Net).
pub fn zoo_table() -> [Vec<ZooRow>; 3] {
    let architectures =
        ARCHITECTURES.iter().map(|a| row(a.id.into(), format!("{}: {}", a.title, a.advice), cost(a.id, &Value::Null)));
    let published = |encoder: Encoder| {
        let ends = Ends { in_channels: 3, classes: 1000 };
        encoder.classifier(ends).map_or(0, |graph| graph.trainable_count())
    };
    let encoders = Encoder::ALL.iter().map(|encoder| {
        let macs = cost("unet", &json!({"encoder": encoder})).macs;
        row(encoder.id(), encoder.line().into(), Cost { parameters: published(*encoder), macs })
    });
    let plain = cost("unet", &Value::Null);
    let attention = Attention::ALL.iter().map(|attention| {
        let with = cost("unet", &json!({"attention": attention}));
        let parameters = with.parameters.saturating_sub(plain.parameters);
        let added = Cost { parameters, macs: with.macs.saturating_sub(plain.macs) };
        row(attention.id(), attention.line().into(), added)
    });
    [architectures.collect(), encoders.collect(), attention.collect()]
}

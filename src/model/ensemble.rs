//! Models of one kind joined into one.

#![allow(clippy::cast_precision_loss, reason = "a mean over members")]

use std::collections::BTreeMap;

use super::{ArchitectureSpec, Model, ModelSpec, Provenance};
use crate::engine::{Array, Weights};
use crate::graph::{MEAN, member_prefix};
use crate::zoo::{ENSEMBLE, Ensemble, MOST_MEMBERS};

/// One model that gives the mean of the members' logits.
///
/// # Errors
/// When there are fewer than two, or two of them differ in architecture, classes or how scans are prepared for them.
pub fn ensemble(members: &[Model]) -> Result<Model, String> {
    let Some((first, others)) = members.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err("an ensemble needs two models at least".into());
    };
    for other in others {
        if let Some(what) = difference(&first.spec, &other.spec) {
            return Err(format!(
                "{} and {} differ in their {what}; only models that see scans alike can be joined",
                first.spec.id, other.spec.id
            ));
        }
    }
    let mut weights = Weights::new();
    for (n, member) in members.iter().enumerate() {
        let graph = member.spec.graph().map_err(|e| e.to_string())?.for_inference();
        for parameter in &graph.parameters {
            let value = member.weights.get(&parameter.name);
            let value = value.ok_or_else(|| format!("{} has no tensor {}", member.spec.id, parameter.name))?;
            weights.insert(format!("{}{}", member_prefix(n), parameter.name), value.clone());
        }
    }
    if members.len() > MOST_MEMBERS {
        return Err(format!("{} models are too many; at most {MOST_MEMBERS} can be joined", members.len()));
    }
    weights.insert(MEAN.into(), Array::new([1], vec![1.0 / members.len() as f32]));
    let of = &first.spec;
    let options =
        Ensemble { member: of.architecture.id.clone(), options: of.architecture.options.clone(), count: members.len() };
    let names: Vec<&str> = members.iter().map(|model| model.spec.id.as_str()).collect();
    let spec = ModelSpec {
        title: format!("{} (mean of {})", of.title, members.len()),
        architecture: ArchitectureSpec {
            id: ENSEMBLE.into(),
            options: serde_json::to_value(options).map_err(|e| e.to_string())?,
        },
        provenance: Provenance {
            command: format!("lamella models ensemble {}", names.join(" ")),
            // What was planned and measured were the members.
            plan: serde_json::Value::Null,
            metrics: BTreeMap::new(),
            ..of.provenance.clone()
        },
        ..of.clone()
    };
    Ok(Model { spec, weights })
}

/// What two models differ in that an ensemble must have in common.
fn difference(a: &ModelSpec, b: &ModelSpec) -> Option<&'static str> {
    let names = |spec: &ModelSpec| spec.classes.iter().map(|class| class.name.clone()).collect::<Vec<_>>();
    let checks = [
        ("architecture", a.architecture == b.architecture),
        ("classes", names(a) == names(b) && a.values() == b.values()),
        ("channels", (a.image_channels, a.neighbours) == (b.image_channels, b.neighbours)),
        ("slice axes", (a.slice_axis, &a.fused_axes) == (b.slice_axis, &b.fused_axes)),
        ("spacing", a.spacing_mm == b.spacing_mm && a.reversed == b.reversed),
        ("normalisation", a.normalisation == b.normalisation && a.channel_normalisation == b.channel_normalisation),
        ("windows", a.windows == b.windows && a.patch == b.patch),
        ("mirroring", (a.mirror, a.mirror_axes, a.average_mirrored) == (b.mirror, b.mirror_axes, b.average_mirrored)),
    ];
    checks.iter().find(|(_, same)| !same).map(|(what, _)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Array, DeviceChoice, initial_weights};
    use crate::work::Watch;

    #[test]
    fn an_ensemble_gives_the_mean_of_its_members_logits() {
        let bundled = crate::model::find("hippocampus").unwrap();
        let architecture = ArchitectureSpec { id: "unet".into(), options: serde_json::json!({"width": 4, "depth": 2}) };
        let spec = ModelSpec { architecture, ..bundled.spec.clone() };
        let graph = spec.graph().unwrap();
        let members: Vec<Model> =
            (1..4).map(|seed| Model { spec: spec.clone(), weights: initial_weights(&graph, seed) }).collect();
        let joined = ensemble(&members).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.safetensors");
        joined.save(&path).unwrap();
        let joined = Model::load(&path).unwrap();
        let channels = spec.input_channels();
        let values = (0..2 * channels * 16 * 24).map(|n| ((n * 37 % 101) as f32 / 50.0) - 1.0).collect();
        let input = Array::new([2, channels, 16, 24], values);
        let run = |model: &Model| {
            model.network(DeviceChoice::Cpu).unwrap().infer(&input, Watch::unwatched()).unwrap().remove(0)
        };
        let each: Vec<Array> = members.iter().map(run).collect();
        let got = run(&joined);
        for (n, got) in got.values.iter().enumerate() {
            let want = each.iter().map(|logits| logits.values[n]).sum::<f32>() / 3.0;
            assert!((got - want).abs() < 1e-4 * want.abs().max(1.0), "{n}: {got}, expected {want}");
        }
        assert!(ensemble(&members[..1]).is_err());
        let mut other = members[1].clone();
        other.spec.neighbours += 1;
        assert!(ensemble(&[members[0].clone(), other]).unwrap_err().contains("channels"));
    }
}

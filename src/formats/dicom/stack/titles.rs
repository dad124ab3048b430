//! What volumes are called: as their series, and where several of one series would have one name, with what parts them.

use std::collections::BTreeMap;

use super::features::{Feature, Value};
use super::{Member, Stack};
use crate::volume::cross;

/// Fields that may stand in a name, the most telling first: no person, no identifier, no time of day.
const TELLING: &[Feature] = &[
    Feature::View,
    Feature::Energy,
    Feature::Kvp,
    Feature::EchoTime,
    Feature::EchoNumber,
    Feature::ImageType,
    Feature::Kernel,
    Feature::Thickness,
    Feature::SeriesNumber,
    Feature::AcquisitionNumber,
    Feature::TemporalPosition,
    Feature::BValue,
    Feature::TriggerTime,
    Feature::ReferenceTime,
    Feature::InversionTime,
    Feature::FlipAngle,
    Feature::Photometric,
];

/// Names the volumes of a series, so that no two have the same name.
pub fn name(stacks: &mut [Stack]) {
    for stack in &mut *stacks {
        let Some(first) = stack.instances.first() else { continue };
        let text = if first.description.is_empty() { &first.modality } else { &first.description };
        stack.title.clone_from(text);
    }
    let said: Vec<Box<dyn Fn(&Stack) -> Option<String>>> = TELLING
        .iter()
        .map(|&feature| Box::new(move |stack: &Stack| of_all(feature, stack)) as Box<dyn Fn(&Stack) -> Option<String>>)
        .chain([Box::new(plane) as Box<dyn Fn(&Stack) -> Option<String>>, Box::new(size)])
        .collect();
    for say in said {
        tell_apart(stacks, |stack, _| say(stack));
    }
    tell_apart(stacks, |_, n| Some(format!("part {}", n + 1)));
}

/// Adds a word to equal names where it is not the same for all that have the name; `say` gets the place among them.
fn tell_apart(stacks: &mut [Stack], say: impl Fn(&Stack, usize) -> Option<String>) {
    let mut named: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, stack) in stacks.iter().enumerate() {
        named.entry(stack.title.clone()).or_default().push(at);
    }
    for alike in named.into_values().filter(|alike| alike.len() > 1) {
        let words: Vec<Option<String>> =
            alike.iter().enumerate().map(|(n, &at)| stacks.get(at).and_then(|stack| say(stack, n))).collect();
        if words.iter().all(|word| Some(word) == words.first()) {
            continue;
        }
        for (at, word) in alike.into_iter().zip(words) {
            if let (Some(stack), Some(word)) = (stacks.get_mut(at), word) {
                stack.title = format!("{}, {word}", stack.title).trim_start_matches(", ").to_string();
            }
        }
    }
}

/// A field's value in words, where all images of a volume have the same.
fn of_all(feature: Feature, stack: &Stack) -> Option<String> {
    let first = stack.instances.first()?;
    let is_same = |member: &Member| feature.value(member) != Value::Unknown && !feature.differs(first, member);
    if !stack.instances.iter().all(is_same) {
        return None;
    }
    if feature == Feature::View
        && let Some(name) = &first.acquisition.view_name
    {
        return Some(name.to_string());
    }
    match feature.value(first) {
        Value::Unknown => None,
        Value::Number(number) => {
            let number = (number * 100.0).round() / 100.0;
            Some(match feature {
                Feature::Energy => format!("{number} keV"),
                Feature::Kvp => format!("{number} kV"),
                Feature::EchoTime => format!("echo {number} ms"),
                Feature::InversionTime => format!("inversion {number} ms"),
                Feature::TriggerTime => format!("trigger {number} ms"),
                Feature::ReferenceTime => format!("time {number} ms"),
                Feature::BValue => format!("b {number} s/mm\u{b2}"),
                Feature::FlipAngle => format!("flip angle {number}\u{b0}"),
                Feature::Thickness => format!("slices of {number} mm"),
                Feature::EchoNumber => format!("echo {number}"),
                Feature::SeriesNumber => format!("series {number}"),
                Feature::AcquisitionNumber => format!("acquisition {number}"),
                Feature::TemporalPosition => format!("time point {number}"),
                _ => format!("{} {number}", feature.name()),
            })
        }
        Value::Text(text) => Some(text.replace('\\', " ")),
    }
}

/// The plane of the slices, by the direction that is nearest.
fn plane(stack: &Stack) -> Option<String> {
    let [row, column] = stack.instances.first()?.directions?;
    let normal = cross(row, column).map(f64::abs);
    let names = ["sagittal", "coronal", "axial"];
    let nearest = normal.into_iter().zip(names).max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map(|(_, name)| name.to_string())
}

fn size(stack: &Stack) -> Option<String> {
    let [columns, rows, slices] = stack.geometry.shape();
    Some(format!("{columns} x {rows} x {slices}"))
}

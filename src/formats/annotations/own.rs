//! Our own form, JSON with the one key `lamella`; and lists of labels in the JSON of others.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Listed, colour};
use crate::volume::{Annotations, Label, LabelTable, Maker, Plane, Rgb, SliceKey, SliceState};

/// Of what this version writes.
const VERSION: u32 = 1;
/// More slices than this are in no scan.
const MAX_STATES: usize = 1 << 20;
/// JSON of other programs is looked at up to here, because a tree of values takes many times the memory of its text.
const MAX_FOREIGN_BYTES: usize = 1 << 20;

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(rename = "Description", default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    lamella: Own,
}

#[derive(Serialize, Deserialize)]
struct Own {
    version: u32,
    labels: Vec<Label>,
    #[serde(default, skip_serializing_if = "Slices::is_empty")]
    slices: Slices<SliceState>,
    /// Who made what is in them.
    #[serde(default, skip_serializing_if = "Slices::is_empty")]
    makers: Slices<Maker>,
    /// Of the labels that `slices` tells of, in hexadecimal digits: numbers of 64 bits do not survive all readers of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

/// First and last slice of runs that have something in common.
type Runs<K> = BTreeMap<K, Vec<[usize; 2]>>;

/// What slices of the three planes have.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Ord + Deserialize<'de>"))]
struct Slices<K> {
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    axial: Runs<K>,
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    coronal: Runs<K>,
    #[serde(default = "BTreeMap::new", skip_serializing_if = "BTreeMap::is_empty")]
    sagittal: Runs<K>,
}

impl<K> Default for Slices<K> {
    fn default() -> Self {
        Self { axial: BTreeMap::new(), coronal: BTreeMap::new(), sagittal: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Slices<K> {
    fn is_empty(&self) -> bool {
        [&self.axial, &self.coronal, &self.sagittal].iter().all(|runs| runs.is_empty())
    }

    fn new(of_slices: &[(SliceKey, K)]) -> Self {
        let mut slices = Self::default();
        for plane in Plane::ALL {
            let runs = match plane {
                Plane::Axial => &mut slices.axial,
                Plane::Coronal => &mut slices.coronal,
                Plane::Sagittal => &mut slices.sagittal,
            };
            let of_plane = of_slices.iter().filter(|((axis, _), _)| usize::from(*axis) == plane.world_axis());
            for ((_, slice), had) in of_plane {
                let runs = runs.entry(had.clone()).or_default();
                match runs.last_mut() {
                    Some([_, last]) if *last + 1 == *slice => *last = *slice,
                    _ => runs.push([*slice, *slice]),
                }
            }
        }
        slices
    }

    fn each(&self) -> Result<BTreeMap<SliceKey, K>, String> {
        let mut each = BTreeMap::new();
        for (plane, runs) in
            [(Plane::Axial, &self.axial), (Plane::Coronal, &self.coronal), (Plane::Sagittal, &self.sagittal)]
        {
            for (had, runs) in runs {
                for &[first, last] in runs {
                    let count = last.checked_sub(first).filter(|count| *count < MAX_STATES);
                    if count.is_none_or(|count| each.len() + count > MAX_STATES) {
                        return Err(format!("{} slices {first} to {last} cannot be", plane.name().to_lowercase()));
                    }
                    let axis = u8::try_from(plane.world_axis()).unwrap_or(u8::MAX);
                    each.extend((first..=last).map(|slice| ((axis, slice), had.clone())));
                }
            }
        }
        Ok(each)
    }
}

/// Our form of annotations.
pub fn to_json(annotations: &Annotations, description: Option<String>) -> String {
    let lamella = Own {
        version: VERSION,
        labels: annotations.table.0.clone(),
        slices: Slices::new(&annotations.states),
        makers: Slices::new(&annotations.makers),
        fingerprint: annotations.fingerprint.map(|fingerprint| format!("{fingerprint:016x}")),
    };
    // Numbers, texts and lists always have a form in JSON.
    serde_json::to_string(&File { description, lamella }).unwrap_or_default()
}

/// Reads our form; `None` where a text is something else.
pub fn from_json(text: &str) -> Option<Result<Annotations, String>> {
    if !text.starts_with('{') || !text.contains("\"lamella\"") {
        return None;
    }
    let file: File = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => return Some(Err(error.to_string())),
    };
    Some(checked(file.lamella))
}

fn checked(own: Own) -> Result<Annotations, String> {
    let mut seen = BTreeSet::from([0]);
    if let Some(label) = own.labels.iter().find(|label| !seen.insert(label.value)) {
        return Err(format!("the label {} is not allowed or comes twice", label.value));
    }
    let states = own.slices.each()?.into_iter().filter(|(_, state)| *state != SliceState::Todo).collect();
    let makers = own.makers.each()?.into_iter().collect();
    let fingerprint = match own.fingerprint {
        Some(digits) => {
            Some(u64::from_str_radix(&digits, 16).map_err(|_| format!("the fingerprint {digits:?} is no number"))?)
        }
        None => None,
    };
    Ok(Annotations { table: LabelTable(own.labels), states, makers, fingerprint })
}

/// Labels in the JSON of another program: `labels` as an object (names by number or numbers by name) or as a list of objects.
pub fn foreign_json(text: &str) -> Option<Listed> {
    if !text.starts_with('{') || text.len() > MAX_FOREIGN_BYTES {
        return None;
    }
    let json: Value = serde_json::from_str(text).ok()?;
    let mut listed = Listed::default();
    match json.get("labels")? {
        Value::Object(map) => {
            for (key, value) in map {
                match (value.as_str(), value.as_u64()) {
                    (Some(name), _) if is_number(key) => listed.push(key, name, None, true),
                    (Some(number), _) if is_number(number) => listed.push(number, key, None, true),
                    (None, Some(number)) => listed.push(&number.to_string(), key, None, true),
                    _ => listed.left_out.push(format!("{key:?}")),
                }
            }
            // Objects are sorted by text, tables by number.
            listed.labels.sort_by_key(|label| label.value);
        }
        Value::Array(items) => {
            for item in items {
                let number = ["value", "index", "id", "labelValue"].iter().find_map(|key| item.get(key)?.as_u64());
                let name = ["name", "label"].iter().find_map(|key| item.get(key)?.as_str());
                let (Some(number), Some(name)) = (number, name) else { return None };
                let rgb = item.get("color").or_else(|| item.get("colour")).and_then(rgb);
                listed.push(&number.to_string(), name, rgb, true);
            }
        }
        _ => return None,
    }
    Some(listed)
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<u64>().is_ok()
}

fn rgb(value: &Value) -> Option<Rgb> {
    let parts: Vec<f64> = value.as_array()?.iter().filter_map(Value::as_f64).collect();
    match parts[..] {
        [r, g, b] | [r, g, b, _] => colour([r, g, b], [r, g, b].iter().any(|v| v.fract() != 0.0)),
        _ => None,
    }
}

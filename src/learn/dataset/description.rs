//! What a `dataset.json` says: channels, labels, endings, numbers. Every value is understood or refused by its key; none is left out silently.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::Endings;

/// What nnU-Net calls the label of voxels that nobody has looked at.
const IGNORE: &str = "ignore";

/// Names of labels by number, and the one that is ignored.
#[derive(Debug, PartialEq)]
pub struct Labels {
    /// Without the ignored one.
    pub names: BTreeMap<u16, String>,
    /// Its number, above all others.
    pub ignore: Option<u16>,
}

/// A value as it stands in the file, not too long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A whole number, also as text or as 3.0.
fn whole(value: &Value) -> Option<u64> {
    let of_float = |v: f64| (v >= 0.0 && v.fract() == 0.0 && v < 1e15).then_some(v as u64);
    match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(of_float)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The names of channels in the order of their numbers; `None` where none are given.
///
/// nnU-Net 2 has `channel_names`, the Decathlon `modality`; both map numbers to names.
///
/// # Errors
/// Names the key and the value that cannot be understood.
pub fn channels(json: &Value) -> Result<Option<Vec<String>>, String> {
    let Some((key, value)) = ["channel_names", "modality"].iter().find_map(|key| Some((key, json.get(key)?))) else {
        return Ok(None);
    };
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(number, name)| (number.clone(), name)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(number, name)| (number.to_string(), name)).collect(),
        other => {
            return Err(format!("`{key}` is {}; it must map the numbers of channels to their names", shown(other)));
        }
    };
    let numbered = |text: &str| text.trim().parse::<usize>().ok();
    // Some write the names first, as nnU-Net 2 does for labels.
    let is_reversed =
        !entries.is_empty() && entries.iter().all(|(name, number)| numbered(name).is_none() && number.is_u64());
    let mut names = BTreeMap::new();
    for (left, right) in entries {
        let (number, name) = if is_reversed {
            (whole(right).and_then(|n| usize::try_from(n).ok()), Some(left.clone()))
        } else {
            (numbered(&left), right.as_str().map(str::to_string))
        };
        let (Some(number), Some(name)) = (number, name) else {
            return Err(format!(
                "`{key}` has the entry {left:?}: {}; numbers of channels (\"0\", \"1\" ...) with a name each are understood",
                shown(right)
            ));
        };
        if let Some(other) = names.insert(number, name.clone()) {
            return Err(format!("`{key}` has the channel {number} twice, {other:?} and {name:?}"));
        }
    }
    let last = names.len().saturating_sub(1);
    if let Some((at, number)) = names.keys().enumerate().find(|(at, number)| at != *number) {
        return Err(format!(
            "`{key}` has the channel {number}, but no channel {at}; {} channels are numbered from 0 to {last}",
            names.len()
        ));
    }
    Ok(Some(names.into_values().collect()))
}

/// The labels of either generation, `{name: number}` or `{"number": name}`; `None` where none are given.
///
/// # Errors
/// Names the label and the value that cannot be understood.
pub fn labels(json: &Value) -> Result<Option<Labels>, String> {
    let Some(value) = json.get("labels") else { return Ok(None) };
    let entries: Map<String, Value> = match value {
        Value::Object(map) => map.clone(),
        // A list of names in the order of their numbers.
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().enumerate().map(|(number, name)| (number.to_string(), name.clone())).collect()
        }
        other => {
            return Err(format!("`labels` is {}; it must map names to numbers, or numbers to names", shown(other)));
        }
    };
    let mut numbers_are_keys =
        entries.keys().all(|key| key.trim().parse::<u64>().is_ok()) && entries.values().all(Value::is_string);
    if numbers_are_keys && entries.values().all(|value| whole(value).is_some()) {
        // Numbers on both sides mean one thing only where they are the same.
        if let Some((key, value)) = entries.iter().find(|(key, value)| key.trim().parse::<u64>().ok() != whole(value)) {
            return Err(format!("`labels` has {key:?}: {}; which of the two is the name cannot be told", shown(value)));
        }
        numbers_are_keys = false;
    }
    let mut names = BTreeMap::new();
    for (key, value) in &entries {
        let (number, name) = if numbers_are_keys {
            (key.trim().parse().ok(), value.as_str().unwrap_or_default())
        } else {
            (whole(single(key, value)?), key.as_str())
        };
        let number = number.and_then(|number: u64| u16::try_from(number).ok()).ok_or_else(|| {
            format!("`labels` has {key:?}: {}; labels are whole numbers from 0 to {}", shown(value), u16::MAX)
        })?;
        if let Some(other) = names.insert(number, name.to_string()) {
            return Err(format!("`labels` gives the number {number} to {other:?} and to {name:?}"));
        }
    }
    let mut seen = BTreeSet::new();
    if let Some((number, name)) = names.iter().find(|(_, name)| !seen.insert(name.to_lowercase())) {
        return Err(format!(
            "`labels` has the name {name:?} twice (once for {number}); each label needs a name of its own"
        ));
    }
    let ignore = names.iter().find(|(_, name)| name.eq_ignore_ascii_case(IGNORE)).map(|(number, _)| *number);
    if let Some(number) = ignore
        && names.last_key_value().is_some_and(|(last, _)| *last != number)
    {
        return Err(format!("`labels` has {IGNORE:?} as {number}; it must be the highest number"));
    }
    if let Some(number) = ignore {
        names.remove(&number);
    }
    Ok(Some(Labels { names, ignore }))
}

/// A label's number; a region, which nnU-Net writes as a list of numbers, is refused.
fn single<'a>(name: &str, value: &'a Value) -> Result<&'a Value, String> {
    match value {
        // A list of one is the label itself.
        Value::Array(numbers) => match &numbers[..] {
            [number] => Ok(number),
            _ => Err(format!(
                "`labels` has the region {name:?}: {}; regions of several labels (`regions_class_order`) cannot be learned, give each \
                 number a name of its own",
                shown(value)
            )),
        },
        other => Ok(other),
    }
}

/// The ending that images and labels have, where it is given.
///
/// # Errors
/// When files of this ending cannot be read.
pub fn file_ending(json: &Value, endings: &Endings) -> Result<Option<&'static str>, String> {
    let Some(value) = json.get("file_ending").filter(|value| !value.is_null()) else { return Ok(None) };
    let known = value.as_str().and_then(|text| {
        let text = text.trim().trim_start_matches('.').to_ascii_lowercase();
        endings.0.iter().copied().find(|ending| ending.trim_start_matches('.') == text)
    });
    match known {
        Some(ending) => Ok(Some(ending)),
        None => {
            Err(format!("`file_ending` is {}; files that end in {} can be read", shown(value), endings.0.join(", ")))
        }
    }
}

/// A sentence where the number of cases is another than the one that is given.
pub fn count_notice(json: &Value, cases: usize) -> Option<String> {
    let value = json.get("numTraining").filter(|value| !value.is_null())?;
    (whole(value) != Some(cases as u64)).then(|| {
        format!("dataset.json says that there are {} labelled cases (`numTraining`); {cases} are there.", shown(value))
    })
}

/// A sentence where nnU-Net would prepare a channel in a way of its own, as its name says.
pub fn preparation_notice(channels: &[String]) -> Option<String> {
    const OF_NNUNET: [&str; 3] = ["nonorm", "rescale_to_0_1", "rgb_to_0_1"];
    let special = channels.iter().enumerate().find(|(_, name)| OF_NNUNET.contains(&name.to_lowercase().as_str()))?;
    let (number, name) = special;
    Some(format!(
        "dataset.json calls channel {number} {name:?}, by which nnU-Net leaves or rescales its values; here they are prepared like those \
         of other channels."
    ))
}

/// Whether a file is one of the system's, such as the `._scan.nii.gz` that a Mac leaves on other disks.
pub fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// The first names of a list.
pub fn first_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = if names.len() > SHOWN { " ..." } else { "" };
    format!("{}{more}", names.get(..SHOWN).unwrap_or(names).join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn channels_go_by_their_numbers() {
        let of = |value: Value| channels(&json!({"channel_names": value}));
        let many: Map<String, Value> = (0..23).map(|n| (n.to_string(), json!(format!("c{n}")))).collect();
        let names = of(many.clone().into()).unwrap().unwrap();
        assert_eq!(names, (0..23).map(|n| format!("c{n}")).collect::<Vec<_>>());
        assert_eq!(of(json!({"00": "a", "01": "b"})).unwrap().unwrap(), ["a", "b"]);
        assert_eq!(of(json!(["T1", "T2"])).unwrap().unwrap(), ["T1", "T2"]);
        assert_eq!(of(json!({"PET": 1, "CT": 0})).unwrap().unwrap(), ["CT", "PET"]);
        assert_eq!(channels(&json!({"modality": {"0": "MRI"}})).unwrap().unwrap(), ["MRI"]);
        assert_eq!(channels(&json!({})), Ok(None));
        let mut gap = many;
        gap.remove("7");
        for (value, parts) in [
            (gap.into(), ["channel 8", "no channel 7"]),
            (json!({"1": "a", "2": "b"}), ["channel 1", "no channel 0"]),
            (json!({"T1": "a"}), ["\"T1\"", "\"a\""]),
            (json!({"0": 5}), ["\"0\"", "5"]),
            (json!({"0": "a", "00": "b"}), ["twice", "\"b\""]),
            (json!("CT"), ["channel_names", "\"CT\""]),
        ] {
            let message = of(value).unwrap_err();
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        }
    }

    #[test]
    fn labels_are_understood_in_every_form_or_refused_by_name() {
        let of = |value: Value| labels(&json!({"labels": value})).map(Option::unwrap);
        let wanted = |pairs: &[(u16, &str)], ignore| Labels {
            names: pairs.iter().map(|(number, name)| (*number, name.to_string())).collect(),
            ignore,
        };
        let two = [(0, "background"), (1, "liver")];
        for value in [
            json!({"background": 0, "liver": 1}),
            json!({"background": "0", "liver": "1"}),
            json!({"0": "background", "1": "liver"}),
            json!({"background": 0.0, "liver": [1]}),
            json!(["background", "liver"]),
        ] {
            assert_eq!(of(value.clone()).unwrap(), wanted(&two, None), "{value}");
        }
        assert_eq!(of(json!({"background": 0, "liver": 1, "ignore": 2})).unwrap(), wanted(&two, Some(2)));
        assert_eq!(of(json!({"0": "0", "1": "1"})).unwrap(), wanted(&[(0, "0"), (1, "1")], None));
        for (value, parts) in [
            (json!({"background": 0, "whole": [1, 2, 3], "core": [2, 3]}), ["\"core\"", "[2,3]"]),
            (json!({"background": 0, "liver": -1}), ["\"liver\"", "-1"]),
            (json!({"background": 0, "liver": 1.5}), ["\"liver\"", "1.5"]),
            (json!({"background": 0, "liver": 70000}), ["\"liver\"", "70000"]),
            (json!({"background": 0, "liver": "one"}), ["\"liver\"", "\"one\""]),
            (json!({"background": 0, "liver": null}), ["\"liver\"", "null"]),
            (json!({"background": 0, "liver": {"value": 1}}), ["\"liver\"", "value"]),
            (json!({"background": 0, "liver": 1, "spleen": 1}), ["\"spleen\"", "number 1"]),
            (json!({"0": "background", "1": "x", "2": "X"}), ["\"X\"", "twice"]),
            (json!({"0": "1", "1": "0"}), ["\"0\"", "\"1\""]),
            (json!({"background": 0, "ignore": 1, "liver": 2}), ["ignore", "1"]),
            (json!(3), ["`labels`", "3"]),
        ] {
            let message = of(value).unwrap_err();
            assert!(parts.iter().all(|part| message.contains(part)), "{message}");
        }
    }

    #[test]
    fn channels_that_nnunet_prepares_otherwise_are_told_of() {
        let of = |names: &[&str]| preparation_notice(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!([of(&["CT", "zscore"]), of(&["MRI"])], [None, None]);
        for name in ["noNorm", "rescale_to_0_1", "RGB_to_0_1"] {
            assert!(of(&["CT", name]).unwrap().contains(&format!("channel 1 {name:?}")));
        }
    }

    #[test]
    fn endings_and_counts_are_read_or_named() {
        let ending = |value: Value| file_ending(&json!({"file_ending": value}), &super::super::tests::endings());
        assert_eq!(ending(json!("nii.gz")), Ok(Some(".nii.gz")));
        assert_eq!(ending(json!(".TIF")), Ok(Some(".tif")));
        assert_eq!(ending(Value::Null), Ok(None));
        for value in [json!(".mha"), json!(".nrrd"), json!(3)] {
            assert!(ending(value.clone()).unwrap_err().contains(&value.to_string()));
        }
        let count = |value: Value| count_notice(&json!({"numTraining": value}), 3);
        assert_eq!([json!(3), json!("3"), json!(3.0), Value::Null].map(count), [None, None, None, None]);
        for value in [json!(5), json!("many"), json!(-3)] {
            assert!(count(value.clone()).unwrap().contains(&value.to_string()));
        }
    }
}

//! The one network of a file that may hold more: losses, metrics, copies with averaged weights, a second network.
//!
//! A prefix is where the tensors of a known network begin. What lies beside the network that is taken is named; where it could
//! be a part of it, or where two networks could be meant, nothing is taken until the user says which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::describe::{Assumptions, Description, Known};
use super::families::{self, Beside, Config, Family, Found, Miss};
use super::part::Part;
use super::{Report, nnunet};
use crate::engine::Array;
use crate::model::Model;
use crate::model::checkpoint::{COUNTER, Checkpoint};

/// The architecture that `config.json` of `segmentation_models.pytorch` describes.
const SMP: &str = "unet";
/// Most prefixes that are tried.
const MOST_PREFIXES: usize = 64;
/// So many names beside the network are listed one by one; more are listed by their first word.
const MOST_LISTED: usize = 12;
/// Longest name that is shown.
const LONGEST_SHOWN: usize = 100;
/// Largest mean or deviation of channels that is shown.
const MOST_CHANNELS: usize = 4;

/// Words of names beside a network that say that it is no part of it.
const BESIDE: [&str; 21] = [
    "criterion",
    "loss",
    "metric",
    "discriminator",
    "optimizer",
    "optimiser",
    "scheduler",
    "lpips",
    "perceptual",
    "confmat",
    "dice",
    "iou",
    "jaccard",
    "accuracy",
    "auroc",
    "precision",
    "recall",
    "callbacks",
    "averag",
    "current_model_state",
    "_swa_",
];
/// Such words that only count when they stand alone.
const BESIDE_ALONE: [&str; 6] = ["ema", "swa", "disc", "netd", "f1", "acc"];

/// The words of a name.
fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

/// Whether a name says that a tensor helps training or judging only.
fn says_beside(name: &str) -> bool {
    let lower = name.to_lowercase();
    BESIDE.iter().any(|part| lower.contains(part)) || words(name).any(|word| BESIDE_ALONE.contains(&word.as_str()))
}

/// Whether a prefix is of weights that were averaged while training, which is what is used afterwards.
fn is_averaged(prefix: &str) -> bool {
    words(prefix).any(|word| ["ema", "swa", "averaged", "average"].contains(&word.as_str()))
}

/// Whether a prefix is of weights of which others are the average (Lightning's `WeightAveraging`).
fn is_current(prefix: &str) -> bool {
    prefix.contains("current_model_state")
}

/// A tensor of a vector's form: a mean, a weight of a loss, a counter.
fn is_vector(array: &Array) -> bool {
    array.shape.iter().filter(|&&n| n > 1).count() <= 1
}

/// What was found under a prefix.
enum Network {
    Family(Box<Found>),
    NnUnet,
}

struct Place<'a> {
    part: Part<'a>,
    classifies: bool,
    network: Result<Network, Miss>,
}

/// The prefixes of known networks, each with the families of its markers.
fn prefixes(checkpoint: &Checkpoint) -> Result<BTreeMap<String, Vec<&'static Family>>, String> {
    let mut found: BTreeMap<String, Vec<&'static Family>> = BTreeMap::new();
    for name in checkpoint.tensors.keys().chain(checkpoint.unread.keys()) {
        for (prefix, family) in families::marked(name) {
            let has = |rest: &str| checkpoint.tensors.contains_key(&format!("{prefix}{rest}"));
            if family.may_begin(has) {
                found.entry(prefix.to_string()).or_default().push(family);
            }
        }
        if let Some(prefix) = nnunet::prefix(name) {
            found.entry(prefix.to_string()).or_default();
        }
        if found.len() > MOST_PREFIXES {
            return Err(format!("the file holds more than {MOST_PREFIXES} networks; name one with --part PREFIX"));
        }
    }
    Ok(found)
}

/// The prefix that the user named, with a dot at its end.
fn wanted(description: &Description) -> Option<String> {
    let part = description.part.as_deref()?.trim_end_matches('.');
    Some(if part.is_empty() { String::new() } else { format!("{part}.") })
}

/// Takes over the network of a file of weights.
///
/// # Errors
/// When there is none that is known, more than one, or one that cannot be taken over.
pub fn import(
    path: &Path,
    checkpoint: Checkpoint,
    description: &Description,
    config: Beside,
) -> Result<(Model, Report), String> {
    let wanted = wanted(description);
    let mut all = prefixes(&checkpoint)?;
    if let Some(wanted) = &wanted {
        all.retain(|prefix, _| prefix.starts_with(wanted.as_str()));
        if !checkpoint.tensors.keys().any(|name| name.starts_with(wanted.as_str())) {
            let first = checkpoint.tensors.keys().next().map_or("", String::as_str);
            return Err(format!("--part {wanted:?}: no tensor begins so (the first is {first:?})"));
        }
    }
    let mut assumptions = Assumptions::new(&description.assume);
    let mut places: Vec<Place> = Vec::new();
    for (prefix, families) in &all {
        let part = Part::new(&checkpoint, prefix);
        if nnunet::prefix(&format!("{prefix}{}", nnunet::HEAD)).is_some() && part.has(nnunet::HEAD) {
            places.push(Place { part, classifies: false, network: Ok(Network::NnUnet) });
            continue;
        }
        let Some(first) = families.iter().min_by_key(|family| family.classifies) else { continue };
        assumptions.assumed.clear();
        let network = first.recognise(&part, &mut assumptions, config).map(|found| Network::Family(Box::new(found)));
        places.push(Place { part, classifies: first.classifies, network });
    }
    let taken = choose(&places, &checkpoint, wanted.as_deref())?;
    let mut report = Report { notices: taken.notices, ..Report::default() };
    let prefix = places[taken.index].part.prefix.to_string();
    beside(&places, taken.index, &checkpoint, wanted.is_some(), &mut report)?;
    let place = places.swap_remove(taken.index);
    drop(places);
    match place.network {
        Ok(Network::Family(found)) => {
            assumptions.all_heard(&found.candidate.title)?;
            of_family(&found, &place.part, description, config, report)
        }
        Ok(Network::NnUnet) => {
            drop(place.part);
            assumptions.all_heard("nnU-Net")?;
            description.refuse(&Description::PLANNED, "nnU-Net's plans say this")?;
            nnunet::import(path, of_prefix(checkpoint, &prefix), description, report)
        }
        Err(miss) => Err(miss.problem),
    }
}

/// The tensors under a prefix alone.
fn of_prefix(checkpoint: Checkpoint, prefix: &str) -> Checkpoint {
    let tensors = checkpoint.tensors.into_iter();
    let tensors = tensors.filter_map(|(name, array)| Some((name.strip_prefix(prefix)?.to_string(), array)));
    Checkpoint { tensors: tensors.collect(), ..checkpoint }
}

/// Which of the places is taken, and why.
struct Taken {
    index: usize,
    notices: Vec<String>,
}

fn choose(places: &[Place], checkpoint: &Checkpoint, wanted: Option<&str>) -> Result<Taken, String> {
    let complete = |classifies: bool| {
        let fits = move |place: &Place| place.network.is_ok() && place.classifies == classifies;
        places.iter().enumerate().filter(move |(_, place)| fits(place)).map(|(index, _)| index)
    };
    let segmenting: Vec<usize> = complete(false).collect();
    // A segmentation network that is known and does not fit is not passed over for a classifier, its own encoder perhaps.
    let refused = places.iter().any(|place| !place.classifies && !says_beside(place.part.prefix));
    let candidates = if segmenting.is_empty() && !refused { complete(true).collect() } else { segmenting };
    let plain = |index| Ok(Taken { index, notices: Vec::new() });
    match candidates[..] {
        [] => Err(none(places, checkpoint, wanted)),
        [index] => plain(index),
        _ => {
            let distinct = distinct(places, &candidates);
            if let [index] = distinct[..] {
                return plain(index);
            }
            averaged(places, &distinct).ok_or_else(|| {
                let named: Vec<String> = distinct.iter().map(|&index| shown_place(&places[index])).collect();
                let first = places[distinct[0]].part.prefix.trim_end_matches('.');
                format!(
                    "the file holds {} complete networks: {}; say which one with --part, for example --part {first}",
                    distinct.len(),
                    named.join(", ")
                )
            })
        }
    }
}

fn shown_place(place: &Place) -> String {
    let title = match &place.network {
        Ok(Network::Family(found)) => found.candidate.title.clone(),
        _ => "an nnU-Net".into(),
    };
    format!("{title} under {:?}", place.part.prefix.trim_end_matches('.'))
}

/// Candidates without those whose values another one has too.
fn distinct(places: &[Place], candidates: &[usize]) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for &index in candidates {
        let Ok(Network::Family(new)) = &places[index].network else {
            kept.push(index);
            continue;
        };
        let known = kept.iter().any(|&old| match &places[old].network {
            Ok(Network::Family(found)) => found.equals(&places[old].part, new, &places[index].part),
            _ => false,
        });
        if !known {
            kept.push(index);
        }
    }
    kept
}

/// Of weights and their running average the average is taken, as the programs that write both do.
fn averaged(places: &[Place], candidates: &[usize]) -> Option<Taken> {
    let &[a, b] = candidates else { return None };
    let prefix = |index: usize| places[index].part.prefix;
    let (index, other) =
        match (is_averaged(prefix(a)), is_averaged(prefix(b)), is_current(prefix(a)), is_current(prefix(b))) {
            (true, false, ..) | (_, _, false, true) => (a, b),
            (false, true, ..) | (_, _, true, false) => (b, a),
            _ => return None,
        };
    let [taken, left] = [index, other].map(|index| prefix(index).trim_end_matches('.'));
    let notice = format!(
        "the averaged weights under {taken:?} are taken, as in use after training; --part {left:?} takes those of the last step"
    );
    Some(Taken { index, notices: vec![notice] })
}

/// Why no network was found.
fn none(places: &[Place], checkpoint: &Checkpoint, wanted: Option<&str>) -> String {
    let misses = places.iter().filter_map(|place| Some((place, place.network.as_ref().err()?)));
    let best = misses
        .filter(|(place, miss)| miss.count > 0 || !place.classifies)
        .max_by_key(|(place, miss)| (!place.classifies, miss.count));
    let within = wanted.unwrap_or_default();
    let names = checkpoint.tensors.keys().chain(checkpoint.unread.keys());
    let mut names = names.filter(|name| name.starts_with(within)).map(String::as_str);
    let odd = checkpoint.unread.iter().find(|(name, what)| !name.ends_with(COUNTER) && !is_integer(what));
    let odd = odd.map_or(String::new(), |(name, what)| format!("; {name:?} is {what}, which cannot be read"));
    match best {
        Some((_, miss)) if miss.count == usize::MAX => miss.problem.clone(),
        Some((place, miss)) if !place.classifies => {
            format!("the weights are of no known network; closest is {}", miss.problem)
        }
        best => match (families::known_by_name(names.clone()), best) {
            (Some(title), _) => format!(
                "the weights look like {title}, which cannot be taken over from its weights; export it as ONNX (torch.onnx.export) \
                 and import that file"
            ),
            (None, Some((_, miss))) => format!("the weights are of no known network; closest is {}", miss.problem),
            (None, None) => format!(
                "the weights are of no known network (first tensor {:?}){odd}; an ONNX file brings its network along",
                names.next().unwrap_or_default()
            ),
        },
    }
}

fn is_integer(what: &str) -> bool {
    what.trim_start_matches('u').trim_start_matches('U').to_lowercase().starts_with('i')
        || what.eq_ignore_ascii_case("bool")
}

/// A name as it is shown: without the container of the network, and not too long.
fn shown(name: &str, container: &str) -> String {
    let name = name.strip_prefix(container).unwrap_or(name);
    name.chars().take(LONGEST_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Lists what lies beside the network that is taken.
///
/// # Errors
/// When some of it could be a part of the network.
fn beside(
    places: &[Place],
    taken: usize,
    checkpoint: &Checkpoint,
    said: bool,
    report: &mut Report,
) -> Result<(), String> {
    let prefix = places[taken].part.prefix;
    let own: Option<(BTreeSet<String>, &Found)> = match &places[taken].network {
        // Without a prefix, what begins with another word than the network's tensors lies beside it.
        Ok(Network::Family(found)) if prefix.is_empty() => {
            let words = found.names().iter().filter_map(|name| name.split('.').next().map(String::from)).collect();
            Some((words, found))
        }
        _ => None,
    };
    let is_beside = |name: &str| match &own {
        Some((words, found)) => {
            !found.is_unused(name) && !name.split('.').next().is_some_and(|first| words.contains(first))
        }
        None => !name.starts_with(prefix),
    };
    let floats = checkpoint.tensors.keys().map(String::as_str);
    let others = checkpoint.unread.keys().map(String::as_str);
    let names = floats.chain(others).filter(|name| !name.ends_with(COUNTER) && is_beside(name));
    let names: Vec<&str> = names.collect();
    // The other networks of the file were judged as a whole.
    let judged: Vec<&str> =
        places.iter().map(|place| place.part.prefix).filter(|other| *other != prefix && !other.is_empty()).collect();
    let container = container(prefix);
    let unclear: Vec<&&str> = names
        .iter()
        .filter(|name| {
            let array = checkpoint.tensors.get(**name);
            !said
                && array.is_some_and(|array| !is_vector(array))
                && !says_beside(name)
                && !judged
                    .iter()
                    .any(|other| !prefix.starts_with(*other) && name.starts_with(other) && is_complete(places, other))
        })
        .collect();
    if let Some(first) = unclear.first() {
        let shape = checkpoint.tensors.get(**first).map(|array| format!(" {:?}", array.shape)).unwrap_or_default();
        let part = if prefix.is_empty() { "\"\"" } else { prefix.trim_end_matches('.') };
        return Err(format!(
            "beside the network under {:?} the file has {:?}{shape}{}, which may belong to it; if not, take the network alone with \
             --part {part}, or else export it as ONNX",
            prefix.trim_end_matches('.'),
            shown(first, &container),
            match unclear.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            }
        ));
    }
    statistics(&names, checkpoint, &container, report);
    list(&names, &container, report);
    Ok(())
}

fn is_complete(places: &[Place], prefix: &str) -> bool {
    places.iter().any(|place| place.part.prefix == prefix && place.network.is_ok())
}

/// The key that a program keeps its weights under, of the front of a prefix.
fn container(prefix: &str) -> String {
    const KEYS: [&str; 6] =
        ["state_dict", "model_state_dict", "model_state", "network_weights", "weights", "state_dict_ema"];
    let first = prefix.split('.').next().unwrap_or_default();
    if KEYS.contains(&first) { format!("{first}.") } else { String::new() }
}

/// Means and deviations beside a network are likely those that its images were prepared with.
fn statistics(names: &[&str], checkpoint: &Checkpoint, container: &str, report: &mut Report) {
    for name in names {
        let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
        let telling = ["mean", "std"].iter().any(|word| last == *word || last.ends_with(&format!("_{word}")));
        let Some(array) = checkpoint.tensors.get(*name) else { continue };
        if telling && (1..=MOST_CHANNELS).contains(&array.values.len()) && !last.starts_with("running") {
            let values: Vec<String> = array.values.iter().map(|v| format!("{v}")).collect();
            report.notices.push(format!(
                "{} beside the network is {}: its images may have been prepared with it (--normalise)",
                shown(name, container),
                values.join(", ")
            ));
        }
    }
}

/// Names one by one where they are few, otherwise by their first word.
fn list(names: &[&str], container: &str, report: &mut Report) {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let name = shown(name, container);
        let first = name.split('.').next().unwrap_or_default().to_string();
        groups.entry(first).or_default().push(name);
    }
    for (first, names) in groups {
        if names.len() > MOST_LISTED {
            report.left.push(format!("{first} ({} tensors)", names.len()));
        } else {
            report.left.extend(names);
        }
    }
}

fn of_family(
    found: &Found,
    part: &Part,
    description: &Description,
    config: Beside,
    mut report: Report,
) -> Result<(Model, Report), String> {
    description.refuse(&Description::PLANS, "only nnU-Net's checkpoints have plans")?;
    let candidate = &found.candidate;
    let names = found.names();
    let first_words: BTreeSet<&str> = names.iter().filter_map(|name| name.split('.').next()).collect();
    let mut inside = Vec::new();
    for name in part.names().filter(|name| !names.contains(*name)) {
        let is_own = name.split('.').next().is_some_and(|first| first_words.contains(first));
        if found.is_unused(name) {
            inside.push(name.to_string());
        } else if is_own || !part.prefix.is_empty() {
            let harmless = !is_own && (says_beside(name) || part.get(name).is_none_or(is_vector));
            if !harmless {
                return Err(format!(
                    "it looks like {}, but has {name:?} beside it, so it is another network; export it as ONNX",
                    candidate.title
                ));
            }
            inside.push(name.to_string());
        }
    }
    let listed: Vec<&str> = inside.iter().map(String::as_str).collect();
    list(&listed, "", &mut report);
    report.network.clone_from(&candidate.title);
    report.matched = found.graph.parameters.len();
    report.notices.extend(candidate.notices.iter().cloned());
    report.assumed.extend(candidate.assumed.iter().cloned());
    let config = config.and_then(|config| config.as_ref().ok()).filter(|_| candidate.architecture.id == SMP);
    if let Some(config) = config {
        config.check_ends(found.ends.in_channels, found.ends.classes)?;
        report.notices.push(config.notice());
    }
    if found.is_single_logit() {
        report.assumed.push("background where its single logit is below 0".into());
    } else if !config.is_some_and(Config::says_classes_exclude) {
        report.assumed.push("channel 0 is the background, and classes exclude each other".into());
    }
    let known = Known {
        title: candidate.title.clone(),
        architecture: candidate.architecture.clone(),
        in_channels: found.ends.in_channels,
        classes: if found.is_single_logit() { 2 } else { found.ends.classes },
        patch: None,
    };
    let spec = description.spec(known, &mut report)?;
    if spec.is_classifier() {
        // It never sees an image here; what matters is said when a training starts from it.
        report.assumed.clear();
    }
    Ok((Model { spec, weights: found.weights(part) }, report))
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;

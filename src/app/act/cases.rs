//! Scans of folders as cases: which they are, how far each is, and from one to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::scans;
use crate::app::state::cases::{CaseState, Role, Way};
use crate::app::state::grouping::grouped;
use crate::app::state::saving::file_name;
use crate::app::state::scans::Item;
use crate::app::state::studio::Studio;
use crate::formats::{Entry, stem};
use crate::jobs::{
    CaseLook, CaseToSee, CompletionJob, Job, LookAtCasesJob, case_and_channel, labels_folder, mask_places,
};
use crate::session::{Segmentation, SegmentationId, SliceState};
use crate::volume::Completion;

/// The largest number that is taken for a channel.
const MOST_CHANNEL: usize = 15;
/// Last words of names that say that a file holds labels.
const MASK_WORDS: [&str; 7] = ["seg", "dseg", "mask", "label", "labels", "labelmap", "segmentation"];

/// Finds out what each item that was found in a folder is, and in which order they are worked on.
pub fn assign(studio: &mut Studio) {
    let listed: Vec<usize> = (0..studio.items.len()).filter(|n| is_listed(studio.items.get(*n))).collect();
    let mut ranked = listed.clone();
    ranked.sort_by_key(|n| studio.items.get(*n).and_then(|item| item.case.order.as_ref()));
    for (rank, n) in ranked.into_iter().enumerate() {
        studio.items.get_mut(n).into_iter().for_each(|item| item.case.rank = Some(rank));
    }
    let roles = roles(&studio.items, &listed);
    for (n, (role, places)) in roles {
        if let Some(item) = studio.items.get_mut(n) {
            (item.case.role, item.case.places) = (role, places);
        }
    }
    attach(&mut studio.items, &listed);
    let in_order = grouped(&studio.items).into_iter().flat_map(|heading| heading.items);
    studio.cases.list = in_order.filter(|n| is_case(studio.items.get(*n))).collect();
}

fn is_listed(item: Option<&Item>) -> bool {
    item.is_some_and(|item| item.case.order.is_some())
}

/// Whether an item is a scan of a folder that is worked on.
pub fn is_case(item: Option<&Item>) -> bool {
    is_listed(item) && item.is_some_and(|item| item.case.role == Role::Scan)
}

/// Masks whose files name the scan that they were made on are read with it. Those that name no scan here are not worked on.
fn attach(items: &mut [Item], listed: &[usize]) {
    let listed = || listed.iter().filter_map(|n| Some((*n, &items.get(*n)?.entry)));
    let images: Vec<(usize, &Entry)> = listed().filter(|(_, entry)| !scans::is_mask(entry)).collect();
    let owner = |mask: &Entry| {
        let series = mask.source.refers_to()?;
        images.iter().find(|(_, scan)| scans::is_of_series(scan, series)).map(|(n, _)| *n)
    };
    let masks: Vec<(usize, Option<usize>, PathBuf)> = listed()
        .filter(|(_, entry)| scans::is_mask(entry) && !images.is_empty())
        .map(|(n, entry)| (n, owner(entry), entry.path.clone()))
        .collect();
    for (n, owner, path) in masks {
        let role = if owner.is_some() { Role::Mask } else { Role::Companion };
        items.get_mut(n).into_iter().for_each(|item| item.case.role = role);
        let owner = owner.and_then(|owner| items.get_mut(owner));
        // Several masks of a file are read together.
        if let Some(case) = owner.map(|item| &mut item.case).filter(|case| !case.attached.contains(&path)) {
            case.attached.push(path);
        }
    }
}

/// What each of these items is, and where its segmentation may lie.
fn roles(items: &[Item], listed: &[usize]) -> BTreeMap<usize, (Role, Vec<PathBuf>)> {
    let entries: Vec<_> = listed.iter().filter_map(|n| Some((*n, &items.get(*n)?.entry))).collect();
    let all_paths: BTreeSet<&Path> = entries.iter().map(|(_, entry)| entry.path.as_path()).collect();
    let is_channel = |path: &Path| {
        let name = stem(path);
        let file = file_name(path);
        let ending = file.strip_prefix(&name).unwrap_or_default();
        // Cases that are numbered with as many digits have labels of their own, or more numbers than there are channels.
        let has_labels = || {
            let folder = path.parent().and_then(labels_folder);
            folder.is_some_and(|labels| {
                all_paths.iter().any(|other| other.parent() == Some(&*labels) && stem(other) == name)
            })
        };
        case_and_channel(&name).is_some_and(|(case, channel)| {
            (1..=MOST_CHANNEL).contains(&channel)
                && all_paths.contains(&*path.with_file_name(format!("{case}_0000{ending}")))
                && !has_labels()
        })
    };
    let channels: BTreeSet<usize> =
        entries.iter().filter(|(_, entry)| is_channel(&entry.path)).map(|(n, _)| *n).collect();
    let mut owners: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (n, entry) in entries.iter().filter(|(n, _)| !channels.contains(n)) {
        mask_places(entry).into_iter().for_each(|place| owners.entry(place).or_default().push(*n));
    }
    // A place that is the same for two scans is that of neither.
    owners.retain(|_, of| of.len() == 1);
    let shape = |n: usize| items.get(n).map(|item| item.entry.shape).filter(|shape| !shape.contains(&0));
    let owner = |n: usize, path: &Path| {
        let of = owners.get(path)?.first().copied()?;
        (of != n && shape(of).is_some() && shape(of) == shape(n)).then_some(of)
    };
    let owned: BTreeMap<usize, usize> =
        entries.iter().filter_map(|(n, entry)| Some((*n, owner(*n, &entry.path)?))).collect();
    let label_folders: BTreeSet<PathBuf> =
        entries.iter().filter_map(|(_, entry)| labels_folder(entry.path.parent()?)).collect();
    let is_label = |entry: &Entry| {
        is_called_mask(&entry.name) || entry.path.parent().is_some_and(|folder| label_folders.contains(folder))
    };
    let scans = entries.iter().filter(|(_, entry)| !is_label(entry)).filter_map(|(n, _)| shape(*n));
    let shapes: BTreeSet<[usize; 3]> = scans.collect();
    let mut places: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
    for (place, of) in owners.clone() {
        of.into_iter().for_each(|n| places.entry(n).or_default().push(place.clone()));
    }
    let role = |n: usize, entry: &Entry| match owned.get(&n) {
        // Where there are several, the user sees all of them.
        Some(of) if owned.values().filter(|other| *other == of).count() == 1 => Role::Mask,
        Some(_) => Role::Companion,
        None if channels.contains(&n) => Role::Companion,
        // Labels need a scan that they may belong to.
        None if is_label(entry) && shape(n).is_some_and(|shape| shapes.contains(&shape)) => Role::Companion,
        None => Role::Scan,
    };
    let role_of = |(n, entry): &(usize, &Entry)| (*n, (role(*n, entry), places.remove(n).unwrap_or_default()));
    entries.iter().map(role_of).collect()
}

/// Whether a name ends in a word for labels.
fn is_called_mask(name: &str) -> bool {
    let last = name.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    last.len() < name.len() && MASK_WORDS.contains(&&*last)
}

/// Looks at the segmentations of cases that are not open, in the background.
pub fn look(studio: &mut Studio, items: &[usize]) {
    let places = |n: usize| {
        let case = &studio.items.get(n).filter(|item| item.scan.is_none() && is_case(Some(item)))?.case;
        let left = case.left.as_ref().map(|left| &left.masks).filter(|masks| !masks.is_empty());
        let left = left.map(|masks| masks.iter().map(|mask| mask.file.path.clone()).collect());
        let places = left.unwrap_or_else(|| case.places.clone());
        Some(CaseToSee { case: n, shape: studio.items.get(n)?.entry.shape, places })
    };
    let cases: Vec<CaseToSee> = items.iter().filter_map(|n| places(*n)).collect();
    if cases.is_empty() {
        return;
    }
    studio.start(LookAtCasesJob { cases }, take_look, |studio, result| {
        let _ = studio.told(result);
    });
}

fn take_look(studio: &mut Studio, look: CaseLook) {
    let CaseLook { case, found } = look;
    if let Some((path, _)) = &found
        && studio.cases.place.is_none()
    {
        super::mask_place::learn(studio, case, path);
    }
    if let Some(item) = studio.items.get_mut(case).filter(|item| item.scan.is_none()) {
        item.case.on_disk = found.map(|(_, completion)| completion);
    }
}

/// How far a case is: by its segmentations in memory while it is open, else by those on disk.
pub fn state_of(studio: &Studio, item: &Item) -> CaseState {
    match item.scan {
        Some(scan) => {
            let all = studio.session.document().segmentations_of(scan);
            together(all.map(|(id, segmentation)| state_of_one(studio, id, segmentation)))
        }
        None => item.case.on_disk.map_or(CaseState::NotBegun, CaseState::from),
    }
}

/// The state of a case with several segmentations: it is done where all are that were begun.
fn together(states: impl Iterator<Item = CaseState>) -> CaseState {
    let begun: Vec<CaseState> = states.filter(|state| *state != CaseState::NotBegun).collect();
    match () {
        () if begun.is_empty() => CaseState::NotBegun,
        () if begun.contains(&CaseState::Draft) => CaseState::Draft,
        () if begun.contains(&CaseState::Saved) => CaseState::Saved,
        () => CaseState::Done,
    }
}

fn state_of_one(studio: &Studio, id: SegmentationId, segmentation: &Segmentation) -> CaseState {
    let view = studio.label_views.get(&id);
    if segmentation.is_modified() || segmentation.states().any(|(_, state)| state == SliceState::Draft) {
        return CaseState::Draft;
    }
    let found = view.and_then(|view| view.completion).filter(|(labels, _)| *labels == segmentation.revision().labels);
    if let Some((_, completion)) = found {
        return completion.into();
    }
    let is_begun = view.is_some_and(|view| view.file.is_some() || !view.counted.1.is_empty());
    if is_begun || segmentation.states().next().is_some() { CaseState::Saved } else { CaseState::NotBegun }
}

/// How far the segmentations of an open scan are that are all saved; `None` where there is none.
pub(super) fn completion_of(studio: &Studio, item: &Item) -> Option<Completion> {
    match state_of(studio, item) {
        CaseState::NotBegun => None,
        CaseState::Draft => Some(Completion::Draft),
        CaseState::Saved => Some(Completion::Open),
        CaseState::Done => Some(Completion::Done),
    }
}

/// Once a frame: finds out in the background whether a saved segmentation with finished slices is done as a whole.
pub fn follow(studio: &mut Studio) {
    if studio.cases.list.is_empty() || studio.tasks.find(CompletionJob::KIND).is_some() {
        return;
    }
    let is_unknown = |(id, own): &(SegmentationId, &Segmentation)| {
        let known = studio.label_views.get(id).map(|view| view.completion.map(|(labels, _)| labels));
        !own.is_modified()
            && known.is_some_and(|known| known != Some(own.revision().labels))
            && own.states().any(|(_, state)| state == SliceState::Done)
    };
    let unknown = studio.session.document().segmentations().find(is_unknown);
    let Some((id, labels, of, states)) =
        unknown.map(|(id, own)| (id, own.labels().clone(), own.revision().labels, own.states().collect()))
    else {
        return;
    };
    studio.start(
        CompletionJob { labels, states },
        |_, ()| {},
        move |studio, result| {
            if let (Some(completion), Some(view)) = (studio.told(result), studio.label_views.get_mut(&id)) {
                view.completion = Some((of, completion));
            }
        },
    );
}

/// The item of the case on screen, or of the one that is on its way there.
fn current(studio: &Studio) -> Option<usize> {
    let shown = || studio.items.iter().position(|item| item.scan.is_some() && item.scan == studio.shown);
    studio.loading.or_else(shown)
}

/// The place of the case on screen in the list, from 0.
pub fn place(studio: &Studio) -> Option<usize> {
    let current = current(studio)?;
    studio.cases.list.iter().position(|n| *n == current)
}

/// The cases that lie on a way, the nearest first.
fn onward(studio: &Studio, from: Option<usize>, way: Way) -> Vec<usize> {
    let list = &studio.cases.list;
    let at = from.and_then(|from| list.iter().position(|n| *n == from));
    let after = list.iter().skip(at.map_or(0, |at| at + 1)).copied();
    let before = list.iter().take(at.unwrap_or(0)).copied();
    match way {
        Way::Next => after.collect(),
        Way::Previous => before.rev().collect(),
        Way::NextOpen => {
            let is_open = |n: &usize| studio.items.get(*n).is_some_and(|i| state_of(studio, i) != CaseState::Done);
            after.chain(before).filter(is_open).collect()
        }
    }
}

fn is_readable(studio: &Studio, n: usize) -> bool {
    studio.items.get(n).is_some_and(|item| item.case.problem.is_none() && !item.case.is_unsized && !waits(item))
}

/// Whether a scan is opened only where the user chooses it, and has not been chosen yet.
fn waits(item: &Item) -> bool {
    item.scan.is_none() && item.case.left.is_none() && item.entry.source.asks().is_some()
}

/// Why a case is neither left nor finished now: what is being drawn is part of none yet, and would be lost.
pub fn is_drawing(studio: &Studio) -> Option<&'static str> {
    studio.hand.tool.is_busy().then_some("Finish what the tool is drawing, or drop it with Esc")
}

/// Why there is no case that way.
pub fn lacks(studio: &Studio, way: Way) -> Option<&'static str> {
    let is_there = || onward(studio, current(studio), way).into_iter().any(|n| is_readable(studio, n));
    match way {
        _ if studio.cases.list.len() < 2 => Some("Open a folder of scans first"),
        _ if is_drawing(studio).is_some() => is_drawing(studio),
        _ if is_there() => None,
        Way::Next => Some("This is the last case"),
        Way::Previous => Some("This is the first case"),
        Way::NextOpen => Some("All other cases are done"),
    }
}

/// Shows the next case of a way. Those that cannot be read are skipped, and that is said.
pub fn step(studio: &mut Studio, way: Way) {
    let from = current(studio);
    step_from(studio, from, way);
}

fn step_from(studio: &mut Studio, from: Option<usize>, way: Way) {
    let onward = onward(studio, from, way);
    let target = onward.iter().position(|n| is_readable(studio, *n));
    let passed = onward.iter().take(target.unwrap_or(onward.len())).filter_map(|n| studio.items.get(*n));
    let (open, broken): (Vec<&Item>, Vec<&Item>) = passed.partition(|item| item.case.problem.is_none());
    let (of_no_size, waiting): (Vec<&Item>, Vec<&Item>) = open.into_iter().partition(|item| item.case.is_unsized);
    let names = |items: &[&Item]| items.iter().map(|item| item.entry.name.as_str()).collect::<Vec<_>>().join(", ");
    let said = [
        ("Skipped, as it cannot be read", names(&broken)),
        ("Skipped, as it has gaps; choose it in the list", names(&waiting)),
        ("Skipped, as its size was not given; choose it in the list", names(&of_no_size)),
    ];
    for (why, names) in said.into_iter().filter(|(_, names)| !names.is_empty()) {
        studio.notices.info(format!("{why}: {names}."));
    }
    match target.and_then(|at| onward.get(at).copied()) {
        Some(item) => {
            scans::show_item(studio, item);
            studio.cases.going = studio.loading.filter(|n| *n == item).map(|n| (n, way));
        }
        None => studio.notices.info("There is no further case that can be read."),
    }
}

/// A scan could not be read: the list says why, and a step goes on behind it.
pub(super) fn could_not_be_read(studio: &mut Studio, n: usize, why: &str) {
    let Some(item) = studio.items.get_mut(n) else { return };
    item.case.problem = Some(why.into());
    if let Some((_, way)) = studio.cases.going.take_if(|(going, _)| *going == n) {
        step_from(studio, Some(n), way);
    }
}

#[cfg(test)]
pub(super) mod tests;

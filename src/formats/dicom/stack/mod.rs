//! From frames to stacks: which images form one volume, in which order, on which grid.
//!
//! **Invariant:** no volume gets a wrong slice distance without a word. A series becomes one volume, several that are
//! each complete, or a refusal; where one part fills the gaps of another, both say so.

mod arrange;
mod aside;
mod copies;
mod features;
pub mod gaps;
mod grid;
mod midnight;
pub mod names;
mod neighbours;
mod places;
mod pools;
mod titles;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::frame::Frame;
use crate::volume::Geometry;

/// An image of a series.
type Member = Arc<Frame>;

/// A number of things and what they do: "1 image lies", "3 images lie".
fn counted(count: usize, thing: &str, verb: &str) -> String {
    if count == 1 { format!("1 {thing} {verb}s") } else { format!("{count} {thing}s {verb}") }
}

/// Images that form one volume.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Series Instance UID, with `#n` for parts of a series.
    pub id: String,
    /// What people call it: the series' description or modality, with what parts it from other volumes of the series.
    pub title: String,
    /// Slices by position, time points one after the other.
    pub instances: Vec<Member>,
    /// Number of time points.
    pub frame_count: usize,
    /// What each time point is, as people read it; empty where nothing tells.
    pub frame_names: Vec<String>,
    /// How gaps between slices are filled, where there are any.
    pub filling: Option<gaps::Filling>,
    /// Grid and placement.
    pub geometry: Geometry,
    /// What the user must know.
    pub warnings: Vec<String>,
}

impl Stack {
    /// How many files it comes from.
    pub fn file_count(&self) -> usize {
        self.instances.iter().map(|frame| Arc::as_ptr(&frame.file)).collect::<HashSet<_>>().len()
    }
}

/// A stack that cannot be shown rightly.
#[derive(Debug)]
pub struct Refused {
    /// Its first file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// Sorts images into stacks; what cannot be placed rightly comes back refused.
pub fn group(frames: Vec<Frame>) -> (Vec<Stack>, Vec<Refused>) {
    let mut series: BTreeMap<String, Vec<Frame>> = BTreeMap::new();
    for frame in frames {
        series.entry(frame.series_uid.clone()).or_default().push(frame);
    }
    let (mut stacks, mut refused) = (Vec::new(), Vec::new());
    for (series_uid, mut frames) in series {
        midnight::count_on(&mut frames);
        let (mut found, failed) = group_series(frames.into_iter().map(Arc::new).collect());
        titles::name(&mut found);
        stacks.extend(found.into_iter().enumerate().map(|(n, mut stack)| {
            stack.id = if n == 0 { series_uid.clone() } else { format!("{series_uid}#{}", n + 1) };
            stack
        }));
        refused.extend(failed);
    }
    neighbours::warn_across_series(&mut stacks);
    (stacks, refused)
}

fn group_series(members: Vec<Member>) -> (Vec<Stack>, Vec<Refused>) {
    let (members, shared) = copies::leave_out(members);
    let sizes = pools::sizes(&members);
    let (mut stacks, mut refused) = (Vec::new(), Vec::new());
    for subject in pools::by_subject(members) {
        let (mut own, mut failed): (Vec<Stack>, Vec<Refused>) = (Vec::new(), Vec::new());
        for pool in pools::by_plane(subject.members) {
            let notes: Vec<String> = subject.notes.iter().chain(&pool.notes).cloned().collect();
            for outcome in arrange::arrange(pool.members, &notes) {
                match outcome {
                    Ok(stack) => own.push(stack),
                    Err((path, reason)) => failed.push(Refused { path, reason }),
                }
            }
        }
        for stack in &mut own {
            let left_out =
                failed.iter().take(3).map(|r| format!("Other images of this series are left out: {}.", r.reason));
            stack.warnings.extend(left_out);
        }
        neighbours::warn_within_series(&mut own);
        stacks.extend(own);
        refused.extend(failed);
    }
    for stack in &mut stacks {
        stack.warnings.extend(pools::other_sizes(&sizes, stack));
        stack.warnings.extend(copies::shared_uids(&shared, stack));
    }
    (stacks, refused)
}

//! Making labels of the islands of one.

use std::collections::BTreeMap;

use super::found::{NEIGHBOURS, islands};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, Tally, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::volume::{Label, LabelValue};
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "split-islands",
    name: "Split islands into labels",
    hint: "The largest connected part keeps the label, and each further one becomes a label of its own, the larger ones first. Of equal \
           ones that comes first which is first in the order of the voxels.",
    group: Group::Islands,
    works_on: WorksOn::One,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[
        Parameter {
            id: "most",
            name: "Most labels",
            hint: "How many labels there are at most afterwards; smaller islands keep the label that they have",
            kind: Kind::Count { unit: "", min: 2, max: 1000, default: 20 },
        },
        NEIGHBOURS,
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let (own, most) = (inputs.label()?, inputs.values.count("most")?);
    let islands = islands(inputs, watch.part(0.0, 0.7))?;
    let order = islands.by_size();
    let parted: Vec<usize> = order.iter().copied().skip(1).take(most - 1).collect();
    let added = new_labels(inputs, own, parted.len(), watch)?;
    let values: BTreeMap<usize, LabelValue> =
        parted.iter().copied().zip(added.iter().map(|label| label.value)).collect();
    let labels = islands.painted(inputs.labels, |part| values.get(&part).copied(), watch.part(0.7, 1.0))?;
    let left = order.len().saturating_sub(most);
    let notes = (left > 0)
        .then(|| format!("{left} smaller islands keep the label that they had: there are more islands than labels."));
    Ok(Outcome {
        tallies: vec![
            Tally::new(order.len(), "island found", "islands found"),
            Tally::new(added.len(), "label added", "labels added"),
        ],
        notes: notes.into_iter().collect(),
        added,
        ..Outcome::new(labels)
    })
}

/// So many labels whose numbers nothing has, named after the one that is split.
fn new_labels(inputs: &Inputs, own: LabelValue, count: usize, watch: Watch) -> Result<Vec<Label>, OperationError> {
    let used = inputs.labels.voxel_counts();
    watch.check()?;
    let is_free = |value: &LabelValue| !used.contains_key(value) && inputs.table.get(*value).is_none();
    let highest = inputs.table.0.iter().map(|label| label.value).chain(used.keys().copied()).max().unwrap_or(0);
    // Above all others first, as other new labels are.
    let above =
        (u32::from(highest) + 1..=u32::from(LabelValue::MAX)).filter_map(|value| LabelValue::try_from(value).ok());
    let values: Vec<LabelValue> = above.chain((1..highest).filter(is_free)).take(count).collect();
    if values.len() < count {
        return Err(OperationError::NoNumberLeft { wanted: count, left: values.len() });
    }
    let name = inputs.table.get(own).map_or_else(|| Label::unnamed(own).name, |label| label.name.trim().to_string());
    Ok((2..).zip(values).map(|(n, value): (usize, _)| Label::new(value, format!("{name} {n}"))).collect())
}

//! Keeping the largest islands of a label.

use std::collections::BTreeMap;

use super::found::{NEIGHBOURS, islands, without};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::operation::{Changes, Group, Inputs, Operation, Outcome, WorksOn};
use crate::edit::operations::parameter::{Kind, Parameter};
use crate::volume::LabelValue;
use crate::work::Watch;

/// In the list.
pub const ENTRY: Operation = Operation {
    id: "keep-largest-islands",
    name: "Keep the largest islands",
    hint: "Keeps the largest connected parts of each selected label and removes the others. Of equal ones those stay that come first in \
           the order of the voxels.",
    group: Group::Islands,
    works_on: WorksOn::Each,
    changes: Changes::Selected,
    needs_image: false,
    parameters: &[
        Parameter {
            id: "keep",
            name: "Islands",
            hint: "How many islands of each label stay",
            kind: Kind::Count { unit: "", min: 1, max: 1000, default: 1 },
        },
        NEIGHBOURS,
    ],
    run,
};

fn run(inputs: &Inputs, watch: Watch) -> Result<Outcome, OperationError> {
    let keep = inputs.values.count("keep")?;
    let islands = islands(inputs, watch.part(0.0, 0.7))?;
    let mut kept: BTreeMap<LabelValue, usize> = BTreeMap::new();
    let mut goes = vec![false; islands.parts().len()];
    for part in islands.by_size() {
        let count = kept.entry(islands.parts()[part].key).or_insert(0);
        *count += 1;
        goes[part] = *count > keep;
    }
    without(inputs.labels, &islands, |part| goes[part], watch.part(0.7, 1.0))
}

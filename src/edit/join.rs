//! Which of the user's labels the labels of a model or a file are: by name, never by number alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::volume::{Label, LabelTable, LabelValue, default_colour};

/// What became of a label that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The user has a label of this name.
    Joined,
    /// It is new, and its number was free.
    Added,
    /// It is new, and its number means something else to the user: it has another one.
    Renumbered,
}

/// A label that came in, and the label of the document that it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedLabel {
    /// As it came.
    pub incoming: Label,
    /// Its value in the document.
    pub value: LabelValue,
    /// How it got there.
    pub fate: Fate,
}

/// How the labels of a model or a file become those of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Join {
    /// Every label that came in, in its own order.
    pub labels: Vec<JoinedLabel>,
    /// The document's table afterwards: the user's labels as they were, then the new ones.
    pub table: LabelTable,
}

/// There are 65535 labels, and none of their numbers is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all 65535 label numbers are in use; delete labels that are not needed")]
pub struct NoNumberLeft;

impl Join {
    /// The document's value of a value that came in; 0 stays 0.
    pub fn value(&self, incoming: LabelValue) -> Option<LabelValue> {
        let found = self.labels.iter().find(|label| label.incoming.value == incoming);
        found.map(|label| label.value).or((incoming == 0).then_some(0))
    }

    /// The document's values that the labels have which came in.
    pub fn known(&self) -> BTreeSet<LabelValue> {
        self.labels.iter().map(|label| label.value).collect()
    }

    /// Labels that have another number now than they came with.
    pub fn moved(&self) -> impl Iterator<Item = &JoinedLabel> {
        self.labels.iter().filter(|label| label.value != label.incoming.value)
    }
}

/// Whether a name says nothing but the number.
pub fn is_nameless(label: &Label) -> bool {
    label.name.trim().is_empty() || label.is_unnamed()
}

/// Whether two names mean the same: letter case and spaces around them do not count.
pub fn is_same_name(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

/// The entry of a table with this name; of several the one of this value.
fn namesake<'a>(table: &'a LabelTable, label: &Label, free: impl Fn(LabelValue) -> bool) -> Option<&'a Label> {
    let is_it = |own: &&Label| !is_nameless(own) && is_same_name(&own.name, &label.name) && free(own.value);
    let same = table.0.iter().filter(is_it);
    same.clone().find(|own| own.value == label.value).or_else(|| same.clone().next())
}

/// Joins a table that came in with the user's own. `used` are the values that voxels of the document have.
///
/// - A name that the user has too is the user's label, whatever its number.
/// - A label without a name is the user's label of its number only if that has no name either.
/// - Everything else is a new label. It keeps its number where nothing of the user's has it (an entry without a name and
///   without voxels is nothing); else it gets the next free one.
///
/// No two labels that came in become one.
///
/// # Errors
/// When no number is left for a new label.
pub fn join(own: &LabelTable, used: &BTreeSet<LabelValue>, incoming: &LabelTable) -> Result<Join, NoNumberLeft> {
    let numbers: BTreeSet<LabelValue> = incoming.0.iter().map(|label| label.value).collect();
    if own.0.is_empty() && used.is_empty() && numbers.len() == incoming.0.len() && !numbers.contains(&0) {
        // Nothing that it could clash with: a file's labels are as they were saved.
        let added = |label: &Label| JoinedLabel { incoming: label.clone(), value: label.value, fate: Fate::Added };
        return Ok(Join { labels: incoming.0.iter().map(added).collect(), table: incoming.clone() });
    }
    let mut table = own.clone();
    table.cover(used.iter().copied());
    let owned = table.clone();
    let mut values: Vec<Option<LabelValue>> = vec![None; incoming.0.len()];
    let mut taken = BTreeSet::new();
    for (value, label) in values.iter_mut().zip(&incoming.0) {
        let found = if is_nameless(label) {
            owned.get(label.value).filter(|own| is_nameless(own) && !taken.contains(&own.value))
        } else {
            namesake(&owned, label, |own| !taken.contains(&own))
        };
        *value = found.map(|own| own.value);
        taken.extend(*value);
    }
    let joined = values.clone();
    // Those that can keep their number do so before others look for one.
    for (value, label) in values.iter_mut().zip(&incoming.0).filter(|(value, _)| value.is_none()) {
        let entry = owned.get(label.value);
        let is_free = entry.is_none_or(|own| is_nameless(own) && !own.locked && !used.contains(&own.value));
        if is_free && label.value != 0 && taken.insert(label.value) {
            *value = Some(label.value);
        }
    }
    let mut next = NextFree::new(&owned, &taken, incoming);
    let mut labels = Vec::with_capacity(incoming.0.len());
    for ((label, value), joined) in incoming.0.iter().zip(values).zip(joined) {
        let (value, fate) = match (value, joined) {
            (Some(value), Some(_)) => (value, Fate::Joined),
            (Some(value), None) => (value, Fate::Added),
            (None, _) => (next.take().ok_or(NoNumberLeft)?, Fate::Renumbered),
        };
        if fate != Fate::Joined {
            let name = if is_nameless(label) { Label::unnamed(value).name } else { label.name.trim().to_string() };
            let colour = free_colour(&table, value, label.colour);
            let entry = Label { value, name, colour, ..label.clone() };
            match table.get_mut(value) {
                Some(there) => *there = entry,
                None => table.0.push(entry),
            }
        }
        labels.push(JoinedLabel { incoming: label.clone(), value, fate });
    }
    Ok(Join { labels, table })
}

/// Numbers that nobody has, from the one above all others on, then from below.
struct NextFree {
    taken: BTreeSet<LabelValue>,
    next: u32,
}

impl NextFree {
    fn new(owned: &LabelTable, taken: &BTreeSet<LabelValue>, incoming: &LabelTable) -> Self {
        let all = owned.0.iter().chain(&incoming.0).map(|label| label.value).chain(taken.iter().copied());
        let taken: BTreeSet<LabelValue> = all.collect();
        let next = taken.last().map_or(1, |last| u32::from(*last) + 1);
        Self { taken, next }
    }

    fn take(&mut self) -> Option<LabelValue> {
        let above = LabelValue::try_from(self.next).ok();
        let value = above.or_else(|| (1..LabelValue::MAX).find(|value| !self.taken.contains(value)))?;
        self.next = self.next.max(u32::from(value) + 1);
        self.taken.insert(value);
        Some(value)
    }
}

/// The colour that is wanted, or one that no other label has.
fn free_colour(table: &LabelTable, value: LabelValue, wanted: [u8; 3]) -> [u8; 3] {
    let is_free = |colour: &[u8; 3]| table.0.iter().all(|label| label.value == value || label.colour != *colour);
    let others = (value..=LabelValue::MAX).take(256).map(default_colour);
    std::iter::once(wanted).chain(others).find(is_free).unwrap_or(wanted)
}

/// The classes of a model by the labels that a document uses: its value becomes that of the class of its name. Labels that the model
/// does not know get values that it does not have.
///
/// Masks without any names have nothing but numbers, which are the model's then.
///
/// # Errors
/// When no number is left for what the model does not know.
pub fn values_of_model(
    own: &LabelTable,
    used: &BTreeSet<LabelValue>,
    model: &LabelTable,
) -> Result<BTreeMap<LabelValue, LabelValue>, NoNumberLeft> {
    let label = |value: LabelValue| own.get(value).cloned().unwrap_or_else(|| Label::unnamed(value));
    let only_numbers = own.0.iter().all(is_nameless);
    let mut next = NextFree::new(own, used, model);
    let mut values = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for &value in used.iter().filter(|value| **value != 0) {
        let label = label(value);
        let class = match () {
            () if only_numbers => model.get(value),
            () if is_nameless(&label) => model.get(value).filter(|class| is_nameless(class)),
            () => namesake(model, &label, |class| !taken.contains(&class)),
        };
        let there = match class {
            Some(class) => class.value,
            None => next.take().ok_or(NoNumberLeft)?,
        };
        taken.insert(there);
        values.insert(value, there);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(labels: &[(LabelValue, &str)]) -> LabelTable {
        LabelTable(labels.iter().map(|(value, name)| Label::new(*value, *name)).collect())
    }

    fn joined(
        own: &[(LabelValue, &str)],
        used: &[LabelValue],
        incoming: &[(LabelValue, &str)],
    ) -> Vec<(LabelValue, Fate)> {
        let used = used.iter().copied().collect();
        let join = join(&table(own), &used, &table(incoming)).unwrap();
        join.labels.iter().map(|label| (label.value, label.fate)).collect()
    }

    #[test]
    fn a_name_finds_the_users_label_whatever_its_number() {
        let own = [(1, "Tumour"), (4, " posterior "), (9, "Anterior")];
        let found = joined(&own, &[1, 4, 9], &[(1, "Anterior"), (2, "Posterior"), (3, "Tail")]);
        assert_eq!(found, [(9, Fate::Joined), (4, Fate::Joined), (3, Fate::Added)]);
        // Letters beyond ASCII have two cases as well.
        assert_eq!(joined(&[(7, "FÜSSE")], &[7], &[(1, "füsse")]), [(7, Fate::Joined)]);
    }

    #[test]
    fn a_number_that_means_something_else_is_not_taken() {
        let found = joined(&[(1, "Tumour")], &[1], &[(1, "Anterior"), (2, "Posterior")]);
        assert_eq!(found, [(3, Fate::Renumbered), (2, Fate::Added)], "2 keeps its number, 1 gets the next free one");
        // Also where the user's label is empty: it has a name.
        assert_eq!(joined(&[(1, "Tumour")], &[], &[(1, "Anterior")]), [(2, Fate::Renumbered)]);
        // What was painted without a name is the user's too; an empty entry without a name is nothing.
        assert_eq!(joined(&[(1, "Label 1")], &[1], &[(1, "Anterior")]), [(2, Fate::Renumbered)]);
        assert_eq!(joined(&[], &[1], &[(1, "Anterior")]), [(2, Fate::Renumbered)]);
        assert_eq!(joined(&[(1, "Label 1")], &[], &[(1, "Anterior")]), [(1, Fate::Added)]);
    }

    #[test]
    fn a_label_without_a_name_is_that_of_its_number_only_where_that_has_none_either() {
        let own = [(1, "Liver"), (2, "Label 2"), (3, "  ")];
        let found = joined(&own, &[1, 2, 3], &[(1, "Label 1"), (2, "Label 2"), (3, "Label 3"), (8, "Label 8")]);
        assert_eq!(found, [(9, Fate::Renumbered), (2, Fate::Joined), (3, Fate::Joined), (8, Fate::Added)]);
        let join = join(&table(&own), &BTreeSet::from([1]), &table(&[(1, "Label 1")])).unwrap();
        assert_eq!(join.table.get(4).unwrap().name, "Label 4", "its old number is no name");
        // A name that is like a number of another label is a name.
        assert_eq!(joined(&[(5, "Label 3")], &[5], &[(3, "Label 3")]), [(3, Fate::Added)]);
    }

    #[test]
    fn a_locked_label_without_a_name_stays_locked() {
        let own = LabelTable(vec![Label { locked: true, ..Label::unnamed(1) }]);
        let join = join(&own, &BTreeSet::new(), &table(&[(1, "Anterior")])).unwrap();
        assert_eq!((join.labels[0].value, join.labels[0].fate), (2, Fate::Renumbered));
        assert!(join.table.is_locked(1) && !join.table.is_locked(2));
    }

    #[test]
    fn two_labels_of_one_name_do_not_become_one() {
        let found = joined(&[(3, "Cyst")], &[3], &[(1, "Cyst"), (2, "cyst"), (3, "CYST")]);
        assert_eq!(found, [(3, Fate::Joined), (2, Fate::Added), (4, Fate::Renumbered)]);
    }

    #[test]
    fn the_users_colours_and_order_stay_and_new_ones_differ() {
        let mut own = table(&[(5, "Spleen"), (1, "Tumour")]);
        own.0[0].colour = [1, 2, 3];
        own.0[1].locked = true;
        let mut incoming = table(&[(1, "spleen"), (2, "Kidney")]);
        incoming.0[1].colour = own.0[1].colour;
        let join = join(&own, &BTreeSet::new(), &incoming).unwrap();
        assert_eq!(&join.table.0[..2], &own.0[..]);
        let kidney = &join.table.0[2];
        assert_eq!((kidney.value, kidney.name.as_str()), (2, "Kidney"));
        assert!(own.0.iter().all(|label| label.colour != kidney.colour));
    }

    #[test]
    fn the_last_number_is_followed_by_those_that_are_free_below() {
        let own = [(LabelValue::MAX, "Last"), (1, "First")];
        assert_eq!(
            joined(&own, &[], &[(1, "New"), (LabelValue::MAX, "Newer")]),
            [(2, Fate::Renumbered), (3, Fate::Renumbered)]
        );
    }

    #[test]
    fn a_models_classes_are_found_by_the_users_names() {
        let model = table(&[(1, "Anterior"), (2, "Posterior")]);
        let values = |own: &[(LabelValue, &str)]| {
            let used = own.iter().map(|(value, _)| *value).collect();
            values_of_model(&table(own), &used, &model).unwrap().into_iter().collect::<Vec<_>>()
        };
        // A tumour that has a class's number is none of it.
        assert_eq!(values(&[(1, "Tumour"), (2, "anterior"), (3, "Posterior")]), [(1, 4), (2, 1), (3, 2)]);
        assert_eq!(values(&[(1, "Label 1"), (2, "Posterior")]), [(1, 3), (2, 2)]);
        assert_eq!(values(&[(1, "Label 1"), (2, "Label 2"), (6, "Label 6")]), [(1, 1), (2, 2), (6, 7)]);
    }

    proptest! {
        #[test]
        fn nothing_is_merged_and_no_entry_of_the_users_changes(
            own in prop::collection::btree_map(1u16..9, 0usize..6, 0..7),
            used in prop::collection::btree_set(1u16..9, 0..6),
            incoming in prop::collection::btree_map(1u16..9, 0usize..6, 0..7),
        ) {
            let names = ["Anterior", "anterior ", "Tumour", "Liver", "", "Cyst"];
            let make = |all: &BTreeMap<u16, usize>| LabelTable(all.iter().map(|(value, name)| match names[*name] {
                "" => Label::unnamed(*value),
                name => Label::new(*value, name),
            }).collect());
            let (own, incoming) = (make(&own), make(&incoming));
            let join = join(&own, &used, &incoming).unwrap();
            let distinct = join.known();
            prop_assert_eq!(distinct.len(), incoming.0.len());
            let in_table: BTreeSet<_> = join.table.0.iter().map(|label| label.value).collect();
            prop_assert_eq!(in_table.len(), join.table.0.len());
            for label in &join.labels {
                let entry = join.table.get(label.value).unwrap();
                if !is_nameless(&label.incoming) {
                    prop_assert!(is_same_name(&entry.name, &label.incoming.name), "{:?} {:?}", entry, label);
                }
                if label.fate != Fate::Joined {
                    prop_assert!(!used.contains(&label.value));
                }
            }
            for label in own.0.iter().filter(|label| !is_nameless(label) || used.contains(&label.value)) {
                prop_assert_eq!(join.table.get(label.value), Some(label));
            }
        }
    }
}

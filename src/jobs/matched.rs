//! Labels of two masks on one set of values: by name, and by number only where names say nothing.

use std::collections::BTreeSet;

use super::error::JobError;
use crate::edit::{Fate, is_nameless, join};
use crate::volume::{LabelMap, LabelTable, LabelValue};

/// Two maps in which the same value means the same label.
pub(super) struct Matched {
    /// The first, with the second's values.
    pub first: LabelMap,
    /// The second, as it was.
    pub second: LabelMap,
    /// Names of all values.
    pub table: LabelTable,
    /// What the user must know of how labels were matched.
    pub notices: Vec<String>,
}

/// Matches the labels of a first mask with those of a second. `called` are the masks' names in notices.
///
/// # Errors
/// When no number is left for a label that only the first has.
pub(super) fn matched(
    (first, own): (LabelMap, &LabelTable),
    (second, other): (LabelMap, &LabelTable),
    called: [&str; 2],
) -> Result<Matched, JobError> {
    let used: BTreeSet<LabelValue> = second.voxel_counts().into_keys().collect();
    let (mut incoming, mut table) = (own.clone(), other.clone());
    incoming.cover(first.voxel_counts().into_keys());
    table.cover(used.iter().copied());
    let names = |table: &LabelTable| table.0.iter().any(|label| !is_nameless(label));
    if !names(&incoming) || !names(&table) {
        // There is nothing but numbers; where one mask has names they serve both.
        let mut notices = Vec::new();
        if names(&incoming) || names(&table) {
            notices.push("only one of the two masks names its labels; they are compared by their numbers.".to_string());
        }
        let mut named = if names(&incoming) { incoming.clone() } else { table.clone() };
        named.cover(incoming.0.iter().chain(&table.0).map(|label| label.value));
        return Ok(Matched { first, second, table: named, notices });
    }
    let joined = join(&table, &used, &incoming).map_err(|e| JobError::Other(e.to_string()))?;
    let [one, two] = called;
    let mut notices = Vec::new();
    for label in joined.moved() {
        let (number, name) = (label.incoming.value, &label.incoming.name);
        notices.push(match label.fate {
            Fate::Joined => format!("{name:?} is label {number} in {one} and {} in {two}; labels are compared by name.", label.value),
            Fate::Added | Fate::Renumbered => {
                let there = table.get(number).map(|label| label.name.clone()).unwrap_or_default();
                format!(
                    "label {number} is called {name:?} in {one} and {there:?} in {two}; they are compared as different labels, {name:?} as \
                     number {}.",
                    label.value
                )
            }
        });
    }
    // Every value has an entry, so every value is known.
    let first = first.mapped(|value| joined.value(value)).unwrap_or(first);
    Ok(Matched { first, second, table: joined.table, notices })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Label};

    fn map(values: [u16; 4]) -> LabelMap {
        LabelMap::from_fn(Geometry::new([4, 1, 1], Affine::IDENTITY).unwrap(), |[i, ..]| values[i])
    }

    fn table(labels: &[(u16, &str)]) -> LabelTable {
        LabelTable(labels.iter().map(|(value, name)| Label::new(*value, *name)).collect())
    }

    fn values(map: &LabelMap) -> [u16; 4] {
        [0, 1, 2, 3].map(|i| map.get([i, 0, 0]))
    }

    #[test]
    fn names_are_matched_whatever_the_numbers_and_strangers_stay_apart() {
        let (own, other) =
            (table(&[(1, "Spleen"), (2, "Liver"), (3, "Cyst")]), table(&[(1, "liver"), (2, "spleen"), (3, "Aorta")]));
        let found = matched((map([1, 2, 3, 0]), &own), (map([2, 1, 0, 3]), &other), ["a", "b"]).unwrap();
        assert_eq!((values(&found.first), values(&found.second)), ([2, 1, 4, 0], [2, 1, 0, 3]));
        assert_eq!(found.table.get(4).unwrap().name, "Cyst");
        assert_eq!(found.notices.len(), 3, "{:?}", found.notices);
        assert!(found.notices[2].contains("\"Cyst\" in a and \"Aorta\" in b"), "{:?}", found.notices);
    }

    #[test]
    fn numbers_count_where_a_mask_has_no_names() {
        let found = matched(
            (map([1, 2, 5, 0]), &LabelTable::default()),
            (map([1, 1, 2, 0]), &table(&[(1, "Liver")])),
            ["a", "b"],
        );
        let found = found.unwrap();
        assert_eq!(values(&found.first), [1, 2, 5, 0]);
        assert_eq!(
            (found.table.get(1).unwrap().name.as_str(), found.table.get(5).unwrap().name.as_str()),
            ("Liver", "Label 5")
        );
        assert_eq!(found.notices.len(), 1);
        let plain =
            matched((map([1, 2, 5, 0]), &LabelTable::default()), (map([1; 4]), &LabelTable::default()), ["a", "b"]);
        assert!(plain.unwrap().notices.is_empty());
    }
}

//! Which labels of several cases are one structure: by name, and by number only where names say nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::edit::is_nameless;
use crate::volume::{Label, LabelValue};

/// The labels of a case by value, with their names where they have one.
pub(super) type CaseLabels<'a> = BTreeMap<LabelValue, Option<&'a str>>;

/// What a structure is known by: its name in small letters, and which of several labels of that name in a case it is; else its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Named(String, usize),
    Numbered(LabelValue),
}

/// The structures of several cases, each with a number of its own.
pub(super) struct Structures {
    /// For each case, the structures of its labels.
    pub of_cases: Vec<BTreeMap<LabelValue, LabelValue>>,
    /// Names of those that have one.
    pub names: BTreeMap<LabelValue, String>,
    /// What the user must know of labels whose numbers are not the same in all cases.
    pub notice: Option<String>,
}

/// The structures of the labels of these cases. A structure keeps the number that it has in the first case, where no other has it.
pub(super) fn structures(cases: &[CaseLabels]) -> Structures {
    let known = known_labels(cases);
    let mut numbers: BTreeMap<&Known, LabelValue> = BTreeMap::new();
    let mut taken: BTreeSet<LabelValue> = BTreeSet::new();
    let labels = || known.iter().flatten();
    for (value, structure) in labels() {
        if !numbers.contains_key(structure) && taken.insert(*value) {
            numbers.insert(structure, *value);
        }
    }
    let used: BTreeSet<LabelValue> = labels().map(|(value, _)| *value).collect();
    let mut free = (1..=LabelValue::MAX).filter(|value| !used.contains(value));
    for (value, structure) in labels() {
        // As many structures as numbers are never there.
        numbers.entry(structure).or_insert_with(|| free.next().unwrap_or(*value));
    }
    let mut names = BTreeMap::new();
    let mut moved: BTreeSet<LabelValue> = BTreeSet::new();
    let mut of_cases = Vec::with_capacity(cases.len());
    for (case, known) in cases.iter().zip(&known) {
        let mut of_case = BTreeMap::new();
        for (value, structure) in known {
            let number = numbers.get(structure).copied().unwrap_or(*value);
            if number != *value {
                moved.insert(number);
            }
            if let (Known::Named(..), Some(name)) = (structure, name_of(case, *value)) {
                names.entry(number).or_insert_with(|| name.trim().to_string());
            }
            of_case.insert(*value, number);
        }
        of_cases.push(of_case);
    }
    let listed: Vec<String> =
        moved.iter().filter_map(|number| Some(format!("{:?} as {number}", names.get(number)?))).collect();
    let notice = (!listed.is_empty()).then(|| {
        format!("labels have other numbers in some cases than in others; means go by name, {}.", listed.join(", "))
    });
    Structures { of_cases, names, notice }
}

/// A label's name in a case, where it has one.
fn name_of<'a>(case: &CaseLabels<'a>, value: LabelValue) -> Option<&'a str> {
    let name = (*case.get(&value)?)?;
    (!is_nameless(&Label::new(value, name))).then_some(name)
}

/// What every label of every case is known by.
fn known_labels(cases: &[CaseLabels]) -> Vec<BTreeMap<LabelValue, Known>> {
    let mut all: Vec<BTreeMap<LabelValue, Known>> = Vec::with_capacity(cases.len());
    let mut named: BTreeMap<LabelValue, BTreeSet<Known>> = BTreeMap::new();
    for case in cases {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut of_case = BTreeMap::new();
        for value in case.keys() {
            let structure = match name_of(case, *value) {
                Some(name) => {
                    let name = name.trim().to_lowercase();
                    let nth = seen.entry(name.clone()).or_insert(0);
                    *nth += 1;
                    let structure = Known::Named(name, *nth);
                    named.entry(*value).or_default().insert(structure.clone());
                    structure
                }
                None => Known::Numbered(*value),
            };
            of_case.insert(*value, structure);
        }
        all.push(of_case);
    }
    // A number without a name is what other cases call it, where all of them call it the same.
    for of_case in &mut all {
        let there: BTreeSet<Known> = of_case.values().cloned().collect();
        for (value, structure) in of_case.iter_mut().filter(|(_, known)| matches!(known, Known::Numbered(_))) {
            let one = named.get(value).filter(|names| names.len() == 1).and_then(BTreeSet::first);
            if let Some(one) = one.filter(|one| !there.contains(*one)) {
                *structure = one.clone();
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cases: &[&[(LabelValue, &'static str)]]) -> Structures {
        let case = |labels: &&[(LabelValue, &'static str)]| labels.iter().map(|(v, name)| (*v, Some(*name))).collect();
        structures(&cases.iter().map(case).collect::<Vec<_>>())
    }

    #[test]
    fn names_count_and_numbers_only_where_there_are_no_names() {
        let found = found(&[
            &[(1, "Liver"), (2, "spleen"), (5, "Label 5")],
            &[(1, "Spleen"), (2, " liver"), (3, "cyst"), (5, "Label 5")],
            &[(1, "cyst"), (3, "Label 3"), (7, "Label 7")],
        ]);
        let of = |case: usize| found.of_cases[case].iter().map(|(a, b)| (*a, *b)).collect::<Vec<_>>();
        assert_eq!(of(0), [(1, 1), (2, 2), (5, 5)]);
        assert_eq!(of(1), [(1, 2), (2, 1), (3, 3), (5, 5)]);
        // The last case calls its first label a cyst, so that its third one is another structure, without a name.
        assert_eq!(of(2), [(1, 3), (3, 4), (7, 7)]);
        assert_eq!(
            found.names,
            BTreeMap::from([1, 2, 3].map(|n| (n, ["Liver", "spleen", "cyst"][n as usize - 1].into())))
        );
        let notice = found.notice.unwrap();
        assert!(notice.contains("\"Liver\" as 1") && notice.contains("\"cyst\" as 3"), "{notice}");
    }

    #[test]
    fn a_number_without_a_name_is_what_all_other_cases_call_it() {
        let same = found(&[&[(1, "Label 1")], &[(1, "Liver")], &[(1, "liver")]]);
        assert!(same.of_cases.iter().all(|case| case[&1] == 1) && same.notice.is_none());
        assert_eq!(same.names[&1], "Liver");
        let unclear = found(&[&[(1, "Label 1")], &[(1, "Liver")], &[(1, "Spleen")]]);
        assert_eq!(unclear.of_cases.iter().map(|case| case[&1]).collect::<BTreeSet<_>>().len(), 3);
        // Two labels of one name in a case stay two.
        let twice = found(&[&[(1, "cyst"), (2, "cyst")], &[(4, "cyst"), (5, "cyst")]]);
        assert_eq!(twice.of_cases[1], BTreeMap::from([(4, 1), (5, 2)]));
    }
}

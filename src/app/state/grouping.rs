//! Items by patient and study. What tells patients apart is compared and never shown.

use super::scans::Item;
use crate::formats::Belonging;

/// Items that belong together.
#[derive(Debug, PartialEq, Eq)]
pub struct Heading {
    /// "Patient 1, study 2"; none for files that do not say whose they are.
    pub title: Option<String>,
    /// Places in the list of items.
    pub items: Vec<usize>,
}

/// All items, those of one study together, in the order in which patients and studies came; within a study those that were opened by
/// themselves, then those of folders by their names.
pub fn grouped(items: &[Item]) -> Vec<Heading> {
    let keys: Vec<Option<&Belonging>> = items.iter().map(|item| item.entry.belongs_to.as_ref()).collect();
    let mut groups = by_key(&keys);
    for (_, group) in &mut groups {
        group.sort_by_key(|n| items.get(*n).and_then(|item| item.case.rank));
    }
    let titles = titles(groups.iter().map(|(key, _)| *key));
    groups.into_iter().zip(titles).map(|((_, items), title)| Heading { title, items }).collect()
}

fn by_key<'a>(keys: &[Option<&'a Belonging>]) -> Vec<(Option<&'a Belonging>, Vec<usize>)> {
    let mut groups: Vec<(Option<&Belonging>, Vec<usize>)> = Vec::new();
    for (n, key) in keys.iter().enumerate() {
        match groups.iter_mut().find(|(of, _)| of == key) {
            Some((_, items)) => items.push(n),
            None => groups.push((*key, vec![n])),
        }
    }
    groups
}

/// Patients are numbered as they came, and so are the studies of each.
fn titles<'a>(keys: impl Iterator<Item = Option<&'a Belonging>>) -> Vec<Option<String>> {
    let mut patients: Vec<(&str, usize)> = Vec::new();
    let mut number = |key: &'a Belonging| {
        let at = patients.iter().position(|(of, _)| *of == key.patient).unwrap_or_else(|| {
            patients.push((key.patient.as_str(), 0));
            patients.len() - 1
        });
        patients[at].1 += 1;
        format!("Patient {}, study {}", at + 1, patients[at].1)
    };
    keys.map(|key| key.map(&mut number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_grouped_by_patient_and_study_and_nobody_is_named() {
        let of = |patient: &str, study: &str| Belonging { patient: patient.into(), study: study.into() };
        let [a1, a2, b1] = [of("Doe", "1.2"), of("Doe", "1.3"), of("Roe", "1.2")];
        let keys = [Some(&a1), None, Some(&b1), Some(&a1), Some(&a2), None];
        let groups = by_key(&keys);
        let places: Vec<&[usize]> = groups.iter().map(|(_, items)| &items[..]).collect();
        assert_eq!(places, [&[0, 3][..], &[1, 5], &[2], &[4]]);
        let titles = titles(groups.iter().map(|(key, _)| *key));
        let shown: Vec<&str> = titles.iter().map(|title| title.as_deref().unwrap_or("-")).collect();
        assert_eq!(shown, ["Patient 1, study 1", "-", "Patient 2, study 1", "Patient 1, study 2"]);
    }
}

//! What the user must know of labels that were joined.

use crate::app::state::joining::Source;
use crate::app::state::notices::Kind;
use crate::edit::{Fate, JoinedLabel};
use crate::jobs::Joined;
use crate::session::KeptBy;
use crate::volume::{LabelTable, LabelValue};
use crate::words::{plural, say};

/// Most labels that are named in a notice; the others are in its details.
const FEW_LABELS: usize = 3;

/// A number with commas between its thousands.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn voxels(count: usize) -> String {
    plural!(count, "1 voxel", "{count} voxels", count = grouped(count))
}

fn name_in(table: &LabelTable, value: LabelValue) -> String {
    table.get(value).map_or_else(|| say!("Label {value}", value), |label| label.name.trim().to_string())
}

/// What the user must know of labels that were joined: a notice and its details. `before` is the table as it was.
pub fn told(joined: &Joined, before: &LabelTable, source: &Source) -> Option<(Kind, String, String)> {
    let table = &joined.join.table;
    let mut sentences: Vec<String> = Vec::new();
    let moved: Vec<&JoinedLabel> = joined.join.labels.iter().filter(|label| label.fate == Fate::Renumbered).collect();
    for label in moved.iter().take(FEW_LABELS) {
        let (number, name) = (label.incoming.value, name_in(table, label.value));
        let own = match before.get(number) {
            Some(own) => say!("number {number} is your \"{own}\"", number, own = own.name.trim()),
            None => say!("number {number} is taken", number),
        };
        sentences.push(say!("{name} is label {value} here: {own}.", name, value = label.value, own));
    }
    if moved.len() > FEW_LABELS {
        sentences.push(say!("{count} more labels have other numbers too.", count = moved.len() - FEW_LABELS));
    }
    let mut kind = if moved.is_empty() { Kind::Info } else { Kind::Warning };
    if *source != Source::Pixels {
        let kept: Vec<String> =
            joined.kept.iter().map(|(value, _)| format!("\"{}\"", name_in(table, *value))).collect();
        let from = source.name();
        match &kept[..] {
            [] => {}
            [one] => sentences.push(say!("{one} is not a label of {from} and stays as it was.", one, from)),
            few if few.len() <= FEW_LABELS => {
                sentences.push(say!(
                    "{few} are not labels of {from} and stay as they were.",
                    few = few.join(", "),
                    from
                ));
            }
            many => sentences.push(say!(
                "{count} labels that {from} does not have stay as they were.",
                count = many.len(),
                from
            )),
        }
    }
    for (label, by, count) in &joined.kept_out {
        let name = name_in(table, *label);
        let (count, voxels) = (*count, voxels(*count));
        sentences.push(match by {
            KeptBy::OwnLock => plural!(
                count,
                "{voxels} of {name} was left out: {name} is locked.",
                "{voxels} of {name} were left out: {name} is locked.",
                voxels,
                name
            ),
            KeptBy::Lock(own) => plural!(
                count,
                "{voxels} of {name} was kept out by the locked label {own}.",
                "{voxels} of {name} were kept out by the locked label {own}.",
                voxels,
                name,
                own = name_in(table, *own)
            ),
            KeptBy::Unknown(own) => plural!(
                count,
                "{voxels} of {name} was kept out by {own}.",
                "{voxels} of {name} were kept out by {own}.",
                voxels,
                name,
                own = name_in(table, *own)
            ),
            KeptBy::FinishedSlice => plural!(
                count,
                "{voxels} of {name} was kept out by finished slices.",
                "{voxels} of {name} were kept out by finished slices.",
                voxels,
                name
            ),
            KeptBy::DrawOver => plural!(
                count,
                "{voxels} of {name} was kept out by the \"Paint over\" mode.",
                "{voxels} of {name} were kept out by the \"Paint over\" mode.",
                voxels,
                name
            ),
            KeptBy::Range => plural!(
                count,
                "{voxels} of {name} was kept out by the range of values.",
                "{voxels} of {name} were kept out by the range of values.",
                voxels,
                name
            ),
            KeptBy::Region => plural!(
                count,
                "{voxels} of {name} was outside the region.",
                "{voxels} of {name} were outside the region.",
                voxels,
                name
            ),
        });
        kind = Kind::Warning;
    }
    if sentences.is_empty() {
        return None;
    }
    let mut details: Vec<String> = Vec::new();
    if !moved.is_empty() {
        details.push(say!("Label of {source}: your label", source = source.name()));
        details.extend(joined.join.labels.iter().map(|label| {
            format!("{} {}: {} {}", label.incoming.value, label.incoming.name, label.value, name_in(table, label.value))
        }));
    }
    details.extend(joined.kept.iter().map(|(value, count)| {
        say!("{value} {name} stays, {voxels}", value, name = name_in(table, *value), voxels = voxels(*count))
    }));
    // A few sentences are read; the rest is in the details.
    let mut text = sentences;
    if text.len() > 2 * FEW_LABELS {
        details.splice(0..0, text.split_off(2 * FEW_LABELS));
        text.push(say!("More is in the details.").into());
    }
    Some((kind, text.join(" "), details.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(
            [0, 12, 123, 1234, 12345, 1_234_567].map(grouped),
            ["0", "12", "123", "1,234", "12,345", "1,234,567"]
        );
    }
}

//! Table E.1-1 of DICOM PS3.15 (2026c for the basic profile, 2024c for its options), as rows of `profile.tsv`: the element, what the basic profile
//! does with it, and what options do instead.

use std::collections::HashMap;
use std::sync::LazyLock;

use dicom::core::Tag;

/// What the basic profile does with an element: the letters of Table E.1-1a. Where it depends on the type that the element has in its object, the
/// choice is the one that is right for each type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basic {
    /// X: it is removed.
    Remove,
    /// Z and X/Z: it stays without a value.
    Empty,
    /// D, Z/D, X/D and X/Z/D: it gets a value that says nothing.
    Dummy,
    /// U: it gets another identifier.
    Uid,
    /// X/Z/U*: the sequence stays, with other identifiers in it.
    Inside,
}

/// An option of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProfileOption {
    /// Retain UIDs.
    Uids,
    /// Retain Device Identity.
    Device,
    /// Retain Institution Identity.
    Institution,
    /// Retain Patient Characteristics.
    Patient,
    /// Retain Longitudinal Temporal Information with Full Dates.
    Dates,
    /// Retain Longitudinal Temporal Information with Modified Dates.
    Shifted,
    /// Clean Descriptors.
    Descriptors,
}

/// What an option does with an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instead {
    /// K: it stays as it is.
    Keep,
    /// C: it stays, cleaned.
    Clean,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The basic profile.
    pub basic: Basic,
    /// The options that say something about the element.
    pub options: Vec<(ProfileOption, Instead)>,
}

static ROWS: LazyLock<HashMap<Tag, Row>> =
    LazyLock::new(|| include_str!("profile.tsv").lines().filter_map(row).collect());

/// The row of an element; repeating groups have one for all of them.
pub fn row_of(tag: Tag) -> Option<&'static Row> {
    ROWS.get(&match tag.group() {
        0x5000..=0x50FF => Tag(0x5000, 0),
        0x6000..=0x60FF => Tag(0x6000, tag.element()),
        _ => tag,
    })
}

fn row(line: &str) -> Option<(Tag, Row)> {
    let mut words = line.split('\t');
    let (tag, basic, options) = (words.next()?, words.next()?, words.next()?);
    let basic = match basic {
        "X" => Basic::Remove,
        "Z" | "X/Z" => Basic::Empty,
        "D" | "Z/D" | "X/D" | "X/Z/D" => Basic::Dummy,
        "U" => Basic::Uid,
        "X/Z/U" => Basic::Inside,
        _ => return None,
    };
    let option = |text: &str| {
        let (name, letter) = text.split_once('=')?;
        let option = match name {
            "uids" => ProfileOption::Uids,
            "device" => ProfileOption::Device,
            "institution" => ProfileOption::Institution,
            "patient" => ProfileOption::Patient,
            "dates" => ProfileOption::Dates,
            "shifted" => ProfileOption::Shifted,
            "descriptors" => ProfileOption::Descriptors,
            _ => return None,
        };
        Some((option, if letter == "K" { Instead::Keep } else { Instead::Clean }))
    };
    let tag = match tag {
        "50XXXXXX" => Tag(0x5000, 0),
        "60XX3000" => Tag(0x6000, 0x3000),
        "60XX4000" => Tag(0x6000, 0x4000),
        tag => {
            let number = u32::from_str_radix(tag, 16).ok()?;
            Tag(u16::try_from(number >> 16).ok()?, u16::try_from(number & 0xFFFF).ok()?)
        }
    };
    Some((tag, Row { basic, options: options.split(' ').filter_map(option).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        let lines = include_str!("profile.tsv").lines().count();
        assert_eq!((ROWS.len(), lines), (655, 655));
        let options: usize = include_str!("profile.tsv").matches('=').count();
        assert_eq!(ROWS.values().map(|row| row.options.len()).sum::<usize>(), options);
        assert_eq!(row_of(Tag(0x0010, 0x0010)), Some(&Row { basic: Basic::Empty, options: Vec::new() }));
        assert_eq!(row_of(Tag(0x6002, 0x3000)).map(|row| row.basic), Some(Basic::Remove));
        assert_eq!(row_of(Tag(0x0028, 0x0010)), None);
    }
}

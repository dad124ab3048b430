//! Tables of BIDS, `NAME_dseg.tsv`: columns `index` and `name`, and `color` as `#RRGGBB`.
//!
//! Source: BIDS 1.10, derivatives, imaging data types, "Common image-derived labels".

use super::Listed;
use crate::volume::Rgb;

/// The labels of a table; `None` where it has no columns of these names.
pub fn labels(text: &str) -> Option<Listed> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty());
    let heads: Vec<String> = lines.next()?.split('\t').map(|head| head.trim().to_ascii_lowercase()).collect();
    let column = |names: &[&str]| heads.iter().position(|head| names.contains(&head.as_str()));
    let (index, name) = (column(&["index"])?, column(&["name"])?);
    let color = column(&["color", "colour"]);
    let mut listed = Listed::default();
    for line in lines {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let field = |n: usize| fields.get(n).copied().filter(|field| *field != "n/a").unwrap_or_default();
        listed.push(field(index), unquoted(field(name)), color.and_then(|n| hex(field(n))), true);
    }
    Some(listed)
}

fn unquoted(field: &str) -> &str {
    field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(field)
}

/// A colour as `#RRGGBB`.
fn hex(text: &str) -> Option<Rgb> {
    let digits = unquoted(text).strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = number.to_be_bytes();
    Some([r, g, b])
}

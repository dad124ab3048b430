//! The shape of an array that tifffile writes into the description.

use super::axes::{Axis, Role};

/// Axes before rows and columns, the fastest first, and whether they are named; `None` for other descriptions.
///
/// `planes` is the number of pages, or `None` where a single page may stand for all of them. `page` is width and height.
pub fn axes(description: &str, page: [usize; 2], samples: usize, planes: Option<usize>) -> Option<(Vec<Axis>, bool)> {
    let (shape, letters, truncated) = parse(description)?;
    if planes.is_none() && !truncated {
        return None;
    }
    let [width, height] = page;
    // The page is the end of the shape: rows and columns, with the samples behind or before them.
    let leading = [
        (vec![height, width], 2),
        (vec![height, width, samples], 3),
        (vec![samples, height, width], 3),
        (vec![height, width, 1], 3),
    ];
    let (_, used) = leading.into_iter().find(|(end, used)| {
        shape.ends_with(end) && {
            let count: Option<usize> = shape[..shape.len() - used].iter().try_fold(1usize, |n, &s| n.checked_mul(s));
            match planes {
                Some(planes) => count == Some(planes),
                None => count.is_some_and(|count| count > 1),
            }
        }
    })?;
    let outer = &shape[..shape.len() - used];
    let names: Vec<char> = letters.chars().take(outer.len()).collect();
    let named = letters.chars().count() == shape.len();
    let last = outer.iter().rposition(|&size| size > 1);
    let axes = outer.iter().enumerate().rev().map(|(n, &size)| {
        let role = match names.get(n).filter(|_| named) {
            Some('Z' | 'I') => Role::Slice,
            Some('C' | 'S') => Role::Channel,
            Some('T') => Role::Time,
            Some(letter) if *letter != 'Q' => Role::Other,
            _ if Some(n) == last => Role::Slice,
            _ => Role::Other,
        };
        Axis::new(role, size)
    });
    Some((axes.collect(), named))
}

/// Shape, names of the axes, and whether one page stands for all.
fn parse(description: &str) -> Option<(Vec<usize>, String, bool)> {
    let text = description.trim();
    if let Some(list) = text.strip_prefix("shape=(") {
        let shape = list.trim_end_matches(')').split(',').map(str::trim).filter(|n| !n.is_empty());
        return Some((shape.map(str::parse).collect::<Result<_, _>>().ok()?, String::new(), false));
    }
    if !text.starts_with('{') {
        return None;
    }
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let shape = json.get("shape")?.as_array()?;
    let shape = shape.iter().map(|n| n.as_u64().and_then(|n| usize::try_from(n).ok())).collect::<Option<Vec<_>>>()?;
    let axes = json.get("axes").and_then(|axes| axes.as_str()).unwrap_or_default();
    Some((shape, axes.to_string(), json.get("truncated").and_then(serde_json::Value::as_bool).unwrap_or(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_tells_slices_and_frames() {
        let axes = |text: &str, planes| axes(text, [16, 12], 1, planes);
        let sizes = |found: Option<(Vec<Axis>, bool)>| {
            found.map(|(axes, named)| (axes.iter().map(|a| (a.role, a.size)).collect::<Vec<_>>(), named))
        };
        let found = sizes(axes("{\"shape\": [2, 5, 12, 16]}", Some(10)));
        assert_eq!(found, Some((vec![(Role::Slice, 5), (Role::Other, 2)], false)));
        let found = sizes(axes("{\"shape\": [5, 2, 12, 16], \"axes\": \"ZCYX\"}", Some(10)));
        assert_eq!(found, Some((vec![(Role::Channel, 2), (Role::Slice, 5)], true)));
        let found = sizes(axes("{\"shape\": [5, 12, 16], \"truncated\": true}", None));
        assert_eq!(found, Some((vec![(Role::Slice, 5)], false)));
        assert_eq!(sizes(axes("shape=(5, 12, 16)", Some(5))), Some((vec![(Role::Slice, 5)], false)));
        assert_eq!(sizes(axes("{\"shape\": [5, 12, 16]}", Some(7))), None);
        assert_eq!(sizes(axes("{\"shape\": [5, 12, 16]}", None)), None);
    }
}

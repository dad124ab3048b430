//! Whether the names of labels tell the patient's left and right apart.

/// Whether some name has a side in it, as `left kidney`, `kidney_l` and `lh.cortex`, or two names differ by a side's letter alone,
/// as `LKidney` and `RKidney` or `lt_lung` and `rt_lung`.
pub fn tell_sides(names: &[&str]) -> bool {
    let small: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    let is_there = |name: &String| small.contains(name);
    let has_counterpart = |name: &String| {
        name.strip_prefix('l').is_some_and(|rest| is_there(&format!("r{rest}")))
            || name.strip_suffix('l').is_some_and(|rest| is_there(&format!("{rest}r")))
    };
    names.iter().copied().any(has_side) || small.iter().any(has_counterpart)
}

fn has_side(name: &str) -> bool {
    let mut spaced = String::new();
    let mut last = ' ';
    for c in name.chars() {
        // "LeftKidney" is two words.
        if last.is_lowercase() && c.is_uppercase() {
            spaced.push(' ');
        }
        spaced.push(c);
        last = c;
    }
    let spaced = spaced.to_lowercase();
    let words: Vec<&str> = spaced.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let named = words.iter().any(|word| ["left", "right", "lh", "rh"].contains(word));
    // A single letter at an end, as in "kidney_l" and "R hippocampus".
    let ends = [words.first(), words.last()];
    named || (words.len() > 1 && ends.into_iter().flatten().any(|word| ["l", "r"].contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_left_from_right() {
        for name in ["left kidney", "kidney_left", "LeftKidney", "kidney_l", "R hippocampus", "lh.cortex"] {
            assert!(tell_sides(&[name]), "{name}");
        }
        for name in ["liver", "cleft", "bright rim", "Anterior", "label 1", "R", "LKidney", "GTV_RT", "LSpine"] {
            assert!(!tell_sides(&[name]), "{name}");
        }
        for pair in [["L", "R"], ["LKidney", "RKidney"], ["lt_lung", "rt_lung"], ["kidneyR", "kidneyL"]] {
            assert!(tell_sides(&["background", pair[0], pair[1]]), "{pair:?}");
        }
        assert!(!tell_sides(&["background", "liver", "rectum", "L1", "L2"]));
    }
}

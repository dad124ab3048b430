//! Values of `lamella train`'s options, judged before anything is read: a wrong one is wrong usage.

use serde_json::Value;

/// An architecture's options.
pub(super) fn options(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
    if value.is_object() { Ok(value) } else { Err(r#"options are an object, for example {"width": 32}"#.into()) }
}

/// Which of R, A and S are named.
pub(super) fn mirror_axes(letters: &str) -> Result<[bool; 3], String> {
    if letters.is_empty() || letters.chars().any(|c| !"RASras".contains(c)) {
        return Err("use some of the letters R, A and S, or --no-mirror".into());
    }
    Ok(['R', 'A', 'S'].map(|axis| letters.to_uppercase().contains(axis)))
}

/// Height and width of a patch.
pub(super) fn patch(text: &str) -> Result<[usize; 2], String> {
    let sides: Option<Vec<usize>> = text.split('x').map(|side| side.parse().ok().filter(|side| *side > 0)).collect();
    let problem = || "a patch has a height and a width above 0, for example 64x64".to_string();
    sides.and_then(|sides| sides.try_into().ok()).ok_or_else(problem)
}

/// Height and width of a pixel, of which one is enough.
pub(super) fn spacing(text: &str) -> Result<[f64; 2], String> {
    let is_size = |size: &f64| *size > 0.0 && size.is_finite();
    let sizes: Option<Vec<f64>> = text.split('x').map(|size| size.parse().ok().filter(is_size)).collect();
    match sizes.as_deref() {
        Some([side]) => Ok([*side; 2]),
        Some([height, width]) => Ok([*height, *width]),
        _ => Err("one or two sizes in millimetres above 0 are needed, for example 1.5x0.8".into()),
    }
}

/// A learning rate.
pub(in crate::cli) fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| *rate > 0.0 && rate.is_finite());
    rate.ok_or_else(|| "the rate must be a finite number above 0".into())
}

/// A share of the whole.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..1.0).contains(share));
    share.ok_or_else(|| "it must be a number from 0 to below 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_wrong_ones_refused() {
        assert_eq!((patch("64x48"), spacing("1.5"), spacing("1.5x0.8")), (Ok([64, 48]), Ok([1.5; 2]), Ok([1.5, 0.8])));
        assert_eq!((mirror_axes("rS"), rate("1e-3"), share("0")), (Ok([true, false, true]), Ok(1e-3), Ok(0.0)));
        for wrong in ["", "64", "64x0", "64x64x64", "axb"] {
            assert!(patch(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "0", "1x2x3", "nan", "inf", "-1"] {
            assert!(
                spacing(wrong).is_err() && rate(wrong).is_err() || wrong == "1x2x3" && spacing(wrong).is_err(),
                "{wrong}"
            );
        }
        assert!([share("1"), share("nan"), share("-0.1")].iter().all(Result::is_err));
        assert!(mirror_axes("RX").is_err() && options("[1]").is_err() && options("{").is_err());
    }
}

//! Units of length as programs write them.

/// Millimetres of a unit; `None` for pixels and for what is no unit of length.
pub fn millimetres(unit: &str) -> Option<f64> {
    let unit = unescaped(unit.trim());
    // Only the prefix of pm, Mm and the like depends on the case; those are rare, `MM` and `CM` are not.
    let lower = unit.to_lowercase();
    Some(match lower.as_str() {
        "m" | "meter" | "meters" | "metre" | "metres" => 1000.0,
        "dm" => 100.0,
        "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => 10.0,
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => 1.0,
        // The micro sign, the Greek letter, and what is left of them.
        "\u{b5}m" | "\u{3bc}m" | "um" | "\u{b5}" | "\u{3bc}" | "micron" | "microns" | "micrometer" | "micrometers"
        | "micrometre" | "micrometres" => 1e-3,
        "nm" | "nanometer" | "nanometers" | "nanometre" | "nanometres" => 1e-6,
        "\u{e5}" | "\u{212b}" | "angstrom" | "angstroms" => 1e-7,
        "pm" => 1e-9,
        "inch" | "inches" | "in" | "\"" => 25.4,
        "ft" | "foot" | "feet" => 304.8,
        "thou" | "mil" => 0.0254,
        _ => return None,
    })
}

/// Whether a unit says that nothing was measured.
pub fn is_pixel(unit: &str) -> bool {
    matches!(
        unit.trim().to_lowercase().as_str(),
        "" | "pixel" | "pixels" | "px" | "voxel" | "voxels" | "reference frame"
    )
}

/// `\u00B5m` as `ImageJ` writes what is not in ASCII, and Latin-1 that was taken for UTF-8 and back.
pub fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 6);
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(letter) => {
                out.push(letter);
                rest = &rest[at + 6..];
            }
            None => {
                out.push_str("\\u");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out.replace("\u{c2}\u{b5}", "\u{b5}").replace("\u{ce}\u{bc}", "\u{3bc}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microns_are_known_in_all_their_spellings() {
        for unit in
            ["micron", "microns", "\u{b5}m", "\u{3bc}m", "um", "\\u00B5m", "\\u00b5m", "\u{c2}\u{b5}m", " Micron "]
        {
            assert_eq!(millimetres(unit), Some(1e-3), "{unit}");
        }
        assert_eq!(["nm", "mm", "cm", "inch"].map(millimetres), [1e-6, 1.0, 10.0, 25.4].map(Some));
        assert_eq!(["pixel", "", "furlong", "\\uD800m", "\\u"].map(millimetres), [None; 5]);
        assert!(is_pixel("pixels") && is_pixel(" ") && !is_pixel("mm"));
    }
}

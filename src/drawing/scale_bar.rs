//! How long a scale bar is, on screen and in saved pictures.

/// Lengths that it may have, in millimetres.
const LENGTHS_MM: [f32; 10] = [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];

/// The longest bar that fits into so many millimetres.
pub fn bar_mm(room_mm: f32) -> Option<f32> {
    LENGTHS_MM.iter().rev().copied().find(|mm| *mm <= room_mm)
}

/// What stands beside it.
pub fn bar_name(mm: f32) -> String {
    if mm < 10.0 { format!("{mm} mm") } else { format!("{:.0} cm", mm / 10.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fits_and_is_named_in_its_unit() {
        assert_eq!(bar_mm(63.0), Some(50.0));
        assert_eq!(bar_mm(0.1), None);
        assert_eq!([0.5, 5.0, 10.0, 200.0].map(bar_name), ["0.5 mm", "5 mm", "1 cm", "20 cm"]);
    }
}

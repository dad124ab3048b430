//! How the 3-D tile shows the scan: its labels as surfaces, or its values all through.

use crate::volume::Window;

/// What the tile shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rendering {
    /// The labels as surfaces.
    #[default]
    Surfaces,
    /// The largest value along each ray, through the display window (maximum intensity projection).
    Maximum,
    /// Bones in CT.
    Bone,
    /// Vessels with contrast medium, and bones, in CT.
    Vessels,
    /// Lungs in CT.
    Lung,
    /// Tissue by its brightness within the display window: MR and others.
    Bright,
}

/// A value and what it looks like: opacity along a millimetre, and colour.
type Stop = (f64, f32, [u8; 3]);

/// Hounsfield units. Bone is opaque from the density of spongy bone on.
const BONE: &[Stop] = &[
    (130.0, 0.0, [120, 60, 40]),
    (260.0, 0.12, [190, 130, 95]),
    (500.0, 0.55, [235, 215, 180]),
    (1200.0, 0.9, [255, 252, 240]),
];
/// Contrast medium, then bone.
const VESSELS: &[Stop] = &[
    (110.0, 0.0, [110, 10, 10]),
    (170.0, 0.18, [190, 35, 25]),
    (300.0, 0.5, [225, 90, 60]),
    (500.0, 0.75, [240, 205, 170]),
    (1200.0, 0.9, [255, 250, 240]),
];
/// The tissue of lungs, thin; walls of airways and vessels denser. The body around them is clear.
const LUNG: &[Stop] = &[
    (-950.0, 0.0, [60, 90, 130]),
    (-850.0, 0.012, [110, 150, 190]),
    (-700.0, 0.05, [170, 195, 215]),
    (-500.0, 0.14, [225, 190, 170]),
    (-300.0, 0.05, [235, 170, 150]),
    (-150.0, 0.0, [235, 170, 150]),
];

impl Rendering {
    /// All, in the order of the menu.
    pub const ALL: [Self; 6] = [Self::Surfaces, Self::Maximum, Self::Bone, Self::Vessels, Self::Lung, Self::Bright];

    /// For the menu.
    pub fn name(self) -> &'static str {
        match self {
            Self::Surfaces => "Labels as surfaces",
            Self::Maximum => "Maximum intensity",
            Self::Bone => "CT: bone",
            Self::Vessels => "CT: vessels",
            Self::Lung => "CT: lung",
            Self::Bright => "MR: bright tissue",
        }
    }

    /// Whether its values are Hounsfield units.
    pub fn is_for_ct(self) -> bool {
        matches!(self, Self::Bone | Self::Vessels | Self::Lung)
    }

    /// What each of 256 values of a range looks like: red, green, blue, and opacity along a millimetre.
    pub fn table(self, range: [f64; 2], window: Window) -> Vec<[u8; 4]> {
        let value = |n: usize| range[0] + (range[1] - range[0]) * n as f64 / 255.0;
        let share = |n: usize| ((value(n) - window.level) / window.width.max(f64::MIN_POSITIVE) + 0.5).clamp(0.0, 1.0);
        let of_value = |n: usize| match self {
            Self::Surfaces => [0; 4],
            Self::Maximum => {
                let grey = (share(n) * 255.0).round() as u8;
                [grey, grey, grey, 255]
            }
            Self::Bone => between(BONE, value(n)),
            Self::Vessels => between(VESSELS, value(n)),
            Self::Lung => between(LUNG, value(n)),
            Self::Bright => {
                let opacity = ((share(n) - 0.25) / 0.75).max(0.0).powi(2) * 0.6;
                let warm = |full: f64| (full * (0.35 + 0.65 * share(n))).round() as u8;
                [warm(255.0), warm(236.0), warm(212.0), (opacity * 255.0).round() as u8]
            }
        };
        (0..256).map(of_value).collect()
    }
}

/// The look of a value between stops.
fn between(stops: &[Stop], value: f64) -> [u8; 4] {
    let byte = |part: f32| part.round().clamp(0.0, 255.0) as u8;
    let shown = |opacity: f32, [r, g, b]: [f32; 3]| [byte(r), byte(g), byte(b), byte(opacity * 255.0)];
    let next = stops.iter().position(|(at, ..)| *at > value);
    match (next, stops.first(), stops.last()) {
        (Some(0), Some((_, opacity, colour)), _) | (None, _, Some((_, opacity, colour))) => {
            shown(*opacity, colour.map(f32::from))
        }
        (Some(n), ..) => {
            let (from, to) = (stops[n - 1], stops[n]);
            let share = ((value - from.0) / (to.0 - from.0)) as f32;
            let mix = |a: f32, b: f32| a + share * (b - a);
            shown(mix(from.1, to.1), [0, 1, 2].map(|n| mix(f32::from(from.2[n]), f32::from(to.2[n]))))
        }
        _ => [0; 4],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_show_what_they_are_named_after_and_hide_water() {
        let window = Window { level: 40.0, width: 400.0 };
        let range = [-1024.0, 3071.0];
        let at = |rendering: Rendering, value: f64| {
            let n = ((value - range[0]) / (range[1] - range[0]) * 255.0).round() as usize;
            rendering.table(range, window)[n][3]
        };
        assert_eq!([at(Rendering::Bone, 0.0), at(Rendering::Vessels, 40.0), at(Rendering::Lung, 40.0)], [0; 3]);
        assert!(
            at(Rendering::Bone, 800.0) > 120 && at(Rendering::Vessels, 300.0) > 100 && at(Rendering::Lung, -700.0) > 5
        );
        assert_eq!(at(Rendering::Lung, -1000.0), 0, "air outside is clear");
    }

    #[test]
    fn the_largest_value_goes_through_the_window() {
        let table = Rendering::Maximum.table([0.0, 255.0], Window { level: 100.0, width: 100.0 });
        assert_eq!([table[49], table[100], table[151]].map(|[grey, ..]| grey), [0, 128, 255]);
    }
}

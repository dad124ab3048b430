//! Colours between sRGB and the `CIELab` of DICOM.
//!
//! DICOM's values are 16-bit fractions of L* 0..100 and of a*, b* -128..127 (PS3.3 C.10.7.1.1). The standard means the white point D50 of
//! colour profiles; highdicom calculates with the D65 of sRGB (IEC 61966-2-1), and dcmqi's files hold such values
//! (`findings/highdicom-cielab-has-another-white.sh`). So do we: colours then come back as the tables have them.

use crate::volume::Rgb;
use crate::work::numbers::whole;

const XYZ_OF_RGB: [[f64; 3]; 3] = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175],
    [0.019_333_9, 0.119_192, 0.950_304_1],
];
const RGB_OF_XYZ: [[f64; 3]; 3] = [
    [3.240_454_2, -1.537_138_5, -0.498_531_4],
    [-0.969_266, 1.876_010_8, 0.041_556],
    [0.055_643_4, -0.204_025_9, 1.057_225_2],
];
const WHITE: [f64; 3] = [0.950_47, 1.0, 1.088_83];
/// Where the cube root gives way to a line (CIE 15:2004).
const EDGE: f64 = 6.0 / 29.0;

fn times(matrix: [[f64; 3]; 3], v: [f64; 3]) -> [f64; 3] {
    matrix.map(|[a, b, c]| a * v[0] + b * v[1] + c * v[2])
}

/// The colour of three stored values.
pub fn to_rgb(stored: [f64; 3]) -> Rgb {
    let [l, a, b] = stored.map(|value| value.clamp(0.0, 65535.0) / 65535.0);
    let (l, a, b) = (l * 100.0, a * 255.0 - 128.0, b * 255.0 - 128.0);
    let y = (l + 16.0) / 116.0;
    let linear = |t: f64| if t > EDGE { t.powi(3) } else { 3.0 * EDGE * EDGE * (t - 4.0 / 29.0) };
    let xyz = [y + a / 500.0, y, y - b / 200.0].map(linear);
    let rgb = times(RGB_OF_XYZ, [xyz[0] * WHITE[0], xyz[1] * WHITE[1], xyz[2] * WHITE[2]]);
    rgb.map(|part| {
        let part = part.clamp(0.0, 1.0);
        let shown = if part <= 0.003_130_8 { 12.92 * part } else { 1.055 * part.powf(1.0 / 2.4) - 0.055 };
        u8::try_from(whole((shown * 255.0).round())).unwrap_or(u8::MAX)
    })
}

/// The stored values of a colour.
pub fn of_rgb(rgb: Rgb) -> [u16; 3] {
    let linear = rgb.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    let xyz = times(XYZ_OF_RGB, linear);
    let root = |t: f64| if t > EDGE.powi(3) { t.cbrt() } else { t / (3.0 * EDGE * EDGE) + 4.0 / 29.0 };
    let [x, y, z] = [xyz[0] / WHITE[0], xyz[1] / WHITE[1], xyz[2] / WHITE[2]].map(root);
    let parts = [(116.0 * y - 16.0) / 100.0, (500.0 * (x - y) + 128.0) / 255.0, (200.0 * (y - z) + 128.0) / 255.0];
    parts.map(|part| u16::try_from(whole((part.clamp(0.0, 1.0) * 65535.0).round())).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_comes_back() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(15) {
                    let rgb = [r, g, b].map(|part: u16| u8::try_from(part).unwrap());
                    assert_eq!(to_rgb(of_rgb(rgb).map(f64::from)), rgb);
                }
            }
        }
    }

    #[test]
    fn colours_of_other_programs() {
        // scikit-image 0.25, rgb2lab (D65): red 53.24, 80.09, 67.20; blue 32.30, 79.19, -107.86.
        let close = |rgb: Rgb, lab: [f64; 3]| {
            let stored = of_rgb(rgb).map(f64::from);
            let got = [stored[0] / 655.35, stored[1] / 257.0 - 128.0, stored[2] / 257.0 - 128.0];
            assert!(got.iter().zip(lab).all(|(a, b)| (a - b).abs() < 0.02), "{rgb:?}: {got:?}");
        };
        close([255, 255, 255], [100.0, 0.0, 0.0]);
        close([255, 0, 0], [53.24, 80.09, 67.20]);
        close([0, 0, 255], [32.30, 79.19, -107.86]);
        // dcmqi's liver.
        assert_eq!(to_rgb([41661.0, 41167.0, 40792.0]), [221, 130, 101]);
    }
}

//! The fill rule of `golden/README.md`: every parameter and input is a function of its name.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

use serde_json::Value;

fn name_seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

pub fn bits(name: &str, i: u64) -> u64 {
    let mut z = name_seed(name).wrapping_add((i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub fn unit(name: &str, i: u64) -> f64 {
    (bits(name, i) >> 40) as f64 / 16_777_216.0
}

fn values(name: &str, count: usize, f: impl Fn(f64) -> f64) -> Vec<f32> {
    (0..count as u64).map(|i| f(unit(name, i)) as f32).collect()
}

/// Values of a parameter of the index: `[name, shape, kind, fan_in]`.
pub fn parameter(row: &Value, gain: f64) -> (String, Vec<usize>, Vec<f32>) {
    let name = row[0].as_str().unwrap().to_string();
    let shape: Vec<usize> = row[1].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
    let count = shape.iter().product();
    let t = |u: f64| 2.0 * u - 1.0;
    let filled = match row[2].as_str().unwrap() {
        "weight" => {
            let bound = (6.0 / row[3].as_f64().unwrap()).sqrt() * gain;
            values(&name, count, |u| t(u) * bound)
        }
        "norm_scale" => values(&name, count, |u| 1.0 + 0.1 * t(u)),
        "bias" | "running_mean" => values(&name, count, |u| 0.1 * t(u)),
        "running_var" => values(&name, count, |u| 1.0 + 0.5 * u),
        "scalar" => vec![0.5; count],
        other => panic!("unknown fill kind {other}"),
    };
    (name, shape, filled)
}

/// Values of an input or probe.
pub fn input(name: &str, count: usize, scale: f64) -> Vec<f32> {
    let bound = 3f64.sqrt() * scale;
    values(name, count, |u| (2.0 * u - 1.0) * bound)
}

/// Integer labels of an input row, with ignored positions.
pub fn labels(row: &Value, count: usize) -> Vec<u16> {
    let name = row["name"].as_str().unwrap();
    let classes = row["classes"].as_f64().unwrap();
    (0..count as u64)
        .map(|i| match row.get("ignore") {
            Some(ignore) if unit(ignore["name"].as_str().unwrap(), i) < ignore["below"].as_f64().unwrap() => {
                ignore["label"].as_u64().unwrap() as u16
            }
            _ => (unit(name, i) * classes) as u16,
        })
        .collect()
}

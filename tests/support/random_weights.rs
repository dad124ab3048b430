//! Weights and images for networks that were never trained.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

use lamella::engine::{Array, Random, Weights, initial_weights};
use lamella::graph::Graph;

/// Normal values.
pub fn random_array(shape: &[usize], stream: u64) -> Array {
    let mut random = Random::new(5, stream);
    Array::new(shape, (0..shape.iter().product()).map(|_| random.normal() as f32).collect())
}

/// He weights; what starts at zero would hide what lies before it.
pub fn weights(graph: &Graph) -> Weights {
    let mut weights = initial_weights(graph, 3);
    for (n, parameter) in graph.parameters.iter().enumerate() {
        let array = weights.get_mut(&parameter.name).unwrap();
        if array.values.iter().all(|&v| v == 0.0) && parameter.role.is_trainable() {
            let noise = random_array(&array.shape, 100 + n as u64);
            array.values.iter_mut().zip(noise.values).for_each(|(v, e)| *v = 0.1 * e);
        }
        // Products of whole maps grow beyond measure in a network that was never trained.
        if parameter.name.ends_with("theta.weight") || parameter.name.ends_with("query.weight") {
            array.values.iter_mut().for_each(|v| *v *= 0.01);
        }
    }
    weights
}

/// Relative L2 distance.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let off = square(&mut a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    (off / square(&mut b.iter().map(|b| f64::from(*b))).max(1e-30)).sqrt()
}

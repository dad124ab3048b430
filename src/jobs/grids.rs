//! How grids differ, in words.

use crate::volume::Geometry;

/// In which respect one grid differs from another, and by how much.
pub(super) fn difference(one: &Geometry, other: &Geometry) -> String {
    if one.shape() != other.shape() {
        return format!(
            "{:?} voxels {} instead of {:?} {}",
            one.shape(),
            one.orientation().code(),
            other.shape(),
            other.orientation().code()
        );
    }
    if one.orientation() != other.orientation() {
        return format!("its axes lead to {} instead of {}", one.orientation().code(), other.orientation().code());
    }
    let mut respects = Vec::new();
    let (a, b) = (one.spacing_mm(), other.spacing_mm());
    // Over the whole grid, in voxels of the other.
    let drift = (0..3).map(|axis| (a[axis] - b[axis]).abs() / b[axis] * one.shape()[axis] as f64).fold(0.0, f64::max);
    if drift > 1e-3 {
        respects.push(format!("the spacing is {} mm instead of {} mm", listed(a), listed(b)));
    }
    let angle = angle_degrees(one, other);
    if angle > 1e-3 {
        respects.push(format!("the axes are turned by {angle:.3} degrees"));
    }
    let (from, to) = (one.world_at([0; 3]), other.world_at([0; 3]));
    let moved = (0..3).map(|axis| (from[axis] - to[axis]).powi(2)).sum::<f64>().sqrt();
    if moved > 1e-3 * other.finest_mm() {
        respects.push(format!("the origin is {} mm instead of {} mm", listed(from), listed(to)));
    }
    let distance = one.distance_mm(other);
    format!(
        "voxels are up to {distance:.3} mm ({:.2} voxels) apart{}{}",
        distance / other.finest_mm(),
        if respects.is_empty() { "" } else { "; " },
        respects.join(", ")
    )
}

fn listed(values: [f64; 3]) -> String {
    // Enough digits to see a difference, no more than a float32 has.
    values.map(|v| format!("{}", (v * 1e4).round() / 1e4)).join(" x ")
}

/// The largest angle between the same axes of two grids.
fn angle_degrees(one: &Geometry, other: &Geometry) -> f64 {
    let angle = |axis: usize| {
        let (a, b) = (one.world_from_voxel().column(axis), other.world_from_voxel().column(axis));
        let dot: f64 = (0..3).map(|n| a[n] * b[n]).sum();
        let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
        cross.iter().map(|v| v * v).sum::<f64>().sqrt().atan2(dot).to_degrees()
    };
    (0..3).map(angle).fold(0.0, f64::max)
}

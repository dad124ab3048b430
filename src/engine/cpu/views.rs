//! Parameters as kernels read them.

/// All of them as slices.
pub fn views(parameters: &[Vec<f32>]) -> Vec<&[f32]> {
    parameters.iter().map(Vec::as_slice).collect()
}

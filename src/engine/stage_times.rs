//! Where the time of a run goes.

/// What a compiled network does in one run.
#[derive(Debug, Clone, Default)]
pub struct StageTimes {
    /// Instruction set of the kernels.
    pub instructions: &'static str,
    /// Name and seconds of every stage.
    pub stages: Vec<(String, f64)>,
    /// Bytes of packed weights.
    pub weight_bytes: usize,
    /// Bytes of all maps and scratch space.
    pub map_bytes: usize,
}

/// What stages took, from their names and the seconds at which they ended.
pub fn durations(names: Vec<String>, ends: &[f64]) -> Vec<(String, f64)> {
    let starts = std::iter::once(0.0).chain(ends.iter().copied());
    let seconds = ends.iter().zip(starts).map(|(end, start)| end - start);
    names.into_iter().zip(seconds).collect()
}

//! The running statistics of batch norms.

/// What a training pass found for a norm's running statistics.
pub struct FoundStatistics {
    /// Numbers of the parameters that hold running mean and variance.
    pub parameters: [usize; 2],
    /// Mean, and variance with one value less in the count, of every channel.
    pub values: [Vec<f32>; 2],
    /// Share of the new ones.
    pub momentum: f64,
}

impl FoundStatistics {
    /// Moves the running statistics towards what was found.
    pub fn blend_into(&self, parameters: &mut [Vec<f32>]) {
        let share = self.momentum as f32;
        for (&number, new) in self.parameters.iter().zip(&self.values) {
            parameters[number].iter_mut().zip(new).for_each(|(old, &new)| *old = *old * (1.0 - share) + new * share);
        }
    }
}

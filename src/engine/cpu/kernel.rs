//! What a kernel is: a function of arrays with its gradient.

/// A shaped view of numbers.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Values, row-major.
    pub data: &'a [f32],
    /// Sizes, outermost first.
    pub shape: &'a [usize],
}

impl View<'_> {
    /// Sizes as batch, channels, height, width; missing ones are 1.
    pub fn dims4(&self) -> [usize; 4] {
        std::array::from_fn(|n| self.shape.get(n).copied().unwrap_or(1))
    }
}

/// A function of one to three arrays with its gradient.
pub trait Kernel: Send + Sync {
    /// The result and its shape.
    fn forward(&self, inputs: &[View]) -> (Vec<f32>, Vec<usize>);
    /// Gradients of the inputs from the gradient of the result; `None` where an input is a constant.
    fn backward(&self, inputs: &[View], output: View, gradient: &[f32]) -> Vec<Option<Vec<f32>>>;
}

//! Shaped numbers, the currency between this room and the others.

/// Values with a shape, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f32>,
}

impl Array {
    /// An array of zeros.
    pub fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
    }

    /// Values with a shape; the caller has made them fit.
    pub fn new(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        let shape = shape.into();
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Self { shape, values }
    }

    /// Sizes as batch, channels, height, width; missing ones are 1.
    pub fn dims4(&self) -> [usize; 4] {
        std::array::from_fn(|n| self.shape.get(n).copied().unwrap_or(1))
    }
}

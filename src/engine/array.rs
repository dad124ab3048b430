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
        Self { shape: shape.to_vec(), values: crate::work::memory::zeros(shape.iter().product()) }
    }

    /// Values with a shape; the caller has made them fit.
    pub fn new(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        let shape = shape.into();
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Self { shape, values }
    }

    /// Parts of at most so many along the outermost axis.
    pub fn split(&self, most: usize) -> Vec<Self> {
        let [count, rest @ ..] = self.shape.as_slice() else { return vec![self.clone()] };
        let length: usize = rest.iter().product();
        let part = |start: usize| {
            let end = (start + most.max(1)).min(*count);
            let shape: Vec<usize> = std::iter::once(end - start).chain(rest.iter().copied()).collect();
            Self::new(shape, self.values[start * length..end * length].to_vec())
        };
        (0..*count).step_by(most.max(1)).map(part).collect()
    }

    /// Parts put together again along the outermost axis; `None` of none.
    pub fn join(parts: Vec<Self>) -> Option<Self> {
        parts.into_iter().reduce(|mut all, part| {
            all.shape[0] += part.shape[0];
            all.values.extend(part.values);
            all
        })
    }

    /// Sizes as batch, channels, height, width; missing ones are 1.
    pub fn dims4(&self) -> [usize; 4] {
        std::array::from_fn(|n| self.shape.get(n).copied().unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_to_the_whole() {
        let whole = Array::new([5, 2, 1, 3], (0..30).map(|v| v as f32).collect());
        for (most, parts) in [(1, 5), (2, 3), (4, 2), (5, 1), (9, 1), (0, 5)] {
            let split = whole.split(most);
            assert_eq!(split.len(), parts);
            assert!(split.iter().all(|part| part.shape[1..] == [2, 1, 3]));
            assert_eq!(Array::join(split), Some(whole.clone()));
        }
        assert_eq!(Array::join(Vec::new()), None);
    }
}

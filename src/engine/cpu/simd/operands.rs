//! What the matrix kernels take, and where their sums go.

/// A run of input channels that lie side by side: where it starts relative to a row, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Floats from the row's start; may be negative.
    pub offset: isize,
    /// Number of channels.
    pub len: usize,
}

/// Where the sums of a product go. A trait and not a closure, because a closure would be compiled without the
/// instruction set of the function that it is inlined into.
pub trait Sink<V>: Copy {
    /// The sink for rows that follow so many others.
    fn skip(self, rows: usize) -> Self;

    /// Takes the sum of a row and a block of columns.
    ///
    /// # Safety
    /// The processor runs `V`'s instructions, and the place of the sum is writable.
    unsafe fn put(&self, row: usize, column: usize, sum: V);
}

/// A distance from row to row that is known when the program runs only.
pub const ANY_STEP: usize = 0;

/// The operands of a product.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    /// First row of the left operand.
    pub a: *const f32,
    /// Floats from row to row.
    pub a_step: usize,
    /// The channels that are summed.
    pub runs: &'a [Run],
    /// The right operand, packed as `[channel][columns * 16]` in the order of the runs.
    pub b: *const f32,
    /// What is needed soon: as many cache lines as there are channels are asked for with every group of rows, until all are.
    pub ahead: Ahead,
    /// First row of the product that follows; where rows lie side by side, they are asked for meanwhile too.
    pub next: *const f32,
}

/// Memory that is asked for while something else runs; any addresses are allowed.
#[derive(Clone, Copy)]
pub struct Ahead {
    /// Its first float.
    pub start: *const f32,
    /// Behind its last float.
    pub end: *const f32,
}

impl Ahead {
    /// So many floats from here on.
    pub fn new(start: *const f32, len: usize) -> Self {
        Self { start, end: start.wrapping_add(len) }
    }

    /// What is left of it when so many floats have been asked for.
    #[inline(always)]
    pub fn after(self, len: usize) -> Self {
        Self { start: self.start.wrapping_add(len), ..self }
    }

    /// The part that is asked for next, of so many floats, or `otherwise` where nothing is left.
    #[inline(always)]
    pub fn take(&mut self, len: usize, otherwise: *const f32) -> *const f32 {
        if self.start >= self.end {
            return otherwise;
        }
        let start = self.start;
        self.start = start.wrapping_add(len);
        start
    }
}

/// A line of pixels of both operands: where they start.
#[derive(Clone, Copy)]
pub struct OuterRun {
    /// Floats from the start of the left operand.
    pub a: usize,
    /// Floats from the start of the right operand.
    pub b: usize,
}

/// The operands of a sum of outer products.
#[derive(Clone, Copy)]
pub struct OuterProduct<'a> {
    /// Left operand: sixteen channels side by side.
    pub a: *const f32,
    /// Floats from pixel to pixel.
    pub a_next: usize,
    /// Right operand: sixteen channels side by side, pixels follow each other.
    pub b: *const f32,
    /// Floats from its first block of channels to the next.
    pub b_column: usize,
    /// Pixels of a line.
    pub len: usize,
    /// Lines.
    pub runs: &'a [OuterRun],
    /// Whether the sums replace what is there instead of joining it.
    pub fresh: bool,
}

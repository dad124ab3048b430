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
pub trait Sink<V> {
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
    /// From here on one cache line per channel is asked for meanwhile.
    pub ahead: *const f32,
    /// First row of the product that follows; where rows lie side by side, they are asked for meanwhile too.
    pub next: *const f32,
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

//! Sixteen numbers at a time, on whatever the processor offers.
//!
//! Kernels are written once over [`Vector`] and compiled once per instruction set; [`InstructionSet::best`] picks one at
//! run time. A channel block of the compiled engine is one vector.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use portable::Portable;

use super::matmul::{OuterProduct, Product, Sink};

/// Numbers in a vector: the channels of a block.
pub const LANES: usize = 16;

/// The matrix kernels of a vector type as functions of their own, with the instructions named.
macro_rules! kernels {
    ($vector:ident $(, $features:literal)?) => {
        #[inline(always)]
        // SAFETY: as for the kernel of the same name in `matmul`.
        unsafe fn multiply_rows<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<Self>>(
            product: Product,
            sink: &S,
        ) {
            $(#[target_feature(enable = $features)])?
            #[inline(never)]
            // SAFETY: as for the kernel of the same name in `matmul`.
            unsafe fn own<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<$vector>>(
                product: Product,
                sink: &S,
            ) {
                // SAFETY: the caller keeps the conditions of the kernel, which are the same.
                unsafe { multiply_rows::<$vector, ROWS, COLUMNS, STEP, S>(product, sink) }
            }
            // SAFETY: the caller keeps the conditions of the kernel, which are the same.
            unsafe { own::<ROWS, COLUMNS, STEP, S>(product, sink) }
        }

        #[inline(always)]
        // SAFETY: as for the kernel of the same name in `matmul`.
        unsafe fn multiply_outer_rows<const ROWS: usize, const COLUMNS: usize>(
            product: OuterProduct,
            to: *mut f32,
            to_column: usize,
        ) {
            $(#[target_feature(enable = $features)])?
            #[inline(never)]
            // SAFETY: as for the kernel of the same name in `matmul`.
            unsafe fn own<const ROWS: usize, const COLUMNS: usize>(product: OuterProduct, to: *mut f32, step: usize) {
                // SAFETY: the caller keeps the conditions of the kernel, which are the same.
                unsafe { multiply_outer_rows::<$vector, ROWS, COLUMNS>(product, to, step) }
            }
            // SAFETY: the caller keeps the conditions of the kernel, which are the same.
            unsafe { own::<ROWS, COLUMNS>(product, to, to_column) }
        }
    };
}
use kernels;

/// Sixteen 32-bit floats.
///
/// # Safety
/// All functions need a processor with the instruction set of the type; `load` and `store` need pointers to
/// sixteen readable (writable) floats. There is no alignment requirement.
pub unsafe trait Vector: Copy {
    /// Rows that the matrix kernel with one column computes together.
    const NARROW_ROWS: usize = 6;
    /// All lanes alike.
    unsafe fn splat(value: f32) -> Self;
    /// Reads sixteen floats.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes sixteen floats.
    unsafe fn store(self, to: *mut f32);
    /// Sum.
    unsafe fn add(self, other: Self) -> Self;
    /// Difference.
    unsafe fn sub(self, other: Self) -> Self;
    /// Product.
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * factor + term`, rounded once where the processor can.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The larger of each pair.
    unsafe fn max(self, other: Self) -> Self;
    /// Where `self` is greater than `other`, `yes`, elsewhere `no`.
    unsafe fn select_greater(self, other: Self, yes: Self, no: Self) -> Self;
    /// The matrix kernel for so many rows and columns and a step from row to row, as a function of its own.
    unsafe fn multiply_rows<const ROWS: usize, const COLUMNS: usize, const STEP: usize, S: Sink<Self>>(
        product: Product,
        sink: &S,
    );
    /// The outer product kernel for so many rows and columns, as a function of its own.
    unsafe fn multiply_outer_rows<const ROWS: usize, const COLUMNS: usize>(
        product: OuterProduct,
        to: *mut f32,
        to_column: usize,
    );
    /// Rows become columns.
    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        let mut values = [[0.0f32; LANES]; LANES];
        let mut turned = [[0.0f32; LANES]; LANES];
        for (values, row) in values.iter_mut().zip(rows) {
            // SAFETY: sixteen floats are there; the caller vouches for the processor.
            unsafe { row.store(values.as_mut_ptr()) };
        }
        for (n, turned) in turned.iter_mut().enumerate() {
            for (value, row) in turned.iter_mut().zip(&values) {
                *value = row[n];
            }
        }
        let mut columns = rows;
        for (column, turned) in columns.iter_mut().zip(&turned) {
            // SAFETY: sixteen floats are there; the caller vouches for the processor.
            *column = unsafe { Self::load(turned.as_ptr()) };
        }
        columns
    }
    /// Asks for a cache line that is needed soon; any address is allowed.
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        let _ = at;
    }
}

/// Bytes of a core's second-level cache; 1 MB where the processor does not tell.
#[cfg(target_arch = "x86_64")]
fn second_level_cache() -> usize {
    static BYTES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *BYTES.get_or_init(|| {
        let caches = raw_cpuid::CpuId::new().get_cache_parameters();
        let second = caches.and_then(|mut caches| caches.find(|cache| cache.level() == 2));
        let bytes = |cache: raw_cpuid::CacheParameter| {
            cache.sets() * cache.associativity() * cache.physical_line_partitions() * cache.coherency_line_size()
        };
        second.map_or(1 << 20, bytes)
    })
}

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// 512-bit vectors (AVX-512 F).
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors with fused multiply and add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 128-bit vectors of 64-bit ARM.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Whatever the compiler makes of plain arrays.
    Portable,
}

impl InstructionSet {
    /// Those that this processor runs, fastest first.
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx2") {
                sets.push(Self::Avx512);
            }
            if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        sets.push(Self::Neon);
        sets.push(Self::Portable);
        sets
    }

    /// The fastest that this processor runs.
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<InstructionSet> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// Name for the user.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "NEON",
            Self::Portable => "portable",
        }
    }

    /// Blocks of output channels that the matrix kernel computes together.
    pub fn panel_blocks(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 2,
            _ => 1,
        }
    }

    /// Bytes of the tiles that a convolution transforms at a time: they stay in a core's second-level cache beside their
    /// products. Each value for AVX-512 was the fastest on a processor with such a cache (2 MB, 1 MB).
    pub fn chunk_bytes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if second_level_cache() < 2 << 20 => 160 * 1024,
            _ => self.tile_bytes(),
        }
    }

    /// Bytes of transformed tiles that a core's second-level cache holds beside weights and products.
    pub fn tile_bytes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 512 * 1024,
            _ => 400 * 1024,
        }
    }

    /// Most bytes of weights that are transformed beforehand; more are transformed on the way. Each value for AVX-512 was
    /// the fastest on a processor with such a second-level cache (2 MB; 1 MB, where they stream from the third level).
    pub fn weight_bytes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if second_level_cache() < 2 << 20 => 2560 * 1024,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 1536 * 1024,
            _ => 512 * 1024,
        }
    }

    /// Most rows (pixels, tiles) that the matrix kernel computes together: as many as there are registers for, or were
    /// fastest.
    pub fn panel_rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 12,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 6,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => 6,
            Self::Portable => 4,
        }
    }
}

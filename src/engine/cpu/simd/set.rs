//! The instruction sets, and what is fastest on each.

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

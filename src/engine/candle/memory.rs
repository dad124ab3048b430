//! The memory of GPUs.

use candle_core::Device as Place;

/// Bytes of a GPU that are free, and all.
pub fn gpu_memory(place: &Place) -> Option<[u64; 2]> {
    match place {
        Place::Cpu => None,
        #[cfg(feature = "cuda")]
        Place::Cuda(cuda) => {
            let (free, all) = cuda.cuda_stream().context().mem_get_info().ok()?;
            Some([free as u64, all as u64])
        }
        #[cfg(feature = "metal")]
        Place::Metal(metal) => {
            let metal = metal.metal_device();
            let all = metal.recommended_max_working_set_size() as u64;
            Some([all.saturating_sub(metal.current_allocated_size() as u64), all])
        }
        #[allow(unreachable_patterns)]
        _ => None,
    }
}

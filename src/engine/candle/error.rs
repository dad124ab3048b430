//! candle's errors as those of the room.

use crate::engine::error::EngineError;

/// Words of CUDA, cuDNN, cuBLAS and Metal for a device without memory.
const NO_MEMORY: [&str; 5] =
    ["out of memory", "out_of_memory", "alloc_failed", "failed to create resource", "failedtocreateresource"];

impl From<candle_core::Error> for EngineError {
    fn from(error: candle_core::Error) -> Self {
        let what = error.to_string();
        let text = what.to_ascii_lowercase();
        Self::Failed { lacks_memory: NO_MEMORY.iter().any(|words| text.contains(words)), what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Stopped;

    #[test]
    fn a_lack_of_memory_is_told_from_other_failures() {
        let said = |text: &str| EngineError::from(candle_core::Error::Msg(text.into())).is_out_of_memory();
        assert!(said("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"));
        assert!(said("CUBLAS_STATUS_ALLOC_FAILED"));
        assert!(said("FailedToCreateResource(\"Buffer\")"));
        assert!(!said("DriverError(CUDA_ERROR_LAUNCH_FAILED, \"unspecified launch failure\")"));
        assert!(!EngineError::Stopped(Stopped).is_out_of_memory());
    }
}

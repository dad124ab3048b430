//! The stages of a training, in their order. Each counts its share from 0.

/// Cases are read.
pub const READING: &str = "reading scans";
/// Cases are brought to the network's grid.
pub const PREPARING: &str = "preparing scans";
/// The model that training starts from is measured on the held-back cases.
pub const MEASURING_START: &str = "measuring the start";
/// The network learns; measuring between two steps is part of it.
pub const LEARNING: &str = "learning";
/// The held-back cases are measured for the last time.
pub const MEASURING: &str = "measuring";

/// What comes after a stage; none after the last.
pub fn stage_after(stage: &str) -> Option<&'static str> {
    match stage {
        READING | PREPARING | MEASURING_START => Some(LEARNING),
        LEARNING => Some(MEASURING),
        _ => None,
    }
}

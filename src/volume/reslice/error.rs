//! What cannot be resliced, and how large it may be.

/// Most points that a path goes through.
pub const MOST_PATH_POINTS: usize = 4096;
/// Most pixels along a side of a resliced picture.
pub const MOST_RESLICED_SIDE: usize = 8192;

/// Why there is no picture along a plane or a path.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ResliceError {
    /// A direction has no length, or two that must differ are the same.
    #[error("the plane has no direction: its normal and the direction that is up must be different and not zero")]
    NoDirection,
    /// A place is infinite or not a number, or a size is so or not above zero.
    #[error("a place is not a finite number, or the size of a pixel is not a number above zero")]
    NotFinite,
    /// The path has fewer than two different points.
    #[error("a path needs two points at different places")]
    TooFewPoints,
    /// The path has too many points.
    #[error("a path of {0} points is too long; at most {MOST_PATH_POINTS} are taken")]
    TooManyPoints(usize),
    /// The picture would have no pixel, or too many along a side.
    #[error("the picture would have {0:?} pixels; a side has from 1 to {MOST_RESLICED_SIDE}")]
    Size([f64; 2]),
}

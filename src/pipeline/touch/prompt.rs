//! What is asked: a picture, strokes on it, and the mask so far.

/// No stroke.
pub const NOTHING: u8 = 0;
/// A stroke on the structure.
pub const ON: u8 = 1;
/// A stroke off it.
pub const OFF: u8 = 2;

/// Strokes on a picture. All planes are row-major and of one size.
#[derive(Debug, Clone, Copy)]
pub struct TouchPrompt<'a> {
    /// Values of the picture, in any unit. What is no number counts as the darkest.
    pub image: &'a [f32],
    /// Rows and columns.
    pub size: [usize; 2],
    /// Distance of rows, and of columns, in one unit; only their ratio counts.
    pub spacing: [f64; 2],
    /// [`NOTHING`], [`ON`] or [`OFF`].
    pub strokes: &'a [u8],
    /// The mask so far, or that of the slice beside this one; other than 0 is in it.
    pub previous: Option<&'a [u8]>,
}

impl TouchPrompt<'_> {
    /// Whether all planes have the size, and there is something to answer.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn check(&self) -> Result<(), String> {
        let count = self.size[0].checked_mul(self.size[1]).filter(|count| *count > 0);
        let fits = |len: usize| Some(len) == count;
        if !fits(self.image.len()) || !fits(self.strokes.len()) || self.previous.is_some_and(|mask| !fits(mask.len())) {
            return Err(format!(
                "picture, strokes and mask have {}, {} and {} pixels, not {} x {}",
                self.image.len(),
                self.strokes.len(),
                self.previous.map_or(0, <[u8]>::len),
                self.size[0],
                self.size[1]
            ));
        }
        if !self.spacing.iter().all(|mm| mm.is_finite() && *mm > 0.0) {
            return Err(format!("the picture's rows and columns lie {:?} apart", self.spacing));
        }
        if !self.strokes.contains(&ON) && self.previous.is_none() {
            return Err("there is no stroke on the structure".into());
        }
        Ok(())
    }
}

//! The width of a Gaussian in millimetres.

use crate::edit::gaussian::{FURTHEST, Gaussian};
use crate::edit::operations::error::OperationError;
use crate::edit::operations::millimetres::{size, too_far};
use crate::edit::operations::operation::Inputs;
use crate::edit::operations::parameter::Parameter;
use crate::work::numbers::real;

/// The parameter.
pub const SIGMA: Parameter =
    size("sigma", "Deviation", "Standard deviation of the Gaussian; larger is smoother", 20.0, 1.5);

/// What was chosen of it: millimetres, and weights on the grid.
pub fn gaussian(inputs: &Inputs) -> Result<(f64, Gaussian), OperationError> {
    let mm = inputs.values.number(SIGMA.id)?;
    let spacing = inputs.labels.geometry().spacing_mm();
    let smallest = spacing.into_iter().fold(f64::INFINITY, f64::min);
    // Weights reach four sigmas.
    let most = real(FURTHEST) * smallest / 4.0;
    Gaussian::new(mm, spacing).map(|gaussian| (mm, gaussian)).ok_or_else(|| too_far(SIGMA.id, mm, FURTHEST / 4, most))
}

//! Standardised uptake values of PET by body weight.

use std::fmt;

/// How the values of a PET scan become standardised uptake values by body weight, in grams a millilitre.
#[derive(Debug, Clone, PartialEq)]
pub enum Uptake {
    /// They are multiplied by this.
    Factor(f64),
    /// Why nobody can say.
    Unknown(String),
}

impl Uptake {
    /// Its name among the fields of a header.
    pub const NAME: &str = "SUV (body weight, g/mL)";
}

impl fmt::Display for Uptake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Factor(1.0) => f.write_str("the values themselves"),
            Self::Factor(factor) => write!(f, "value x {factor:.9e}"),
            Self::Unknown(reason) => write!(f, "not known: {reason}"),
        }
    }
}

//! What a label means, in the codes of a terminology.
//!
//! The parts are those of a DICOM segment (PS3.3 C.8.20.4): category, type, and a modifier of the type for the side of the body.

use serde::{Deserialize, Serialize};

/// The scheme of SNOMED CT, as DICOM names it.
const SNOMED_CT: &str = "SCT";

/// A concept of a terminology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The terminology: "SCT" for SNOMED CT.
    pub scheme: String,
    /// The concept in it.
    pub value: String,
    /// In words.
    pub meaning: String,
}

impl Code {
    /// A concept of SNOMED CT.
    pub fn snomed(value: &str, meaning: &str) -> Self {
        Self { scheme: SNOMED_CT.into(), value: value.into(), meaning: meaning.into() }
    }
}

/// What a label means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// What kind of thing: an anatomical structure, a morphologically abnormal one.
    pub category: Code,
    /// The thing.
    pub kind: Code,
    /// Its side, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Code>,
}

impl Term {
    /// For a tooltip: "SNOMED CT 64033007, Kidney (Right)".
    pub fn described(&self) -> String {
        let Code { scheme, value, meaning } = &self.kind;
        let scheme = if scheme == SNOMED_CT { "SNOMED CT" } else { scheme };
        let side = self.side.as_ref().map(|side| format!(" ({})", side.meaning)).unwrap_or_default();
        format!("{scheme} {value}, {meaning}{side}")
    }
}

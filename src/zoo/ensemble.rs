//! Several networks of one architecture, whose logits are averaged, as nnU-Net does with those of its folds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ends, ZooError, build};
use crate::graph::Graph;

/// Identifier in model files. Ensembles are made of trained models, so it is no entry of the list.
pub const ENSEMBLE: &str = "ensemble";

/// Most members.
pub const MOST_MEMBERS: usize = 32;

/// Options of an ensemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ensemble {
    /// Identifier of the members' architecture.
    pub member: String,
    /// Its options.
    pub options: Value,
    /// Number of members.
    pub count: usize,
}

impl Default for Ensemble {
    fn default() -> Self {
        Self { member: "unet".into(), options: serde_json::json!({}), count: 2 }
    }
}

impl Ensemble {
    /// Builds the graph. Scopes: `member.i`.
    ///
    /// # Errors
    /// When the members cannot be built, or there are none or too many.
    pub fn build(&self, ends: Ends) -> Result<Graph, ZooError> {
        if self.count == 0 || self.count > MOST_MEMBERS || self.member == ENSEMBLE {
            return Err(ZooError::Ensemble(self.count, self.member.clone()));
        }
        // Heads that only help training are not of use any more.
        let member = build(&self.member, ends, &self.options)?.for_inference();
        Ok(Graph::joined(vec![member; self.count])?)
    }
}

//! Which attention stands at a stage of a network.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::graph::{self, ContextFusion, ContextPooling, NonLocal, Pairwise, Scope};

/// Attention at the end of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attention {
    /// None.
    None,
    /// Squeeze-and-excitation.
    Se,
    /// Squeeze-and-excitation in channels and in space.
    Scse,
    /// Global context: attention pooling, added, ratio 1/4.
    Gc,
    /// Simplified non-local.
    SimplifiedNonLocal,
    /// Non-local, Gaussian.
    NonLocalGaussian,
    /// Non-local, embedded Gaussian.
    NonLocal,
    /// Non-local, dot product.
    NonLocalDot,
    /// Non-local, concatenation.
    NonLocalConcat,
    /// Criss-cross, twice.
    CrissCross,
}

/// Most bytes that the affinities of a non-local block at a 256 x 256 image may come to, were they held at once.
const MOST_AFFINITIES: usize = 2 << 30;
/// The image size that blocks are judged by.
const JUDGED: usize = 256;

/// Settings that all blocks of a network share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// Squeeze-and-excitation has so many times fewer units inside than channels ...
    pub ratio: usize,
    /// ... but at least so many.
    pub least: usize,
    /// Whether non-local blocks pool their keys and values 2x2.
    pub subsample: bool,
}

impl Blocks {
    /// The published ratio.
    pub const RATIO: usize = 16;

    fn reduction(self, channels: usize) -> usize {
        self.ratio.min(channels / self.least).max(1)
    }
}

impl Attention {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Se,
        Self::Scse,
        Self::Gc,
        Self::SimplifiedNonLocal,
        Self::NonLocalGaussian,
        Self::NonLocal,
        Self::NonLocalDot,
        Self::NonLocalConcat,
        Self::CrissCross,
    ];

    /// Its identifier.
    pub fn id(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(String::from)).unwrap_or_default()
    }

    /// What it is, and when to choose it.
    pub fn line(self) -> &'static str {
        match self {
            Self::None => "No attention: the fastest, and a hard one to beat; choose it first",
            Self::Se => {
                "Squeeze-and-excitation (Hu et al. 2018), weighs channels: nearly free, where contrast differs between scans"
            }
            Self::Scse => {
                "scSE (Roy et al. 2018), weighs channels and positions: for small structures in a large slice"
            }
            Self::Gc => {
                "Global context (Cao et al. 2019), the whole slice in one vector: cheap, where the surroundings tell what something is"
            }
            Self::SimplifiedNonLocal => {
                "Simplified non-local (Cao et al. 2019), one attention map for all positions: between global context and non-local"
            }
            Self::NonLocalGaussian => {
                "Non-local (Wang et al. 2018), Gaussian, every position sees every other: the form without parameters for its weights, to compare"
            }
            Self::NonLocal => {
                "Non-local, embedded Gaussian, the usual form: where distant parts belong together; slow, for small slices or coarse stages"
            }
            Self::NonLocalDot => "Non-local, dot product, without softmax: to compare with the usual form",
            Self::NonLocalConcat => "Non-local, concatenation: the least work of the non-local forms, to compare",
            Self::CrissCross => {
                "Criss-cross twice (Huang et al. 2019), every position sees every other in two steps: non-local for slices too large for it; slow in training here"
            }
        }
    }

    /// Whether it squeezes channels, by the ratio that [`Blocks`] have.
    pub fn squeezes(self) -> bool {
        matches!(self, Self::Se | Self::Scse)
    }

    /// Whether it has keys and values that can be pooled.
    pub fn has_keys(self) -> bool {
        self.pairwise().is_some()
    }

    fn pairwise(self) -> Option<Pairwise> {
        match self {
            Self::NonLocalGaussian => Some(Pairwise::Gaussian),
            Self::NonLocal => Some(Pairwise::Embedded),
            Self::NonLocalDot => Some(Pairwise::Dot),
            Self::NonLocalConcat => Some(Pairwise::Concat),
            _ => None,
        }
    }

    /// Whether a block fits maps of this stride; if not, why, and what would.
    ///
    /// # Errors
    /// For a non-local block whose work grows beyond measure.
    pub fn fits(self, stride: usize, subsample: bool) -> Result<(), String> {
        let positions = |stride: usize| (JUDGED / stride).max(1).pow(2);
        let bytes = |stride: usize, subsample: bool| {
            positions(stride).pow(2) * size_of::<f32>() / if subsample { 4 } else { 1 }
        };
        if self.pairwise().is_none() || bytes(stride, subsample) <= MOST_AFFINITIES {
            return Ok(());
        }
        let fitting = (0..8).map(|n| stride << n).find(|&s| bytes(s, subsample) <= MOST_AFFINITIES).unwrap_or(stride);
        #[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
        let gigabytes = |bytes: usize| bytes as f64 / 1e9;
        let fewer = if !subsample && bytes(stride, true) <= MOST_AFFINITIES {
            format!(", pool its keys (attention_subsample, {:.1} GB)", gigabytes(bytes(stride, true)))
        } else {
            String::new()
        };
        Err(format!(
            "{} at stride {stride} compares {} positions with each other in an image of {JUDGED} x {JUDGED}, {:.1} GB of \
             affinities; put it at stride {fitting} or coarser (there {:.1} GB){fewer}, or take gc or criss-cross",
            self.id(),
            positions(stride),
            gigabytes(bytes(stride, subsample)),
            gigabytes(bytes(fitting, subsample))
        ))
    }

    /// The block.
    pub fn block(self, scope: &Scope, x: &graph::Value, blocks: Blocks) -> graph::Value {
        let channels = x.channels();
        match self {
            Self::None => x.clone(),
            Self::Se => scope.squeeze_excite(x, blocks.reduction(channels)),
            Self::Scse => scope.spatial_channel_excite(x, blocks.reduction(channels)),
            Self::Gc => scope.global_context(x, 0.25, ContextPooling::Attention, ContextFusion::Add),
            Self::SimplifiedNonLocal => scope.simplified_non_local(x),
            Self::CrissCross => scope.criss_cross(x, 8, 2),
            Self::NonLocalGaussian | Self::NonLocal | Self::NonLocalDot | Self::NonLocalConcat => {
                let pairwise = self.pairwise().unwrap_or(Pairwise::Embedded);
                scope.non_local(x, NonLocal { pairwise, subsample: blocks.subsample, norm: true })
            }
        }
    }
}

/// Attention for every stage from the finest to the coarsest. One name in a file or on the command line means every stage
/// that it fits; a list means just those stages, its last entry all deeper ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
pub enum Stages {
    /// Wherever it fits.
    Everywhere(Attention),
    /// Stage by stage.
    Each(Vec<Attention>),
}

impl TryFrom<Value> for Stages {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        if value.is_string() {
            Attention::deserialize(value).map(Self::Everywhere)
        } else {
            Vec::deserialize(value).map(Self::Each)
        }
    }
}

impl Default for Stages {
    fn default() -> Self {
        Self::Each(Vec::new())
    }
}

impl Stages {
    /// The blocks that it names.
    pub fn blocks(&self) -> &[Attention] {
        match self {
            Self::Everywhere(attention) => std::slice::from_ref(attention),
            Self::Each(list) => list,
        }
    }

    /// The attention of a stage whose maps have this stride.
    ///
    /// # Errors
    /// Where a list puts a block at a stage that it does not fit.
    pub fn at(&self, stage: usize, stride: usize, subsample: bool) -> Result<Attention, String> {
        match self {
            Self::Everywhere(attention) => {
                Ok(if attention.fits(stride, subsample).is_ok() { *attention } else { Attention::None })
            }
            Self::Each(list) => {
                let attention = list.get(stage).or(list.last()).copied().unwrap_or(Attention::None);
                attention.fits(stride, subsample).map(|()| attention)
            }
        }
    }
}

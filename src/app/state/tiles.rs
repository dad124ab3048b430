//! What the tiles in the centre hold, and how they lie.

use serde::{Deserialize, Serialize};

use crate::volume::Plane;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TileContent {
    /// A slice view.
    Plane(Plane),
    /// The labels as surfaces.
    Body,
    /// The scan along a plane in any direction.
    Oblique,
    /// The scan straightened along a path.
    Curved,
    /// What is known about the scan.
    Facts,
    /// Numbers of the labels.
    Numbers,
    /// Nothing.
    Nothing,
}

impl TileContent {
    /// In reading order.
    pub const DEFAULT: [Self; 4] =
        [Self::Plane(Plane::Axial), Self::Plane(Plane::Sagittal), Self::Plane(Plane::Coronal), Self::Body];

    /// What can be chosen.
    pub const ALL: [Self; 9] = [
        Self::Plane(Plane::Axial),
        Self::Plane(Plane::Sagittal),
        Self::Plane(Plane::Coronal),
        Self::Body,
        Self::Oblique,
        Self::Curved,
        Self::Facts,
        Self::Numbers,
        Self::Nothing,
    ];

    /// For the tile's menu.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plane(plane) => plane.name(),
            Self::Body => "3-D",
            Self::Oblique => "Oblique",
            Self::Curved => "Curved",
            Self::Facts => "Facts",
            Self::Numbers => "Numbers",
            Self::Nothing => "Nothing",
        }
    }
}

/// How the tiles lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// The first tile alone.
    Single,
    /// The first tile large, the next two beside it.
    OneAndTwo,
    /// Two by two.
    Grid,
    /// Three in a row.
    Row,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Single, Self::OneAndTwo, Self::Grid, Self::Row];

    /// For its button.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "One tile",
            Self::OneAndTwo => "One and two tiles",
            Self::Grid => "Two by two tiles",
            Self::Row => "Three tiles in a row",
        }
    }

    /// How many tiles it shows.
    pub fn count(self) -> usize {
        match self {
            Self::Single => 1,
            Self::OneAndTwo | Self::Row => 3,
            Self::Grid => 4,
        }
    }
}

//! Operations that fill and grow: between slices, from seeds, by the image.

pub(super) mod confidence;
pub(super) mod connected;
pub(super) mod fill_between;
pub(super) mod from_seeds;
pub(super) mod neighbourhood;
pub(super) mod otsu;
mod painted;

use super::parameter::{End, Kind, Parameter};

const LOW: Parameter =
    Parameter { id: "low", name: "From", hint: "The lowest value that belongs to it", kind: Kind::Intensity(End::Low) };

const HIGH: Parameter = Parameter {
    id: "high",
    name: "To",
    hint: "The highest value that belongs to it",
    kind: Kind::Intensity(End::High),
};

const SEED: Parameter = Parameter { id: "seed", name: "Seed", hint: "The voxel that it grows from", kind: Kind::Voxel };

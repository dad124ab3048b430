//! What a name of the file stands for while it is read.

use super::super::{Graph, NodeId};
use super::constant::Floats;
use super::dim::Dim;
use super::sums::Sums;
use crate::work::numbers::signed;

/// The axes a node's map is seen with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `[B, C, H, W]`.
    Map,
    /// `[B, H, W, C]`.
    ChannelsLast,
    /// `[H, W, B, C]`.
    PositionsFirst,
    /// `[B, C H W]`; read channel by channel.
    Vector,
    /// `[B, C, H W]`.
    Rows,
    /// `[B, H W, C]`.
    Columns,
    /// `[C]` of one image and one position.
    Channels,
    /// `[B, G, C / G H W]`.
    Groups(usize),
}

/// What was done to the products of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scored {
    /// Nothing.
    Raw,
    /// Softmax over the keys.
    Softmax,
    /// Division by the number of keys.
    Mean,
}

/// How integers lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axes {
    /// One number without axes.
    Single,
    /// Along one axis.
    List,
    /// `[n, 2]`, as exporters write the borders of a map.
    Pairs,
    /// `[2, n]`.
    TurnedPairs,
}

impl Axes {
    /// Of a result along one axis, or without.
    pub fn list_unless(single: bool) -> Self {
        if single { Self::Single } else { Self::List }
    }
}

/// A value of the file.
#[derive(Debug, Clone)]
pub enum Held {
    /// A map of the network.
    Map(NodeId, Form),
    /// Constant floats.
    Floats(Floats),
    /// Sizes and other integers.
    Integers(Vec<Dim>, Axes),
    /// Products `[B, queries, keys]` of two maps' positions.
    Scores {
        /// Map of the queries.
        query: NodeId,
        /// Map of the keys.
        key: NodeId,
        /// What was done to them.
        scored: Scored,
    },
    /// Maps behind each other along a new first axis, `[n, B, C, H, W]`.
    Stack(Vec<NodeId>),
    /// Sums of a map's pixels.
    Sums(Sums),
}

impl Held {
    /// What it is, for messages.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Map(..) => "map",
            Self::Floats(_) => "constant",
            Self::Integers(..) => "list of sizes",
            Self::Scores { .. } => "matrix of attention scores",
            Self::Stack(_) => "stack of maps",
            Self::Sums(_) => "map of gathered pixels",
        }
    }
}

impl From<Floats> for Held {
    fn from(floats: Floats) -> Self {
        Self::Floats(floats)
    }
}

/// The sizes of a map seen in a form.
pub fn dims(graph: &Graph, id: NodeId, form: Form) -> Vec<Dim> {
    let size = graph.nodes[id].size;
    let channels = Dim::Whole(signed(size.channels));
    let [height, width] = size.extent.map(Dim::of);
    let positions = Dim::positions(graph, id);
    match form {
        Form::Map => vec![Dim::Batch, channels, height, width],
        Form::ChannelsLast => vec![Dim::Batch, height, width, channels],
        Form::PositionsFirst => vec![height, width, Dim::Batch, channels],
        Form::Vector => match positions {
            Dim::Whole(count) => vec![Dim::Batch, Dim::Whole(count.saturating_mul(signed(size.channels)))],
            _ => vec![Dim::Batch, Dim::Unknown],
        },
        Form::Channels => vec![channels],
        Form::Rows => vec![Dim::Batch, channels, positions],
        Form::Columns => vec![Dim::Batch, positions, channels],
        Form::Groups(groups) => vec![Dim::Batch, Dim::Whole(signed(groups)), Dim::Unknown],
    }
}

impl Form {
    /// The axis of the channels.
    pub fn channel_axis(self) -> usize {
        match self {
            Self::Map | Self::Vector | Self::Rows | Self::Groups(_) => 1,
            Self::Channels => 0,
            Self::Columns => 2,
            Self::ChannelsLast | Self::PositionsFirst => 3,
        }
    }

    /// Number of axes.
    pub fn rank(self) -> usize {
        match self {
            Self::Map | Self::ChannelsLast | Self::PositionsFirst => 4,
            Self::Channels => 1,
            Self::Vector => 2,
            Self::Rows | Self::Columns | Self::Groups(_) => 3,
        }
    }
}

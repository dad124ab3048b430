//! Normalisations both ways.

use super::super::arena::Slot;
use super::super::compile::Shape;
use super::super::draft::{Call, lines, threads, words};
use super::super::shader::Shader;
use super::compile::Trainer;
use super::shaders::{self, Makers};
use crate::engine::error::{EngineError, Result};
use crate::engine::executor::Mode;
use crate::graph::{NodeId, Normalisation, Op};

/// Values of a set's moments: mean, one over the deviation, variance, and one that fills up.
const MOMENTS: usize = 4;

/// Which of two parameters a call makes.
const SHIFTS: usize = 0;
const SCALES: usize = 1;

/// A normalisation.
#[derive(Clone, Copy)]
struct Norm {
    kind: Normalisation,
    eps: f64,
    affine: bool,
    shape: Shape,
    /// Sets over which moments are taken.
    sets: usize,
    /// Channels of a set.
    set_channels: usize,
    /// Values of a set.
    size: usize,
}

/// One call for a normalisation.
struct Made<'a> {
    shader: Shader,
    output: &'a Slot,
    inputs: &'a [&'a Slot],
    adds: bool,
    count: usize,
    which: usize,
    share: f64,
    makers: Makers,
    work: usize,
    turns: usize,
}

impl<'a> Made<'a> {
    /// A call whose threads make so many values, one each, by so many turns.
    fn new(shader: Shader, output: &'a Slot, inputs: &'a [&'a Slot], count: usize, turns: usize) -> Self {
        let work = count * turns.max(1);
        Self { shader, output, inputs, adds: false, count, which: 0, share: 0.0, makers: Makers::One, work, turns }
    }
}

impl Trainer<'_> {
    fn norm_of(&self, id: NodeId) -> Result<Norm> {
        let node = self.node(id);
        let Op::Norm { kind, eps, affine, .. } = node.op else {
            return Err(EngineError::failed(format!("{}: no normalisation", node.scope)));
        };
        let (batch, shape) = (self.compiler.batch, self.compiler.shape(id));
        let (sets, set_channels) = match kind {
            Normalisation::Batch { .. } => (shape.channels, 1),
            Normalisation::Instance => (batch * shape.channels, 1),
            Normalisation::Group { groups } => (batch * groups, shape.channels / groups),
            Normalisation::Layer => (batch * shape.positions(), shape.channels),
        };
        let size = batch * shape.len() / sets.max(1);
        Ok(Norm { kind, eps, affine, shape, sets, set_channels, size })
    }

    fn call_norm(&mut self, norm: &Norm, made: Made) {
        let Norm { shape, .. } = *norm;
        let adds = usize::from(made.adds);
        let images = self.compiler.batch;
        let mut sizes =
            words([adds, made.count, images, shape.channels, shape.positions(), norm.set_channels, made.which]);
        sizes.extend([norm.eps, made.share].map(|number| (number as f32).to_bits()));
        let groups = match made.makers {
            Makers::One => threads(self.compiler.gpu, made.count),
            Makers::Group => lines(self.compiler.gpu, made.count),
        };
        let Made { shader, output, inputs, work, turns, .. } = made;
        self.compiler.call(Call { shader, sizes, output, inputs, groups, work, turns });
    }

    /// Where a norm's running mean and variance are among a node's parameters.
    fn statistics(norm: &Norm) -> [usize; 2] {
        if norm.affine { [2, 3] } else { [0, 1] }
    }

    /// Whether a norm takes the statistics that it has.
    fn is_fixed(&self, norm: &Norm) -> bool {
        self.mode == Mode::Inference && matches!(norm.kind, Normalisation::Batch { .. })
    }

    /// A normalisation's value; its moments are put aside.
    ///
    /// # Errors
    /// Where it is too large for the device.
    pub fn normalise(&mut self, id: NodeId, x: &Slot) -> Result<Slot> {
        let norm = self.norm_of(id)?;
        let y = self.compiler.result(id)?;
        let moments = self.compiler.arena.keep(norm.sets * MOMENTS, &self.compiler.graph.nodes[id].scope)?;
        if self.is_fixed(&norm) {
            let [mean, variance] = Self::statistics(&norm);
            let (mean, variance) = (self.compiler.parameter(id, mean)?, self.compiler.parameter(id, variance)?);
            let inputs = &[&mean, &variance];
            self.call_norm(&norm, Made::new(shaders::norm_fixed(norm.kind), &moments, inputs, norm.sets, 0));
        } else {
            let makers = if norm.kind == Normalisation::Layer { Makers::One } else { Makers::Group };
            let turns = match makers {
                Makers::One => 2 * norm.size,
                Makers::Group => 2 * (norm.size / 256 + 1),
            };
            let inputs = &[x];
            let made = Made::new(shaders::norm_moments(norm.kind, makers), &moments, inputs, norm.sets, turns);
            self.call_norm(&norm, Made { makers, work: 2 * norm.sets * norm.size, ..made });
        }
        let [scale, shift] = self.scale_and_shift(id, &norm, &moments)?;
        let count = norm.sets * norm.size;
        let shader = shaders::norm_apply(norm.kind, norm.affine);
        self.call_norm(&norm, Made::new(shader, &y, &[x, &moments, &scale, &shift], count, 0));
        self.aside[id] = Some(moments);
        Ok(y)
    }

    /// Learned scales and shifts; something else, which is not read, where there are none.
    fn scale_and_shift(&mut self, id: NodeId, norm: &Norm, other: &Slot) -> Result<[Slot; 2]> {
        if norm.affine {
            Ok([self.compiler.parameter(id, 0)?, self.compiler.parameter(id, 1)?])
        } else {
            Ok([other.clone(), other.clone()])
        }
    }

    /// Moves the running statistics of batch norms towards what was found.
    ///
    /// # Errors
    /// Where a parameter cannot be reached.
    pub fn move_running_statistics(&mut self) -> Result<()> {
        for id in 1..self.compiler.graph.nodes.len() {
            let Op::Norm { kind: Normalisation::Batch { momentum }, .. } = self.node(id).op else { continue };
            let Some(moments) = self.aside[id].clone() else { continue };
            let norm = self.norm_of(id)?;
            if self.is_fixed(&norm) {
                continue;
            }
            for (which, number) in Self::statistics(&norm).into_iter().enumerate() {
                let running = self.compiler.parameter(id, number)?;
                let inputs = &[&moments];
                let made = Made::new(shaders::norm_running(norm.kind), &running, inputs, norm.sets, 0);
                self.call_norm(&norm, Made { which, share: momentum, ..made });
            }
        }
        Ok(())
    }

    /// A normalisation's gradients: of its map, scales and shifts.
    ///
    /// # Errors
    /// Where one is too large for the device.
    pub fn normalise_back(&mut self, id: NodeId, gradient: &Slot) -> Result<()> {
        let norm = self.norm_of(id)?;
        let (x, scope) = (self.input(id, 0)?, &self.compiler.graph.nodes[id].scope);
        let Some(moments) = self.aside[id].take() else { return Ok(()) };
        let maps = self.compiler.batch * norm.shape.channels;
        let positions = norm.shape.positions();
        let is_fixed = self.is_fixed(&norm);
        let sums = self.compiler.arena.keep(2 * maps, scope)?;
        let inputs = &[&x, &moments, gradient];
        let made = Made::new(shaders::norm_map_sums(norm.kind), &sums, inputs, maps, positions / 256 + 1);
        self.call_norm(&norm, Made { makers: Makers::Group, work: 2 * maps * positions, ..made });
        let [scale, _] = self.scale_and_shift(id, &norm, &moments)?;
        if let Some(target) = self.gradient_of_input(id, 0)? {
            let means = if is_fixed { sums.clone() } else { self.compiler.arena.keep(2 * norm.sets, scope)? };
            if !is_fixed {
                let turns = match norm.kind {
                    Normalisation::Batch { .. } => self.compiler.batch,
                    _ => norm.set_channels,
                };
                let inputs = &[&sums, &scale, &x, &moments, gradient];
                let shader = shaders::norm_set_means(norm.kind, norm.affine);
                self.call_norm(&norm, Made::new(shader, &means, inputs, norm.sets, turns));
            }
            let inputs = &[&x, &moments, gradient, &scale, &means];
            let shader = shaders::norm_gradient(norm.kind, norm.affine, is_fixed);
            let made = Made::new(shader, &target.slot, inputs, norm.sets * norm.size, 0);
            self.call_norm(&norm, Made { adds: target.adds, ..made });
        }
        if norm.affine {
            for (number, which) in [(0, SCALES), (1, SHIFTS)] {
                let Some(target) = self.gradient_of_parameter(id, number)? else { continue };
                let (shader, turns) = (shaders::norm_parameter(norm.kind), self.compiler.batch);
                let inputs = &[&sums];
                let made = Made::new(shader, &target.slot, inputs, norm.shape.channels, turns);
                self.call_norm(&norm, Made { which, adds: target.adds, ..made });
            }
        }
        Ok(())
    }
}

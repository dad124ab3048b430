//! What a pen leaves: along a way, along the middle or the border of a structure, as a dot.

use super::super::noise::field;
use super::super::shapes::disc;
use super::walk::Ground;
use crate::engine::Random;
use crate::pipeline::ON;

/// How somebody holds the pen.
#[derive(Debug, Clone, Copy)]
pub struct Pen {
    /// What it draws.
    stroke: u8,
    /// Half the width of strokes in pixels.
    radius: f64,
    /// The chance that a stroke lies a little beside where it was meant.
    slips: f64,
    /// The chance that pixels beyond the border of the structure are drawn too.
    spills: f64,
}

impl Pen {
    /// Of anybody, drawing on the structure.
    pub fn new(random: &mut Random) -> Self {
        Self {
            stroke: ON,
            radius: [0.0, 0.6, 1.0, 1.0, 1.5][random.index(5)],
            slips: if random.chance(0.2) { 0.3 } else { 0.03 },
            spills: if random.chance(0.3) { 0.5 } else { 0.05 },
        }
    }

    /// The same hand drawing another stroke.
    pub fn drawing(self, stroke: u8) -> Self {
        Self { stroke, ..self }
    }

    /// Marks around a point what belongs to the ground, or also what does not.
    fn mark(self, ground: &Ground, point: [f64; 2], spills: bool, drawn: &mut [u8]) {
        let point = point.map(f64::round);
        disc(ground.size, point, self.radius, |at| {
            // The first stroke stays: nobody draws over what they have just drawn.
            if drawn[at] == 0 && (spills || ground.depth[at] > 0.0) {
                drawn[at] = self.stroke;
            }
        });
    }
}

/// A stroke along a way.
pub fn stroke_along(ground: &Ground, way: &[[f64; 2]], pen: Pen, drawn: &mut [u8], random: &mut Random) {
    let slip = if random.chance(pen.slips) { [random.between(-2.0, 2.0), random.between(-2.0, 2.0)] } else { [0.0; 2] };
    let spills = random.chance(pen.spills) || slip != [0.0; 2];
    way.iter().for_each(|point| pen.mark(ground, [point[0] + slip[0], point[1] + slip[1]], spills, drawn));
}

/// A dot at a pixel.
pub fn click(ground: &Ground, at: usize, pen: Pen, drawn: &mut [u8], random: &mut Random) {
    let point = [(at / ground.size[1]) as f64, (at % ground.size[1]) as f64];
    let dot = Pen { radius: pen.radius.max(random.between(0.0, 2.5)), ..pen };
    dot.mark(ground, point, false, drawn);
}

/// Marks some of the pixels that `is_wanted`, where a smooth noise lets them.
fn patches(ground: &Ground, pen: Pen, drawn: &mut [u8], random: &mut Random, is_wanted: impl Fn(usize) -> bool) {
    let noise = field(ground.size, random.between(8.0, 40.0), random);
    let least = random.between(-0.6, 0.5) as f32;
    let columns = ground.size[1];
    for at in (0..ground.depth.len()).filter(|at| noise[*at] > least && is_wanted(*at)) {
        pen.mark(ground, [(at / columns) as f64, (at % columns) as f64], false, drawn);
    }
}

/// Along the middle line of the structure: pixels that lie deeper than those to both sides.
pub fn ridge(ground: &Ground, pen: Pen, drawn: &mut [u8], random: &mut Random) {
    let [rows, columns] = ground.size;
    let slim = Pen { radius: pen.radius.min(1.0), ..pen };
    patches(ground, slim, drawn, random, |at| {
        let (row, column) = (at / columns, at % columns);
        let depth = ground.depth[at];
        let is_within = row > 0 && column > 0 && row + 1 < rows && column + 1 < columns;
        is_within && depth > 0.0 && {
            let higher = |offset: usize| ground.depth[at - offset] < depth && ground.depth[at + offset] <= depth;
            let both = [1, columns, columns + 1, columns - 1].into_iter().filter(|offset| higher(*offset)).count();
            both >= 2
        }
    });
}

/// Along the border at these depths: shares of the deepest pixel below 1, pixels from there on.
pub fn band(ground: &Ground, pen: Pen, depths: [f64; 2], drawn: &mut [u8], random: &mut Random) {
    let deepest = ground.depth.iter().fold(0.0f32, |most, depth| most.max(*depth));
    let from = if depths[0] < 1.0 {
        (f64::from(deepest) * random.between(depths[0], depths[1])).max(1.0)
    } else {
        depths[0].min(f64::from(deepest) * 0.7)
    };
    let slim = Pen { radius: pen.radius.min(0.6), ..pen };
    patches(ground, slim, drawn, random, |at| {
        let depth = f64::from(ground.depth[at]);
        depth > 0.0 && (from..from + 1.5).contains(&depth)
    });
}

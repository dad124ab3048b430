//! A smooth curve through points: the centripetal Catmull-Rom spline, which makes neither loops nor cusps between points however unevenly
//! they lie (Yuksel, Schaefer, Keyser: "Parameterization and applications of Catmull-Rom curves", 2011).

use super::super::affine::{Vec3, length};

/// Pieces of a segment that its length is summed over.
const PIECES: usize = 256;

fn combined<const N: usize>(parts: [(f64, Vec3); N]) -> Vec3 {
    [0, 1, 2].map(|axis| parts.iter().map(|(share, part)| share * part[axis]).sum())
}

fn between(a: Vec3, b: Vec3) -> Vec3 {
    combined([(1.0, b), (-1.0, a)])
}

/// A cubic from one point to the next, by its ends and its derivatives there.
#[derive(Debug, Clone, Copy)]
struct Segment {
    ends: [Vec3; 2],
    derivatives: [Vec3; 2],
}

impl Segment {
    /// Place and derivative at a share of the way.
    fn at(&self, u: f64) -> (Vec3, Vec3) {
        let ([p, q], [m, n]) = (self.ends, self.derivatives);
        let (u2, u3) = (u * u, u * u * u);
        let place =
            combined([(2.0 * u3 - 3.0 * u2 + 1.0, p), (u3 - 2.0 * u2 + u, m), (3.0 * u2 - 2.0 * u3, q), (u3 - u2, n)]);
        let derivative = combined([
            (6.0 * u2 - 6.0 * u, p),
            (3.0 * u2 - 4.0 * u + 1.0, m),
            (6.0 * u - 6.0 * u2, q),
            (3.0 * u2 - 2.0 * u, n),
        ]);
        (place, derivative)
    }
}

/// A curve that knows its length.
#[derive(Debug, Clone)]
pub struct Curve {
    segments: Vec<Segment>,
    /// Length from the start to every [`PIECES`]th part of every segment, 0 first.
    lengths: Vec<f64>,
}

impl Curve {
    /// Through two or more points, of which no two neighbours are the same.
    ///
    /// The derivative at a point is that of the parabola through it and its neighbours, at the ends of the one through the last three; points lie
    /// along the parameter by the square roots of their distances.
    pub fn through(points: &[Vec3]) -> Option<Self> {
        let steps: Vec<(f64, Vec3)> = (points.windows(2))
            .map(|pair| {
                let way = between(pair[0], pair[1]);
                let own = length(way).sqrt();
                (own, way.map(|mm| mm / own))
            })
            .collect();
        let (first, last) = (steps.first()?, steps.last()?);
        // Half of the parabola's second derivative at each inner point.
        let bends: Vec<Vec3> = (steps.windows(2))
            .map(|pair| between(pair[0].1, pair[1].1).map(|change| change / (pair[0].0 + pair[1].0)))
            .collect();
        let none = [0.0; 3];
        let (first_bend, last_bend) = (*bends.first().unwrap_or(&none), *bends.last().unwrap_or(&none));
        let mut derivatives = vec![combined([(1.0, first.1), (-first.0, first_bend)])];
        derivatives.extend(steps.iter().zip(&bends).map(|(step, bend)| combined([(1.0, step.1), (step.0, *bend)])));
        derivatives.push(combined([(1.0, last.1), (last.0, last_bend)]));
        let pairs = points.windows(2).zip(derivatives.windows(2)).zip(&steps);
        let segments: Vec<Segment> = pairs
            .map(|((ends, derivatives), (own, _))| Segment {
                ends: [ends[0], ends[1]],
                derivatives: [derivatives[0], derivatives[1]].map(|derivative| derivative.map(|mm| mm * own)),
            })
            .collect();
        let mut lengths = vec![0.0];
        let (mut so_far, mut last) = (0.0, *points.first()?);
        for segment in &segments {
            for piece in 1..=PIECES {
                let (place, _) = segment.at(piece as f64 / PIECES as f64);
                so_far += length(between(last, place));
                last = place;
                lengths.push(so_far);
            }
        }
        Some(Self { segments, lengths })
    }

    /// Length in millimetres.
    pub fn length(&self) -> f64 {
        self.lengths.last().copied().unwrap_or(0.0)
    }

    /// Place and derivative at a length from the start.
    pub fn at(&self, along: f64) -> Option<(Vec3, Vec3)> {
        let last = self.lengths.len().checked_sub(2)?;
        let piece = self.lengths.partition_point(|&length| length <= along).saturating_sub(1).min(last);
        let [from, to] = [*self.lengths.get(piece)?, *self.lengths.get(piece + 1)?];
        let share = if to > from { ((along - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 };
        let segment = self.segments.get(piece / PIECES)?;
        let start = (piece % PIECES) as f64 / PIECES as f64;
        let mut at = start + share / PIECES as f64;
        // Within a piece the way is not even; two corrections bring the place to its length.
        let (begins, _) = segment.at(start);
        for _ in 0..2 {
            let (place, derivative) = segment.at(at);
            let speed = length(derivative);
            if speed > 0.0 {
                at += (along - from - length(between(begins, place))) / speed;
            }
        }
        Some(segment.at(at.clamp(0.0, 1.0)))
    }
}

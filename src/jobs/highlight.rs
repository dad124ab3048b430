//! The region that a click would paint, which takes longer than a frame to find.

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use crate::tools::HighlightWork;
use crate::volume::{LabelMap, LabelValue, PlaneLayout, borders};

/// Most lines that are drawn: a frame has no time for more, and a region that is so ragged is none that anybody wants.
const MOST_LINES: usize = 4000;

/// Finds the pixels of a slice that a click would change, and the lines around them.
pub struct HighlightJob {
    /// What finds the labels afterwards.
    pub run: HighlightWork,
    /// The labels before.
    pub before: LabelMap,
    /// How slices lie.
    pub layout: PlaneLayout,
    /// Which slice.
    pub slice: usize,
    /// Where the pointer is, in pixels of the slice.
    pub at: [f64; 2],
}

impl Job for HighlightJob {
    /// The lines around the pixels that would change, in pixels of the slice; where they are too many, those near the pointer.
    type Output = Vec<[[f32; 2]; 2]>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "highlight", is_kept_when_stopped: false };

    fn title(&self) -> String {
        "Looking under the pointer".into()
    }

    fn run(self, work: &Work<()>) -> Result<Vec<[[f32; 2]; 2]>, JobError> {
        let Self { run, before, layout, slice, at } = self;
        let after = run(work.watch)?;
        let (mut was, mut is) = (Vec::new(), Vec::new());
        layout.read_labels(&before, slice, &mut was);
        layout.read_labels(&after, slice, &mut is);
        work.watch.check()?;
        is.iter_mut().zip(was).for_each(|(is, was)| *is = LabelValue::from(*is != was));
        let [columns, rows, _] = layout.size;
        let lines = borders(&is, columns, rows).into_iter().map(|line| [line.from, line.to]).collect();
        work.watch.check()?;
        Ok(nearest(lines, at, MOST_LINES))
    }
}

/// The lines that begin nearest to a place, at most so many.
fn nearest(mut lines: Vec<[[f32; 2]; 2]>, at: [f64; 2], most: usize) -> Vec<[[f32; 2]; 2]> {
    if lines.len() > most {
        let [x, y] = at.map(|at| at as f32);
        let far = |[[a, b], _]: &[[f32; 2]; 2]| (a - x).hypot(b - y);
        lines.select_nth_unstable_by(most, |a, b| far(a).total_cmp(&far(b)));
        lines.truncate(most);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::volume::{Affine, Geometry, Plane};
    use crate::work::Signal;

    #[test]
    fn the_lines_around_what_would_change_are_found_and_the_nearest_kept() {
        let before = LabelMap::empty(Geometry::new([9, 9, 2], Affine::IDENTITY).unwrap());
        let layout = PlaneLayout::new(before.geometry(), Plane::Axial);
        let mut after = before.clone();
        after.set(layout.voxel([4, 5, 1]), 3);
        let job = HighlightJob { run: Box::new(move |_| Ok(after)), before, layout, slice: 1, at: [4.5, 5.5] };
        let lines = run_here(job, &Signal::default(), &|_| {}).unwrap();
        let [left, top, right, bottom] = [4.0f32, 5.0, 5.0, 6.0];
        let wanted = [
            [[left, top], [right, top]],
            [[left, bottom], [right, bottom]],
            [[left, top], [left, bottom]],
            [[right, top], [right, bottom]],
        ];
        assert_eq!(lines, wanted);
        assert_eq!(nearest(lines, [5.5, 4.5], 1), [wanted[3]]);
    }
}

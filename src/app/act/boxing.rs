//! A box of the scan on screen: only in it is painted, and operated.

use crate::app::state::studio::Studio;
use crate::volume::{PlaneLayout, Region};

/// Millimetres around the active label that a new box has.
const AROUND_MM: f64 = 5.0;

/// The box to begin with: around the active label, or a half of the scan along each axis around the cursor.
pub fn first(studio: &Studio) -> Option<Region> {
    let (volume, view) = (studio.volume()?, studio.view()?);
    let (shape, spacing) = (volume.geometry.shape(), volume.geometry.spacing_mm());
    let label = studio.label_view()?.active;
    let own = studio.segmentation()?.labels().region_of(label);
    let mut region = own.unwrap_or(Region { start: view.cursor, end: view.cursor.map(|at| at + 1) });
    for axis in 0..3 {
        let more = match own {
            Some(_) => (AROUND_MM / spacing[axis]).ceil() as usize,
            None => shape[axis] / 4,
        };
        region.start[axis] = region.start[axis].saturating_sub(more);
        region.end[axis] = region.end[axis].saturating_add(more).min(shape[axis]);
    }
    Some(region)
}

/// The first and the last slice of a plane that a box reaches, from 0.
pub fn slices(region: &Region, layout: &PlaneLayout) -> [usize; 2] {
    let last = region.end.map(|end| end.saturating_sub(1));
    let [a, b] = [region.start, last].map(|voxel| layout.screen(voxel)[2]);
    [a.min(b), a.max(b)]
}

/// The box between two slices of a plane; where they change places the later word counts for both.
#[must_use]
pub fn between(mut region: Region, layout: &PlaneLayout, [first, last]: [usize; 2]) -> Region {
    let axis = layout.axes[2];
    let most = layout.size[2].saturating_sub(1);
    let [a, b] = [first.min(most), last.min(most)].map(|slice| layout.voxel([0, 0, slice])[axis]);
    (region.start[axis], region.end[axis]) = (a.min(b), a.max(b) + 1);
    region
}

/// Left, top, right and bottom of the box in a slice, in pixels of the slice; none where it does not reach it.
pub fn cut(region: &Region, layout: &PlaneLayout, slice: usize) -> Option<[[usize; 2]; 2]> {
    let [first, last] = slices(region, layout);
    let ends = [region.start, region.end.map(|end| end.saturating_sub(1))].map(|voxel| layout.screen(voxel));
    let corner = |of: fn(usize, usize) -> usize| [of(ends[0][0], ends[1][0]), of(ends[0][1], ends[1][1])];
    (first..=last).contains(&slice).then(|| [corner(usize::min), corner(usize::max).map(|at| at + 1)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Plane};

    #[test]
    fn a_box_is_between_slices_of_every_plane_whatever_way_its_axes_run() {
        // i runs to the left, j to the feet, k to the front.
        let columns = [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]];
        let geometry = Geometry::new([10, 20, 30], Affine::from_columns(columns, [0.0; 3])).unwrap();
        let mut region = Region { start: [0; 3], end: [10, 20, 30] };
        for (plane, ends) in [(Plane::Axial, [3, 7]), (Plane::Coronal, [10, 29]), (Plane::Sagittal, [2, 2])] {
            let layout = PlaneLayout::new(&geometry, plane);
            assert_eq!(slices(&region, &layout), [0, layout.size[2] - 1]);
            region = between(region, &layout, ends);
            assert_eq!(slices(&region, &layout), ends);
        }
        for plane in Plane::ALL {
            let layout = PlaneLayout::new(&geometry, plane);
            for slice in 0..layout.size[2] {
                // Pixel by pixel, as the box says itself.
                let is_in = |x: usize, y: usize| region.contains(layout.voxel([x, y, slice]));
                let found = cut(&region, &layout, slice);
                for (x, y) in (0..layout.size[1]).flat_map(|y| (0..layout.size[0]).map(move |x| (x, y))) {
                    let in_cut = found.is_some_and(|[[left, top], [right, bottom]]| {
                        (left..right).contains(&x) && (top..bottom).contains(&y)
                    });
                    assert_eq!(in_cut, is_in(x, y), "{plane:?} {slice} {x} {y}");
                }
            }
        }
        let layout = PlaneLayout::new(&geometry, Plane::Axial);
        assert_eq!(slices(&between(region, &layout, [99, 5]), &layout), [5, 19], "beyond the grid there is nothing");
    }
}

//! Turning from one scan to another: cursor, zoom and middle of the views stay at the same place of the patient.

use crate::app::state::overlay::Fit;
use crate::app::state::studio::Studio;
use crate::app::state::views::{Came, Pose, ScanView, fitting_scales};
use crate::session::ScanId;
use crate::volume::{Geometry, Plane, PlaneLayout, Space, Vec3, Volume, space_of};

/// Nearer than this to the box, the place is in it: rounding in headers is no reason for a message.
const NEAR_MM: f64 = 0.05;

/// Whether the user, or their files, say that two scans have their places in common.
pub fn is_linked(studio: &Studio, a: ScanId, b: ScanId) -> bool {
    let document = studio.session.document();
    let (Some(first), Some(second)) = (document.scan(a), document.scan(b)) else { return false };
    let is_laid = |base: ScanId, over: ScanId| {
        let laid = studio.scan_views.get(&base).and_then(|view| view.overlay.laid);
        laid.filter(|laid| laid.scan == over)
    };
    let pair = [is_laid(a, b), is_laid(b, a)];
    studio.settings.links_scans
        && match (space_of(first, second), Fit::of(first, second)) {
            (Space::Same, _) => true,
            (_, Fit::ByCoordinates) => studio.settings.links_by_coordinates || pair.iter().any(Option::is_some),
            (_, Fit::OtherSpace) => pair.iter().flatten().any(|laid| laid.in_other_space),
            _ => false,
        }
}

/// Takes the place over from the scan that was on screen before.
pub fn turn(studio: &mut Studio, from: ScanId, to: ScanId) {
    if !is_linked(studio, from, to) {
        return;
    }
    let document = studio.session.document();
    let (Some(old), Some(new)) = (document.scan(from).cloned(), document.scan(to).cloned()) else { return };
    let Some(before) = studio.scan_views.get(&from).cloned() else { return };
    let Some(view) = studio.scan_views.get_mut(&to) else { return };
    let place = place_of(&before);
    let position = new.geometry.voxel_from_world().point(old.geometry.world_from_voxel().point(place));
    view.cursor = nearest_voxel(&new.geometry, position);
    let scales = [&old, &new].map(|scan| fitting_scales(&studio.rooms, &scan.geometry, studio.settings.linked_scale));
    let mut middles = [None; 3];
    for plane in Plane::ALL {
        let n = plane as usize;
        if let (Some(old_scale), Some(new_scale)) = (scales[0][n], scales[1][n]) {
            let middle = middle_of(&before, &old, plane, place);
            let zoom = Pose::FIT.zoomed(before.pose(plane).zoom * old_scale / new_scale).zoom;
            view.poses[n] = Pose { zoom, pan_mm: pan_to(&new.geometry, plane, view.flips(plane), middle) };
            middles[n] = Some((view.poses[n], middle));
        }
    }
    view.came = Some(Came { cursor: view.cursor, position, middles });
    let outside = outside_mm(&new.geometry, position);
    if outside > NEAR_MM {
        studio.notices.info(format!(
            "The cursor's place lies {outside:.1} mm outside of {}; the nearest voxel is shown.",
            new.name
        ));
    }
}

/// The cursor's place as a fractional voxel position: along axes where it has not moved since it came from another scan, the exact one.
fn place_of(view: &ScanView) -> Vec3 {
    let mut place = view.cursor.map(|n| n as f64);
    if let Some(came) = &view.came {
        for axis in (0..3).filter(|axis| came.cursor[*axis] == view.cursor[*axis]) {
            place[axis] = came.position[axis];
        }
    }
    place
}

fn nearest_voxel(geometry: &Geometry, position: Vec3) -> [usize; 3] {
    let shape = geometry.shape();
    [0, 1, 2].map(|n| position[n].round().clamp(0.0, (shape[n] - 1) as f64) as usize)
}

/// How far a voxel position lies outside of the grid's box, in millimetres.
fn outside_mm(geometry: &Geometry, position: Vec3) -> f64 {
    let shape = geometry.shape();
    let beyond = [0, 1, 2].map(|n| position[n] - position[n].clamp(-0.5, shape[n] as f64 - 0.5));
    geometry.world_from_voxel().direction(beyond).iter().map(|mm| mm * mm).sum::<f64>().sqrt()
}

/// Share of an axis of the slice, counted from the other side where it is mirrored.
fn mirrored(share: f64, is_flipped: bool) -> f64 {
    if is_flipped { 1.0 - share } else { share }
}

fn extent_mm(geometry: &Geometry, layout: &PlaneLayout) -> [f64; 2] {
    let pixel_mm = layout.pixel_mm(geometry);
    [0, 1].map(|n| layout.size[n] as f64 * pixel_mm[n])
}

/// The place of the patient in the middle of a view's tile, in millimetres.
fn middle_of(view: &ScanView, volume: &Volume, plane: Plane, place: Vec3) -> Vec3 {
    let pose = view.pose(plane);
    let came = view.came.as_ref().and_then(|came| came.middles[plane as usize]);
    if let Some((_, middle)) = came.filter(|(own, _)| *own == pose) {
        return middle;
    }
    let layout = PlaneLayout::new(&volume.geometry, plane);
    let (extent, flips) = (extent_mm(&volume.geometry, &layout), view.flips(plane));
    let at = |n: usize| {
        let share = 0.5 - f64::from(pose.pan_mm[n]) / extent[n];
        mirrored(share, flips[n]) * layout.size[n] as f64
    };
    let mut position = layout.point_in_voxel(at(0), at(1), 0);
    position[layout.axes[2]] = place[layout.axes[2]];
    volume.geometry.world_from_voxel().point(position)
}

/// How far the image is moved so that a place lies in the middle of the tile.
fn pan_to(geometry: &Geometry, plane: Plane, flips: [bool; 2], middle: Vec3) -> [f32; 2] {
    let layout = PlaneLayout::new(geometry, plane);
    let extent = extent_mm(geometry, &layout);
    let at = layout.point_on_screen(geometry.voxel_from_world().point(middle));
    [0, 1].map(|n| {
        let share = mirrored(at[n] / layout.size[n] as f64, flips[n]);
        ((0.5 - share) * extent[n]) as f32
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::act::overlay;
    use crate::app::act::scans::show;
    use crate::app::state::settings::Settings;
    use crate::volume::{Affine, FrameOfReference, Rescale, Voxels};

    fn scan(shape: [usize; 3], rows: [[f64; 4]; 3], uid: &str) -> Arc<Volume> {
        let geometry = Geometry::new(shape, Affine(rows)).unwrap();
        let voxels = Voxels::U8(vec![1; geometry.voxel_count()].into());
        let mut volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, format!("scan of {shape:?}"));
        volume.frame_of_reference = FrameOfReference::new(uid);
        Arc::new(volume)
    }

    /// A studio with scans; the first one is on screen, each view in a room of 400 times 300 points.
    fn studio<const N: usize>(scans: [Arc<Volume>; N]) -> (Studio, [ScanId; N]) {
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        studio.rooms = [Some([400.0, 300.0]); 3];
        let ids = scans.map(|volume| {
            let (scan, segmentation) = studio.session.add_scan(volume.clone());
            studio.scan_views.insert(scan, ScanView::new(&volume, segmentation));
            scan
        });
        show(&mut studio, ids[0]);
        (studio, ids)
    }

    const STRAIGHT: [[f64; 4]; 3] = [[-1.0, 0.0, 0.0, 20.0], [0.0, -1.2, 0.0, 15.0], [0.0, 0.0, 2.5, -30.0]];
    /// Turned by 25 degrees.
    const OBLIQUE: [[f64; 4]; 3] =
        [[1.812_616, -0.633_927, 0.0, -14.0], [0.845_236, 1.359_462, 0.0, -12.0], [0.0, 0.0, 4.0, -25.0]];

    fn pair(uids: [&str; 2]) -> (Studio, [ScanId; 2]) {
        studio([scan([40, 30, 20], STRAIGHT, uids[0]), scan([16, 20, 8], OBLIQUE, uids[1])])
    }

    #[test]
    fn the_cursor_stays_at_its_place_and_comes_back_to_its_voxel() {
        let (mut studio, [a, b]) = pair(["1.2", "1.2"]);
        // Voxels as SimpleITK's `TransformPhysicalPointToIndex` gives them; what lies outside is clamped to the grid.
        let cases = [
            ([20, 12, 9], [9, 4, 4], None),
            ([14, 9, 4], [12, 4, 1], None),
            ([38, 2, 19], [3, 16, 7], Some("12.5 mm outside")),
            ([25, 14, 0], [6, 4, 0], Some("3.0 mm outside")),
        ];
        for (voxel, wanted, told) in cases {
            studio.view_mut().unwrap().cursor = voxel;
            while !studio.notices.all().is_empty() {
                studio.notices.dismiss(0);
            }
            show(&mut studio, b);
            assert_eq!(studio.view().unwrap().cursor, wanted);
            let texts: Vec<&str> = studio.notices.all().iter().map(|notice| notice.text.as_str()).collect();
            assert_eq!(texts.len(), usize::from(told.is_some()), "{texts:?}");
            assert!(told.is_none_or(|told| texts[0].contains(told)), "{texts:?}");
            show(&mut studio, a);
            assert_eq!(studio.view().unwrap().cursor, voxel);
        }
        // A step in the second scan is taken over; along its other axes the exact place is kept.
        studio.view_mut().unwrap().cursor = [14, 9, 4];
        show(&mut studio, b);
        studio.view_mut().unwrap().cursor[2] = 3;
        show(&mut studio, a);
        // The middle of slice 3 lies at -25 + 3 * 4 = -13 mm, which is slice 6.8.
        assert_eq!(studio.view().unwrap().cursor, [14, 9, 7]);
    }

    #[test]
    fn only_what_belongs_together_is_linked() {
        let moves = |uids: [&str; 2], change: fn(&mut Studio, ScanId)| {
            let (mut studio, [_, b]) = pair(uids);
            studio.view_mut().unwrap().cursor = [14, 9, 4];
            change(&mut studio, b);
            show(&mut studio, b);
            studio.view().unwrap().cursor == [12, 4, 1]
        };
        assert!(moves(["1.2", "1.2"], |_, _| {}));
        assert!(!moves(["1.2", "1.2"], |studio, _| studio.settings.links_scans = false));
        assert!(!moves(["1.2", "1.3"], |studio, _| studio.settings.links_by_coordinates = true));
        assert!(!moves(["", ""], |_, _| {}), "two empty UIDs are no common one");
        assert!(moves(["", "1.2"], |studio, _| studio.settings.links_by_coordinates = true));
        // Laying one over the other is the user's word, too; over another frame of reference only with the explicit one.
        assert!(moves(["", ""], |studio, over| overlay::choose(studio, Some(over))));
        assert!(!moves(["1.2", "1.3"], |studio, over| overlay::choose(studio, Some(over))));
        assert!(moves(["1.2", "1.3"], |studio, over| {
            overlay::choose(studio, Some(over));
            let view = studio.view_mut().unwrap();
            view.overlay.laid.as_mut().unwrap().in_other_space = true;
        }));
    }

    #[test]
    fn scale_and_middle_of_the_views_stay() {
        // Cubes of 100 mm and of 50 mm in one of its corners: the small one at twice the zoom would fill the tile as the large one does.
        let large = [[1.0, 0.0, 0.0, 0.5], [0.0, 1.0, 0.0, 0.5], [0.0, 0.0, 1.0, 0.5]];
        let small = [[2.0, 0.0, 0.0, 1.0], [0.0, 2.0, 0.0, 1.0], [0.0, 0.0, 2.0, 1.0]];
        let scans = [scan([100; 3], large, "1"), scan([25; 3], small, "1")];
        for flips in [[false; 2], [true, false], [true, true]] {
            let (mut studio, [a, b]) = studio(scans.clone());
            let view = studio.view_mut().unwrap();
            (view.cursor, view.flips[0]) = ([30, 40, 20], flips);
            view.poses[0] = Pose { zoom: 3.0, pan_mm: [12.0, -7.0] };
            let pose = view.poses[0];
            show(&mut studio, b);
            let carried = studio.view().unwrap().pose(Plane::Axial);
            assert!((carried.zoom - 1.5).abs() < 1e-6, "3 points a millimetre fit 100 mm, 6 fit 50 mm");
            // The axial view shows R on the left and A above. Its tile's middle is 12 mm to the left of the large one's middle and 7 mm
            // below, where nothing is mirrored: at R 62, A 43. The small one's middle is at R 25, A 25.
            let sign = |is_flipped: bool| if is_flipped { -1.0f32 } else { 1.0 };
            let middle = [50.0 + 12.0 * sign(flips[0]), 50.0 - 7.0 * sign(flips[1])];
            assert!((carried.pan_mm[0] - (middle[0] - 25.0)).abs() < 1e-4, "{carried:?} {middle:?}");
            assert!((carried.pan_mm[1] - (middle[1] - 25.0)).abs() < 1e-4, "{carried:?} {middle:?}");
            show(&mut studio, a);
            let back = studio.view().unwrap().pose(Plane::Axial);
            assert!((back.zoom - pose.zoom).abs() < 1e-5, "{back:?}");
            assert!((0..2).all(|n| (back.pan_mm[n] - pose.pan_mm[n]).abs() < 1e-4), "{back:?}");
        }
    }

    #[test]
    fn turning_to_and_fro_moves_nothing_bit_by_bit() {
        let (mut studio, [a, b]) = pair(["1.2", "1.2"]);
        let view = studio.view_mut().unwrap();
        view.cursor = [14, 9, 4];
        view.poses = [Pose { zoom: 2.0, pan_mm: [5.0, -9.0] }; 3];
        for _ in 0..20 {
            show(&mut studio, b);
            show(&mut studio, a);
        }
        let view = studio.view().unwrap();
        assert_eq!(view.cursor, [14, 9, 4]);
        for pose in view.poses {
            assert!((pose.zoom - 2.0).abs() < 1e-4, "{pose:?}");
            assert!((pose.pan_mm[0] - 5.0).abs() < 1e-2 && (pose.pan_mm[1] + 9.0).abs() < 1e-2, "{pose:?}");
        }
    }
}

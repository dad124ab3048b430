//! Habits of the mouse that the user has chosen, or that come with a profile of keys.

use super::painting::look;
use crate::app::commands::profile;
use crate::app::state::studio::Studio;
use crate::tools::{self, Button, Pointer, PointerKind};
use crate::volume::Plane;

/// Tools that only look: their right button zooms, unless the user wants it to change the window.
const LOOKING: [&str; 6] = ["crosshair", "hand", "window-level", "ruler", "angle", "roi"];

/// Changes the window by the right button, where the user wants that and a tool for looking is in hand. Whether it did.
pub fn window_drag(studio: &mut Studio, plane: Plane, pointer: &Pointer) -> bool {
    let is_wanted = studio.settings.right_drag_windows && LOOKING.contains(&studio.hand.entry.id);
    if !is_wanted || pointer.kind != PointerKind::Drag(Button::Secondary) {
        return false;
    }
    let (Some(entry), Some(slice)) = (tools::find("window-level"), studio.tool_slice(plane)) else { return false };
    let dragged = Pointer { kind: PointerKind::Drag(Button::Primary), ..*pointer };
    let reply = (entry.make)().pointer(&slice, &dragged);
    reply.look.into_iter().for_each(|change| look(studio, plane, change));
    true
}

/// Zooms by the right button in profiles of programs where it does so whatever is in hand. Whether it took the event.
pub fn right_zoom(studio: &mut Studio, plane: Plane, pointer: &Pointer) -> bool {
    use PointerKind::{Drag, Press, Release};
    let is_right =
        matches!(pointer.kind, Press(Button::Secondary) | Drag(Button::Secondary) | Release(Button::Secondary));
    if !is_right || !profile(studio.settings.keys.profile()).right_zooms {
        return false;
    }
    let (Some(entry), Some(slice)) = (tools::find("hand"), studio.tool_slice(plane)) else { return false };
    let reply = (entry.make)().pointer(&slice, pointer);
    reply.look.into_iter().for_each(|change| look(studio, plane, change));
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::act::{painting, profiles, scans};
    use crate::app::state::keymap::ProfileId;
    use crate::app::state::settings::Settings;
    use crate::app::state::views::ScanView;
    use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels};

    fn studio(of: ProfileId) -> Studio {
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        let geometry = Geometry::new([20, 20, 20], Affine::IDENTITY).unwrap();
        let voxels = Voxels::I16(Arc::new((0..8000).collect()));
        let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "made".into()));
        let (scan, segmentation) = studio.session.add_scan(volume.clone());
        studio.scan_views.insert(scan, ScanView::new(&volume, segmentation));
        scans::show(&mut studio, scan);
        scans::add_label_view(&mut studio, segmentation);
        let mut keymap = studio.settings.keys.clone();
        keymap.set_profile(of);
        profiles::set_keys(&mut studio, keymap);
        studio
    }

    /// Drags a button 30 points down over the middle of the axial view.
    fn drag(studio: &mut Studio, button: Button) {
        for kind in [PointerKind::Press(button), PointerKind::Drag(button), PointerKind::Release(button)] {
            let moved = if matches!(kind, PointerKind::Drag(_)) { 30.0 } else { 0.0 };
            let pointer = Pointer {
                kind,
                at: [10.0; 2],
                is_alt: false,
                moved_points: [0.0, moved],
                mm_per_point: 1.0,
                pixels_per_point: [1.0; 2],
            };
            painting::pointer(studio, Plane::Axial, &pointer);
        }
    }

    fn zoom(studio: &Studio) -> f32 {
        studio.view().unwrap().pose(Plane::Axial).zoom
    }

    #[test]
    fn with_ohifs_and_slicers_keys_the_right_button_zooms_whatever_is_in_hand_and_erases_with_itk_snaps() {
        let painted = |studio: &Studio| studio.segmentation().unwrap().labels().voxel_counts().get(&1).copied();
        for (of, zooms) in [(ProfileId::ItkSnap, false), (ProfileId::Slicer, true), (ProfileId::Ohif, true)] {
            let mut studio = studio(of);
            painting::take_tool(&mut studio, tools::find("brush").unwrap());
            drag(&mut studio, Button::Primary);
            let before = painted(&studio).unwrap();
            assert_eq!(zoom(&studio), 1.0);
            drag(&mut studio, Button::Secondary);
            let after = (painted(&studio), zoom(&studio));
            if zooms {
                assert_eq!(after.0, Some(before), "{of:?}: nothing is erased");
                assert!((after.1 - (-30.0f32 / 150.0).exp()).abs() < 1e-6, "{of:?}: {}", after.1);
            } else {
                assert_eq!(after, (None, 1.0), "{of:?}: what was painted is erased");
            }
        }
    }

    #[test]
    fn ohif_begins_with_the_window_under_the_left_button() {
        let mut studio = studio(ProfileId::Ohif);
        assert_eq!(studio.hand.entry.id, "window-level");
        let before = studio.view().unwrap().window;
        drag(&mut studio, Button::Primary);
        let after = studio.view().unwrap().window;
        // Down is darker: a higher level. A way of 600 points is the whole range of values.
        assert!((after.level - before.level - 30.0 / 600.0 * 7999.0).abs() < 1e-6 && after.width == before.width);
        // The user's own choice of the right button goes first.
        studio.settings.right_drag_windows = true;
        drag(&mut studio, Button::Secondary);
        assert!(zoom(&studio) == 1.0 && studio.view().unwrap().window.level > after.level);
    }
}

//! A second scan laid over the one on screen: choosing it, and keeping its slices where the cursor is.
//!
//! A slice is sampled within the frame where that is quick enough. Where it is not, fewer of its pixels are, so that no frame waits and
//! none shows another slice's values, and a job brings all of them.

use std::time::{Duration, Instant};

use crate::app::state::overlay::{Fit, Laid, LaidKey, LaidSlice, OverlayForm};
use crate::app::state::studio::Studio;
use crate::drawing::{OverlayLook, OverlaySlice};
use crate::jobs::{Job, SampleSliceJob};
use crate::session::ScanId;
use crate::volume::{Plane, PlaneLayout, SliceSampler, Volume};

/// Time for all slices of a frame.
const ROOM: Duration = Duration::from_millis(6);
/// Most pixels along a side that are one.
const COARSEST: usize = 64;
/// How much of what was measured last goes into the time of a pixel.
const NEWEST: f64 = 0.25;
/// Fewer pixels tell nothing about their time.
const FEW_PIXELS: usize = 4096;
/// How many times slower than before a single measurement counts at most.
const MOST_SLOWER: f64 = 4.0;

/// Open scans beside the one on screen, with their names and whether they fit over it.
pub fn others(studio: &Studio) -> Vec<(ScanId, &str, Fit)> {
    let Some(base) = studio.volume() else { return Vec::new() };
    let all = studio.session.document().scans().filter(|(scan, _)| Some(*scan) != studio.shown);
    all.map(|(scan, over)| (scan, over.name.as_str(), Fit::of(base, over))).collect()
}

/// Takes over what was changed about the overlay.
pub fn set_form(studio: &mut Studio, form: OverlayForm) {
    studio.view_mut().into_iter().for_each(|view| view.overlay = form);
}

/// Chooses the scan that is laid over the one on screen, and shows it with the window and the frame that it has on screen itself.
pub fn choose(studio: &mut Studio, scan: Option<ScanId>) {
    let of = scan.and_then(|scan| Some((scan, studio.scan_views.get(&scan)?)));
    let laid = of.map(|(scan, view)| Laid { scan, frame: view.frame, window: view.window, in_other_space: false });
    set_form(studio, OverlayForm { is_on: laid.is_some(), laid });
}

/// Why there is nothing to lay over the scan on screen.
pub fn lacks(studio: &Studio) -> Option<&'static str> {
    if studio.volume().is_none() {
        return Some("Open a scan first");
    }
    let is_chosen = studio.view().is_some_and(|view| view.overlay.laid.is_some());
    let fits = |fit: Fit| matches!(fit, Fit::SameSpace | Fit::ByCoordinates);
    let any = is_chosen || others(studio).iter().any(|(.., fit)| fits(*fit));
    (!any).then_some("Open a second scan that lies in the same place first")
}

/// Shows the overlay or hides it; the first scan that fits, where none was chosen.
pub fn toggle(studio: &mut Studio) {
    let Some(mut form) = studio.view().map(|view| view.overlay) else { return };
    let is_open = |laid: Laid| studio.session.document().scan(laid.scan).is_some();
    if form.laid.is_some_and(is_open) {
        form.is_on = !form.is_on;
        return set_form(studio, form);
    }
    let all = others(studio);
    let first = [Fit::SameSpace, Fit::ByCoordinates].into_iter().find_map(|wanted| {
        let (scan, ..) = all.iter().find(|(.., fit)| *fit == wanted)?;
        Some(*scan)
    });
    choose(studio, first);
}

/// Sets the overlay's window from its values, as a scan's own.
pub fn auto_window(studio: &mut Studio) {
    let Some(mut form) = studio.view().map(|view| view.overlay) else { return };
    if let Some(laid) = &mut form.laid
        && let Some(over) = studio.session.document().scan(laid.scan)
    {
        laid.window = over.auto_window();
        set_form(studio, form);
    }
}

/// Why the overlay's window cannot be set.
pub fn lacks_overlay(studio: &Studio) -> Option<&'static str> {
    if studio.volume().is_none() {
        return Some("Open a scan first");
    }
    studio.overlay().is_none().then_some("Show an overlay first: in the Look task")
}

/// How the overlay's values are shown.
pub fn look(studio: &Studio, laid: &Laid, over: &Volume) -> OverlayLook {
    OverlayLook {
        window: laid.window,
        colours: studio.settings.overlay_colours,
        is_inverted: over.display.inverted,
        hides_low: studio.settings.overlay_hides_low,
    }
}

/// What is laid over a slice, for a picture of it; none where no overlay is shown.
pub fn saved_slice(studio: &Studio, scan: ScanId, layout: &PlaneLayout, slice: usize) -> Option<OverlaySlice> {
    let (laid, over, _) = studio.overlay().filter(|_| studio.shown == Some(scan))?;
    let base = studio.volume()?;
    let values = SliceSampler::new((over, laid.frame), &base.geometry, layout, slice, 1).read();
    Some(OverlaySlice { values, look: look(studio, &laid, over), opacity: studio.settings.overlay_opacity })
}

/// Keeps slices of the overlay at the cursor, in the views that are on screen.
pub fn follow(studio: &mut Studio) {
    let Some((laid, over, _)) = studio.overlay() else {
        if studio.overlaying.slices.iter().any(Option::is_some) {
            studio.overlaying.slices = Default::default();
            studio.tasks.stop(SampleSliceJob::KIND);
        }
        return;
    };
    let (Some(shown), Some(base)) = (studio.shown, studio.volume().cloned()) else { return };
    let (over, mut room) = (over.clone(), ROOM.as_nanos() as f64);
    let planes = Plane::ALL.into_iter().filter(|plane| studio.rooms[*plane as usize].is_some());
    let wanted: Vec<LaidKey> = planes
        .filter_map(|plane| {
            let slice = studio.slice(plane)?;
            Some(LaidKey { base: shown, over: laid.scan, frame: laid.frame, plane, slice })
        })
        .collect();
    for key in &wanted {
        let ready = &studio.overlaying.slices[key.plane as usize];
        if ready.as_ref().is_none_or(|ready| ready.key != *key) {
            sample(studio, *key, (&base, &over), &mut room);
        }
    }
    ask_for_the_rest(studio, &wanted, (&base, &over));
}

/// Samples a slice within the frame, as finely as the time allows that is left of it.
fn sample(studio: &mut Studio, key: LaidKey, (base, over): (&Volume, &Volume), room: &mut f64) {
    let layout = PlaneLayout::new(&base.geometry, key.plane);
    let sampler = |thinning| SliceSampler::new((over, key.frame), &base.geometry, &layout, key.slice, thinning);
    let nanos = &mut studio.overlaying.pixel_nanos[key.plane as usize];
    let takes = sampler(1).inside_count() as f64 * *nanos;
    let mut thinning = 1;
    while takes / (thinning * thinning) as f64 > *room && thinning < COARSEST {
        thinning *= 2;
    }
    let began = Instant::now();
    let sampler = sampler(thinning);
    let values = sampler.read();
    let took = began.elapsed().as_nanos() as f64;
    *room = (*room - took).max(0.0);
    let pixels = sampler.inside_count();
    if pixels >= FEW_PIXELS {
        // One slow moment is not taken for the rule.
        let newest = (took / pixels as f64).min(*nanos * MOST_SLOWER);
        *nanos += (newest - *nanos) * NEWEST;
    } else if thinning > 1 {
        // Too few to tell: by and by a finer one is tried again.
        *nanos *= 1.0 - NEWEST / 4.0;
    }
    let slice = LaidSlice { key, thinning, size: sampler.size(), values: values.into() };
    studio.overlaying.slices[key.plane as usize] = Some(slice);
}

/// One slice at a time is finished in the background.
fn ask_for_the_rest(
    studio: &mut Studio,
    wanted: &[LaidKey],
    (base, over): (&std::sync::Arc<Volume>, &std::sync::Arc<Volume>),
) {
    if let Some(asked) = studio.overlaying.asked {
        if !wanted.contains(&asked) {
            studio.tasks.stop(SampleSliceJob::KIND);
        }
        return;
    }
    let is_coarse = |key: &&LaidKey| {
        studio.overlaying.slices[key.plane as usize].as_ref().is_some_and(|ready| ready.thinning > 1)
            && !studio.overlaying.failed.contains(*key)
    };
    let Some(key) = wanted.iter().copied().find(|key| is_coarse(&key)) else { return };
    let layout = PlaneLayout::new(&base.geometry, key.plane);
    let job = SampleSliceJob { over: over.clone(), frame: key.frame, base: base.clone(), layout, slice: key.slice };
    studio.overlaying.asked = Some(key);
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            studio.overlaying.asked = None;
            let was_stopped = result.as_ref().is_err_and(crate::jobs::JobError::is_stop);
            match studio.told(result) {
                Some(values) => {
                    let ready = &mut studio.overlaying.slices[key.plane as usize];
                    if let Some(ready) = ready.as_mut().filter(|ready| ready.key == key) {
                        (ready.thinning, ready.size) = (1, [layout.size[0], layout.size[1]]);
                        ready.values = values.into();
                    }
                }
                None if !was_stopped => studio.overlaying.failed.push(key),
                None => {}
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::act::scans::show;
    use crate::app::state::settings::Settings;
    use crate::app::state::views::ScanView;
    use crate::volume::{Affine, FrameOfReference, Geometry, Rescale, Voxels};

    fn scan(shape: [usize; 3], spacing: f64, origin: f64, uid: &str) -> Arc<Volume> {
        let rows = [[-spacing, 0.0, 0.0, origin], [0.0, -spacing, 0.0, origin], [0.0, 0.0, spacing, -origin]];
        let geometry = Geometry::new(shape, Affine(rows)).unwrap();
        let voxels = Voxels::U8((0..geometry.voxel_count()).map(|n| (n % 251) as u8).collect::<Vec<_>>().into());
        let mut volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, format!("scan of {shape:?}"));
        volume.frame_of_reference = FrameOfReference::new(uid);
        Arc::new(volume)
    }

    /// Scans, the first of which is on screen.
    fn studio(scans: &[Arc<Volume>]) -> (Studio, Vec<ScanId>) {
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        studio.rooms = [Some([300.0; 2]); 3];
        let mut ids = Vec::new();
        for volume in scans {
            let (scan, segmentation) = studio.session.add_scan(volume.clone());
            studio.scan_views.insert(scan, ScanView::new(volume, segmentation));
            ids.push(scan);
        }
        show(&mut studio, ids[0]);
        (studio, ids)
    }

    #[test]
    fn the_first_scan_that_fits_is_laid_over_and_no_other_one() {
        let base = scan([40, 30, 20], 1.0, 20.0, "1.2");
        let [other, apart] = [scan([8, 8, 8], 2.0, 10.0, "1.3"), scan([8, 8, 8], 2.0, 200.0, "1.2")];
        let (mut studio, ids) = studio(&[base.clone(), other, apart]);
        let fits: Vec<Fit> = others(&studio).into_iter().map(|(.., fit)| fit).collect();
        assert_eq!(fits, [Fit::OtherSpace, Fit::Apart]);
        assert!(lacks(&studio).is_some());
        // What does not fit is not shown though it is chosen, until the user says so; what lies elsewhere never is.
        choose(&mut studio, Some(ids[1]));
        assert!(studio.view().unwrap().overlay.is_on && studio.overlay().is_none());
        studio.view_mut().unwrap().overlay.laid.as_mut().unwrap().in_other_space = true;
        assert_eq!(studio.overlay().unwrap().2, Fit::OtherSpace);
        choose(&mut studio, Some(ids[2]));
        studio.view_mut().unwrap().overlay.laid.as_mut().unwrap().in_other_space = true;
        assert!(studio.overlay().is_none());
        choose(&mut studio, None);
        let stated = scan([8, 8, 8], 2.0, 10.0, "1.2");
        let unstated = scan([8, 8, 8], 2.0, 10.0, "");
        let (mut studio, ids) = self::studio(&[base, unstated, stated]);
        assert!(lacks(&studio).is_none());
        toggle(&mut studio);
        assert_eq!(studio.overlay().map(|(laid, _, fit)| (laid.scan, fit)), Some((ids[2], Fit::SameSpace)));
        toggle(&mut studio);
        assert!(studio.overlay().is_none());
        choose(&mut studio, Some(ids[1]));
        assert_eq!(studio.overlay().map(|(.., fit)| fit), Some(Fit::ByCoordinates));
        crate::app::act::scans::close(&mut studio, ids[1]);
        assert!(studio.overlay().is_none(), "what is closed is not shown");
        toggle(&mut studio);
        assert_eq!(studio.overlay().map(|(laid, ..)| laid.scan), Some(ids[2]));
    }

    fn values_of(studio: &Studio, plane: Plane) -> Option<(usize, Vec<f32>)> {
        let ready = studio.laid_slice(plane, studio.slice(plane)?)?;
        Some((ready.thinning, ready.values.to_vec()))
    }

    /// Every slice of the views, sampled anew.
    fn check(studio: &Studio, over: &Volume, frame: usize) {
        let base = studio.volume().unwrap();
        for plane in Plane::ALL {
            let (thinning, values) = values_of(studio, plane).unwrap();
            let layout = PlaneLayout::new(&base.geometry, plane);
            let slice = studio.slice(plane).unwrap();
            let wanted = SliceSampler::new((over, frame), &base.geometry, &layout, slice, 1).read();
            assert_eq!(thinning, 1);
            assert!(values.iter().zip(&wanted).all(|(a, b)| a.to_bits() == b.to_bits()), "{plane:?}");
            assert_eq!(values.len(), wanted.len());
        }
    }

    #[test]
    fn slices_follow_the_cursor_and_go_with_the_overlay() {
        let (base, over) = (scan([40, 30, 20], 1.0, 20.0, ""), scan([9, 8, 7], 2.0, 12.0, ""));
        let (mut studio, ids) = studio(&[base, over.clone()]);
        follow(&mut studio);
        assert!(studio.overlaying.slices.iter().all(Option::is_none), "nothing is done where there is no overlay");
        choose(&mut studio, Some(ids[1]));
        follow(&mut studio);
        check(&studio, &over, 0);
        studio.view_mut().unwrap().cursor = [12, 10, 15];
        assert!(values_of(&studio, Plane::Axial).is_none(), "another slice's values are not shown");
        follow(&mut studio);
        check(&studio, &over, 0);
        // R 8, A 10, S -5 is voxel 2, 1, 3.5 of the overlay: between 2 + 9 + 3 * 72 = 227 and 2 + 9 + 4 * 72 - 251 = 48.
        assert_eq!(studio.overlay_value([12, 10, 15]), Some(f64::midpoint(227.0, 48.0)));
        assert_eq!(studio.overlay_value([0, 0, 0]), None);
        toggle(&mut studio);
        follow(&mut studio);
        assert!(studio.overlaying.slices.iter().all(Option::is_none));
    }

    #[test]
    fn of_several_frames_the_one_on_screen_is_laid_over_or_another_one() {
        let base = scan([40, 30, 20], 1.0, 20.0, "");
        let one = scan([9, 8, 7], 2.0, 12.0, "");
        let frames: Vec<u8> = (0..3 * one.geometry.voxel_count()).map(|n| (n % 241) as u8).collect();
        let voxels = Voxels::U8(Arc::new(frames));
        let over = Volume::new(one.geometry.clone(), voxels, vec![3], Rescale::IDENTITY, "frames".into());
        let over = Arc::new(over);
        let (mut studio, ids) = studio(&[base, over.clone()]);
        studio.scan_views.get_mut(&ids[1]).unwrap().frame = 1;
        choose(&mut studio, Some(ids[1]));
        assert_eq!(studio.overlay().unwrap().0.frame, 1);
        for frame in [1, 2, 0] {
            let mut form = studio.view().unwrap().overlay;
            form.laid.as_mut().unwrap().frame = frame;
            set_form(&mut studio, form);
            follow(&mut studio);
            check(&studio, &over, frame);
            // Voxel 2, 1, 3 of that frame.
            let wanted = (frame * 9 * 8 * 7 + 2 + 9 + 3 * 72) % 241;
            studio.view_mut().unwrap().cursor = [12, 10, 14];
            assert_eq!(studio.overlay_value([12, 10, 14]), Some(wanted as f64));
        }
    }

    #[test]
    fn what_takes_longer_than_a_frame_is_coarse_first_and_finished_by_a_job() {
        let (base, over) = (scan([80, 70, 60], 1.0, 20.0, ""), scan([90, 80, 70], 1.0, 25.0, ""));
        let (mut studio, ids) = studio(&[base, over.clone()]);
        choose(&mut studio, Some(ids[1]));
        // As if a pixel took a fiftieth of a millisecond.
        studio.overlaying.pixel_nanos = [20_000.0; 3];
        follow(&mut studio);
        let (thinning, values) = values_of(&studio, Plane::Axial).unwrap();
        assert!(thinning > 1 && values.len() < 80 * 70 / 3, "{thinning}");
        let began = Instant::now();
        while Plane::ALL.iter().any(|plane| values_of(&studio, *plane).is_none_or(|(thinning, _)| thinning > 1)) {
            crate::app::act::following::follow(&mut studio);
            assert!(began.elapsed() < Duration::from_mins(1), "the slices were not finished");
            std::thread::sleep(Duration::from_millis(2));
        }
        check(&studio, &over, 0);
    }
}

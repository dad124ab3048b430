//! What lies over a scan goes into the document and the journal, and comes back with them.

use std::time::{Duration, Instant};

use crate::app::state::overlay::{Laid, OverlayForm};
use crate::app::state::studio::Studio;
use crate::drawing::ColourMap;
use crate::session::{KeptLook, KeptOverlay, ScanId};

/// Between two looks: a window that is dragged is not a change for every frame.
const PAUSE: Duration = Duration::from_secs(1);

/// What lies over a scan now. One whose window was dragged beyond every number is not kept: nobody could see it again.
fn kept(studio: &Studio, of: ScanId) -> Option<KeptOverlay> {
    let form = studio.scan_views.get(&of)?.overlay;
    let is_window = |laid: &Laid| laid.window.level.is_finite() && laid.window.width.is_finite();
    let Laid { scan, frame, window, in_other_space } = form.laid.filter(is_window)?;
    let over = studio.session.document().reference(scan)?.clone();
    let settings = &studio.settings;
    let look = KeptLook {
        is_on: form.is_on,
        frame,
        window,
        in_other_space,
        opacity: settings.overlay_opacity,
        colours: settings.overlay_colours.id().into(),
        hides_low: settings.overlay_hides_low,
    };
    Some(KeptOverlay { over, look })
}

/// The document has what lies over its scans.
pub fn remember(studio: &mut Studio) {
    let scans: Vec<ScanId> = studio.scan_views.keys().copied().collect();
    for scan in scans {
        let now = kept(studio, scan);
        studio.session.set_overlay(scan, now);
    }
    studio.overlaying.remembered = Some(Instant::now());
}

/// Once a frame: the same, now and then.
pub fn follow(studio: &mut Studio) {
    // What was brought and waits for its other scan is not forgotten meanwhile.
    let is_waiting = !studio.bringing.overlays.is_empty();
    if !is_waiting && studio.overlaying.remembered.is_none_or(|then| then.elapsed() >= PAUSE) {
        remember(studio);
    }
}

/// Lays scans over others as they were kept, as soon as both have come; what has no other scan is dropped when no more come.
pub fn bring_back(studio: &mut Studio) {
    for (scan, kept) in std::mem::take(&mut studio.bringing.overlays) {
        let document = studio.session.document();
        let is_it = |other: &ScanId| document.reference(*other).is_some_and(|own| own.is_same_scan(&kept.over));
        let over = document.scans().map(|(other, _)| other).filter(|other| *other != scan).find(is_it);
        match over {
            Some(over) => lay(studio, scan, over, &kept.look),
            None if studio.bringing.all.is_empty() => {
                let name = kept.over.title();
                studio
                    .notices
                    .info(format!("{name} was laid over a scan, and is not open: it is not laid over it now."));
            }
            None => studio.bringing.overlays.push((scan, kept)),
        }
    }
}

fn lay(studio: &mut Studio, scan: ScanId, over: ScanId, look: &KeptLook) {
    let Some(volume) = studio.session.document().scan(over) else { return };
    let KeptLook { is_on, frame, window, in_other_space, opacity, colours, hides_low } = look.clone();
    let is_window = window.level.is_finite() && window.width.is_finite() && window.width > 0.0;
    let window = if is_window { window } else { volume.default_window() };
    let frame = frame.min(volume.frame_count().saturating_sub(1));
    let Some(view) = studio.scan_views.get_mut(&scan) else { return };
    view.overlay = OverlayForm { is_on, laid: Some(Laid { scan: over, frame, window, in_other_space }) };
    if is_on {
        let opacity = if opacity.is_finite() { opacity.clamp(0.0, 1.0) } else { studio.settings.overlay_opacity };
        studio.settings.overlay_opacity = opacity;
        studio.settings.overlay_colours = ColourMap::from(colours);
        studio.settings.overlay_hides_low = hides_low;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::act::{following, overlay, scans::show};
    use crate::app::state::bringing::BroughtFrom;
    use crate::app::state::settings::Settings;
    use crate::app::state::views::ScanView;
    use crate::session::{read_document, write_document};
    use crate::volume::{Affine, Geometry, Rescale, Volume, Voxels, Window};
    use crate::work::Watch;

    fn studio() -> Studio {
        Studio::new(Settings::default(), Arc::new(|| {}))
    }

    fn open(studio: &mut Studio, name: &str, value: u8) -> ScanId {
        let voxels = Voxels::U8(Arc::new(vec![value; 1000]));
        let geometry = Geometry::new([10, 10, 10], Affine::IDENTITY).unwrap();
        let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, name.into()));
        let (scan, of) = studio.session.add_scan(volume.clone());
        studio.session.set_checksum(scan, volume.checksum());
        studio.scan_views.insert(scan, ScanView::new(&volume, of));
        scan
    }

    fn settle(studio: &mut Studio) {
        let began = Instant::now();
        while !studio.bringing.all.is_empty() {
            following::follow(studio);
            assert!(began.elapsed() < Duration::from_mins(1), "the scans did not come");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn what_was_laid_over_a_scan_lies_over_it_again_when_the_document_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lamella");
        let mut first = studio();
        // The scan above is the later one of the document.
        let (base, over) = (open(&mut first, "CT", 1), open(&mut first, "PET", 2));
        first.session.set_keeps_scans(true);
        show(&mut first, base);
        overlay::choose(&mut first, Some(over));
        let mut form = first.view().unwrap().overlay;
        form.laid.as_mut().unwrap().window = Window { level: 3.5, width: 9.0 };
        overlay::set_form(&mut first, form);
        (first.settings.overlay_colours, first.settings.overlay_opacity) = (ColourMap::Viridis, 0.8);
        remember(&mut first);
        write_document(&path, first.session.document(), Watch::unwatched()).unwrap();

        let mut second = studio();
        let scans = read_document(&path, Watch::unwatched()).unwrap();
        scans.into_iter().for_each(|kept| super::super::bringing::start(&mut second, kept, BroughtFrom::Document));
        settle(&mut second);
        let named = |name: &str| second.session.document().scans().find(|(_, own)| own.name == name).unwrap().0;
        let (base, over) = (named("CT"), named("PET"));
        let OverlayForm { is_on, laid } = second.scan_views[&base].overlay;
        let laid = laid.unwrap();
        assert_eq!((is_on, laid.scan, laid.window), (true, over, Window { level: 3.5, width: 9.0 }));
        assert_eq!((second.settings.overlay_colours, second.settings.overlay_opacity), (ColourMap::Viridis, 0.8));
        assert!(second.scan_views[&over].overlay.laid.is_none());
        show(&mut second, base);
        assert!(second.overlay().is_some() && second.session.undo_name().is_none(), "no step of the history");
        // What nobody could read is not kept.
        let mut form = second.view().unwrap().overlay;
        let endless = Window { level: 3.5, width: f64::INFINITY };
        let window = std::mem::replace(&mut form.laid.as_mut().unwrap().window, endless);
        overlay::set_form(&mut second, form);
        remember(&mut second);
        assert!(second.session.document().overlay(base).is_none());
        form.laid.as_mut().unwrap().window = window;
        overlay::set_form(&mut second, form);
        remember(&mut second);
        assert_eq!(second.session.document().overlay(base).unwrap().look.window, window);
        // What is taken off is off in the document too.
        overlay::choose(&mut second, None);
        remember(&mut second);
        assert!(second.session.document().overlay(base).is_none());
    }
}

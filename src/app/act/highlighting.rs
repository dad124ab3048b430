//! Finding the region that a click would paint, beside the window: it is shown while the pointer stays where it was found for.

use crate::app::state::highlighting::{Highlight, HighlightKey};
use crate::app::state::studio::Studio;
use crate::jobs::{HighlightJob, Job};
use crate::tools::{BRUSH_SIZE, HighlightWork};

/// What would be found now; none in the middle of a gesture, or where the tool in hand paints nothing.
fn key(studio: &Studio) -> Option<HighlightKey> {
    let hover = studio.hover.filter(|hover| hover.voxel.is_some())?;
    if studio.hand.tool.is_busy() || studio.pressed.is_some() || !studio.hand.entry.paints {
        return None;
    }
    let (of, view) = (studio.active()?, studio.view()?);
    let table = studio.session.document().segmentation(of)?.table();
    // A brush covers voxels by where exactly it is, everything else by the pixel.
    let at = if studio.hand.entry.has(&BRUSH_SIZE) { hover.at } else { hover.at.map(|at| at.floor() + 0.5) };
    Some(HighlightKey {
        tool: studio.hand.entry.id,
        options: studio.settings.tools.clone(),
        of,
        revision: studio.revision(of)?,
        label: studio.label_view()?.active,
        hidden: table.0.iter().filter(|label| !label.visible).map(|label| label.value).collect(),
        rules: studio.rules.clone(),
        place: (hover.plane, studio.slice(hover.plane)?),
        at,
        frame: view.frame,
        window: view.window,
    })
}

impl Studio {
    /// The region that a click would paint, once it is known.
    pub fn highlight(&self) -> Option<&Highlight> {
        let ready = self.highlighting.ready.as_ref()?;
        (key(self).as_ref() == Some(&ready.key)).then_some(ready)
    }
}

/// Once a frame: what the pointer has left is dropped, and where it is now is looked at by one job at a time.
pub fn follow(studio: &mut Studio) {
    let wanted = key(studio);
    if studio.highlighting.ready.as_ref().is_some_and(|ready| Some(&ready.key) != wanted.as_ref()) {
        studio.highlighting.ready = None;
    }
    if let Some(asked) = &studio.highlighting.asked {
        if Some(asked) != wanted.as_ref() {
            studio.tasks.stop(HighlightJob::KIND);
        }
        return;
    }
    let Some(wanted) = wanted else { return };
    if studio.highlighting.ready.is_some() || studio.highlighting.empty.as_ref() == Some(&wanted) {
        return;
    }
    match work(studio, &wanted) {
        Some(run) => ask(studio, wanted, run),
        None => studio.highlighting.empty = Some(wanted),
    }
}

fn work(studio: &Studio, key: &HighlightKey) -> Option<HighlightWork> {
    studio.hand.tool.highlight(&studio.tool_slice(key.place.0)?, key.at)
}

fn ask(studio: &mut Studio, key: HighlightKey, run: HighlightWork) {
    let segmentation = studio.session.document().segmentation(key.of);
    let (Some(layout), Some(before)) = (studio.layout(key.place.0), segmentation.map(|own| own.labels().clone()))
    else {
        return;
    };
    let job = HighlightJob { run, before, layout, slice: key.place.1, at: key.at };
    studio.highlighting.asked = Some(key.clone());
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            studio.highlighting.asked = None;
            let lines = match result {
                Ok(lines) => lines,
                Err(error) if error.is_stop() => return,
                // It fails again when it is clicked, and is told then.
                Err(_) => return studio.highlighting.empty = Some(key),
            };
            if lines.is_empty() {
                studio.highlighting.empty = Some(key);
                return;
            }
            studio.highlighting.ready = Some(Highlight { key, lines: lines.into() });
        },
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::app::act::{following, painting, scans::show};
    use crate::app::state::settings::Settings;
    use crate::app::state::studio::Hover;
    use crate::app::state::views::ScanView;
    use crate::session::{Command, Edit};
    use crate::tools::{Button, OptionValue, Pointer, PointerKind};
    use crate::volume::{Affine, Geometry, Label, LabelTable, Plane, Rescale, Volume, Voxels, borders};

    const SIZE: usize = 512;

    /// A slice with a wavy structure, brighter than what is around it, and noise in it.
    fn studio() -> Studio {
        let mut studio = Studio::new(Settings::default(), Arc::new(|| {}));
        let geometry = Geometry::new([SIZE, SIZE, 2], Affine::IDENTITY).unwrap();
        let value = |n: usize| {
            let (i, j) = ((n % SIZE) as f64, (n / SIZE % SIZE) as f64);
            let is_in = (i - 256.0).hypot(j - 256.0) < 150.0 + 30.0 * (j / 17.0).sin();
            if is_in { 200 + (n * 7919 % 23) as i16 } else { (n * 104_729 % 31) as i16 }
        };
        let voxels = Voxels::I16(Arc::new((0..2 * SIZE * SIZE).map(value).collect()));
        let volume = Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "made".into()));
        let (scan, of) = studio.session.add_scan(volume.clone());
        studio.scan_views.insert(scan, ScanView::new(&volume, of));
        show(&mut studio, scan);
        crate::app::act::scans::add_label_view(&mut studio, of);
        let table = LabelTable(vec![Label::new(1, "Structure")]);
        studio.session.apply(Command::by_hand("Label", vec![Edit::Table(of, table)])).unwrap();
        studio
    }

    fn hover(studio: &mut Studio, at: [f64; 2]) {
        let layout = studio.layout(Plane::Axial).unwrap();
        let slice = studio.slice(Plane::Axial).unwrap();
        let voxel = layout.voxel([at[0] as usize, at[1] as usize, slice]);
        studio.hover = Some(Hover { plane: Plane::Axial, voxel: Some(voxel), at, pixels_per_point: [1.0; 2] });
    }

    fn settle(studio: &mut Studio) {
        let began = Instant::now();
        loop {
            follow(studio);
            following::follow(studio);
            if studio.highlight().is_some() || studio.highlighting.empty.is_some() {
                return;
            }
            assert!(began.elapsed() < Duration::from_mins(1), "nothing was found");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn click(studio: &mut Studio, at: [f64; 2]) {
        for kind in [PointerKind::Press(Button::Primary), PointerKind::Release(Button::Primary)] {
            let pointer = Pointer {
                kind,
                at,
                is_alt: false,
                moved_points: [0.0; 2],
                mm_per_point: 1.0,
                pixels_per_point: [1.0; 2],
            };
            painting::pointer(studio, Plane::Axial, &pointer);
        }
    }

    /// Lines of a region: the same whatever order they come in.
    fn as_set(lines: &[[[f32; 2]; 2]]) -> BTreeSet<[u32; 4]> {
        lines.iter().map(|[[a, b], [c, d]]| [*a, *b, *c, *d].map(|at| at as u32)).collect()
    }

    #[test]
    fn what_is_shown_before_a_click_is_what_the_click_paints() {
        for (tool, at, least) in [
            ("flood-fill", [256.5, 256.5], 60_000),
            ("adaptive-brush", [256.5 + 149.3, 255.1], 100),
            ("threshold-brush", [256.5 + 149.3, 255.1], 100),
        ] {
            let mut studio = studio();
            painting::take_tool(&mut studio, crate::tools::find(tool).unwrap());
            let tools = &mut studio.settings.tools;
            tools.set(&crate::tools::FILLED, OptionValue::Choice("values"));
            tools.set(&BRUSH_SIZE, OptionValue::Number(40.0));
            tools.set(&crate::tools::PAINTED_VALUES, OptionValue::Values(Some([150.0, 300.0])));
            hover(&mut studio, at);
            settle(&mut studio);
            let shown = as_set(&studio.highlight().unwrap_or_else(|| panic!("{tool}")).lines);
            click(&mut studio, at);
            assert!(studio.highlight().is_none(), "{tool}: it was found for other labels");
            let labels = studio.segmentation().unwrap().labels();
            let painted = labels.voxel_counts().get(&1).copied().unwrap_or(0);
            assert!(painted > least && painted < SIZE * SIZE / 2, "{tool}: {painted}");
            let mut slice = Vec::new();
            studio.layout(Plane::Axial).unwrap().read_labels(labels, studio.slice(Plane::Axial).unwrap(), &mut slice);
            let lines: Vec<_> = borders(&slice, SIZE, SIZE).into_iter().map(|line| [line.from, line.to]).collect();
            assert!(shown == as_set(&lines), "{tool}: {} lines and {}", shown.len(), lines.len());
        }
    }

    #[test]
    fn a_frame_does_not_wait_and_what_the_pointer_left_is_dropped() {
        let mut studio = studio();
        painting::take_tool(&mut studio, crate::tools::find("flood-fill").unwrap());
        studio.settings.tools.set(&crate::tools::FILLED, OptionValue::Choice("values"));
        hover(&mut studio, [256.5; 2]);
        settle(&mut studio);
        assert!(studio.highlight().is_some());
        let mut times = Vec::new();
        for n in 0..200 {
            hover(&mut studio, [200.5 + f64::from(n) / 2.0, 256.5]);
            let began = Instant::now();
            follow(&mut studio);
            times.push(began.elapsed());
            assert!(studio.highlight().is_none() || n == 112 || n == 113, "that of another place is not shown");
            following::follow(&mut studio);
        }
        times.sort_unstable();
        println!("200 frames: half of them took {:?} or less, the longest {:?}", times[100], times[199]);
        settle(&mut studio);
        assert!(studio.highlight().is_some());
        // What is hidden is not painted over where only what is shown may be.
        let of = studio.active().unwrap();
        let mut table = studio.session.document().segmentation(of).unwrap().table().clone();
        table.0[0].visible = false;
        studio.session.apply(Command::by_hand("Show or hide label", vec![Edit::Table(of, table)])).unwrap();
        assert!(studio.highlight().is_none(), "it was found for what was shown then");
        settle(&mut studio);
        assert!(studio.highlight().is_some());
        studio.hover = None;
        follow(&mut studio);
        assert!(studio.highlight().is_none() && studio.highlighting.ready.is_none());
    }
}

//! Pictures of the oblique and the curved tile.
//!
//! A picture is sampled within the frame as finely as the time allows, so that no frame waits and none shows another place's values; a job
//! brings all pixels, and labels that have changed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::act::shown_look::shown_look;
use crate::app::state::reslicing::{Along, ReadyPicture, ResliceKey, ResliceTile};
use crate::app::state::studio::Studio;
use crate::drawing::Look;
use crate::formats::RgbPicture;
use crate::jobs::{Job, JobError, ResliceJob};
use crate::session::ScanId;
use crate::volume::{LabelMap, ObliquePlane, PlaneLayout, Reslice, ResliceError, Resliced, Volume};
use crate::work::{Stopped, Watch};

/// Time for a picture within a frame.
const ROOM: Duration = Duration::from_millis(6);
/// Most pixels along a side that are one.
const COARSEST: usize = 32;
/// How much of what was measured last goes into the time of a pixel.
const NEWEST: f64 = 0.25;
/// Fewer pixels tell nothing about their time.
const FEW_PIXELS: usize = 4096;
/// How many times slower than before a single measurement counts at most.
const MOST_SLOWER: f64 = 4.0;

/// Keeps the pictures of the tiles on screen where the cursor and the path are.
pub fn follow(studio: &mut Studio) {
    if studio.reslicing.is_placing && !studio.shows(ResliceTile::Curved.content()) {
        studio.reslicing.is_placing = false;
    }
    for tile in ResliceTile::ALL {
        follow_tile(studio, tile);
    }
    let asked = studio.reslicing.asked.clone();
    if let Some((tile, key)) = asked {
        // What shows another place by now is of no use; where only the labels have changed, what comes is nearer to them than what is there.
        if ready(studio, tile).is_none_or(|ready| ready.key != key) {
            studio.tasks.stop(ResliceJob::KIND);
        }
        return;
    }
    for tile in ResliceTile::ALL {
        if ask_for_the_rest(studio, tile) {
            return;
        }
    }
}

fn ready(studio: &Studio, tile: ResliceTile) -> Option<&ReadyPicture> {
    studio.reslicing.pictures[tile as usize].ready.as_ref()
}

/// What a tile is to show, where that can be.
fn wanted(studio: &Studio, tile: ResliceTile) -> Option<ResliceKey> {
    let (scan, volume, view) = (studio.shown?, studio.volume()?, studio.view()?);
    if !studio.shows(tile.content()) {
        return None;
    }
    let (along, slab) = match tile {
        ResliceTile::Oblique => {
            let form = studio.oblique();
            (Along::Plane(form.plane(&volume.geometry, view.cursor)), form.slab)
        }
        ResliceTile::Curved => {
            let form = studio.path();
            (Along::Path(form.points.clone(), form.width_mm, form.angle), form.slab)
        }
    };
    Some(ResliceKey { scan, frame: view.frame, along, slab })
}

/// The pixels of a picture.
fn pixels(studio: &Studio, key: &ResliceKey, volume: &Volume) -> Result<Reslice, ResliceError> {
    match &key.along {
        Along::Plane(plane) => plane.reslice(),
        Along::Path(..) => {
            let form = studio.path();
            form.path(volume.geometry.finest_mm())?.straightened(form.width_mm, form.angle.to_radians())
        }
    }
}

fn follow_tile(studio: &mut Studio, tile: ResliceTile) {
    let Some((key, volume)) = wanted(studio, tile).zip(studio.volume().cloned()) else {
        studio.reslicing.pictures[tile as usize].ready = None;
        return;
    };
    if ready(studio, tile).is_some_and(|ready| ready.key == key) {
        return;
    }
    let labels = studio.shown_labels().map(|(labels, _)| labels.clone());
    // Too few points are no picture yet.
    let Ok(reslice) = pixels(studio, &key, &volume) else {
        studio.reslicing.pictures[tile as usize].ready = None;
        return;
    };
    let picture = &mut studio.reslicing.pictures[tile as usize];
    let [columns, rows] = reslice.size();
    let layers = key.slab.offsets(&volume.geometry).len();
    let room = ROOM.as_nanos() as f64;
    let takes = (columns * rows * layers) as f64 * picture.pixel_nanos;
    let mut thinning = 1;
    while takes / (thinning * thinning) as f64 > room && thinning < COARSEST {
        thinning *= 2;
    }
    let began = Instant::now();
    let thin = reslice.thinned(thinning);
    // Nobody stops it: it is short.
    let Ok(resliced) = sampled(&thin, &volume, labels.as_ref(), &key) else { return };
    let took = began.elapsed().as_nanos() as f64;
    let count = resliced.values.len() * layers;
    if count >= FEW_PIXELS {
        // One slow moment is not taken for the rule.
        let newest = (took / count as f64).min(picture.pixel_nanos * MOST_SLOWER);
        picture.pixel_nanos += (newest - picture.pixel_nanos) * NEWEST;
    } else if thinning > 1 {
        // Too few to tell: by and by a finer one is tried again.
        picture.pixel_nanos *= 1.0 - NEWEST / 4.0;
    }
    picture.ready = Some(ReadyPicture { key, labels, reslice: Arc::new(reslice), thinning, resliced });
}

fn sampled(
    reslice: &Reslice,
    volume: &Volume,
    labels: Option<&LabelMap>,
    key: &ResliceKey,
) -> Result<Resliced, Stopped> {
    let values = reslice.read(volume, key.frame, key.slab, Watch::unwatched())?;
    let labels = labels.map(|labels| reslice.read_labels(labels, Watch::unwatched())).transpose()?;
    Ok(Resliced { size: reslice.size(), values: Arc::new(values), labels: labels.map(Arc::new) })
}

/// Lets a job make all pixels, or the labels as they are now; whether it was started.
fn ask_for_the_rest(studio: &mut Studio, tile: ResliceTile) -> bool {
    let Some(volume) = studio.volume().cloned() else { return false };
    let labels = studio.shown_labels().map(|(labels, _)| labels.clone());
    let Some(ready) = ready(studio, tile) else { return false };
    let is_same = match (&labels, &ready.labels) {
        (Some(now), Some(then)) => now.is_same_snapshot(then),
        (now, then) => now.is_none() && then.is_none(),
    };
    let has_failed = studio.reslicing.pictures[tile as usize].failed.as_ref() == Some(&ready.key);
    if (ready.thinning == 1 && is_same) || has_failed {
        return false;
    }
    let (key, reslice) = (ready.key.clone(), ready.reslice.clone());
    let job = ResliceJob { volume, frame: key.frame, labels: labels.clone(), reslice, slab: key.slab };
    studio.reslicing.asked = Some((tile, key.clone()));
    studio.start(
        job,
        |_, ()| {},
        move |studio, result| {
            studio.reslicing.asked = None;
            let was_stopped = result.as_ref().is_err_and(JobError::is_stop);
            let made = studio.told(result);
            let picture = &mut studio.reslicing.pictures[tile as usize];
            match made {
                Some(resliced) => {
                    if let Some(ready) = picture.ready.as_mut().filter(|ready| ready.key == key) {
                        (ready.thinning, ready.resliced, ready.labels) = (1, resliced, labels);
                    }
                }
                None if !was_stopped => picture.failed = Some(key),
                None => {}
            }
        },
    );
    true
}

/// A tile's picture as it is shown, for a file; none where the scan is not on screen, or not all pixels are there.
pub fn picture_of(studio: &Studio, scan: ScanId, tile: ResliceTile) -> Option<RgbPicture> {
    let (volume, view) = (studio.volume()?, studio.view()?);
    let ready = ready(studio, tile).filter(|ready| ready.key.scan == scan && ready.thinning == 1)?;
    let ReadyPicture { key, reslice, resliced, .. } = ready;
    let (geometry, pose) = match &key.along {
        Along::Plane(plane) => (ObliquePlane::geometry(plane, reslice.size()).ok()?, studio.oblique().pose),
        Along::Path(..) => (reslice.placeless_geometry().ok()?, studio.path().pose),
    };
    // Sides of the patient are none along a path.
    let text = studio.display.annotations && tile == ResliceTile::Oblique;
    let look = Look { text, ..shown_look(studio, view, pose) };
    let image = resliced.volume(geometry.clone(), Resliced::black(volume.display.inverted != view.inverted), volume);
    let (map, layout) = (resliced.label_map(geometry.clone()), PlaneLayout::as_stored(&geometry));
    let table = studio.shown_table().cloned().unwrap_or_default();
    Some(crate::drawing::picture(&image, &map, &table, &layout, (0, 0), &look, None))
}

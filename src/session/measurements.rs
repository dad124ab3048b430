//! The measurements of a scan: rulers, angles and regions by id. They belong to the document and go into no mask.

use std::collections::BTreeMap;

use crate::volume::Measurement;

/// A measurement of a scan. Other scans have others of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeasurementId(pub(super) u32);

impl MeasurementId {
    /// Its number.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// What was measured on a scan.
#[derive(Debug, Clone, Default)]
pub struct Measurements {
    pub(super) all: BTreeMap<MeasurementId, Measurement>,
    /// Content as a number: the same number means the same content, also after undo.
    pub(super) revision: u64,
    /// The revision that a document holds.
    pub(super) saved: u64,
    /// The number of the next one. None is given twice: undo may bring one back that is gone.
    next: u32,
}

/// Those of a scan without any.
pub(super) static NONE: Measurements = Measurements { all: BTreeMap::new(), revision: 0, saved: 0, next: 0 };

impl Measurements {
    /// All of them, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (MeasurementId, &Measurement)> {
        self.all.iter().map(|(id, own)| (*id, own))
    }

    /// One of them, while it is there.
    pub fn get(&self, id: MeasurementId) -> Option<&Measurement> {
        self.all.get(&id)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The id of one that comes.
    pub fn next_id(&self) -> MeasurementId {
        MeasurementId(self.next.max(1))
    }

    /// The first name of a kind with a number that none has yet: "Ruler 3".
    pub fn free_name(&self, kind: &str) -> String {
        let names: std::collections::BTreeSet<&str> = self.all.values().map(|own| own.name.as_str()).collect();
        let numbered = (1..).map(|n: usize| format!("{kind} {n}"));
        numbered.into_iter().find(|name| !names.contains(name.as_str())).unwrap_or_else(|| kind.to_string())
    }

    /// What they are now, as a number.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether they differ from what a document holds; false again where undo leads back there.
    pub fn is_modified(&self) -> bool {
        self.revision != self.saved
    }

    /// Whether others hold the same; the numbers of those that will come do not count.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.all == other.all && (self.revision, self.saved) == (other.revision, other.saved)
    }

    /// Puts one in a place, or takes it away; what was there before.
    pub(super) fn exchange(&mut self, id: MeasurementId, now: Option<Measurement>) -> Option<Measurement> {
        self.next = self.next.max(id.0.saturating_add(1));
        match now {
            Some(now) => self.all.insert(id, now),
            None => self.all.remove(&id),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::session::{Command, Edit, MergeKey, PaintRules, Painter, Refused, ScanId, Session};
    use crate::volume::{Affine, Figure, Geometry, Plane, Rescale, Volume, Voxels};

    fn volume() -> Arc<Volume> {
        let geometry = Geometry::new([8, 8, 8], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; 512]));
        Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new()))
    }

    fn ruler(name: &str, end: f64) -> Measurement {
        Measurement {
            name: name.into(),
            plane: Plane::Axial,
            figure: Figure::Ruler([[1.0, 1.0, 2.0], [end, 1.0, 2.0]]),
        }
    }

    fn put(session: &mut Session, scan: ScanId, id: u32, now: Option<Measurement>, merges: bool) {
        let merge = merges.then_some(MergeKey { control: "measurement", of: u64::from(id) });
        let edits = vec![Edit::Measurement(scan, MeasurementId(id), now)];
        session.apply(Command { merge, ..Command::by_hand("Ruler", edits) }).unwrap();
    }

    fn all(session: &Session, scan: ScanId) -> BTreeMap<MeasurementId, Measurement> {
        session.document().measurements(scan).all.clone()
    }

    proptest! {
        #[test]
        fn undoing_everything_and_redoing_everything_is_exact(
            acts in prop::collection::vec((0usize..2, 1u32..4, prop::option::weighted(0.7, -5.0f64..5.0), any::<bool>(), any::<bool>()), 1..24)
        ) {
            let mut session = Session::default();
            let scans = [session.add_scan(volume()), session.add_scan(volume())];
            for (which, id, end, merges, paints) in acts {
                let (scan, of) = scans[which];
                if paints {
                    // Strokes and measurements have one history.
                    let mut painter = Painter::new(session.document(), of, &PaintRules::default()).unwrap();
                    painter.fill(&[[1, 2, id as usize]], 3);
                    session.apply(Command::by_hand("Brush", vec![Edit::Labels(painter.finish())])).unwrap();
                }
                put(&mut session, scan, id, end.map(|end| ruler("R", end)), merges);
            }
            let last = scans.map(|(scan, _)| (all(&session, scan), session.document().measurements(scan).is_modified()));
            while session.undo().is_some() {}
            for (scan, _) in scans {
                prop_assert!(session.document().measurements(scan).is_empty());
                prop_assert!(!session.document().measurements(scan).is_modified(), "undo leads back to what was opened");
            }
            while session.redo().is_some() {}
            let again = scans.map(|(scan, _)| (all(&session, scan), session.document().measurements(scan).is_modified()));
            prop_assert_eq!(again, last);
        }
    }

    #[test]
    fn a_renaming_is_one_step_and_what_was_saved_is_known_again() {
        let mut session = Session::default();
        let (scan, of) = session.add_scan(volume());
        put(&mut session, scan, 1, Some(ruler("Ruler 1", 4.0)), false);
        let revision = session.document().measurements(scan).revision();
        session.mark_measurements_saved(scan, revision);
        for name in ["L", "Le", "Left"] {
            put(&mut session, scan, 1, Some(ruler(name, 4.0)), true);
        }
        assert!(session.document().measurements(scan).is_modified());
        assert!(!session.document().segmentation(of).unwrap().is_modified(), "masks hold no measurement");
        let applied = session.undo().unwrap();
        assert_eq!((applied.measurements, applied.segmentations), (vec![(scan, MeasurementId(1))], vec![]));
        assert_eq!(all(&session, scan)[&MeasurementId(1)].name, "Ruler 1");
        assert!(!session.document().measurements(scan).is_modified());
        assert_eq!(session.undo_names().len(), 1);
    }

    #[test]
    fn names_and_ids_are_free_and_measurements_go_with_their_scan() {
        let mut session = Session::default();
        let (scan, _) = session.add_scan(volume());
        let (other, _) = session.add_scan(volume());
        put(&mut session, scan, 1, Some(ruler("Ruler 1", 4.0)), false);
        put(&mut session, scan, 2, Some(ruler("Ruler 3", 4.0)), false);
        put(&mut session, other, 1, Some(ruler("Ruler 1", 4.0)), false);
        let own = session.document().measurements(scan);
        assert_eq!((own.next_id(), own.free_name("Ruler")), (MeasurementId(3), "Ruler 2".to_string()));
        // What is taken in gets no number that undo may bring back.
        put(&mut session, scan, 2, None, false);
        let reference = session.document().reference(scan).unwrap().clone();
        session.take_in_measurements(scan, &reference, vec![ruler("From a document", 7.0)], true);
        session.undo();
        let names: Vec<String> = all(&session, scan).into_values().map(|own| own.name).collect();
        assert_eq!(names, ["Ruler 1", "Ruler 3", "From a document"]);
        // Undo to where all was saved is no such place once something unsaved was taken in.
        let revision = session.document().measurements(scan).revision();
        session.mark_measurements_saved(scan, revision);
        put(&mut session, scan, 7, Some(ruler("Ruler 7", 4.0)), false);
        session.take_in_measurements(scan, &reference, vec![ruler("From a journal", 9.0)], false);
        session.undo();
        assert!(session.document().measurements(scan).is_modified());
        session.redo();
        assert!(session.document().measurements(scan).is_modified());
        session.undo();
        session.remove_scan(scan);
        assert!(session.document().measurements(scan).is_empty());
        assert_eq!(session.undo_names().len(), 1, "steps of the other scan are left");
        let late = Command::by_hand("Ruler", vec![Edit::Measurement(scan, MeasurementId(1), None)]);
        assert_eq!(session.apply(late).unwrap_err(), Refused::Gone);
    }
}

//! Recovery: work that a crash left in a journal is offered, brought back, or thrown away.

use super::bringing;
use crate::app::state::bringing::BroughtFrom;
use crate::app::state::notices::Kind;
use crate::app::state::recovery::{Offer, Recovery, RecoveryAnswer};
use crate::app::state::studio::Studio;
use crate::jobs::{FindJournalsJob, FoundJournals};
use crate::session::ScanId;

/// Looks for journals of processes that are gone.
pub fn look(studio: &mut Studio) {
    let folder = studio.journaling.folder.clone();
    studio.start(
        FindJournalsJob { folder },
        |_, ()| {},
        |studio, result| {
            let Some(FoundJournals { journals, problems }) = studio.told(result) else { return };
            for problem in problems {
                studio.notices.push(Kind::Warning, problem, "");
            }
            let Recovery { offers, journals: all, .. } = &mut studio.recovery;
            for journal in journals {
                let at = all.len();
                let offered = journal.scans.iter().map(|left| Offer {
                    journal: at,
                    left: left.clone(),
                    when: journal.when,
                    is_coming: false,
                });
                offers.extend(offered);
                all.push(Some(journal));
            }
            studio.recovery.is_open |= !studio.recovery.offers.is_empty();
        },
    );
}

/// Does what the user says.
pub fn answer(studio: &mut Studio, answer: RecoveryAnswer) {
    studio.recovery.doubted = None;
    match answer {
        RecoveryAnswer::Restore(n) => restore(studio, n),
        RecoveryAnswer::RestoreAll => {
            // One that is back at once is gone from the list.
            (0..studio.recovery.offers.len()).rev().for_each(|n| restore(studio, n));
        }
        RecoveryAnswer::Doubt(n) => studio.recovery.doubted = studio.recovery.offers.get(n).map(Offer::key),
        RecoveryAnswer::Discard(n) if n < studio.recovery.offers.len() => {
            let Offer { journal, left, .. } = studio.recovery.offers.remove(n);
            settle(studio, journal, left.scan);
        }
        RecoveryAnswer::Keep | RecoveryAnswer::Discard(_) => {}
        RecoveryAnswer::Later => studio.recovery.is_open = false,
    }
    studio.recovery.is_open &= studio.recovery.offers.iter().any(|offer| !offer.is_coming);
}

fn restore(studio: &mut Studio, n: usize) {
    let Some(offer) = studio.recovery.offers.get_mut(n).filter(|offer| !offer.is_coming) else { return };
    offer.is_coming = true;
    let (kept, from) = (offer.left.kept.clone(), BroughtFrom::Journal(offer.journal, offer.left.scan));
    bringing::start(studio, kept, from);
}

/// A scan was not found: its work is offered again.
pub(super) fn did_not_come(studio: &mut Studio, journal: usize, scan: ScanId) {
    let is_it = |offer: &&mut Offer| offer.key() == (journal, scan);
    studio.recovery.offers.iter_mut().find(is_it).into_iter().for_each(|offer| offer.is_coming = false);
    studio.recovery.is_open = !studio.recovery.offers.is_empty();
}

/// The work of a scan is back in a session. Its old journal is needed until the new one has it.
pub(super) fn came(studio: &mut Studio, journal: usize, scan: ScanId) {
    studio.recovery.offers.retain(|offer| offer.key() != (journal, scan));
    studio.recovery.restored.push((journal, scan));
}

/// Once a frame: what is in this window's journal by now is not needed in the old one.
pub(super) fn follow(studio: &mut Studio) {
    if !studio.recovery.restored.is_empty() && studio.journaling.is_up_to_date() {
        for (journal, scan) in std::mem::take(&mut studio.recovery.restored) {
            settle(studio, journal, scan);
        }
    }
}

/// A scan's work is not needed in its old journal any more. The journal goes with its last scan.
fn settle(studio: &mut Studio, journal: usize, scan: ScanId) {
    let is_needed = studio.recovery.offers.iter().any(|offer| offer.journal == journal)
        || studio.recovery.restored.iter().any(|(other, _)| *other == journal);
    let Some(place) = studio.recovery.journals.get_mut(journal) else { return };
    let settled = if is_needed {
        place.as_mut().map_or(Ok(()), |left| left.file.close_scan(scan))
    } else {
        place.take().map_or(Ok(()), |left| left.file.remove())
    };
    if let Err(error) = settled {
        let text =
            "What was restored or discarded may be offered again at the next start: its journal cannot be changed.";
        studio.notices.push(Kind::Warning, text, error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::act::cases::tests::studio_of;
    use crate::jobs::LeftScan;
    use crate::session::{read_document, write_document};
    use crate::work::Watch;

    #[test]
    fn what_is_doubted_stays_the_same_when_another_scan_has_come() {
        let folder = tempfile::tempdir().unwrap();
        let mut studio = studio_of(folder.path(), &["a.nii", "b.nii", "c.nii"]);
        let path = folder.path().join("d.lamella");
        write_document(&path, studio.session.document(), Watch::unwatched()).unwrap();
        let scans: Vec<ScanId> = studio.session.document().scans().map(|(scan, _)| scan).collect();
        for (kept, scan) in read_document(&path, Watch::unwatched()).unwrap().into_iter().zip(&scans) {
            let left = LeftScan { scan: *scan, kept, content: [0; 2] };
            studio.recovery.offers.push(Offer { journal: 0, left, when: None, is_coming: false });
        }
        answer(&mut studio, RecoveryAnswer::Doubt(1));
        came(&mut studio, 0, scans[0]);
        let doubted = studio.recovery.doubted;
        let is_doubted: Vec<bool> = studio.recovery.offers.iter().map(|offer| Some(offer.key()) == doubted).collect();
        assert_eq!((is_doubted, doubted), (vec![true, false], Some((0, scans[1]))));
    }
}

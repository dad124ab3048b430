//! Looks once at every list of recent paths which of them are there; a drive may be slow to say so.

use crate::app::state::studio::Studio;
use crate::jobs::MissingPathsJob;

/// Looks the recent paths up if they are others than before.
pub fn follow(studio: &mut Studio) {
    // They are shown where no scan is, and may have changed when that is so again.
    if studio.shown.is_some() {
        studio.recent.looked_up.clear();
        return;
    }
    if studio.recent.looked_up == studio.settings.recent {
        return;
    }
    studio.recent.looked_up.clone_from(&studio.settings.recent);
    let job = MissingPathsJob { paths: studio.settings.recent.clone() };
    studio.start(
        job,
        |_, ()| {},
        |studio, result| {
            if let Some(missing) = studio.told(result) {
                studio.recent.missing = missing;
            }
        },
    );
}

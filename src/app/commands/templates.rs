//! Templates: their window, and those that come with the program.

use super::{CommandEntry, Group};
use crate::app::act::templates;
use crate::app::state::common_jobs::COMMON_JOBS;

const fn common<const N: usize>() -> CommandEntry {
    let job = &COMMON_JOBS[N];
    CommandEntry::new(job.id, job.command, Group::File, |studio| templates::begin_common(studio, N)).hint(job.hint)
}

/// In the order of the menu.
pub const TEMPLATES: &[CommandEntry] = &[
    CommandEntry::new("file.templates", "Templates...", Group::File, |studio| studio.templates.is_open = true)
        .hint("Set everything up for a common job; save what is set now as a template of your own")
        .in_menu(),
    common::<0>(),
    common::<1>(),
    common::<2>(),
    common::<3>(),
    common::<4>(),
];

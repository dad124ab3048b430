//! Surfaces of labels, written for other programs.

use std::collections::BTreeSet;
use std::path::Path;

use crate::app::state::notices::Kind as Seriousness;
use crate::app::state::saving::file_name;
use crate::app::state::studio::Studio;
use crate::jobs::SaveSurfacesJob;
use crate::session::SegmentationId;

/// Writes evened out surfaces of all labels; the file that was chosen, or one for each label beside it.
pub fn save(studio: &mut Studio, of: SegmentationId, path: &Path) {
    let Some(segmentation) = studio.session.document().segmentation(of) else { return };
    let (labels, table) = (segmentation.labels().clone(), segmentation.table().clone());
    let job = SaveSurfacesJob { path: path.to_path_buf(), labels, table, chosen: BTreeSet::new(), is_smooth: true };
    studio.start(
        job,
        |_, ()| {},
        |studio, result| {
            let Some(written) = studio.told(result) else { return };
            studio.notices.forget_errors();
            let names: Vec<String> = written.iter().map(|path| file_name(path)).collect();
            let text = match &names[..] {
                [name] => format!("Saved {name}."),
                names => format!("Saved {} surfaces.", names.len()),
            };
            studio.notices.push(Seriousness::Info, text, names.join(", "));
        },
    );
}

//! Undo and redo over a document.

use std::collections::VecDeque;
use std::sync::Arc;

use super::document::{Change, Command, Document};
use crate::volume::{Label, LabelTable, LabelValue, Rgb, Volume};

/// Bytes of label bricks that undo may keep.
const UNDO_BYTES: usize = 256 << 20;

struct Step {
    name: String,
    inverse: Change,
    bytes: usize,
}

/// A document with its history.
pub struct Session {
    document: Document,
    undo: VecDeque<Step>,
    redo: Vec<Step>,
    revision: u64,
    saved_revision: u64,
    /// Values, names and colours as they are on disk.
    saved_names: Vec<Named>,
}

/// What of a label's entry is part of a file: whether it is shown or locked is not.
type Named = (LabelValue, String, Rgb);

fn names(table: &LabelTable) -> Vec<Named> {
    table.0.iter().map(|label| (label.value, label.name.clone(), label.colour)).collect()
}

impl Session {
    /// A session with no labels on a scan.
    pub fn new(volume: Arc<Volume>) -> Self {
        Self {
            document: Document::new(volume),
            undo: VecDeque::new(),
            redo: Vec::new(),
            revision: 0,
            saved_revision: 0,
            saved_names: Vec::new(),
        }
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Grows with every change of labels or slice states; the same number means the same ones. Names, colours and locks do not count.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether labels, slice states, names or colours changed since the last save.
    pub fn is_modified(&self) -> bool {
        let same = |(saved, label): (&Named, &Label)| {
            saved.0 == label.value && saved.1 == label.name && saved.2 == label.colour
        };
        let table = &self.document.table.0;
        self.revision != self.saved_revision
            || self.saved_names.len() != table.len()
            || !self.saved_names.iter().zip(table).all(same)
    }

    /// Remembers that the document is on disk as it was at a revision, with these names.
    pub fn mark_saved(&mut self, revision: u64, table: &LabelTable) {
        self.saved_revision = revision;
        self.saved_names = names(table);
    }

    /// Makes a change that can be undone.
    ///
    /// Edits of the label table that follow each other under one name (a name being typed, a colour being dragged) are
    /// one step.
    pub fn apply(&mut self, command: Command) {
        let is_table = matches!(command.change, Change::Table(_));
        let step = self.exchange(command.name, command.change);
        let continues = |last: &Step| matches!(last.inverse, Change::Table(_)) && last.name == step.name;
        if is_table && self.redo.is_empty() && self.undo.back().is_some_and(continues) {
            return;
        }
        self.undo.push_back(step);
        self.redo.clear();
        let mut bytes: usize = self.undo.iter().map(|step| step.bytes).sum();
        while bytes > UNDO_BYTES && self.undo.len() > 1 {
            bytes -= self.undo.pop_front().map_or(0, |step| step.bytes);
        }
    }

    fn exchange(&mut self, name: String, change: Change) -> Step {
        self.revision += u64::from(!matches!(change, Change::Table(_)));
        let inverse = self.document.exchange(change);
        let bytes = match &inverse {
            Change::Labels { labels, .. } | Change::Segmentation { labels, .. } => {
                labels.unshared_bytes(&self.document.labels)
            }
            Change::Table(_) | Change::States(_) => 1024,
        };
        Step { name, inverse, bytes }
    }

    /// Takes the last change back; its name, or `None` where there is none.
    pub fn undo(&mut self) -> Option<String> {
        let step = self.undo.pop_back()?;
        let back = self.exchange(step.name.clone(), step.inverse);
        self.redo.push(back);
        Some(step.name)
    }

    /// Makes the last undone change again.
    pub fn redo(&mut self) -> Option<String> {
        let step = self.redo.pop()?;
        let back = self.exchange(step.name.clone(), step.inverse);
        self.undo.push_back(back);
        Some(step.name)
    }

    /// Name of the change that undo would take back.
    pub fn undo_name(&self) -> Option<&str> {
        self.undo.back().map(|step| step.name.as_str())
    }

    /// Name of the change that redo would make again.
    pub fn redo_name(&self) -> Option<&str> {
        self.redo.last().map(|step| step.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SliceState;
    use crate::volume::{Affine, Geometry, Plane, Rescale, Voxels};
    use proptest::prelude::*;

    fn session() -> Session {
        let geometry = Geometry::new([8, 8, 8], Affine::IDENTITY).unwrap();
        let voxels = Voxels::U8(Arc::new(vec![0; 512]));
        Session::new(Arc::new(Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new())))
    }

    fn stroke(session: &Session, voxel: [usize; 3], label: u16) -> Command {
        let mut labels = session.document().labels.clone();
        labels.set(voxel, label);
        let states = vec![((2, voxel[2]), SliceState::Corrected)];
        Command { name: "Brush".into(), change: Change::Labels { labels, states } }
    }

    #[test]
    fn undo_takes_back_labels_states_and_table() {
        let mut session = session();
        session.apply(stroke(&session, [1, 2, 3], 4));
        let table = LabelTable(vec![Label::new(4, "Liver")]);
        session.mark_saved(session.revision(), &LabelTable::default());
        assert!(!session.is_modified());
        session.apply(Command { name: "Rename".into(), change: Change::Table(table.clone()) });
        assert!(session.is_modified(), "names are saved with a mask");
        session.mark_saved(session.revision(), &table);
        let mut hidden = table.clone();
        (hidden.0[0].visible, hidden.0[0].locked) = (false, true);
        session.apply(Command { name: "Hide".into(), change: Change::Table(hidden) });
        assert!(!session.is_modified(), "what is hidden or locked is no part of a mask");
        assert_eq!(session.undo().as_deref(), Some("Hide"));
        assert_eq!(session.undo().as_deref(), Some("Rename"));
        assert!(session.document().table.0.is_empty());
        assert_eq!(session.undo().as_deref(), Some("Brush"));
        assert_eq!(session.document().labels.get([1, 2, 3]), 0);
        assert_eq!(session.document().state(Plane::Axial, 3), SliceState::Todo);
        assert_eq!(session.redo().as_deref(), Some("Brush"));
        assert_eq!(session.document().state(Plane::Axial, 3), SliceState::Corrected);
    }

    #[test]
    fn typing_a_name_is_one_step_and_another_edit_is_the_next() {
        let mut session = session();
        let mut edit = |command: &str, name: &str| {
            let change = Change::Table(LabelTable(vec![Label::new(4, name)]));
            session.apply(Command { name: command.into(), change });
        };
        edit("Rename label 4", "L");
        edit("Rename label 4", "Li");
        edit("Colour of label 4", "Li");
        assert_eq!(session.undo().as_deref(), Some("Colour of label 4"));
        assert_eq!(session.undo().as_deref(), Some("Rename label 4"));
        assert_eq!(session.undo(), None);
    }

    proptest! {
        #[test]
        fn undoing_everything_and_redoing_everything_is_exact(
            strokes in prop::collection::vec((0usize..8, 0usize..8, 0usize..8, 0u16..5), 1..20)
        ) {
            let mut session = session();
            let start = session.document().labels.clone();
            for (i, j, k, label) in &strokes {
                session.apply(stroke(&session, [*i, *j, *k], *label));
            }
            let end = session.document().labels.clone();
            while session.undo().is_some() {}
            prop_assert!(session.document().labels.same_labels(&start));
            while session.redo().is_some() {}
            prop_assert!(session.document().labels.same_labels(&end));
        }
    }
}

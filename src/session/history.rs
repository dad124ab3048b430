//! Undo and redo over a document.

use std::collections::VecDeque;
use std::sync::Arc;

use super::document::{Change, Command, Document};
use crate::volume::{Label, LabelTable, Volume};

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
    edits: u64,
    saved_edits: u64,
}

impl Session {
    /// A session with no labels on a scan.
    pub fn new(volume: Arc<Volume>) -> Self {
        Self {
            document: Document::new(volume),
            undo: VecDeque::new(),
            redo: Vec::new(),
            revision: 0,
            edits: 0,
            saved_edits: 0,
        }
    }

    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Grows with every change of labels or slice states; the same number means the same ones. How labels look, what they are called and
    /// whether they are locked does not change the mask that is seen.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Grows with every change of what a file of the labels keeps and a user would miss: labels, slice states, names, colours.
    pub fn edits(&self) -> u64 {
        self.edits
    }

    /// Whether there is something that is not on disk.
    pub fn is_modified(&self) -> bool {
        self.edits != self.saved_edits
    }

    /// Remembers that the document is on disk as it was after these [`Self::edits`].
    pub fn mark_saved(&mut self, edits: u64) {
        self.saved_edits = edits;
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
        match &change {
            Change::Table(table) => self.edits += u64::from(!looks_alike(table, &self.document.table)),
            _ => {
                self.revision += 1;
                self.edits += 1;
            }
        }
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

/// Whether two tables differ only in what is shown or locked at the moment, which is no work that could be lost.
fn looks_alike(a: &LabelTable, b: &LabelTable) -> bool {
    let kept = |label: &Label| (label.value, label.name.clone(), label.colour);
    a.0.iter().map(kept).eq(b.0.iter().map(kept))
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
        let before = session.revision();
        session.mark_saved(session.edits());
        session.apply(Command { name: "Rename".into(), change: Change::Table(table) });
        assert!(session.is_modified(), "a file of the mask has names");
        assert_eq!(session.revision(), before, "what is seen of the mask is the same");
        session.mark_saved(session.edits());
        let mut hidden = session.document().table.clone();
        hidden.0[0].visible = false;
        session.apply(Command { name: "Visibility".into(), change: Change::Table(hidden) });
        assert!(!session.is_modified(), "hiding a label is no work");
        assert_eq!(session.undo().as_deref(), Some("Visibility"));
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

//! The classifier of pixels: scribbles in, a preview that follows every stroke, labels out.

use crate::learn::PixelRule;
use crate::session::{Revision, SegmentationId};
use crate::volume::{LabelMap, LabelTable, LabelValue};

/// Choices.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelForm {
    /// Whether a preview follows every stroke.
    pub is_live: bool,
    /// Kind of classifier.
    pub rule: PixelRule,
    /// The label whose scribbles stand for the background, by value and name: its value may come to mean something else.
    pub background: Option<(LabelValue, String)>,
}

/// What a preview is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Of which segmentation.
    pub of: SegmentationId,
    /// As it was.
    pub revision: Revision,
    /// Kind of classifier.
    pub rule: PixelRule,
    /// What stands for the background.
    pub background: Option<LabelValue>,
    /// Frame of the scan.
    pub frame: usize,
}

/// State of the classifier.
#[derive(Debug)]
pub struct Pixels {
    /// Choices.
    pub form: PixelForm,
    /// What the preview was made of last.
    pub asked: Option<Asked>,
    /// The scribbles of a preview that became labels in their place, and what the segmentation was then.
    pub taken: Option<(SegmentationId, Revision, LabelMap)>,
    /// The scribbles of a preview that is being taken.
    pub taking: Option<LabelMap>,
    /// The labels that the preview tells apart, the background's among them.
    pub known: Vec<LabelValue>,
    /// What is missing for a preview.
    pub lacks: Option<&'static str>,
}

impl Default for Pixels {
    fn default() -> Self {
        let form = PixelForm { is_live: false, rule: PixelRule::MultiLayer, background: None };
        Self { form, asked: None, taken: None, taking: None, known: Vec::new(), lacks: None }
    }
}

impl Pixels {
    /// Follows the label that stands for the background when the table is edited.
    pub fn follow(&mut self, before: &LabelTable, after: &LabelTable) {
        if let Some((value, name)) = &mut self.form.background
            && before.get(*value).is_some_and(|label| label.name == *name)
            && let Some(label) = after.get(*value)
        {
            name.clone_from(&label.name);
        }
    }

    /// The label that stands for the background in a table, while it means what it did.
    pub fn background(&self, table: &LabelTable) -> Option<LabelValue> {
        let (value, name) = self.form.background.as_ref()?;
        (table.get(*value)?.name == *name).then_some(*value)
    }
}

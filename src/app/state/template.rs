//! A template: what is set for a job, whatever the scan. The user's own ones are JSON, a file each.
//!
//! **Invariant:** nothing of a scan, a file or a patient is in one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::Task;
use super::tiles::{Layout, TileContent};
use crate::formats::{self, For, Kind};
use crate::tools::{self, ToolOptions, all_options};
use crate::volume::{LabelTable, Window};

/// The version of the files that this program writes and reads.
const VERSION: u64 = 1;
/// The field that says so.
const MARK: &str = "lamella_template";
/// Longest name of a template and of a label.
const LONGEST: usize = 120;

/// What is set for a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The version of the file.
    pub lamella_template: u64,
    /// For the list.
    pub name: String,
    /// The task that is open.
    pub task: Task,
    /// Names, colours and codes of the labels; none: those of the scan stay.
    #[serde(default)]
    pub labels: LabelTable,
    /// The display window; none: the scan's own.
    #[serde(default)]
    pub window: Option<WindowOfKind>,
    /// The tool in hand, by its id.
    #[serde(default)]
    pub tool: Option<String>,
    /// What is chosen about tools.
    #[serde(default)]
    pub options: ToolOptions,
    /// The model, by its id.
    #[serde(default)]
    pub model: Option<String>,
    /// How the tiles lie, and what they hold.
    #[serde(default)]
    pub tiles: Option<(Layout, [TileContent; 4])>,
    /// The ending of the form that the mask is saved in.
    #[serde(default)]
    pub save_as: Option<String>,
}

/// A display window, and the scans that it means anything for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowOfKind {
    /// The modality, as DICOM writes it; empty where it is not known.
    pub modality: String,
    /// Its middle.
    pub level: f64,
    /// Its width.
    pub width: f64,
    /// Whether dark is bright.
    #[serde(default)]
    pub inverted: bool,
}

impl WindowOfKind {
    /// The window itself.
    pub fn window(&self) -> Window {
        Window { level: self.level, width: self.width }
    }
}

/// Why a file is not used as a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is something else.
    #[error("it is no template of Lamella")]
    Other,
    /// A later version wrote it.
    #[error("a newer version of Lamella wrote it")]
    Newer,
    /// It cannot be read as one.
    #[error("it is damaged: {0}")]
    Damaged(String),
}

impl Template {
    /// One of this version that sets only the task.
    pub fn new(name: impl Into<String>, task: Task) -> Self {
        Self {
            lamella_template: VERSION,
            name: name.into(),
            task,
            labels: LabelTable::default(),
            window: None,
            tool: None,
            options: ToolOptions::default(),
            model: None,
            tiles: None,
            save_as: None,
        }
    }

    /// A template of a file's text, with everything in it as it must be.
    ///
    /// # Errors
    /// Fails for what is no template, is one of a newer version, or holds what cannot be.
    pub fn read(text: &str) -> Result<Self, TemplateError> {
        let damaged = |error: serde_json::Error| TemplateError::Damaged(error.to_string());
        let value: Value = serde_json::from_str(text).map_err(damaged)?;
        match value.get(MARK).and_then(Value::as_u64) {
            None | Some(0) => return Err(TemplateError::Other),
            Some(version) if version > VERSION => return Err(TemplateError::Newer),
            Some(_) => {}
        }
        let mut template: Self = serde_json::from_value(value).map_err(damaged)?;
        if let Some(problem) = template.problem() {
            return Err(TemplateError::Damaged(problem.into()));
        }
        template.options.keep_only(&all_options());
        Ok(template)
    }

    /// The text of its file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What in it cannot be.
    fn problem(&self) -> Option<&'static str> {
        let is_name = |name: &str| !name.trim().is_empty() && name.chars().count() <= LONGEST;
        let mut values: Vec<_> = self.labels.0.iter().map(|label| label.value).collect();
        values.sort_unstable();
        let is_window = |of: &WindowOfKind| of.level.is_finite() && of.width.is_finite() && of.width > 0.0;
        match () {
            () if !is_name(&self.name) => Some("its name is empty or too long"),
            () if !self.labels.0.iter().all(|label| is_name(&label.name)) => {
                Some("a label's name is empty or too long")
            }
            () if values.first() == Some(&0) || values.windows(2).any(|two| two[0] == two[1]) => {
                Some("a label has the value of the background, or that of another one")
            }
            () if self.window.as_ref().is_some_and(|of| !is_window(of)) => Some("its window has no width"),
            () if self.tool.as_ref().is_some_and(|id| tools::find(id).is_none()) => Some("there is no such tool"),
            () if self.model.as_ref().is_some_and(|id| is_path(id)) => Some("its model is a path"),
            () if self.save_as.as_ref().is_some_and(|ending| known_ending(ending).is_none()) => {
                Some("masks are not saved in such a form")
            }
            () => None,
        }
    }
}

/// Whether a model is named by its file: that could say whose scan it is of.
pub fn is_path(model: &str) -> bool {
    model.contains(['/', '\\']) || model.ends_with(".safetensors")
}

/// The ending of a form that masks are saved in, where there is such a one.
pub fn known_ending(ending: &str) -> Option<&'static str> {
    formats::endings_of(Kind::Labels, For::Saving).into_iter().find(|known| *known == ending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Label;

    fn whole() -> Template {
        Template {
            labels: LabelTable(vec![Label::new(1, "Liver"), Label::new(4, "Spleen")]),
            window: Some(WindowOfKind { modality: "CT".into(), level: 40.0, width: 400.0, inverted: false }),
            tool: Some("brush".into()),
            model: Some("hippocampus".into()),
            tiles: Some((Layout::Grid, TileContent::DEFAULT)),
            save_as: Some(".nii.gz".into()),
            ..Template::new("Liver and spleen", Task::Annotate)
        }
    }

    #[test]
    fn what_was_written_is_read_and_what_is_left_out_is_as_it_was() {
        assert_eq!(Template::read(&whole().text()), Ok(whole()));
        let small = r#"{"lamella_template": 1, "name": "Look", "task": "look"}"#;
        assert_eq!(Template::read(small), Ok(Template::new("Look", Task::Look)));
    }

    #[test]
    fn a_newer_a_damaged_and_another_file_are_told_apart() {
        let text = whole().text();
        let newer = text.replace("\"lamella_template\": 1", "\"lamella_template\": 2");
        assert_eq!(Template::read(&newer), Err(TemplateError::Newer));
        for other in ["{}", "[]", "3", r#"{"lamella_template": "1"}"#] {
            assert_eq!(Template::read(other), Err(TemplateError::Other), "{other}");
        }
        for (good, bad) in [
            ("\"value\": 4", "\"value\": 1"),
            ("\"value\": 4", "\"value\": 0"),
            ("\"value\": 4", "\"value\": -4"),
            ("\"Spleen\"", "\"\""),
            ("400.0", "0.0"),
            ("\"brush\"", "\"chisel\""),
            ("\"hippocampus\"", "\"/home/somebody/model.safetensors\""),
            ("\".nii.gz\"", "\".exe\""),
            ("\"annotate\"", "\"register\""),
            ("\"name\": \"Liver and spleen\"", "\"title\": \"Liver\""),
        ] {
            let damaged = text.replace(good, bad);
            assert_ne!(damaged, text, "{good}");
            assert!(matches!(Template::read(&damaged), Err(TemplateError::Damaged(_))), "{bad}");
        }
        for end in 0..text.len() - 1 {
            assert!(text.is_char_boundary(end) && Template::read(&text[..end]).is_err(), "{end}");
        }
    }
}

//! Options of tools, declared once: the panel, the settings and the tools read them here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that can be chosen about a tool. Tools that list the same option share its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToolOption {
    /// Unique; settings name it.
    pub id: &'static str,
    /// Its caption in the panel.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub hint: &'static str,
    /// What it can be.
    pub kind: OptionKind,
}

/// What an option can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptionKind {
    /// A length in millimetres, from the first up to the last.
    Millimetres {
        /// Shortest and longest.
        range: [f64; 2],
        /// At first.
        default: f64,
    },
    /// A share in percent, from the first up to the last.
    Percent {
        /// Smallest and largest.
        range: [f64; 2],
        /// At first.
        default: f64,
    },
    /// One of several; the first one at first.
    Choice(&'static [Choice]),
    /// On or off; whether it is on at first.
    Flag(bool),
    /// Values of the image from one to another, both included; those of the display window until others are chosen.
    Values,
}

/// One of several things to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Unique in its option; settings name it.
    pub id: &'static str,
    /// In the list.
    pub name: &'static str,
}

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptionValue {
    /// Millimetres or percent.
    Number(f64),
    /// The id of a choice.
    Choice(&'static str),
    /// On or off.
    Flag(bool),
    /// The lowest and the highest value; `None`: those of the display window.
    Values(Option<[f64; 2]>),
}

impl ToolOption {
    /// What it is at first.
    pub fn default(&self) -> OptionValue {
        match self.kind {
            OptionKind::Millimetres { default, .. } | OptionKind::Percent { default, .. } => {
                OptionValue::Number(default)
            }
            OptionKind::Choice(choices) => OptionValue::Choice(choices.first().map_or("", |choice| choice.id)),
            OptionKind::Flag(is_on) => OptionValue::Flag(is_on),
            OptionKind::Values => OptionValue::Values(None),
        }
    }

    /// The value that is meant, within what the option can be; `None` where it is of another kind, no number, or no choice of the option.
    pub fn fitted(&self, value: OptionValue) -> Option<OptionValue> {
        match (self.kind, value) {
            (
                OptionKind::Millimetres { range, .. } | OptionKind::Percent { range, .. },
                OptionValue::Number(number),
            ) => number.is_finite().then(|| OptionValue::Number(number.clamp(range[0], range[1]))),
            (OptionKind::Choice(choices), OptionValue::Choice(id)) => {
                choices.iter().any(|choice| choice.id == id).then_some(value)
            }
            (OptionKind::Flag(_), OptionValue::Flag(_)) | (OptionKind::Values, OptionValue::Values(None)) => {
                Some(value)
            }
            (OptionKind::Values, OptionValue::Values(Some([low, high]))) => {
                let is_range = low.is_finite() && high.is_finite();
                is_range.then(|| OptionValue::Values(Some([low.min(high), low.max(high)])))
            }
            _ => None,
        }
    }

    /// A value as settings keep it.
    fn read(&self, stored: &Value) -> Option<OptionValue> {
        let value = match self.kind {
            OptionKind::Millimetres { .. } | OptionKind::Percent { .. } => OptionValue::Number(stored.as_f64()?),
            OptionKind::Choice(choices) => {
                let id = stored.as_str()?;
                OptionValue::Choice(choices.iter().find(|choice| choice.id == id)?.id)
            }
            OptionKind::Flag(_) => OptionValue::Flag(stored.as_bool()?),
            OptionKind::Values => {
                let [low, high] = stored.as_array()?.as_slice() else { return None };
                OptionValue::Values(Some([low.as_f64()?, high.as_f64()?]))
            }
        };
        self.fitted(value)
    }
}

/// What was chosen about tools, by the options' ids. What was not chosen is as declared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToolOptions(BTreeMap<String, Value>);

impl ToolOptions {
    /// The value of an option.
    pub fn get(&self, option: &ToolOption) -> OptionValue {
        self.0.get(option.id).and_then(|stored| option.read(stored)).unwrap_or_else(|| option.default())
    }

    /// Chooses a value; what does not fit the option changes nothing.
    pub fn set(&mut self, option: &ToolOption, value: OptionValue) {
        let Some(value) = option.fitted(value) else { return };
        let stored = match value {
            OptionValue::Number(number) => Value::from(number),
            OptionValue::Choice(id) => Value::from(id),
            OptionValue::Flag(is_on) => Value::from(is_on),
            OptionValue::Values(Some(range)) => Value::from(range.to_vec()),
            OptionValue::Values(None) => {
                self.0.remove(option.id);
                return;
            }
        };
        self.0.insert(option.id.into(), stored);
    }

    /// Takes over what was chosen in others.
    pub fn take(&mut self, others: &Self) {
        self.0.extend(others.0.clone());
    }

    /// The number of an option of millimetres or percent.
    pub fn number(&self, option: &ToolOption) -> f64 {
        if let OptionValue::Number(number) = self.get(option) { number } else { 0.0 }
    }

    /// The id of an option's choice.
    pub fn choice(&self, option: &ToolOption) -> &'static str {
        if let OptionValue::Choice(id) = self.get(option) { id } else { "" }
    }

    /// Whether an option is on.
    pub fn is_on(&self, option: &ToolOption) -> bool {
        self.get(option) == OptionValue::Flag(true)
    }

    /// The values of the image that an option names, where some were chosen.
    pub fn values(&self, option: &ToolOption) -> Option<[f64; 2]> {
        if let OptionValue::Values(range) = self.get(option) { range } else { None }
    }

    /// Forgets everything but values that fit these options: what another version or another hand wrote into the settings.
    pub fn keep_only(&mut self, known: &[ToolOption]) {
        self.0.retain(|id, stored| known.iter().any(|option| option.id == id && option.read(stored).is_some()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ToolOption = ToolOption {
        id: "size",
        name: "Size",
        hint: "",
        kind: OptionKind::Millimetres { range: [0.5, 100.0], default: 4.0 },
    };
    const FORM: ToolOption = ToolOption {
        id: "form",
        name: "Form",
        hint: "",
        kind: OptionKind::Choice(&[Choice { id: "disc", name: "Disc" }, Choice { id: "ball", name: "Ball" }]),
    };
    const WHERE: ToolOption = ToolOption { id: "where", name: "Where", hint: "", kind: OptionKind::Values };
    const IS_LIVE: ToolOption = ToolOption { id: "live", name: "Live", hint: "", kind: OptionKind::Flag(true) };

    #[test]
    fn what_is_chosen_is_kept_within_what_can_be_chosen() {
        let mut options = ToolOptions::default();
        assert_eq!((options.number(&SIZE), options.choice(&FORM)), (4.0, "disc"));
        assert_eq!((options.values(&WHERE), options.is_on(&IS_LIVE)), (None, true));
        options.set(&SIZE, OptionValue::Number(1e9));
        options.set(&SIZE, OptionValue::Number(f64::NAN));
        options.set(&FORM, OptionValue::Choice("ball"));
        options.set(&FORM, OptionValue::Choice("egg"));
        options.set(&FORM, OptionValue::Flag(false));
        options.set(&WHERE, OptionValue::Values(Some([7.0, -3.5])));
        options.set(&IS_LIVE, OptionValue::Flag(false));
        assert_eq!((options.number(&SIZE), options.choice(&FORM)), (100.0, "ball"));
        assert_eq!((options.values(&WHERE), options.is_on(&IS_LIVE)), (Some([-3.5, 7.0]), false));
        let text = serde_json::to_string(&options).unwrap();
        assert_eq!(text, r#"{"form":"ball","live":false,"size":100.0,"where":[-3.5,7.0]}"#);
        assert_eq!(serde_json::from_str::<ToolOptions>(&text).unwrap(), options);
        options.set(&WHERE, OptionValue::Values(None));
        assert_eq!(options.values(&WHERE), None);
    }

    #[test]
    fn settings_of_another_hand_keep_what_fits() {
        let text = r#"{"size": "large", "form": "egg", "live": false, "where": [1, "x"], "unknown": {"a": 1}}"#;
        let mut options: ToolOptions = serde_json::from_str(text).unwrap();
        assert_eq!((options.number(&SIZE), options.choice(&FORM), options.values(&WHERE)), (4.0, "disc", None));
        options.keep_only(&[SIZE, FORM, WHERE, IS_LIVE]);
        assert_eq!(serde_json::to_string(&options).unwrap(), r#"{"live":false}"#);
    }
}

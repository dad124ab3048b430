//! What a user chooses of an operation, and whether what was chosen can be used.

use super::error::OperationError;
use crate::edit::join::is_same_name;
use crate::volume::{LabelTable, LabelValue};

/// One choice of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Unique within the operation; the command line names it.
    pub id: &'static str,
    /// For the window.
    pub name: &'static str,
    /// What it means, in one sentence.
    pub hint: &'static str,
    /// What can be chosen.
    pub kind: Kind,
}

/// One of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Unique within the parameter.
    pub id: &'static str,
    /// For the window.
    pub name: &'static str,
}

/// An end of a range of image values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The lower one.
    Low,
    /// The upper one.
    High,
}

/// What can be chosen. Both bounds are included.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A real number with its unit, in steps for a slider.
    Number {
        /// Its unit, "mm" for example; empty where it has none.
        unit: &'static str,
        /// The least that can be chosen.
        min: f64,
        /// The most.
        max: f64,
        /// Between two places of a slider.
        step: f64,
        /// Where nothing is said.
        default: f64,
    },
    /// A whole number of things.
    Count {
        /// What is counted, "voxels" for example; empty where that is plain.
        unit: &'static str,
        /// The least that can be chosen.
        min: usize,
        /// The most.
        max: usize,
        /// Where nothing is said.
        default: usize,
    },
    /// One of several; the first where nothing is said.
    Choice(&'static [Choice]),
    /// Yes or no.
    Flag {
        /// Where nothing is said.
        default: bool,
    },
    /// Another label than the selected one: by its number or its name.
    Label,
    /// A value of the image in its own unit; the window begins with this end of what is displayed.
    Intensity(End),
    /// A voxel; the window takes that of the cursor.
    Voxel,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Number`] and [`Kind::Intensity`].
    Number(f64),
    /// Of [`Kind::Count`].
    Count(usize),
    /// Of [`Kind::Choice`]: its id.
    Choice(&'static str),
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Label`].
    Label(LabelValue),
    /// Of [`Kind::Voxel`]: indices along i, j, k.
    Voxel([usize; 3]),
}

impl Parameter {
    /// What it is where nothing is said; `None` where it must be said.
    pub fn default(&self) -> Option<Value> {
        match self.kind {
            Kind::Number { default, .. } => Some(Value::Number(default)),
            Kind::Count { default, .. } => Some(Value::Count(default)),
            Kind::Choice(choices) => choices.first().map(|choice| Value::Choice(choice.id)),
            Kind::Flag { default } => Some(Value::Flag(default)),
            Kind::Label | Kind::Intensity(_) | Kind::Voxel => None,
        }
    }

    /// What can be said, for a message: "a number from 0 to 100 mm".
    pub fn allowed(&self) -> String {
        let unit = |unit: &str| if unit.is_empty() { String::new() } else { format!(" {unit}") };
        match self.kind {
            Kind::Number { unit: of, min, max, .. } => format!("a number from {min} to {max}{}", unit(of)),
            Kind::Count { unit: of, min, max, .. } => format!("a whole number from {min} to {max}{}", unit(of)),
            Kind::Choice(choices) => {
                let ids: Vec<&str> = choices.iter().map(|choice| choice.id).collect();
                format!("one of {}", ids.join(", "))
            }
            Kind::Flag { .. } => "yes or no".into(),
            Kind::Label => "the number or the name of another label".into(),
            Kind::Intensity(_) => "a value of the image".into(),
            Kind::Voxel => "the indices of a voxel inside the volume, i,j,k".into(),
        }
    }

    /// Whether a value can be used with this grid and selection.
    fn allows(&self, value: &Value, shape: [usize; 3]) -> bool {
        match (self.kind, value) {
            (Kind::Number { min, max, .. }, Value::Number(value)) => (min..=max).contains(value),
            (Kind::Count { min, max, .. }, Value::Count(value)) => (min..=max).contains(value),
            (Kind::Choice(choices), Value::Choice(id)) => choices.iter().any(|choice| choice.id == *id),
            (Kind::Flag { .. }, Value::Flag(_)) => true,
            (Kind::Label, Value::Label(label)) => *label != 0,
            (Kind::Intensity(_), Value::Number(value)) => value.is_finite(),
            (Kind::Voxel, Value::Voxel(voxel)) => (0..3).all(|axis| voxel[axis] < shape[axis]),
            _ => false,
        }
    }

    /// Reads a value as it is written on a command line.
    ///
    /// # Errors
    /// Names the parameter, the text, and what can be said.
    pub fn read(&self, text: &str, table: &LabelTable) -> Result<Value, OperationError> {
        let text = text.trim();
        let flag = |text: &str| match text.to_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Some(true),
            "no" | "false" | "off" | "0" => Some(false),
            _ => None,
        };
        let value = match self.kind {
            Kind::Number { .. } | Kind::Intensity(_) => text.parse().ok().map(Value::Number),
            Kind::Count { .. } => text.parse().ok().map(Value::Count),
            Kind::Choice(choices) => {
                choices.iter().find(|choice| choice.id == text).map(|choice| Value::Choice(choice.id))
            }
            Kind::Flag { .. } => flag(text).map(Value::Flag),
            Kind::Label => label_of(text, table).map(Value::Label),
            Kind::Voxel => voxel_of(text).map(Value::Voxel),
        };
        // Whether a voxel is there depends on the grid.
        let anywhere = [usize::MAX; 3];
        value.filter(|value| self.allows(value, anywhere)).ok_or_else(|| self.refused(text))
    }

    fn refused(&self, value: &str) -> OperationError {
        OperationError::Value { parameter: self.id, value: value.into(), allowed: self.allowed() }
    }
}

/// The label of a number or of a name; a name that is written like a number is found where no label has that number.
pub fn label_of(text: &str, table: &LabelTable) -> Option<LabelValue> {
    let named = || table.0.iter().find(|label| is_same_name(&label.name, text)).map(|label| label.value);
    match text.trim().parse::<LabelValue>() {
        Ok(value) if table.get(value).is_some() => Some(value),
        Ok(value) => named().or((value != 0).then_some(value)),
        Err(_) => named(),
    }
}

fn voxel_of(text: &str) -> Option<[usize; 3]> {
    let parts: Result<Vec<usize>, _> = text.split(',').map(|part| part.trim().parse::<usize>()).collect();
    parts.ok()?.try_into().ok()
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Count(value) => write!(f, "{value}"),
            Self::Choice(id) => write!(f, "{id}"),
            Self::Flag(is) => write!(f, "{}", if *is { "yes" } else { "no" }),
            Self::Label(label) => write!(f, "{label}"),
            Self::Voxel([i, j, k]) => write!(f, "{i},{j},{k}"),
        }
    }
}

/// A value for every parameter of an operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values(Vec<(&'static str, Value)>);

impl Values {
    /// What was said about some parameters, with the defaults of the others.
    ///
    /// # Errors
    /// Names the parameter that is unknown, missing, said twice, or out of its bounds.
    pub fn new(
        parameters: &'static [Parameter],
        said: impl IntoIterator<Item = (String, Value)>,
        shape: [usize; 3],
    ) -> Result<Self, OperationError> {
        let mut values: Vec<(&'static str, Value)> = Vec::with_capacity(parameters.len());
        for (id, value) in said {
            let Some(parameter) = parameters.iter().find(|parameter| parameter.id == id) else {
                let known = parameters.iter().map(|parameter| parameter.id).collect();
                return Err(OperationError::UnknownParameter { parameter: id, known });
            };
            if values.iter().any(|(other, _)| *other == parameter.id) {
                return Err(OperationError::SaidTwice(parameter.id));
            }
            if !parameter.allows(&value, shape) {
                return Err(parameter.refused(&value.to_string()));
            }
            values.push((parameter.id, value));
        }
        for parameter in parameters {
            if values.iter().all(|(id, _)| *id != parameter.id) {
                let missing = || OperationError::Missing { parameter: parameter.id, allowed: parameter.allowed() };
                values.push((parameter.id, parameter.default().ok_or_else(missing)?));
            }
        }
        Ok(Self(values))
    }

    /// Every parameter with its value.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    fn find<'a, T>(&'a self, id: &'static str, of: impl Fn(&'a Value) -> Option<T>) -> Result<T, OperationError> {
        let found = self.0.iter().find(|(other, _)| *other == id);
        found.and_then(|(_, value)| of(value)).ok_or(OperationError::NoSuchParameter(id))
    }

    /// The value of a [`Kind::Number`] or a [`Kind::Intensity`].
    ///
    /// # Errors
    /// When the operation has no such parameter.
    pub fn number(&self, id: &'static str) -> Result<f64, OperationError> {
        self.find(id, |value| if let Value::Number(number) = value { Some(*number) } else { None })
    }

    /// The value of a [`Kind::Count`].
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn count(&self, id: &'static str) -> Result<usize, OperationError> {
        self.find(id, |value| if let Value::Count(count) = value { Some(*count) } else { None })
    }

    /// The id that was chosen of a [`Kind::Choice`].
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn choice(&self, id: &'static str) -> Result<&'static str, OperationError> {
        self.find(id, |value| if let Value::Choice(choice) = value { Some(*choice) } else { None })
    }

    /// The value of a [`Kind::Flag`].
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn flag(&self, id: &'static str) -> Result<bool, OperationError> {
        self.find(id, |value| if let Value::Flag(is) = value { Some(*is) } else { None })
    }

    /// The value of a [`Kind::Label`].
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn label(&self, id: &'static str) -> Result<LabelValue, OperationError> {
        self.find(id, |value| if let Value::Label(label) = value { Some(*label) } else { None })
    }

    /// The value of a [`Kind::Voxel`], on the grid of the labels that are worked on.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn voxel(&self, id: &'static str) -> Result<[usize; 3], OperationError> {
        self.find(id, |value| if let Value::Voxel(voxel) = value { Some(*voxel) } else { None })
    }

    /// The same values on the grid of a box: voxels count from its start.
    ///
    /// # Errors
    /// When a voxel lies outside the box.
    pub(super) fn in_box(&self, region: crate::volume::Region) -> Result<Self, OperationError> {
        let moved = |(id, value): &(&'static str, Value)| match value {
            Value::Voxel(voxel) if !region.contains(*voxel) => {
                Err(OperationError::Outside { parameter: id, voxel: *voxel })
            }
            Value::Voxel(voxel) => Ok((*id, Value::Voxel([0, 1, 2].map(|axis| voxel[axis] - region.start[axis])))),
            other => Ok((*id, other.clone())),
        };
        Ok(Self(self.0.iter().map(moved).collect::<Result<_, _>>()?))
    }
}

//! Finding tensors and plain data among pickled values.

use serde_json::{Map, Number, Value};

use super::pickle::{Id, Item, Object, Pickle};
use super::tensors::{Kind, View};

/// Deepest nesting that is followed; pickles may be circular.
const DEEPEST: usize = 32;
/// Most values of the plain data.
const MOST_VALUES: usize = 200_000;
/// Most values that are visited in search of tensors.
const MOST_VISITS: usize = 1_000_000;
/// Longest name of a tensor.
const LONGEST_PATH: usize = 1024;
/// Longest text of the plain data, and bytes of all of them.
const LONGEST_TEXT: usize = 1 << 16;
const MOST_TEXT: usize = 16 << 20;
/// Keys under which programs keep a network's weights.
const WEIGHTS_KEYS: [&str; 8] =
    ["network_weights", "state_dict", "model_state_dict", "model_state", "model", "net", "weights", "ema"];

/// What the plain data may still hold.
struct Budget {
    values: usize,
    text: usize,
}

impl Budget {
    fn text(&mut self, text: &str) -> Option<String> {
        self.text = self.text.checked_sub(text.len()).filter(|_| text.len() <= LONGEST_TEXT)?;
        Some(text.to_string())
    }
}

impl Pickle {
    fn item(&self, id: Id) -> &Item {
        &self.items[id]
    }

    fn text(&self, id: Id) -> Option<&str> {
        match self.item(id) {
            Item::Text(text) => Some(text),
            _ => None,
        }
    }

    fn list(&self, id: Id) -> Option<&[Id]> {
        match self.item(id) {
            Item::List(list) => Some(list),
            _ => None,
        }
    }

    /// Entries of a dictionary, also of an ordered one.
    fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.item(id) {
            Item::Dict(entries) => Some(entries),
            Item::Object(object) if !object.entries.is_empty() => Some(&object.entries),
            Item::Object(Object { callable, .. }) => {
                let is_dict = matches!(self.item(*callable), Item::Global(_, name) if name == "OrderedDict");
                is_dict.then_some(&[])
            }
            _ => None,
        }
    }

    fn get(&self, id: Id, key: &str) -> Option<Id> {
        self.entries(id)?.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|(_, v)| *v)
    }

    fn whole(&self, id: Id) -> Option<usize> {
        match self.item(id) {
            Item::Int(value) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    fn wholes(&self, id: Id) -> Option<Vec<usize>> {
        self.list(id)?.iter().map(|&n| self.whole(n)).collect()
    }

    /// A tensor, if the value is one of floats; parameters are looked through.
    fn view(&self, id: Id, depth: usize) -> Option<View> {
        let Item::Object(object) = self.item(id) else { return None };
        let Item::Global(_, function) = self.item(object.callable) else { return None };
        let arguments = self.list(object.arguments)?;
        match function.as_str() {
            "_rebuild_tensor_v2" | "_rebuild_tensor" => {
                let Item::Persistent(reference) = self.item(*arguments.first()?) else { return None };
                let reference = self.list(*reference)?;
                let Item::Global(_, class) = self.item(*reference.get(1)?) else { return None };
                Some(View {
                    storage: self.text(*reference.get(2)?)?.to_string(),
                    kind: Kind::of_storage(class)?,
                    offset: self.whole(*arguments.get(1)?)?,
                    shape: self.wholes(*arguments.get(2)?)?,
                    strides: self.wholes(*arguments.get(3)?)?,
                })
            }
            "_rebuild_parameter" | "_rebuild_parameter_with_state" if depth < DEEPEST => {
                self.view(*arguments.first()?, depth + 1)
            }
            _ => None,
        }
    }

    /// All tensors of the network by their dotted name.
    pub fn network(&self) -> Vec<(String, View)> {
        let wrapped = WEIGHTS_KEYS.iter().find_map(|key| self.get(self.root, key));
        let mut found = Vec::new();
        let mut left = MOST_VISITS;
        for start in wrapped.into_iter().chain([self.root]) {
            self.collect(start, "", 0, &mut found, &mut left);
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    fn collect(&self, id: Id, path: &str, depth: usize, found: &mut Vec<(String, View)>, left: &mut usize) {
        if depth > DEEPEST || *left == 0 || path.len() > LONGEST_PATH {
            return;
        }
        *left -= 1;
        if let Some(view) = self.view(id, 0) {
            found.push((path.to_string(), view));
            return;
        }
        // A whole module: parameters, buffers and modules are parts of its state.
        if let Item::Object(Object { state: Some(state), .. }) = self.item(id)
            && let Some(entries) = self.entries(*state)
        {
            for &(key, value) in entries {
                if let Some("_parameters" | "_buffers" | "_modules") = self.text(key) {
                    self.collect(value, path, depth + 1, found, left)
                }
            }
        }
        for &(key, value) in self.entries(id).unwrap_or_default() {
            if let Some(key) = self.text(key) {
                let name = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                self.collect(value, &name, depth + 1, found, left);
            }
        }
    }

    /// The plain data of the pickle; what is none is left out.
    pub fn plain(&self) -> Value {
        let mut left = Budget { values: MOST_VALUES, text: MOST_TEXT };
        self.value(self.root, 0, &mut left).unwrap_or(Value::Null)
    }

    fn value(&self, id: Id, depth: usize, left: &mut Budget) -> Option<Value> {
        if depth > DEEPEST || left.values == 0 {
            return None;
        }
        left.values -= 1;
        Some(match self.item(id) {
            Item::None => Value::Null,
            Item::Bool(b) => Value::Bool(*b),
            Item::Int(n) => Value::Number((*n).into()),
            Item::Float(f) => Number::from_f64(*f).map_or(Value::Null, Value::Number),
            Item::Text(text) => Value::String(left.text(text)?),
            Item::List(list) => Value::Array(list.iter().filter_map(|&n| self.value(n, depth + 1, left)).collect()),
            _ => {
                let mut map = Map::new();
                for &(key, value) in self.entries(id)? {
                    let key = match self.item(key) {
                        Item::Text(text) => left.text(text)?,
                        Item::Int(n) => n.to_string(),
                        _ => continue,
                    };
                    if self.view(value, 0).is_none()
                        && let Some(value) = self.value(value, depth + 1, left)
                    {
                        map.insert(key, value);
                    }
                }
                Value::Object(map)
            }
        })
    }
}

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

/// A tensor of a pickle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tensor {
    /// Floats, as a view of a storage.
    Floats(View),
    /// Something else, in words.
    Other(String),
}

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
                let is_dict = matches!(self.item(*callable), Item::Global(_, name) if &**name == "OrderedDict");
                is_dict.then_some(&[])
            }
            _ => None,
        }
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

    /// A tensor, if the value is one; parameters and subclasses are looked through.
    fn tensor(&self, id: Id, depth: usize) -> Option<Tensor> {
        let Item::Object(object) = self.item(id) else { return None };
        self.built(object.callable, object.arguments, depth)
    }

    /// The tensor that a call of one of PyTorch's functions would build.
    fn built(&self, callable: Id, arguments: Id, depth: usize) -> Option<Tensor> {
        let Item::Global(module, function) = self.item(callable) else { return None };
        let arguments = self.list(arguments)?;
        let other = |what: &str| Some(Tensor::Other(what.to_string()));
        match &**function {
            "_rebuild_tensor_v2" | "_rebuild_tensor" | "_rebuild_tensor_v3" => {
                let Item::Persistent(reference) = self.item(*arguments.first()?) else { return None };
                let reference = self.list(*reference)?;
                // The third form says its type beside a storage without one.
                let class = if &**function == "_rebuild_tensor_v3" { arguments.get(6) } else { reference.get(1) };
                let Item::Global(_, class) = self.item(*class?) else { return None };
                let Some(kind) = Kind::of_storage(class) else { return Some(Tensor::Other(Kind::other(class))) };
                Some(Tensor::Floats(View {
                    storage: self.text(*reference.get(2)?)?.to_string(),
                    kind,
                    offset: self.whole(*arguments.get(1)?)?,
                    shape: self.wholes(*arguments.get(2)?)?,
                    strides: self.wholes(*arguments.get(3)?)?,
                }))
            }
            "_rebuild_parameter" | "_rebuild_parameter_with_state" if depth < DEEPEST => {
                self.tensor(*arguments.first()?, depth + 1)
            }
            // A subclass: what would build the plain tensor, the class, with what.
            "_rebuild_from_type_v2" | "_rebuild_from_type" if depth < DEEPEST => {
                self.built(*arguments.first()?, *arguments.get(2)?, depth + 1)
            }
            "_rebuild_qtensor" => other("quantised"),
            "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor" => other("sparse"),
            "_rebuild_nested_tensor" => other("nested"),
            "_rebuild_meta_tensor_no_storage" => other("without values (device meta)"),
            "_rebuild_wrapper_subclass" => other("of another class than PyTorch's own"),
            "_reconstruct" if module.starts_with("numpy") => other("an array of NumPy, not of PyTorch"),
            _ => None,
        }
    }

    /// All tensors by their dotted name.
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut found = Vec::new();
        let mut left = MOST_VISITS;
        self.collect(self.root, "", 0, &mut found, &mut left);
        found
    }

    fn collect(&self, id: Id, path: &str, depth: usize, found: &mut Vec<(String, Tensor)>, left: &mut usize) {
        // What lies too deep counts too: a dictionary that holds itself often has nothing else.
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        if depth > DEEPEST || path.len() > LONGEST_PATH {
            return;
        }
        if let Some(tensor) = self.tensor(id, 0) {
            found.push((path.to_string(), tensor));
            return;
        }
        // A whole module: parameters, buffers and modules are parts of its state.
        if let Item::Object(Object { state: Some(state), .. }) = self.item(id)
            && let Some(entries) = self.entries(*state)
        {
            for &(key, value) in entries {
                if let Some("_parameters" | "_buffers" | "_modules") = self.text(key) {
                    self.collect(value, path, depth + 1, found, left);
                }
            }
        }
        for &(key, value) in self.entries(id).unwrap_or_default() {
            if *left == 0 {
                return;
            }
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
        left.values = left.values.checked_sub(1)?;
        if depth > DEEPEST {
            return None;
        }
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
                    if left.values == 0 {
                        break;
                    }
                    let key = match self.item(key) {
                        Item::Text(text) => left.text(text)?,
                        Item::Int(n) => n.to_string(),
                        _ => continue,
                    };
                    if self.tensor(value, 0).is_none()
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

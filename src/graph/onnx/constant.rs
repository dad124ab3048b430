//! Constant arrays of a file.

use std::rc::Rc;

use super::OnnxError;
use super::proto::{TensorProto, data_type};
use crate::work::numbers::{low_half, single};

/// A constant array of floats. Its values may lie elsewhere (in a model's own weights).
#[derive(Debug, Clone)]
pub struct Floats {
    /// Its name here.
    pub name: String,
    /// The name of the array in the file that it comes from.
    pub source: String,
    /// Sizes.
    pub shape: Vec<usize>,
    /// Values, if they are at hand.
    pub values: Option<Rc<Vec<f32>>>,
}

impl Floats {
    /// An array that is made here or read whole.
    pub fn new(name: String, shape: Vec<usize>, values: Vec<f32>) -> Self {
        Self { source: name.clone(), name, shape, values: Some(Rc::new(values)) }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A constant array.
#[derive(Debug, Clone)]
pub enum Constant {
    /// Floats of any width.
    Floats(Floats),
    /// Integers of any width, and their sizes.
    Integers(Vec<i64>, Vec<usize>),
}

/// Reads bytes of another file beside the network's: name, offset, length.
pub type Beside<'a> = &'a dyn Fn(&str, u64, u64) -> Result<Vec<u8>, String>;

/// Where a network comes from.
#[derive(Clone, Copy)]
pub enum From<'a> {
    /// A file, perhaps with others beside it.
    File(Beside<'a>),
    /// The structure that is kept in a model, whose weights lie in the model.
    Structure,
}

/// Key of the external data of a tensor whose values lie in a model's own weights.
pub const IN_WEIGHTS: &str = "lamella-weights";

fn numbers<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

/// Bytes of a value of a type, if networks use it.
fn width(kind: i32) -> Option<u64> {
    match kind {
        data_type::BOOL | data_type::UINT8 | data_type::INT8 => Some(1),
        data_type::FLOAT16 | data_type::BFLOAT16 => Some(2),
        data_type::FLOAT | data_type::INT32 => Some(4),
        data_type::DOUBLE | data_type::INT64 => Some(8),
        _ => None,
    }
}

impl Constant {
    /// Reads a tensor.
    ///
    /// # Errors
    /// When its values are missing, of another number than its sizes say, or of a type that networks do not use.
    pub fn read(tensor: TensorProto, from: From) -> Result<Self, OnnxError> {
        let name = tensor.name.clone();
        let damaged = |problem: String| OnnxError::Damaged(format!("tensor {name:?}: {problem}"));
        let mut shape = Vec::with_capacity(tensor.dims.len());
        for &dim in &tensor.dims {
            shape.push(usize::try_from(dim).map_err(|_| damaged(format!("a size is {dim}")))?);
        }
        let count = shape
            .iter()
            .try_fold(1usize, |product, &n| product.checked_mul(n))
            .ok_or_else(|| damaged(format!("its sizes are {shape:?}")))?;
        let kind = tensor.data_type.unwrap_or(0);
        let text = |key: &str| tensor.external_data.iter().find(|e| e.key == key).map(|e| e.value.clone());
        let outside = if tensor.data_location == Some(1) {
            let location = text("location").ok_or_else(|| damaged("it does not say where its values are".into()))?;
            let From::File(beside) = from else {
                if location == IN_WEIGHTS && kind == data_type::FLOAT {
                    return Ok(Self::Floats(Floats { source: name.clone(), name, shape, values: None }));
                }
                return Err(damaged(format!("its values lie in the file {location}")));
            };
            let number = |key: &str| {
                text(key).map(|t| t.parse::<u64>().map_err(|_| damaged(format!("{key} is {t:?}")))).transpose()
            };
            let wanted = width(kind).and_then(|width| (count as u64).checked_mul(width));
            let wanted =
                wanted.ok_or_else(|| damaged(format!("{shape:?} values of type {kind} in the file {location}")))?;
            let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?.unwrap_or(wanted));
            if length != wanted {
                return Err(damaged(format!(
                    "{shape:?} values of {wanted} bytes, but {length} bytes in the file {location}"
                )));
            }
            Some(beside(&location, offset, length).map_err(damaged)?)
        } else {
            None
        };
        let raw = outside.or(tensor.raw_data);
        let floats = |values: Vec<f32>| {
            let whole = values.len() == count;
            let floats = Floats::new(name.clone(), shape.clone(), values);
            whole.then_some(Self::Floats(floats)).ok_or_else(|| damaged(format!("{shape:?} values are not all there")))
        };
        let integers = |values: Vec<i64>| {
            let whole = values.len() == count;
            let integers = Self::Integers(values, shape.clone());
            whole.then_some(integers).ok_or_else(|| damaged(format!("{shape:?} values are not all there")))
        };
        let narrow = |v: &i32| i64::from(*v);
        let half = |bits: u16| half::f16::from_bits(bits).to_f32();
        let brain = |bits: u16| f32::from_bits(u32::from(bits) << 16);
        match (kind, raw) {
            (data_type::FLOAT, Some(raw)) => floats(numbers(&raw, f32::from_le_bytes)),
            (data_type::FLOAT, None) => floats(tensor.float_data),
            (data_type::DOUBLE, Some(raw)) => {
                floats(numbers(&raw, f64::from_le_bytes).into_iter().map(single).collect())
            }
            (data_type::DOUBLE, None) => floats(tensor.double_data.iter().map(|&v| single(v)).collect()),
            (data_type::FLOAT16, Some(raw)) => {
                floats(numbers(&raw, u16::from_le_bytes).into_iter().map(half).collect())
            }
            (data_type::FLOAT16, None) => floats(tensor.int32_data.iter().map(|&v| half(low_half(v))).collect()),
            (data_type::BFLOAT16, Some(raw)) => {
                floats(numbers(&raw, u16::from_le_bytes).into_iter().map(brain).collect())
            }
            (data_type::BFLOAT16, None) => floats(tensor.int32_data.iter().map(|&v| brain(low_half(v))).collect()),
            (data_type::INT64, Some(raw)) => integers(numbers(&raw, i64::from_le_bytes)),
            (data_type::INT64, None) => integers(tensor.int64_data),
            (data_type::INT32, Some(raw)) => integers(numbers(&raw, i32::from_le_bytes).iter().map(narrow).collect()),
            (data_type::BOOL | data_type::UINT8, Some(raw)) => integers(raw.into_iter().map(i64::from).collect()),
            (data_type::INT8, Some(raw)) => integers(raw.into_iter().map(|v| i64::from(v.cast_signed())).collect()),
            (data_type::INT32 | data_type::BOOL | data_type::UINT8 | data_type::INT8, None) => {
                integers(tensor.int32_data.iter().map(narrow).collect())
            }
            (other, _) => Err(damaged(format!("values of type {other} (quantised networks are not supported)"))),
        }
    }
}

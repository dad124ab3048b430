//! The values of a pickle.

use std::rc::Rc;

/// Index of an item.
pub type Id = usize;

/// A value of a pickle. Values refer to each other by index, so that shared and circular ones cost nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer; those that need more than 64 bits are [`Item::Large`].
    Int(i64),
    /// The bytes of a large integer, lowest first.
    Large(Vec<u8>),
    /// A float.
    Float(f64),
    /// A text, which names of classes may share.
    Text(Rc<str>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// List, tuple or set.
    List(Vec<Id>),
    /// Keys and values.
    Dict(Vec<(Id, Id)>),
    /// The name of a class or function: module, name.
    Global(Rc<str>, Rc<str>),
    /// What a call would give.
    Object(Object),
    /// A reference to something outside of the pickle.
    Persistent(Id),
}

/// A call that was not made.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What would be called.
    pub callable: Id,
    /// With what.
    pub arguments: Id,
    /// State set afterwards.
    pub state: Option<Id>,
    /// Items set afterwards, as of a dictionary.
    pub entries: Vec<(Id, Id)>,
}

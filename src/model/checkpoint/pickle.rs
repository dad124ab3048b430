//! Python pickles as data: a stack machine that builds values and calls nothing.

use std::collections::HashMap;
use std::rc::Rc;

use super::pickle_ops as op;

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

/// A pickle and where it ended.
#[derive(Debug)]
pub struct Pickle {
    /// All values.
    pub items: Vec<Item>,
    /// The value of the pickle.
    pub root: Id,
    /// Bytes read.
    pub length: usize,
}

/// Longest name of a module or class.
const LONGEST_NAME: usize = 256;
/// Most values of a pickle; those of weights have some thousands.
const MOST_ITEMS: usize = 1_000_000;
/// Most open marks; lists are nested some dozens deep.
const MOST_MARKS: usize = 100_000;
/// A value is kept under one number; so many times more numbers than values are no pickle that a program writes.
const MOST_KEPT_TIMES: usize = 2;

/// Kept values by their number. Programs count them from 0; others are few.
#[derive(Default)]
struct Memo {
    counted: Vec<Id>,
    others: HashMap<u64, Id>,
}

impl Memo {
    fn len(&self) -> usize {
        self.counted.len() + self.others.len()
    }

    fn keep(&mut self, key: u64, id: Id) {
        let place = usize::try_from(key).unwrap_or(usize::MAX);
        if let Some(own) = self.counted.get_mut(place) {
            *own = id;
        } else if place == self.counted.len() && !self.others.contains_key(&key) {
            self.counted.push(id);
        } else {
            self.others.insert(key, id);
        }
    }

    fn get(&self, key: u64) -> Option<Id> {
        let counted = usize::try_from(key).ok().and_then(|place| self.counted.get(place));
        counted.or_else(|| self.others.get(&key)).copied()
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    items: Vec<Item>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: Memo,
}

/// Reads one pickle from the start of `bytes`.
///
/// # Errors
/// When it is cut off, malformed, or uses an instruction that no weights need.
pub fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine =
        Machine { bytes, at: 0, items: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: Memo::default() };
    loop {
        let code = machine.byte()?;
        if code == op::STOP {
            let root = machine.pop()?;
            return Ok(Pickle { items: machine.items, root, length: machine.at });
        }
        machine.step(code)?;
        if machine.items.len() > MOST_ITEMS || machine.stack.len() > MOST_ITEMS || machine.marks.len() > MOST_MARKS {
            return Err("the pickled data has more values than weights have".into());
        }
    }
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or("the pickled data is cut off")?;
        let part = &self.bytes[self.at..end];
        self.at = end;
        Ok(part)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned number of so many bytes, lowest first.
    fn number(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    fn sized(&mut self, bytes: usize) -> Result<&'a [u8], String> {
        let count = usize::try_from(self.number(bytes)?).map_err(|_| "a length is too large")?;
        self.take(count)
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&b| b == b'\n').ok_or("the pickled data is cut off")?;
        self.at += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }

    /// A class or function; names are short.
    fn global(&mut self, module: Rc<str>, name: Rc<str>) -> Result<(), String> {
        if module.len() > LONGEST_NAME || name.len() > LONGEST_NAME {
            return Err("the name of a class is too long".into());
        }
        self.push(Item::Global(module, name));
        Ok(())
    }

    fn push(&mut self, item: Item) {
        self.items.push(item);
        self.stack.push(self.items.len() - 1);
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, String> {
        if self.stack.len() <= self.floor() {
            return Err("the pickled data takes what it never gave".into());
        }
        self.stack.pop().ok_or_else(|| "the pickled data takes what it never gave".into())
    }

    fn top(&self) -> Result<Id, String> {
        if self.stack.len() <= self.floor() {
            return Err("the pickled data takes what it never gave".into());
        }
        self.stack.last().copied().ok_or_else(|| "the pickled data takes what it never gave".into())
    }

    /// Everything above the last mark.
    fn above_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing in the pickled data")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn pairs(all: &[Id]) -> Result<Vec<(Id, Id)>, String> {
        if !all.len().is_multiple_of(2) {
            return Err("a key without a value in the pickled data".into());
        }
        Ok(all.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    fn set(&mut self, pairs: Vec<(Id, Id)>) -> Result<(), String> {
        let target = self.top()?;
        match &mut self.items[target] {
            Item::Dict(entries) => entries.extend(pairs),
            Item::Object(object) => object.entries.extend(pairs),
            _ => return Err("keys and values for something that is no dictionary".into()),
        }
        Ok(())
    }

    fn append(&mut self, more: Vec<Id>) -> Result<(), String> {
        let target = self.top()?;
        match &mut self.items[target] {
            Item::List(list) => list.extend(more),
            // Lists of other classes are not looked into.
            Item::Object(_) => {}
            _ => return Err("entries for something that is no list".into()),
        }
        Ok(())
    }

    fn object(&mut self, callable: Id, arguments: Id) {
        self.push(Item::Object(Object { callable, arguments, state: None, entries: Vec::new() }));
    }

    fn recall(&mut self, key: u64) -> Result<(), String> {
        let id = self.memo.get(key).ok_or("the pickled data refers to what was never kept")?;
        self.stack.push(id);
        Ok(())
    }

    fn keep(&mut self, key: u64) -> Result<(), String> {
        let id = self.top()?;
        self.memo.keep(key, id);
        if self.memo.len() > MOST_KEPT_TIMES * self.items.len() {
            return Err("the pickled data keeps more values than it has".into());
        }
        Ok(())
    }

    fn long(&mut self, bytes: &[u8]) {
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        if bytes.len() > 8 {
            self.push(Item::Large(bytes.to_vec()));
            return;
        }
        let start = if negative { -1i64 } else { 0 };
        self.push(Item::Int(bytes.iter().rev().fold(start, |n, &b| n << 8 | i64::from(b))));
    }

    fn step(&mut self, code: u8) -> Result<(), String> {
        let text = |bytes: &[u8]| Item::Text(String::from_utf8_lossy(bytes).into());
        match code {
            op::PROTO => drop(self.byte()?),
            op::FRAME => drop(self.take(8)?),
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => {
                if self.stack.len() > self.floor() {
                    self.stack.pop();
                } else {
                    self.marks.pop().ok_or("a mark is missing in the pickled data")?;
                }
            }
            op::POP_MARK => drop(self.above_mark()?),
            op::DUP => {
                let id = self.top()?;
                self.stack.push(id);
            }
            op::NONE => self.push(Item::None),
            op::NEWTRUE => self.push(Item::Bool(true)),
            op::NEWFALSE => self.push(Item::Bool(false)),
            op::BININT => {
                let value = u32::try_from(self.number(4)?).unwrap_or(u32::MAX).cast_signed();
                self.push(Item::Int(value.into()));
            }
            op::BININT1 => {
                let value = self.number(1)?;
                self.push(Item::Int(value.cast_signed()));
            }
            op::BININT2 => {
                let value = self.number(2)?;
                self.push(Item::Int(value.cast_signed()));
            }
            op::LONG1 => {
                let bytes = self.sized(1)?;
                self.long(bytes);
            }
            op::LONG4 => {
                let bytes = self.sized(4)?;
                self.long(bytes);
            }
            op::INT | op::LONG => {
                let line = self.line()?;
                let item = match (code, line.as_str()) {
                    (op::INT, "01") => Item::Bool(true),
                    (op::INT, "00") => Item::Bool(false),
                    (_, digits) => {
                        Item::Int(digits.trim_end_matches('L').parse().map_err(|_| format!("{line:?} is no integer"))?)
                    }
                };
                self.push(item);
            }
            op::FLOAT => {
                let line = self.line()?;
                let value = line.parse().map_err(|_| format!("{line:?} is no number"))?;
                self.push(Item::Float(value));
            }
            op::BINFLOAT => {
                let bits = self.take(8)?.iter().fold(0, |n, &b| n << 8 | u64::from(b));
                self.push(Item::Float(f64::from_bits(bits)));
            }
            op::STRING | op::UNICODE => {
                let line = self.line()?;
                let line = if code == op::STRING { line.trim_matches(['\'', '"']) } else { &line };
                self.push(Item::Text(line.into()));
            }
            op::BINSTRING | op::BINUNICODE => {
                let item = text(self.sized(4)?);
                self.push(item);
            }
            op::SHORT_BINSTRING | op::SHORT_BINUNICODE => {
                let item = text(self.sized(1)?);
                self.push(item);
            }
            op::BINUNICODE8 => {
                let item = text(self.sized(8)?);
                self.push(item);
            }
            op::BINBYTES | op::SHORT_BINBYTES | op::BINBYTES8 | op::BYTEARRAY8 => {
                let width = match code {
                    op::BINBYTES => 4,
                    op::SHORT_BINBYTES => 1,
                    _ => 8,
                };
                let item = Item::Bytes(self.sized(width)?.to_vec());
                self.push(item);
            }
            op::EMPTY_LIST | op::EMPTY_TUPLE | op::EMPTY_SET => self.push(Item::List(Vec::new())),
            op::LIST | op::TUPLE | op::FROZENSET => {
                let all = self.above_mark()?;
                self.push(Item::List(all));
            }
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let mut all = Vec::new();
                for _ in op::TUPLE1..=code {
                    all.push(self.pop()?);
                }
                all.reverse();
                self.push(Item::List(all));
            }
            op::EMPTY_DICT => self.push(Item::Dict(Vec::new())),
            op::DICT => {
                let pairs = Self::pairs(&self.above_mark()?)?;
                self.push(Item::Dict(pairs));
            }
            op::APPEND => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            op::APPENDS | op::ADDITEMS => {
                let more = self.above_mark()?;
                self.append(more)?;
            }
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![(key, value)])?;
            }
            op::SETITEMS => {
                let pairs = Self::pairs(&self.above_mark()?)?;
                self.set(pairs)?;
            }
            op::GET => {
                let key = self.line()?;
                self.recall(key.parse().map_err(|_| format!("{key:?} is no index"))?)?;
            }
            op::BINGET => {
                let key = self.number(1)?;
                self.recall(key)?;
            }
            op::LONG_BINGET => {
                let key = self.number(4)?;
                self.recall(key)?;
            }
            op::PUT => {
                let key = self.line()?;
                self.keep(key.parse().map_err(|_| format!("{key:?} is no index"))?)?;
            }
            op::BINPUT => {
                let key = self.number(1)?;
                self.keep(key)?;
            }
            op::LONG_BINPUT => {
                let key = self.number(4)?;
                self.keep(key)?;
            }
            op::MEMOIZE => self.keep(self.memo.len() as u64)?,
            op::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module.into(), name.into())?;
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Item::Text(module), Item::Text(name)) = (&self.items[module], &self.items[name]) else {
                    return Err("a class without a name in the pickled data".into());
                };
                let (module, name) = (module.clone(), name.clone());
                self.global(module, name)?;
            }
            op::REDUCE | op::NEWOBJ => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.object(callable, arguments);
            }
            op::NEWOBJ_EX => {
                let (_, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.object(callable, arguments);
            }
            op::BUILD => {
                let state = self.pop()?;
                let target = self.top()?;
                if let Item::Object(object) = &mut self.items[target] {
                    object.state = Some(state);
                }
            }
            op::BINPERSID => {
                let reference = self.pop()?;
                self.push(Item::Persistent(reference));
            }
            other => return Err(format!("the pickled data uses the instruction {other:#04x}, which no weights need")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(bytes: &[u8]) -> Item {
        let pickle = read(bytes).unwrap();
        pickle.items[pickle.root].clone()
    }

    #[test]
    fn numbers_of_all_widths() {
        assert_eq!(root(b"\x80\x02K\x07."), Item::Int(7));
        assert_eq!(root(b"\x80\x02J\xfe\xff\xff\xff."), Item::Int(-2));
        assert_eq!(root(b"\x80\x02\x8a\x02\x00\xff."), Item::Int(-256));
        assert_eq!(root(b"\x80\x02G?\xf8\x00\x00\x00\x00\x00\x00."), Item::Float(1.5));
        assert_eq!(root(b"I42\n."), Item::Int(42));
    }

    #[test]
    fn a_call_stays_data() {
        // os.system("ls"), as an attack would have it.
        let pickle = read(b"cos\nsystem\n(S'ls'\ntR.").unwrap();
        let Item::Object(object) = &pickle.items[pickle.root] else { panic!("{:?}", pickle.items) };
        assert_eq!(pickle.items[object.callable], Item::Global("os".into(), "system".into()));
    }

    #[test]
    fn bytes_that_only_keep_or_mark_are_refused() {
        let (mut kept, mut numbered) = (b"\x80\x04N".to_vec(), b"\x80\x02N".to_vec());
        kept.resize(30 << 20, b'\x94');
        let (mut lines, mut each) = (b"N".to_vec(), b"\x80\x04".to_vec());
        for n in 0..6_000_000u32 {
            numbered.push(b'r');
            numbered.extend(n.to_le_bytes());
            each.extend(b"N\x94");
        }
        (0..3_000_000).for_each(|n| lines.extend(format!("p{n}\n").into_bytes()));
        let marks = vec![b'('; 30 << 20];
        for bytes in [kept, numbered, lines, each, marks] {
            assert!(read(&bytes).is_err());
        }
    }

    #[test]
    fn values_are_kept_under_any_numbers() {
        // Counted, counted again, and far apart: [7, 8, 9, 10].
        let pickle = read(
            b"\x80\x02(K\x06q\x00K\x07q\x00K\x08q\x01K\x09r\xff\xff\xff\xff1(h\x00h\x01j\xff\xff\xff\xffK\x0aq\x02l.",
        )
        .unwrap();
        let Item::List(list) = &pickle.items[pickle.root] else { panic!("{:?}", pickle.items) };
        let values: Vec<&Item> = list.iter().map(|&id| &pickle.items[id]).collect();
        assert_eq!(values, [&Item::Int(7), &Item::Int(8), &Item::Int(9), &Item::Int(10)]);
    }

    #[test]
    fn names_of_classes_share_their_text() {
        let mut bytes = b"\x80\x04".to_vec();
        for key in 0..2u8 {
            bytes.extend([b"X\xfa\0\0\0".as_slice(), &[b'a'; 250], &[b'q', key, b'0']].concat());
        }
        (0..10_000).for_each(|_| bytes.extend(b"h\x00h\x01\x930"));
        bytes.extend(b"N.");
        let pickle = read(&bytes).unwrap();
        let Item::Text(text) = &pickle.items[0] else { panic!("{:?}", pickle.items[0]) };
        assert_eq!(Rc::strong_count(text), 10_001);
    }

    #[test]
    fn cut_off_and_impossible_data_are_refused() {
        for bytes in [&b"\x80\x02"[..], b"X\xff\xff\xff\x7fab.", b"a.", b"t.", b"R.", b"(K\x01d.", b"h\x00."] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }
}

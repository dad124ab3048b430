//! The machine that a pickle is a program for: its stack, its marks, and what it builds.

use std::rc::Rc;

use super::memo::Memo;
use super::{Id, Item, Object};

/// Longest name of a module or class.
const LONGEST_NAME: usize = 256;
/// A value is kept under one number; so many times more numbers than values are no pickle that a program writes.
const MOST_KEPT_TIMES: usize = 2;

/// The bytes that are left to read, and what was built of those before.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) items: Vec<Item>,
    pub(super) stack: Vec<Id>,
    pub(super) marks: Vec<usize>,
    pub(super) memo: Memo,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, items: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: Memo::default() }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or("the pickled data is cut off")?;
        let part = &self.bytes[self.at..end];
        self.at = end;
        Ok(part)
    }

    /// So many bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "the pickled data is cut off".into())
    }

    pub(super) fn byte(&mut self) -> Result<u8, String> {
        self.array().map(|[byte]| byte)
    }

    /// An unsigned number of so many bytes, lowest first.
    pub(super) fn number(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    pub(super) fn sized(&mut self, bytes: usize) -> Result<&'a [u8], String> {
        let count = usize::try_from(self.number(bytes)?).map_err(|_| "a length is too large")?;
        self.take(count)
    }

    pub(super) fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&b| b == b'\n').ok_or("the pickled data is cut off")?;
        self.at += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }

    /// A class or function; names are short.
    pub(super) fn global(&mut self, module: Rc<str>, name: Rc<str>) -> Result<(), String> {
        if module.len() > LONGEST_NAME || name.len() > LONGEST_NAME {
            return Err("the name of a class is too long".into());
        }
        self.push(Item::Global(module, name));
        Ok(())
    }

    pub(super) fn push(&mut self, item: Item) {
        self.items.push(item);
        self.stack.push(self.items.len() - 1);
    }

    pub(super) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn pop(&mut self) -> Result<Id, String> {
        if self.stack.len() <= self.floor() {
            return Err("the pickled data takes what it never gave".into());
        }
        self.stack.pop().ok_or_else(|| "the pickled data takes what it never gave".into())
    }

    pub(super) fn top(&self) -> Result<Id, String> {
        if self.stack.len() <= self.floor() {
            return Err("the pickled data takes what it never gave".into());
        }
        self.stack.last().copied().ok_or_else(|| "the pickled data takes what it never gave".into())
    }

    /// Everything above the last mark.
    pub(super) fn above_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing in the pickled data")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    pub(super) fn pairs(all: &[Id]) -> Result<Vec<(Id, Id)>, String> {
        if !all.len().is_multiple_of(2) {
            return Err("a key without a value in the pickled data".into());
        }
        Ok(all.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    pub(super) fn set(&mut self, pairs: Vec<(Id, Id)>) -> Result<(), String> {
        let target = self.top()?;
        match &mut self.items[target] {
            Item::Dict(entries) => entries.extend(pairs),
            Item::Object(object) => object.entries.extend(pairs),
            _ => return Err("keys and values for something that is no dictionary".into()),
        }
        Ok(())
    }

    pub(super) fn append(&mut self, more: Vec<Id>) -> Result<(), String> {
        let target = self.top()?;
        match &mut self.items[target] {
            Item::List(list) => list.extend(more),
            // Lists of other classes are not looked into.
            Item::Object(_) => {}
            _ => return Err("entries for something that is no list".into()),
        }
        Ok(())
    }

    pub(super) fn object(&mut self, callable: Id, arguments: Id) {
        self.push(Item::Object(Object { callable, arguments, state: None, entries: Vec::new() }));
    }

    pub(super) fn recall(&mut self, key: u64) -> Result<(), String> {
        let id = self.memo.get(key).ok_or("the pickled data refers to what was never kept")?;
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn keep(&mut self, key: u64) -> Result<(), String> {
        let id = self.top()?;
        self.memo.keep(key, id);
        if self.memo.len() > MOST_KEPT_TIMES * self.items.len() {
            return Err("the pickled data keeps more values than it has".into());
        }
        Ok(())
    }

    pub(super) fn long(&mut self, bytes: &[u8]) {
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        if bytes.len() > 8 {
            self.push(Item::Large(bytes.to_vec()));
            return;
        }
        let start = if negative { -1i64 } else { 0 };
        self.push(Item::Int(bytes.iter().rev().fold(start, |n, &b| n << 8 | i64::from(b))));
    }
}

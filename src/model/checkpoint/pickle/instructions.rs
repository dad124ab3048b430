//! What each instruction of a pickle does.

use super::machine::Machine;
use super::{Item, ops};

impl Machine<'_> {
    /// Carries out an instruction.
    pub(super) fn step(&mut self, code: u8) -> Result<(), String> {
        let is_known = self.arrange(code)?
            || self.give_number(code)?
            || self.give_text(code)?
            || self.collect(code)?
            || self.remember(code)?
            || self.name_or_call(code)?;
        if is_known {
            Ok(())
        } else {
            Err(format!("the pickled data uses the instruction {code:#04x}, which no weights need"))
        }
    }

    /// Instructions about the stack itself; whether `code` is one.
    fn arrange(&mut self, code: u8) -> Result<bool, String> {
        match code {
            ops::PROTO => drop(self.byte()?),
            ops::FRAME => drop(self.take(8)?),
            ops::MARK => self.marks.push(self.stack.len()),
            ops::POP => {
                if self.stack.len() > self.floor() {
                    self.stack.pop();
                } else {
                    self.marks.pop().ok_or("a mark is missing in the pickled data")?;
                }
            }
            ops::POP_MARK => drop(self.above_mark()?),
            ops::DUP => {
                let id = self.top()?;
                self.stack.push(id);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions that give a number, a truth value or nothing; whether `code` is one.
    fn give_number(&mut self, code: u8) -> Result<bool, String> {
        match code {
            ops::NONE => self.push(Item::None),
            ops::NEWTRUE => self.push(Item::Bool(true)),
            ops::NEWFALSE => self.push(Item::Bool(false)),
            ops::BININT => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Item::Int(value.into()));
            }
            ops::BININT1 => {
                let value = self.byte()?;
                self.push(Item::Int(value.into()));
            }
            ops::BININT2 => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Item::Int(value.into()));
            }
            ops::LONG1 => {
                let bytes = self.sized(1)?;
                self.long(bytes);
            }
            ops::LONG4 => {
                let bytes = self.sized(4)?;
                self.long(bytes);
            }
            ops::INT | ops::LONG => {
                let line = self.line()?;
                let item = match (code, line.as_str()) {
                    (ops::INT, "01") => Item::Bool(true),
                    (ops::INT, "00") => Item::Bool(false),
                    (_, digits) => {
                        Item::Int(digits.trim_end_matches('L').parse().map_err(|_| format!("{line:?} is no integer"))?)
                    }
                };
                self.push(item);
            }
            ops::FLOAT => {
                let line = self.line()?;
                let value = line.parse().map_err(|_| format!("{line:?} is no number"))?;
                self.push(Item::Float(value));
            }
            ops::BINFLOAT => {
                let value = f64::from_be_bytes(self.array()?);
                self.push(Item::Float(value));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions that give a text or bytes; whether `code` is one.
    fn give_text(&mut self, code: u8) -> Result<bool, String> {
        let text = |bytes: &[u8]| Item::Text(String::from_utf8_lossy(bytes).into());
        let item = match code {
            ops::STRING | ops::UNICODE => {
                let line = self.line()?;
                let line = if code == ops::STRING { line.trim_matches(['\'', '"']) } else { &line };
                Item::Text(line.into())
            }
            ops::BINSTRING | ops::BINUNICODE => text(self.sized(4)?),
            ops::SHORT_BINSTRING | ops::SHORT_BINUNICODE => text(self.sized(1)?),
            ops::BINUNICODE8 => text(self.sized(8)?),
            ops::BINBYTES => Item::Bytes(self.sized(4)?.to_vec()),
            ops::SHORT_BINBYTES => Item::Bytes(self.sized(1)?.to_vec()),
            ops::BINBYTES8 | ops::BYTEARRAY8 => Item::Bytes(self.sized(8)?.to_vec()),
            _ => return Ok(false),
        };
        self.push(item);
        Ok(true)
    }

    /// Instructions that make or fill a list or a dictionary; whether `code` is one.
    fn collect(&mut self, code: u8) -> Result<bool, String> {
        match code {
            ops::EMPTY_LIST | ops::EMPTY_TUPLE | ops::EMPTY_SET => self.push(Item::List(Vec::new())),
            ops::LIST | ops::TUPLE | ops::FROZENSET => {
                let all = self.above_mark()?;
                self.push(Item::List(all));
            }
            ops::TUPLE1 | ops::TUPLE2 | ops::TUPLE3 => {
                let mut all = Vec::new();
                for _ in ops::TUPLE1..=code {
                    all.push(self.pop()?);
                }
                all.reverse();
                self.push(Item::List(all));
            }
            ops::EMPTY_DICT => self.push(Item::Dict(Vec::new())),
            ops::DICT => {
                let pairs = Self::pairs(&self.above_mark()?)?;
                self.push(Item::Dict(pairs));
            }
            ops::APPEND => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            ops::APPENDS | ops::ADDITEMS => {
                let more = self.above_mark()?;
                self.append(more)?;
            }
            ops::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(vec![(key, value)])?;
            }
            ops::SETITEMS => {
                let pairs = Self::pairs(&self.above_mark()?)?;
                self.set(pairs)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions that keep a value under a number or give it back; whether `code` is one.
    fn remember(&mut self, code: u8) -> Result<bool, String> {
        match code {
            ops::GET => {
                let key = self.line()?;
                self.recall(key.parse().map_err(|_| format!("{key:?} is no index"))?)?;
            }
            ops::BINGET => {
                let key = self.number(1)?;
                self.recall(key)?;
            }
            ops::LONG_BINGET => {
                let key = self.number(4)?;
                self.recall(key)?;
            }
            ops::PUT => {
                let key = self.line()?;
                self.keep(key.parse().map_err(|_| format!("{key:?} is no index"))?)?;
            }
            ops::BINPUT => {
                let key = self.number(1)?;
                self.keep(key)?;
            }
            ops::LONG_BINPUT => {
                let key = self.number(4)?;
                self.keep(key)?;
            }
            ops::MEMOIZE => self.keep(self.memo.len() as u64)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Instructions that name a class, and those that would call something; whether `code` is one.
    fn name_or_call(&mut self, code: u8) -> Result<bool, String> {
        match code {
            ops::GLOBAL => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module.into(), name.into())?;
            }
            ops::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Item::Text(module), Item::Text(name)) = (&self.items[module], &self.items[name]) else {
                    return Err("a class without a name in the pickled data".into());
                };
                let (module, name) = (module.clone(), name.clone());
                self.global(module, name)?;
            }
            ops::REDUCE | ops::NEWOBJ => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.object(callable, arguments);
            }
            ops::NEWOBJ_EX => {
                let (_, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.object(callable, arguments);
            }
            ops::BUILD => {
                let state = self.pop()?;
                let target = self.top()?;
                if let Item::Object(object) = &mut self.items[target] {
                    object.state = Some(state);
                }
            }
            ops::BINPERSID => {
                let reference = self.pop()?;
                self.push(Item::Persistent(reference));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

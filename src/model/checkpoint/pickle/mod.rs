//! Python pickles as data: a stack machine that builds values and calls nothing.

mod instructions;
mod items;
mod machine;
mod memo;
mod ops;

use machine::Machine;

pub use items::{Id, Item, Object};

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

/// Most values of a pickle; those of weights have some thousands.
const MOST_ITEMS: usize = 1_000_000;
/// Most open marks; lists are nested some dozens deep.
const MOST_MARKS: usize = 100_000;

/// Reads one pickle from the start of `bytes`.
///
/// # Errors
/// When it is cut off, malformed, or uses an instruction that no weights need.
pub fn read(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine::new(bytes);
    loop {
        let code = machine.byte()?;
        if code == ops::STOP {
            let root = machine.pop()?;
            return Ok(Pickle { items: machine.items, root, length: machine.at });
        }
        machine.step(code)?;
        if machine.items.len() > MOST_ITEMS || machine.stack.len() > MOST_ITEMS || machine.marks.len() > MOST_MARKS {
            return Err("the pickled data has more values than weights have".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

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

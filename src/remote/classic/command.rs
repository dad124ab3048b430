//! Commands of DIMSE messages (PS3.7): a group of elements in the implicit little-endian syntax.

use std::collections::BTreeMap;

use super::super::names::Uid;

/// Elements of commands, of group 0000 (PS3.7, annex E).
mod element {
    pub const GROUP_LENGTH: u16 = 0x0000;
    pub const AFFECTED_CLASS: u16 = 0x0002;
    pub const FIELD: u16 = 0x0100;
    pub const MESSAGE_ID: u16 = 0x0110;
    pub const RESPONDED_TO: u16 = 0x0120;
    pub const MOVE_DESTINATION: u16 = 0x0600;
    pub const PRIORITY: u16 = 0x0700;
    pub const DATA_SET_TYPE: u16 = 0x0800;
    pub const STATUS: u16 = 0x0900;
    pub const COMMENT: u16 = 0x0902;
    pub const AFFECTED_INSTANCE: u16 = 0x1000;
    pub const REMAINING: u16 = 0x1020;
    pub const COMPLETED: u16 = 0x1021;
    pub const FAILED: u16 = 0x1022;
    pub const WARNING: u16 = 0x1023;
}

/// What a command is (PS3.7, E.1-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Field {
    StoreRequest = 0x0001,
    StoreResponse = 0x8001,
    GetRequest = 0x0010,
    GetResponse = 0x8010,
    FindRequest = 0x0020,
    FindResponse = 0x8020,
    MoveRequest = 0x0021,
    MoveResponse = 0x8021,
    EchoRequest = 0x0030,
    EchoResponse = 0x8030,
    CancelRequest = 0x0FFF,
}

impl Field {
    const ALL: [Self; 11] = [
        Self::StoreRequest,
        Self::StoreResponse,
        Self::GetRequest,
        Self::GetResponse,
        Self::FindRequest,
        Self::FindResponse,
        Self::MoveRequest,
        Self::MoveResponse,
        Self::EchoRequest,
        Self::EchoResponse,
        Self::CancelRequest,
    ];

    fn code(self) -> u16 {
        self as u16
    }
}

/// Command Data Set Type of a message without a data set.
const NO_DATA_SET: u16 = 0x0101;
/// Most bytes of a command; real ones have a few hundred.
pub const MOST_BYTES: usize = 1 << 16;

/// A command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command(BTreeMap<u16, Vec<u8>>);

/// Sub-operations of C-GET and C-MOVE, as a response counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Instances to come.
    pub remaining: u16,
    /// Instances that went.
    pub completed: u16,
    /// Instances that did not.
    pub failed: u16,
    /// Instances that went with a warning.
    pub warning: u16,
}

impl Command {
    /// A request.
    pub fn request(field: Field, message: u16, class: &str, has_data_set: bool) -> Self {
        let mut command = Self::default();
        command.put_number(element::FIELD, field.code());
        command.put_number(element::MESSAGE_ID, message);
        command.put_text(element::AFFECTED_CLASS, class, 0);
        command.put_number(element::DATA_SET_TYPE, if has_data_set { 1 } else { NO_DATA_SET });
        if field != Field::EchoRequest {
            command.put_number(element::PRIORITY, 0);
        }
        command
    }

    /// The answer to a request, without a data set.
    pub fn response(&self, field: Field, status: u16) -> Self {
        let mut command = Self::default();
        command.put_number(element::FIELD, field.code());
        command.put_number(element::RESPONDED_TO, self.message_id());
        command.put_number(element::DATA_SET_TYPE, NO_DATA_SET);
        command.put_number(element::STATUS, status);
        for copied in [element::AFFECTED_CLASS, element::AFFECTED_INSTANCE] {
            if let Some(value) = self.0.get(&copied) {
                command.0.insert(copied, value.clone());
            }
        }
        command
    }

    /// Asks to cancel a request.
    pub fn cancel(message: u16) -> Self {
        let mut command = Self::default();
        command.put_number(element::FIELD, Field::CancelRequest.code());
        command.put_number(element::RESPONDED_TO, message);
        command.put_number(element::DATA_SET_TYPE, NO_DATA_SET);
        command
    }

    /// The same, of an instance.
    #[must_use]
    pub fn of_instance(mut self, instance: &str) -> Self {
        self.put_text(element::AFFECTED_INSTANCE, instance, 0);
        self
    }

    /// The same, to an application entity.
    #[must_use]
    pub fn to(mut self, title: &str) -> Self {
        self.put_text(element::MOVE_DESTINATION, title, b' ');
        self
    }

    /// The same, with a comment in ASCII, cut where it is too long.
    #[must_use]
    pub fn saying(mut self, comment: &str) -> Self {
        let ascii: String = comment.chars().filter(|c| (' '..='~').contains(c) && *c != '\\').take(64).collect();
        self.put_text(element::COMMENT, &ascii, b' ');
        self
    }

    /// The same, with a data set to follow.
    #[cfg(test)]
    pub fn with_data_set(mut self) -> Self {
        self.put_number(element::DATA_SET_TYPE, 1);
        self
    }

    /// The same, counting instances that were not sent.
    #[cfg(test)]
    pub fn counting(mut self, failed: u16) -> Self {
        self.put_number(element::FAILED, failed);
        self
    }

    /// What it is; `None` for what is not known here.
    pub fn field(&self) -> Option<Field> {
        let code = self.number(element::FIELD)?;
        Field::ALL.into_iter().find(|field| field.code() == code)
    }

    /// Whether a data set follows.
    pub fn has_data_set(&self) -> bool {
        self.number(element::DATA_SET_TYPE) != Some(NO_DATA_SET)
    }

    /// Message ID, 0 where there is none.
    pub fn message_id(&self) -> u16 {
        self.number(element::MESSAGE_ID).unwrap_or(0)
    }

    /// Status, of a response.
    pub fn status(&self) -> Option<u16> {
        self.number(element::STATUS)
    }

    /// Error Comment, in one line and without what a terminal would obey.
    pub fn comment(&self) -> String {
        self.text(element::COMMENT).chars().filter(|c| !c.is_control()).take(120).collect()
    }

    /// Affected SOP Class UID.
    pub fn class(&self) -> String {
        self.text(element::AFFECTED_CLASS)
    }

    /// Affected SOP Instance UID.
    pub fn instance(&self) -> Option<Uid> {
        Uid::new(&self.text(element::AFFECTED_INSTANCE)).ok()
    }

    /// Counts of sub-operations; zeros where they are not said.
    pub fn counts(&self) -> Counts {
        let count = |element| self.number(element).unwrap_or(0);
        Counts {
            remaining: count(element::REMAINING),
            completed: count(element::COMPLETED),
            failed: count(element::FAILED),
            warning: count(element::WARNING),
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (&element, value) in &self.0 {
            append(&mut body, element, value);
        }
        let mut bytes = Vec::with_capacity(body.len() + 12);
        append(&mut bytes, element::GROUP_LENGTH, &u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    /// A command from its bytes.
    ///
    /// # Errors
    /// A sentence for bytes that are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let mut command = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (head, after) = rest.split_first_chunk::<8>().ok_or("the command ends inside an element")?;
            let [g0, g1, e0, e1, l0, l1, l2, l3] = *head;
            let (group, element) = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
            if group != 0 {
                return Err(format!("the command has an element ({group:04X},{element:04X})"));
            }
            let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
            let value = after
                .get(..length)
                .ok_or_else(|| format!("element (0000,{element:04X}) of the command claims {length} bytes"))?;
            rest = after.get(length..).unwrap_or_default();
            if element != element::GROUP_LENGTH {
                command.0.insert(element, value.to_vec());
            }
        }
        if command.number(element::FIELD).is_none() {
            return Err("the command does not say what it is".into());
        }
        Ok(command)
    }

    fn put_number(&mut self, element: u16, value: u16) {
        self.0.insert(element, value.to_le_bytes().to_vec());
    }

    fn put_text(&mut self, element: u16, text: &str, padding: u8) {
        let mut value = text.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(padding);
        }
        self.0.insert(element, value);
    }

    fn number(&self, element: u16) -> Option<u16> {
        Some(u16::from_le_bytes(*self.0.get(&element)?.first_chunk::<2>()?))
    }

    fn text(&self, element: u16) -> String {
        let bytes = self.0.get(&element).map(Vec::as_slice).unwrap_or_default();
        String::from_utf8_lossy(bytes).trim_matches(['\0', ' ']).to_string()
    }
}

fn append(bytes: &mut Vec<u8>, element: u16, value: &[u8]) {
    bytes.extend([0, 0]);
    bytes.extend(element.to_le_bytes());
    bytes.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_command_is_laid_out_as_the_standard_says() {
        let echo = Command::request(Field::EchoRequest, 7, "1.2.840.10008.1.1", false);
        // PS3.7, 9.3.5.1: group length, class, field, message ID, no data set.
        let expected: Vec<u8> = [
            &[0, 0, 0, 0, 4, 0, 0, 0, 56, 0, 0, 0][..],
            &[0, 0, 2, 0, 18, 0, 0, 0],
            b"1.2.840.10008.1.1\0",
            &[0, 0, 0, 1, 2, 0, 0, 0, 0x30, 0],
            &[0, 0, 0x10, 1, 2, 0, 0, 0, 7, 0],
            &[0, 0, 0, 8, 2, 0, 0, 0, 1, 1],
        ]
        .concat();
        assert_eq!(echo.encode(), expected);
        assert_eq!(Command::decode(&expected).unwrap(), echo);
        assert!(!echo.has_data_set() && echo.message_id() == 7);
        let store = Command::request(Field::StoreRequest, 1, "1.2.3", true).of_instance("1.2.3.4");
        let answer = store.response(Field::StoreResponse, 0xA700).saying("no\u{e4} room");
        assert_eq!((answer.status(), answer.comment().as_str()), (Some(0xA700), "no room"));
        assert_eq!(answer.instance().unwrap().as_str(), "1.2.3.4");
        assert_eq!(answer.field(), Some(Field::StoreResponse));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_command_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..60) {
            let _ = Command::decode(&bytes);
            let whole = Command::request(Field::MoveRequest, 3, "1.2.3", true).to("STORE").encode();
            let cut = cut.min(whole.len() - 1);
            if let Ok(command) = Command::decode(&whole[..cut]) {
                prop_assert!(command.field().is_some());
            }
        }
    }
}

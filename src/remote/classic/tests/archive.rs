//! A small archive that is served by `dicom-ul`, and what it can do wrong.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dicom_ul::association::ServerAssociation;
use dicom_ul::association::server::{Negotiation, ServerAssociationOptions};
use dicom_ul::pdu::{PDataValue, PDataValueType, Pdu, RequestorRoles};

use super::super::command::{Command, Field};
use super::super::identifier::{Identifier, element};
use crate::remote::inbox::tests::object;

pub const STUDY: &str = "1.2.1";
pub const SERIES: &str = "1.2.3";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Bytes of a made file before its data set.
const HEAD: usize = 160;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    /// The connection is cut inside this instance, the first of a conversation being 0; only in the first conversation that sends.
    Cut(usize),
    /// This instance holds another one than is announced.
    Other(usize),
    /// This instance is no data set.
    Noise(usize),
    /// This instance is not sent, and counted as failed.
    Failed(usize),
    /// The second file that is sent to it is refused.
    Full,
    /// The connection is cut after the first file that is sent to it.
    Leaves,
    /// It takes nothing but Implicit VR Little Endian, and files only that are in it.
    Old,
    /// Answers to searches have a status of failure.
    Confused,
}

pub struct Archive {
    pub port: u16,
    /// Conversations that sent instances.
    pub sendings: Arc<AtomicUsize>,
}

struct BothRoles;

impl Negotiation for BothRoles {
    fn negotiate_roles(&self, _: &str, scu: bool, scp: bool) -> Option<RequestorRoles> {
        Some(RequestorRoles { scu, scp })
    }
}

/// The SOP Instance UIDs of an archive.
pub fn instances(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("1.2.3.{n:02}")).collect()
}

impl Archive {
    /// Serves one conversation after the other until the test ends.
    pub fn start(count: usize, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, sendings) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&sendings);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut options =
                    ServerAssociationOptions::new().accept_any().promiscuous(true).with_negotiation(BothRoles);
                if fault == Fault::Old {
                    options = options.with_transfer_syntax("1.2.840.10008.1.2");
                }
                if let Ok(association) = options.establish(stream) {
                    // A conversation that breaks is what is tested.
                    let _ = Conversation { association, count, fault, sendings: &counted, stored: 0 }.hold();
                }
            }
        });
        Self { port, sendings }
    }
}

struct Conversation<'a> {
    association: ServerAssociation<TcpStream>,
    count: usize,
    fault: Fault,
    sendings: &'a AtomicUsize,
    stored: usize,
}

impl Conversation<'_> {
    fn hold(mut self) -> Option<()> {
        loop {
            let (context, command) = self.message(&PDataValueType::Command)?;
            let command = Command::decode(&command).unwrap();
            let data = if command.has_data_set() { self.message(&PDataValueType::Data)?.1 } else { Vec::new() };
            match command.field()? {
                Field::EchoRequest => self.say(context, &command.response(Field::EchoResponse, 0)),
                Field::FindRequest => self.find(context, &command, data),
                Field::GetRequest => self.get(context, &command, data)?,
                Field::StoreRequest => {
                    // The first element is a UID of 26 bytes: four of them say so, or two behind a representation.
                    let is_implicit = data.get(4..8).is_some_and(|length| length == [26, 0, 0, 0]);
                    self.store(context, &command, self.fault != Fault::Old || is_implicit)?;
                }
                _ => return None,
            }
        }
    }

    /// A command or data set, and its context; `None` at the end.
    fn message(&mut self, kind: &PDataValueType) -> Option<(u8, Vec<u8>)> {
        let mut bytes = Vec::new();
        loop {
            match self.association.receive().ok()? {
                Pdu::PData { data } => {
                    for value in data {
                        assert_eq!(value.value_type, *kind);
                        bytes.extend(value.data);
                        if value.is_last {
                            return Some((value.presentation_context_id, bytes));
                        }
                    }
                }
                Pdu::ReleaseRQ => {
                    self.association.send(&Pdu::ReleaseRP).ok()?;
                    return None;
                }
                _ => return None,
            }
        }
    }

    fn part(&mut self, context: u8, value_type: PDataValueType, data: Vec<u8>, is_last: bool) {
        let value = PDataValue { presentation_context_id: context, value_type, is_last, data };
        // The other side may be gone, which is what is tested.
        drop(self.association.send(&Pdu::PData { data: vec![value] }));
    }

    fn say(&mut self, context: u8, command: &Command) {
        self.part(context, PDataValueType::Command, command.encode(), true);
    }

    fn syntax(&self, context: u8) -> String {
        let mut contexts = self.association.presentation_contexts().iter();
        contexts.find(|agreed| agreed.id == context).unwrap().transfer_syntax.clone()
    }

    fn find(&mut self, context: u8, request: &Command, data: Vec<u8>) {
        if self.fault == Fault::Confused {
            self.say(context, &request.response(Field::FindResponse, 0xC001).saying("no idea"));
            return;
        }
        let syntax = self.syntax(context);
        let level = Identifier::decode(data, &syntax, &[element::LEVEL]).unwrap();
        let answers = match level.text(element::LEVEL) {
            "STUDY" => vec![Identifier::default().with(element::STUDY, STUDY).with(element::PATIENT_NAME, "Doe^J")],
            "SERIES" => vec![Identifier::default().with(element::SERIES, SERIES).with(element::MODALITY, "CT")],
            _ => {
                let all = instances(self.count).into_iter();
                all.map(|uid| Identifier::default().with(element::INSTANCE, &uid).with(element::CLASS, CT)).collect()
            }
        };
        for answer in answers {
            self.say(context, &request.response(Field::FindResponse, 0xFF00).with_data_set());
            self.part(context, PDataValueType::Data, answer.encode(&syntax), true);
        }
        self.say(context, &request.response(Field::FindResponse, 0));
    }

    fn get(&mut self, context: u8, request: &Command, data: Vec<u8>) -> Option<()> {
        let question = Identifier::decode(data, &self.syntax(context), &[element::INSTANCE]).unwrap();
        let only = question.text(element::INSTANCE).to_string();
        let is_first = self.sendings.fetch_add(1, Ordering::SeqCst) == 0;
        let contexts = self.association.presentation_contexts().iter();
        let store = contexts.filter(|agreed| agreed.abstract_syntax == CT).map(|agreed| agreed.id).next()?;
        let mut failed = 0;
        for (n, uid) in instances(self.count).into_iter().enumerate() {
            if !only.is_empty() && only != uid {
                continue;
            }
            if self.fault == Fault::Failed(n) {
                failed += 1;
                continue;
            }
            let file = match self.fault {
                Fault::Other(other) if other == n => object(SERIES, "9.9.9", 4000),
                Fault::Noise(noise) if noise == n => vec![0xAB; HEAD + 4000],
                _ => object(SERIES, &uid, 4000),
            };
            let (first, rest) = file[HEAD..].split_at(1000);
            self.say(store, &Command::request(Field::StoreRequest, 1, CT, true).of_instance(&uid));
            self.part(store, PDataValueType::Data, first.to_vec(), false);
            if self.fault == Fault::Cut(n) && is_first {
                return None;
            }
            self.part(store, PDataValueType::Data, rest.to_vec(), true);
            self.message(&PDataValueType::Command)?;
        }
        let status = if failed > 0 { 0xB000 } else { 0 };
        self.say(context, &request.response(Field::GetResponse, status).counting(failed));
        Some(())
    }

    fn store(&mut self, context: u8, request: &Command, is_good: bool) -> Option<()> {
        self.stored += 1;
        let is_full = self.fault == Fault::Full && self.stored == 2;
        let status = if is_full || !is_good { 0xA700 } else { 0 };
        if self.fault == Fault::Leaves && self.stored == 2 {
            return None;
        }
        self.say(context, &request.response(Field::StoreResponse, status));
        Some(())
    }
}

//! An association that we ask for or accept (PS3.8): what both sides agreed on, and the messages that go over it.

use std::collections::{BTreeSet, VecDeque};
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use dicom_ul::pdu::{
    AbortRQSource, AssociationAC, AssociationRJ, AssociationRJResult, AssociationRJServiceProviderPresentationReason,
    AssociationRJServiceUserReason, AssociationRJSource, AssociationRQ, PDataValue, PDataValueType, Pdu,
    PresentationContextProposed, PresentationContextResult, PresentationContextResultReason, RequestorRoles,
    UserVariableItem, read_pdu, write_pdu,
};

use super::super::error::{RemoteError, Result};
use super::super::names::AeTitle;
use super::agreement::{
    MOST_DATA, about_us, answer_to, called_is_unknown, caller_of, ended, printable, title_of, with_layouts,
};
use super::command::{self, Command};
use super::wire::{Wire, WireEnd};
use crate::work::Watch;

/// Most presentation contexts of one association: their numbers are odd and fit a byte.
pub const MOST_CONTEXTS: usize = 128;
/// Most bytes of a data set that are taken.
pub const MOST_DATA_SET: u64 = 16 << 30;
/// Most bytes of any unit; a request for 128 contexts has less than 100,000.
const MOST_BYTES: u32 = 1 << 19;
/// How long the answer to our farewell is waited for.
const LAST_WORD: Duration = Duration::from_secs(2);
/// Bytes of a unit before its content.
const HEAD: usize = 6;
/// Bytes before the data in a unit of data: length, context, control.
const DATA_HEAD: u32 = 6;
/// The one application context of DICOM (PS3.7, annex A).
const APPLICATION: &str = "1.2.840.10008.3.1.1.1";

/// A kind of object or service and the layouts that we propose for it.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Abstract syntax.
    pub class: String,
    /// Transfer syntaxes, the best first.
    pub syntaxes: Vec<String>,
    /// Whether the other side is to send us such objects (SCP/SCU role selection, PS3.7 D.3.3.4).
    pub we_receive: bool,
}

impl Proposal {
    /// A service that we ask for.
    pub fn of(class: &str, syntaxes: &[&str]) -> Self {
        Self {
            class: class.into(),
            syntaxes: syntaxes.iter().map(|&syntax| syntax.into()).collect(),
            we_receive: false,
        }
    }
}

/// What both sides agreed on for one kind of object or service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Its number.
    pub id: u8,
    /// Abstract syntax.
    pub class: String,
    /// Transfer syntax.
    pub syntax: String,
}

/// An open association. Dropped without [`Association::release`] it is aborted.
pub struct Association {
    wire: Wire,
    /// For messages: who is on the other side.
    server: String,
    /// What is being done, for messages.
    during: &'static str,
    /// What was agreed on.
    pub contexts: Vec<Context>,
    /// The other side's program, as far as it says so.
    pub program: String,
    /// Calling AE title.
    pub calling: String,
    most_data: usize,
    /// Values of the last unit that nobody has taken yet.
    waiting: VecDeque<PDataValue>,
    last_message: u16,
    is_open: bool,
}

/// What comes next over an association.
pub enum Next {
    /// A message begins, in this context.
    Command(u8, Command),
    /// The other side is done.
    Released,
}

impl Association {
    /// Asks for an association. Contexts that the server does not accept are left out.
    ///
    /// # Errors
    /// When it is rejected, or the server does not speak DICOM.
    pub fn request(
        wire: Wire,
        server: String,
        during: &'static str,
        [called, calling]: [&AeTitle; 2],
        proposals: &[Proposal],
        watch: Watch,
    ) -> Result<Self> {
        let mut this = Self::new(wire, server, during);
        this.calling = calling.to_string();
        let ids = (1..=u8::MAX).step_by(2);
        let proposed: Vec<PresentationContextProposed> = proposals
            .iter()
            .zip(ids)
            .map(|(proposal, id)| PresentationContextProposed {
                id,
                abstract_syntax: proposal.class.clone(),
                transfer_syntaxes: proposal.syntaxes.clone(),
            })
            .collect();
        let received: BTreeSet<&str> =
            proposals.iter().filter(|proposal| proposal.we_receive).map(|proposal| proposal.class.as_str()).collect();
        let mut user_variables = about_us();
        user_variables.extend(received.iter().map(|&class| {
            UserVariableItem::ScuScpRoleSelectionSubItem(class.into(), RequestorRoles { scu: false, scp: true })
        }));
        this.write(
            &Pdu::AssociationRQ(AssociationRQ {
                protocol_version: 1,
                calling_ae_title: calling.to_string(),
                called_ae_title: called.to_string(),
                application_context_name: APPLICATION.into(),
                presentation_contexts: proposed.clone(),
                user_variables,
            }),
            watch,
        )?;
        match this.read(watch)? {
            Pdu::AssociationAC(accepted) => {
                this.is_open = true;
                this.agree(&accepted, &proposed, &received);
                Ok(this)
            }
            Pdu::AssociationRJ(rejected) => Err(this.rejected(&rejected, [called, calling])),
            other => Err(this.unexpected(&other)),
        }
    }

    /// Waits for a request and answers it: `accept` is given the called and the calling title and says whether we are meant;
    /// `choose` picks a layout for each kind of object or service.
    ///
    /// # Errors
    /// When the other side does not speak DICOM, or is rejected.
    pub fn accept(
        stream: TcpStream,
        silence: Duration,
        is_for_us: impl FnOnce(&str) -> bool,
        choose: impl Fn(&str, &[String]) -> Option<String>,
        watch: Watch,
    ) -> Result<Self> {
        let peer = caller_of(&stream);
        let wire = Wire::over(stream, silence).map_err(|e| RemoteError::Broken {
            server: peer.clone(),
            during: "accepting a connection",
            why: e.to_string(),
        })?;
        let mut this = Self::new(wire, peer, "accepting a connection");
        let request = match this.read(watch)? {
            Pdu::AssociationRQ(request) => request,
            other => return Err(this.unexpected(&other)),
        };
        this.calling = title_of(&request.calling_ae_title);
        this.server = format!("{} at {}", printable(&this.calling), this.server);
        if !is_for_us(&title_of(&request.called_ae_title)) {
            this.write(&called_is_unknown(), watch)?;
            this.wire.close();
            return Err(RemoteError::Rejected {
                server: this.server.clone(),
                why: format!("it called {}, which is not our title", printable(&request.called_ae_title)),
            });
        }
        let results: Vec<PresentationContextResult> =
            request.presentation_contexts.iter().map(|proposed| answer_to(proposed, &choose)).collect();
        let agreed = request.presentation_contexts.iter().zip(&results);
        this.contexts = agreed
            .filter(|(_, result)| result.reason == PresentationContextResultReason::Acceptance)
            .map(|(proposed, result)| Context {
                id: result.id,
                class: proposed.abstract_syntax.clone(),
                syntax: result.transfer_syntax.clone(),
            })
            .collect();
        this.take_user_variables(&request.user_variables);
        this.is_open = true;
        this.write(
            &Pdu::AssociationAC(AssociationAC {
                protocol_version: 1,
                calling_ae_title: request.calling_ae_title,
                called_ae_title: request.called_ae_title,
                application_context_name: request.application_context_name,
                presentation_contexts: results,
                user_variables: about_us(),
            }),
            watch,
        )?;
        Ok(this)
    }

    /// Turns a connection away because there are too many.
    pub fn turn_away(stream: TcpStream) {
        if let Ok(wire) = Wire::over(stream, Duration::from_secs(1)) {
            let mut this = Self::new(wire, String::new(), "turning a connection away");
            this.wire.end_within(Duration::from_secs(1));
            // Closed with its request unread, it would not hear the answer.
            drop(this.read(Watch::unwatched()));
            let congestion = AssociationRJ {
                result: AssociationRJResult::Transient,
                source: AssociationRJSource::ServiceProviderPresentation(
                    AssociationRJServiceProviderPresentationReason::LocalLimitExceeded,
                ),
            };
            let mut bytes = Vec::new();
            if write_pdu(&mut bytes, &Pdu::AssociationRJ(congestion)).is_ok() {
                // Whoever is turned away may be gone already.
                drop(this.wire.send(&bytes, Watch::unwatched()));
            }
        }
    }

    fn new(wire: Wire, server: String, during: &'static str) -> Self {
        Self {
            wire,
            server,
            during,
            contexts: Vec::new(),
            program: String::new(),
            calling: String::new(),
            most_data: 0,
            waiting: VecDeque::new(),
            last_message: 0,
            is_open: false,
        }
    }

    fn agree(&mut self, accepted: &AssociationAC, proposed: &[PresentationContextProposed], received: &BTreeSet<&str>) {
        self.take_user_variables(&accepted.user_variables);
        let sends_to_us = |class: &str| {
            accepted.user_variables.iter().any(|variable| {
                matches!(variable, UserVariableItem::ScuScpRoleSelectionSubItem(uid, roles) if uid == class && roles.scp)
            })
        };
        let results = accepted
            .presentation_contexts
            .iter()
            .filter(|result| result.reason == PresentationContextResultReason::Acceptance);
        for result in results {
            let Some(ours) = proposed.iter().find(|context| context.id == result.id) else { continue };
            let class = &ours.abstract_syntax;
            let is_offered = ours.transfer_syntaxes.contains(&result.transfer_syntax);
            if is_offered && (!received.contains(class.as_str()) || sends_to_us(class)) {
                let syntax = result.transfer_syntax.clone();
                self.contexts.push(Context { id: result.id, class: class.clone(), syntax });
            }
        }
    }

    fn take_user_variables(&mut self, variables: &[UserVariableItem]) {
        let mut most = 0;
        for variable in variables {
            match variable {
                UserVariableItem::MaxLength(length) => most = *length,
                UserVariableItem::ImplementationVersionName(name) => self.program = printable(name),
                _ => {}
            }
        }
        // 0 is no limit; less than a few bytes is none that could be kept.
        let most = if most == 0 { MOST_DATA } else { most.clamp(DATA_HEAD + 128, MOST_DATA) };
        // Fragments have even lengths (PS3.8, annex E).
        self.most_data = usize::try_from((most - DATA_HEAD) & !1).unwrap_or(0);
    }

    /// The context of a class.
    ///
    /// # Errors
    /// [`RemoteError::NotOffered`].
    pub fn context_of(&self, class: &str, service: &str) -> Result<Context> {
        let found = self.contexts.iter().find(|context| context.class == class).cloned();
        found.ok_or_else(|| RemoteError::NotOffered { server: self.server.clone(), what: service.into() })
    }

    /// A number for a new message.
    pub fn next_message(&mut self) -> u16 {
        self.last_message = self.last_message.checked_add(1).unwrap_or(1);
        self.last_message
    }

    /// Sends a command.
    ///
    /// # Errors
    /// When the connection ends.
    pub fn send_command(&mut self, context: u8, command: &Command, watch: Watch) -> Result<()> {
        self.send_part(context, PDataValueType::Command, command.encode(), true, watch)
    }

    /// Sends the data set of a message, in as many units as it needs. What `reader` cannot give is said by its error.
    ///
    /// # Errors
    /// When the connection ends; the outer result is the connection's, the inner one the reader's. After the latter the association is
    /// of no more use.
    pub fn send_data(
        &mut self,
        context: u8,
        reader: &mut dyn Read,
        watch: Watch,
    ) -> Result<std::result::Result<(), std::io::Error>> {
        let mut next = match chunk(reader, self.most_data) {
            Ok(next) => next,
            Err(error) => return Ok(Err(error)),
        };
        loop {
            let this = next;
            next = match chunk(reader, self.most_data) {
                Ok(next) => next,
                Err(error) => return Ok(Err(error)),
            };
            let is_last = next.is_empty();
            self.send_part(context, PDataValueType::Data, this, is_last, watch)?;
            if is_last {
                return Ok(Ok(()));
            }
        }
    }

    fn send_part(
        &mut self,
        presentation_context_id: u8,
        value_type: PDataValueType,
        data: Vec<u8>,
        is_last: bool,
        watch: Watch,
    ) -> Result<()> {
        let value = PDataValue { presentation_context_id, value_type, is_last, data };
        self.write(&Pdu::PData { data: vec![value] }, watch)
    }

    /// What comes next: a command, or the end.
    ///
    /// # Errors
    /// When the connection ends, or what comes makes no sense.
    pub fn next(&mut self, watch: Watch) -> Result<Next> {
        let mut bytes = Vec::new();
        let mut context = None;
        loop {
            let Some(value) = self.next_value(watch)? else {
                if context.is_some() {
                    return Err(self.nonsense("it ended the association inside a command"));
                }
                return Ok(Next::Released);
            };
            if value.value_type != PDataValueType::Command
                || context.is_some_and(|context| context != value.presentation_context_id)
            {
                return Err(self.nonsense("a data set where a command must be"));
            }
            context = Some(value.presentation_context_id);
            if bytes.len() + value.data.len() > command::MOST_BYTES {
                return Err(self.nonsense(&format!("a command of more than {} bytes", command::MOST_BYTES)));
            }
            bytes.extend(value.data);
            if value.is_last {
                let command = Command::decode(&bytes).map_err(|why| self.nonsense(&why))?;
                return Ok(Next::Command(value.presentation_context_id, command));
            }
        }
    }

    /// The next command of a conversation that is not over.
    ///
    /// # Errors
    /// As [`Self::next`], and when the other side ends it.
    pub fn next_command(&mut self, watch: Watch) -> Result<(u8, Command)> {
        match self.next(watch)? {
            Next::Command(context, command) => Ok((context, command)),
            Next::Released => Err(self.broken("it ended the association")),
        }
    }

    /// From now on the other side may say nothing for so long.
    pub fn wait_for(&mut self, silence: Duration) {
        self.wire.hurry(silence);
    }

    /// Hands the data set of a message on, part by part.
    ///
    /// # Errors
    /// When the connection ends, what comes makes no sense or has more than `most` bytes, or `take` fails.
    pub fn receive_data(
        &mut self,
        context: u8,
        most: u64,
        watch: Watch,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut count = 0;
        loop {
            let Some(value) = self.next_value(watch)? else {
                return Err(self.broken("it ended the association inside a data set"));
            };
            if value.value_type != PDataValueType::Data || value.presentation_context_id != context {
                return Err(self.nonsense("a command where a data set must be"));
            }
            count += value.data.len() as u64;
            if count > most {
                return Err(self.nonsense(&format!("a data set of more than {most} bytes")));
            }
            take(&value.data)?;
            if value.is_last {
                return Ok(());
            }
        }
    }

    /// The data set of a message, where it is short.
    ///
    /// # Errors
    /// As [`Self::receive_data`], and for one that is longer than `most` bytes.
    pub fn receive_short(&mut self, context: u8, most: usize, watch: Watch) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.receive_data(context, most as u64, watch, |part| {
            bytes.extend(part);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// The next value of data; `None` where the other side releases the association, which is answered.
    fn next_value(&mut self, watch: Watch) -> Result<Option<PDataValue>> {
        loop {
            if let Some(value) = self.waiting.pop_front() {
                return Ok(Some(value));
            }
            match self.read(watch)? {
                Pdu::PData { data } => self.waiting = data.into(),
                Pdu::ReleaseRQ => {
                    // Whoever releases may not wait for the answer.
                    drop(self.write(&Pdu::ReleaseRP, watch));
                    self.is_open = false;
                    self.wire.close();
                    return Ok(None);
                }
                other => return Err(self.unexpected(&other)),
            }
        }
    }

    /// Ends the association in order. Everything was answered, so that nothing is lost where this fails.
    pub fn release(mut self, watch: Watch) {
        self.wire.end_within(LAST_WORD);
        if self.write(&Pdu::ReleaseRQ, watch).is_ok() {
            drop(self.read(watch));
        }
        self.is_open = false;
        self.wire.close();
    }

    fn write(&mut self, pdu: &Pdu, watch: Watch) -> Result<()> {
        let mut bytes = Vec::new();
        write_pdu(&mut bytes, pdu).map_err(|e| self.nonsense(&format!("what we say cannot be said: {e}")))?;
        self.wire.send(&bytes, watch).map_err(|end| self.ended(end))
    }

    fn read(&mut self, watch: Watch) -> Result<Pdu> {
        let mut bytes = vec![0; HEAD];
        self.wire.receive(&mut bytes, watch).map_err(|end| self.ended(end))?;
        let length = bytes.get(2..).and_then(|rest| rest.first_chunk::<4>()).map_or(0, |raw| u32::from_be_bytes(*raw));
        let kind = bytes.first().copied().unwrap_or(0);
        if !(1..=7).contains(&kind) {
            return Err(self.nonsense("it does not speak DICOM; the port may belong to another service"));
        }
        if length > MOST_BYTES {
            return Err(self.nonsense(&format!("a unit of {length} bytes, more than was agreed on")));
        }
        bytes.resize(HEAD + usize::try_from(length).unwrap_or(0), 0);
        let rest = bytes.get_mut(HEAD..).unwrap_or_default();
        self.wire.receive(rest, watch).map_err(|end| self.ended(end))?;
        let bytes = with_layouts(bytes);
        match read_pdu(bytes.as_slice(), MOST_BYTES, true) {
            Ok(Some(pdu)) => Ok(pdu),
            Ok(None) => Err(self.nonsense("a unit that ends too early")),
            Err(error) => Err(self.nonsense(&error.to_string())),
        }
    }

    /// The error for what makes no sense.
    pub fn nonsense(&self, why: &str) -> RemoteError {
        RemoteError::Nonsense { server: self.server.clone(), during: self.during, why: why.into() }
    }

    /// The error for a connection that ended.
    pub fn broken(&self, why: &str) -> RemoteError {
        RemoteError::Broken { server: self.server.clone(), during: self.during, why: why.into() }
    }

    /// The error for a status.
    pub fn failed(&self, status: String) -> RemoteError {
        RemoteError::Failed { server: self.server.clone(), during: self.during, status }
    }

    fn ended(&self, end: WireEnd) -> RemoteError {
        ended(end, &self.server, self.during)
    }

    fn unexpected(&self, pdu: &Pdu) -> RemoteError {
        match pdu {
            Pdu::AbortRQ { source: AbortRQSource::ServiceProvider(reason) } => {
                self.broken(&format!("the other side aborted it ({reason})"))
            }
            Pdu::AbortRQ { .. } => {
                self.broken("the other side aborted it; it may not allow our AE title what was asked for")
            }
            _ => self.nonsense("a unit that does not belong here"),
        }
    }

    fn rejected(&self, rejected: &AssociationRJ, [called, calling]: [&AeTitle; 2]) -> RemoteError {
        use AssociationRJServiceUserReason::{CalledAETitleNotRecognized, CallingAETitleNotRecognized};
        let why = match &rejected.source {
            AssociationRJSource::ServiceUser(CalledAETitleNotRecognized) => {
                format!("the called AE title {called} is not its own; check the server's title, capitals matter")
            }
            AssociationRJSource::ServiceUser(CallingAETitleNotRecognized) => format!(
                "it does not know our AE title {calling}; ask who runs the server to enter it, or name ourselves otherwise"
            ),
            AssociationRJSource::ServiceProviderPresentation(_) => {
                format!("it has too much to do ({}); try again later", rejected.source)
            }
            other => format!("{other}; ask who runs the server whether our AE title {calling} is allowed"),
        };
        RemoteError::Rejected { server: self.server.clone(), why }
    }
}

impl Drop for Association {
    fn drop(&mut self) {
        if self.is_open {
            let mut bytes = Vec::new();
            if write_pdu(&mut bytes, &Pdu::AbortRQ { source: AbortRQSource::ServiceUser }).is_ok() {
                // The other side may be what is broken.
                self.wire.say_at_once(&bytes);
            }
        }
        self.wire.close();
    }
}

/// The next bytes of a reader, as many as there are up to `most`.
fn chunk(reader: &mut dyn Read, most: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(most);
    reader.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

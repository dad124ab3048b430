//! Fetching a study or series: what it has is listed first (C-FIND), then what is not here yet is asked for, by C-GET over our own
//! connection, or by C-MOVE, for which the server calls us back.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::error::{RemoteError, Result};
use super::super::inbox::{Inbox, Order, RefusedInstance, Stored};
use super::super::names::Uid;
use super::super::peer::Fetched;
use super::super::query::Wanted;
use super::super::server::Retrieve;
use super::association::{Association, Context, MOST_CONTEXTS, Proposal};
use super::caller::Caller;
use super::command::{Command, Field};
use super::find::{Listed, Search};
use super::identifier::{Identifier, MOST_BYTES, element};
use super::kinds::{self, name_of};
use super::listen::{Heard, ORDERED_SILENCE, Receiver};
use super::receive::take_instance;
use super::status::{PENDING, SUCCESS, is_warning, shown};
use crate::work::Watch;
use crate::work::numbers::share;

/// Kinds of objects that one association can have in every layout, besides the service itself.
const MOST_KINDS: usize = (MOST_CONTEXTS - 1) / kinds::SYNTAXES.len();
/// How long instances may still come after the server said that it is done.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// A series as the server lists it.
struct Series {
    uid: Uid,
    listed: Vec<Listed>,
    /// The UIDs of those.
    instances: BTreeSet<Uid>,
    /// Whether the server lists instances without a UID that is one.
    has_nameless: bool,
}

/// What is under way.
struct Fetch<'a> {
    caller: &'a Caller,
    study: Uid,
    inbox: &'a Inbox,
    refused: Mutex<Vec<RefusedInstance>>,
    /// Instances here of all that were asked for, for the progress.
    here: usize,
    expected: usize,
}

/// Fetches; see [`Peer::fetch`](super::super::Peer::fetch).
pub fn fetch(caller: &Caller, wanted: &Wanted, inbox: &Inbox, watch: Watch) -> Result<Fetched> {
    let (all, mut notes) = list(caller, wanted, watch)?;
    let expected = all.iter().map(|series| series.listed.len()).sum();
    let there = |series: &Series| series.listed.iter().filter(|one| inbox.has(&series.uid, &one.instance)).count();
    let already_there = all.iter().map(there).sum();
    let mut fetch = Fetch {
        caller,
        study: wanted.study_uid.clone(),
        inbox,
        refused: Mutex::default(),
        here: already_there,
        expected,
    };
    let mut trouble = None;
    let mut folders = Vec::new();
    for series in &all {
        if let Err(error) = fetch.series(series, watch) {
            if error.is_stop() || matches!(error, RemoteError::File { .. }) {
                return Err(error);
            }
            trouble.get_or_insert(error);
        }
        if fetch.missing(series).is_empty() && !series.has_nameless {
            let finished = inbox.finish(&series.uid, Some(&series.instances))?;
            folders.push(finished.folder);
            notes.extend(finished.left);
        } else if trouble.as_ref().is_some_and(ends_everything) {
            break;
        }
    }
    let received = all.iter().map(there).sum::<usize>();
    let is_lost = |series: &Series| fetch.missing(series).iter().any(|one| !fetch.is_refused(&one.instance));
    let is_incomplete = all.iter().any(is_lost) || folders.is_empty();
    let mut refused = fetch.refused.into_inner().unwrap_or_else(PoisonError::into_inner);
    // What was refused may have come once more, and been good.
    let came = |uid: &Uid| all.iter().any(|series| series.instances.contains(uid) && inbox.has(&series.uid, uid));
    refused.retain(|one| Uid::new(&one.uid).map_or(true, |uid| !came(&uid)));
    refused.extend(notes);
    if is_incomplete {
        let first = refused.first().map(|refused| {
            let (uid, why) = (&refused.uid, &refused.why);
            format!("{uid} was refused: {why}")
        });
        let why = trouble.map(|error| error.to_string()).or(first);
        return Err(RemoteError::Incomplete {
            server: caller.server.clone(),
            received,
            expected,
            why: why.unwrap_or_else(|| "the server did not send the others".into()),
            kept: inbox.folder().to_path_buf(),
        });
    }
    Ok(Fetched { folders, received: received.saturating_sub(already_there), already_there, refused })
}

/// Whether there is no use in asking for more.
fn ends_everything(error: &RemoteError) -> bool {
    !matches!(error, RemoteError::Failed { .. } | RemoteError::NotOffered { .. })
}

/// What the server has of what is wanted, and what is wrong with the list.
fn list(caller: &Caller, wanted: &Wanted, watch: Watch) -> Result<(Vec<Series>, Vec<RefusedInstance>)> {
    let mut search = Search::begin(caller, watch)?;
    let (uids, warnings) = match &wanted.series_uid {
        Some(series) => (vec![series.clone()], Vec::new()),
        None => search.series_uids(&wanted.study_uid, watch)?,
    };
    let of_study = |why| RefusedInstance { uid: wanted.study_uid.to_string(), why };
    let mut notes: Vec<RefusedInstance> = warnings.into_iter().map(of_study).collect();
    let mut all = Vec::new();
    for uid in uids {
        let (listed, nameless) = search.instances(&wanted.study_uid, &uid, watch)?;
        let mut note = |why: String| notes.push(RefusedInstance { uid: uid.to_string(), why });
        if nameless > 0 {
            note(format!("the server lists {nameless} instances of this series without a UID that is one"));
        }
        if listed.is_empty() {
            note("the server lists no instance of this series that can be fetched".into());
            continue;
        }
        let instances = listed.iter().map(|one| one.instance.clone()).collect();
        all.push(Series { uid, listed, instances, has_nameless: nameless > 0 });
    }
    search.end(watch);
    if all.is_empty() {
        let what = if wanted.series_uid.is_some() { "series" } else { "study" };
        return Err(RemoteError::Failed {
            server: caller.server.clone(),
            during: "fetching",
            status: format!("it has no such {what}; search for it again"),
        });
    }
    Ok((all, notes))
}

impl Fetch<'_> {
    fn missing<'s>(&self, series: &'s Series) -> Vec<&'s Listed> {
        series.listed.iter().filter(|one| !self.inbox.has(&series.uid, &one.instance)).collect()
    }

    fn is_refused(&self, instance: &Uid) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().any(|refused| refused.uid == instance.as_str())
    }

    fn refuse(&self, refused: RefusedInstance) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).push(refused);
    }

    /// What is taken of a series.
    fn order<'s>(&'s self, series: &'s Series) -> Order<'s> {
        Order { study: Some(&self.study), series: Some(&series.uid), instances: Some(&series.instances) }
    }

    /// What asks for a series as a whole, or, where a part of it is here, for each instance that is not, with its UID.
    fn questions(&self, series: &Series, missing: &[&Listed], is_whole: bool) -> Vec<(Option<Uid>, Identifier)> {
        let of_series = || {
            Identifier::default().with(element::STUDY, self.study.as_str()).with(element::SERIES, series.uid.as_str())
        };
        if is_whole {
            return vec![(None, of_series().with(element::LEVEL, "SERIES"))];
        }
        let of_instance = |one: &&Listed| {
            let question = of_series().with(element::LEVEL, "IMAGE").with(element::INSTANCE, one.instance.as_str());
            (Some(one.instance.clone()), question)
        };
        missing.iter().map(of_instance).collect()
    }

    /// Fetches what is not here of a series. What the server cannot give is refused by name, and the others are fetched.
    fn series(&mut self, series: &Series, watch: Watch) -> Result<()> {
        let missing = self.missing(series);
        if missing.is_empty() {
            return Ok(());
        }
        let outcome = match self.caller.retrieve {
            Retrieve::Get => self.get(series, &missing, watch),
            Retrieve::Move { port } => self.move_here(series, &missing, port, watch),
        };
        let left = self.missing(series);
        let why = match outcome {
            Ok(()) if self.caller.retrieve == Retrieve::Get && one_is_unknown(&missing) => {
                "it did not come, and the server does not say what kind of object it is: over our own connection only common \
                 kinds can be asked for; try a receiving port (C-MOVE)"
                    .into()
            }
            Ok(()) => "the server says that it is done, but did not send it".into(),
            Err(RemoteError::Failed { status, .. }) if left.len() < missing.len() => status,
            Err(error) => return Err(error),
        };
        for one in left {
            self.refuse_once(&one.instance, &why);
        }
        Ok(())
    }

    fn refuse_once(&self, instance: &Uid, why: &str) {
        if !self.is_refused(instance) {
            self.refuse(RefusedInstance { uid: instance.to_string(), why: why.into() });
        }
    }

    /// What became of a question: an instance that the server cannot give is no reason to ask for no other one.
    fn answered(&self, instance: Option<&Uid>, outcome: Result<()>) -> Result<()> {
        match (outcome, instance) {
            (Err(RemoteError::Failed { status, .. }), Some(instance)) => {
                self.refuse_once(instance, &status);
                Ok(())
            }
            (outcome, _) => outcome,
        }
    }

    /// C-GET.
    fn get(&mut self, series: &Series, missing: &[&Listed], watch: Watch) -> Result<()> {
        let kinds: BTreeSet<&str> =
            missing.iter().map(|one| one.class.as_str()).filter(|class| !class.is_empty()).collect();
        let kinds: Vec<&str> = if kinds.is_empty() { USUAL_KINDS.to_vec() } else { kinds.into_iter().collect() };
        let is_whole = missing.len() == series.listed.len() && kinds.len() <= MOST_KINDS;
        for some in kinds.chunks(MOST_KINDS) {
            let mut proposals = vec![Proposal::of(kinds::GET, &kinds::PLAIN)];
            proposals.extend(some.iter().flat_map(|class| {
                let of = |syntax: &str| Proposal { we_receive: true, ..Proposal::of(class, &[syntax]) };
                kinds::SYNTAXES.into_iter().map(of)
            }));
            let mut association = self.caller.open_patiently("fetching", &proposals, ORDERED_SILENCE, watch)?;
            let context = association.context_of(
                kinds::GET,
                "fetching over our own connection (C-GET, study root); try it with a receiving port (C-MOVE)",
            )?;
            let is_offered = |class: &str| association.contexts.iter().any(|context| context.class == class);
            let (possible, impossible): (Vec<&Listed>, Vec<&Listed>) = missing
                .iter()
                .copied()
                .filter(|one| some.contains(&one.class.as_str()))
                .partition(|one| is_offered(&one.class));
            for one in &impossible {
                let kind = name_of(&one.class);
                let why =
                    format!("the server does not send {kind} over our own connection; try a receiving port (C-MOVE)");
                self.refuse_once(&one.instance, &why);
            }
            let wanted = if one_is_unknown(missing) { missing } else { &possible };
            if wanted.is_empty() {
                association.release(watch);
                continue;
            }
            for (instance, question) in self.questions(series, wanted, is_whole && impossible.is_empty()) {
                let outcome = self.get_one(&mut association, &context, &question, series, watch);
                self.answered(instance.as_ref(), outcome)?;
            }
            association.release(watch);
        }
        Ok(())
    }

    fn get_one(
        &mut self,
        association: &mut Association,
        context: &Context,
        question: &Identifier,
        series: &Series,
        watch: Watch,
    ) -> Result<()> {
        ask(association, context, Field::GetRequest, None, question, watch)?;
        loop {
            let (id, command) = association.next_command(watch)?;
            match command.field() {
                Some(Field::StoreRequest) => {
                    let order = self.order(series);
                    match take_instance(association, id, &command, self.inbox, order, watch)? {
                        Stored::Kept { .. } => self.step(watch)?,
                        Stored::Refused(refused) | Stored::Differs(refused) => self.refuse(refused),
                    }
                }
                Some(Field::GetResponse) => {
                    if is_done(association, id, &command, watch)? {
                        return Ok(());
                    }
                }
                _ => return Err(association.nonsense("another command than instances and their count")),
            }
        }
    }

    /// C-MOVE: orders the instances to our own receiver.
    fn move_here(&mut self, series: &Series, missing: &[&Listed], port: u16, watch: Watch) -> Result<()> {
        let receiver = Receiver::open(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port, self.caller.calling.clone())?;
        let (is_over, last_heard) = (AtomicBool::new(false), Mutex::new(Instant::now()));
        let trouble = Mutex::new(None);
        let is_whole = missing.len() == series.listed.len();
        let questions = self.questions(series, missing, is_whole);
        let outcome = std::thread::scope(|scope| {
            let this = &*self;
            let tell = |heard: Heard| {
                *last_heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                match heard {
                    Heard::Refused(refused) => {
                        // What others send meanwhile was refused, and is not ours.
                        if series.listed.iter().any(|one| one.instance.as_str() == refused.uid) {
                            this.refuse(refused);
                        }
                    }
                    Heard::Broken(error) => {
                        trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                    Heard::Kept | Heard::Finished { .. } | Heard::Unfinished { .. } => {}
                }
            };
            let (receiver, is_over) = (&receiver, &is_over);
            scope.spawn(move || {
                let order = Some(this.order(series));
                receiver.serve(this.inbox, order, watch.quiet(), &|| is_over.load(Ordering::SeqCst), &tell);
            });
            let outcome = self.move_all(series, &questions, watch);
            let ended = Instant::now();
            while outcome.is_ok() && ended.elapsed() < AFTERWARDS && watch.check().is_ok() {
                let open = self.missing(series).iter().filter(|one| !self.is_refused(&one.instance)).count();
                let quiet = last_heard.lock().unwrap_or_else(PoisonError::into_inner).max(ended).elapsed();
                if open == 0 || quiet > AFTERWARDS / 4 {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            is_over.store(true, Ordering::SeqCst);
            outcome
        });
        self.here += missing.len() - self.missing(series).len();
        outcome?;
        watch.check()?;
        match trouble.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn move_all(&self, series: &Series, questions: &[(Option<Uid>, Identifier)], watch: Watch) -> Result<()> {
        let proposals = [Proposal::of(kinds::MOVE, &kinds::PLAIN)];
        let mut association = self.caller.open_patiently("fetching", &proposals, ORDERED_SILENCE, watch)?;
        let context = association.context_of(
            kinds::MOVE,
            "sending to a receiver (C-MOVE, study root); try it over our own connection (C-GET)",
        )?;
        let before = self.missing(series).len();
        for (instance, question) in questions {
            ask(&mut association, &context, Field::MoveRequest, Some(self.caller.calling.as_str()), question, watch)?;
            loop {
                let (id, command) = association.next_command(watch)?;
                if command.field() != Some(Field::MoveResponse) {
                    return Err(association.nonsense("another command than the count of instances"));
                }
                let came = before.saturating_sub(self.missing(series).len());
                watch.at(share(self.here + came, self.expected.max(1)))?;
                match is_done(&mut association, id, &command, watch) {
                    Ok(true) => break,
                    Ok(false) => {}
                    Err(error) => {
                        self.answered(instance.as_ref(), Err(error))?;
                        break;
                    }
                }
            }
        }
        association.release(watch);
        Ok(())
    }

    fn step(&mut self, watch: Watch) -> Result<()> {
        self.here += 1;
        Ok(watch.at(share(self.here, self.expected.max(1)))?)
    }
}

/// Kinds that are offered where the server does not say what a series has.
const USUAL_KINDS: [&str; MOST_KINDS] = [
    dicom_dictionary_std::uids::CT_IMAGE_STORAGE,
    dicom_dictionary_std::uids::MR_IMAGE_STORAGE,
    dicom_dictionary_std::uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE,
    dicom_dictionary_std::uids::ENHANCED_CT_IMAGE_STORAGE,
    dicom_dictionary_std::uids::ENHANCED_MR_IMAGE_STORAGE,
    dicom_dictionary_std::uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
    dicom_dictionary_std::uids::SEGMENTATION_STORAGE,
    dicom_dictionary_std::uids::RT_STRUCTURE_SET_STORAGE,
];

/// Whether the server did not say what kind an instance is.
fn one_is_unknown(listed: &[&Listed]) -> bool {
    listed.iter().any(|one| one.class.is_empty())
}

fn ask(
    association: &mut Association,
    context: &Context,
    field: Field,
    destination: Option<&str>,
    question: &Identifier,
    watch: Watch,
) -> Result<()> {
    let message = association.next_message();
    let request = Command::request(field, message, &context.class, true);
    let request = match destination {
        Some(title) => request.to(title),
        None => request,
    };
    association.send_command(context.id, &request, watch)?;
    let bytes = question.encode(&context.syntax);
    // Bytes in memory are always there.
    drop(association.send_data(context.id, &mut bytes.as_slice(), watch)?);
    Ok(())
}

/// Whether an answer of C-GET or C-MOVE is the last one. That instances are missing is seen by what came.
fn is_done(association: &mut Association, context: u8, answer: &Command, watch: Watch) -> Result<bool> {
    if answer.has_data_set() {
        // The list of instances that could not be sent: those that did not come.
        association.receive_short(context, MOST_BYTES, watch)?;
    }
    let counts = answer.counts();
    match answer.status() {
        Some(status) if PENDING.contains(&status) => Ok(false),
        Some(SUCCESS) if counts.failed == 0 => Ok(true),
        Some(status) if (status == SUCCESS || is_warning(status)) && counts.failed == 0 => Ok(true),
        Some(status) if status == SUCCESS || is_warning(status) => {
            let sent = counts.completed + counts.warning;
            Err(association.failed(format!(
                "it sent {sent} instances and failed to send {}, {status}",
                counts.failed,
                status = shown(answer)
            )))
        }
        _ => Err(association.failed(shown(answer))),
    }
}

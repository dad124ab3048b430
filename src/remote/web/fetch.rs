//! Fetching (WADO-RS, PS3.18, section 10.4): instances are listed first, and those that are not here yet are fetched one by one, a few at a
//! time. What came before a break is not asked for again.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::exchange::{Answer, Incoming};
use super::multipart::{Multipart, MultipartError};
use super::services::Services;
use super::status;
use crate::remote::{Fetched, Inbox, Order, RefusedInstance, RemoteError, Result, Stored, Uid, Wanted};
use crate::work::Watch;
use crate::work::numbers::share;

/// Instances that are fetched at a time.
const AT_A_TIME: usize = 4;
/// How often an instance is asked for where the connection breaks.
const TRIES: usize = 3;
/// How many instances that cannot be had, one after the other, end a fetch.
const MOST_IN_A_ROW: usize = 8;
/// Largest instance that is taken, in bytes.
const MOST_BYTES: u64 = 16 << 30;
/// What is being done, for messages.
const DURING: &str = "fetching an instance";
/// Kinds of answers that are asked for, the best one first: as it is stored, so that nothing is decoded and packed anew; as servers give it
/// that know no `*`; and without parts.
const ACCEPTED: [&str; 3] = [
    "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
    "multipart/related; type=\"application/dicom\"",
    "application/dicom",
];

/// An instance that is fetched.
struct Task {
    series: usize,
    uid: Uid,
}

/// A series as the server lists it.
struct Listed {
    uid: Uid,
    instances: BTreeSet<Uid>,
}

/// What the threads of a fetch share.
struct Fetching<'a> {
    services: &'a Services,
    study: &'a Uid,
    series: &'a [Listed],
    inbox: &'a Inbox,
    tasks: Vec<Task>,
    next: AtomicUsize,
    received: AtomicUsize,
    /// Instances since the last one that came.
    failed_in_a_row: AtomicUsize,
    /// Which of [`ACCEPTED`] the server takes.
    accepted: AtomicUsize,
    is_over: AtomicBool,
    refused: Mutex<Vec<(usize, RefusedInstance)>>,
    failure: Mutex<Option<RemoteError>>,
}

/// Fetches what is not here yet.
pub fn fetch(services: &Services, wanted: &Wanted, inbox: &Inbox, watch: Watch) -> Result<Fetched> {
    let watch = watch.stage("Listing");
    let (mut tasks, mut already_there, mut refused, mut series) = (Vec::new(), 0, Vec::new(), Vec::new());
    for (n, (uid, said)) in services.series_of(wanted, watch)?.into_iter().enumerate() {
        let instances = services.instances_of(&wanted.study_uid, &uid, watch)?;
        let count = instances.len() as u64;
        let lacks = match said {
            Some(said) if said > count => {
                Some(format!("the server says that it has {said} instances, and lists {count}"))
            }
            _ => (count == 0).then(|| "the server lists no instance of this series".to_string()),
        };
        refused.extend(lacks.map(|why| (n, RefusedInstance { uid: uid.to_string(), why })));
        for instance in &instances {
            if inbox.has(&uid, instance) {
                already_there += 1;
            } else {
                tasks.push(Task { series: n, uid: instance.clone() });
            }
        }
        series.push(Listed { uid, instances: instances.into_iter().collect() });
    }
    let expected = already_there + tasks.len();
    if expected == 0 {
        let status = format!("it has no instances of {}", wanted.series_uid.as_ref().unwrap_or(&wanted.study_uid));
        return Err(RemoteError::Failed { server: services.client.server.clone(), during: "fetching", status });
    }
    let fetching = Fetching {
        services,
        study: &wanted.study_uid,
        series: &series,
        inbox,
        tasks,
        next: AtomicUsize::new(0),
        received: AtomicUsize::new(0),
        failed_in_a_row: AtomicUsize::new(0),
        accepted: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        refused: Mutex::new(refused),
        failure: Mutex::new(None),
    };
    fetching.run(watch.stage("Fetching"));
    let came = Came { expected, already_there, received: fetching.received.into_inner() };
    let mut refused = fetching.refused.into_inner().unwrap_or_else(PoisonError::into_inner);
    let failure = fetching.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut folders = Vec::new();
    for (n, Listed { uid, instances }) in series.iter().enumerate() {
        let is_whole = refused.iter().all(|(of, _)| *of != n) && instances.iter().all(|one| inbox.has(uid, one));
        if is_whole {
            let finished = inbox.finish(uid, Some(instances))?;
            folders.push(finished.folder);
            refused.extend(finished.left.into_iter().map(|left| (n, left)));
        }
    }
    came.told(services, inbox, folders, refused, failure)
}

/// How many came of how many.
struct Came {
    expected: usize,
    already_there: usize,
    received: usize,
}

impl Came {
    fn told(
        self,
        services: &Services,
        inbox: &Inbox,
        folders: Vec<std::path::PathBuf>,
        refused: Vec<(usize, RefusedInstance)>,
        failure: Option<RemoteError>,
    ) -> Result<Fetched> {
        let refused: Vec<RefusedInstance> = refused.into_iter().map(|(_, refused)| refused).collect();
        let here = self.already_there + self.received;
        let why = match failure {
            Some(failure) if failure.is_stop() || here == 0 => return Err(failure),
            Some(failure) => failure.to_string(),
            None if !folders.is_empty() => {
                let (received, already_there) = (self.received, self.already_there);
                return Ok(Fetched { folders, received, already_there, refused });
            }
            None => match refused.first() {
                None => "the series is not whole".into(),
                Some(first) if refused.len() == 1 => format!("{}: {}", first.uid, first.why),
                Some(first) => format!("{}: {}, and {} more", first.uid, first.why, refused.len() - 1),
            },
        };
        let (server, kept) = (services.client.server.clone(), inbox.incoming());
        Err(RemoteError::Incomplete { server, received: here, expected: self.expected, why, kept })
    }
}

impl Fetching<'_> {
    /// Fetches all tasks, a few at a time, until there is no use in asking for more.
    fn run(&self, watch: Watch) {
        std::thread::scope(|scope| {
            for _ in 0..AT_A_TIME.min(self.tasks.len()) {
                scope.spawn(|| {
                    while !self.is_over.load(Ordering::Relaxed)
                        && let Some(task) = self.tasks.get(self.next.fetch_add(1, Ordering::Relaxed))
                    {
                        let outcome = self.fetch_one(task, watch);
                        if let Err(error) = self.failed_alone(task, outcome) {
                            self.is_over.store(true, Ordering::Relaxed);
                            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                            // Others that break off because of the first one say less.
                            failure.get_or_insert(error);
                        }
                    }
                });
            }
        });
    }

    /// One instance that the server cannot give is refused by name; the others are asked for. Where one after the other fails, that is the
    /// server's failure.
    fn failed_alone(&self, task: &Task, outcome: Result<()>) -> Result<()> {
        let error = match outcome {
            Ok(()) => {
                self.failed_in_a_row.store(0, Ordering::Relaxed);
                return Ok(());
            }
            Err(error) => error,
        };
        let is_its_own = matches!(
            error,
            RemoteError::Broken { .. }
                | RemoteError::Silent { .. }
                | RemoteError::Nonsense { .. }
                | RemoteError::Failed { .. }
                | RemoteError::NotOffered { .. }
        );
        if !is_its_own || self.failed_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_IN_A_ROW {
            return Err(error);
        }
        self.refuse(task, error.to_string());
        Ok(())
    }

    fn fetch_one(&self, task: &Task, watch: Watch) -> Result<()> {
        let mut tries = 0;
        let stored = loop {
            tries += 1;
            match self.ask(task, watch) {
                // A connection that broke may stand again.
                Err(RemoteError::Broken { .. }) if tries < TRIES && !self.is_over.load(Ordering::Relaxed) => {}
                Err(error) => return Err(error),
                Ok(stored) => break stored,
            }
        };
        match stored {
            Stored::Kept { .. } => {
                self.received.fetch_add(1, Ordering::Relaxed);
            }
            Stored::Refused(refused) | Stored::Differs(refused) => self.refuse(task, refused.why),
        }
        Ok(watch.at(share(self.received.load(Ordering::Relaxed), self.tasks.len().max(1)))?)
    }

    fn refuse(&self, task: &Task, why: String) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.push((task.series, RefusedInstance { uid: task.uid.to_string(), why }));
    }

    /// The series of an instance.
    fn series_uid(&self, task: &Task) -> &Uid {
        self.series.get(task.series).map_or(self.study, |series| &series.uid)
    }

    /// What is taken of an answer.
    fn order(&self, task: &Task) -> Order<'_> {
        Order { study: Some(self.study), series: Some(self.series_uid(task)), instances: None }
    }

    /// Asks for an instance in the way that the server takes, and puts it into the inbox.
    fn ask(&self, task: &Task, watch: Watch) -> Result<Stored> {
        let series = self.series_uid(task);
        let target = format!("/studies/{}/series/{series}/instances/{}", self.study, task.uid);
        let refused = |why: String| Ok(Stored::Refused(RefusedInstance { uid: task.uid.to_string(), why }));
        loop {
            let way = self.accepted.load(Ordering::Relaxed);
            let accept = ACCEPTED.get(way).copied().unwrap_or("application/dicom");
            let answer = self.services.answer(&target, accept, DURING, watch)?;
            match answer.status {
                200 => return self.take(task, answer),
                400 | 406 | 415 if way + 1 < ACCEPTED.len() => {
                    // Another thread may have gone on already.
                    let _ = self.accepted.compare_exchange(way, way + 1, Ordering::Relaxed, Ordering::Relaxed);
                }
                401 | 403 => return Err(self.services.refusal(answer.status, DURING)),
                404 | 410 => return refused(format!("the server lists it, but {}", status::words(answer.status))),
                206 => return refused("the server gave only a part of it".into()),
                other => return Err(self.services.refusal(other, DURING)),
            }
        }
    }

    fn take(&self, task: &Task, answer: Answer) -> Result<Stored> {
        let Answer { content_type, body, .. } = answer;
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/dicom" => self.inbox.store(&task.uid, self.order(task), |file| {
                let mut body = body;
                copy(&mut body, file, self.services)
            }),
            "multipart/related" => self.take_part(task, &content_type, body),
            other => {
                let shown: String = other.chars().take(60).collect();
                Err(self.services.nonsense(DURING, format!("it is {shown}, no DICOM")))
            }
        }
    }

    fn take_part(&self, task: &Task, content_type: &str, body: Incoming) -> Result<Stored> {
        let mut parts =
            Multipart::new(body, content_type).map_err(|error| self.services.nonsense(DURING, error.to_string()))?;
        let Some(header) = parts.next_part().map_err(|error| self.failed(error, &mut parts))? else {
            return Err(self.services.nonsense(DURING, "it has no part"));
        };
        let kind = header.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !(kind.is_empty() || kind == "application/dicom" || kind == "application/octet-stream") {
            let shown: String = kind.chars().take(60).collect();
            return Err(self.services.nonsense(DURING, format!("its part is {shown}, no DICOM")));
        }
        self.inbox.store(&task.uid, self.order(task), |file| {
            let (mut bytes, mut count) = (vec![0; 128 * 1024], 0);
            loop {
                let some = parts.read_part(&mut bytes).map_err(|error| self.failed(error, &mut parts))?;
                if some == 0 {
                    // Without its end the answer may lack more than is seen.
                    let more = parts.next_part().map_err(|error| self.failed(error, &mut parts))?;
                    return match more {
                        None => Ok(()),
                        Some(_) => Err(self.services.nonsense(DURING, "it holds more than one instance")),
                    };
                }
                count += some as u64;
                write(file, bytes.get(..some).unwrap_or_default(), count, self.services)?;
            }
        })
    }

    /// Why an answer in parts broke off.
    fn failed(&self, error: MultipartError, parts: &mut Multipart<Incoming>) -> RemoteError {
        match error {
            MultipartError::Read(error) => {
                parts.reader().failure().unwrap_or_else(|| self.services.broken(DURING, error.to_string()))
            }
            MultipartError::CutShort(_) | MultipartError::WrongLength { .. } => {
                self.services.broken(DURING, error.to_string())
            }
            other => self.services.nonsense(DURING, other.to_string()),
        }
    }
}

/// Writes what comes, up to a bound.
fn copy(body: &mut Incoming, file: &mut impl Write, services: &Services) -> Result<()> {
    let (mut bytes, mut count) = (vec![0; 128 * 1024], 0);
    loop {
        let some = match body.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(some) => some,
            Err(error) => return Err(body.failure().unwrap_or_else(|| services.broken(DURING, error.to_string()))),
        };
        count += some as u64;
        write(file, bytes.get(..some).unwrap_or_default(), count, services)?;
    }
}

fn write(file: &mut impl Write, bytes: &[u8], count: u64, services: &Services) -> Result<()> {
    if count > MOST_BYTES {
        return Err(services.nonsense(DURING, format!("it is longer than {} GB", MOST_BYTES >> 30)));
    }
    file.write_all(bytes)
        .map_err(|error: io::Error| RemoteError::Wrong(format!("what comes cannot be written: {error}")))
}

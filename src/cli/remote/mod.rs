//! `lamella remote`

mod answers;
mod choice;
mod password;
mod receive;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::terminal::Terminal;
use super::{Result, print_json};
use crate::jobs::{JobError, RemoteFetchJob, RemoteFindJob, RemoteSendJob, RemoteTestJob};
use crate::remote::{Dates, Level, Query, RefusedFile, Uid, Wanted};
use choice::ServerChoice;

/// Longest text of a query, in bytes: PN has 64 characters in each of three groups.
const LONGEST_TEXT: usize = 512;

/// Talk with servers of images: the classic services of DICOM, and DICOMweb.
#[derive(Args)]
pub struct Remote {
    #[command(subcommand)]
    command: RemoteCommand,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, and it does not live long")]
enum RemoteCommand {
    /// Ask whether a server is there and speaks with us
    Test(Test),
    /// List studies or series of a server
    Find(Find),
    /// Fetch a study or a series into a folder
    Get(Get),
    /// Send DICOM files as they are
    Send(Send),
    /// Take what others send, until it is stopped
    Receive(receive::Receive),
}

impl Remote {
    pub(super) fn run(self) -> Result {
        match self.command {
            RemoteCommand::Test(command) => command.run(),
            RemoteCommand::Find(command) => command.run(),
            RemoteCommand::Get(command) => command.run(),
            RemoteCommand::Send(command) => command.run(),
            RemoteCommand::Receive(command) => command.run(),
        }
    }
}

#[derive(Args)]
struct Test {
    #[command(flatten)]
    server: ServerChoice,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Test {
    fn run(&self) -> Result {
        let server = self.server.server()?;
        let shown = server.address.shown();
        let greeting = ServerChoice::talk(&server, |password| {
            let terminal = Terminal::new("Connecting");
            let greeting = terminal.run(RemoteTestJob { server: server.clone(), password }, &|()| {})?;
            terminal.finish();
            Ok(greeting)
        })?;
        if self.json {
            return print_json(
                &json!({"server": shown, "program": greeting.program, "milliseconds": greeting.milliseconds}),
            );
        }
        let program = if greeting.program.is_empty() { String::new() } else { format!(" ({})", greeting.program) };
        say!("{shown}{program} answers after {} ms", greeting.milliseconds);
        Ok(())
    }
}

#[derive(Args)]
struct Find {
    #[command(flatten)]
    server: ServerChoice,
    /// Patient ID; `*` and `?` stand for any letters and any one
    #[arg(long, value_parser = text)]
    patient_id: Option<String>,
    /// Patient's name as DICOM writes it, Family^Given; `*` and `?` stand for any letters and any one
    #[arg(long, value_parser = text)]
    patient_name: Option<String>,
    /// Study date: 20200131, 20200101-20201231, 20200101- or -20201231
    #[arg(long, allow_hyphen_values = true, value_parser = Dates::parse)]
    date: Option<Dates>,
    /// Modality, for example CT
    #[arg(long, value_parser = text)]
    modality: Option<String>,
    /// Accession number
    #[arg(long, value_parser = text)]
    accession: Option<String>,
    /// Study Instance UID
    #[arg(long, value_name = "UID", value_parser = Uid::new)]
    study: Option<Uid>,
    /// List series, not studies
    #[arg(long)]
    series_level: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Find {
    fn run(self) -> Result {
        let server = self.server.server()?;
        let query = Query {
            level: if self.series_level { Level::Series } else { Level::Study },
            patient_id: self.patient_id,
            patient_name: self.patient_name,
            study_date: self.date.unwrap_or_default(),
            modality: self.modality,
            accession: self.accession,
            study_uid: self.study,
        };
        let level = query.level;
        let found = ServerChoice::talk(&server, |password| {
            let terminal = Terminal::new("Searching");
            let job = RemoteFindJob { server: server.clone(), password, query: query.clone() };
            let found = terminal.run(job, &|()| {})?;
            terminal.finish();
            Ok(found)
        })?;
        answers::show(&found, level, self.json)
    }
}

#[derive(Args)]
struct Get {
    #[command(flatten)]
    server: ServerChoice,
    /// Study Instance UID
    #[arg(long, value_name = "UID", value_parser = Uid::new)]
    study: Uid,
    /// Series Instance UID; all series of the study where it is not given
    #[arg(long, value_name = "UID", value_parser = Uid::new)]
    series: Option<Uid>,
    /// The folder that series come into, each in a folder of its own; what is there already is not fetched again
    #[arg(short, long)]
    output: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Get {
    fn run(self) -> Result {
        let server = self.server.server()?;
        let wanted = Wanted { study_uid: self.study, series_uid: self.series };
        let fetched = ServerChoice::talk(&server, |password| {
            let terminal = Terminal::new("Fetching");
            let (wanted, folder) = (wanted.clone(), self.output.clone());
            let fetched =
                terminal.run(RemoteFetchJob { server: server.clone(), password, wanted, folder }, &|()| {})?;
            terminal.finish();
            Ok(fetched)
        })?;
        let refused = fetched.refused.iter().map(|refused| json!({"instance": refused.uid, "reason": refused.why}));
        if self.json {
            print_json(&json!({
                "folders": fetched.folders,
                "received": fetched.received,
                "already_there": fetched.already_there,
                "refused": refused.collect::<Vec<_>>(),
            }))?;
        } else {
            for folder in &fetched.folders {
                say!("{}", folder.display());
            }
            for refused in &fetched.refused {
                tell!("refused: {}: {}", refused.uid, refused.why);
            }
            tell!("{} instances received, {} were there already", fetched.received, fetched.already_there);
        }
        match fetched.refused.len() {
            0 => Ok(()),
            1 => Err(JobError::Other("one instance was refused; its series is not in the folder".into())),
            count => {
                Err(JobError::Other(format!("{count} instances were refused; their series are not in the folder")))
            }
        }
    }
}

#[derive(Args)]
struct Send {
    #[command(flatten)]
    server: ServerChoice,
    /// DICOM files, and folders that hold some
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Send {
    fn run(self) -> Result {
        let server = self.server.server()?;
        let shown = server.address.shown();
        let done = ServerChoice::talk(&server, |password| {
            let terminal = Terminal::new("Sending");
            let job = RemoteSendJob { server: server.clone(), password, inputs: self.inputs.clone() };
            let done = terminal.run(job, &|()| {})?;
            terminal.finish();
            Ok(done)
        })?;
        let sent = &done.sent;
        if self.json {
            let refused = |file: &RefusedFile| json!({"path": file.path, "reason": file.why});
            print_json(&json!({
                "accepted": sent.accepted,
                "coerced": sent.coerced,
                "refused": sent.refused.iter().map(refused).collect::<Vec<_>>(),
                "left_out": done.left_out.iter().map(|s| json!({"path": s.path, "reason": s.reason})).collect::<Vec<_>>(),
            }))?;
        } else {
            for file in &done.left_out {
                tell!("left out: {}: {}", file.path.display(), file.reason);
            }
            for file in &sent.refused {
                tell!("refused: {}: {}", file.path.display(), file.why);
            }
            if sent.coerced > 0 {
                tell!("note: {shown} changed {} files, or warns of them", sent.coerced);
            }
            tell!("{} files sent to {shown}", sent.accepted + sent.coerced);
        }
        match sent.refused.len() {
            0 => Ok(()),
            1 => Err(JobError::Other("one file was not sent".into())),
            count => Err(JobError::Other(format!("{count} files were not sent"))),
        }
    }
}

/// A text of a query.
fn text(text: &str) -> std::result::Result<String, String> {
    if text.len() > LONGEST_TEXT || text.contains(['\\', '\n', '\r', '\0']) {
        return Err(format!("it has at most {LONGEST_TEXT} bytes, in one line and without a backslash"));
    }
    Ok(text.to_string())
}

//! Servers of images: those that the user keeps, what was found on the chosen one, and what is waited for.

mod form;
mod made;
mod search;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use form::{Field, Protocol, ServerForm};
pub use made::{Content, Made};
pub use search::SearchForm;

use crate::remote::credentials::Account;
use crate::remote::{Address, KnownServers, Match, Secret, Server, Uid, Wanted};

/// All that the Servers window knows.
#[derive(Debug, Default)]
pub struct Servers {
    /// Whether the window is open.
    pub is_open: bool,
    /// The list of the user.
    pub known: KnownServers,
    /// Where it is kept; none where it is not.
    pub file: Option<PathBuf>,
    /// Whether it was read, and what is wrong with it: then nobody writes over it.
    pub is_read: bool,
    /// What is wrong with the file of the list.
    pub problem: Option<String>,
    /// Whether passwords may be kept in the system's keyring.
    pub uses_keyring: bool,
    /// The chosen server.
    pub chosen: Option<usize>,
    /// A server that is being added or changed.
    pub form: Option<ServerForm>,
    /// The server that was removed last, and its place.
    pub removed: Option<(usize, Server)>,
    /// What is looked for.
    pub search: SearchForm,
    /// Counts searches: what an older one says is no news.
    pub search_number: u64,
    /// What was found.
    pub found: Found,
    /// What is to be fetched.
    pub picked: Option<Wanted>,
    /// What came of the last test, fetch or send.
    pub said: Option<Said>,
    /// Passwords of this run.
    pub passwords: BTreeMap<Account, Secret>,
    /// A password that goes into the keyring once the server has accepted it.
    pub to_keep: Option<Account>,
    /// A password that is asked for.
    pub asking: Option<Asking>,
    /// As what the segmentation is sent.
    pub send_as: SendAs,
    /// The segmentation that was written last to be sent, until it is known what became of it.
    pub made: Option<Made>,
    /// Folders that were made only for what is sent: none is left when the window ends.
    pub outgoing: Vec<PathBuf>,
}

/// What was found on the chosen server.
#[derive(Debug, Default)]
pub enum Found {
    /// Nothing was looked for yet.
    #[default]
    Nothing,
    /// It is being looked for.
    Waiting,
    /// What matches.
    Studies {
        /// Studies, each with its series where they were asked for.
        rows: Vec<StudyRow>,
        /// Whether there are more.
        is_cut: bool,
        /// What the user must know.
        warnings: Vec<String>,
    },
    /// It could not be looked for.
    Failed(String),
}

/// A study that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyRow {
    /// The study.
    pub study: Match,
    /// Whether its series are shown.
    pub is_open: bool,
    /// Its series.
    pub series: SeriesOfStudy,
}

/// Series of a study that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeriesOfStudy {
    /// They were not asked for.
    Unknown,
    /// They are being listed.
    Waiting,
    /// These.
    Known(Vec<Match>),
    /// They could not be listed.
    Failed(String),
}

/// A line on what came of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether it went wrong.
    pub is_error: bool,
    /// What came of it.
    pub text: String,
}

/// What is done on a server, once its password is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Ask whether it is there.
    Test,
    /// Look for studies.
    Search,
    /// List the series of a study.
    Series(Uid),
    /// Fetch a study or a series.
    Fetch(Wanted),
    /// Send a file; whether it was made only for that, and is removed then.
    Send(PathBuf, bool),
}

/// A password that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// Whose.
    pub account: Account,
    /// What is done when it is known.
    pub deed: Deed,
    /// Why it is asked for: the last one was wrong, or the keyring does not answer.
    pub why: Option<String>,
}

/// As what a segmentation is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SendAs {
    /// A segmentation object of bits.
    #[default]
    Segmentation,
    /// A structure set of contours.
    Structures,
}

impl SendAs {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Segmentation, Self::Structures];

    /// For the list.
    pub fn name(self) -> &'static str {
        match self {
            Self::Segmentation => "DICOM segmentation (SEG)",
            Self::Structures => "RT structure set",
        }
    }

    /// The name of the file that is made, by whose ending the format is chosen.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Segmentation => "segmentation.dcm",
            Self::Structures => "structures.rtstruct.dcm",
        }
    }
}

/// What the window asks for.
#[derive(Debug)]
pub enum ServersRequest {
    /// Close it.
    Close,
    /// Choose a server.
    Choose(usize),
    /// Begin a new server.
    Add,
    /// Change the chosen one.
    Edit,
    /// Take the chosen one away.
    Remove,
    /// Bring the one back that was removed last.
    BringBack,
    /// What is being filled in, changed.
    Form(Box<ServerForm>),
    /// Keep what was filled in.
    KeepForm,
    /// Leave everything as it was.
    LeaveForm,
    /// Ask whether the chosen server is there.
    Test,
    /// Forget the password of the chosen server.
    Forget,
    /// What is looked for, changed.
    SearchForm(Box<SearchForm>),
    /// Look for it.
    Search,
    /// Show or hide the series of a study, and pick it.
    Unfold(usize),
    /// Pick a series of a study.
    Pick(Wanted),
    /// Fetch what is picked.
    Fetch,
    /// Choose the folder that is fetched into.
    ChooseFolder,
    /// As what the segmentation is sent.
    SendAs(SendAs),
    /// Send the segmentation in hand.
    Send,
    /// Choose a file and send it.
    SendFile,
    /// The password that was asked for, and whether it is kept in the keyring.
    Password(Secret, bool),
    /// No password is given.
    NoPassword,
}

impl Servers {
    /// The chosen server.
    pub fn server(&self) -> Option<&Server> {
        self.known.servers.get(self.chosen?)
    }

    /// Who logs in there, if anybody.
    pub fn account(&self) -> Option<Account> {
        account_of(self.server()?)
    }
}

/// Who logs in at a server, if anybody.
pub fn account_of(server: &Server) -> Option<Account> {
    match &server.address {
        Address::Web { url, user: Some(user), .. } => Some(Account { url: url.clone(), user: user.clone() }),
        Address::Web { .. } | Address::Classic { .. } => None,
    }
}

impl Said {
    /// It went well.
    pub fn good(text: impl Into<String>) -> Self {
        Self { is_error: false, text: text.into() }
    }

    /// It went wrong.
    pub fn bad(text: impl Into<String>) -> Self {
        Self { is_error: true, text: super::notices::in_sentence_case(&text.into()) }
    }
}

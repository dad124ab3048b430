//! Messages: what happened, to which file, what to do; details for those who want them.

use std::time::{Duration, Instant};

/// How serious a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Good to know.
    Info,
    /// Doubtful.
    Warning,
    /// Failed.
    Error,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Seriousness.
    pub kind: Kind,
    /// One or two sentences.
    pub text: String,
    /// More for those who want it.
    pub details: String,
    born: Instant,
}

/// How long an information stays.
const INFO_STAYS: Duration = Duration::from_secs(6);
/// How long a warning stays.
const WARNING_STAYS: Duration = Duration::from_secs(30);

/// The messages that are on screen, and those that were.
#[derive(Debug, Default)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// Shows a message; one that says the same goes.
    pub fn push(&mut self, kind: Kind, text: impl Into<String>, details: impl Into<String>) {
        let text = in_sentence_case(&text.into());
        self.0.retain(|notice| notice.text != text);
        self.0.push(Notice { kind, text, details: details.into(), born: Instant::now() });
    }

    /// Shows an information.
    pub fn info(&mut self, text: impl Into<String>) {
        self.push(Kind::Info, text, "");
    }

    /// Shows a warning.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.push(Kind::Warning, text, "");
    }

    /// Messages on screen, oldest first.
    pub fn all(&self) -> &[Notice] {
        &self.0
    }

    /// Takes a message away.
    pub fn dismiss(&mut self, index: usize) {
        if index < self.0.len() {
            self.0.remove(index);
        }
    }

    /// Takes away what was there long enough: informations and warnings go by themselves, errors stay until they are dismissed or
    /// `is_over` says that what they told of has worked meanwhile.
    pub fn age(&mut self) {
        self.0.retain(|notice| match notice.kind {
            Kind::Info => notice.born.elapsed() < INFO_STAYS,
            Kind::Warning => notice.born.elapsed() < WARNING_STAYS,
            Kind::Error => true,
        });
    }

    /// Takes errors away: what failed has worked now.
    pub fn forget_errors(&mut self) {
        self.0.retain(|notice| notice.kind != Kind::Error);
    }

    /// Whether some go by themselves.
    pub fn will_age(&self) -> bool {
        self.0.iter().any(|notice| notice.kind != Kind::Error)
    }
}

/// With a capital letter first. A name that begins with a small letter, such as a file's, and an address are left as they are.
pub fn in_sentence_case(text: &str) -> String {
    let first_word = text.split([' ', ':', ',']).next().unwrap_or_default();
    let is_address = text.strip_prefix(first_word).is_some_and(|rest| rest.starts_with("://"));
    let is_word = !is_address && first_word.chars().all(|c| c.is_ascii_lowercase());
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if is_word => first.to_uppercase().chain(letters).collect(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_shown_once_and_begins_with_a_capital() {
        let mut notices = Notices::default();
        notices.push(Kind::Error, "cannot read a.nii: no such file", "os error 2");
        notices.info("Saved b.nii.");
        notices.push(Kind::Error, "cannot read a.nii: no such file", "os error 2");
        let texts: Vec<&str> = notices.all().iter().map(|n| n.text.as_str()).collect();
        assert_eq!(texts, ["Saved b.nii.", "Cannot read a.nii: no such file"]);
        notices.forget_errors();
        notices.dismiss(7);
        assert_eq!(notices.all().len(), 1);
        assert_eq!(in_sentence_case("data_cut.nii: too short"), "data_cut.nii: too short");
        assert_eq!(in_sentence_case("äther"), "äther");
        assert_eq!(in_sentence_case("https://host/x cannot be reached"), "https://host/x cannot be reached");
    }
}

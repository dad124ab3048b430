//! Rows of searches, page by page.

use std::collections::BTreeSet;

use super::answers::{self, Attribute, JSON, MOST_JSON, Row};
use super::exchange::Answer;
use super::services::Services;
use crate::remote::{RemoteError, Result, Uid, Wanted};
use crate::work::Watch;

/// Rows of a page.
const PAGE: usize = 200;
/// Most instances of a series that are listed.
const MOST_INSTANCES: usize = 200_000;

/// Rows of all pages, and what the server warns of.
pub struct Pages {
    /// The rows, each once.
    pub rows: Vec<Row>,
    /// Whether there are more than are taken.
    pub is_cut: bool,
    /// What the server warns of.
    pub warnings: Vec<String>,
}

impl Services {
    /// The rows of an answer in JSON; no content is no row.
    ///
    /// # Errors
    /// Where the transfer breaks off, or the answer is none.
    pub fn rows(&self, mut answer: Answer, during: &'static str) -> Result<Vec<Row>> {
        let text = answer.body.all(MOST_JSON)?;
        if answer.status == 204 || text.is_empty() {
            return Ok(Vec::new());
        }
        answers::rows(&text).map_err(|why| {
            let kind = answer.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            let hint = if kind == "text/html" { "; is this the path of its DICOMweb service?" } else { "" };
            self.nonsense(during, format!("{why}{hint}"))
        })
    }

    /// All pages of a search, at most so many rows; rows of one key count once.
    ///
    /// # Errors
    /// Where the server does not answer, or not with rows.
    pub fn pages(
        &self,
        target: &str,
        during: &'static str,
        most: usize,
        key: impl Fn(&Row) -> String,
        watch: Watch,
    ) -> Result<Pages> {
        let mut pages = Pages { rows: Vec::new(), is_cut: false, warnings: Vec::new() };
        let (mut seen, mut offset) = (BTreeSet::new(), 0);
        loop {
            let sign = if target.contains('?') { '&' } else { '?' };
            let page = format!("{target}{sign}limit={PAGE}&offset={offset}");
            let answer = self.answer(&page, JSON, during, watch)?;
            match answer.status {
                200..=299 => {}
                // As servers said by the older standard that there is nothing more.
                404 if offset > 0 => return Ok(pages),
                404 | 410 if target.starts_with("/studies/") => {
                    let server = self.client.server.clone();
                    let status = "it does not have this study or series (any more), or the path is not that of its \
                                  services; search for it again"
                        .into();
                    return Err(RemoteError::Failed { server, during, status });
                }
                status => return Err(self.refusal(status, during)),
            }
            let warning = answer.warning.as_deref().map(text_of_warning).unwrap_or_default();
            let rows = self.rows(answer, during)?;
            let (count, before) = (rows.len(), pages.rows.len());
            for row in rows {
                if seen.insert(key(&row)) {
                    pages.rows.push(row);
                }
            }
            offset += count;
            let says_more = warning.to_ascii_lowercase().contains("additional results");
            if !warning.is_empty() && !says_more && !pages.warnings.contains(&warning) {
                pages.warnings.push(warning);
            }
            if pages.rows.len() > most {
                pages.rows.truncate(most);
                pages.is_cut = true;
                return Ok(pages);
            }
            if count == 0 {
                return Ok(pages);
            }
            if pages.rows.len() == before {
                // A server without pages gives all at once, again and again. One that gives a full page and no other one has more.
                pages.is_cut = says_more || count == PAGE;
                return Ok(pages);
            }
            // A short page may be one of a server that gives fewer at a time: only an empty one is the end.
        }
    }

    /// UIDs of a study's series, or of the one that is wanted, each with the count of its instances where the server says it.
    ///
    /// # Errors
    /// As [`Self::pages`], and where one has no UID.
    pub fn series_of(&self, wanted: &Wanted, watch: Watch) -> Result<Vec<(Uid, Option<u64>)>> {
        let only = wanted.series_uid.as_ref().map(|uid| format!("&SeriesInstanceUID={uid}")).unwrap_or_default();
        let target = format!("/studies/{}/series?includefield=0020000E&includefield=00201209{only}", wanted.study_uid);
        let listed = self.pages(&target, "listing series", MOST_INSTANCES, |row| row.series.first(), watch);
        let count_of = |pages: &Pages, uid: &Uid| {
            pages.rows.iter().find(|row| row.series.first() == uid.as_str())?.instances_in_series.count()
        };
        if let Some(uid) = &wanted.series_uid {
            // A server that does not list series may still give one.
            return match listed {
                Err(error @ (RemoteError::Stopped(_) | RemoteError::Login { .. })) => Err(error),
                listed => Ok(vec![(uid.clone(), listed.ok().and_then(|pages| count_of(&pages, uid)))]),
            };
        }
        let pages = listed?;
        let uids = self.uids(&pages, |row| &row.series, "listing series")?;
        Ok(uids.into_iter().map(|uid| (uid.clone(), count_of(&pages, &uid))).collect())
    }

    /// UIDs of a series' instances.
    ///
    /// # Errors
    /// As [`Self::pages`], and where one has no UID.
    pub fn instances_of(&self, study: &Uid, series: &Uid, watch: Watch) -> Result<Vec<Uid>> {
        let target = format!("/studies/{study}/series/{series}/instances?includefield=00080018");
        let pages = self.pages(&target, "listing instances", MOST_INSTANCES, |row| row.instance.first(), watch)?;
        self.uids(&pages, |row| &row.instance, "listing instances")
    }

    /// The UIDs of all rows: one that is missing would be an instance that is missing.
    fn uids(&self, pages: &Pages, of: fn(&Row) -> &Attribute, during: &'static str) -> Result<Vec<Uid>> {
        if pages.is_cut {
            return Err(self.nonsense(during, format!("it does not list more than {}", pages.rows.len())));
        }
        let uids = pages.rows.iter().map(|row| Uid::new(&of(row).first()));
        uids.collect::<Result<_>>().map_err(|_| self.nonsense(during, "a row has no UID"))
    }
}

/// What a warning says: `299 host: "text"`.
fn text_of_warning(warning: &str) -> String {
    let quoted = warning.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')).map(|(text, _)| text);
    let text: String = quoted.unwrap_or(warning).trim().chars().take(200).collect();
    if text.is_empty() { text } else { format!("the server warns: {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_what_stands_in_its_quotes() {
        assert_eq!(text_of_warning("299 host:80 \"fuzzy \"x\" not done\""), "the server warns: fuzzy \"x\" not done");
        assert_eq!((text_of_warning("bare"), text_of_warning(" ")), ("the server warns: bare".into(), String::new()));
    }
}

//! C-FIND: what a server has. Source: PS3.4 annex C, study root.

use super::super::error::Result;
use super::super::names::Uid;
use super::super::peer::Answers;
use super::super::query::{Level, Match, Query};
use super::association::{Association, Context, Proposal};
use super::caller::Caller;
use super::command::{Command, Field};
use super::identifier::{Element, Identifier, MOST_BYTES, element};
use super::kinds;
use super::status::{PENDING, SUCCESS, is_warning, shown};
use crate::work::Watch;

/// Most studies or series that are taken.
const MOST_ANSWERS: usize = 10_000;
/// Most instances of a series that are listed.
const MOST_INSTANCES: usize = 200_000;

/// What is asked of studies.
const OF_STUDY: &[Element] = &[
    element::STUDY_DATE,
    element::STUDY_TIME,
    element::ACCESSION,
    element::MODALITIES,
    element::STUDY_DESCRIPTION,
    element::PATIENT_NAME,
    element::PATIENT_ID,
    element::BIRTH_DATE,
    element::STUDY,
    element::SERIES_IN_STUDY,
    element::INSTANCES_IN_STUDY,
];
/// What is asked of series.
const OF_SERIES: &[Element] = &[
    element::MODALITY,
    element::SERIES_DESCRIPTION,
    element::SERIES,
    element::SERIES_NUMBER,
    element::INSTANCES_IN_SERIES,
];

/// A conversation about what a server has.
pub struct Search {
    association: Association,
    context: Context,
}

/// An instance that a server has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// SOP Instance UID.
    pub instance: Uid,
    /// SOP Class UID; empty where the server does not say it.
    pub class: String,
}

impl Search {
    /// Begins one with a server.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not offer it.
    pub fn begin(caller: &Caller, watch: Watch) -> Result<Self> {
        let association = caller.open("searching", &[Proposal::of(kinds::FIND, &kinds::PLAIN)], watch)?;
        let context = association.context_of(kinds::FIND, "searching (C-FIND, study root)")?;
        Ok(Self { association, context })
    }

    /// Ends the conversation.
    pub fn end(self, watch: Watch) {
        self.association.release(watch);
    }

    /// Studies or series that match.
    pub fn matches(&mut self, query: &Query, watch: Watch) -> Result<Answers> {
        let mut answers = Answers::default();
        // A series is asked for by its study (PS3.4, C.4.1.1.3.1).
        let studies = self.studies(query, &mut answers, watch)?;
        if query.level == Level::Study {
            answers.matches = studies;
            return Ok(answers);
        }
        for study in &studies {
            if answers.matches.len() >= MOST_ANSWERS {
                answers.is_cut = true;
                break;
            }
            self.series_of(study, query, &mut answers, watch)?;
        }
        Ok(answers)
    }

    fn studies(&mut self, query: &Query, answers: &mut Answers, watch: Watch) -> Result<Vec<Match>> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let keys = Identifier::default()
            .with(element::LEVEL, "STUDY")
            .with(element::PATIENT_ID, &text(&query.patient_id))
            .with(element::PATIENT_NAME, &text(&query.patient_name))
            .with(element::STUDY_DATE, &query.study_date.matching())
            .with(element::MODALITIES, &text(&query.modality))
            .with(element::ACCESSION, &text(&query.accession))
            .with(element::STUDY, query.study_uid.as_ref().map(Uid::as_str).unwrap_or_default())
            .asking(OF_STUDY);
        let mut studies = Vec::new();
        answers.is_cut |= self.ask(&keys, MOST_ANSWERS, watch, &mut |found| match study_of(found) {
            Some(study) => studies.push(study),
            None => note_nameless(answers, "study"),
        })?;
        Ok(studies)
    }

    fn series_of(&mut self, study: &Match, query: &Query, answers: &mut Answers, watch: Watch) -> Result<()> {
        let keys = Identifier::default()
            .with(element::LEVEL, "SERIES")
            .with(element::STUDY, study.study_uid.as_str())
            .with(element::MODALITY, query.modality.as_deref().unwrap_or_default())
            .asking(OF_SERIES);
        let mut found = Vec::new();
        let is_cut = self.ask(&keys, MOST_ANSWERS, watch, &mut |answer| match series_of(study, answer) {
            Some(series) => found.push(series),
            None => note_nameless(answers, "series"),
        })?;
        answers.is_cut |= is_cut;
        answers.matches.extend(found);
        Ok(())
    }

    /// The series of a study, and what is wrong with the list of them.
    pub fn series_uids(&mut self, study: &Uid, watch: Watch) -> Result<(Vec<Uid>, Vec<String>)> {
        let query = Query { level: Level::Series, study_uid: Some(study.clone()), ..Query::default() };
        let mut answers = self.matches(&query, watch)?;
        if answers.is_cut {
            answers.warnings.push(format!("it has more than {MOST_ANSWERS} series; the others are left out"));
        }
        Ok((answers.matches.into_iter().filter_map(|series| series.series_uid).collect(), answers.warnings))
    }

    /// The instances of a series, and how many have no UID that is one.
    pub fn instances(&mut self, study: &Uid, series: &Uid, watch: Watch) -> Result<(Vec<Listed>, usize)> {
        let keys = Identifier::default()
            .with(element::LEVEL, "IMAGE")
            .with(element::STUDY, study.as_str())
            .with(element::SERIES, series.as_str())
            .asking(&[element::CLASS, element::INSTANCE]);
        let (mut listed, mut nameless) = (Vec::new(), 0);
        let is_cut =
            self.ask(&keys, MOST_INSTANCES, watch, &mut |found| match Uid::new(found.text(element::INSTANCE)) {
                Ok(instance) => listed.push(Listed { instance, class: found.text(element::CLASS).into() }),
                Err(_) => nameless += 1,
            })?;
        if is_cut {
            return Err(self.association.nonsense(&format!("a series of more than {MOST_INSTANCES} instances")));
        }
        listed.sort();
        listed.dedup_by(|one, other| one.instance == other.instance);
        Ok((listed, nameless))
    }

    /// Asks, and hands up to `most` answers on; true where there are more.
    fn ask(&mut self, keys: &Identifier, most: usize, watch: Watch, take: &mut dyn FnMut(&Identifier)) -> Result<bool> {
        let Context { id, syntax, .. } = self.context.clone();
        let message = self.association.next_message();
        self.association.send_command(id, &Command::request(Field::FindRequest, message, kinds::FIND, true), watch)?;
        let bytes = keys.encode(&syntax);
        // Bytes in memory are always there.
        drop(self.association.send_data(id, &mut bytes.as_slice(), watch)?);
        let (mut count, mut is_cut) = (0, false);
        loop {
            let (context, answer) = self.association.next_command(watch)?;
            let data = if answer.has_data_set() {
                Some(self.association.receive_short(context, MOST_BYTES, watch)?)
            } else {
                None
            };
            if answer.field() != Some(Field::FindResponse) {
                return Err(self.association.nonsense("another command than an answer to the search"));
            }
            match (answer.status(), data) {
                (Some(status), Some(_)) if PENDING.contains(&status) && is_cut => {
                    // Some were on their way already.
                    count += 1;
                    if count > 2 * most {
                        return Err(self.association.nonsense("answers without end, although we asked it to stop"));
                    }
                }
                (Some(status), Some(_)) if PENDING.contains(&status) && count == most => {
                    is_cut = true;
                    self.association.send_command(id, &Command::cancel(message), watch)?;
                }
                (Some(status), Some(data)) if PENDING.contains(&status) => {
                    let found = Identifier::decode(data, &syntax, &keys.elements())
                        .map_err(|why| self.association.nonsense(&why))?;
                    take(&found);
                    count += 1;
                }
                (Some(SUCCESS), _) => return Ok(is_cut),
                (Some(status), _) if is_warning(status) || is_cut => return Ok(is_cut),
                _ => return Err(self.association.failed(shown(&answer))),
            }
        }
    }
}

fn note_nameless(answers: &mut Answers, what: &str) {
    let text = format!("A {what} that the server has no valid UID for is left out.");
    if !answers.warnings.contains(&text) {
        answers.warnings.push(text);
    }
}

/// A study of which nothing but the UID is known.
fn blank(study_uid: Uid) -> Match {
    Match {
        study_uid,
        series_uid: None,
        patient_name: String::new(),
        patient_id: String::new(),
        birth_date: String::new(),
        study_date: String::new(),
        study_time: String::new(),
        accession: String::new(),
        modality: String::new(),
        description: String::new(),
        number: String::new(),
        series: None,
        instances: None,
    }
}

fn study_of(found: &Identifier) -> Option<Match> {
    let text = |element| found.text(element).to_string();
    Some(Match {
        patient_name: text(element::PATIENT_NAME),
        patient_id: text(element::PATIENT_ID),
        birth_date: text(element::BIRTH_DATE),
        study_date: text(element::STUDY_DATE),
        study_time: text(element::STUDY_TIME),
        accession: text(element::ACCESSION),
        modality: text(element::MODALITIES),
        description: text(element::STUDY_DESCRIPTION),
        series: found.text(element::SERIES_IN_STUDY).parse().ok(),
        instances: found.text(element::INSTANCES_IN_STUDY).parse().ok(),
        ..blank(Uid::new(found.text(element::STUDY)).ok()?)
    })
}

fn series_of(study: &Match, found: &Identifier) -> Option<Match> {
    Some(Match {
        series_uid: Some(Uid::new(found.text(element::SERIES)).ok()?),
        modality: found.text(element::MODALITY).into(),
        description: found.text(element::SERIES_DESCRIPTION).into(),
        number: found.text(element::SERIES_NUMBER).into(),
        series: None,
        instances: found.text(element::INSTANCES_IN_SERIES).parse().ok(),
        ..study.clone()
    })
}

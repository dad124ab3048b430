//! What becomes of one element under the profile and what the user wishes besides.

use std::collections::BTreeSet;

use dicom::core::dictionary::DataDictionary;
use dicom::core::{Tag, VR};
use dicom::dictionary_std::{StandardDataDictionary, tags};

use super::profile::{Basic, Instead, ProfileOption, row_of};

/// What happens to dates and times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dates {
    /// They go.
    #[default]
    Removed,
    /// They become earlier, by as many days for all files of a patient.
    Shifted,
    /// They stay.
    Kept,
}

/// What may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// Identifiers of studies, series and instances.
    Uids,
    /// Which device took the images.
    Device,
    /// Which institution it stands in.
    Institution,
    /// Age, sex, size, weight and the like.
    Patient,
    /// Descriptions in words, without the words that name the patient.
    Descriptors,
}

/// What the user wishes besides the basic profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Dates and times.
    pub dates: Dates,
    /// What stays.
    pub kept: BTreeSet<Kept>,
}

impl Wishes {
    fn options(&self) -> impl Iterator<Item = ProfileOption> {
        let dates = match self.dates {
            Dates::Removed => None,
            Dates::Shifted => Some(ProfileOption::Shifted),
            Dates::Kept => Some(ProfileOption::Dates),
        };
        let kept = self.kept.iter().map(|kept| match kept {
            Kept::Uids => ProfileOption::Uids,
            Kept::Device => ProfileOption::Device,
            Kept::Institution => ProfileOption::Institution,
            Kept::Patient => ProfileOption::Patient,
            Kept::Descriptors => ProfileOption::Descriptors,
        });
        dates.into_iter().chain(kept)
    }

    /// Codes and meanings of what is done (PS3.16 CID 7050).
    pub(super) fn methods(&self) -> Vec<(&'static str, &'static str)> {
        let of_option = |option| match option {
            ProfileOption::Uids => ("113110", "Retain UIDs Option"),
            ProfileOption::Device => ("113109", "Retain Device Identity Option"),
            ProfileOption::Institution => ("113112", "Retain Institution Identity Option"),
            ProfileOption::Patient => ("113108", "Retain Patient Characteristics Option"),
            ProfileOption::Dates => ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
            ProfileOption::Shifted => ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
            ProfileOption::Descriptors => ("113105", "Clean Descriptors Option"),
        };
        [("113100", "Basic Application Confidentiality Profile")]
            .into_iter()
            .chain(self.options().map(of_option))
            .collect()
    }
}

/// Identifiers that name a kind of object, a way of storing or a system of codes, and nobody's images.
const NAMES_OF_KINDS: [Tag; 11] = [
    tags::SOP_CLASS_UID,
    tags::RELATED_GENERAL_SOP_CLASS_UID,
    tags::ORIGINAL_SPECIALIZED_SOP_CLASS_UID,
    tags::SOP_CLASSES_IN_STUDY,
    tags::CODING_SCHEME_UID,
    tags::CONTEXT_UID,
    tags::MAPPING_RESOURCE_UID,
    tags::REFERENCED_SOP_CLASS_UID,
    tags::AVAILABLE_TRANSFER_SYNTAX_UID,
    tags::PERTINENT_SOP_CLASSES_IN_STUDY,
    tags::ENCRYPTED_CONTENT_TRANSFER_SYNTAX_UID,
];

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays; what is inside a sequence is looked at.
    Stays,
    /// It goes.
    Goes,
    /// Its value goes.
    Empty,
    /// Its value says nothing.
    Dummy,
    /// Another identifier.
    Uid,
    /// Its date is shifted.
    Shifted,
    /// Words that name the patient go.
    Cleaned,
}

/// What becomes of an element.
pub fn fate(tag: Tag, vr: VR, wishes: &Wishes) -> Fate {
    if tag.group() % 2 == 1 {
        return Fate::Goes;
    }
    let Some(row) = row_of(tag) else {
        // What cannot be looked into, or is not known to anyone, may hold anything. Lengths of groups would be wrong.
        let is_known = tag.element() != 0 && StandardDataDictionary.by_tag(tag).is_some();
        return if is_known { without_row(tag, vr, wishes) } else { Fate::Goes };
    };
    // Without its representation nobody sees what a value holds: what would stay goes.
    if vr == VR::UN {
        let fate = basic(row.basic);
        return if matches!(fate, Fate::Empty | Fate::Dummy) { fate } else { Fate::Goes };
    }
    let said: Vec<Instead> = wishes
        .options()
        .filter_map(|option| row.options.iter().find(|(of, _)| *of == option).map(|(_, instead)| *instead))
        .collect();
    // Of two options the one that says less about the patient counts.
    if said.contains(&Instead::Clean) {
        return match vr {
            VR::DA | VR::DT | VR::TM => Fate::Shifted,
            VR::SQ => Fate::Stays,
            _ if is_text(vr) => Fate::Cleaned,
            _ => basic(row.basic),
        };
    }
    match row.basic {
        _ if said.contains(&Instead::Keep) => Fate::Stays,
        Basic::Inside if vr != VR::SQ => Fate::Goes,
        other => basic(other),
    }
}

/// What becomes of an element of the standard that the table does not name. Most say how an image was made; names, identifiers, dates and
/// what people wrote are treated as those that it names.
fn without_row(tag: Tag, vr: VR, wishes: &Wishes) -> Fate {
    match vr {
        VR::UN => Fate::Goes,
        VR::UI if NAMES_OF_KINDS.contains(&tag) || wishes.kept.contains(&Kept::Uids) => Fate::Stays,
        VR::UI => Fate::Uid,
        VR::PN => Fate::Empty,
        VR::LT | VR::ST | VR::UT | VR::UC => Fate::Cleaned,
        VR::DA | VR::DT => match wishes.dates {
            Dates::Removed => Fate::Dummy,
            Dates::Shifted => Fate::Shifted,
            Dates::Kept => Fate::Stays,
        },
        _ => Fate::Stays,
    }
}

fn basic(basic: Basic) -> Fate {
    match basic {
        Basic::Remove => Fate::Goes,
        Basic::Empty => Fate::Empty,
        Basic::Dummy => Fate::Dummy,
        Basic::Uid => Fate::Uid,
        Basic::Inside => Fate::Stays,
    }
}

/// Whether values are words.
pub fn is_text(vr: VR) -> bool {
    matches!(vr, VR::LO | VR::LT | VR::SH | VR::ST | VR::UC | VR::UT | VR::PN | VR::AE | VR::CS)
}

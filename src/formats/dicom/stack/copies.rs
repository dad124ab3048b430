//! Copies: files with the same UID, the same place and the same pixels. UIDs alone prove nothing.

use std::collections::{BTreeSet, HashMap};

use super::places::{length, minus};
use super::{Member, Stack};
use crate::formats::dicom::frame::Frame;
use crate::formats::dicom::pixels;

/// Most images of one place, or of one UID, among which a copy is looked for.
const MOST_CANDIDATES: usize = 4096;
/// Most of them whose pixels are read, where headers alone do not tell images apart.
const MOST_READ: usize = 16;

/// Leaves out the copies in a series; returns the UIDs that different images share.
///
/// Pixels are read only where two files are alike in everything else.
pub fn leave_out(members: Vec<Member>) -> (Vec<Member>, BTreeSet<String>) {
    if members.windows(2).all(|pair| pair[0].shares_file(&pair[1])) {
        return (members, BTreeSet::new());
    }
    let mut kept: Vec<Member> = Vec::with_capacity(members.len());
    // Frames of a file share its UID and are told by their numbers.
    let mut by_uid: HashMap<(String, usize, usize), Vec<usize>> = HashMap::new();
    let mut by_place: HashMap<[u64; 3], Vec<usize>> = HashMap::new();
    let mut shared = BTreeSet::new();
    for member in members {
        let place = member.position.map(|p| p.map(|v| (v + 0.0).to_bits()));
        let (_, index, tile) = member.rank();
        let uid = Some((member.uid.clone(), index, tile)).filter(|(uid, ..)| !uid.is_empty());
        let same_uid: &[usize] = uid.as_ref().and_then(|uid| by_uid.get(uid)).map_or(&[], Vec::as_slice);
        let same_place: &[usize] = place.as_ref().and_then(|p| by_place.get(p)).map_or(&[], Vec::as_slice);
        let of_uid = same_uid.iter().take(MOST_CANDIDATES).map(|n| (n, true));
        let of_place = same_place.iter().take(MOST_CANDIDATES).map(|n| (n, false));
        let mut read = 0;
        let is_copy = of_uid.chain(of_place).any(|(&n, has_uid)| {
            let other = &kept[n];
            if other.shares_file(&member) || read >= MOST_READ {
                return false;
            }
            let alike = has_uid || (other.number.is_some() && other.acquisition == member.acquisition);
            if !(alike && is_same_image(other, &member)) {
                return false;
            }
            read += 1;
            pixels::are_equal(other, &member)
        });
        if is_copy {
            continue;
        }
        if let Some(uid) = uid {
            if !same_uid.is_empty() {
                shared.insert(uid.0.clone());
            }
            by_uid.entry(uid).or_default().push(kept.len());
        }
        if let Some(place) = place {
            by_place.entry(place).or_default().push(kept.len());
        }
        kept.push(member);
    }
    (kept, shared)
}

/// Whether two headers say the same of place and kind.
fn is_same_image(a: &Frame, b: &Frame) -> bool {
    let same_place = match (a.position, b.position) {
        (Some(p), Some(q)) => length(minus(p, q)) < 1e-3,
        (None, None) => true,
        _ => false,
    };
    same_place
        && a.number == b.number
        && a.rescale == b.rescale
        && a.subject == b.subject
        && a.image_type == b.image_type
        && a.acquisition == b.acquisition
        && (a.directions == b.directions || a.directions.is_none() == b.directions.is_none())
}

/// Says so where images of a stack share their UIDs with others.
pub fn shared_uids(shared: &BTreeSet<String>, stack: &Stack) -> Option<String> {
    let count = stack.instances.iter().filter(|m| shared.contains(&m.uid)).count();
    (count > 0).then(|| {
        format!(
            "{} a SOP Instance UID with a different image of the series; all are kept. \
             The UIDs were changed wrongly, perhaps by an anonymiser.",
            super::counted(count, "image", "share")
        )
    })
}

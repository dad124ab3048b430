//! AFNI's tables of labels: `VALUE_LABEL_DTABLE`, pairs of a number and a name in quotes, and `ATLAS_POINT` with `STRUCT` and `VAL`.
//!
//! They are attributes of the XML in NIfTI extensions of code 4, so their own quotes come as entities. Source: AFNI's README.attributes.

use super::Listed;
use super::caret::{attribute, decoded};

/// The labels of a text.
pub fn labels(text: &str) -> Listed {
    let mut listed = Listed::default();
    // An attribute's text is written as entities, those of a table inside it once more.
    let mut text = decoded(text);
    if text.contains("&lt;") || text.contains("&quot;") {
        text = decoded(&text);
    }
    if let Some((_, table)) = text.split_once("<VALUE_LABEL_DTABLE") {
        let body = table.split_once('>').map_or("", |(_, body)| body);
        let body = body.split_once("</VALUE_LABEL_DTABLE>").map_or(body, |(body, _)| body);
        let mut quoted = body.split('"').skip(1).step_by(2);
        while let (Some(number), Some(name)) = (quoted.next(), quoted.next()) {
            listed.push(number, name, None, true);
        }
        return listed;
    }
    for point in text.split("<ATLAS_POINT").skip(1) {
        let tag = point.split_once('>').map_or(point, |(tag, _)| tag).trim_end_matches('/');
        if let (Some(value), Some(name)) = (attribute(tag, "VAL"), attribute(tag, "STRUCT")) {
            listed.push(&value, &name, None, true);
        }
    }
    listed
}

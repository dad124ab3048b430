//! Standardised uptake values of PET by body weight (SUVbw): what values are multiplied by.
//!
//! Source: the vendor-neutral pseudo-code for SUV of the Quantitative Imaging Biomarkers Alliance (QIBA), which DICOM's PET module
//! (PS3.3 C.8.9) leaves to readers. Where a field is missing or contradicts the others there is a reason instead of a factor.

use dicom::core::Tag;
use dicom::dictionary_std::tags;

use super::frame::Frame;
use super::segmentation::dataset::{DataSet, HeaderBytes};
use super::stack::Stack;
use crate::volume::Uptake;

const DAY: f64 = 86_400.0;
const HALF_DAY: f64 = DAY / 2.0;
/// After so many half lives nothing is left to see: a date is wrong.
const MOST_HALF_LIVES: f64 = 24.0;
/// Becquerels below this are megabecquerels that were written by mistake.
const LEAST_DOSE: f64 = 1e4;

/// The factor of a PET scan; none for other scans.
pub fn of_stack(stack: &Stack) -> Option<Uptake> {
    let first = stack.instances.first().filter(|first| first.modality.eq_ignore_ascii_case("PT"))?;
    // The start of the scan is not after any of its images.
    let moment = |frame: &&Frame| frame.acquisition.acquired.unwrap_or(f64::INFINITY);
    let frames = || stack.instances.iter().map(AsRef::as_ref);
    let earliest: &Frame = frames().min_by(|a, b| moment(a).total_cmp(&moment(b))).unwrap_or(first);
    let factor = HeaderBytes::read(&earliest.path, &earliest.structure)
        .and_then(|header| factor(header.data_set(), earliest.acquisition.acquired.and_then(seconds)));
    Some(match factor {
        Ok(factor) => Uptake::Factor(factor),
        Err(reason) => Uptake::Unknown(reason),
    })
}

/// The factor by a header, and the moment at which its image began.
fn factor(set: DataSet, acquired: Option<f64>) -> Result<f64, String> {
    let units = set.code(tags::UNITS).ok_or("the file gives no Units")?;
    match units.as_str() {
        "BQML" => by_dose(set, acquired),
        "CNTS" => {
            let own = |element| private(set, 0x7053, "Philips PET Private Group", element);
            let number = |tag: Tag, name: &str| positive(set, tag, name);
            match (own(0x00), own(0x09)) {
                (Some(tag), _) if number(tag, "").is_ok() => {
                    check_corrections(set)?;
                    number(tag, "the SUV factor of Philips")
                }
                (_, Some(tag)) => Ok(number(tag, "the activity factor of Philips")? * by_dose(set, acquired)?),
                _ => {
                    Err("the values are counts (CNTS), and the file has none of the factors that Philips gives".into())
                }
            }
        }
        "GML" => match set.code(tags::SUV_TYPE).as_deref() {
            None | Some("BW") => Ok(1.0),
            Some(other) => Err(format!("the values are uptake of another kind ({other}), not by body weight")),
        },
        other => Err(format!("Units is {other:?}; BQML, CNTS and GML can be read")),
    }
}

/// Attenuation and decay must be corrected.
fn check_corrections(set: DataSet) -> Result<(), String> {
    let corrected = set.code(tags::CORRECTED_IMAGE).unwrap_or_default();
    let has = |names: &[&str]| corrected.split('\\').any(|name| names.contains(&name.trim()));
    if has(&["ATTN"]) && has(&["DECY", "DECAY"]) {
        return Ok(());
    }
    Err(format!("Corrected Image is {corrected:?}, without ATTN (attenuation) and DECY (decay)"))
}

/// Grams a becquerel: the factor of values in becquerel a millilitre.
fn by_dose(set: DataSet, acquired: Option<f64>) -> Result<f64, String> {
    check_corrections(set)?;
    let drugs = set.items(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE);
    let drug = match drugs[..] {
        [] => return Err("the file does not say what was injected (Radiopharmaceutical Information Sequence)".into()),
        [only] => only,
        _ => return Err(format!("the file names {} injections; one is needed", drugs.len())),
    };
    let weight = positive(set, tags::PATIENT_WEIGHT, "Patient's Weight")?;
    let dose = positive(drug, tags::RADIONUCLIDE_TOTAL_DOSE, "Radionuclide Total Dose")?;
    if dose < LEAST_DOSE {
        return Err(format!("Radionuclide Total Dose is {dose}, which cannot be becquerels"));
    }
    let left = match set.code(tags::DECAY_CORRECTION).as_deref() {
        Some("ADMIN") => dose,
        Some("START") => {
            let half_life = positive(drug, tags::RADIONUCLIDE_HALF_LIFE, "Radionuclide Half Life")?;
            let elapsed = since_injection(drug, scan_start(set, acquired, half_life)?)?;
            if elapsed > MOST_HALF_LIVES * half_life {
                return Err(format!(
                    "the scan is {elapsed:.0} s after the injection, and half of it decays in {half_life} s"
                ));
            }
            dose * (-elapsed / half_life).exp2()
        }
        Some(other) => return Err(format!("Decay Correction is {other:?}; START and ADMIN can be read")),
        None => return Err("the file gives no Decay Correction".into()),
    };
    Ok(weight * 1000.0 / left)
}

/// The moment that the values are corrected to.
fn scan_start(set: DataSet, acquired: Option<f64>, half_life: f64) -> Result<f64, String> {
    let series = moment(set, tags::SERIES_DATE, tags::SERIES_TIME);
    match (series, acquired) {
        (Some(series), Some(acquired)) if series <= acquired => return Ok(series),
        (Some(series), None) => return Ok(series),
        _ => {}
    }
    // Series that were made later have a later date: then the vendor's own, or back from the middle of the image.
    let vendor = private(set, 0x0009, "GEMS_PETD_01", 0x0D).and_then(|tag| date_time(&set.code(tag)?));
    if let Some(vendor) = vendor {
        return Ok(vendor);
    }
    let acquired = acquired.ok_or("the file gives no Series Time and no Acquisition Time")?;
    let milliseconds = |tag| set.exactly::<1>(tag, "").ok().flatten().map(|[ms]| ms / 1000.0).filter(|s| *s > 0.0);
    let (Some(reference), Some(duration)) =
        (milliseconds(tags::FRAME_REFERENCE_TIME), milliseconds(tags::ACTUAL_FRAME_DURATION))
    else {
        return Ok(acquired);
    };
    let decay = std::f64::consts::LN_2 / half_life;
    let during = decay * duration;
    let average = (during / -(-during).exp_m1()).ln() / decay;
    Ok(acquired - reference + average)
}

/// Seconds from the injection to the scan.
fn since_injection(drug: DataSet, scan: f64) -> Result<f64, String> {
    let with_date = drug.code(tags::RADIOPHARMACEUTICAL_START_DATE_TIME).and_then(|text| date_time(&text));
    let elapsed = match with_date {
        Some(start) => scan - start,
        None => {
            let text = drug.code(tags::RADIOPHARMACEUTICAL_START_TIME);
            let time = text.as_deref().and_then(time_of_day).ok_or("the file gives no time of the injection")?;
            let elapsed = scan.rem_euclid(DAY) - time;
            // Over midnight.
            if elapsed < -HALF_DAY { elapsed + DAY } else { elapsed }
        }
    };
    if elapsed < 0.0 {
        return Err(format!("the injection is {:.0} s after the start of the scan", -elapsed));
    }
    Ok(elapsed)
}

fn positive(set: DataSet, tag: Tag, name: &str) -> Result<f64, String> {
    match set.exactly::<1>(tag, name)? {
        Some([value]) if value > 0.0 => Ok(value),
        Some([value]) => Err(format!("{name} is {value}")),
        None => Err(format!("the file gives no {name}")),
    }
}

/// An element of a block that a vendor has reserved.
fn private(set: DataSet, group: u16, creator: &str, element: u16) -> Option<Tag> {
    let block = (0x10..=0xFFu16).find(|&block| set.code(Tag(group, block)).is_some_and(|name| name == creator))?;
    Some(Tag(group, block << 8 | element))
}

/// Seconds of a date and a time.
fn moment(set: DataSet, date: Tag, time: Tag) -> Option<f64> {
    Some(days(&set.code(date)?)? * DAY + time_of_day(&set.code(time)?)?)
}

/// Seconds of a moment that is written as one ascending number.
fn seconds(moment: f64) -> Option<f64> {
    date_time(&format!("{moment:017.2}"))
}

/// Seconds of a date with its time; the offset from UTC is left out, as in the other times of the file.
fn date_time(text: &str) -> Option<f64> {
    let text = text.split(['+', '-']).next()?;
    Some(days(text.get(..8)?)? * DAY + time_of_day(text.get(8..)?)?)
}

/// Days of a date from a day far back.
fn days(text: &str) -> Option<f64> {
    let date = dicom::core::chrono::NaiveDate::parse_from_str(&text.replace(['.', '-'], ""), "%Y%m%d").ok()?;
    Some(f64::from(dicom::core::chrono::Datelike::num_days_from_ce(&date)))
}

/// Seconds of `hhmmss.f`; what is left out at the end is zero.
fn time_of_day(text: &str) -> Option<f64> {
    let text = text.replace(':', "");
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if whole.len() < 2 || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| whole.get(at..at + 2).map_or(Some(0.0), |digits| digits.parse::<f64>().ok());
    let fraction = if part.is_empty() { 0.0 } else { format!("0.{part}").parse().ok()? };
    Some(two(0)? * 3600.0 + two(2)? * 60.0 + two(4)? + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds() {
        assert_eq!(time_of_day("101112.5"), Some(36_672.5));
        assert_eq!(time_of_day("10:11:12"), Some(36_672.0));
        assert_eq!(time_of_day("1011"), Some(36_660.0));
        for wrong in ["", "1", "ab", "10-11", "1011xx"] {
            assert_eq!(time_of_day(wrong), None, "{wrong}");
        }
        let [before, after] = ["20191231235959", "20200101000001.5"].map(|text| date_time(text).unwrap());
        assert_eq!(after - before, 2.5);
        assert_eq!(seconds(20_200_101_000_001.5), Some(after));
        assert_eq!(seconds(1.5), None);
        assert_eq!(date_time("20190230000000"), None);
    }
}

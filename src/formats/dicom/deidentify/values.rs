//! Values that say nothing, and dates that are shifted.

use dicom::core::chrono::{Days, NaiveDate};
use dicom::core::{PrimitiveValue, VR};

/// A value of a representation that says nothing, not empty; none where there is no such value.
pub fn dummy(vr: VR) -> Option<PrimitiveValue> {
    Some(match vr {
        VR::LO | VR::SH | VR::ST | VR::LT | VR::UT | VR::UC | VR::CS => "ANONYMIZED".into(),
        VR::PN | VR::AE => "ANONYMOUS".into(),
        VR::AS => "000Y".into(),
        VR::DA => "19000101".into(),
        VR::DT => "19000101000000".into(),
        VR::TM => "000000".into(),
        VR::DS | VR::IS => "0".into(),
        VR::FD => 0.0_f64.into(),
        VR::FL => 0.0_f32.into(),
        VR::SL => 0_i32.into(),
        VR::SS => 0_i16.into(),
        VR::UL => 0_u32.into(),
        VR::US => 0_u16.into(),
        VR::SV => 0_i64.into(),
        VR::UV => 0_u64.into(),
        VR::OB | VR::UN => PrimitiveValue::U8(vec![0, 0].into()),
        _ => return None,
    })
}

/// A date or a moment so many days earlier, its time of day as it was; none where the text is no date.
pub fn shifted(text: &str, days: i64) -> Option<String> {
    let text = text.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let (date, rest) = text.split_at_checked(8)?;
    // Dates were once written with dots.
    if !date.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok()?;
    let earlier = date.checked_sub_days(Days::new(days.unsigned_abs()))?;
    Some(format!("{}{rest}", earlier.format("%Y%m%d")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_shifted_over_ends_of_years_and_what_is_none_is_told() {
        assert_eq!(shifted("20240301", 1).as_deref(), Some("20240229"));
        assert_eq!(shifted("20240101093000.25+0100 ", 31).as_deref(), Some("20231201093000.25+0100"));
        for wrong in ["", "2024", "2024.01.01", "20241301", "00000000", "tomorrow", "2024ä0101"] {
            assert_eq!(shifted(wrong, 31), None, "{wrong}");
        }
    }

    #[test]
    fn no_value_that_says_nothing_is_empty() {
        for vr in [VR::PN, VR::LO, VR::DA, VR::TM, VR::DT, VR::US, VR::FD, VR::OB, VR::AS] {
            assert!(!dummy(vr).unwrap().to_bytes().is_empty(), "{vr}");
        }
    }
}

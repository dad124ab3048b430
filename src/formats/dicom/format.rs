//! Layout of the samples of a frame, as the header declares it.

use dicom::dictionary_std::tags;

use super::fields::Fields;
use super::instance::Refusal;
use super::structure::PixelData;

/// Layout of the samples of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelFormat {
    /// Rows of a frame.
    pub rows: usize,
    /// Columns of a frame.
    pub columns: usize,
    /// 1 grey, 3 colour.
    pub samples: usize,
    /// Bits of storage per sample.
    pub bits_allocated: usize,
    /// Bits in use.
    pub bits_stored: usize,
    /// Highest bit in use.
    pub high_bit: usize,
    /// Two's complement.
    pub signed: bool,
    /// Colour planes one after the other instead of interleaved.
    pub planar: bool,
    /// Photometric Interpretation.
    pub photometric: String,
}

impl PixelFormat {
    /// Pixels of a frame.
    pub fn pixels(&self) -> usize {
        self.rows * self.columns
    }

    /// Bits of a frame that is stored uncompressed. Chroma of 4:2:2 is stored for every second pixel only.
    pub fn frame_bits(&self) -> u64 {
        let samples = if self.photometric == "YBR_FULL_422" { 2 } else { self.samples };
        (self.pixels() * samples * self.bits_allocated) as u64
    }

    /// Chroma of 4:2:2 that is stored for every pixel all the same: then the pixels are as long as those of full colour.
    pub fn is_full_in_truth(&self, stored: &PixelData, frames: usize) -> bool {
        let bytes = (self.pixels() as u64).saturating_mul(3).saturating_mul(frames as u64);
        self.photometric == "YBR_FULL_422"
            && matches!(stored, PixelData::Native { length, .. } if *length == bytes || *length == bytes + bytes % 2)
    }

    /// Whether samples are numbers of a colour table.
    pub fn is_palette(&self) -> bool {
        self.photometric == "PALETTE COLOR"
    }
}

/// Reads the layout.
///
/// # Errors
/// For layouts that contradict themselves, and for those that are no image.
pub fn pixel_format(fields: &Fields) -> Result<PixelFormat, Refusal> {
    let required = |tag, name: &'static str| {
        fields.size(tag, name)?.ok_or_else(|| Refusal::Malformed(format!("{name} is missing")))
    };
    let assumed = |text: &str| fields.warnings.borrow_mut().push(text.to_string());
    let rows = required(tags::ROWS, "Rows")?;
    let columns = required(tags::COLUMNS, "Columns")?;
    let possible = 1..=usize::from(u16::MAX);
    if !possible.contains(&rows) || !possible.contains(&columns) {
        return Err(Refusal::Malformed(format!("the image has {rows} rows and {columns} columns")));
    }
    let samples = fields.size(tags::SAMPLES_PER_PIXEL, "Samples per Pixel")?.unwrap_or(1);
    let photometric = fields.text(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_else(|| "MONOCHROME2".into());
    let bits_allocated = required(tags::BITS_ALLOCATED, "Bits Allocated")?;
    if !matches!(bits_allocated, 1 | 8 | 16 | 32) {
        return Err(Refusal::Malformed(format!("Bits Allocated is {bits_allocated}; 1, 8, 16 and 32 can be read")));
    }
    let bits_stored = fields.size(tags::BITS_STORED, "Bits Stored")?.unwrap_or_else(|| {
        assumed("The file gives no Bits Stored; all bits are taken for values.");
        bits_allocated
    });
    let high_bit = fields.size(tags::HIGH_BIT, "High Bit")?.unwrap_or(bits_stored.saturating_sub(1));
    if bits_stored == 0 || bits_stored > bits_allocated || high_bit >= bits_allocated || high_bit + 1 < bits_stored {
        return Err(Refusal::Malformed(format!(
            "Bits Stored {bits_stored} and High Bit {high_bit} do not fit Bits Allocated {bits_allocated}"
        )));
    }
    match (samples, photometric.as_str()) {
        (1, "MONOCHROME1" | "MONOCHROME2") => {}
        (1, "PALETTE COLOR") if matches!(bits_allocated, 8 | 16) => {}
        (3, "RGB") if bits_allocated > 1 => {}
        (3, "YBR_FULL" | "YBR_ICT" | "YBR_RCT") if matches!(bits_allocated, 8 | 16) => {}
        (3, "YBR_FULL_422") if bits_allocated == 8 => {}
        _ => {
            return Err(Refusal::OtherObject(format!(
                "a colour image ({photometric}, {samples} samples per pixel, {bits_allocated} bits), which is not an intensity image"
            )));
        }
    }
    let signed = match fields.whole(tags::PIXEL_REPRESENTATION, "Pixel Representation")? {
        Some(value @ (0 | 1)) => value == 1,
        Some(value) => return Err(Refusal::Malformed(format!("Pixel Representation is {value}; 0 or 1 is needed"))),
        None => {
            assumed(
                "The file does not say whether its values are signed (Pixel Representation); they are taken for unsigned.",
            );
            false
        }
    };
    let planar = match fields.whole(tags::PLANAR_CONFIGURATION, "Planar Configuration") {
        _ if samples == 1 => false,
        Ok(Some(1)) => true,
        Ok(Some(0) | None) => false,
        Ok(Some(value)) => {
            return Err(Refusal::Malformed(format!("Planar Configuration is {value}; 0 or 1 is needed")));
        }
        Err(refusal) => return Err(refusal),
    };
    Ok(PixelFormat { rows, columns, samples, bits_allocated, bits_stored, high_bit, signed, planar, photometric })
}

//! RLE Lossless. Source: DICOM PS3.5 annex G.

/// Decodes one frame into little-endian samples, colour interleaved.
///
/// # Errors
/// When the segments do not cover the frame.
pub fn decode(data: &[u8], pixels: usize, samples: usize, bytes_per_sample: usize) -> Result<Vec<u8>, String> {
    let word = |n: usize| -> Option<usize> {
        let raw = data.get(4 * n..4 * n + 4)?;
        Some(u32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]) as usize)
    };
    let segments = samples * bytes_per_sample;
    match word(0) {
        Some(count) if count == segments && count <= 15 => {}
        count => return Err(format!("the RLE header declares {count:?} segments, {segments} are needed")),
    }
    let mut out = vec![0; pixels * segments];
    for segment in 0..segments {
        let start = word(segment + 1).unwrap_or(usize::MAX);
        let end = if segment + 1 < segments { word(segment + 2).unwrap_or(0) } else { data.len() };
        let packed = data.get(start..end).ok_or_else(|| format!("RLE segment {segment} lies outside the frame"))?;
        // Segments hold the most significant byte first; samples are stored little-endian.
        let (sample, byte) = (segment / bytes_per_sample, segment % bytes_per_sample);
        let first = sample * bytes_per_sample + (bytes_per_sample - 1 - byte);
        let mut targets = out.iter_mut().skip(first).step_by(segments);
        let mut written = 0;
        unpack(packed, |value| {
            if let Some(target) = targets.next() {
                *target = value;
                written += 1;
            }
        });
        if written < pixels {
            return Err(format!("RLE segment {segment} holds {written} of {pixels} bytes"));
        }
    }
    Ok(out)
}

/// `PackBits`: a count byte n, then n + 1 literal bytes, or one byte repeated 1 - n times.
fn unpack(packed: &[u8], mut emit: impl FnMut(u8)) {
    let mut rest = packed;
    while let Some((&count, tail)) = rest.split_first() {
        let count = i16::from(count.cast_signed());
        if count >= 0 {
            let length = (usize::from(count.unsigned_abs()) + 1).min(tail.len());
            tail[..length].iter().for_each(|&value| emit(value));
            rest = &tail[length..];
        } else if count == -128 {
            rest = tail;
        } else {
            let Some((&value, after)) = tail.split_first() else { return };
            (0..=-count).for_each(|_| emit(value));
            rest = after;
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]
mod tests {
    use super::*;

    #[test]
    fn a_16_bit_frame_is_put_together() {
        let mut data = vec![2, 0, 0, 0, 64, 0, 0, 0, 66, 0, 0, 0];
        data.resize(64, 0);
        data.extend([(-3i8) as u8, 1]); // four high bytes of 1
        data.extend([3, 10, 20, 30, 40]); // four literal low bytes
        let decoded = decode(&data, 4, 1, 2).unwrap();
        assert_eq!(decoded, [10, 1, 20, 1, 30, 1, 40, 1]);
        assert!(decode(&data[..68], 4, 1, 2).is_err());
    }
}

//! Bytes in the wrapping that a program would have put around them, so that chance need not find a checksum or a header first.

use std::io::Write;

/// Transfer syntaxes of the decoders: RLE, JPEG (8 and 12 bits, lossless), JPEG-LS, deflate and none.
pub const SYNTAXES: [&str; 8] = [
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.1",
];
/// Those of JPEG 2000, which has decoders that are not ours.
pub const JPEG_2000: [&str; 2] = ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"];
/// The length of what stands in front of the pixels.
const HEAD: usize = 8;

fn element(out: &mut Vec<u8>, group: u16, number: u16, vr: &[u8; 2], value: &[u8]) {
    out.extend(group.to_le_bytes());
    out.extend(number.to_le_bytes());
    out.extend(vr);
    let padding = value.len() % 2;
    let length = value.len() + padding;
    if vr == b"OB" || vr == b"OW" {
        out.extend([0, 0]);
        out.extend((length as u32).to_le_bytes());
    } else {
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(value);
    out.extend(std::iter::repeat_n(if vr == b"UI" { 0 } else { b' ' }, padding));
}

/// A DICOM image with these pixels: transfer syntax, bits allocated and stored, bits of flags (sign, order of planes, colour, two frames),
/// rows and columns as little-endian words, then the bytes. At most 512 rows and columns.
pub fn pixels(bytes: &[u8], syntaxes: &[&str]) -> Option<Vec<u8>> {
    let (head, data) = bytes.split_at_checked(HEAD)?;
    let syntax = syntaxes[usize::from(head[0]) % syntaxes.len()];
    let (allocated, stored, flags) = (u16::from(head[1]), u16::from(head[2]), head[3]);
    let side = |at: usize| 1 + (u16::from_le_bytes([head[at], head[at + 1]]).wrapping_sub(1)) % 512;
    let (rows, columns) = (side(4), side(6));
    let samples: u16 = if flags & 4 == 0 { 1 } else { 3 };
    let photometric: &[u8] = match (samples, flags >> 4) {
        (1, 0..8) => b"MONOCHROME2",
        (1, _) => b"MONOCHROME1",
        (_, 0..4) => b"RGB",
        (_, 4..8) => b"YBR_FULL",
        (_, 8..12) => b"YBR_RCT",
        _ => b"YBR_FULL_422",
    };
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    element(&mut file, 2, 0x10, b"UI", syntax.as_bytes());
    element(&mut file, 8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.7");
    element(&mut file, 8, 0x18, b"UI", b"1.2.3.4.5");
    element(&mut file, 0x20, 0x0D, b"UI", b"1.2.3");
    element(&mut file, 0x20, 0x0E, b"UI", b"1.2.3.4");
    element(&mut file, 0x28, 0x02, b"US", &samples.to_le_bytes());
    element(&mut file, 0x28, 0x04, b"CS", photometric);
    if samples == 3 {
        element(&mut file, 0x28, 0x06, b"US", &[flags >> 1 & 1, 0]);
    }
    if flags & 8 != 0 {
        element(&mut file, 0x28, 0x08, b"IS", b"2");
    }
    let last = stored.wrapping_sub(1);
    for (number, value) in [(0x10, rows), (0x11, columns), (0x100, allocated), (0x101, stored), (0x102, last)] {
        element(&mut file, 0x28, number, b"US", &value.to_le_bytes());
    }
    element(&mut file, 0x28, 0x103, b"US", &[flags & 1, 0]);
    if syntax == "1.2.840.10008.1.2.1" {
        element(&mut file, 0x7FE0, 0x10, b"OW", data);
        return Some(file);
    }
    file.extend(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0");
    let (first, second) = data.split_at(if flags & 8 == 0 { data.len() } else { data.len() / 2 });
    for fragment in [first, second].into_iter().filter(|fragment| !fragment.is_empty()) {
        let padding = fragment.len() % 2;
        file.extend(b"\xFE\xFF\x00\xE0");
        file.extend(((fragment.len() + padding) as u32).to_le_bytes());
        file.extend(fragment);
        file.extend(std::iter::repeat_n(0, padding));
    }
    file.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    Some(file)
}

/// Makes the checksums of a PNG's chunks right, as far as its lengths lead.
pub fn mend_png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let Some(end) = at.checked_add(8).and_then(|start| start.checked_add(length)) else { return };
        let Some(sum) = bytes.get(at + 4..end).map(crc32fast::hash) else { return };
        let Some(place) = bytes.get_mut(end..end + 4) else { return };
        place.copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}

/// A model file without tensors, whose text is this.
pub fn model_file(spec: &[u8]) -> Vec<u8> {
    let mut header = b"{\"__metadata__\":{\"lamella\":\"".to_vec();
    for character in String::from_utf8_lossy(spec).chars() {
        match character {
            '"' | '\\' => header.extend([b'\\', character as u8]),
            '\0'..' ' => header.extend(format!("\\u{:04x}", u32::from(character)).bytes()),
            other => header.extend(other.to_string().bytes()),
        }
    }
    header.extend(b"\"}}");
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file
}

/// An archive as `torch.save` makes it, with this pickle and four storages of 4096 zeros.
pub fn archive(pickle: &[u8]) -> Option<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let plain = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut put = |name: &str, bytes: &[u8]| -> Option<()> {
        archive.start_file(name, plain).ok()?;
        archive.write_all(bytes).ok()
    };
    put("archive/data.pkl", pickle)?;
    for storage in 0..4 {
        put(&format!("archive/data/{storage}"), &[0; 4096])?;
    }
    archive.finish().ok().map(std::io::Cursor::into_inner)
}

//! Small DICOM files, made element by element, so that each can break one rule.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)]
#![allow(clippy::trivially_copy_pass_by_ref, reason = "byte strings are written as references")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

pub const IMPLICIT: &str = "1.2.840.10008.1.2";
pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub const BIG: &str = "1.2.840.10008.1.2.2";

pub const PIXELS: (u16, u16) = (0x7FE0, 0x0010);

#[derive(Clone)]
pub enum Value {
    Text(String),
    Words(Vec<u16>),
    Raw(Vec<u8>),
}

/// A file in the making.
#[derive(Clone)]
pub struct Made {
    pub elements: BTreeMap<(u16, u16), ([u8; 2], Value)>,
    /// Bytes put in front of the first element above this tag, as they are.
    pub inserted: Vec<((u16, u16), Vec<u8>)>,
    /// Transfer syntax that the meta information names.
    pub claimed: String,
    /// Transfer syntax by which the data set is written.
    pub written: String,
}

/// Ends a chain of changes.
pub fn done(_: &mut Made) {}

pub const COLUMNS: u16 = 4;
pub const ROWS: u16 = 3;

/// An axial MR slice at `z`; every pixel is `value` and its own index.
pub fn slice(number: i64, z: f64, value: u16) -> Made {
    let mut made =
        Made { elements: BTreeMap::new(), inserted: Vec::new(), claimed: EXPLICIT.into(), written: EXPLICIT.into() };
    made.text((0x0008, 0x0008), b"CS", "ORIGINAL\\PRIMARY\\M\\ND");
    made.text((0x0008, 0x0016), b"UI", "1.2.840.10008.5.1.4.1.1.4");
    made.text((0x0008, 0x0018), b"UI", &format!("1.2.3.4.{number}"));
    made.text((0x0008, 0x0060), b"CS", "MR");
    made.text((0x0008, 0x103E), b"LO", "made");
    made.text((0x0010, 0x0010), b"PN", "MADE^ONE");
    made.text((0x0010, 0x0020), b"LO", "P1");
    made.text((0x0018, 0x0050), b"DS", "2.0");
    made.text((0x0020, 0x000D), b"UI", "1.2.3.1");
    made.text((0x0020, 0x000E), b"UI", "1.2.3.2");
    made.text((0x0020, 0x0013), b"IS", &number.to_string());
    made.text((0x0020, 0x0032), b"DS", &format!("-20\\-15\\{z}"));
    made.text((0x0020, 0x0037), b"DS", "1\\0\\0\\0\\1\\0");
    made.text((0x0020, 0x0052), b"UI", "1.2.3.3");
    made.words((0x0028, 0x0002), &[1]);
    made.text((0x0028, 0x0004), b"CS", "MONOCHROME2");
    made.words((0x0028, 0x0010), &[ROWS]);
    made.words((0x0028, 0x0011), &[COLUMNS]);
    made.text((0x0028, 0x0030), b"DS", "0.9\\0.8");
    made.words((0x0028, 0x0100), &[16]);
    made.words((0x0028, 0x0101), &[16]);
    made.words((0x0028, 0x0102), &[15]);
    made.words((0x0028, 0x0103), &[0]);
    let pixels: Vec<u16> = (0..ROWS * COLUMNS).map(|n| value + n).collect();
    made.elements.insert(PIXELS, (*b"OW", Value::Words(pixels)));
    made
}

impl Made {
    pub fn text(&mut self, tag: (u16, u16), vr: &[u8; 2], text: &str) -> &mut Self {
        self.elements.insert(tag, (*vr, Value::Text(text.into())));
        self
    }

    pub fn words(&mut self, tag: (u16, u16), words: &[u16]) -> &mut Self {
        self.elements.insert(tag, (*b"US", Value::Words(words.to_vec())));
        self
    }

    pub fn raw(&mut self, tag: (u16, u16), vr: &[u8; 2], bytes: &[u8]) -> &mut Self {
        self.elements.insert(tag, (*vr, Value::Raw(bytes.to_vec())));
        self
    }

    pub fn without(&mut self, tag: (u16, u16)) -> &mut Self {
        self.elements.remove(&tag);
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let big = self.written == BIG;
        let u16_bytes = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let u32_bytes = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut set = Vec::new();
        let mut inserted = self.inserted.clone();
        for (&tag, (vr, value)) in &self.elements {
            while let Some(at) = inserted.iter().position(|(before, _)| *before < tag) {
                set.extend(inserted.remove(at).1);
            }
            let mut bytes = match value {
                Value::Text(text) => text.as_bytes().to_vec(),
                Value::Words(words) => words.iter().flat_map(|&w| u16_bytes(w)).collect(),
                Value::Raw(bytes) => bytes.clone(),
            };
            if bytes.len() % 2 == 1 && matches!(value, Value::Text(_)) {
                bytes.push(if vr == b"UI" { 0 } else { b' ' });
            }
            set.extend(u16_bytes(tag.0));
            set.extend(u16_bytes(tag.1));
            let length = bytes.len() as u32;
            if self.written == IMPLICIT {
                set.extend(u32_bytes(length));
            } else {
                set.extend(vr);
                if [b"OB", b"OW", b"UN", b"UT", b"SQ"].contains(&vr) {
                    set.extend([0, 0]);
                    set.extend(u32_bytes(length));
                } else {
                    set.extend(u16_bytes(length as u16));
                }
            }
            set.extend(bytes);
        }
        if self.written == DEFLATED {
            let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
            deflater.write_all(&set).unwrap();
            set = deflater.finish().unwrap();
        }
        let mut meta = Vec::new();
        for (element, text) in [(2u16, "1.2.840.10008.5.1.4.1.1.4"), (3, "1.2.3.4"), (16, self.claimed.as_str())] {
            let mut text = text.as_bytes().to_vec();
            if text.len() % 2 == 1 {
                text.push(0);
            }
            meta.extend([2, 0]);
            meta.extend(element.to_le_bytes());
            meta.extend(b"UI");
            meta.extend((text.len() as u16).to_le_bytes());
            meta.extend(text);
        }
        let mut file = vec![0; 128];
        file.extend(b"DICM");
        file.extend(meta);
        file.extend(set);
        file
    }

    pub fn save(&self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }
}

//! Files made byte by byte. Values that tifffile 2026.3.3 gave for the same bytes are named where they come from.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

use std::path::{Path, PathBuf};

use crate::formats::error::Result;
use crate::volume::Volume;
use crate::work::Watch;

mod described;
mod stored;

/// A field of a directory: number, and values of 16 or 32 bits, text, or a fraction.
enum Field {
    Short(u16, Vec<u16>),
    Long(u16, Vec<u32>),
    Text(u16, Vec<u8>),
    Fraction(u16, [u32; 2]),
}
use Field::{Fraction, Long, Short, Text};

/// A TIFF whose pages have one strip each.
struct File {
    big_endian: bool,
    bytes: Vec<u8>,
    /// Where the place of the next directory is to be written.
    link: usize,
}

impl File {
    fn new(big_endian: bool) -> Self {
        let mut file = Self { big_endian, bytes: if big_endian { b"MM".to_vec() } else { b"II".to_vec() }, link: 4 };
        file.short(42);
        file.long(0);
        file
    }

    fn short(&mut self, value: u16) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn long(&mut self, value: u32) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn place(&mut self) -> u32 {
        if !self.bytes.len().is_multiple_of(2) {
            self.bytes.push(0);
        }
        self.bytes.len() as u32
    }

    /// Writes pixels; gives their place.
    fn pixels(&mut self, pixels: &[u8]) -> [u32; 2] {
        let place = self.place();
        self.bytes.extend(pixels);
        [place, pixels.len() as u32]
    }

    /// A page of grey values; `more` replaces fields of the same number.
    fn page(&mut self, size: [u16; 2], bits: u16, strip: [u32; 2], more: Vec<Field>) -> &mut Self {
        let mut fields = vec![
            Short(256, vec![size[0]]),
            Short(257, vec![size[1]]),
            Short(258, vec![bits]),
            Short(259, vec![1]),
            Short(262, vec![1]),
            Long(273, vec![strip[0]]),
            Short(277, vec![1]),
            Long(279, vec![strip[1]]),
        ];
        let tag = |field: &Field| match field {
            Short(tag, _) | Long(tag, _) | Text(tag, _) | Fraction(tag, _) => *tag,
        };
        fields.retain(|field| more.iter().all(|other| tag(other) != tag(field)));
        fields.extend(more);
        fields.sort_by_key(tag);
        let mut entries = Vec::new();
        for field in &fields {
            let start = self.bytes.len();
            let (kind, count) = match field {
                Short(_, values) => {
                    values.iter().for_each(|&v| self.short(v));
                    (3, values.len())
                }
                Long(_, values) => {
                    values.iter().for_each(|&v| self.long(v));
                    (4, values.len())
                }
                Text(_, text) => {
                    self.bytes.extend(text);
                    self.bytes.push(0);
                    (2, text.len() + 1)
                }
                Fraction(_, [above, below]) => {
                    self.long(*above);
                    self.long(*below);
                    (5, 1)
                }
            };
            let value = self.bytes.split_off(start);
            let inline = if value.len() <= 4 {
                let mut four = value;
                four.resize(4, 0);
                four
            } else {
                let place = self.place();
                self.bytes.extend(value);
                (if self.big_endian { place.to_be_bytes() } else { place.to_le_bytes() }).to_vec()
            };
            entries.push((tag(field), kind, count as u32, inline));
        }
        let here = self.place();
        let link = if self.big_endian { here.to_be_bytes() } else { here.to_le_bytes() };
        self.bytes[self.link..self.link + 4].copy_from_slice(&link);
        self.short(entries.len() as u16);
        for (tag, kind, count, value) in entries {
            self.short(tag);
            self.short(kind);
            self.long(count);
            self.bytes.extend(value);
        }
        self.link = self.bytes.len();
        self.long(0);
        self
    }

    fn grey(&mut self, size: [u16; 2], bits: u16, pixels: &[u8], more: Vec<Field>) -> &mut Self {
        let strip = self.pixels(pixels);
        self.page(size, bits, strip, more)
    }

    fn open(&self) -> Result<Volume> {
        self.open_as("a.tif")
    }

    fn open_as(&self, name: &str) -> Result<Volume> {
        let folder = tempfile::tempdir().unwrap();
        open(&self.save(folder.path(), name))
    }

    fn save(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, &self.bytes).unwrap();
        path
    }
}

fn open(path: &Path) -> Result<Volume> {
    crate::formats::open_one(path, None, Watch::unwatched())
}

fn described(text: &str) -> Vec<Field> {
    vec![Text(270, text.as_bytes().to_vec())]
}

fn values(volume: &Volume) -> Vec<f64> {
    (0..volume.voxels.len()).map(|n| volume.voxels.get(n).unwrap()).collect()
}

fn warns(volume: &Volume, text: &str) -> bool {
    volume.warnings.iter().any(|warning| warning.contains(text))
}

fn near(volume: &Volume, mm: [f64; 3]) -> bool {
    volume.geometry.spacing_mm().iter().zip(mm).all(|(a, b)| (a / b - 1.0).abs() < 1e-6)
}

trait ConcatFields {
    fn concat_fields(self) -> Vec<Field>;
}

impl ConcatFields for [Vec<Field>; 2] {
    fn concat_fields(self) -> Vec<Field> {
        self.into_iter().flatten().collect()
    }
}

//! A file of named parts, each compressed and with a checksum: a document is whole or is refused.
//!
//! Magic and version; the parts one behind the other, as zlib streams; a directory of them in JSON; its length, its checksum, and the magic
//! again. Numbers are little-endian, checksums are CRC-32. No byte lies outside a checksum or a value that is compared.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use super::{open_regular_file, replace_file};

/// What a container holds: one of another kind is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerKind {
    /// Its first and last bytes.
    pub magic: [u8; 8],
    /// The version that is written, and the newest that is read.
    pub version: u32,
}

/// Magic and version.
const HEADER: usize = 12;
/// The directory's length and checksum, and the magic.
const FOOTER: usize = 16;
/// Most bytes of the directory.
const MOST_DIRECTORY_BYTES: u64 = 16 << 20;

/// Why a container cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// It is another kind of file.
    #[error("it is no such document")]
    OtherKind,
    /// A newer program wrote it.
    #[error("it was written by a newer version of this program (format {0}); update Lamella to open it")]
    Newer(u32),
    /// Something in it is not as it was written.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The file system.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

fn damaged(what: impl Into<String>) -> ContainerError {
    ContainerError::Damaged(what.into())
}

fn missing(name: &str) -> ContainerError {
    damaged(format!("\"{name}\" is missing"))
}

fn changed(name: &str) -> ContainerError {
    damaged(format!("\"{name}\" is not as it was written"))
}

/// A part as it lies in a file: compressed, and summed up. Many can be packed at a time.
#[derive(Debug, Clone)]
pub struct PackedPart {
    bytes: Vec<u8>,
    sum: u32,
}

impl PackedPart {
    /// Compresses bytes.
    ///
    /// # Errors
    /// Those of the compressor.
    pub fn pack(data: &[u8]) -> io::Result<Self> {
        let packed = |level| {
            let mut packed = ZlibEncoder::new(Vec::with_capacity(data.len() / 2), level);
            packed.write_all(data)?;
            packed.finish()
        };
        let mut bytes = packed(Compression::fast())?;
        if bytes.len() > data.len() {
            // The fast way makes noise longer by an eighth.
            bytes = packed(Compression::none())?;
        }
        let sum = crc32fast::hash(&bytes);
        Ok(Self { bytes, sum })
    }

    /// The bytes again, which must be so many.
    ///
    /// # Errors
    /// Where they are not.
    pub fn unpack(&self, count: usize) -> Result<Vec<u8>, ContainerError> {
        let mut data = Vec::with_capacity(count);
        let wanted = (count as u64).saturating_add(1);
        ZlibDecoder::new(self.bytes.as_slice()).take(wanted).read_to_end(&mut data)?;
        if data.len() == count { Ok(data) } else { Err(damaged("a part has another length")) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    name: String,
    /// Compressed.
    bytes: u64,
    sum: u32,
}

/// Counts and sums up what goes through it.
struct Summing<W> {
    inner: W,
    bytes: u64,
    sum: crc32fast::Hasher,
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(data)?;
        self.bytes += written as u64;
        self.sum.update(data.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Takes the parts of a container that is being written.
pub struct ContainerWriter<'a> {
    out: &'a mut BufWriter<File>,
    parts: Vec<Part>,
}

impl ContainerWriter<'_> {
    /// Writes a part.
    ///
    /// # Errors
    /// Those of `write` and of the file system.
    pub fn part<E: From<io::Error>>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let sums = Summing { inner: &mut *self.out, bytes: 0, sum: crc32fast::Hasher::new() };
        let mut packed = ZlibEncoder::new(sums, Compression::fast());
        write(&mut packed)?;
        let Summing { bytes, sum, .. } = packed.finish()?;
        self.parts.push(Part { name: name.into(), bytes, sum: sum.finalize() });
        Ok(())
    }

    /// Writes a part that is packed already.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn packed(&mut self, name: &str, part: &PackedPart) -> io::Result<()> {
        self.out.write_all(&part.bytes)?;
        self.parts.push(Part { name: name.into(), bytes: part.bytes.len() as u64, sum: part.sum });
        Ok(())
    }

    /// Whether a part of this name was written.
    pub fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.name == name)
    }
}

/// Writes a container in place of what is there: aside, synced, renamed.
///
/// # Errors
/// Those of `write` and of the file system; what was there stays then.
pub fn write_container<E: From<io::Error>>(
    path: &Path,
    kind: &ContainerKind,
    write: impl FnOnce(&mut ContainerWriter) -> Result<(), E>,
) -> Result<(), E> {
    replace_file(path, |out| {
        out.write_all(&kind.magic)?;
        out.write_all(&kind.version.to_le_bytes())?;
        let mut writer = ContainerWriter { out, parts: Vec::new() };
        write(&mut writer)?;
        let ContainerWriter { out, parts } = writer;
        let directory = serde_json::to_vec(&parts).map_err(io::Error::from)?;
        let length = u32::try_from(directory.len()).map_err(io::Error::other)?;
        out.write_all(&directory)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&crc32fast::hash(&directory).to_le_bytes())?;
        out.write_all(&kind.magic)?;
        Ok(())
    })
}

/// A container whose checksums were found right.
#[derive(Debug)]
pub struct Container {
    file: File,
    version: u32,
    /// Each with the place where it begins.
    parts: Vec<(u64, Part)>,
    /// Where each is among them; of several of one name the first.
    by_name: HashMap<String, usize>,
}

/// Whether a file begins as a container of a kind.
pub fn is_container(path: &Path, kind: &ContainerKind) -> bool {
    let mut magic = [0; 8];
    open_regular_file(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == kind.magic
}

impl Container {
    /// Opens a container, and reads it once to compare its checksums.
    ///
    /// # Errors
    /// Those of the file system, and what is wrong with the file.
    pub fn open(path: &Path, kind: &ContainerKind) -> Result<Self, ContainerError> {
        let mut container = Self::list(path, kind)?;
        for at in 0..container.parts.len() {
            container.check_at(at)?;
        }
        Ok(container)
    }

    /// Opens a container by its directory alone: whoever reads a part looks first whether it is as it was written.
    ///
    /// # Errors
    /// Those of the file system, and what is wrong with the file besides its parts.
    pub fn list(path: &Path, kind: &ContainerKind) -> Result<Self, ContainerError> {
        let mut file = open_regular_file(path)?;
        let size = file.metadata()?.len();
        let mut head = [0; HEADER];
        if size < HEADER as u64 || file.read_exact(&mut head).is_err() || head[..8] != kind.magic {
            return Err(ContainerError::OtherKind);
        }
        let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
        if version > kind.version {
            return Err(ContainerError::Newer(version));
        }
        if version == 0 {
            return Err(damaged(format!("there is no format {version}")));
        }
        let parts = directory(&mut file, size, kind)?;
        let by_name = parts.iter().enumerate().rev().map(|(at, (_, part))| (part.name.clone(), at)).collect();
        Ok(Self { file, version, parts, by_name })
    }

    fn find(&self, name: &str) -> Option<&(u64, Part)> {
        self.parts.get(*self.by_name.get(name)?)
    }

    /// The names of its parts, in their order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.parts.iter().map(|(_, part)| part.name.as_str())
    }

    /// Compressed bytes of a part, where it has it.
    pub fn packed_bytes(&self, name: &str) -> Option<u64> {
        self.find(name).map(|(_, part)| part.bytes)
    }

    /// Compares a part with its checksum.
    ///
    /// # Errors
    /// Those of the file system, and a part that is missing or not as it was written.
    pub fn check(&mut self, name: &str) -> Result<(), ContainerError> {
        let at = self.by_name.get(name).copied();
        self.check_at(at.ok_or_else(|| missing(name))?)
    }

    fn check_at(&mut self, at: usize) -> Result<(), ContainerError> {
        let Some((start, part)) = self.parts.get(at) else { return Ok(()) };
        self.file.seek(SeekFrom::Start(*start))?;
        if sum_of((&mut self.file).take(part.bytes))? == part.sum { Ok(()) } else { Err(changed(&part.name)) }
    }

    /// A part as it lies in the file, of at most so many compressed bytes. It is compared with its checksum.
    ///
    /// # Errors
    /// As [`Self::check`], and a part that is longer.
    pub fn packed(&mut self, name: &str, most_bytes: u64) -> Result<PackedPart, ContainerError> {
        let (start, part) = self.find(name).cloned().ok_or_else(|| missing(name))?;
        if part.bytes > most_bytes {
            return Err(damaged(format!("\"{name}\" is too long")));
        }
        self.file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&mut self.file).take(part.bytes).read_to_end(&mut bytes)?;
        if crc32fast::hash(&bytes) != part.sum {
            return Err(changed(name));
        }
        Ok(PackedPart { bytes, sum: part.sum })
    }

    /// The version that it was written in: that of its kind, or an older one.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether it has a part.
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Reads a part; one after the other.
    ///
    /// # Errors
    /// Those of the file system, and a part that is not there.
    pub fn part(&mut self, name: &str) -> Result<impl Read + '_, ContainerError> {
        let (start, part) = self.find(name).cloned().ok_or_else(|| missing(name))?;
        self.file.seek(SeekFrom::Start(start))?;
        Ok(ZlibDecoder::new(BufReader::with_capacity(1 << 16, (&mut self.file).take(part.bytes))))
    }

    /// Reads a part that is a JSON document of at most so many bytes.
    ///
    /// # Errors
    /// As [`Self::part`], and a part that is longer or is none.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self, name: &str, most_bytes: u64) -> Result<T, ContainerError> {
        let mut text = Vec::new();
        self.part(name)?.take(most_bytes + 1).read_to_end(&mut text)?;
        if text.len() as u64 > most_bytes {
            return Err(damaged(format!("\"{name}\" is too long")));
        }
        serde_json::from_slice(&text).map_err(|e| damaged(format!("\"{name}\": {e}")))
    }
}

/// The parts and where they begin. They fill the file between its header and its directory.
fn directory(file: &mut File, size: u64, kind: &ContainerKind) -> Result<Vec<(u64, Part)>, ContainerError> {
    let end = size
        .checked_sub(FOOTER as u64)
        .filter(|end| *end >= HEADER as u64)
        .ok_or_else(|| damaged("it ends too early"))?;
    let mut foot = [0; FOOTER];
    file.seek(SeekFrom::Start(end))?;
    file.read_exact(&mut foot)?;
    let [l0, l1, l2, l3, s0, s1, s2, s3, magic @ ..] = foot;
    if magic != kind.magic {
        return Err(damaged("it ends too early, or something follows its end"));
    }
    let length = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    let start = end.checked_sub(length).filter(|start| *start >= HEADER as u64 && length <= MOST_DIRECTORY_BYTES);
    let start = start.ok_or_else(|| damaged("its directory has no room"))?;
    file.seek(SeekFrom::Start(start))?;
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text)?;
    if crc32fast::hash(&text) != u32::from_le_bytes([s0, s1, s2, s3]) {
        return Err(damaged("its directory is not as it was written"));
    }
    let parts: Vec<Part> = serde_json::from_slice(&text).map_err(|e| damaged(format!("its directory: {e}")))?;
    let mut at = HEADER as u64;
    let mut placed = Vec::with_capacity(parts.len());
    for part in parts {
        let next = at.checked_add(part.bytes).filter(|next| *next <= start);
        let next = next.ok_or_else(|| damaged(format!("\"{}\" lies outside the file", part.name)))?;
        placed.push((at, part));
        at = next;
    }
    if at == start { Ok(placed) } else { Err(damaged("its parts do not fill it")) }
}

fn sum_of(mut reader: impl Read) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finalize()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: ContainerKind = ContainerKind { magic: *b"TESTBOX\n", version: 1 };

    fn write(path: &Path, kind: &ContainerKind) {
        write_container::<io::Error>(path, kind, |container| {
            container.part("note", |out| out.write_all(br#"{"a": [1, 2]}"#))?;
            container.part("bytes", |out| out.write_all(&[3; 5000]))
        })
        .unwrap();
    }

    fn read(path: &Path) -> Result<(serde_json::Value, Vec<u8>), ContainerError> {
        let mut container = Container::open(path, &KIND)?;
        let note = container.json("note", 100)?;
        let mut bytes = Vec::new();
        container.part("bytes")?.read_to_end(&mut bytes)?;
        Ok((note, bytes))
    }

    #[test]
    fn parts_come_back_and_no_damage_goes_unseen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.box");
        write(&path, &KIND);
        let (note, bytes) = read(&path).unwrap();
        assert_eq!((note["a"][1].as_u64(), bytes), (Some(2), vec![3; 5000]));
        assert!(Container::open(&path, &KIND).unwrap().json::<serde_json::Value>("note", 5).is_err());
        let whole = std::fs::read(&path).unwrap();
        assert!(whole.len() < 300, "parts are compressed: {}", whole.len());
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] ^= 0x11;
            std::fs::write(&path, &broken).unwrap();
            assert!(read(&path).is_err(), "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert!(read(&path).is_err(), "the first {at} bytes");
        }
        std::fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert!(read(&path).is_err(), "something behind the end");
    }

    #[test]
    fn packed_parts_are_copied_as_they_are_and_damage_in_one_is_seen_where_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let [path, copy] = ["a.box", "b.box"].map(|name| folder.path().join(name));
        let data: Vec<u8> = (0..9000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let part = PackedPart::pack(&data).unwrap();
        assert_eq!(part.unpack(data.len()).unwrap(), data);
        assert!(part.unpack(data.len() - 1).is_err() && part.unpack(data.len() + 1).is_err());
        let mut state = 0x9e37_79b9u32;
        let noise: Vec<u8> = (0..25_000)
            .flat_map(|_| {
                // Xorshift (Marsaglia, 2003).
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state.to_le_bytes()
            })
            .collect();
        let packed = PackedPart::pack(&noise).unwrap();
        assert!(packed.bytes.len() < noise.len() + noise.len() / 256 + 64, "{}", packed.bytes.len());
        assert_eq!(packed.unpack(noise.len()).unwrap(), noise);
        write_container::<io::Error>(&path, &KIND, |container| {
            container.packed("first", &part)?;
            container.part("second", |out| out.write_all(b"1"))?;
            container.part("second", |out| out.write_all(b"2"))
        })
        .unwrap();
        let mut from = Container::list(&path, &KIND).unwrap();
        assert_eq!(from.names().collect::<Vec<_>>(), ["first", "second", "second"]);
        assert_eq!(from.json::<u8>("second", 9).unwrap(), 1, "of two of one name the first");
        let bytes = from.packed_bytes("first").unwrap();
        assert!(from.packed("first", bytes - 1).is_err() && from.packed("third", bytes).is_err());
        let taken = from.packed("first", bytes).unwrap();
        write_container::<io::Error>(&copy, &KIND, |container| {
            container.packed("first", &taken)?;
            assert!(container.has("first") && !container.has("second"));
            Ok(())
        })
        .unwrap();
        let mut read = Vec::new();
        Container::open(&copy, &KIND).unwrap().part("first").unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, data);
        let mut broken = std::fs::read(&path).unwrap();
        broken[HEADER + 40] ^= 1;
        std::fs::write(&path, broken).unwrap();
        let mut from = Container::list(&path, &KIND).unwrap();
        assert!(from.check("second").is_ok());
        for error in [from.check("first").unwrap_err(), from.packed("first", bytes).unwrap_err()] {
            assert_eq!(error.to_string(), "it is damaged: \"first\" is not as it was written");
        }
    }

    #[test]
    fn newer_and_other_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.box");
        write(&path, &ContainerKind { version: 2, ..KIND });
        assert!(matches!(read(&path), Err(ContainerError::Newer(2))) && is_container(&path, &KIND));
        write(&path, &ContainerKind { magic: *b"OTHER...", ..KIND });
        assert!(matches!(read(&path), Err(ContainerError::OtherKind)) && !is_container(&path, &KIND));
    }

    #[test]
    fn a_document_that_cannot_be_written_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.box");
        write(&path, &KIND);
        let failed = write_container(&path, &KIND, |container| {
            container.part("note", |out| out.write_all(b"half"))?;
            Err(io::Error::other("no space"))
        });
        assert!(failed.is_err() && read(&path).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

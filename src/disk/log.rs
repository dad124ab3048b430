//! A file that only grows: records that are on disk when [`Log::append`] returns, and are read up to the first that is not whole.
//!
//! A header (magic, version, checksum) and records: length, checksum of all that follows and of the length, kind, payload. Numbers are
//! little-endian, checksums are CRC-32. What a kill or a power cut left behind the last whole record is passed over.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::claim::{Claim, ClaimError};
use super::temporary::Temporary;
use super::{folder_of, in_folder, open_regular_file, sync};

/// What a log holds: a log of another kind is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogKind {
    /// The first bytes of its file.
    pub magic: [u8; 8],
    /// The version that is written, and the newest that is read.
    pub version: u32,
}

/// Magic, version, checksum of both.
const HEADER: usize = 16;
/// Length, checksum, kind.
const RECORD_HEAD: usize = 9;
/// Most bytes of a record.
pub const MOST_RECORD_BYTES: usize = 64 << 20;
/// Bytes that are reserved for a record before any were read.
const FIRST_ROOM: usize = 1 << 20;

/// Why a log cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Another process has it.
    #[error(transparent)]
    Held(ClaimError),
    /// Its header is that of no such log, or was not written whole.
    #[error("it is no journal, or its first bytes are damaged")]
    NoLog,
    /// A newer program wrote it.
    #[error("it was written by a newer version of this program (format {0})")]
    Newer(u32),
    /// The file system.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl From<ClaimError> for LogError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Disk(error) => Self::Disk(error),
            held @ ClaimError::Held { .. } => Self::Held(held),
        }
    }
}

/// A record: what it is, and its bytes.
pub type Record = (u8, Vec<u8>);

/// How far a log could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnd {
    /// Bytes up to the end of the last whole record.
    pub whole_bytes: u64,
    /// Bytes behind it that are no whole record.
    pub dropped_bytes: u64,
}

/// A log that this process alone writes.
#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
    end: u64,
    /// Whether something lies behind the last whole record.
    is_torn: bool,
    /// It is held as long as the log is.
    _claim: Claim,
}

impl Log {
    /// Makes a log that only the user may read; there must be no file yet.
    ///
    /// # Errors
    /// Those of the file system, and who has the path.
    pub fn create(path: &Path, kind: &LogKind) -> Result<Self, LogError> {
        let claim = Claim::take(path, Duration::ZERO)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|e| in_folder(folder_of(path), e))?;
        let written = file.write_all(&header(kind)).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // A file without a header is no log.
            let _ = std::fs::remove_file(path);
            return Err(error.into());
        }
        sync(folder_of(path));
        Ok(Self { file, path: path.to_path_buf(), end: HEADER as u64, is_torn: false, _claim: claim })
    }

    /// Takes up a log that another process left, and gives its records in their order.
    ///
    /// # Errors
    /// As [`read_log`], and who has it.
    pub fn take_up(path: &Path, kind: &LogKind, visit: impl FnMut(u8, Vec<u8>)) -> Result<(Self, LogEnd), LogError> {
        let claim = Claim::take(path, Duration::ZERO)?;
        let end = read_log(path, kind, visit)?;
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let is_torn = end.dropped_bytes > 0;
        Ok((Self { file, path: path.to_path_buf(), end: end.whole_bytes, is_torn, _claim: claim }, end))
    }

    /// Writes records and waits until they are on disk. Where that fails, the log is as it was before.
    ///
    /// # Errors
    /// Those of the file system, and a record that is too long.
    pub fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let bytes = encoded(records)?;
        if self.is_torn {
            // Records behind a broken one would be read again behind one that takes its place.
            self.file.set_len(self.end)?;
        }
        let written = self.file.seek(SeekFrom::Start(self.end)).and_then(|_| self.file.write_all(&bytes));
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // What is left of it is passed over by whoever reads, and the next record takes its place.
            self.is_torn = self.file.set_len(self.end).is_err();
            return Err(error);
        }
        self.is_torn = false;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Bytes of the file.
    pub fn byte_count(&self) -> u64 {
        self.end
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lets a draft take the place of the file: whoever reads finds the one or the other, whole.
    ///
    /// # Errors
    /// Those of the file system; the log is as it was then.
    pub fn replace(&mut self, draft: LogDraft) -> io::Result<()> {
        draft.file.sync_all()?;
        draft.temporary.rename_to(&self.path)?;
        (self.file, self.end, self.is_torn) = (draft.file, draft.end, false);
        sync(folder_of(&self.path));
        Ok(())
    }

    /// Removes the file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// A log that is still written aside.
#[derive(Debug)]
pub struct LogDraft {
    file: File,
    temporary: Temporary,
    end: u64,
}

impl LogDraft {
    /// An empty draft beside the log that it is to replace.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn beside(path: &Path, kind: &LogKind) -> io::Result<Self> {
        let (mut file, temporary) = Temporary::beside(path, Some(0o600)).map_err(|e| in_folder(folder_of(path), e))?;
        file.write_all(&header(kind))?;
        Ok(Self { file, temporary, end: HEADER as u64 })
    }

    /// Writes records; they are on disk when the draft replaces the log.
    ///
    /// # Errors
    /// Those of the file system, and a record that is too long.
    pub fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let bytes = encoded(records)?;
        self.file.write_all(&bytes)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Bytes of the file.
    pub fn byte_count(&self) -> u64 {
        self.end
    }
}

fn header(kind: &LogKind) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&kind.magic);
    bytes[8..12].copy_from_slice(&kind.version.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..12]);
    bytes[12..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The checksum of a record: also that of its length, so that a file of zeros holds none.
fn sum_of(length: u32, kind: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(&[kind]);
    hasher.update(payload);
    hasher.finalize()
}

fn encoded(records: &[Record]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(records.iter().map(|(_, payload)| payload.len() + RECORD_HEAD).sum());
    for (kind, payload) in records {
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a record is too long for the journal");
        let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MOST_RECORD_BYTES);
        let length = length.ok_or_else(too_long)?;
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&sum_of(length, *kind, payload).to_le_bytes());
        bytes.push(*kind);
        bytes.extend_from_slice(payload);
    }
    Ok(bytes)
}

/// Reads a log up to the first record that is torn or broken.
///
/// # Errors
/// Those of the file system, a file that is no such log, and one of a newer program.
pub fn read_log(path: &Path, kind: &LogKind, mut visit: impl FnMut(u8, Vec<u8>)) -> Result<LogEnd, LogError> {
    let file = open_regular_file(path)?;
    let size = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut head = [0; HEADER];
    match reader.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(LogError::NoLog),
        read => read?,
    }
    let [.., a, b, c, d] = head;
    if head[..8] != kind.magic || u32::from_le_bytes([a, b, c, d]) != crc32fast::hash(&head[..12]) {
        return Err(LogError::NoLog);
    }
    let version = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    if version > kind.version {
        return Err(LogError::Newer(version));
    }
    let mut whole_bytes = HEADER as u64;
    while let Some((kind, payload)) = next_record(&mut reader, size.saturating_sub(whole_bytes))? {
        whole_bytes += (RECORD_HEAD + payload.len()) as u64;
        visit(kind, payload);
    }
    Ok(LogEnd { whole_bytes, dropped_bytes: size.saturating_sub(whole_bytes) })
}

/// The next record of `left` bytes; `None` where it is not whole.
fn next_record(reader: &mut impl Read, left: u64) -> io::Result<Option<Record>> {
    if left < RECORD_HEAD as u64 {
        return Ok(None);
    }
    let mut head = [0; RECORD_HEAD];
    if let Err(error) = reader.read_exact(&mut head) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let [l0, l1, l2, l3, s0, s1, s2, s3, kind] = head;
    let (length, sum) = (u32::from_le_bytes([l0, l1, l2, l3]), u32::from_le_bytes([s0, s1, s2, s3]));
    if u64::from(length) > left - RECORD_HEAD as u64 || length as usize > MOST_RECORD_BYTES {
        return Ok(None);
    }
    let mut payload = Vec::with_capacity(FIRST_ROOM.min(length as usize));
    reader.take(u64::from(length)).read_to_end(&mut payload)?;
    let is_whole = payload.len() == length as usize && sum_of(length, kind, &payload) == sum;
    Ok(is_whole.then_some((kind, payload)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KIND: LogKind = LogKind { magic: *b"TESTLOG\n", version: 2 };

    fn all(path: &Path) -> Result<(Vec<Record>, LogEnd), LogError> {
        let mut records = Vec::new();
        let end = read_log(path, &KIND, |kind, payload| records.push((kind, payload)))?;
        Ok((records, end))
    }

    fn some_records() -> Vec<Record> {
        vec![(1, b"first".to_vec()), (2, Vec::new()), (3, vec![7; 300])]
    }

    #[test]
    fn what_was_appended_is_read_also_after_a_torn_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut log = Log::create(&path, &KIND).unwrap();
        log.append(&some_records()).unwrap();
        assert!(matches!(Log::create(&path, &KIND), Err(LogError::Held(_))), "a second writer is told");
        assert_eq!(all(&path).unwrap().0, some_records());
        drop(log);
        let whole = std::fs::metadata(&path).unwrap().len();
        let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
        torn.write_all(&encoded(&[(4, b"torn".to_vec())]).unwrap()[..11]).unwrap();
        let end = LogEnd { whole_bytes: whole, dropped_bytes: 11 };
        assert_eq!(all(&path).unwrap(), (some_records(), end));
        // As many bytes as the next record has, and then one that was whole.
        torn.set_len(whole).unwrap();
        torn.write_all(&encoded(&[(4, b"y".to_vec()), (4, b"stale".to_vec())]).unwrap()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[usize::try_from(whole).unwrap()] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let end = LogEnd { dropped_bytes: 24, ..end };
        let mut seen = 0;
        let (mut log, found) = Log::take_up(&path, &KIND, |_, _| seen += 1).unwrap();
        assert_eq!((seen, found), (3, end));
        log.append(&[(5, b"x".to_vec())]).unwrap();
        let records = all(&path).unwrap().0;
        assert_eq!(records.last(), Some(&(5, b"x".to_vec())));
        assert_eq!(records.len(), 4, "what was broken does not come back");
        log.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn a_draft_takes_the_place_of_a_log_that_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut log = Log::create(&path, &KIND).unwrap();
        log.append(&some_records()).unwrap();
        let mut draft = LogDraft::beside(&path, &KIND).unwrap();
        draft.append(&[(9, b"all".to_vec())]).unwrap();
        assert_eq!(all(&path).unwrap().0, some_records());
        log.replace(draft).unwrap();
        log.append(&[(1, b"more".to_vec())]).unwrap();
        assert_eq!(all(&path).unwrap().0, [(9, b"all".to_vec()), (1, b"more".to_vec())]);
        assert_eq!(log.byte_count(), std::fs::metadata(&path).unwrap().len());
    }

    #[test]
    #[cfg(unix)]
    fn only_the_user_may_read_a_log() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut log = Log::create(&path, &KIND).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        log.replace(LogDraft::beside(&path, &KIND).unwrap()).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn other_files_and_newer_ones_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(all(&path), Err(LogError::NoLog)));
        std::fs::write(&path, header(&LogKind { version: 3, ..KIND })).unwrap();
        assert!(matches!(all(&path), Err(LogError::Newer(3))));
        std::fs::write(&path, header(&LogKind { magic: *b"OTHER...", ..KIND })).unwrap();
        assert!(matches!(all(&path), Err(LogError::NoLog)));
        // A length that no file has.
        let mut bytes = header(&KIND).to_vec();
        bytes.extend_from_slice(&[0xff; 40]);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(all(&path).unwrap(), (Vec::new(), LogEnd { whole_bytes: 16, dropped_bytes: 40 }));
    }

    proptest! {
        #[test]
        fn a_damaged_log_gives_the_records_before_the_damage(
            records in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 1..6),
            place in any::<prop::sample::Index>(),
            flip in 0u8..=255,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.log");
            let mut bytes = header(&KIND).to_vec();
            bytes.extend(encoded(&records).unwrap());
            let at = HEADER + place.index(bytes.len() - HEADER);
            // Flipping nothing stands for a file that ends there.
            if flip == 0 { bytes.truncate(at) } else { bytes[at] ^= flip }
            std::fs::write(&path, &bytes).unwrap();
            let (found, end) = all(&path).unwrap();
            let mut start = HEADER;
            let is_before = |(_, payload): &&Record| {
                start += RECORD_HEAD + payload.len();
                start <= at
            };
            let expected: Vec<Record> = records.iter().take_while(is_before).cloned().collect();
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(end.whole_bytes + end.dropped_bytes, bytes.len() as u64);
        }
    }
}

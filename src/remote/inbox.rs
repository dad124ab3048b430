//! The folder that instances come into: each series in a folder of its own, named by its UID, each instance in a file named by its UID.
//!
//! Until all of a series is here its folder lies in [`INCOMING`], which no scan looks into; then it is moved into place. Whatever breaks
//! meanwhile, the next try finds what came.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use super::error::{RemoteError, Result};
use super::names::Uid;
use crate::disk::{add_file, move_to};
use crate::formats::{INCOMING, object_names};

/// Ending of the files.
const ENDING: &str = "dcm";

/// A folder that instances come into. Several connections may write into one at a time.
#[derive(Debug)]
pub struct Inbox {
    folder: PathBuf,
    /// Written while a series is moved, read while a file goes into one.
    moving: RwLock<()>,
}

/// What became of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is on disk, in this series; [`Inbox::finish`] puts the series into place.
    Kept {
        /// Series Instance UID.
        series: Uid,
    },
    /// It is not what was announced, or no whole DICOM object; nothing of it is left.
    Refused(RefusedInstance),
}

/// An instance that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedInstance {
    /// SOP Instance UID, as it was announced.
    pub uid: String,
    /// What is wrong with it.
    pub why: String,
}

/// Why a file was not written.
enum Unwritten {
    Remote(RemoteError),
    Disk(io::Error),
    Refused(String),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Inbox {
    /// Uses a folder, which is made where it is not there.
    ///
    /// # Errors
    /// [`RemoteError::File`].
    pub fn open(folder: &Path) -> Result<Self> {
        let incoming = folder.join(INCOMING);
        fs::create_dir_all(&incoming)
            .map_err(|e| RemoteError::file(folder, format!("the folder cannot be made: {e}")))?;
        Ok(Self { folder: folder.to_path_buf(), moving: RwLock::new(()) })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where series lie that are not whole.
    pub fn incoming(&self) -> PathBuf {
        self.folder.join(INCOMING)
    }

    /// Whether an instance of a series is here, in place or incoming.
    pub fn has(&self, series: &Uid, instance: &Uid) -> bool {
        let name = file_name(instance);
        [self.folder.clone(), self.incoming()].iter().any(|root| root.join(series.as_str()).join(&name).is_file())
    }

    /// Takes an instance: `write` gives its file, meta information included, and only when that is whole and holds the instance that was
    /// announced does it get its name. An instance of that name is replaced.
    ///
    /// # Errors
    /// Those of `write`, and [`RemoteError::File`]. What is wrong with the instance itself is no error but [`Stored::Refused`].
    pub fn store(&self, announced: &Uid, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<Stored> {
        let incoming = self.incoming();
        let (mut series, mut stays) = (None, None);
        let written = add_file(
            &incoming,
            |file| write(file).map_err(Unwritten::Remote),
            |path| {
                let its_series = series_of(path, announced).map_err(Unwritten::Refused)?;
                let folder = incoming.join(its_series.as_str());
                // It stays where it is until the file is in it.
                stays = Some(self.moving.read().unwrap_or_else(PoisonError::into_inner));
                fs::create_dir_all(&folder)?;
                series = Some(its_series);
                Ok(folder.join(file_name(announced)))
            },
        );
        drop(stays);
        match (written, series) {
            (Ok(_), Some(series)) => Ok(Stored::Kept { series }),
            (Err(Unwritten::Remote(error)), _) => Err(error),
            (Err(Unwritten::Disk(error)), _) => Err(RemoteError::file(&self.folder, error)),
            (Err(Unwritten::Refused(why)), _) => {
                Ok(Stored::Refused(RefusedInstance { uid: announced.to_string(), why }))
            }
            (Ok(path), None) => Err(RemoteError::file(&path, "it has no series")),
        }
    }

    /// Puts a series into place, now that all of it is here; gives its folder.
    ///
    /// # Errors
    /// [`RemoteError::File`].
    pub fn finish(&self, series: &Uid) -> Result<PathBuf> {
        let _alone = self.moving.write().unwrap_or_else(PoisonError::into_inner);
        let (from, to) = (self.incoming().join(series.as_str()), self.folder.join(series.as_str()));
        let failed = |e: io::Error| RemoteError::file(&to, e);
        if !from.is_dir() {
            return Ok(to);
        }
        if !to.exists() {
            move_to(&from, &to).map_err(failed)?;
            return Ok(to);
        }
        // A part of it came earlier.
        for entry in fs::read_dir(&from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            move_to(&entry.path(), &to.join(entry.file_name())).map_err(failed)?;
        }
        fs::remove_dir(&from).map_err(failed)?;
        Ok(to)
    }

    /// Series that are not whole, and how many of their instances are here.
    ///
    /// # Errors
    /// [`RemoteError::File`].
    pub fn unfinished(&self) -> Result<Vec<(Uid, usize)>> {
        let incoming = self.incoming();
        let failed = |e: io::Error| RemoteError::file(&incoming, e);
        let mut all = Vec::new();
        for entry in fs::read_dir(&incoming).map_err(failed)?.flatten() {
            if let (Some(series), Ok(files)) =
                (entry.file_name().to_str().and_then(|name| Uid::new(name).ok()), fs::read_dir(entry.path()))
            {
                all.push((series, files.count()));
            }
        }
        all.sort();
        Ok(all)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // It stays where something is in it.
        let _ = fs::remove_dir(self.incoming());
    }
}

fn file_name(instance: &Uid) -> String {
    format!("{instance}.{ENDING}")
}

/// The series of a file that came, where it is whole and the instance that was announced.
fn series_of(path: &Path, announced: &Uid) -> std::result::Result<Uid, String> {
    let names = object_names(path).map_err(|why| format!("what came is no whole DICOM object: {why}"))?;
    let quoted = |text: &str| text.chars().take(80).collect::<String>().escape_debug().to_string();
    if names.instance_uid != announced.as_str() {
        return Err(format!("another instance came: {}", quoted(&names.instance_uid)));
    }
    Uid::new(&names.series_uid).map_err(|_| format!("its Series Instance UID is \"{}\"", quoted(&names.series_uid)))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use super::*;

    /// A small object of a series, explicit and little-endian, as a file.
    pub fn object(series: &str, instance: &str, pixels: usize) -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        let mut put = |group: u16, element: u16, vr: &[u8], value: &[u8]| {
            bytes.extend(group.to_le_bytes());
            bytes.extend(element.to_le_bytes());
            bytes.extend(vr);
            if vr == b"OW" {
                bytes.extend([0, 0]);
                bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
            } else {
                bytes.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
            }
            bytes.extend(value);
        };
        let even = |text: &str| {
            let mut value = text.as_bytes().to_vec();
            value.resize(value.len().next_multiple_of(2), 0);
            value
        };
        put(2, 0x10, b"UI", &even("1.2.840.10008.1.2.1"));
        put(8, 0x16, b"UI", &even("1.2.840.10008.5.1.4.1.1.2"));
        put(8, 0x18, b"UI", &even(instance));
        put(0x20, 0xD, b"UI", &even("1.2.1"));
        put(0x20, 0xE, b"UI", &even(series));
        put(0x7FE0, 0x10, b"OW", &vec![7; pixels]);
        bytes
    }

    fn uid(text: &str) -> Uid {
        Uid::new(text).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let listing = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> = listing.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn put(inbox: &Inbox, announced: &str, bytes: &[u8]) -> Result<Stored> {
        inbox.store(&uid(announced), |file| file.write_all(bytes).map_err(|e| RemoteError::Wrong(e.to_string())))
    }

    #[test]
    fn a_series_stands_in_its_folder_only_when_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        let series = uid("1.2.3");
        assert_eq!(
            put(&inbox, "1.2.3.1", &object("1.2.3", "1.2.3.1", 64)).unwrap(),
            Stored::Kept { series: series.clone() }
        );
        assert_eq!(names(folder.path()), [INCOMING]);
        assert_eq!(inbox.unfinished().unwrap(), [(series.clone(), 1)]);
        assert!(inbox.has(&series, &uid("1.2.3.1")) && !inbox.has(&series, &uid("1.2.3.2")));
        let found = crate::formats::scan(folder.path(), crate::work::Watch::unwatched()).unwrap();
        assert!(found.entries.is_empty() && found.skipped[0].reason.contains("fetch them again"), "{found:?}");
        let place = inbox.finish(&series).unwrap();
        assert_eq!(names(&place), ["1.2.3.1.dcm"]);
        // What comes later joins it.
        put(&inbox, "1.2.3.2", &object("1.2.3", "1.2.3.2", 64)).unwrap();
        assert_eq!(names(&inbox.finish(&series).unwrap()), ["1.2.3.1.dcm", "1.2.3.2.dcm"]);
        assert!(inbox.has(&series, &uid("1.2.3.2")));
        drop(inbox);
        assert_eq!(names(folder.path()), ["1.2.3"]);
    }

    #[test]
    fn what_is_not_whole_or_another_instance_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        let whole = object("1.2.3", "1.2.3.1", 64);
        let refused = |announced: &str, bytes: &[u8]| match put(&inbox, announced, bytes).unwrap() {
            Stored::Refused(refused) => refused.why,
            kept @ Stored::Kept { .. } => panic!("{kept:?}"),
        };
        // Where an element ends, but for a few bytes, only the protocol knows whether more was to come.
        let pixels_begin = whole.len() - 64 - 12;
        for cut in (0..whole.len()).filter(|cut| !(pixels_begin..=pixels_begin + 8).contains(cut)) {
            let why = refused("1.2.3.1", &whole[..cut]);
            assert!(why.contains("no whole DICOM object") || why.contains("Series Instance UID is"), "{cut}: {why}");
        }
        assert_eq!(refused("1.2.3.9", &whole), "another instance came: 1.2.3.1");
        assert_eq!(refused("1.2.3.1", &object("../../x", "1.2.3.1", 8)), "its Series Instance UID is \"../../x\"");
        let broken = inbox.store(&uid("1.2.3.1"), |file| {
            file.write_all(&whole).unwrap();
            Err(RemoteError::Wrong("the line is cut".into()))
        });
        assert!(broken.is_err());
        assert_eq!(names(&inbox.incoming()), [""; 0]);
    }
}

//! The folder that instances come into: each series in a folder of its own, named by its UID, each instance in a file named by its UID.
//!
//! Until all of a series is here its folder lies in [`INCOMING`], which no scan looks into; then it is moved into place. Whatever breaks
//! meanwhile, the next try finds what came.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{RemoteError, Result};
use super::names::Uid;
use crate::disk::{add_file, move_to, open_regular_file};
use crate::formats::{INCOMING, object_names};

/// Ending of the files.
const ENDING: &str = "dcm";

/// A folder that instances come into. Several connections may write into one at a time.
#[derive(Debug)]
pub struct Inbox {
    folder: PathBuf,
    /// Held while a file or a series gets its name.
    placing: Mutex<()>,
    /// Files that were looked into and are whole.
    whole: Mutex<BTreeSet<PathBuf>>,
}

/// What is taken; what is `None` may be anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order<'a> {
    /// Study Instance UID.
    pub study: Option<&'a Uid>,
    /// Series Instance UID.
    pub series: Option<&'a Uid>,
    /// SOP Instance UIDs.
    pub instances: Option<&'a BTreeSet<Uid>>,
}

/// What became of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is on disk, in this series; [`Inbox::finish`] puts the series into place.
    Kept {
        /// Series Instance UID.
        series: Uid,
    },
    /// It is not what was announced or ordered, or no whole DICOM object; nothing of it is left.
    Refused(RefusedInstance),
    /// Another object of this UID is here, and stays.
    Differs(RefusedInstance),
}

/// An instance that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedInstance {
    /// SOP Instance UID, as it was announced.
    pub uid: String,
    /// What is wrong with it.
    pub why: String,
}

/// A series that was put into place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its folder.
    pub folder: PathBuf,
    /// Instances that came earlier and do not belong to it; they stay where they came.
    pub left: Vec<RefusedInstance>,
}

/// Why a file was not written.
enum Unwritten {
    Remote(RemoteError),
    Disk(io::Error),
    Refused(String),
    /// The same object is here.
    Here,
    /// Another object of the name is here.
    Differs(PathBuf),
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
        Ok(Self { folder: folder.to_path_buf(), placing: Mutex::default(), whole: Mutex::default() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where series lie that are not whole.
    pub fn incoming(&self) -> PathBuf {
        self.folder.join(INCOMING)
    }

    /// Whether an instance of a series is here as a whole, in place or incoming.
    pub fn has(&self, series: &Uid, instance: &Uid) -> bool {
        self.places(series, instance).iter().any(|path| self.is_whole(path, series, instance))
    }

    /// Where an instance may lie: in place, and incoming.
    fn places(&self, series: &Uid, instance: &Uid) -> [PathBuf; 2] {
        let name = file_name(instance);
        [self.folder.clone(), self.incoming()].map(|root| root.join(series.on_disk()).join(&name))
    }

    /// Each file is looked into once.
    fn is_whole(&self, path: &Path, series: &Uid, instance: &Uid) -> bool {
        if !path.is_file() {
            return false;
        }
        if self.known().contains(path) {
            return true;
        }
        let is_it = object_names(path)
            .is_ok_and(|names| names.instance_uid == instance.as_str() && names.series_uid == series.as_str());
        if is_it {
            self.known().insert(path.to_path_buf());
        }
        is_it
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an instance: `write` gives its file, meta information included, and only when that is whole and holds the instance that was
    /// announced and ordered does it get its name. An object of that name stays as it is, unless it is damaged.
    ///
    /// # Errors
    /// Those of `write`, and [`RemoteError::File`]. What is wrong with the instance itself is no error but [`Stored::Refused`].
    pub fn store(
        &self,
        announced: &Uid,
        order: Order,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
    ) -> Result<Stored> {
        let (mut series, mut alone) = (None, None);
        let written = add_file(
            &self.incoming(),
            |file| write(file).map_err(Unwritten::Remote),
            |path| {
                let its_series = series_of(path, announced, order).map_err(Unwritten::Refused)?;
                // Nothing moves until the file has its name.
                alone = Some(self.placing.lock().unwrap_or_else(PoisonError::into_inner));
                let place = self.place_for(path, &its_series, announced);
                series = Some(its_series);
                place
            },
        );
        drop(alone);
        let refused = |why: String| RefusedInstance { uid: announced.to_string(), why };
        match (written, series) {
            (Ok(_) | Err(Unwritten::Here), Some(series)) => Ok(Stored::Kept { series }),
            (Err(Unwritten::Remote(error)), _) => Err(error),
            (Err(Unwritten::Disk(error)), _) => Err(RemoteError::file(&self.folder, error)),
            (Err(Unwritten::Refused(why)), _) => Ok(Stored::Refused(refused(why))),
            (Err(Unwritten::Differs(path)), _) => Ok(Stored::Differs(refused(format!(
                "another object of this UID is there already and stays: {}",
                path.display()
            )))),
            (Ok(_) | Err(Unwritten::Here), None) => Err(RemoteError::file(&self.folder, "a file has no series")),
        }
    }

    /// Where a whole object goes: beside the others that came, or over one that is damaged.
    fn place_for(&self, path: &Path, series: &Uid, instance: &Uid) -> std::result::Result<PathBuf, Unwritten> {
        let places = self.places(series, instance);
        for place in &places {
            match there(path, place)? {
                There::Nothing => {}
                There::Same => return Err(Unwritten::Here),
                There::Other => return Err(Unwritten::Differs(place.clone())),
                There::Damaged => return Ok(place.clone()),
            }
        }
        let [_, place] = places;
        fs::create_dir_all(self.incoming().join(series.on_disk()))?;
        Ok(place)
    }

    /// Puts a series into place, now that all of it is here. Of those that came earlier, only what is `listed` goes with it.
    ///
    /// # Errors
    /// [`RemoteError::File`].
    pub fn finish(&self, series: &Uid, listed: Option<&BTreeSet<Uid>>) -> Result<Finished> {
        let _alone = self.placing.lock().unwrap_or_else(PoisonError::into_inner);
        let (from, to) = (self.incoming().join(series.on_disk()), self.folder.join(series.on_disk()));
        let failed = |e: io::Error| RemoteError::file(&to, e);
        let mut finished = Finished { folder: to.clone(), left: Vec::new() };
        if !from.is_dir() {
            return Ok(finished);
        }
        if let Some(listed) = listed {
            finished.left = self.set_aside(&from, series, listed).map_err(failed)?;
        }
        if !to.exists() {
            move_to(&from, &to).map_err(failed)?;
            return Ok(finished);
        }
        // A part of it came earlier.
        for entry in fs::read_dir(&from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let place = to.join(entry.file_name());
            match there(&entry.path(), &place).map_err(failed)? {
                There::Nothing | There::Damaged => move_to(&entry.path(), &place).map_err(failed)?,
                There::Same => fs::remove_file(entry.path()).map_err(failed)?,
                There::Other => finished.left.push(RefusedInstance {
                    uid: uid_of(&entry.path()),
                    why: format!("another object of this UID is in place; the new one stays in {}", from.display()),
                }),
            }
        }
        // It stays where something is in it.
        let _ = fs::remove_dir(&from);
        Ok(finished)
    }

    /// Files that came and are not listed are no part of the series any more.
    fn set_aside(&self, from: &Path, series: &Uid, listed: &BTreeSet<Uid>) -> io::Result<Vec<RefusedInstance>> {
        let names: BTreeSet<String> = listed.iter().map(file_name).collect();
        let aside = self.incoming().join(format!("not listed {}", series.on_disk()));
        let mut left = Vec::new();
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| names.contains(name)) {
                continue;
            }
            fs::create_dir_all(&aside)?;
            move_to(&entry.path(), &aside.join(entry.file_name()))?;
            let why =
                format!("it came earlier, and the server does not list it any more; it lies in {}", aside.display());
            left.push(RefusedInstance { uid: uid_of(&entry.path()), why });
        }
        Ok(left)
    }

    /// The instances of a series that lie incoming, by their names on disk: [`Uid::on_disk`].
    pub fn waiting(&self, series: &Uid) -> BTreeSet<String> {
        let files = fs::read_dir(self.incoming().join(series.on_disk()));
        files.into_iter().flatten().flatten().map(|entry| uid_of(&entry.path())).collect()
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
    format!("{}.{ENDING}", instance.on_disk())
}

fn uid_of(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What is where a new file is to go.
enum There {
    Nothing,
    /// The same object.
    Same,
    /// Another object.
    Other,
    /// No whole object.
    Damaged,
}

/// Compares a new file with what is at its place. What stands before the data set names who sent it, and may differ.
fn there(new: &Path, place: &Path) -> io::Result<There> {
    if !place.try_exists()? {
        return Ok(There::Nothing);
    }
    if !place.is_file() {
        return Ok(There::Other);
    }
    let (Ok(old_names), Ok(new_names)) = (object_names(place), object_names(new)) else { return Ok(There::Damaged) };
    let is_same = old_names.transfer_syntax == new_names.transfer_syntax
        && same_rest((place, old_names.head), (new, new_names.head))?;
    Ok(if is_same { There::Same } else { There::Other })
}

/// Whether two files hold the same bytes from there on.
fn same_rest(one: (&Path, u64), other: (&Path, u64)) -> io::Result<bool> {
    let open = |(path, head): (&Path, u64)| {
        let mut file = open_regular_file(path)?;
        let length = file.metadata()?.len().checked_sub(head);
        file.seek(SeekFrom::Start(head))?;
        io::Result::Ok((length, BufReader::with_capacity(1 << 17, file)))
    };
    let ((length, mut one), (other_length, mut other)) = (open(one)?, open(other)?);
    if length != other_length {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 1 << 17], vec![0; 1 << 17]);
    loop {
        let count = one.read(&mut left)?;
        let (Some(read), Some(expected)) = (right.get_mut(..count), left.get(..count)) else { return Ok(false) };
        match other.read_exact(read) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            done => done?,
        }
        if read != expected {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

/// The series of a file that came, where it is whole, the instance that was announced, and what was ordered.
fn series_of(path: &Path, announced: &Uid, order: Order) -> std::result::Result<Uid, String> {
    if order.instances.is_some_and(|listed| !listed.contains(announced)) {
        return Err("it was not asked for".into());
    }
    let names = object_names(path).map_err(|why| format!("what came is no whole DICOM object: {why}"))?;
    let quoted = |text: &str| text.chars().take(80).collect::<String>().escape_debug().to_string();
    if names.instance_uid != announced.as_str() {
        return Err(format!("another instance came: {}", quoted(&names.instance_uid)));
    }
    if let Some(study) = order.study.filter(|study| study.as_str() != names.study_uid) {
        return Err(format!("it belongs to the study \"{}\", not to {study}", quoted(&names.study_uid)));
    }
    if let Some(series) = order.series.filter(|series| series.as_str() != names.series_uid) {
        return Err(format!("its Series Instance UID is \"{}\", not {series}", quoted(&names.series_uid)));
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
        inbox.store(&uid(announced), Order::default(), |file| {
            file.write_all(bytes).map_err(|e| RemoteError::Wrong(e.to_string()))
        })
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
        let place = inbox.finish(&series, None).unwrap().folder;
        assert_eq!(names(&place), ["1.2.3.1.dcm"]);
        // What comes later joins it.
        put(&inbox, "1.2.3.2", &object("1.2.3", "1.2.3.2", 64)).unwrap();
        assert_eq!(names(&inbox.finish(&series, None).unwrap().folder), ["1.2.3.1.dcm", "1.2.3.2.dcm"]);
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
            kept => panic!("{kept:?}"),
        };
        // Where an element ends, but for a few bytes, only the protocol knows whether more was to come.
        let pixels_begin = whole.len() - 64 - 12;
        for cut in (0..whole.len()).filter(|cut| !(pixels_begin..=pixels_begin + 8).contains(cut)) {
            let why = refused("1.2.3.1", &whole[..cut]);
            assert!(why.contains("no whole DICOM object") || why.contains("Series Instance UID is"), "{cut}: {why}");
        }
        assert_eq!(refused("1.2.3.9", &whole), "another instance came: 1.2.3.1");
        assert_eq!(refused("1.2.3.1", &object("../../x", "1.2.3.1", 8)), "its Series Instance UID is \"../../x\"");
        let broken = inbox.store(&uid("1.2.3.1"), Order::default(), |file| {
            file.write_all(&whole).unwrap();
            Err(RemoteError::Wrong("the line is cut".into()))
        });
        assert!(broken.is_err());
        assert_eq!(names(&inbox.incoming()), [""; 0]);
    }

    #[test]
    fn an_object_that_is_here_is_never_replaced_by_another_one_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        let series = uid("1.2.3");
        let whole = object("1.2.3", "1.2.3.1", 64);
        let mut other = whole.clone();
        *other.last_mut().unwrap() = 8;
        let is_kept = |bytes: &[u8]| match put(&inbox, "1.2.3.1", bytes).unwrap() {
            Stored::Kept { .. } => true,
            Stored::Differs(refused) => !refused.why.contains("stays"),
            Stored::Refused(refused) => panic!("{refused:?}"),
        };
        assert!(is_kept(&whole));
        let incoming = inbox.incoming().join("1.2.3/1.2.3.1.dcm");
        assert!(!is_kept(&other) && fs::read(&incoming).unwrap() == whole);
        // The same once more is no harm.
        assert!(is_kept(&whole));
        let place = inbox.finish(&series, None).unwrap().folder.join("1.2.3.1.dcm");
        assert!(!is_kept(&other) && is_kept(&whole) && fs::read(&place).unwrap() == whole);
        assert_eq!(names(&inbox.incoming()), [""; 0]);
        // What was cut short is not here, and is mended.
        for cut in [0, 140, whole.len() - 5] {
            fs::write(&place, &whole[..cut]).unwrap();
            let again = Inbox::open(folder.path()).unwrap();
            assert!(!again.has(&series, &uid("1.2.3.1")), "{cut}");
            put(&again, "1.2.3.1", &whole).unwrap();
            assert!(again.has(&series, &uid("1.2.3.1")) && fs::read(&place).unwrap() == whole, "{cut}");
        }
        // A file of another object under that name is not this instance.
        fs::write(&place, object("1.2.3", "1.2.3.9", 64)).unwrap();
        let again = Inbox::open(folder.path()).unwrap();
        assert!(!again.has(&series, &uid("1.2.3.1")));
    }

    #[test]
    fn what_was_not_ordered_is_refused_and_what_is_not_listed_stays_aside() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        let (study, series, listed) = (uid("1.2.1"), uid("1.2.3"), BTreeSet::from([uid("1.2.3.1"), uid("1.2.3.2")]));
        let order = Order { study: Some(&study), series: Some(&series), instances: Some(&listed) };
        let refused = |order: Order, announced: &str, bytes: &[u8]| {
            let write =
                |file: &mut BufWriter<File>| file.write_all(bytes).map_err(|e| RemoteError::Wrong(e.to_string()));
            match inbox.store(&uid(announced), order, write).unwrap() {
                Stored::Refused(refused) => refused.why,
                kept => format!("{kept:?}"),
            }
        };
        let (other, ours) = (uid("9.9"), object("1.2.3", "1.2.3.1", 8));
        assert_eq!(refused(order, "1.2.3.3", &object("1.2.3", "1.2.3.3", 8)), "it was not asked for");
        assert!(
            refused(Order { study: Some(&other), ..order }, "1.2.3.1", &ours).contains("study \"1.2.1\", not to 9.9")
        );
        assert!(refused(Order { series: Some(&other), ..order }, "1.2.3.1", &ours).contains("\"1.2.3\", not 9.9"));
        assert_eq!(names(&inbox.incoming()), [""; 0]);
        assert!(refused(order, "1.2.3.1", &ours).contains("Kept"));
        put(&inbox, "1.2.3.7", &object("1.2.3", "1.2.3.7", 8)).unwrap();
        let finished = inbox.finish(&series, Some(&listed)).unwrap();
        assert_eq!(names(&finished.folder), ["1.2.3.1.dcm"]);
        assert!(finished.left[0].uid == "1.2.3.7" && finished.left[0].why.contains("does not list it"), "{finished:?}");
        assert_eq!(names(&inbox.incoming().join("not listed 1.2.3")), ["1.2.3.7.dcm"]);
    }

    #[test]
    fn names_on_disk_stay_apart_whatever_the_file_system_takes_for_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::open(folder.path()).unwrap();
        for name in ["1.a", "1.A", "CON"] {
            put(&inbox, name, &object("1.Aux", name, 8)).unwrap();
        }
        let place = inbox.finish(&uid("1.Aux"), None).unwrap().folder;
        assert!(place.ends_with("1._41_75_78"), "{place:?}");
        assert_eq!(names(&place), ["1._41.dcm", "1._61.dcm", "_43_4f_4e.dcm"]);
    }
}

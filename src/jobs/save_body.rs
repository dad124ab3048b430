//! Writing pictures of the body: one, or those of a full turn.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::error::JobError;
use super::job::{Job, JobKind, Work};
use super::output::{Inputs, OutputKind, make_folder};
use super::title::file_name;
use crate::formats::{FormatError, RgbPicture, animation_bytes, picture_bytes, write_bytes};
use crate::work::Watch;
use crate::work::numbers::share;

/// Most pictures of a turn: two degrees each.
pub const MOST_TURN_PICTURES: usize = 180;
/// Milliseconds that a whole turn takes where it is played.
const TURN_MS: usize = 8000;

/// Draws the picture of a number, all of one size. Whoever draws asks the watch between its parts.
pub type DrawPicture = Box<dyn FnMut(usize, Watch<'_>) -> Result<RgbPicture, JobError> + Send>;

/// Where the pictures go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyFiles {
    /// One picture (`.png`).
    One(PathBuf),
    /// `STEM_turn_001.png` and so on in a folder, which is made where it is not there.
    Turn {
        /// The folder.
        folder: PathBuf,
        /// What stands before the number.
        stem: String,
        /// How many pictures.
        count: usize,
        /// Whether `STEM_turn.png` plays them all.
        is_animated: bool,
    },
}

/// Draws and writes pictures. Nothing is written before all are drawn: they are kept compressed until then.
pub struct SaveBodyJob {
    /// Where they go.
    pub files: BodyFiles,
    /// Columns and rows.
    pub size: [usize; 2],
    /// Draws them.
    pub draw: DrawPicture,
}

impl Job for SaveBodyJob {
    /// The files.
    type Output = Vec<PathBuf>;
    type Event = ();
    const KIND: &'static JobKind = &JobKind { id: "save-body", is_kept_when_stopped: true };

    fn title(&self) -> String {
        match &self.files {
            BodyFiles::One(path) => format!("Saving {}", file_name(path)),
            BodyFiles::Turn { folder, .. } => format!("Saving a turn into {}", file_name(folder)),
        }
    }

    fn run(mut self, work: &Work<()>) -> Result<Vec<PathBuf>, JobError> {
        let watch = work.watch.stage("Drawing");
        let paths = self.paths()?;
        let is_animated = matches!(self.files, BodyFiles::Turn { is_animated: true, .. });
        let count = paths.len() - usize::from(is_animated);
        let files = RefCell::new(Vec::with_capacity(paths.len()));
        let mut draw = |n: usize| -> Result<RgbPicture, JobError> {
            watch.at(share(n, count))?;
            let picture = (self.draw)(n, watch.quiet())?;
            let path = paths.get(n).map_or(Path::new(""), PathBuf::as_path);
            let bytes = picture_bytes(&picture).map_err(|source| FormatError::Write { path: path.into(), source })?;
            files.borrow_mut().push(bytes);
            Ok(picture)
        };
        if is_animated {
            let frame_ms = u16::try_from(TURN_MS / count.max(1)).unwrap_or(u16::MAX);
            let path = paths.last().map_or(Path::new(""), PathBuf::as_path);
            let all = animation_bytes(path, self.size, (count, frame_ms), &mut draw)?;
            files.borrow_mut().push(all);
        } else {
            (0..count).try_for_each(|n| draw(n).map(drop))?;
        }
        watch.at(1.0)?;
        let files = files.into_inner();
        paths.iter().zip(&files).try_for_each(|(path, bytes)| write_bytes(path, bytes))?;
        Ok(paths)
    }
}

impl SaveBodyJob {
    /// The files, the animation last; what is there already is replaced only where it is a picture.
    fn paths(&self) -> Result<Vec<PathBuf>, JobError> {
        let paths = match &self.files {
            BodyFiles::One(path) => vec![path.clone()],
            BodyFiles::Turn { folder, stem, count, is_animated } => {
                if !(1..=MOST_TURN_PICTURES).contains(count) {
                    return Err(JobError::Other(format!("a turn has 1 to {MOST_TURN_PICTURES} pictures, not {count}")));
                }
                make_folder(folder)?;
                let names = (1..=*count).map(|n| format!("{stem}_turn_{n:03}.png"));
                let animation = is_animated.then(|| format!("{stem}_turn.png"));
                names.chain(animation).map(|name| folder.join(name)).collect()
            }
        };
        let none = Inputs::default();
        paths.iter().try_for_each(|path| none.allow(path, OutputKind::Picture))?;
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::run_here;
    use crate::work::{Signal, Stopped};

    fn run(job: SaveBodyJob) -> Result<Vec<PathBuf>, JobError> {
        run_here(job, &Signal::default(), &|_| {})
    }

    fn job(folder: &Path, count: usize, draw: DrawPicture) -> SaveBodyJob {
        let files = BodyFiles::Turn { folder: folder.into(), stem: "head".into(), count, is_animated: true };
        SaveBodyJob { files, size: [4, 2], draw }
    }

    fn picture(n: usize) -> RgbPicture {
        RgbPicture { width: 4, height: 2, rgb: vec![n as u8 * 50; 24] }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_turn_is_numbered_pictures_and_one_that_plays_them() {
        let folder = tempfile::tempdir().unwrap();
        let turn = folder.path().join("turn");
        let made = run(job(&turn, 3, Box::new(|n, _| Ok(picture(n))))).unwrap();
        assert_eq!(made.len(), 4);
        let expected = ["head_turn.png", "head_turn_001.png", "head_turn_002.png", "head_turn_003.png"];
        assert_eq!(names(&turn), expected);
        let file = |name: &str| std::fs::read(turn.join(name)).unwrap();
        assert!(file("head_turn_003.png") == picture_bytes(&picture(2)).unwrap());
        // The chunk that says how many frames there are.
        let played = file("head_turn.png");
        let at = played.windows(4).position(|name| name == b"acTL").unwrap();
        assert_eq!(played[at + 4..at + 8], [0, 0, 0, 3]);
    }

    #[test]
    fn a_turn_that_fails_or_is_stopped_leaves_all_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        run(job(folder.path(), 2, Box::new(|n, _| Ok(picture(n + 1))))).unwrap();
        let read = || names(folder.path()).into_iter().map(|name| std::fs::read(folder.path().join(name)).unwrap());
        let before: Vec<Vec<u8>> = read().collect();
        let failing = |n, _: Watch<'_>| if n == 1 { Err(JobError::Other("lost".into())) } else { Ok(picture(n)) };
        let failed = run(job(folder.path(), 3, Box::new(failing))).unwrap_err();
        assert!(failed.to_string().contains("lost"));
        let signal = Signal::default();
        let own = signal.clone();
        let stopping = move |n, _: Watch<'_>| {
            if n == 1 {
                own.stop();
            }
            Ok(picture(n))
        };
        let stopped = run_here(job(folder.path(), 3, Box::new(stopping)), &signal, &|_| {});
        assert!(stopped.unwrap_err().is_stop());
        assert_eq!(read().collect::<Vec<_>>(), before);
        let drawn = job(folder.path(), 0, Box::new(|_, _| Err(Stopped.into())));
        assert!(run(drawn).unwrap_err().to_string().contains("1 to 180"));
    }

    #[test]
    fn another_kind_of_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("head_turn_002.png"), "my notes").unwrap();
        let mut drawn = 0;
        let draw: DrawPicture = Box::new(move |n, _| {
            drawn += 1;
            assert_eq!(drawn, 0, "nothing is drawn");
            Ok(picture(n))
        });
        assert!(run(job(folder.path(), 2, draw)).is_err());
        assert_eq!(names(folder.path()), ["head_turn_002.png"]);
    }
}

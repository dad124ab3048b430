//! Every file of the fuzz targets' corpora (`fuzz/corpus/`), as it is and damaged in some thousand ways, through the doors that the targets
//! use: nothing panics, hangs or takes memory beyond its bound.
//!
//! `UPDATE_CORPUS=1 cargo test --release --test corpora` writes those files again that come from the program's own writers. Inputs that break a
//! rule are written into the folder that `CORPORA_OUT` names.
#![allow(unsafe_code, reason = "a counting allocator is the only way to see what a hostile file makes us allocate")]
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(missing_docs, clippy::pedantic, reason = "the files of the fuzz targets are in a package of their own")]

#[path = "../fuzz/src/entries.rs"]
mod entries;
#[path = "../fuzz/src/memory.rs"]
mod memory;
#[path = "corpora/mutations.rs"]
mod mutations;
#[path = "../fuzz/src/wrapped.rs"]
mod wrapped;
#[path = "corpora/written.rs"]
mod written;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use entries::READERS;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// Damaged files of each reader.
const OF_EACH: usize = 2000;
/// Longest time of one of them.
const LONGEST: Duration = Duration::from_secs(10);

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

/// Names and bytes of a corpus, in order.
fn corpus(reader: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpora().join(reader);
    let listing = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = listing.map(|item| item.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// One test, because memory is counted for the whole process.
#[test]
fn corpora_are_read_and_no_damage_breaks_a_reader() {
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        written::renew(&corpora());
    }
    // Panics of other people's decoders are caught and told as damage.
    std::panic::set_hook(Box::new(|_| {}));
    let mut wrong = Vec::new();
    for reader in READERS {
        let start = Instant::now();
        let files = corpus(reader.name);
        assert!(!files.is_empty(), "{} has no corpus", reader.name);
        let each = OF_EACH / files.len();
        let mut is_read = 0;
        for (name, bytes) in &files {
            // A corpus whose files are all refused at the first byte would find nothing.
            let is_whole = read(reader, bytes, &mut wrong, &format!("{}/{name}", reader.name));
            if is_whole != Some(!name.starts_with("refused")) {
                wrong.push(format!("{}/{name} is read: {is_whole:?}", reader.name));
            }
            for n in 0..each {
                let mutated = mutations::mutated(bytes, n as u64);
                let what = format!("{}/{name}, mutation {n}", reader.name);
                is_read += usize::from(read(reader, &mutated, &mut wrong, &what) == Some(true));
            }
        }
        let count = each * files.len();
        println!(
            "info: {}: {} files, {count} damaged ones, {is_read} of them read, {:.1?}",
            reader.name,
            files.len(),
            start.elapsed()
        );
    }
    drop(std::panic::take_hook());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whether something could be read; none where that broke a rule, which is noted.
fn read(reader: &entries::Reader, bytes: &[u8], wrong: &mut Vec<String>, what: &str) -> Option<bool> {
    let (start, before) = (Instant::now(), wrong.len());
    let outcome = std::panic::catch_unwind(|| memory::held(reader, bytes));
    if start.elapsed() > LONGEST {
        wrong.push(format!("{what}: {:?}", start.elapsed()));
    }
    if let Err(panic) = &outcome {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        wrong.push(format!("{what}: {}", text.unwrap_or("a panic")));
    }
    if wrong.len() > before
        && let Some(out) = std::env::var_os("CORPORA_OUT")
    {
        std::fs::write(Path::new(&out).join(what.replace(['/', ' ', ','], "_")), bytes).unwrap();
    }
    outcome.ok()
}

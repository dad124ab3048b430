//! Files that ask for more than there is, that are no files, or that lie in too many folders.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::Value;

fn lamella(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lamella")).args(arguments).output().unwrap()
}

/// Runs with so many kilobytes of address space.
fn limited(kilobytes: u32, arguments: &[&str]) -> Output {
    let script = format!("ulimit -v {kilobytes}; exec \"$@\"");
    let program = env!("CARGO_BIN_EXE_lamella");
    Command::new("bash").args(["-c", &script, "bash", program]).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A NIfTI-1 header for unsigned bytes, with the four bytes that say that no extension follows.
fn header(shape: [i16; 3]) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    bytes[..4].copy_from_slice(&348i32.to_le_bytes());
    for (n, value) in [3, shape[0], shape[1], shape[2], 1, 1, 1, 1].into_iter().enumerate() {
        bytes[40 + 2 * n..42 + 2 * n].copy_from_slice(&value.to_le_bytes());
    }
    bytes[70..72].copy_from_slice(&2i16.to_le_bytes());
    bytes[72..74].copy_from_slice(&8i16.to_le_bytes());
    for n in 0..4 {
        bytes[76 + 4 * n..80 + 4 * n].copy_from_slice(&1f32.to_le_bytes());
    }
    bytes[108..112].copy_from_slice(&352f32.to_le_bytes());
    bytes[254..256].copy_from_slice(&1i16.to_le_bytes());
    for (row, column) in [(0, 0), (1, 1), (2, 2)] {
        let at = 280 + 16 * row + 4 * column;
        bytes[at..at + 4].copy_from_slice(&1f32.to_le_bytes());
    }
    bytes[344..348].copy_from_slice(b"n+1\0");
    bytes
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// 2 GB of voxels in 10 MB: members of gzip may follow each other.
fn gzip_bomb(path: &Path) {
    let mut file = File::create(path).unwrap();
    file.write_all(&zipped(&header([1024, 1024, 2048]))).unwrap();
    let member = zipped(&vec![0; 16 << 20]);
    for _ in 0..128 {
        file.write_all(&member).unwrap();
    }
}

/// 2 GB of voxels that take no place on the disk.
fn sparse(path: &Path) {
    let mut file = File::create(path).unwrap();
    file.write_all(&header([1024, 1024, 2048])).unwrap();
    file.set_len(352 + (2 << 30)).unwrap();
}

/// A TIFF of 128 pages of 16 MB, each a short strip of zeros by itself.
fn tiff_bomb(path: &Path) {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![0; 16 << 20]).unwrap();
    let strip = encoder.finish().unwrap();
    let mut bytes = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    for _ in 0..128 {
        let place = bytes.len() as u32;
        bytes.extend(&strip);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        let here = bytes.len() as u32;
        bytes[link..link + 4].copy_from_slice(&here.to_le_bytes());
        let fields =
            [(256, 4096), (257, 4096), (258, 8), (259, 8), (262, 1), (273, place), (277, 1), (279, strip.len() as u32)];
        bytes.extend((fields.len() as u16).to_le_bytes());
        for (tag, value) in fields {
            bytes.extend((tag as u16).to_le_bytes());
            bytes.extend(4u16.to_le_bytes());
            bytes.extend(1u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        link = bytes.len();
        bytes.extend([0; 4]);
    }
    std::fs::write(path, bytes).unwrap();
}

fn png(path: &Path, side: u32, depth: png::BitDepth) {
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(depth);
    encoder.set_compression(png::Compression::Fast);
    let bits = if depth == png::BitDepth::One { 1 } else { 8 };
    let mut writer = encoder.write_header().unwrap();
    let mut stream = writer.stream_writer().unwrap();
    let row = vec![0; (side as usize * bits).div_ceil(8)];
    for _ in 0..side {
        stream.write_all(&row).unwrap();
    }
    stream.finish().unwrap();
}

#[test]
fn memory_that_is_not_there_is_an_error_that_says_how_much_was_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    gzip_bomb(&at("bomb.nii.gz"));
    sparse(&at("sparse.nii"));
    tiff_bomb(&at("bomb.tif"));
    png(&at("bomb.png"), 30_000, png::BitDepth::Eight);
    for name in ["bomb.nii.gz", "sparse.nii", "bomb.tif", "bomb.png"] {
        // The program itself needs about 0.4 GB of addresses.
        let run = limited(900_000, &["convert", text(&at(name)), "-o", text(&at("out.nii"))]);
        let said = said(&run);
        assert_eq!(run.status.code(), Some(1), "{name}: {said}");
        assert!(
            said.contains(name) && said.contains("does not fit into memory") && said.contains("are needed"),
            "{said}"
        );
        assert!(!at("out.nii").exists());
    }
}

#[test]
fn a_picture_that_cannot_be_shown_is_refused_by_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.png");
    png(&path, 50_000, png::BitDepth::One);
    let started = Instant::now();
    let run = limited(900_000, &["info", text(&path)]);
    assert!(run.status.code() == Some(1) && said(&run).contains("50000 x 50000"), "{}", said(&run));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn facts_of_a_large_file_come_from_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.nii");
    sparse(&path);
    let run = limited(900_000, &["info", "--json", text(&path)]);
    assert!(run.status.success(), "{}", said(&run));
    let found: Value = serde_json::from_slice(&run.stdout).unwrap();
    let volume = &found["volumes"][0];
    assert_eq!(volume["shape"], serde_json::json!([1024, 1024, 2048]));
    assert_eq!((volume["dtype"].as_str(), volume["min"].is_null()), (Some("uint8"), true));
    let run = limited(900_000, &["info", "--values", text(&path)]);
    let found = String::from_utf8_lossy(&run.stdout).into_owned() + &said(&run);
    assert!(run.status.code() == Some(1) && found.contains("does not fit into memory"), "{found}");
    // A short file is no large file.
    File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let run = lamella(&["info", text(&path)]);
    assert_eq!(run.status.code(), Some(1));
    // Small files are read.
    let small = folder.path().join("small.nii");
    std::fs::write(&small, [header([2, 1, 1]), vec![3, 7]].concat()).unwrap();
    let run = lamella(&["info", "--json", text(&small)]);
    let found: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((found["volumes"][0]["min"].as_f64(), found["volumes"][0]["max"].as_f64()), (Some(3.0), Some(7.0)));
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(
        Command::new("mkfifo").arg(at("pipe.nii")).arg(at("pipe.tif")).arg(at("scan.img")).status().unwrap().success()
    );
    std::os::unix::net::UnixListener::bind(at("socket.png")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("zero.nii.gz")).unwrap();
    // A header whose voxels would be read from a pipe.
    let mut pair = header([2, 1, 1]);
    pair[344..348].copy_from_slice(b"ni1\0");
    std::fs::write(at("scan.hdr"), &pair[..348]).unwrap();
    for name in ["pipe.nii", "pipe.tif", "socket.png", "zero.nii.gz", "scan.hdr"] {
        let started = Instant::now();
        let run = lamella(&["convert", text(&at(name)), "-o", text(&at("out.nii"))]);
        assert_eq!(run.status.code(), Some(1), "{name}");
        assert!(said(&run).contains("pipe, a socket or a device") || name == "scan.hdr", "{name}: {}", said(&run));
        assert!(started.elapsed() < Duration::from_secs(5), "{name}: {:?}", started.elapsed());
    }
    // In a folder they are listed, and the rest opens.
    std::fs::write(at("good.nii"), [header([2, 1, 1]), vec![3, 7]].concat()).unwrap();
    let run = lamella(&["info", "--json", text(folder.path())]);
    let found: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(found["volumes"].as_array().unwrap().len(), 1);
    let skipped = found["skipped"].to_string();
    assert!(["pipe.nii", "socket.png", "zero.nii.gz"].iter().all(|name| skipped.contains(name)), "{skipped}");
}

#[test]
fn folders_in_folders_end_somewhere() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("scan.nii"), [header([2, 1, 1]), vec![3, 7]].concat()).unwrap();
    let mut deep = folder.path().to_path_buf();
    for _ in 0..1900 {
        deep.push("d");
        std::fs::create_dir(&deep).unwrap();
    }
    std::fs::write(folder.path().join("d/d/d/near.nii"), [header([1, 1, 1]), vec![9]].concat()).unwrap();
    let started = Instant::now();
    let run = lamella(&["info", "--json", text(folder.path())]);
    assert!(run.status.success() && started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let found: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(found["volumes"].as_array().unwrap().len(), 2);
    assert!(found["skipped"].to_string().contains("64 deep"), "{}", found["skipped"]);
}

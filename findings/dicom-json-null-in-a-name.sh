#!/usr/bin/env bash
# dicom-json 0.10.1: answers of a DICOMweb server in which one value of a person's name, or of a text with several values, is empty.
#
# A good guess: PS3.18, F.2.5 writes an empty value among others as null, so a reader of DICOM JSON takes null everywhere.
# Seen: null among values of LO is read as an empty text; null among values of PN is an error, and with it the whole object, and the whole
# list of studies that it stands in, is not read.
# Why it matters: one patient without a name in one place hides all other answers of a search. Lamella reads the few tags that it shows by
# itself (src/remote/web/answers.rs), and a value that it cannot read is empty.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'T'
[package]
name = "null-in-a-name"
version = "0.1.0"
edition = "2024"

[dependencies]
dicom-json = "=0.10.1"
serde_json = "1"
dicom-object = { version = "=0.10.1", default-features = false }
T
cat >src/main.rs <<'R'
use dicom_json::DicomJson;
use dicom_object::InMemDicomObject;

fn read(json: &str) -> String {
    match serde_json::from_str::<Vec<DicomJson<InMemDicomObject>>>(json) {
        Ok(all) => format!("read, {} objects", all.len()),
        Err(error) => format!("error: {error}"),
    }
}

fn main() {
    let study = r#"{"0020000D": {"vr": "UI", "Value": ["1.2.3"]}}"#;
    let text = r#"{"00081030": {"vr": "LO", "Value": ["head", null]}}"#;
    let name = r#"{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}, null]}}"#;
    println!("text: {}", read(&format!("[{study}, {text}]")));
    println!("name: {}", read(&format!("[{study}, {name}]")));
}
R
cargo run -q >seen 2>errors || { cat errors; exit 1; }
cat seen
grep -q "^text: read, 2 objects" seen && grep -q "^name: error" seen

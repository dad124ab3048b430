#!/usr/bin/env bash
# dicom-core and dicom-object 0.10.1: comparing a data set with its own copy.
#
# A good guess: InMemDicomObject is PartialEq, so a clone is equal to what it was cloned from.
# Seen: it is not where the data set has a sequence of undefined length, the usual form of sequences: a Length that is undefined is equal to
# nothing, not even to itself, as a number that is none; and the length is part of the comparison.
# Why it matters: "read back and compared" by == says that each such object came back wrong. What was written or sent has to be
# compared element by element; Lamella's checks of written masks compare voxels, places and names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat >Cargo.toml <<'T'
[package]
name = "undefined-lengths"
version = "0.1.0"
edition = "2024"

[dependencies]
dicom-core = "=0.10.1"
dicom-object = { version = "=0.10.1", default-features = false }
T
cat >src/main.rs <<'R'
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, Length, Tag, VR};
use dicom_object::InMemDicomObject;

fn main() {
    let of = |length| {
        let items = vec![InMemDicomObject::new_empty()];
        InMemDicomObject::from_element_iter([DataElement::new(Tag(0x0008, 0x1140), VR::SQ, DataSetSequence::new(items, length))])
    };
    let (undefined, defined) = (of(Length::UNDEFINED), of(Length(8)));
    println!("undefined length: {}", undefined == undefined.clone());
    println!("defined length: {}", defined == defined.clone());
}
R
CARGO_BUILD_JOBS=1 cargo run -q >seen 2>errors || { cat errors; exit 1; }
cat seen
grep -q "^undefined length: false" seen

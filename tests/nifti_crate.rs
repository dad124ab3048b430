//! Our NIfTI reader and writer against the `nifti` crate, with which they share no code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use lamella::formats::{FormatError, open_one, write_volume};
use lamella::volume::Volume;
use lamella::work::Watch;
use nifti::{NiftiObject, NiftiVolume, RandomAccessNiftiVolume, ReaderOptions};

mod support;

fn data() -> Option<PathBuf> {
    Some(support::test_data()?.join("data"))
}

fn open(path: &Path) -> Result<Volume, FormatError> {
    open_one(path, None, Watch::unwatched())
}

/// Compares shape, sform and every value with what the crate reads; gives the number of values.
fn compare(path: &Path, ours: &Volume) -> usize {
    let theirs = ReaderOptions::new().read_file(path).unwrap();
    let header = theirs.header();
    if header.sform_code > 0 {
        let affine = ours.geometry.world_from_voxel().0;
        for (row, theirs) in affine.iter().zip([header.srow_x, header.srow_y, header.srow_z]) {
            for (a, b) in row.iter().zip(theirs) {
                assert!((a - f64::from(b)).abs() < 1e-5, "{}: {affine:?}", path.display());
            }
        }
    }
    let volume = theirs.volume();
    let mut wanted: Vec<usize> = volume.dim().iter().map(|&size| usize::from(size)).collect();
    wanted.resize(3.max(wanted.len()), 1);
    let shape = ours.geometry.shape();
    assert_eq!(wanted[..3], shape, "{}", path.display());
    let mut at = vec![0u16; volume.dim().len()];
    for n in 0..ours.voxels.len() {
        let (a, b) = (ours.value_at(n).unwrap(), volume.get_f64(&at).unwrap());
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{} at {at:?}: {a} for {b}", path.display());
        for (index, size) in at.iter_mut().zip(volume.dim()) {
            *index += 1;
            if *index < *size {
                break;
            }
            *index = 0;
        }
    }
    ours.voxels.len()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".nii.gz"))
        .collect();
    files.sort();
    files
}

#[test]
fn both_readers_see_the_same_and_read_what_we_write() {
    let Some(data) = data() else { return };
    let mut all = files(&data.join("nifti/orientations"));
    assert_eq!(all.len(), 96, "48 orientations, each an image and a mask");
    for folder in ["hippocampus/imagesTr", "hippocampus/labelsTr", "ct"] {
        all.extend(files(&data.join(folder)).into_iter().take(3));
    }
    let out = tempfile::tempdir().unwrap();
    let mut values = 0;
    for (n, path) in all.iter().enumerate() {
        let ours = open(path).unwrap();
        values += compare(path, &ours);
        let ending = if n % 2 == 0 { "nii.gz" } else { "nii" };
        let written = out.path().join(format!("{n}.{ending}"));
        write_volume(&written, &ours, Watch::unwatched()).unwrap();
        assert_eq!(compare(&written, &ours), ours.voxels.len());
    }
    println!("nifti crate: {} files and {values} values agree, read and written", all.len());
}

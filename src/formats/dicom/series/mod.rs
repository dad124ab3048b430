//! Writing a scan as a derived series of DICOM images, one file a slice.
//!
//! CT and MR become images of their kind, all else secondary captures that have a place. Patient and study are those of the images that the
//! scan was read from, read at that moment and kept nowhere; UIDs of the series and its images are new. What was written is read back and
//! compared. Source: DICOM PS3.3 A.3 (CT), A.4 (MR), A.8 (Secondary Capture), C.7.6.1 and C.7.6.2.

mod header;
mod pixels;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::segmentation::source::Origin;
use crate::disk::replace_file;
use crate::formats::error::{FormatError, Result};
use crate::formats::slices::explain;
use crate::formats::{open_one, stem};
use crate::volume::{Geometry, Lattice, Volume, dot};
use crate::work::Watch;
use crate::work::numbers::share;
use header::Series;
use pixels::Coded;

/// Rows and columns whose angle is off a right one by less are written as right.
const MOST_SKEW: f64 = 1e-4;
/// Places may be off by this after they were written as text.
const SAME_PLACE_MM: f64 = 1e-3;
/// Shares of the largest value by which a factor that is written as text may change a value.
const TEXT_SHARE: f64 = 1e-8;

/// Writes a series into a folder, which is made where it is not there, and says what the user must know.
///
/// # Errors
/// For a folder that holds something, for scans that no series can hold, where the images that the scan was read from cannot be read any
/// more, where what was written is not what was meant, and when the work was stopped. Nothing is left then.
pub fn write(folder: &Path, volume: &Volume, watch: Watch) -> Result<Vec<String>> {
    check(folder, volume)?;
    let is_new = !folder.exists();
    if !is_new && std::fs::read_dir(folder).map_err(|e| FormatError::read(folder, e))?.next().is_some() {
        return Err(FormatError::unsupported(folder, "the folder holds something already; name an empty or a new one"));
    }
    let coded = Coded::of(folder, volume)?;
    let origin = volume.source.as_deref().map(|source| Origin::read(folder, source)).transpose()?;
    std::fs::create_dir_all(folder).map_err(|error| explain(folder, error))?;
    let count = volume.geometry.shape()[2];
    let width = count.to_string().len().max(4);
    let files: Vec<PathBuf> = (1..=count).map(|n| folder.join(format!("{n:0width$}.dcm"))).collect();
    let series = Series::new(volume, origin.as_ref(), &coded);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let each = |(k, path): (usize, &PathBuf)| {
        let n = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        watch.part(0.0, 0.6).at(share(n, count))?;
        let bytes = series.image(k);
        replace_file(path, |file| std::io::Write::write_all(file, &bytes)).map_err(|error| explain(path, error))
    };
    let written = files.par_iter().enumerate().try_for_each(each);
    let written = written.and_then(|()| compare(folder, volume, &coded, watch.part(0.6, 1.0)));
    if written.is_err() {
        files.iter().for_each(|path| drop(std::fs::remove_file(path)));
        if is_new {
            drop(std::fs::remove_dir(folder));
        }
    }
    let mut notes = [coded.notes.as_slice(), &series.notes].concat();
    notes.push(written?);
    Ok(notes)
}

/// Refuses what no series of single images can hold.
fn check(folder: &Path, volume: &Volume) -> Result<()> {
    let refused = |reason: String| Err(FormatError::unsupported(folder, reason));
    if volume.frame_count() > 1 {
        let count = volume.frame_count();
        return refused(format!(
            "the scan has {count} frames, and a series of images is written of one; save it as .nii.gz or .nrrd"
        ));
    }
    let [ni, nj, _] = volume.geometry.shape();
    if ni.max(nj) > usize::from(u16::MAX) {
        return refused(format!("a slice of {ni} x {nj} voxels is too large for DICOM; 65535 are the most"));
    }
    let affine = volume.geometry.world_from_voxel();
    let (row, column) = (affine.column(0), affine.column(1));
    let skew = dot(row, column) / (dot(row, row) * dot(column, column)).sqrt();
    if skew.abs() > MOST_SKEW {
        return refused("rows and columns are not at right angles, which DICOM cannot say; save it as .nrrd".into());
    }
    Ok(())
}

/// Reads a series back, compares places and values, and says the result.
fn compare(folder: &Path, volume: &Volume, coded: &Coded, watch: Watch) -> Result<String> {
    let differs = |what: String| {
        FormatError::unsupported(
            folder,
            format!("the series was written but does not hold the scan: {what}; nothing was kept"),
        )
    };
    let read = open_one(folder, None, watch)?;
    let lattice = Lattice::between(&volume.geometry, &read.geometry).filter(|own| own.off_mm < SAME_PLACE_MM);
    let lattice = lattice.filter(|_| volume.geometry.voxel_count() == read.geometry.voxel_count());
    let lattice = lattice.ok_or_else(|| differs(format!("{} is {}", stem(folder), grid(&read.geometry))))?;
    let [ni, nj, nk] = volume.geometry.shape();
    let most = volume.statistics().max.abs().max(volume.statistics().min.abs());
    let may_be_off = if coded.is_exact { 0.0 } else { coded.step / 2.0 + TEXT_SHARE * most };
    let of_slice = |k: usize| {
        let voxels = (0..nj).flat_map(|j| (0..ni).map(move |i| [i, j, k]));
        voxels
            .filter(|&voxel| {
                let there = lattice.inside([voxel[0], voxel[1], voxel[2]], read.geometry.shape());
                let other = there.map_or(f64::NAN, |there| read.value(there, 0));
                let off = (volume.value(voxel, 0) - other).abs();
                off.is_nan() || off > may_be_off
            })
            .count()
    };
    let wrong: usize = (0..nk).into_par_iter().map(of_slice).sum();
    if wrong > 0 {
        return Err(differs(format!("{wrong} voxels differ")));
    }
    let how = if coded.is_exact { "all the same".into() } else { format!("none is off by more than {may_be_off:.3e}") };
    Ok(format!("Read back and compared: {nk} images, {} voxels, {how}.", ni * nj * nk))
}

fn grid(geometry: &Geometry) -> String {
    format!("{:?} voxels of {:?} mm", geometry.shape(), geometry.spacing_mm())
}

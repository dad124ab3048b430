//! Headers as other programs write them.

use std::path::{Path, PathBuf};

use crate::formats::{open_one, write_volume};
use crate::volume::{Volume, Voxels};
use crate::work::Watch;

/// A header of `int16` values, `dim` long, and where its fields stand (nifti1.h).
struct Made {
    bytes: Vec<u8>,
}

impl Made {
    fn new(dim: &[i16], pixdim: [f32; 5]) -> Self {
        let mut made = Self { bytes: vec![0; 352] };
        made.put(0, &348i32.to_le_bytes());
        dim.iter().enumerate().for_each(|(n, size)| made.put(40 + 2 * n, &size.to_le_bytes()));
        made.put(70, &4i16.to_le_bytes());
        made.put(72, &16i16.to_le_bytes());
        pixdim.iter().enumerate().for_each(|(n, size)| made.put(76 + 4 * n, &size.to_le_bytes()));
        made.put(108, &352f32.to_le_bytes());
        made.put(123, &[2]);
        made.put(344, b"n+1\0");
        made
    }

    fn put(&mut self, at: usize, value: &[u8]) {
        self.bytes[at..at + value.len()].copy_from_slice(value);
    }

    /// A qform of no rotation, and where it puts the first voxel.
    fn qform(mut self, origin: [f32; 3]) -> Self {
        self.put(252, &1i16.to_le_bytes());
        origin.iter().enumerate().for_each(|(n, at)| self.put(268 + 4 * n, &at.to_le_bytes()));
        self
    }

    fn sform(mut self, rows: [[f32; 4]; 3]) -> Self {
        self.put(254, &1i16.to_le_bytes());
        rows.iter().flatten().enumerate().for_each(|(n, value)| self.put(280 + 4 * n, &value.to_le_bytes()));
        self
    }

    fn write(&self, path: &Path, count: i16) -> PathBuf {
        let mut bytes = self.bytes.clone();
        (0..count).for_each(|value| bytes.extend(value.to_le_bytes()));
        std::fs::write(path, bytes).unwrap();
        path.to_path_buf()
    }
}

fn read(path: &Path) -> Volume {
    open_one(path, None, Watch::unwatched()).unwrap()
}

#[test]
fn a_single_slice_without_thickness_is_a_millimetre_thick_and_says_so() {
    // nibabel 5 opens all three; of the second and third it gives the affine without the third column.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slice.nii");
    let thin = || Made::new(&[3, 5, 4, 1, 1, 1, 1, 1], [1.0, 1.0, 2.0, 0.0, 0.0]);
    let rows = [[1.0, 0.0, 0.0, -5.0], [0.0, 2.0, 0.0, -6.0], [0.0, 0.0, 0.0, -7.0]];
    for made in [thin(), thin().qform([-5.0, -6.0, -7.0]), thin().sform(rows)] {
        let volume = read(&made.write(&path, 20));
        assert_eq!(volume.geometry.spacing_mm(), [1.0, 2.0, 1.0]);
        assert!(volume.warnings.iter().any(|text| text.contains("no thickness of its single slice")));
    }
    let full = [[1.0, 0.0, 0.0, -5.0], [0.0, 2.0, 0.0, -6.0], [0.0, 0.0, 3.0, -7.0]];
    let volume = read(&thin().sform(full).write(&path, 20));
    assert_eq!(volume.geometry.spacing_mm(), [1.0, 2.0, 3.0]);
    assert!(!volume.warnings.iter().any(|text| text.contains("no thickness")), "{:?}", volume.warnings);
    // Of several slices the distance has to be known.
    let several = Made::new(&[3, 5, 2, 2, 1, 1, 1, 1], [1.0, 1.0, 2.0, 0.0, 0.0]).write(&path, 20);
    let error = open_one(&several, None, Watch::unwatched()).unwrap_err().to_string();
    assert!(error.contains("pixdim[3], a spacing, is 0"), "{error}");
}

#[test]
fn an_empty_sform_leaves_the_word_to_the_qform() {
    // As SimpleITK 2 places it.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii");
    let made = || Made::new(&[3, 5, 2, 2, 1, 1, 1, 1], [1.0, 1.0, 2.0, 3.0, 0.0]).sform([[0.0; 4]; 3]);
    let volume = read(&made().qform([-5.0, -6.0, -7.0]).write(&path, 20));
    assert_eq!(volume.geometry.world_from_voxel().column(3), [-5.0, -6.0, -7.0]);
    assert_eq!(volume.geometry.spacing_mm(), [1.0, 2.0, 3.0]);
    assert!(volume.warnings.iter().any(|text| text.contains("the qform is used")), "{:?}", volume.warnings);
    let error = open_one(&made().write(&path, 20), None, Watch::unwatched()).unwrap_err().to_string();
    assert!(error.contains("the sform cannot be used"), "{error}");
}

#[test]
fn a_dimension_of_time_that_is_counted_and_left_empty_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii");
    let volume = read(&Made::new(&[4, 5, 2, 2, 0, 0, 0, 0], [1.0, 1.0, 2.0, 3.0, 0.0]).write(&path, 20));
    assert_eq!((volume.geometry.shape(), volume.frame_count()), ([5, 2, 2], 1));
    let error = open_one(&Made::new(&[3, 5, 0, 2], [1.0; 5]).write(&path, 20), None, Watch::unwatched());
    assert!(error.unwrap_err().to_string().contains("dim[2] is 0"));
}

#[test]
fn the_voxels_of_a_pair_open_its_header() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = Made::new(&[3, 5, 2, 2, 1, 1, 1, 1], [1.0, 1.0, 2.0, 3.0, 0.0]);
    made.put(108, &0f32.to_le_bytes());
    made.put(344, b"ni1\0");
    std::fs::write(folder.path().join("a.hdr"), &made.bytes[..348]).unwrap();
    let data = folder.path().join("a.img");
    std::fs::write(&data, (0..20i16).flat_map(i16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    let Voxels::I16(values) = read(&data).voxels else { panic!("another type") };
    assert_eq!(*values, (0..20).collect::<Vec<i16>>());
    let found = crate::formats::scan(folder.path(), Watch::unwatched()).unwrap();
    assert_eq!(found.entries.len(), 1, "a pair is one image");
    std::fs::remove_file(folder.path().join("a.hdr")).unwrap();
    assert!(open_one(&data, None, Watch::unwatched()).is_err());
}

#[test]
fn the_time_between_volumes_is_kept_and_none_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.nii"), folder.path().join("copy.nii"));
    let field = |at: usize| f32::from_le_bytes(std::fs::read(&copy).unwrap()[at..at + 4].try_into().unwrap());
    for (units, step, in_seconds) in [(2 | 8, 2.5, Some(2.5)), (2 | 16, 2500.0, Some(2.5)), (2, 2.5, None)] {
        let mut made = Made::new(&[4, 5, 2, 1, 2, 1, 1, 1], [1.0, 1.0, 2.0, 3.0, step]);
        made.put(123, &[units]);
        let volume = read(&made.write(&path, 20));
        assert_eq!(volume.time_step_s, in_seconds);
        write_volume(&copy, &volume, Watch::unwatched()).unwrap();
        let is_known = in_seconds.is_some();
        assert_eq!((field(92), std::fs::read(&copy).unwrap()[123]), if is_known { (2.5, 10) } else { (1.0, 2) });
    }
}

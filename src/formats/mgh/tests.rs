//! Headers written by hand.

use super::*;
use crate::formats::open_one;

/// A header of a grid of 3 x 2 x 2 shorts in two frames.
fn whole() -> Vec<u8> {
    let mut header = vec![0; SIZE];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    [1i32, 3, 2, 2, 2, 4].iter().enumerate().for_each(|(n, value)| put(4 * n, &value.to_be_bytes()));
    put(28, &1i16.to_be_bytes());
    let place = [0.5f32, 2.0, 3.0, -1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 10.0, 20.0, 30.0];
    place.iter().enumerate().for_each(|(n, value)| put(30 + 4 * n, &value.to_be_bytes()));
    [header, (0..24i16).flat_map(i16::to_be_bytes).collect()].concat()
}

fn open(name: &str, bytes: &[u8]) -> Result<Volume> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    open_one(&path, None, Watch::unwatched())
}

#[test]
fn a_file_is_read_plain_and_compressed_with_what_follows_it() {
    let with_footer = [whole(), vec![7; 33]].concat();
    let mut packed = Vec::new();
    crate::formats::gzip::compress(&mut with_footer.as_slice(), &mut packed).unwrap();
    for (name, bytes) in [("a.mgh", whole()), ("a.mgh", with_footer), ("a.mgz", packed.clone()), ("a.mgh.gz", packed)] {
        let volume = open(name, &bytes).unwrap();
        // Voxel (1.5, 1, 1) lies at the centre.
        let affine = volume.geometry.world_from_voxel().0;
        assert_eq!(affine, [[-0.5, 0.0, 0.0, 10.75], [0.0, 0.0, 3.0, 17.0], [0.0, -2.0, 0.0, 32.0]]);
        assert_eq!((volume.value([1, 0, 0], 0), volume.value([2, 1, 1], 1)), (1.0, 23.0));
        assert_eq!((volume.frame_dims.clone(), volume.warnings.len()), (vec![2], 0));
    }
}

#[test]
fn without_a_place_it_lies_as_in_freesurfer() {
    let mut bytes = whole();
    bytes[28..30].copy_from_slice(&[0, 0]);
    let volume = open("a.mgh", &bytes).unwrap();
    let affine = volume.geometry.world_from_voxel().0;
    assert_eq!(affine, [[-1.0, 0.0, 0.0, 1.5], [0.0, 0.0, 1.0, -1.0], [0.0, -1.0, 0.0, 1.0]]);
    assert!(volume.warnings[0].contains("goodRASFlag") && volume.geometry.is_size_assumed());
}

#[test]
fn what_is_wrong_is_named() {
    let with = |at: usize, value: i32| {
        let mut all = whole();
        all[at..at + 4].copy_from_slice(&value.to_be_bytes());
        open("a.mgh", &all).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (at, value, told) in [
        (0, 2, "version is 2"),
        (4, 0, "[0, 2, 2, 2]"),
        (4, -1, "[-1, 2, 2, 2]"),
        (4, i32::MAX, "holds only 48 of them"),
        (20, 6, "tensor"),
        (20, 2, "is 2"),
        (30, 0, "the spacings [0.0"),
        (30, 0x7fc0_0000, "NaN"),
    ] {
        let error = with(at, value);
        assert!(error.contains(told) && error.contains("a.mgh"), "{at}: {error}");
    }
    let mut all = whole();
    all[4..16].copy_from_slice(&[0x7f; 12]);
    assert!(open("a.mgh", &all).err().unwrap().to_string().contains("a.mgh"));
    for length in [1, 100, 283, 284, 300, 331] {
        let error = open("b.mgh", &whole()[..length]).err().unwrap().to_string();
        assert!(error.contains("b.mgh"), "{length}: {error}");
    }
}

#[test]
fn values_of_other_types_go_into_one_that_holds_them_or_are_refused() {
    use crate::formats::write_volume;
    use crate::volume::Voxels;
    use std::sync::Arc;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mgz");
    let through = |voxels: Voxels| {
        let geometry = Geometry::new([2, 1, 1], Affine::IDENTITY).unwrap();
        let volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, "v".into());
        write_volume(&path, &volume, Watch::unwatched()).map_err(|error| error.to_string())?;
        let back = open_one(&path, None, Watch::unwatched()).unwrap();
        Ok::<_, String>((back.voxels.voxel_type(), back.value([0, 0, 0], 0), back.value([1, 0, 0], 0)))
    };
    assert_eq!(through(Voxels::I8(Arc::new(vec![-128, 127]))), Ok((VoxelType::I16, -128.0, 127.0)));
    assert_eq!(through(Voxels::U16(Arc::new(vec![0, 32_767]))), Ok((VoxelType::I16, 0.0, 32_767.0)));
    assert_eq!(through(Voxels::U16(Arc::new(vec![0, 65_535]))), Ok((VoxelType::I32, 0.0, 65_535.0)));
    assert_eq!(through(Voxels::I64(Arc::new(vec![-9, 2_147_483_647]))), Ok((VoxelType::I32, -9.0, 2_147_483_647.0)));
    assert_eq!(through(Voxels::F64(Arc::new(vec![0.5, -1.25]))), Ok((VoxelType::F32, 0.5, -1.25)));
    assert!(through(Voxels::U32(Arc::new(vec![0, u32::MAX]))).unwrap_err().contains("whole numbers"));
    assert!(through(Voxels::F64(Arc::new(vec![0.0, 1e300]))).unwrap_err().contains("fractions"));
}

#[test]
fn names_of_labels_stand_behind_the_voxels_and_damage_there_touches_nothing_else() {
    use crate::formats::{read_annotated_labels, write_labels};
    use crate::volume::{Annotations, Label, LabelMap, LabelTable};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mgh");
    let mut labels = LabelMap::empty(Geometry::new([3, 2, 2], Affine::IDENTITY).unwrap());
    labels.set([1, 1, 1], 300);
    let notes = Annotations::new(LabelTable(vec![Label::new(300, "Hippocampus")]), Vec::new());
    write_labels(&path, &labels, &notes, Watch::unwatched()).unwrap();
    let read = || read_annotated_labels(&path, None, Watch::unwatched(), &|_| {}).unwrap();
    assert_eq!(read().1.table.get(300).map(|label| label.name.clone()), Some("Hippocampus".into()));
    let whole = std::fs::read(&path).unwrap();
    for end in SIZE + 48..whole.len() {
        std::fs::write(&path, &whole[..end]).unwrap();
        assert!(read().0.same_labels(&labels), "cut at {end} of {}", whole.len());
    }
}

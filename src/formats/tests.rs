//! One test for all formats.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::volume::{
    Affine, Annotations, Geometry, Label, LabelMap, LabelTable, Rescale, SliceState, Volume, VoxelType, Voxels,
};
use crate::work::Watch;

/// A turned, sheared grid that no axis of the patient runs along.
fn geometry() -> Geometry {
    let columns = [[-0.5, 0.1, 0.0], [0.1, -0.75, 0.2], [0.0, 0.3, 1.5]];
    Geometry::new([5, 4, 3], Affine::from_columns(columns, [12.5, -20.25, 7.0])).unwrap()
}

/// One volume of each type, with the ends of the type's range in it.
fn volumes() -> Vec<Volume> {
    macro_rules! of {
        ($($variant:ident $type:ty),*) => {
            vec![$(Voxels::$variant(Arc::new({
                let mut values: Vec<$type> = (0..60u8).map(|n| <$type>::try_from(n).unwrap()).collect();
                (values[3], values[17]) = (<$type>::MIN, <$type>::MAX);
                values
            }))),*]
        };
    }
    let voxels = of!(U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F32 f32, F64 f64);
    voxels.into_iter().map(|v| Volume::new(geometry(), v, Vec::new(), Rescale::IDENTITY, "v".into())).collect()
}

fn saved(kind: Kind) -> impl Iterator<Item = (&'static Format, &'static str)> {
    let of_kind = move |save: &&Save| match kind {
        Kind::Volume => save.volume.is_some(),
        // What needs the images of a scan has tests of its own.
        _ => save.labels.is_some() && !save.needs_source,
    };
    let written = move |format: &'static Format| format.saves.iter().filter(of_kind).map(move |save| (format, save));
    FORMATS.iter().flat_map(written).flat_map(|(format, save)| save.endings.iter().map(move |ending| (format, *ending)))
}

#[test]
fn the_list_names_everything_once() {
    let ids: BTreeSet<&str> = FORMATS.iter().map(|format| format.id).collect();
    assert_eq!(ids.len(), FORMATS.len());
    let endings: Vec<&str> =
        FORMATS.iter().flat_map(|format| format.endings.iter().chain(format.beside)).copied().collect();
    assert_eq!(endings.iter().collect::<BTreeSet<_>>().len(), endings.len(), "{endings:?}");
    for format in FORMATS {
        assert!(!format.kinds.is_empty() && !format.name.is_empty(), "{}", format.id);
        for ending in format.endings.iter().chain(format.beside) {
            assert!(ending.starts_with('.') && ending.to_ascii_lowercase() == *ending, "{ending}");
            // Names keep what is before the ending, in any case.
            let name = format!("a.b{}", ending.to_ascii_uppercase());
            assert_eq!(stem(name.as_ref()), "a.b", "{name}");
            let is_opened = format.kinds.contains(&Kind::Volume) && format.endings.contains(ending);
            assert_eq!(
                readable_names().contains(&format!("{ending},")) || readable_names().contains(&format!("{ending})")),
                is_opened,
                "{ending}"
            );
        }
        for ending in format.saves.iter().flat_map(|save| save.endings) {
            assert!(format.endings.contains(ending), "what {} writes as {ending} cannot be opened", format.id);
            let (writer, found) = writer_for(format!("x{ending}").as_ref()).unwrap();
            assert_eq!((writer.id, found), (format.id, *ending));
        }
    }
    // What every mask can be saved in is proposed before what names the images of a scan.
    assert_eq!(endings_of(Kind::Labels, For::Saving)[0], ".nii.gz");
    assert!(endings_of(Kind::Labels, For::Saving).contains(&".dcm") && needs_source("x.labelmap.dcm".as_ref()));
    assert!(!needs_source("x.nii.gz".as_ref()) && !endings_of(Kind::Volume, For::Saving).contains(&".dcm"));
    let error = writer_for("x.jpeg".as_ref()).map(|(format, _)| format.id).unwrap_err().to_string();
    assert!(endings_of(Kind::Labels, For::Saving).iter().all(|ending| error.contains(ending)), "{error}");
}

#[test]
fn what_is_written_comes_back_in_every_type() {
    let folder = tempfile::tempdir().unwrap();
    for (format, ending) in saved(Kind::Volume) {
        let holds = |kind| {
            format.id != "mgh" || [VoxelType::U8, VoxelType::I16, VoxelType::I32, VoxelType::F32].contains(&kind)
        };
        for (n, volume) in volumes().iter().enumerate().filter(|(_, volume)| holds(volume.voxels.voxel_type())) {
            let path = folder.path().join(format!("v{n}{ending}"));
            write_volume(&path, volume, Watch::unwatched()).unwrap();
            let found = scan(&path, Watch::unwatched()).unwrap();
            let [entry] = &found.entries[..] else { panic!("{} found in {}", found.entries.len(), path.display()) };
            assert_eq!(
                (entry.format, entry.shape, entry.name.as_str()),
                (format.id, [5, 4, 3], format!("v{n}").as_str())
            );
            let back = load(entry, Watch::unwatched()).unwrap();
            assert!(back.voxels.equals(&volume.voxels), "{ending}: {}", volume.voxels.voxel_type().name());
            assert!(back.geometry.distance_mm(&volume.geometry) < 1e-4, "{ending}");
            let told = facts(entry, Watch::unwatched()).unwrap();
            assert!(told.is_none_or(|told| told.voxel_type == volume.voxels.voxel_type()));
        }
    }
}

#[test]
fn frames_and_rescaled_values_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let stored: Vec<i16> = (0..120).map(|n| n * 273 - 16000).collect();
    for (slope, intercept) in [(1.0, 0.0), (1.0, -1024.0), (0.5, 3.25)] {
        let rescale = Rescale::Uniform { slope, intercept };
        let volume = Volume::new(geometry(), Voxels::I16(Arc::new(stored.clone())), vec![2], rescale, "v".into());
        for (_, ending) in saved(Kind::Volume) {
            let path = folder.path().join(format!("{slope}{intercept}{ending}"));
            write_volume(&path, &volume, Watch::unwatched()).unwrap();
            let back = open_one(&path, None, Watch::unwatched()).unwrap();
            assert_eq!(back.frame_dims, [2], "{ending}");
            let differ = (0..120).find(|&n| back.value_at(n) != volume.value_at(n));
            assert_eq!(differ, None, "{ending} with {slope} and {intercept}");
        }
    }
}

#[test]
fn labels_come_back_with_names_colours_and_states() {
    let folder = tempfile::tempdir().unwrap();
    for largest in [7, 40_000] {
        let mut labels = LabelMap::empty(geometry());
        labels.set([1, 2, 0], 7);
        labels.set([4, 3, 2], largest);
        let mut names =
            LabelTable(vec![Label::new(7, "left \\ \"lobe\": äöü:=1"), Label::new(largest + 1, "second\nline")]);
        names.0[0].colour = [12, 200, 77];
        let mut notes = Annotations::new(names, [((2, 1), SliceState::Done), ((0, 0), SliceState::Draft)]);
        notes.seal(&labels);
        for (format, ending) in saved(Kind::Labels) {
            let path = folder.path().join(format!("m{largest}{ending}"));
            write_labels(&path, &labels, &notes, Watch::unwatched()).unwrap();
            let back = open_one(&path, None, Watch::unwatched()).unwrap();
            assert_eq!(back.annotations, notes, "{ending}");
            let wide = if format.id == "mgh" { VoxelType::I32 } else { VoxelType::U16 };
            let wanted = if largest > 255 { wide } else { VoxelType::U8 };
            assert_eq!(back.voxels.voxel_type(), wanted, "{ending}");
            let (read, _) = LabelMap::rounded(&back, 0).unwrap();
            assert_eq!(read.fingerprint(), labels.fingerprint(), "{ending}");
        }
    }
}

#[test]
fn work_that_is_stopped_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let signal = crate::work::Signal::default();
    signal.stop();
    for (_, ending) in saved(Kind::Volume) {
        let path = folder.path().join(format!("v{ending}"));
        write_volume(&path, &volumes()[0], Watch::unwatched()).unwrap();
        let before = std::fs::read(&path).unwrap();
        let stopped = write_volume(&path, &volumes()[3], Watch::new(&signal));
        assert!(matches!(stopped, Err(FormatError::Stopped(_))), "{ending}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{ending}");
        assert!(matches!(open_one(&path, None, Watch::new(&signal)), Err(FormatError::Stopped(_))), "{ending}");
        assert!(open_one(&path, None, Watch::unwatched()).unwrap().voxels.equals(&volumes()[0].voxels), "{ending}");
    }
}

#[test]
fn every_file_that_is_cut_short_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for (_, ending) in saved(Kind::Volume) {
        let path = folder.path().join(format!("v{ending}"));
        write_volume(&path, &volumes()[3], Watch::unwatched()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        // The end of plain MGH is about the scanner, and missing in some files.
        let end = if ending == ".mgh" { whole.len() - 20 } else { whole.len() };
        // In the header, in the voxels, and in a checksum.
        for length in [0, 5, end / 3, end - 20, end - 2] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = open_one(&path, None, Watch::unwatched()).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains("v.")), "{ending} of {length} bytes");
        }
    }
}

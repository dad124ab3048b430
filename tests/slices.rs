//! Slices written as pictures, compared with what other readers of PNG and TIFF find.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "what tests make fits"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lamella::drawing::Look;
use lamella::jobs::{Inputs, SaveSlicesJob, SliceContent, SliceFiles, run_here};
use lamella::volume::{Affine, Geometry, Label, LabelMap, LabelTable, Plane, Rescale, Volume, Voxels, Window};
use lamella::work::{Signal, Watch};

/// 7 x 5 x 4 voxels of 0.5 x 0.75 x 2 mm, as CT: from -1000 upwards.
fn scan() -> Arc<Volume> {
    let columns = [[-0.5, 0.0, 0.0], [0.0, -0.75, 0.0], [0.0, 0.0, 2.0]];
    let geometry = Geometry::new([7, 5, 4], Affine::from_columns(columns, [0.0; 3])).unwrap();
    let voxels = Voxels::U16(Arc::new((0..140u16).map(|n| n * 20).collect()));
    let rescale = Rescale::Uniform { slope: 1.0, intercept: -1000.0 };
    Arc::new(Volume::new(geometry, voxels, vec![], rescale, "ct".into()))
}

fn job(content: SliceContent, plane: Plane, slices: Vec<usize>, files: SliceFiles) -> SaveSlicesJob {
    let volume = scan();
    let labels = LabelMap::from_fn(volume.geometry.clone(), |[i, j, k]| if i > j { 250 + 20 * k as u16 } else { 0 });
    let look = Look::plain(Window { level: 0.0, width: 2000.0 });
    let table = LabelTable(vec![Label::new(250, "a")]);
    let inputs = Inputs::default();
    SaveSlicesJob {
        volume: Some(volume),
        labels,
        table,
        content,
        plane,
        slices,
        base: 0,
        frame: 0,
        look,
        files,
        inputs,
    }
}

fn run(job: SaveSlicesJob) -> Result<Vec<PathBuf>, String> {
    run_here(job, &Signal::default(), &|_| {}).map_err(|error| error.to_string())
}

/// What another reader of TIFF finds: pages of values, and the resolution.
fn pages(path: &Path) -> Vec<Vec<f64>> {
    let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut all = Vec::new();
    loop {
        all.push(match decoder.read_image().unwrap() {
            tiff::decoder::DecodingResult::U8(values) => values.into_iter().map(f64::from).collect(),
            tiff::decoder::DecodingResult::U16(values) => values.into_iter().map(f64::from).collect(),
            tiff::decoder::DecodingResult::I16(values) => values.into_iter().map(f64::from).collect(),
            tiff::decoder::DecodingResult::F32(values) => values.into_iter().map(f64::from).collect(),
            other => panic!("{other:?}"),
        });
        if !decoder.more_images() {
            return all;
        }
        decoder.next_image().unwrap();
    }
}

#[test]
fn a_stack_of_values_is_read_by_others_and_opens_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.tif");
    run(job(SliceContent::Values, Plane::Axial, vec![0, 1, 2, 3], SliceFiles::One(path.clone()))).unwrap();
    let scan = scan();
    let wanted = |k: usize| (0..35).map(|n| scan.value([n % 7, n / 7, k], 0)).collect::<Vec<_>>();
    assert_eq!(pages(&path), [wanted(0), wanted(1), wanted(2), wanted(3)]);
    // Opened again it is the same grid, but for its place in the patient.
    let back = lamella::formats::open_one(&path, None, Watch::unwatched()).unwrap();
    let spacing = back.geometry.spacing_mm();
    assert!(spacing.iter().zip([0.5, 0.75, 2.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{spacing:?}");
    assert_eq!((back.geometry.shape(), back.value([3, 2, 1], 0)), ([7, 5, 4], scan.value([3, 2, 1], 0)));
    assert!(!back.geometry.is_size_assumed() && back.warnings.is_empty(), "{:?}", back.warnings);
}

#[test]
fn slices_of_every_plane_go_into_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let each = |ending| SliceFiles::Each { folder: folder.path().join("out"), stem: "ct".into(), ending };
    let paths = run(job(SliceContent::Labels, Plane::Coronal, vec![1, 3], each(".png"))).unwrap();
    let names: Vec<_> = paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["ct_coronal_0001.png", "ct_coronal_0003.png"]);
    // Labels above 255 take two bytes. The head is at the top, the patient's right on the left.
    let image = image::open(&paths[1]).unwrap().into_luma16();
    assert_eq!(image.dimensions(), (7, 4));
    let labels = job(SliceContent::Labels, Plane::Coronal, vec![], each(".png")).labels;
    for (x, y) in (0..7).flat_map(|x| (0..4).map(move |y| (x, y))) {
        // Coronal slice 3 counts from the back: row 1 of five.
        let wanted = labels.get([x as usize, 1, 3 - y as usize]);
        assert_eq!(image.get_pixel(x, y).0[0], wanted, "{x} {y}");
    }
    let refused = run(job(SliceContent::Values, Plane::Axial, vec![0, 1], each(".png"))).unwrap_err();
    assert!(refused.contains("0 to 65535") && refused.contains(".tif"), "{refused}");
    assert_eq!(run(job(SliceContent::Values, Plane::Sagittal, vec![0, 6], each(".tif"))).unwrap().len(), 2);
}

#[test]
fn the_image_is_seen_through_the_window_and_the_overlay_in_its_colours() {
    let folder = tempfile::tempdir().unwrap();
    let one = |name: &str| SliceFiles::One(folder.path().join(name));
    let paths = run(job(SliceContent::Image, Plane::Axial, vec![2], one("a.png"))).unwrap();
    let image = image::open(&paths[0]).unwrap().into_luma8();
    // From -1000 to 1000: value -1000 + 20 n.
    let wanted: Vec<u8> = (70..105).map(|n| (f64::from(n) * 20.0 / 2000.0 * 255.0).min(255.0) as u8).collect();
    assert_eq!(image.into_raw(), wanted);
    let paths = run(job(SliceContent::Overlay, Plane::Axial, vec![0], one("b.tif"))).unwrap();
    let as_png = run(job(SliceContent::Overlay, Plane::Axial, vec![0], one("c.png"))).unwrap();
    let drawn = image::open(&as_png[0]).unwrap().into_rgb8();
    let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(&paths[0]).unwrap()).unwrap();
    let tiff::decoder::DecodingResult::U8(values) = decoder.read_image().unwrap() else { panic!("no bytes") };
    assert_eq!(values, drawn.into_raw());
    let pages = SliceFiles::One(folder.path().join("d.png"));
    assert!(run(job(SliceContent::Image, Plane::Axial, vec![0, 1], pages)).unwrap_err().contains("one slice"));
}

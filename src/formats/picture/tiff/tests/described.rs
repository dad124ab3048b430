//! What descriptions and fields say: planes, sizes, pages that are left out.

use super::Field::{self, Fraction, Long, Short, Text};
use super::{ConcatFields, File, described, near, values, warns};
use crate::volume::Volume;
use crate::work::Watch;

#[test]
fn planes_behind_one_directory_are_slices() {
    for big_endian in [false, true] {
        let words: Vec<u8> =
            (1..=24u16).flat_map(|v| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() }).collect();
        for (text, shape, frames) in [
            ("ImageJ=1.53t\nimages=4\n", [3, 2, 4], vec![]),
            ("ImageJ=1.53t\nimages=4\nslices=4\nloop=false\n", [3, 2, 4], vec![]),
            ("ImageJ=1.53t\nimages=4\nchannels=2\nslices=2\nhyperstack=true\nmode=composite\n", [3, 2, 2], vec![2]),
            ("ImageJ=1.53t\nimages=4\nframes=4\n", [3, 2, 1], vec![4]),
        ] {
            let mut file = File::new(big_endian);
            let [place, _] = file.pixels(&words);
            file.page([3, 2], 16, [place, 12], described(text));
            let volume = file.open().unwrap();
            assert_eq!((volume.geometry.shape(), &volume.frame_dims), (shape, &frames), "{text}");
            // Channels take turns: the first frame has planes 1 and 3.
            let second = if text.contains("channels") { 13.0 } else { 7.0 };
            assert_eq!(
                (volume.value_at(0), volume.value_at(6), volume.value_at(23)),
                (Some(1.0), Some(second), Some(24.0))
            );
        }
    }
}

#[test]
fn a_page_taken_out_of_a_stack_opens_with_a_warning_and_a_cut_stack_does_not() {
    let text = "ImageJ=1.53t\nimages=10\nslices=10\n";
    let packed = [described(text), vec![Short(259, vec![32773])]].concat_fields();
    let volume = File::new(false).grey([3, 2], 8, &[5, 1, 2, 3, 4, 5, 6], packed).open().unwrap();
    assert_eq!(values(&volume), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(warns(&volume, "speaks of 10 planes"), "{:?}", volume.warnings);
    let mut two = File::new(false);
    two.grey([1, 1], 8, &[1], described("ImageJ=1.53t\nimages=10\n")).grey([1, 1], 8, &[2], Vec::new());
    let volume = two.open().unwrap();
    assert!(volume.geometry.shape()[2] == 2 && warns(&volume, "10 planes, but 2 are here"), "{:?}", volume.warnings);
    let mut cut = File::new(false);
    let pixels: Vec<u8> = (0..250).collect();
    let [place, _] = cut.pixels(&pixels);
    cut.page([10, 10], 8, [place, 100], described(text));
    assert!(cut.open().unwrap_err().to_string().contains("10 planes behind one another"));
}

#[test]
fn channels_take_turns_in_hyperstacks() {
    let text = "ImageJ=1.54f\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\nunit=micron\nspacing=3\n";
    let mut file = File::new(true);
    for page in 0..12u8 {
        let more = if page == 0 {
            [described(text), vec![Fraction(282, [2, 1]), Fraction(283, [4, 1]), Short(296, vec![1])]].concat_fields()
        } else {
            Vec::new()
        };
        file.grey([2, 1], 8, &[page, 100 + page], more);
    }
    let volume = file.open().unwrap();
    assert_eq!((volume.geometry.shape(), volume.frame_dims.as_slice()), ([2, 1, 3], &[4][..]));
    // numpy: arange(12).reshape(t, z, c).transpose(0, 2, 1)
    let firsts: Vec<f64> = (0..12).map(|n| volume.value_at(2 * n).unwrap()).collect();
    assert_eq!(firsts, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0, 6.0, 8.0, 10.0, 7.0, 9.0, 11.0]);
    assert!(near(&volume, [0.5e-3, 0.25e-3, 3e-3]));
    assert!(warns(&volume, "2 channels and 2 times"));
}

#[test]
fn smaller_pages_and_masks_are_left_out() {
    let small = [5u8; 4];
    for kind in [Long(254, vec![1]), Long(254, vec![5]), Long(254, vec![4]), Short(255, vec![2]), Short(262, vec![4])] {
        let bits = if matches!(kind, Short(262, _)) { 1 } else { 8 };
        let mut after = File::new(false);
        after.grey([3, 2], 8, &[1, 2, 3, 4, 5, 6], Vec::new()).grey([2, 2], bits, &small, vec![kind]);
        let volume = after.open().unwrap();
        assert_eq!((values(&volume), volume.geometry.shape()), (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [3, 2, 1]));
        assert!(warns(&volume, "1 of 2 pages"));
    }
    let mut before = File::new(true);
    before.grey([2, 2], 8, &small, vec![Long(254, vec![1])]);
    before.grey([3, 1], 8, &[1, 2, 3], vec![Long(254, vec![2])]).grey([3, 1], 8, &[4, 5, 6], vec![Long(254, vec![2])]);
    assert_eq!(before.open().unwrap().geometry.shape(), [3, 1, 2]);
    let mut unmarked = File::new(true);
    unmarked.grey([3, 1], 8, &[1, 2, 3], Vec::new()).grey([2, 2], 8, &small, Vec::new());
    let message = unmarked.open().unwrap_err().to_string();
    assert!(message.contains("page 2 has 2 x 2") && message.contains("3 x 1"), "{message}");
    // A thumbnail by itself is all there is.
    assert_eq!(
        File::new(false).grey([2, 2], 8, &small, vec![Long(254, vec![1])]).open().unwrap().value_at(3),
        Some(5.0)
    );
}

#[test]
fn sizes_of_pixels_are_those_that_the_file_means() {
    let resolution =
        |x: [u32; 2], y: [u32; 2], unit: u16| vec![Fraction(282, x), Fraction(283, y), Short(296, vec![unit])];
    let page = |text: &str, fields: Vec<Field>| {
        let text = if text.is_empty() { Vec::new() } else { described(text) };
        File::new(false).grey([1, 1], 8, &[9], [text, fields].concat_fields()).open().unwrap()
    };
    // Plain files: measured resolutions count, those of screens and printers do not.
    for (fields, mm, said) in [
        (resolution([40, 1], [20, 1], 3), [0.25, 0.5, 1.0], "40 x 20 pixels per cm"),
        (resolution([508, 10], [508, 10], 2), [0.5, 0.5, 1.0], "50.8 x 50.8 pixels per inch"),
        (resolution([72, 1], [72, 1], 2), [1.0; 3], "screens and printers"),
        (resolution([300, 1], [300, 1], 2), [1.0; 3], "screens and printers"),
        (resolution([118_110, 1000], [118_110, 1000], 3), [1.0; 3], "screens and printers"),
        (resolution([1, 1], [1, 1], 2), [1.0; 3], "not believed"),
        (resolution([0, 0], [5, 0], 3), [1.0; 3], "cannot be used"),
        (resolution([1, 1], [1, 1], 1), [1.0; 3], "does not say how large"),
        (resolution([1, 1], [4, 1], 1), [1.0, 0.25, 1.0], "0.25 times as high"),
        (resolution([1, 1], [u32::MAX, 1], 1), [1.0; 3], "1 mm is assumed"),
        (Vec::new(), [1.0; 3], "1 mm is assumed"),
    ] {
        let volume = page("", fields);
        assert!(near(&volume, mm) && warns(&volume, said), "{:?} {:?}", volume.geometry.spacing_mm(), volume.warnings);
    }
    // ImageJ: fields in the unit of the description.
    for (text, fields, mm, warning) in [
        ("unit=micron\nspacing=2", resolution([4, 1], [4, 1], 1), [0.25e-3, 0.25e-3, 2e-3], ""),
        ("unit=\\u00B5m\nspacing=2", resolution([4, 1], [4, 1], 1), [0.25e-3, 0.25e-3, 2e-3], ""),
        ("unit=nm\nspacing=30", resolution([1, 4], [1, 4], 1), [4e-6, 4e-6, 3e-5], ""),
        ("unit=mm\nspacing=-1.5", resolution([2, 1], [1, 1], 1), [0.5, 1.0, 1.5], ""),
        ("unit=cm\nspacing=0.3", resolution([20, 1], [20, 1], 3), [0.5, 0.5, 3.0], ""),
        ("unit=inch\nspacing=0.1", resolution([254, 10], [254, 10], 2), [1.0, 1.0, 2.54], ""),
        ("spacing=0.3", resolution([20, 1], [20, 1], 3), [0.5, 0.5, 3.0], ""),
        ("unit=inch", resolution([300, 1], [300, 1], 2), [1.0; 3], "screens and printers"),
        ("unit=pixel\nspacing=2.5", Vec::new(), [1.0, 1.0, 2.5], "in which unit"),
        ("spacing=2.5", Vec::new(), [1.0, 1.0, 2.5], "in which unit"),
        ("unit=furlong\nspacing=2", resolution([2, 1], [2, 1], 1), [1.0, 1.0, 4.0], "furlong"),
        ("unit=mm\nspacing=two", resolution([2, 1], [2, 1], 1), [0.5, 0.5, 1.0], "spacing=two"),
        ("unit=um\nspacing=2", resolution([4, 1], [4, 1], 3), [0.25e-3, 0.25e-3, 2e-3], "description is believed"),
        ("unit=mm\nspacing=1e9", resolution([1, 1], [1, 1], 1), [1.0; 3], "not believed"),
        ("unit=mm\nzunit=micron\nspacing=500", resolution([1, 1], [1, 1], 1), [1.0, 1.0, 0.5], ""),
    ] {
        let volume = page(&format!("ImageJ=1.54f\n{text}\n"), fields);
        assert!(near(&volume, mm), "{text}: {:?} {:?}", volume.geometry.spacing_mm(), volume.warnings);
        assert!(
            if warning.is_empty() { volume.warnings.is_empty() } else { warns(&volume, warning) },
            "{:?}",
            volume.warnings
        );
    }
    // Latin-1, as programs write that know nothing of UTF-8.
    let text = Text(270, b"ImageJ=1.54f\nunit=\xb5m\nspacing=2\n".to_vec());
    let fields = [vec![text], resolution([4, 1], [4, 1], 1)].concat_fields();
    assert!(near(&File::new(false).grey([1, 1], 8, &[9], fields).open().unwrap(), [0.25e-3, 0.25e-3, 2e-3]));
}

#[test]
fn calibrated_values_of_imagej_are_those_that_it_shows() {
    let text = "ImageJ=1.54f\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n";
    let volume = File::new(true).grey([2, 1], 16, &[0x80, 0, 0x7c, 0x18], described(text)).open().unwrap();
    assert_eq!([0, 1].map(|i| volume.value([i, 0, 0], 0)), [0.0, -1000.0]);
    assert_eq!(volume.voxels.voxel_type().name(), "uint16");
    let other = File::new(true).grey([1, 1], 8, &[9], described("ImageJ=1.54f\ncf=21\n")).open().unwrap();
    assert!(other.value_at(0) == Some(9.0) && warns(&other, "cf=21"));
}

fn ome(order: &str, [z, c, t]: [usize; 3], blocks: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" UUID=\"urn:uuid:1\"><Image ID=\"Image:0\">\
         <Pixels ID=\"Pixels:0\" DimensionOrder=\"{order}\" Type=\"uint8\" SizeX=\"2\" SizeY=\"1\" SizeZ=\"{z}\" SizeC=\"{c}\" SizeT=\"{t}\" \
         PhysicalSizeX=\"0.5\" PhysicalSizeY=\"250\" PhysicalSizeYUnit=\"nm\" PhysicalSizeZ=\"0.002\" PhysicalSizeZUnit=\"mm\">{blocks}\
         </Pixels></Image></OME>"
    )
}

#[test]
fn planes_of_ome_follow_its_order_and_its_blocks() {
    let file = |text: &str, pages: u8| {
        let mut file = File::new(false);
        for page in 0..pages {
            file.grey([2, 1], 8, &[page, 99], if page == 0 { described(text) } else { Vec::new() });
        }
        file
    };
    let firsts =
        |volume: &Volume| (0..volume.voxels.len() / 2).map(|n| volume.value_at(2 * n).unwrap()).collect::<Vec<_>>();
    // numpy: arange(12) with axes of the order reversed, transposed to t, c, z.
    for (order, want) in [
        ("XYZCT", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("XYZTC", [0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]),
        ("XYCZT", [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]),
        ("XYCTZ", [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]),
        ("XYTCZ", [0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11]),
        ("XYTZC", [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]),
    ] {
        let volume = file(&ome(order, [3, 2, 2], "<TiffData/>"), 12).open().unwrap();
        assert_eq!((volume.geometry.shape(), volume.frame_dims.as_slice()), ([2, 1, 3], &[4][..]), "{order}");
        assert_eq!(firsts(&volume), want.map(f64::from), "{order}");
        assert!(near(&volume, [0.5e-3, 0.25e-3, 2e-3]));
    }
    let turned = "<TiffData FirstZ='2' IFD='0'/><TiffData FirstZ='1' IFD='1'/><TiffData FirstZ='0' IFD='2'/>";
    assert_eq!(firsts(&file(&ome("XYZCT", [3, 1, 1], turned), 3).open().unwrap()), [2.0, 1.0, 0.0]);
    let elsewhere = "<TiffData IFD='0'/><TiffData FirstZ='1'><UUID FileName='b.ome.tif'>urn:uuid:2</UUID></TiffData>";
    let message = file(&ome("XYZCT", [2, 1, 1], elsewhere), 1).open_as("a.ome.tif").unwrap_err().to_string();
    assert!(message.contains("b.ome.tif") && message.contains("1 of the 2 planes"), "{message}");
    let message = file(&ome("XYZCT", [5, 1, 1], ""), 3).open().unwrap_err().to_string();
    assert!(message.contains("5 planes, but the file has 3"), "{message}");
    let two = ome("XYZCT", [1, 1, 1], "<TiffData IFD='1'/>");
    let other = two.replace("IFD='1'", "IFD='0'").replace("Image:0", "Image:1");
    let image = |text: &str| text[text.find("<Image").unwrap()..text.find("</OME>").unwrap()].to_string();
    let both = two.replace("</OME>", &(image(&other) + "</OME>"));
    let folder = tempfile::tempdir().unwrap();
    let path = file(&both, 2).save(folder.path(), "two.ome.tif");
    let found = crate::formats::scan(&path, Watch::unwatched()).unwrap();
    let firsts: Vec<_> = found
        .entries
        .iter()
        .map(|entry| {
            let volume = crate::formats::load(entry, Watch::unwatched()).unwrap();
            (entry.id.clone(), volume.value_at(0).unwrap())
        })
        .collect();
    assert_eq!(firsts, [("two.ome.tif#1".to_string(), 1.0), ("two.ome.tif#2".to_string(), 0.0)]);
}

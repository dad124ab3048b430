//! Files made byte by byte. Values that tifffile 2026.3.3 gave for the same bytes are named where they come from.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::formats::error::{FormatError, Result};
use crate::volume::Volume;

/// A field of a directory: number, and values of 16 or 32 bits, text, or a fraction.
enum Field {
    Short(u16, Vec<u16>),
    Long(u16, Vec<u32>),
    Text(u16, Vec<u8>),
    Fraction(u16, [u32; 2]),
}
use Field::{Fraction, Long, Short, Text};

/// A TIFF whose pages have one strip each.
struct File {
    big_endian: bool,
    bytes: Vec<u8>,
    /// Where the place of the next directory is to be written.
    link: usize,
}

impl File {
    fn new(big_endian: bool) -> Self {
        let mut file = Self { big_endian, bytes: if big_endian { b"MM".to_vec() } else { b"II".to_vec() }, link: 4 };
        file.short(42);
        file.long(0);
        file
    }

    fn short(&mut self, value: u16) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn long(&mut self, value: u32) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn place(&mut self) -> u32 {
        if !self.bytes.len().is_multiple_of(2) {
            self.bytes.push(0);
        }
        self.bytes.len() as u32
    }

    /// Writes pixels; gives their place.
    fn pixels(&mut self, pixels: &[u8]) -> [u32; 2] {
        let place = self.place();
        self.bytes.extend(pixels);
        [place, pixels.len() as u32]
    }

    /// A page of grey values; `more` replaces fields of the same number.
    fn page(&mut self, size: [u16; 2], bits: u16, strip: [u32; 2], more: Vec<Field>) -> &mut Self {
        let mut fields = vec![
            Short(256, vec![size[0]]),
            Short(257, vec![size[1]]),
            Short(258, vec![bits]),
            Short(259, vec![1]),
            Short(262, vec![1]),
            Long(273, vec![strip[0]]),
            Short(277, vec![1]),
            Long(279, vec![strip[1]]),
        ];
        let tag = |field: &Field| match field {
            Short(tag, _) | Long(tag, _) | Text(tag, _) | Fraction(tag, _) => *tag,
        };
        fields.retain(|field| more.iter().all(|other| tag(other) != tag(field)));
        fields.extend(more);
        fields.sort_by_key(tag);
        let mut entries = Vec::new();
        for field in &fields {
            let start = self.bytes.len();
            let (kind, count) = match field {
                Short(_, values) => {
                    values.iter().for_each(|&v| self.short(v));
                    (3, values.len())
                }
                Long(_, values) => {
                    values.iter().for_each(|&v| self.long(v));
                    (4, values.len())
                }
                Text(_, text) => {
                    self.bytes.extend(text);
                    self.bytes.push(0);
                    (2, text.len() + 1)
                }
                Fraction(_, [above, below]) => {
                    self.long(*above);
                    self.long(*below);
                    (5, 1)
                }
            };
            let value = self.bytes.split_off(start);
            let inline = if value.len() <= 4 {
                let mut four = value;
                four.resize(4, 0);
                four
            } else {
                let place = self.place();
                self.bytes.extend(value);
                (if self.big_endian { place.to_be_bytes() } else { place.to_le_bytes() }).to_vec()
            };
            entries.push((tag(field), kind, count as u32, inline));
        }
        let here = self.place();
        let link = if self.big_endian { here.to_be_bytes() } else { here.to_le_bytes() };
        self.bytes[self.link..self.link + 4].copy_from_slice(&link);
        self.short(entries.len() as u16);
        for (tag, kind, count, value) in entries {
            self.short(tag);
            self.short(kind);
            self.long(count);
            self.bytes.extend(value);
        }
        self.link = self.bytes.len();
        self.long(0);
        self
    }

    fn grey(&mut self, size: [u16; 2], bits: u16, pixels: &[u8], more: Vec<Field>) -> &mut Self {
        let strip = self.pixels(pixels);
        self.page(size, bits, strip, more)
    }

    fn open(&self) -> Result<Volume> {
        self.open_as("a.tif")
    }

    fn open_as(&self, name: &str) -> Result<Volume> {
        let folder = tempfile::tempdir().unwrap();
        open(&self.save(folder.path(), name))
    }

    fn save(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, &self.bytes).unwrap();
        path
    }
}

fn open(path: &Path) -> Result<Volume> {
    crate::formats::open_one(path, None, &|_| ControlFlow::Continue(()))
}

fn described(text: &str) -> Vec<Field> {
    vec![Text(270, text.as_bytes().to_vec())]
}

fn values(volume: &Volume) -> Vec<f64> {
    (0..volume.voxels.len()).map(|n| volume.voxels.get(n).unwrap()).collect()
}

fn warns(volume: &Volume, text: &str) -> bool {
    volume.warnings.iter().any(|warning| warning.contains(text))
}

fn near(volume: &Volume, mm: [f64; 3]) -> bool {
    volume.geometry.spacing_mm().iter().zip(mm).all(|(a, b)| (a / b - 1.0).abs() < 1e-6)
}

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
    let mut file = File::new(false);
    file.grey([3, 2], 8, &[1, 2, 3, 4, 5, 6], described(text));
    // Only the end of the file follows: no second plane.
    let mut short = File::new(false);
    let strip = [8, 6];
    short.page([3, 2], 8, strip, described(text));
    let page = short.bytes.split_off(8);
    drop(page);
    let volume = {
        let mut packed = File::new(false);
        packed.grey(
            [3, 2],
            8,
            &[5, 1, 2, 3, 4, 5, 6],
            [described(text), vec![Short(259, vec![32773])]].concat_fields(),
        );
        packed.open().unwrap()
    };
    assert_eq!(values(&volume), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(warns(&volume, "speaks of 10 planes"), "{:?}", volume.warnings);
    let mut cut = File::new(false);
    let pixels: Vec<u8> = (0..250).collect();
    let [place, _] = cut.pixels(&pixels);
    cut.page([10, 10], 8, [place, 100], described(text));
    assert!(cut.open().unwrap_err().to_string().contains("10 planes behind one another"));
}

trait ConcatFields {
    fn concat_fields(self) -> Vec<Field>;
}

impl ConcatFields for [Vec<Field>; 2] {
    fn concat_fields(self) -> Vec<Field> {
        self.into_iter().flatten().collect()
    }
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
fn small_values_that_are_white_stay_as_they_are() {
    let white = || vec![Short(262, vec![0])];
    for (bits, pixels, want) in [
        (1, vec![0b0110_0000], vec![0.0, 1.0, 1.0]),
        (2, vec![0b0110_1100], vec![1.0, 2.0, 3.0]),
        (4, vec![0x0f, 0x70], vec![0.0, 15.0, 7.0]),
        (8, vec![0, 255, 3], vec![0.0, 255.0, 3.0]),
        (16, vec![0, 0, 255, 255, 3, 1], vec![0.0, 65535.0, 259.0]),
        (32, vec![0, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0], vec![0.0, 4_294_967_295.0, 1.0]),
    ] {
        let volume = File::new(false).grey([3, 1], bits, &pixels, white()).open().unwrap();
        assert_eq!(values(&volume), want, "{bits} bits");
        assert!(volume.display.inverted && warns(&volume, "MinIsWhite"));
    }
    let floats: Vec<u8> = [0.25f32, -3.0, 99.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let float = [white(), vec![Short(339, vec![3])]].concat_fields();
    let volume = File::new(false).grey([3, 1], 32, &floats, float).open().unwrap();
    assert_eq!(values(&volume), [0.25, -3.0, 99.0]);
}

#[test]
fn every_number_of_bits_is_read_rightly_or_refused() {
    for bits in 1..=40u16 {
        // Values of each row from the highest bit on, as TIFF 6.0 says; whole bytes in the file's order.
        let highest = if bits >= 32 { u32::MAX } else { (1 << bits) - 1 };
        let numbers: Vec<u32> = (0..9u32).map(|n| n.wrapping_mul(0x9e37_79b9) & highest).collect();
        let mut pixels = Vec::new();
        for row in numbers.chunks(3) {
            let text: String = row.iter().map(|v| format!("{v:0width$b}", width = usize::from(bits))).collect();
            let text = format!("{text:0<width$}", width = text.len().div_ceil(8) * 8);
            pixels.extend((0..text.len() / 8).map(|n| u8::from_str_radix(&text[8 * n..8 * n + 8], 2).unwrap()));
        }
        let opened = File::new(true).grey([3, 3], bits, &pixels, Vec::new()).open();
        match opened {
            Ok(volume) => {
                assert!(matches!(bits, 1 | 2 | 4 | 8..=16 | 32), "{bits} bits");
                assert_eq!(values(&volume), numbers.iter().map(|&v| f64::from(v)).collect::<Vec<_>>(), "{bits} bits");
            }
            Err(error) => {
                assert!(!matches!(bits, 1 | 2 | 4 | 8..=16 | 32), "{bits} bits: {error}");
                assert!(error.to_string().contains(&format!("of {bits} bits")), "{error}");
            }
        }
    }
    let signed = || vec![Short(339, vec![2])];
    assert!(File::new(false).grey([1, 1], 12, &[0, 0], signed()).open().unwrap_err().to_string().contains("signed"));
    let volume = File::new(true).grey([2, 1], 16, &[0xff, 0xfe, 0, 7], signed()).open().unwrap();
    assert_eq!(values(&volume), [-2.0, 7.0]);
    // numpy.float16: 1.5, -0.5, 65504
    let half = vec![Short(339, vec![3])];
    let volume = File::new(true).grey([3, 1], 16, &[0x3e, 0, 0xb8, 0, 0x7b, 0xff], half).open().unwrap();
    assert_eq!((values(&volume), volume.voxels.voxel_type().name()), (vec![1.5, -0.5, 65504.0], "float32"));
}

#[test]
fn bits_in_reverse_order_are_read() {
    // tifffile reads 12-bit values of FillOrder 2 as these: 0x123, 0xabc.
    let reversed: Vec<u8> = [0x12u8, 0x3a, 0xbc].iter().map(|b| b.reverse_bits()).collect();
    let volume = File::new(false).grey([2, 1], 12, &reversed, vec![Short(266, vec![2])]).open().unwrap();
    assert_eq!(values(&volume), [291.0, 2748.0]);
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
    let found = crate::formats::scan(&path, &|_| ControlFlow::Continue(())).unwrap();
    let firsts: Vec<_> = found
        .entries
        .iter()
        .map(|entry| {
            let volume = crate::formats::load(entry, &|_| ControlFlow::Continue(())).unwrap();
            (entry.id.clone(), volume.value_at(0).unwrap())
        })
        .collect();
    assert_eq!(firsts, [("two.ome.tif#1".to_string(), 1.0), ("two.ome.tif#2".to_string(), 0.0)]);
}

#[test]
fn colours_may_lie_in_planes_and_may_be_a_stack() {
    let mut file = File::new(false);
    let places: Vec<[u32; 2]> = [[1, 2], [3, 4], [5, 6]].iter().map(|plane| file.pixels(plane)).collect();
    let (at, count) = places.iter().map(|[at, count]| (*at, *count)).unzip();
    let fields = vec![
        Short(258, vec![8; 3]),
        Short(262, vec![2]),
        Long(273, at),
        Short(277, vec![3]),
        Long(279, count),
        Short(284, vec![2]),
    ];
    file.page([2, 1], 8, [0, 0], fields);
    let volume = file.open().unwrap();
    assert_eq!((values(&volume), volume.frame_dims.as_slice()), ((1..=6).map(f64::from).collect(), &[3][..]));
    assert!(warns(&volume, "slices of a stack"));
}

#[test]
fn pages_on_the_same_bytes_and_memory_that_is_not_there_are_refused() {
    // 600 pages of 1 MB on one strip that is not even compressed.
    let mut file = File::new(false);
    let strip = file.pixels(&vec![7; 1 << 20]);
    for _ in 0..600 {
        file.page([1024, 1024], 8, strip, Vec::new());
    }
    assert!(file.open().unwrap_err().to_string().contains("same bytes"));
    // As large as memory may be, with hardly any bytes.
    let mut file = File::new(false);
    file.grey([2, 2], 8, &[1, 2, 3, 4], vec![Long(256, vec![1 << 20]), Long(257, vec![1 << 20])]);
    assert!(file.open().unwrap_err().to_string().contains("larger than can be shown"));
    let mut file = File::new(false);
    file.grey([2, 2], 8, &[1, 2, 3, 4], vec![Short(256, vec![30000]), Short(257, vec![30000])]);
    assert!(file.open().unwrap_err().to_string().contains("too few"));
    // Directories in a circle, and of more fields than the file has bytes.
    let mut file = File::new(false);
    file.grey([1, 1], 8, &[1], Vec::new());
    let first: [u8; 4] = file.bytes[4..8].try_into().unwrap();
    let link = file.link;
    file.bytes[link..link + 4].copy_from_slice(&first);
    assert!(file.open().unwrap_err().to_string().contains("circle"));
}

#[test]
fn a_stop_is_noticed_while_pages_are_read() {
    let mut file = File::new(false);
    for _ in 0..50 {
        file.grey([8, 8], 8, &[3; 64], Vec::new());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = file.save(folder.path(), "a.tif");
    let found = crate::formats::scan(&path, &|_| ControlFlow::Continue(())).unwrap();
    let stopping = |share: f32| if share > 0.5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    assert!(matches!(crate::formats::load(&found.entries[0], &stopping), Err(FormatError::Cancelled)));
}

#[test]
fn a_damaged_byte_never_panics() {
    let text = "ImageJ=1.54f\nimages=3\nchannels=3\nunit=micron\nspacing=2\n";
    let mut file = File::new(false);
    for _ in 0..3 {
        let fields =
            [described(text), vec![Fraction(282, [4, 1]), Fraction(283, [4, 1]), Short(296, vec![1])]].concat_fields();
        file.grey([3, 2], 12, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], fields);
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = file.bytes.clone();
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            file.bytes.clone_from(&whole);
            file.bytes[at] = value;
            drop(open(&file.save(folder.path(), "a.tif")));
        }
        file.bytes.truncate(at);
        drop(open(&file.save(folder.path(), "a.tif")));
    }
}

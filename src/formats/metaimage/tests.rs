//! Headers written by hand, and what hostile ones cost. What ITK reads from the same bytes was seen with `SimpleITK` 2.5.7.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use crate::formats::{FormatError, open_one};
use crate::volume::Volume;
use crate::work::Watch;

const PLAIN: &str = "ObjectType = Image\nNDims = 3\nBinaryData = True\n";

fn file(folder: &Path, name: &str, fields: &str, data: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, [fields.as_bytes(), data].concat()).unwrap();
    path
}

fn open(path: &Path) -> Result<Volume, FormatError> {
    open_one(path, None, Watch::unwatched())
}

fn values(volume: &Volume) -> Vec<f64> {
    (0..volume.voxels.len()).filter_map(|n| volume.value_at(n)).collect()
}

/// Opens 24 bytes, 0 to 23, in a grid of 4 x 3 x 2, with further fields.
fn opened(more: &str) -> Result<Volume, FormatError> {
    let folder = tempfile::tempdir().unwrap();
    let fields = format!("{PLAIN}{more}DimSize = 4 3 2\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n");
    open(&file(folder.path(), "a.mha", &fields, &(0..24).collect::<Vec<u8>>()))
}

fn refusal(more: &str) -> String {
    opened(more).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn grids_lie_where_itk_puts_them() {
    let of = |more: &str| opened(more).unwrap().geometry.world_from_voxel().0;
    let plain = [[-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
    assert_eq!(of(""), plain);
    let turned = [[0.0, 2.0, 0.0, -7.0], [-1.0, 0.0, 0.0, -8.0], [0.0, 0.0, 3.0, 9.0]];
    for (matrix, offset) in [("TransformMatrix", "Offset"), ("Rotation", "Position"), ("Orientation", "Origin")] {
        let fields = format!("{matrix} = 0 1 0 -1 0 0 0 0 1\n{offset} = 7 8 9\nElementSpacing = 1 2 3\n");
        assert_eq!(of(&fields), turned, "{fields}");
    }
    // Of several that mean the same, the last is believed; sizes stand for distances only where those are missing.
    assert_eq!(of("Offset = 1 2 3\nPosition = 4 5 6\nOrigin = 7 8 9\n").map(|row| row[3]), [-7.0, -8.0, 9.0]);
    assert_eq!(of("ElementSize = 4 5 6\n")[2][2], 6.0);
    assert_eq!(of("ElementSize = 4 5 6\nElementSpacing = 1 2 3\n")[2][2], 3.0);
    // A negative distance turns the axis round; a scale in the matrix is kept.
    assert_eq!(of("ElementSpacing = 1 -2 3\n")[1][1], 2.0);
    assert_eq!(of("ElementSpacing = 1 2 3\nTransformMatrix = 2 0 0 0 1 0 0 0 1\n")[0][0], -2.0);
    assert_eq!(of("DistanceUnits = cm\nElementSpacing = 1 2 3\nOffset = 1 1 1\n")[2], [0.0, 0.0, 30.0, 10.0]);
}

#[test]
fn what_is_assumed_is_told() {
    let matrix = "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 1\n";
    assert_eq!(opened(matrix).unwrap().warnings, Vec::<String>::new());
    let assumed = opened("").unwrap();
    assert!(assumed.geometry.is_size_assumed());
    let told = |more: &str| opened(&format!("{matrix}{more}")).unwrap().warnings.join(" ");
    assert!(told("CenterOfRotation = 1 2 3\n").contains("centre of rotation"));
    assert!(told("DistanceUnits = um\n").contains("um"));
    let scaled =
        opened(&format!("{matrix}ElementToIntensityFunctionSlope = 2\nElementToIntensityFunctionOffset = 5\n"));
    let scaled = scaled.unwrap();
    assert!(scaled.warnings.join(" ").contains("slope of 2 and an intercept of 5"));
    assert_eq!(values(&scaled)[..3], [5.0, 7.0, 9.0]);
}

#[test]
fn numbers_are_read_however_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let read = |fields: &str, kind: &str, data: &[u8]| {
        let text = format!(
            "ObjectType = Image\nNDims = 2\n{fields}DimSize = 2 2\nElementType = {kind}\nElementDataFile = LOCAL\n"
        );
        open(&file(folder.path(), "a.mha", &text, data)).map(|volume| values(&volume)).map_err(|e| e.to_string())
    };
    let wanted = Ok(vec![1.0, 2.0, 300.0, 4.0]);
    let little = [1, 0, 2, 0, 44, 1, 4, 0];
    let big = [0, 1, 0, 2, 1, 44, 0, 4];
    assert_eq!(read("", "MET_USHORT", &little), wanted);
    assert_eq!(read("BinaryDataByteOrderMSB = False\n", "MET_SHORT", &little), wanted);
    assert_eq!(read("BinaryDataByteOrderMSB = True\n", "MET_USHORT", &big), wanted);
    assert_eq!(read("ElementByteOrderMSB = True\n", "MET_USHORT", &big), wanted);
    assert_eq!(read("BinaryDataByteOrderMSB = True\nElementByteOrderMSB = False\n", "MET_USHORT", &big), wanted);
    assert_eq!(read("BinaryData = False\n", "MET_USHORT", b"1 2.0 3e2\n4"), wanted);
    assert_eq!(read("BinaryData = False\n", "MET_FLOAT", b"1 2 300 4\n"), wanted);
    // Long numbers have four bytes in a file, whatever the machine.
    let longs: Vec<u8> = [1i32, 2, 300, 4].iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(read("", "MET_LONG", &longs), wanted);
    let longs: Vec<u8> = [1i64, 2, 300, 4].iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(read("", "MET_LONG_LONG", &longs), wanted);
    let mut packed = Vec::new();
    crate::formats::gzip::compress_zlib(&mut &little[..], &mut packed).unwrap();
    assert_eq!(read("CompressedData = True\n", "MET_USHORT", &packed), wanted);
    let told = read("CompressedData = True\n", "MET_USHORT", &packed[..packed.len() - 1]).unwrap_err();
    assert!(told.contains("a.mha"), "{told}");
    let mut gzip = Vec::new();
    crate::formats::gzip::compress(&mut &little[..], &mut gzip).unwrap();
    assert_eq!(read("CompressedData = True\n", "MET_USHORT", &gzip), wanted);
    assert_eq!(read("HeaderSize = -1\n", "MET_USHORT", &[&[9; 5][..], &little].concat()), wanted);
    let at_60 = [&[b'x'; 60][..], &little].concat();
    assert!(read("HeaderSize = 3\n", "MET_USHORT", &at_60).is_ok());
    for (fields, kind, data, told) in [
        ("BinaryData = False\n", "MET_UCHAR", &b"1 2 3 256"[..], "\"256\""),
        ("BinaryData = False\n", "MET_UCHAR", b"1 2 3 4.5", "\"4.5\""),
        ("", "MET_STRING", b"", "\"MET_STRING\""),
        ("HeaderSize = -2\n", "MET_UCHAR", b"1234", "-2"),
        ("", "MET_UCHAR", b"123", "4 bytes of voxels, but a.mha holds only 3"),
        ("CompressedData = True\n", "MET_UCHAR", b"no zlib at all", "damaged"),
    ] {
        let error = read(fields, kind, data).unwrap_err();
        assert!(error.contains(told), "{fields}: {error}");
    }
}

#[test]
fn several_files_are_one_image_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for n in 0..3u8 {
        std::fs::write(at.join(format!("s{n:02}.raw")), [n * 2, n * 2 + 1]).unwrap();
        std::fs::write(at.join(format!("t{n}.raw")), [99, 99, n * 2, n * 2 + 1]).unwrap();
    }
    std::fs::write(at.join("all of it.raw"), [0, 1, 2, 3, 4, 5]).unwrap();
    let read = |more: &str| {
        let fields = format!("{PLAIN}DimSize = 2 1 3\nElementType = MET_UCHAR\n{more}");
        open(&file(at, "a.mhd", &fields, b"")).map(|volume| values(&volume)).map_err(|e| e.to_string())
    };
    let wanted = Ok(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(read("ElementDataFile = LIST\ns00.raw\ns01.raw\ns02.raw\n"), wanted);
    assert_eq!(read("ElementDataFile = LIST 2D\ns00.raw\r\n\ns01.raw\ns02.raw\ns01.raw"), wanted);
    assert_eq!(read("HeaderSize = 2\nElementDataFile = LIST\nt0.raw\nt1.raw\nt2.raw\n"), wanted);
    assert_eq!(read("HeaderSize = -1\nElementDataFile = t%d.raw 0 2 1\n"), wanted);
    assert_eq!(read("ElementDataFile = s%02d.raw 0 9 1\n"), wanted);
    assert_eq!(read("ElementDataFile = s%02d.raw 0 2\n"), wanted);
    assert_eq!(read("ElementDataFile = s%02d.raw 0\n"), wanted);
    assert_eq!(read("ElementDataFile = all of it.raw\n"), wanted);
    for (more, told) in [
        ("ElementDataFile = LIST\ns00.raw\ns01.raw\n", "lists 2 files; for the sizes [2, 1, 3] there must be 3"),
        ("ElementDataFile = LIST\ns00.raw\ns01.raw\ns01.raw\n", "`ElementDataFile` names"),
        ("ElementDataFile = s%02d.raw\n", "s03.raw"),
        ("ElementDataFile = s%02s.raw 0 2 1\n", "`ElementDataFile` has the pattern"),
        ("ElementDataFile = s%02d.raw 2 0 1\n", "does not lead there"),
        ("ElementDataFile = none.raw\n", "none.raw"),
        ("ElementDataFile = /dev/zero\n", "no regular file"),
        ("ElementDataFile =\n", "ElementDataFile"),
    ] {
        let error = read(more).unwrap_err();
        assert!(error.contains(told) && error.contains("a.mhd") || error.contains("/dev/zero"), "{more}: {error}");
    }
}

#[test]
fn values_of_a_voxel_and_further_dimensions_are_frames() {
    let folder = tempfile::tempdir().unwrap();
    let fields = "NDims = 4\nObjectType = Image\nElementNumberOfChannels = 2\nDimSize = 2 1 1 3\nElementSpacing = 1 2 3 4\n\
                  ElementType = MET_UCHAR_ARRAY\nElementDataFile = LOCAL\n";
    let volume = open(&file(folder.path(), "a.mha", fields, &(0..12).collect::<Vec<u8>>())).unwrap();
    assert_eq!(volume.frame_dims, [2, 3]);
    let at = |voxel: usize, frame: usize| volume.value([voxel, 0, 0], frame);
    assert_eq!([at(0, 0), at(1, 0), at(0, 1), at(0, 2), at(1, 5)], [0.0, 2.0, 1.0, 4.0, 11.0]);
}

#[test]
fn what_cannot_be_honoured_is_named() {
    for (more, told) in [
        ("ObjectType = Mesh\n", "\"Mesh\""),
        ("NDims = 9\n", "`NDims` is \"9\""),
        ("NDims = 4\n", "`DimSize` is \"4 3 2\"; it must be 4"),
        ("TransformMatrix = 1 0 0 0 1 0 0 0\n", "it must be 9 numbers"),
        ("TransformMatrix = 1 0 0 0 1 0 0 0 nan\n", "it must be 9 numbers"),
        ("TransformMatrix = 1 0 0 1 0 0 0 0 1\n", "the field `TransformMatrix` is \"1 0 0 1 0 0 0 0 1\"; the affine"),
        ("ElementSpacing = 1 0 3\n", "the field `ElementSpacing` is \"1 0 3\"; the affine"),
        ("Offset = 1 2\n", "`Offset`"),
        ("DistanceUnits = inch\n", "\"inch\""),
        ("ElementNumberOfChannels = 0\n", "is 0"),
        ("ElementNumberOfChannels = 1000000000000\n", "24000000000000 bytes of voxels, but a.mha holds only"),
        ("HeaderSize = all\n", "\"all\""),
        ("what is this\n", "line 4 of the header, \"what is this\""),
        ("ElementToIntensityFunctionSlope = x\n", "\"x\""),
    ] {
        let error = refusal(more);
        assert!(error.contains(told) && error.contains("a.mha"), "{more}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let size = "DimSize = 4294967296 4294967296 4294967296\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n";
    let error = open(&file(folder.path(), "b.mha", &format!("{PLAIN}{size}"), b"")).err().unwrap().to_string();
    assert!(error.contains("overflow") && error.contains("b.mha"), "{error}");
    let mixed = "NDims = 4\nDimSize = 1 1 1 1\nTransformMatrix = 1 0 0 1 0 1 0 0 0 0 1 0 0 0 0 1\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n";
    let error = open(&file(folder.path(), "c.mha", mixed, b"x")).err().unwrap().to_string();
    assert!(error.contains("fourth dimension"), "{error}");
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(
        lines in prop::collection::vec("[ -~]{0,40}|(NDims|DimSize|ElementSpacing|Offset|TransformMatrix|HeaderSize|CompressedData|\
            ElementNumberOfChannels|ElementDataFile) = ([0-9 .eE-]{0,20}|LIST|LOCAL|a%[0-9]{0,3}d 1 3 1)", 0..12),
        data in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let fields = format!("ObjectType = Image\n{}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n", lines.join("\n"));
        if let Err(error) = open(&file(folder.path(), "a.mha", &fields, &data)) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

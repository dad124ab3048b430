//! The fixed-size header of both versions, decoded into one form.

use crate::volume::VoxelType;
use crate::work::numbers::{natural, real};

/// Bytes of a NIfTI-1 header.
pub const SIZE_1: usize = 348;
/// Bytes of a NIfTI-2 header.
pub const SIZE_2: usize = 540;

/// Which file the voxels are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Behind the header.
    SingleFile,
    /// In an `.img` file beside the `.hdr`.
    Pair,
}

/// Header fields as stored, unchecked unless said.
#[derive(Debug, Clone)]
pub struct Header {
    /// 1 or 2; 0 for Analyze 7.5, from which NIfTI-1 has its header.
    pub version: u8,
    /// Byte order of header and voxels.
    pub big_endian: bool,
    /// Where the voxels are.
    pub storage: Storage,
    /// Number of dimensions, then their sizes.
    pub dim: [i64; 8],
    /// NIfTI datatype code.
    pub datatype: i16,
    /// Bits per voxel as declared.
    pub bitpix: i16,
    /// qfac, then spacings.
    pub pixdim: [f64; 8],
    /// Offset of the voxels in their file; NaN is possible.
    pub vox_offset: f64,
    /// Rescale slope.
    pub scl_slope: f64,
    /// Rescale intercept.
    pub scl_inter: f64,
    /// Display range.
    pub cal: [f64; 2],
    /// Units of space (lowest three bits) and time.
    pub xyzt_units: i32,
    /// qform and sform codes.
    pub codes: [i32; 2],
    /// Quaternion b, c, d and offset x, y, z.
    pub quatern: [f64; 6],
    /// Rows of the sform.
    pub srow: [[f64; 4]; 3],
    /// What the values mean.
    pub intent_code: i32,
    /// Name of a further file.
    pub aux_file: String,
    /// The voxel at the world's origin, counted from 1, which SPM writes into Analyze 7.5; zeros where nobody says it.
    pub origin_voxel: [i16; 3],
}

struct Fields<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

macro_rules! getter {
    ($name:ident, $type:ty) => {
        fn $name(&self, offset: usize) -> $type {
            let mut raw = [0; size_of::<$type>()];
            if let Some(bytes) = self.bytes.get(offset..offset + raw.len()) {
                raw.copy_from_slice(bytes);
            }
            if self.big_endian { <$type>::from_be_bytes(raw) } else { <$type>::from_le_bytes(raw) }
        }
    };
}

impl Fields<'_> {
    getter!(i16, i16);
    getter!(i32, i32);
    getter!(i64, i64);
    getter!(f32, f32);
    getter!(f64, f64);

    /// Text up to the first zero.
    fn text(&self, range: std::ops::Range<usize>) -> String {
        let bytes = self.bytes.get(range).unwrap_or_default();
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).trim().into()
    }
}

/// Whether the first bytes are those of an uncompressed NIfTI header.
pub fn looks_like_nifti(head: &[u8]) -> bool {
    let magic = |range: std::ops::Range<usize>, names: [&[u8]; 2]| head.get(range).is_some_and(|m| names.contains(&m));
    magic(344..348, [b"n+1\0", b"ni1\0"]) || magic(4..8, [b"n+2\0", b"ni2\0"])
}

impl Header {
    /// Header bytes needed, told from the first four.
    pub fn size_of(first: [u8; 4]) -> Option<usize> {
        [SIZE_1, SIZE_2].into_iter().find(|&size| {
            [u32::from_le_bytes(first), u32::from_be_bytes(first)].iter().any(|&said| usize::try_from(said) == Ok(size))
        })
    }

    /// Decodes a header of [`Header::size_of`] bytes.
    ///
    /// # Errors
    /// A sentence that names the field.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let size = usize::try_from(Fields { bytes, big_endian: false }.i32(0)).unwrap_or(0);
        let big_endian = size != SIZE_1 && size != SIZE_2;
        let f = Fields { bytes, big_endian };
        match bytes.len() {
            SIZE_1 => Self::parse_1(&f),
            SIZE_2 => Self::parse_2(&f),
            n => Err(format!("a NIfTI header cannot have {n} bytes")),
        }
    }

    fn storage(magic: Option<&[u8]>) -> Result<Storage, String> {
        match magic {
            Some(b"n+1\0" | b"n+2\0") => Ok(Storage::SingleFile),
            Some(b"ni1\0" | b"ni2\0") => Ok(Storage::Pair),
            other => Err(format!("NIfTI's magic is {:?}", String::from_utf8_lossy(other.unwrap_or_default()))),
        }
    }

    fn parse_1(f: &Fields) -> Result<Self, String> {
        if f.bytes.get(344..348) == Some(&[0; 4]) {
            return Ok(Self::parse_analyze(f));
        }
        let storage = Self::storage(f.bytes.get(344..348))?;
        Ok(Self { storage, ..Self::parse_fields(f) })
    }

    /// A header of Analyze 7.5: no magic, always a pair of files. What NIfTI has put where Analyze has other fields does not count; SPM
    /// keeps a factor of the values where NIfTI has its slope, and a voxel of origin (counted from 1) in the patient's history.
    fn parse_analyze(f: &Fields) -> Self {
        let mut header = Self { version: 0, storage: Storage::Pair, ..Self::parse_fields(f) };
        (header.codes, header.xyzt_units, header.intent_code, header.scl_inter) = ([0; 2], 0, 0, 0.0);
        header.aux_file.clear();
        header.origin_voxel = std::array::from_fn(|n| f.i16(253 + 2 * n));
        header
    }

    fn parse_fields(f: &Fields) -> Self {
        let at = |base: usize, step: usize, n: usize| base + step * n;
        Self {
            version: 1,
            big_endian: f.big_endian,
            storage: Storage::SingleFile,
            dim: std::array::from_fn(|n| i64::from(f.i16(at(40, 2, n)))),
            datatype: f.i16(70),
            bitpix: f.i16(72),
            pixdim: std::array::from_fn(|n| f64::from(f.f32(at(76, 4, n)))),
            vox_offset: f64::from(f.f32(108)),
            scl_slope: f64::from(f.f32(112)),
            scl_inter: f64::from(f.f32(116)),
            xyzt_units: i32::from(f.bytes[123]),
            cal: [f64::from(f.f32(128)), f64::from(f.f32(124))],
            codes: [i32::from(f.i16(252)), i32::from(f.i16(254))],
            quatern: std::array::from_fn(|n| f64::from(f.f32(at(256, 4, n)))),
            srow: std::array::from_fn(|r| std::array::from_fn(|c| f64::from(f.f32(at(280, 4, 4 * r + c))))),
            intent_code: i32::from(f.i16(68)),
            aux_file: f.text(228..252),
            origin_voxel: [0; 3],
        }
    }

    fn parse_2(f: &Fields) -> Result<Self, String> {
        let storage = Self::storage(f.bytes.get(4..8))?;
        let at = |base: usize, n: usize| base + 8 * n;
        Ok(Self {
            version: 2,
            big_endian: f.big_endian,
            storage,
            datatype: f.i16(12),
            bitpix: f.i16(14),
            dim: std::array::from_fn(|n| f.i64(at(16, n))),
            pixdim: std::array::from_fn(|n| f.f64(at(104, n))),
            vox_offset: real(f.i64(168)),
            scl_slope: f.f64(176),
            scl_inter: f.f64(184),
            cal: [f.f64(200), f.f64(192)],
            codes: [f.i32(344), f.i32(348)],
            quatern: std::array::from_fn(|n| f.f64(at(352, n))),
            srow: std::array::from_fn(|r| std::array::from_fn(|c| f.f64(at(400, 4 * r + c)))),
            xyzt_units: f.i32(500),
            intent_code: f.i32(504),
            aux_file: f.text(320..344),
            origin_voxel: [0; 3],
        })
    }

    /// Grid size and the sizes of further dimensions, with trailing ones dropped.
    ///
    /// # Errors
    /// When the number of dimensions or a size is out of range, or their product overflows.
    pub fn shape(&self) -> Result<([usize; 3], Vec<usize>), String> {
        let count = self.dim[0];
        if !(1..=7).contains(&count) {
            return Err(format!("dim[0], the number of dimensions, is {count}; 1 to 7 are possible"));
        }
        let mut sizes = Vec::new();
        for n in 1..=natural(count) {
            match usize::try_from(self.dim[n]) {
                Ok(size) if size > 0 => sizes.push(size),
                // Some programs count a dimension of time and leave it empty.
                Ok(0) if n > 3 => sizes.push(1),
                _ => return Err(format!("dim[{n}] is {}; sizes must be positive", self.dim[n])),
            }
        }
        sizes.iter().try_fold(1usize, |product, &s| product.checked_mul(s)).ok_or("the dimensions overflow")?;
        sizes.resize(sizes.len().max(3), 1);
        let mut further = sizes.split_off(3);
        while further.last() == Some(&1) {
            further.pop();
        }
        Ok(([sizes[0], sizes[1], sizes[2]], further))
    }

    /// The stored scalar type.
    ///
    /// # Errors
    /// For colour, complex, bit and extended types, named in the message.
    pub fn voxel_type(&self) -> Result<VoxelType, String> {
        Ok(match self.datatype {
            2 => VoxelType::U8,
            4 => VoxelType::I16,
            8 => VoxelType::I32,
            16 => VoxelType::F32,
            64 => VoxelType::F64,
            256 => VoxelType::I8,
            512 => VoxelType::U16,
            768 => VoxelType::U32,
            1024 => VoxelType::I64,
            1280 => VoxelType::U64,
            1 => return Err("voxels of one bit (datatype 1) are not supported; convert them to uint8".into()),
            32 | 1792 | 2048 => return Err("complex voxels are not supported; save the magnitude instead".into()),
            128 | 2304 => return Err("colour voxels (RGB) are not an intensity image; save one channel instead".into()),
            1536 => return Err("128-bit floats are not supported; convert them to float64".into()),
            other => return Err(format!("datatype {other} is unknown")),
        })
    }

    /// Millimetres per unit of length.
    pub fn unit_mm(&self) -> f64 {
        match self.xyzt_units & 7 {
            1 => 1000.0,
            3 => 0.001,
            _ => 1.0,
        }
    }

    /// Seconds from one volume to the next, where there are several and the unit is one of time.
    pub fn time_step_s(&self) -> Option<f64> {
        let unit = match self.xyzt_units & 0o70 {
            8 => 1.0,
            16 => 1e-3,
            24 => 1e-6,
            _ => return None,
        };
        let is_in_time = self.dim[0] > 3 && self.dim[4] > 1;
        Some(self.pixdim[4] * unit).filter(|step| is_in_time && step.is_finite() && *step > 0.0)
    }

    /// Slope and intercept; the identity where the slope is 0 or not finite.
    pub fn rescale(&self) -> (f64, f64) {
        if self.scl_slope.is_finite() && self.scl_slope != 0.0 {
            (self.scl_slope, if self.scl_inter.is_finite() { self.scl_inter } else { 0.0 })
        } else {
            (1.0, 0.0)
        }
    }
}

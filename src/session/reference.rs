//! Which scan labels belong to, where its voxels are not kept with them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::volume::{Affine, BRICK_EDGE, Geometry, MOST_BRICKS, Volume};

/// A scan by what it is and where it lies. It says nothing of the patient but what the path does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanReference {
    /// What the scan is called: a file's or a series' name.
    pub name: String,
    /// Where it was read from; none of a scan that is in no file.
    pub place: Option<ScanPlace>,
    /// Voxels along i, j, k.
    pub shape: [usize; 3],
    /// World from voxel, in patient RAS millimetres.
    #[serde(with = "bits")]
    pub affine: [[f64; 4]; 3],
    /// Whether nobody knows how large the voxels are.
    pub size_assumed: bool,
    /// [`Volume::checksum`], once it is known.
    pub checksum: Option<u64>,
    /// The document that its voxels lie in too, and its name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<ScanPlace>,
}

/// Where a scan lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanPlace {
    /// The file, or the folder of a series.
    #[serde(with = "any_path")]
    pub path: PathBuf,
    /// Which of the scans there.
    pub id: String,
}

/// How far a scan is the one that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same voxels in the same place.
    Same,
    /// As many voxels, but other values or another place.
    Changed,
    /// Another number of voxels: labels do not fit.
    Other,
}

impl ScanReference {
    /// What is known of a scan by itself.
    pub fn of(volume: &Volume) -> Self {
        Self {
            name: volume.name.clone(),
            place: None,
            shape: volume.geometry.shape(),
            affine: volume.geometry.world_from_voxel().0,
            size_assumed: volume.geometry.is_size_assumed(),
            checksum: None,
            copy: None,
        }
    }

    /// The scan's grid; `None` where there is no such grid, or one that no scan has.
    pub fn geometry(&self) -> Option<Geometry> {
        let bricks = self.shape.iter().try_fold(1usize, |n, size| n.checked_mul(size.div_ceil(BRICK_EDGE)));
        bricks.filter(|bricks| *bricks <= MOST_BRICKS)?;
        let geometry = Geometry::new(self.shape, Affine(self.affine)).ok()?;
        Some(if self.size_assumed { geometry.of_assumed_size() } else { geometry })
    }

    /// How far a scan is the one that is meant. `checksum` is that of its voxels.
    pub fn likeness(&self, volume: &Volume, checksum: u64) -> Likeness {
        let is_same_place =
            self.geometry().is_some_and(|own| own.matches(&volume.geometry, crate::volume::MATCH_TOLERANCE_MM));
        match () {
            () if self.shape != volume.geometry.shape() => Likeness::Other,
            () if is_same_place && self.checksum.is_none_or(|own| own == checksum) => Likeness::Same,
            () => Likeness::Changed,
        }
    }

    /// Whether what is known of both says that their voxels or their places in the patient differ.
    pub fn differs_from(&self, other: &Self) -> bool {
        let grids = self.geometry().zip(other.geometry());
        let is_elsewhere = grids.is_some_and(|(own, other)| !own.matches(&other, crate::volume::MATCH_TOLERANCE_MM));
        is_elsewhere || self.checksum.zip(other.checksum).is_some_and(|(own, other)| own != other)
    }

    /// Whether this is another reference to the same scan: in the same place, or with the same voxels on the same grid.
    pub fn is_same_scan(&self, other: &Self) -> bool {
        let is_same_place = self.place.is_some() && self.place == other.place;
        let is_same_copy = self.copy.is_some() && self.copy == other.copy;
        let has_same_voxels = self.checksum.is_some() && self.checksum == other.checksum;
        let is_same_grid = (self.shape, self.affine) == (other.shape, other.affine);
        self.shape == other.shape && (is_same_place || is_same_copy || has_same_voxels && is_same_grid)
    }

    /// Whether a document alone holds its voxels: they came from it, and the file that they were in is not there.
    pub fn is_copy_alone(&self) -> bool {
        self.copy.is_some() && self.place.as_ref().is_none_or(|place| !place.path.exists())
    }

    /// For a message: the file's name where there is one.
    pub fn title(&self) -> String {
        let name =
            self.place.as_ref().filter(|place| is_file_name(&place.path)).and_then(|place| place.path.file_name());
        name.map_or_else(|| self.name.clone(), |name| name.to_string_lossy().into_owned())
    }
}

/// Whether the last part of a path says which scan it is; a folder has many.
fn is_file_name(path: &Path) -> bool {
    path.extension().is_some()
}

/// Doubles by their bits: text would round them.
mod bits {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(rows: &[[f64; 4]; 3], to: S) -> Result<S::Ok, S::Error> {
        rows.map(|row| row.map(f64::to_bits)).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[[f64; 4]; 3], D::Error> {
        Ok(<[[u64; 4]; 3]>::deserialize(from)?.map(|row| row.map(f64::from_bits)))
    }
}

/// Paths, also those that are no Unicode.
mod any_path {
    use super::{Deserialize, Deserializer, OsString, PathBuf, Serialize, Serializer};
    use std::path::Path;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        let text = path.to_str().map(|text| Form::Text(text.into()));
        text.unwrap_or_else(|| Form::Bytes(path.as_os_str().as_encoded_bytes().to_vec())).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Ok(match Form::deserialize(from)? {
            Form::Text(text) => PathBuf::from(text),
            Form::Bytes(bytes) => PathBuf::from(from_bytes(bytes)),
        })
    }

    #[cfg(unix)]
    fn from_bytes(bytes: Vec<u8>) -> OsString {
        std::os::unix::ffi::OsStringExt::from_vec(bytes)
    }

    #[cfg(not(unix))]
    fn from_bytes(bytes: Vec<u8>) -> OsString {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Rescale, Voxels};
    use std::sync::Arc;

    fn volume(shape: [usize; 3], value: u8, shift: f64) -> Volume {
        let mut affine = Affine::IDENTITY;
        affine.0[0][3] = shift;
        let voxels = Voxels::U8(Arc::new(vec![value; shape.iter().product()]));
        Volume::new(Geometry::new(shape, affine).unwrap(), voxels, vec![], Rescale::IDENTITY, "T1".into())
    }

    #[test]
    fn a_reference_knows_its_scan_again() {
        let scan = volume([2, 3, 4], 1, 0.1 + 0.2);
        let reference = ScanReference { checksum: Some(scan.checksum()), ..ScanReference::of(&scan) };
        let like = |scan: &Volume| reference.likeness(scan, scan.checksum());
        assert_eq!(like(&scan), Likeness::Same);
        assert_eq!(like(&volume([2, 3, 4], 2, 0.3)), Likeness::Changed);
        assert_eq!(like(&volume([2, 3, 4], 1, 0.5)), Likeness::Changed);
        assert_eq!(like(&volume([2, 4, 3], 1, 0.3)), Likeness::Other);
        let text = serde_json::to_string(&reference).unwrap();
        assert_eq!(serde_json::from_str::<ScanReference>(&text).unwrap(), reference, "to the last bit");
    }

    #[test]
    #[cfg(unix)]
    fn every_path_comes_back() {
        use std::os::unix::ffi::OsStringExt;
        for name in [&b"/data/head.nii"[..], b"/data/\xff\xfe.nii"] {
            let place = ScanPlace { path: PathBuf::from(OsString::from_vec(name.to_vec())), id: String::new() };
            let text = serde_json::to_string(&place).unwrap();
            assert_eq!(serde_json::from_str::<ScanPlace>(&text).unwrap(), place);
        }
    }

    #[test]
    fn a_grid_that_no_scan_has_is_refused() {
        let mut reference = ScanReference::of(&volume([2, 3, 4], 1, 0.0));
        assert!(reference.geometry().is_some());
        reference.shape = [1, 1, 1 << 40];
        assert!(reference.geometry().is_none());
    }
}

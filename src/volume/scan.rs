//! A loaded scan: geometry, voxels in their stored type, and what the file said about them.

use std::sync::{Arc, OnceLock};

use super::annotations::Annotations;
use super::frame_of_reference::FrameOfReference;
use super::geometry::Geometry;
use super::source_images::SourceImages;
use super::statistics::Statistics;
use super::uptake::Uptake;
use super::voxels::Voxels;

/// How stored values become physical ones: `value = stored * slope + intercept`.
#[derive(Debug, Clone, PartialEq)]
pub enum Rescale {
    /// One slope and intercept for all voxels.
    Uniform {
        /// Factor.
        slope: f64,
        /// Offset.
        intercept: f64,
    },
    /// Slope and intercept of every k slice, frames one after the other.
    PerSlice(Arc<Vec<(f64, f64)>>),
}

impl Rescale {
    /// Stored values are the physical ones.
    pub const IDENTITY: Self = Self::Uniform { slope: 1.0, intercept: 0.0 };

    /// Slope and intercept of a slice (counted through all frames).
    #[inline]
    pub fn of_slice(&self, slice: usize) -> (f64, f64) {
        match self {
            Self::Uniform { slope, intercept } => (*slope, *intercept),
            Self::PerSlice(all) => all.get(slice).copied().unwrap_or((1.0, 0.0)),
        }
    }
}

/// A display window in rescaled values.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// Centre of the window (radiology's "level").
    pub level: f64,
    /// Full width; always positive.
    pub width: f64,
}

impl Window {
    /// The window that spans `low..=high`; a degenerate span gets a width of one.
    pub fn spanning(low: f64, high: f64) -> Self {
        let width = if high > low { high - low } else { 1.0 };
        Self { level: f64::midpoint(low, high), width }
    }

    /// Grey (0..=1) of a value: linear inside the window, clamped outside; NaN is black.
    #[inline]
    pub fn grey(&self, value: f64) -> f64 {
        let grey = (value - (self.level - 0.5 * self.width)) / self.width;
        if grey.is_nan() { 0.0 } else { grey.clamp(0.0, 1.0) }
    }
}

/// Values that CT has, whose air is at -1000 and whose bone is above 200; few other scans and no masks have both.
const CT_RANGE: [f64; 2] = [-500.0, 200.0];
/// Below every value that a scanner gives.
const LOWEST: f64 = -4096.0;
/// Radiology's window for the trunk: soft tissue is told apart, and lung and bone are seen as such.
const SOFT_TISSUE: Window = Window { level: 40.0, width: 400.0 };

/// Share of a file's window that the values must fill for it to be used unasked.
const SUITABLE_SHARE: f64 = 0.25;

/// What a file recommends for showing it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DisplayHints {
    /// Small values are bright (MONOCHROME1).
    pub inverted: bool,
    /// The file's own window.
    pub window: Option<Window>,
    /// Modality as in DICOM: CT, MR ...; empty where unknown.
    pub modality: String,
}

/// A scan. Immutable once loaded; clones share the voxels.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Where the voxels lie.
    pub geometry: Geometry,
    /// Stored values: i fastest, then j, k, then `frame_dims` in file order.
    pub voxels: Voxels,
    /// Sizes of the dimensions beyond the third (time points, components); empty for a plain 3-D volume.
    pub frame_dims: Vec<usize>,
    /// What each frame is, as people read it ("b 1000 s/mm²", "2.5 s"); empty where nothing tells.
    pub frame_names: Vec<String>,
    /// Seconds from one step of the first of those dimensions to the next, where the file says that it is time and what its unit is.
    pub time_step_s: Option<f64>,
    /// From stored to physical values.
    pub rescale: Rescale,
    /// The space that the file says its coordinates are of.
    pub frame_of_reference: Option<FrameOfReference>,
    /// The DICOM images that it was read from; none for other files.
    pub source: Option<Arc<SourceImages>>,
    /// Series description or file stem; never a patient's name.
    pub name: String,
    /// Recommendations of the file.
    pub display: DisplayHints,
    /// How values of PET become standardised uptake values; none for other scans.
    pub uptake: Option<Uptake>,
    /// Header fields worth showing, in order.
    pub header: Vec<(String, String)>,
    /// What the user must be told about geometry or values.
    pub warnings: Vec<String>,
    /// Names of labels and states of slices, where the file keeps them; empty for images.
    pub annotations: Annotations,
    statistics: Arc<OnceLock<Statistics>>,
}

impl Volume {
    /// A volume without header, hints or warnings. The caller has checked that the number of voxels fits.
    pub fn new(geometry: Geometry, voxels: Voxels, frame_dims: Vec<usize>, rescale: Rescale, name: String) -> Self {
        debug_assert_eq!(voxels.len(), geometry.voxel_count() * frame_dims.iter().product::<usize>());
        Self {
            geometry,
            voxels,
            frame_dims,
            frame_names: Vec::new(),
            time_step_s: None,
            rescale,
            frame_of_reference: None,
            source: None,
            name,
            display: DisplayHints::default(),
            uptake: None,
            header: Vec::new(),
            warnings: Vec::new(),
            annotations: Annotations::default(),
            statistics: Arc::default(),
        }
    }

    /// Number of 3-D frames (1 for a plain volume).
    #[inline]
    pub fn frame_count(&self) -> usize {
        self.frame_dims.iter().product()
    }

    /// Voxels of one k slice.
    #[inline]
    pub(super) fn slice_len(&self) -> usize {
        let [ni, nj, _] = self.geometry.shape();
        ni * nj
    }

    /// Linear index of a voxel of a frame.
    #[inline]
    pub fn index_of(&self, voxel: [usize; 3], frame: usize) -> usize {
        let [ni, nj, nk] = self.geometry.shape();
        ((frame * nk + voxel[2]) * nj + voxel[1]) * ni + voxel[0]
    }

    /// Rescaled value at a linear index, or `None` beyond the end.
    #[inline]
    pub fn value_at(&self, index: usize) -> Option<f64> {
        let (slope, intercept) = self.rescale.of_slice(index / self.slice_len());
        self.voxels.get(index).map(|stored| stored * slope + intercept)
    }

    /// The step between neighbouring values where whole numbers are stored with a factor of less than a label's step; else 0.
    ///
    /// A mask of 0, 1 and 7 in eight bits has the factor 7/255, and 1 becomes 0.988. Larger steps tell nothing about whole numbers.
    pub(super) fn stored_step(&self) -> f64 {
        const LARGEST: f64 = 0.04;
        match self.rescale {
            Rescale::Uniform { slope, .. } if self.voxels.voxel_type().is_integer() && slope.abs() <= LARGEST => {
                slope.abs()
            }
            _ => 0.0,
        }
    }

    /// Rescaled value of a voxel inside the grid.
    #[inline]
    pub fn value(&self, voxel: [usize; 3], frame: usize) -> f64 {
        self.value_at(self.index_of(voxel, frame)).unwrap_or(f64::NAN)
    }

    /// Range, moments and percentiles; computed at the first call.
    pub fn statistics(&self) -> &Statistics {
        self.statistics.get_or_init(|| Statistics::of(self))
    }

    /// Whether this is CT: by the file's own word, or where it has none by what the values say.
    pub fn is_ct(&self) -> bool {
        let own = self.display.modality.trim();
        if !own.is_empty() {
            return own.eq_ignore_ascii_case("CT");
        }
        let values = self.statistics();
        let is_flat = self.geometry.shape().contains(&1);
        !is_flat && (LOWEST..=CT_RANGE[0]).contains(&values.min) && values.max >= CT_RANGE[1]
    }

    /// The window to show first: the file's, unless there is none or the values fill less than a quarter of it (headers
    /// of derived images often keep their source's window); then that of soft tissue for CT, and for all others the values without
    /// the top and bottom 0.1 %.
    pub fn default_window(&self) -> Window {
        let auto = self.auto_window();
        let suits = |file: &Window| {
            let edges = |w: &Window| (w.level - w.width / 2.0, w.level + w.width / 2.0);
            let ((a, b), (c, d)) = (edges(file), edges(&auto));
            b.min(d) - a.max(c) > SUITABLE_SHARE * file.width
        };
        match self.display.window {
            Some(window) if suits(&window) => window,
            None if self.is_ct() && suits(&SOFT_TISSUE) => SOFT_TISSUE,
            _ => auto,
        }
    }

    /// The file's own window, else the one that is shown first.
    pub fn file_window(&self) -> Window {
        self.display.window.unwrap_or_else(|| self.default_window())
    }

    /// Clips the top and bottom 0.1 % of the voxels.
    pub fn auto_window(&self) -> Window {
        let statistics = self.statistics();
        Window::spanning(statistics.percentile(0.1), statistics.percentile(99.9))
    }

    /// Bytes held by the voxels.
    pub fn byte_count(&self) -> usize {
        self.voxels.byte_count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Affine;

    fn ramp() -> Volume {
        let geometry = Geometry::new([2, 3, 4], Affine::IDENTITY).unwrap();
        let voxels = Voxels::I16(Arc::new((0..24).collect()));
        Volume::new(geometry, voxels, vec![], Rescale::Uniform { slope: 2.0, intercept: -1.0 }, "ramp".into())
    }

    #[test]
    fn values_are_rescaled() {
        assert_eq!(ramp().value([1, 2, 3], 0), 45.0);
        assert_eq!(ramp().value_at(24), None);
    }

    #[test]
    fn statistics_are_of_rescaled_values() {
        let volume = ramp();
        let s = volume.statistics();
        assert_eq!((s.min, s.max), (-1.0, 45.0));
        assert!((s.mean - 22.0).abs() < 1e-12);
        assert!((s.std - 2.0 * (575.0f64 / 12.0).sqrt()).abs() < 1e-9);
        assert_eq!(s.percentile(50.0), 22.0);
        assert_eq!(s.histogram.iter().sum::<u64>(), 24);
    }

    #[test]
    fn a_window_that_the_values_do_not_fill_is_not_used_unasked() {
        let mut volume = ramp();
        volume.display.window = Some(Window { level: 470.0, width: 950.0 });
        assert_eq!(volume.default_window(), volume.auto_window());
        assert_eq!(volume.file_window().width, 950.0);
        volume.display.window = Some(Window { level: 20.0, width: 30.0 });
        assert_eq!(volume.default_window().width, 30.0);
    }

    #[test]
    fn ct_without_a_word_of_its_window_is_shown_as_soft_tissue() {
        let scan = |values: [i16; 4], modality: &str| {
            let geometry = Geometry::new([2, 2, 2], Affine::IDENTITY).unwrap();
            let voxels = Voxels::I16(Arc::new(values.into_iter().chain(values).collect()));
            let mut volume = Volume::new(geometry, voxels, vec![], Rescale::IDENTITY, String::new());
            volume.display.modality = modality.into();
            volume
        };
        let soft = Window { level: 40.0, width: 400.0 };
        assert_eq!(scan([-1024, -90, 60, 1200], "").default_window(), soft);
        assert_eq!(scan([-1024, -90, 60, 1200], "").file_window(), soft);
        assert_eq!(scan([0, 30, 60, 200], "CT").default_window(), soft);
        for other in
            [scan([-1024, -90, 60, 1200], "MR"), scan([0, 90, 300, 1200], ""), scan([-900, -800, -700, -600], "CT")]
        {
            assert_eq!(other.default_window(), other.auto_window());
        }
        let mut told = scan([-1024, -90, 60, 1200], "CT");
        told.display.window = Some(Window { level: -600.0, width: 1500.0 });
        assert_eq!(told.default_window().level, -600.0);
    }

    #[test]
    fn grey_is_clamped_and_survives_nan() {
        let window = Window::spanning(0.0, 10.0);
        assert_eq!(window.grey(5.0), 0.5);
        assert_eq!(window.grey(-5.0), 0.0);
        assert_eq!(window.grey(f64::NAN), 0.0);
    }
}

//! All numbers of a label.

use std::collections::BTreeMap;

use serde::Serialize;

use super::diameter::{Diameter, diameters};
use super::place::{MM3_PER_ML, Place, places};
use super::tally::Wanted;
use super::uptake::{LabelUptake, uptake};
use super::values::{ValueStatistics, values};
use crate::shape::surface_size;
use crate::volume::{LabelMap, LabelValue, Plane, PlaneLayout, Region, Vec3, Volume};
use crate::work::numbers::share;
use crate::work::{Stopped, Watch};

/// What is measured besides voxels, place and box.
#[derive(Clone, Copy, Default)]
pub struct Measuring<'a> {
    /// The image and its frame, for statistics of values; it lies on the labels' grid.
    pub image: Option<(&'a Volume, usize)>,
    /// Whether surfaces and diameters are measured too, which takes longer.
    pub forms: bool,
}

/// Numbers of one label that has voxels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelMeasures {
    /// Number of voxels.
    pub voxels: usize,
    /// Their volume in millilitres.
    pub volume_ml: f64,
    /// Mean of the voxels' centres, in patient RAS millimetres.
    pub centroid_mm: Vec3,
    /// First voxel of the box around the label (i, j, k).
    pub first_voxel: [usize; 3],
    /// Last voxel of the box.
    pub last_voxel: [usize; 3],
    /// Edges of the box along i, j, k in millimetres, whole voxels counted.
    pub box_mm: Vec3,
    /// Area and distances, where they are wanted.
    #[serde(flatten)]
    pub form: Option<Form>,
    /// Voxels whose value in the image is no number, or infinite; statistics leave them out. `None` without an image.
    pub left_out: Option<u64>,
    /// The image's values, where there is an image and one of its values is a number.
    pub values: Option<ValueStatistics>,
    /// Standardised uptake, where the image is a PET scan that tells enough for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptake: Option<LabelUptake>,
}

/// Area and distances of a label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Form {
    /// Area of the closed surface in square millimetres.
    pub surface_mm2: f64,
    /// Largest distance between voxel centres.
    pub diameter: Diameter,
    /// The same within one axial, coronal and sagittal slice. Oblique grids are cut along their nearest axes.
    pub diameter_in_slice: InPlanes,
}

/// One diameter for each plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct InPlanes {
    /// Within an axial slice.
    pub axial: Diameter,
    /// Within a coronal slice.
    pub coronal: Diameter,
    /// Within a sagittal slice.
    pub sagittal: Diameter,
}

/// Numbers of all labels that have voxels.
pub type Measured = BTreeMap<LabelValue, LabelMeasures>;

/// Measures labels. Labels without voxels are not in the result.
///
/// # Errors
/// When the work is stopped.
pub fn measure(labels: &LabelMap, wanted: &Wanted, what: Measuring, watch: Watch) -> Result<Measured, Stopped> {
    let places = places(labels, wanted, watch.part(0.0, 0.1))?;
    let after_values = if what.forms { 0.3 } else { 1.0 };
    let (mut of_image, mut of_uptake) = match what.image {
        Some((volume, frame)) => {
            let found = values(labels, volume, frame, wanted, watch.part(0.1, 0.8 * after_values))?;
            let watch = watch.part(0.8 * after_values, after_values);
            let uptake = uptake(labels, (volume, frame), (&places, &found), wanted, watch)?;
            (found, uptake)
        }
        None => (BTreeMap::new(), BTreeMap::new()),
    };
    let geometry = labels.geometry();
    let voxel_ml = geometry.voxel_volume_mm3() / MM3_PER_ML;
    let spacing = geometry.spacing_mm();
    let count = places.len();
    let mut measured = BTreeMap::new();
    for (n, (label, place)) in places.into_iter().enumerate() {
        let watch = watch.part(after_values, 1.0);
        watch.at(share(n, count))?;
        let Place { voxels, sums, region } = place;
        let form = if what.forms { form(labels, label, region, watch.quiet())? } else { None };
        let values = of_image.remove(&label);
        let left_out = what.image.map(|_| values.as_ref().map_or(voxels as u64, |values| values.left_out));
        measured.insert(
            label,
            LabelMeasures {
                voxels,
                volume_ml: voxels as f64 * voxel_ml,
                centroid_mm: geometry.world_from_voxel().point(sums.map(|sum| sum as f64 / voxels as f64)),
                first_voxel: region.start,
                last_voxel: region.end.map(|end| end - 1),
                box_mm: [0, 1, 2].map(|axis| (region.end[axis] - region.start[axis]) as f64 * spacing[axis]),
                form,
                left_out,
                values,
                uptake: of_uptake.remove(&label),
            },
        );
    }
    Ok(measured)
}

fn form(labels: &LabelMap, label: LabelValue, region: Region, watch: Watch) -> Result<Option<Form>, Stopped> {
    let Some(found) = diameters(labels, label, region, watch)? else { return Ok(None) };
    let shape = [0, 1, 2].map(|axis| region.end[axis] - region.start[axis]);
    let mark = |k: usize, slice: &mut [bool]| labels.mark_slice(label, region, region.start[2] + k, slice);
    let surface = surface_size(shape, labels.geometry().world_from_voxel(), mark, watch)?;
    let in_plane = |plane: Plane| found.in_slice[PlaneLayout::new(labels.geometry(), plane).axes[2]];
    Ok(Some(Form {
        surface_mm2: surface.area_mm2,
        diameter: found.in_space,
        diameter_in_slice: InPlanes {
            axial: in_plane(Plane::Axial),
            coronal: in_plane(Plane::Coronal),
            sagittal: in_plane(Plane::Sagittal),
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Rescale, Voxels};
    use crate::work::Signal;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn lps() -> Geometry {
        let affine = Affine::from_columns([[-2.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 3.0]], [10.0, 20.0, 30.0]);
        Geometry::new([40, 35, 33], affine).unwrap()
    }

    #[test]
    fn a_bar_has_the_numbers_that_one_can_count() {
        let mut labels = LabelMap::empty(lps());
        (3..8).for_each(|i| labels.set([i, 4, 32], 7));
        labels.set([0, 0, 0], 2);
        let values: Vec<i16> = (0..40 * 35 * 33).map(|n| (n % 40) as i16).collect();
        let rescale = Rescale::Uniform { slope: -2.0, intercept: 1.0 };
        let volume = Volume::new(lps(), Voxels::I16(Arc::new(values)), vec![], rescale, String::new());
        let what = Measuring { image: Some((&volume, 0)), forms: true };
        let found = measure(&labels, &Wanted::All, what, Watch::unwatched()).unwrap();
        let bar = &found[&7];
        assert_eq!((bar.voxels, bar.volume_ml), (5, 0.03));
        assert_eq!((bar.first_voxel, bar.last_voxel, bar.box_mm), ([3, 4, 32], [7, 4, 32], [10.0, 1.0, 3.0]));
        assert_eq!(bar.centroid_mm, [0.0, 16.0, 126.0]);
        let form = bar.form.unwrap();
        assert_eq!((form.diameter.mm, form.diameter.ends), (8.0, [[3, 4, 32], [7, 4, 32]]));
        assert_eq!([form.diameter_in_slice.axial.mm, form.diameter_in_slice.sagittal.mm], [8.0, 0.0]);
        // Stored values are 3 to 7, so values are -5, -7, ... -13.
        let values = bar.values.as_ref().unwrap();
        assert_eq!((values.mean, values.min, values.max, values.median), (-9.0, -13.0, -5.0, -9.0));
        assert!((values.std.unwrap() - 10.0f64.sqrt()).abs() < 1e-12);
        let percentiles: Vec<f64> = values.percentiles.iter().map(|p| p.value).collect();
        assert_eq!(percentiles, [-12.6, -12.2, -11.0, -7.0, -5.8, -5.4]);
        let dot = &found[&2];
        assert_eq!((dot.voxels, dot.form.unwrap().diameter.mm, dot.values.as_ref().unwrap().std), (1, 0.0, None));
        let only = Wanted::These([2, 9].into());
        let found = measure(&labels, &only, Measuring::default(), Watch::unwatched()).unwrap();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [2]);
        let signal = Signal::default();
        signal.stop();
        assert!(measure(&labels, &Wanted::All, what, Watch::new(&signal)).is_err());
    }

    #[test]
    fn what_is_no_number_is_left_out_and_counted() {
        let geometry = Geometry::new([4, 1, 2], Affine::IDENTITY).unwrap();
        let labels = LabelMap::from_fn(geometry.clone(), |[_, _, k]| k as u16 + 1);
        let values = vec![1.0f32, f32::NAN, 3.0, f32::INFINITY, f32::NAN, f32::NAN, f32::NAN, f32::NAN];
        let volume = Volume::new(geometry, Voxels::F32(Arc::new(values)), vec![], Rescale::IDENTITY, String::new());
        let what = Measuring { image: Some((&volume, 0)), forms: false };
        let found = measure(&labels, &Wanted::All, what, Watch::unwatched()).unwrap();
        let values = found[&1].values.as_ref().unwrap();
        assert_eq!((values.mean, values.median, values.max, values.left_out), (2.0, 2.0, 3.0, 2));
        assert_eq!((found[&2].voxels, &found[&2].values, found[&2].left_out), (4, &None, Some(4)));
        assert_eq!(found[&1].left_out, Some(2));
        let without = measure(&labels, &Wanted::All, Measuring::default(), Watch::unwatched()).unwrap();
        assert_eq!(without[&2].left_out, None);
    }

    fn by_sorting(mut values: Vec<f64>) -> (f64, f64, Vec<f64>) {
        values.sort_by(f64::total_cmp);
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let spread = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        let percentile = |percent: f64| {
            let place = percent / 100.0 * (count - 1.0);
            let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
            low + (high - low) * place.fract()
        };
        let all = std::iter::once(50.0).chain(super::super::PERCENTS).map(percentile).collect();
        (mean, (spread / (count - 1.0)).sqrt(), all)
    }

    proptest! {
        #[test]
        fn values_of_every_type_and_scale_are_those_of_sorted_ones(
            values in prop::collection::vec(-30000.0f64..30000.0, 120), cut in 1usize..5,
            slope in prop::sample::select(vec![1.0, -0.25, 1e-3]), kind in 0usize..5, is_per_slice in any::<bool>(),
        ) {
            let geometry = Geometry::new([4, 5, 6], Affine::IDENTITY).unwrap();
            let labels = LabelMap::from_fn(geometry.clone(), |[i, ..]| if i < cut { 3 } else { 9 });
            let stored = match kind {
                0 => Voxels::I16(Arc::new(values.iter().map(|v| *v as i16).collect())),
                1 => Voxels::F32(Arc::new(values.iter().map(|v| *v as f32).collect())),
                2 => Voxels::F64(Arc::new(values.clone())),
                3 => Voxels::I64(Arc::new(values.iter().map(|v| *v as i64 * 70_000).collect())),
                _ => Voxels::U8(Arc::new(values.iter().map(|v| v.abs() as u8).collect())),
            };
            let rescale = if is_per_slice {
                Rescale::PerSlice(Arc::new((0..6).map(|k| (slope, f64::from(k))).collect()))
            } else {
                Rescale::Uniform { slope, intercept: 7.5 }
            };
            let volume = Volume::new(geometry, stored, vec![], rescale, String::new());
            let what = Measuring { image: Some((&volume, 0)), forms: false };
            let found = measure(&labels, &Wanted::All, what, Watch::unwatched()).unwrap();
            for (label, measures) in found {
                let mut own = Vec::new();
                labels.for_each_labelled(|voxel, other| if other == label { own.push(volume.value(voxel, 0)) });
                let (mean, std, all) = by_sorting(own);
                let got = measures.values.unwrap();
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
                prop_assert!(near(got.mean, mean) && near(got.std.unwrap(), std), "{got:?} {mean} {std}");
                prop_assert!(near(got.median, all[0]), "{} {}", got.median, all[0]);
                for (percentile, wanted) in got.percentiles.iter().zip(&all[1..]) {
                    prop_assert!(near(percentile.value, *wanted), "{percentile:?} {wanted}");
                }
            }
        }
    }
}

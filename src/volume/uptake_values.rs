//! A PET scan with standardised uptake values instead of activity.

use std::sync::Arc;

use super::scan::{Rescale, Volume, Window};
use super::uptake::Uptake;

impl Volume {
    /// The scan with standardised uptake values by body weight; the voxels are shared.
    ///
    /// # Errors
    /// A sentence where that is no PET scan, or nothing tells its factor.
    pub fn in_uptake(&self) -> Result<Self, String> {
        let factor = match &self.uptake {
            Some(Uptake::Factor(factor)) => *factor,
            Some(Uptake::Unknown(reason)) => return Err(format!("uptake values (SUV) cannot be had: {reason}")),
            None => return Err("uptake values (SUV) are of PET scans in DICOM, and this is none".into()),
        };
        let scaled = |(slope, intercept): (f64, f64)| (slope * factor, intercept * factor);
        let rescale = match &self.rescale {
            Rescale::Uniform { slope, intercept } => {
                let (slope, intercept) = scaled((*slope, *intercept));
                Rescale::Uniform { slope, intercept }
            }
            Rescale::PerSlice(all) => Rescale::PerSlice(Arc::new(all.iter().copied().map(scaled).collect())),
        };
        let (geometry, dims, name) = (self.geometry.clone(), self.frame_dims.clone(), self.name.clone());
        // Statistics are of the new values.
        let mut scan = Self::new(geometry, self.voxels.clone(), dims, rescale, name);
        scan.frame_names.clone_from(&self.frame_names);
        scan.frame_of_reference.clone_from(&self.frame_of_reference);
        scan.source.clone_from(&self.source);
        scan.display.clone_from(&self.display);
        scan.display.window =
            self.display.window.map(|own| Window { level: own.level * factor, width: own.width * factor });
        scan.warnings.clone_from(&self.warnings);
        scan.annotations.clone_from(&self.annotations);
        let now = Uptake::Factor(1.0);
        scan.header.clone_from(&self.header);
        scan.header.iter_mut().filter(|(field, _)| field == Uptake::NAME).for_each(|(_, text)| *text = now.to_string());
        scan.uptake = Some(now);
        Ok(scan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Affine, Geometry, Voxels};

    #[test]
    fn values_are_multiplied_and_the_rest_stays() {
        let geometry = Geometry::new([2, 1, 2], Affine::IDENTITY).unwrap();
        let rescale = Rescale::PerSlice(Arc::new(vec![(2.0, 1.0), (4.0, 0.0)]));
        let mut scan = Volume::new(geometry, Voxels::U16(Arc::new(vec![1, 2, 3, 4])), vec![], rescale, "pet".into());
        assert!(scan.in_uptake().unwrap_err().contains("none"));
        scan.uptake = Some(Uptake::Unknown("the file gives no Units".into()));
        assert!(scan.in_uptake().unwrap_err().contains("no Units"));
        scan.uptake = Some(Uptake::Factor(0.5));
        scan.display.window = Some(Window { level: 8.0, width: 16.0 });
        assert_eq!(scan.statistics().max, 16.0);
        let uptake = scan.in_uptake().unwrap();
        assert_eq!((0..4).map(|n| uptake.value_at(n).unwrap()).collect::<Vec<_>>(), [1.5, 2.5, 6.0, 8.0]);
        assert_eq!((uptake.statistics().max, uptake.display.window), (8.0, Some(Window { level: 4.0, width: 8.0 })));
        assert_eq!(uptake.in_uptake().unwrap().value_at(3), Some(8.0), "a second time changes nothing");
    }
}

//! What of a training's plan is chosen by hand; the rest is left to the scans.

use crate::learn::{Augmentation, Intensities, Plan};

/// Choices; `None` leaves one to the scans, or to the model that training starts from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanChoices {
    /// Side of a square patch in pixels.
    pub patch: Option<usize>,
    /// Slices per step.
    pub batch: Option<usize>,
    /// Neighbouring slices on either side.
    pub neighbours: Option<usize>,
    /// Side of a pixel in millimetres.
    pub spacing_mm: Option<f64>,
    /// How intensities are brought to a common scale.
    pub intensities: Option<Intensities>,
    /// First learning rate.
    pub rate: Option<f64>,
    /// Name of the augmentation, as on the command line.
    pub augmentation: Option<&'static str>,
}

impl PlanChoices {
    /// Sides of patches.
    pub const PATCHES: [usize; 8] = [32, 48, 64, 96, 128, 192, 256, 384];
    /// Numbers of slices.
    pub const BATCHES: [usize; 8] = [2, 4, 8, 12, 16, 24, 32, 48];
    /// Numbers of neighbours.
    pub const NEIGHBOURS: [usize; 4] = [0, 1, 2, 3];
    /// Sides of pixels in millimetres.
    pub const SPACINGS_MM: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0];
    /// Rates.
    pub const RATES: [f64; 6] = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3];
    /// Names of augmentations, the weakest first.
    pub const AUGMENTATIONS: [&'static str; 5] = ["none", "light", "in-plane", "full", "strong"];

    /// Whether something was chosen.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Puts the choices into a plan.
    pub fn apply(&self, plan: &mut Plan) {
        if let Some(side) = self.patch {
            plan.patch = [side; 2];
            plan.from_data.patch = false;
        }
        if let Some(batch) = self.batch {
            plan.batch = batch;
            plan.from_data.batch = false;
        }
        plan.neighbours = self.neighbours.unwrap_or(plan.neighbours);
        plan.spacing_mm = self.spacing_mm.map(|side| [side; 2]).or(plan.spacing_mm);
        plan.intensities = self.intensities.or(plan.intensities);
        plan.rate = self.rate.unwrap_or(plan.rate);
        if let Some(augmentation) = self.augmentation.and_then(|name| name.parse::<Augmentation>().ok()) {
            let mirror = plan.augmentation.mirror && augmentation.mirror;
            plan.augmentation = Augmentation { mirror, ..augmentation };
            plan.from_data.augmentation = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::old_jobs::default_plan;
    use crate::learn::FromData;

    #[test]
    fn what_is_chosen_is_not_left_to_the_scans_and_the_rest_is() {
        let mut plan = default_plan();
        PlanChoices::default().apply(&mut plan);
        assert_eq!(plan, default_plan());
        let chosen = PlanChoices {
            patch: Some(96),
            spacing_mm: Some(1.5),
            intensities: Some(Intensities::Ct),
            rate: Some(2e-3),
            augmentation: Some("light"),
            ..Default::default()
        };
        assert!(chosen.any());
        chosen.apply(&mut plan);
        assert_eq!((plan.patch, plan.rate, plan.neighbours), ([96, 96], 2e-3, default_plan().neighbours));
        assert_eq!((plan.spacing_mm, plan.intensities), (Some([1.5; 2]), Some(Intensities::Ct)));
        assert_eq!(plan.from_data, FromData { patch: false, augmentation: false, ..FromData::ALL });
        for name in PlanChoices::AUGMENTATIONS {
            let mut plan = default_plan();
            PlanChoices { augmentation: Some(name), ..Default::default() }.apply(&mut plan);
            assert!(!plan.from_data.augmentation, "{name}");
        }
    }
}

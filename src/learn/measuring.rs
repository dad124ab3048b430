//! Measuring a training's models on what it holds back.

use super::error::FitError;
use super::events::FitEvent;
use super::scans::Scans;
use super::start;
use super::validation::{CaseDice, Measured, validate_each};
use crate::engine::DeviceChoice;
use crate::model::{Model, ModelSpec};
use crate::work::Watch;

/// The held-back cases, and how they are measured.
pub struct HeldBack<'a> {
    /// The cases; where they do not fit into the memory each is read when it is measured.
    pub cases: Scans<'a>,
    /// The label of voxels that count nowhere.
    pub ignore: Option<u16>,
    /// Where networks run.
    pub device: DeviceChoice,
}

impl HeldBack<'_> {
    /// Dice of a model; `between` is called between slices, where there is a place to pause.
    pub fn measure(
        &self,
        model: &Model,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
        between: &mut dyn FnMut(),
    ) -> Result<Vec<CaseDice>, FitError> {
        let mut heard = |news| match news {
            Measured::Preview(preview) => on_event(FitEvent::Preview(Box::new(preview))),
            Measured::Slices => between(),
        };
        let scan = |n| self.cases.get(n, watch.quiet());
        validate_each(model, (self.cases.count(), &scan), self.ignore, self.device, watch, &mut heard)
    }

    /// Dice of the model that training starts from, prepared and averaged as it is used; `None` where it has other classes or channels
    /// than the new one, or nothing is held back.
    pub fn measure_start(
        &self,
        init: &Model,
        new: &ModelSpec,
        watch: Watch,
        on_event: &mut dyn FnMut(FitEvent),
    ) -> Result<Option<Vec<CaseDice>>, FitError> {
        let mut spec = init.spec.clone();
        let is_comparable = !spec.is_classifier()
            && spec.image_channels == new.image_channels
            && start::are_same_classes(&spec.classes, &new.classes);
        if self.cases.count() == 0 || !is_comparable {
            return Ok(None);
        }
        for (class, own) in spec.classes.iter_mut().zip(&new.classes) {
            class.name.clone_from(&own.name);
        }
        let model = Model { spec, weights: init.weights.clone() };
        self.measure(&model, watch, on_event, &mut || {}).map(Some)
    }
}

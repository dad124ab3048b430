//! What the labelled scans look like, and what follows from it for a plan.
//!
//! After nnU-Net's fingerprint and rules (Isensee et al. 2021), for networks on slices.

use super::augment::{Augmentation, MOST_UNEVEN};
use super::facts::ScanFacts;
use super::plan::Plan;
use super::sides::tell_sides;
use crate::model::SliceAxis;

/// Largest side of a patch; larger slices are learned in parts.
const LARGEST_PATCH: usize = 192;
/// Sides of patches are multiples of it.
const PATCH_STEP: usize = 8;
/// Scans with fewer slices than this along an axis are cut across it.
const FEW_SLICES: f64 = 8.0;
/// Share of the median side that a patch covers at least.
const COVERED: f64 = 0.95;
/// Pixels of a step: as many as 48 slices of 48 x 48.
const STEP_PIXELS: usize = 48 * 48 * 48;
/// Fewest and most slices of a step.
const BATCH: [usize; 2] = [4, 64];
/// Up to this many pixels of a patch the network is twice as wide.
const SMALL_PATCH: usize = 96 * 96;

/// Up to this many scans are changed strongly, in smaller and more steps.
const FEW_SCANS: usize = 10;

/// From this many scans on there is enough to see without strong changes (docs/training-curves.md).
const MANY_SCANS: usize = 100;

/// A lowest value that CT has, whose air is at -1000, and few other scans.
const LOWEST_OF_CT: f64 = -500.0;
/// A label in fewer scans than one of so many is told of.
const RARE: usize = 4;

/// How much of a label there is.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelFacts {
    /// Its name.
    pub name: String,
    /// Scans that have it.
    pub scans: usize,
    /// Its volume in those, in millilitres.
    pub millilitres: f64,
}

/// Medians over the labelled scans.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint {
    /// Number of scans.
    pub scans: usize,
    /// Spacing along the world axes R, A, S in millimetres.
    pub spacing_mm: [f64; 3],
    /// Smallest and largest spacing of any scan along any axis.
    pub spacing_range_mm: [f64; 2],
    /// Extent along the world axes R, A, S in millimetres.
    pub extent_mm: [f64; 3],
    /// Smallest and largest value.
    pub values: [f64; 2],
    /// Every label but the background.
    pub labels: Vec<LabelFacts>,
    /// Whether labels tell the patient's left and right apart.
    pub sided: bool,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(1.0)
}

impl Fingerprint {
    /// Looks at the scans and the labels' names, in the order of their values, background first.
    pub fn new<'a>(scans: &[ScanFacts], label_names: impl IntoIterator<Item = &'a str>) -> Self {
        let along = |value: &dyn Fn(&ScanFacts, usize) -> f64| {
            [0, 1, 2].map(|world| {
                let of = |scan: &ScanFacts| value(scan, scan.geometry.orientation().voxel_axis(world));
                median(scans.iter().map(of).collect())
            })
        };
        let spacing_mm = along(&|scan, axis| scan.geometry.spacing_mm()[axis]);
        let extent_mm = along(&|scan, axis| scan.geometry.spacing_mm()[axis] * scan.geometry.shape()[axis] as f64);
        let all = scans.iter().flat_map(|scan| scan.geometry.spacing_mm());
        let spacing_range_mm = all.fold([f64::INFINITY, 0.0], |[low, high]: [f64; 2], s| [low.min(s), high.max(s)]);
        let names: Vec<&str> = label_names.into_iter().collect();
        let sided = tell_sides(&names);
        let volume = |scan: &ScanFacts| scan.geometry.spacing_mm().iter().product::<f64>() / 1000.0;
        let facts = |(value, name): (u16, &&str)| {
            let found = scans.iter().filter_map(|scan| Some(*scan.counts.get(&value)? as f64 * volume(scan)));
            let volumes: Vec<f64> = found.collect();
            let scans = volumes.len();
            LabelFacts { name: (*name).into(), scans, millilitres: if scans == 0 { 0.0 } else { median(volumes) } }
        };
        let labels = (0..).zip(&names).skip(1).map(facts).collect();
        let values = [0, 1].map(|end| median(scans.iter().map(|scan| scan.values[end]).collect()));
        Self { scans: scans.len(), spacing_mm, spacing_range_mm, extent_mm, values, labels, sided }
    }

    /// Whether the values are those of CT.
    pub fn looks_like_ct(&self) -> bool {
        self.values[0] <= LOWEST_OF_CT
    }

    /// The plan with what was left to the data, and a sentence about each such choice.
    pub fn decide(&self, plan: &Plan) -> (Plan, Vec<String>) {
        let mut plan = plan.clone();
        let mut said = Vec::new();
        let open = std::mem::take(&mut plan.from_data);
        if open.slices {
            let thick = (0..3).max_by(|&a, &b| self.spacing_mm[a].total_cmp(&self.spacing_mm[b])).unwrap_or(2);
            let [thinnest, thickest] = self.spacing_range_mm;
            let voxels = |world: usize| self.extent_mm[world] / self.spacing_mm[world];
            let flat =
                (0..3).min_by(|&a, &b| voxels(a).total_cmp(&voxels(b))).filter(|&world| voxels(world) < FEW_SLICES);
            plan.fuse_axes = flat.is_none() && thickest <= MOST_UNEVEN * thinnest;
            if plan.fuse_axes {
                said.push("Slices along all three axes, because spacings are nearly equal.".into());
            } else {
                plan.slice_axis = [SliceAxis::Sagittal, SliceAxis::Coronal, SliceAxis::Axial][flat.unwrap_or(thick)];
                let why = match flat {
                    Some(_) => "there are few of them".to_string(),
                    None => format!("they lie farthest apart ({:.2} mm)", self.spacing_mm[thick]),
                };
                let plane = capitalised(plan.slice_axis.name());
                said.push(format!("{plane} slices, because {why}."));
                if plan.neighbours > 0 && voxels(plan.slice_axis.world_axis()) < 1.5 {
                    plan.neighbours = 0;
                    said.push("No neighbouring slices, because there are none.".into());
                }
            }
        }
        if open.mirror && self.sided && plan.augmentation.mirror {
            plan.augmentation.mirror = false;
            plan.average_mirrored = false;
            said.push("Nothing is mirrored, because labels tell left and right apart.".into());
        }
        let unnamed =
            |label: &LabelFacts| !label.name.to_lowercase().replace("label", "").contains(char::is_alphabetic);
        if plan.augmentation.mirror && plan.mirror_axes[0] && self.labels.len() > 1 && self.labels.iter().all(unnamed) {
            said.push(
                "Slices are mirrored; where labels tell left and right apart, which no name says, they must not be."
                    .into(),
            );
        }
        let is_few = self.scans <= FEW_SCANS;
        if open.augmentation && is_few {
            plan.augmentation = Augmentation { mirror: plan.augmentation.mirror, ..Augmentation::strong() };
            said.push("Strong augmentation, because there are few scans.".into());
        }
        if open.augmentation && self.scans >= MANY_SCANS {
            plan.augmentation = Augmentation { mirror: plan.augmentation.mirror, ..Augmentation::light() };
            said.push("Light augmentation, because there are many scans.".into());
        }
        if open.patch {
            plan.patch = self.patch(&plan);
            let [h, w] = plan.patch;
            said.push(format!("Patches of {h} x {w} pixels."));
        }
        let pixels = plan.patch[0] * plan.patch[1];
        if open.batch {
            let step = if is_few { STEP_PIXELS / 2 } else { STEP_PIXELS };
            plan.batch = (step / pixels.max(1)).clamp(BATCH[0], BATCH[1]);
            said.push(format!("{} slices in a step.", plan.batch));
        }
        if open.network {
            let (width, depth) = if pixels <= SMALL_PATCH { (32, 3) } else { (16, 4) };
            plan.architecture.set("width", serde_json::json!(width));
            plan.architecture.set("depth", serde_json::json!(depth));
            said.push(format!("A U-Net of width {width} and depth {depth}."));
        }
        (plan, said)
    }

    /// A sentence about each label that none or few of the scans have.
    pub fn rare_labels(&self) -> Vec<String> {
        let of = self.scans;
        let rare = self.labels.iter().filter(|label| label.scans * RARE < of);
        rare.map(|LabelFacts { name, scans, millilitres }| match scans {
            0 => format!("No scan has the label {name}; it cannot be learned."),
            _ => format!("Only {scans} of {of} scans have the label {name} ({millilitres:.2} ml)."),
        })
        .collect()
    }

    /// Sides that cover the median slice where that is not too large; of several axes the largest.
    fn patch(&self, plan: &Plan) -> [usize; 2] {
        let axes = if plan.fuse_axes {
            vec![SliceAxis::Axial, SliceAxis::Coronal, SliceAxis::Sagittal]
        } else {
            vec![plan.slice_axis]
        };
        let spacing = |n: usize, world: usize| match plan.spacing_mm {
            Some(chosen) => chosen[n].max(f64::MIN_POSITIVE),
            None if plan.fuse_axes => median(self.spacing_mm.to_vec()),
            None => self.spacing_mm[world],
        };
        let sides = [0, 1].map(|n| {
            let worlds = axes.iter().map(|axis| axis.in_plane()[n]);
            let pixels = worlds.map(|world| self.extent_mm[world] / spacing(n, world));
            let least = COVERED * pixels.fold(1.0, f64::max);
            ((least / PATCH_STEP as f64).ceil() as usize * PATCH_STEP).clamp(2 * PATCH_STEP, LARGEST_PATCH)
        });
        // One patch for several axes is as long as it is wide.
        if plan.fuse_axes { [sides[0].max(sides[1]); 2] } else { sides }
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::plan::FromData;

    fn plan() -> Plan {
        Plan { mirror_axes: [true; 3], average_mirrored: false, ..Plan::default() }
    }

    #[test]
    fn near_equal_spacings_are_cut_along_all_axes() {
        let small = Fingerprint {
            scans: 40,
            spacing_mm: [1.0; 3],
            spacing_range_mm: [1.0, 1.2],
            extent_mm: [35.0, 50.0, 36.0],
            values: [0.0, 1.0],
            labels: Vec::new(),
            sided: false,
        };
        let (decided, said) = small.decide(&plan());
        assert!(decided.fuse_axes && decided.augmentation.mirror);
        assert_eq!((decided.patch, decided.batch), ([48, 48], 48));
        assert_eq!(decided.architecture.options["width"], 32);
        assert_eq!(said.len(), 4, "{said:?}");
        assert_eq!(decided.from_data, FromData::default());
        // Pixels twice as large make half the patch.
        assert_eq!(small.decide(&Plan { spacing_mm: Some([2.0; 2]), ..plan() }).0.patch, [24, 24]);
        let (few, said) = Fingerprint { scans: 5, ..small.clone() }.decide(&plan());
        assert_eq!((few.batch, &few.augmentation), (24, &Augmentation::strong()));
        assert_eq!(said.len(), 5, "{said:?}");
        let label = |scans| LabelFacts { name: "cyst".into(), scans, millilitres: 0.5 };
        let said = |scans| Fingerprint { labels: vec![label(scans)], ..small.clone() }.rare_labels().join(" ");
        assert_eq!(said(10), "");
        assert!(said(9).contains("9 of 40") && said(0).contains("cyst"), "{}", said(9));
        assert!(!small.looks_like_ct() && Fingerprint { values: [-1024.0, 3071.0], ..small }.looks_like_ct());
    }

    #[test]
    fn thick_slices_are_cut_where_they_lie() {
        let thick = Fingerprint {
            scans: 40,
            spacing_mm: [0.5, 3.0, 0.5],
            spacing_range_mm: [0.5, 3.0],
            extent_mm: [200.0, 90.0, 60.0],
            values: [0.0, 1.0],
            labels: Vec::new(),
            sided: true,
        };
        let (decided, _) = thick.decide(&plan());
        assert_eq!(decided.slice_axis, SliceAxis::Coronal);
        assert!(!decided.fuse_axes && !decided.augmentation.mirror);
        assert_eq!((decided.patch, decided.batch), ([120, 192], 4));
        assert_eq!(decided.architecture.options["depth"], 4);
    }

    #[test]
    fn single_slices_are_not_cut_across() {
        let flat = Fingerprint {
            scans: 40,
            spacing_mm: [1.0; 3],
            spacing_range_mm: [1.0, 1.2],
            extent_mm: [512.0, 512.0, 1.0],
            values: [0.0, 1.0],
            labels: Vec::new(),
            sided: false,
        };
        let (decided, said) = flat.decide(&plan());
        assert_eq!((decided.slice_axis, decided.fuse_axes, decided.patch), (SliceAxis::Axial, false, [192, 192]));
        assert!(said[0].contains("few"), "{said:?}");
        assert_eq!(decided.neighbours, 0);
    }

    #[test]
    fn what_the_user_chose_stays() {
        let chosen = Plan { from_data: FromData::default(), ..plan() };
        let any = Fingerprint {
            scans: 3,
            spacing_mm: [1.0; 3],
            spacing_range_mm: [1.0, 1.2],
            extent_mm: [35.0; 3],
            values: [0.0, 1.0],
            labels: Vec::new(),
            sided: true,
        };
        assert_eq!(any.decide(&chosen), (chosen.clone(), vec![]));
        // Nor is an augmentation that the number of scans does not ask for.
        let of = |scans: usize| Fingerprint { scans, ..any.clone() }.decide(&plan()).0.augmentation;
        let without_mirror = |augmentation: Augmentation| Augmentation { mirror: false, ..augmentation };
        assert_eq!(of(10), without_mirror(Augmentation::strong()));
        assert_eq!(of(11), without_mirror(Augmentation::default()));
        assert_eq!(of(100), without_mirror(Augmentation::light()));
    }
}

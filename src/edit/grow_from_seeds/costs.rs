//! What a step of a label's front costs.

/// Greys there are.
const GREYS: usize = 256;
/// Costs are whole numbers: so much is the step from black to white.
const UNIT: f64 = 4096.0;
/// Cost of a step of the finest spacing as such.
const LENGTH: f64 = 0.003;
/// Cost of a step of the finest spacing to a grey that the label has nowhere.
const UNLIKELY: f64 = 0.2;
/// Cost of a step from a grey that only this label has to one that only others have.
const CHANGE: f64 = 1.0;
/// Width of the Gaussian over the greys under the strokes.
const SPREAD: f64 = 8.0;
/// Share of all greys that a label has everywhere, so that greys under no stroke belong to nobody.
const ANYWHERE: f64 = 0.02;
/// Steps are at most so much longer than the finest.
const LONGEST: f64 = 16.0;

/// Greys under the strokes of each label.
pub(super) fn count(owners: &[u8], greys: &[u8], labels: usize) -> Vec<[f64; GREYS]> {
    let mut counts = vec![[0.0; GREYS]; labels];
    for (owner, grey) in owners.iter().zip(greys) {
        if let Some(count) = usize::from(*owner).checked_sub(1).and_then(|label| counts.get_mut(label)) {
            count[usize::from(*grey)] += 1.0;
        }
    }
    counts
}

/// What the steps of every label cost.
pub(super) struct Costs {
    labels: Vec<LabelCosts>,
    /// The least that any step costs.
    pub least: u32,
    /// The most.
    pub most: u32,
}

/// What the steps of one label cost.
pub(super) struct LabelCosts {
    /// For the length and the grey of the voxel that is entered, per axis.
    enter: [[u32; GREYS]; 3],
    /// How much a grey is the label's; its change costs.
    own: [u32; GREYS],
}

/// Cost of one grey of difference.
const PER_GREY: u32 = (UNIT / 255.0) as u32;

impl LabelCosts {
    /// Cost of a step along an axis from one grey to another.
    #[inline]
    pub(super) fn step(&self, axis: usize, from: u8, to: u8) -> u32 {
        let (a, b) = (usize::from(from), usize::from(to));
        PER_GREY * u32::from(from.abs_diff(to)) + self.enter[axis][b] + self.own[a].abs_diff(self.own[b])
    }
}

impl Costs {
    /// From how often each grey is under each label's strokes.
    pub(super) fn new(counts: Vec<[f64; GREYS]>, spacing_mm: [f64; 3]) -> Self {
        let finest = spacing_mm.into_iter().fold(f64::INFINITY, f64::min);
        let lengths = spacing_mm.map(|spacing| (spacing / finest).min(LONGEST));
        let likely: Vec<Option<[f64; GREYS]>> = counts.into_iter().map(|count| likelihood(&count)).collect();
        let mut sums = [0.0; GREYS];
        for likelihood in likely.iter().flatten() {
            sums.iter_mut().zip(likelihood).for_each(|(sum, own)| *sum += own);
        }
        let whole = |cost: f64| (cost * UNIT).round() as u32;
        let of_label = |likelihood: &Option<[f64; GREYS]>| {
            // A label without strokes never steps.
            let share = |grey: usize| likelihood.map_or(0.0, |own| own[grey] / sums[grey]);
            let enter = lengths.map(|length| {
                std::array::from_fn(|grey| whole(length * (LENGTH + UNLIKELY * (1.0 - share(grey)))).max(1))
            });
            LabelCosts { enter, own: std::array::from_fn(|grey| whole(CHANGE * share(grey))) }
        };
        let labels: Vec<LabelCosts> = likely.iter().map(of_label).collect();
        let all = || labels.iter().flat_map(|label| label.enter.iter().flatten().copied());
        let least = all().min().unwrap_or(1);
        let most = all().max().unwrap_or(1) + PER_GREY * 255 + whole(CHANGE);
        Self { labels, least, most }
    }

    pub(super) fn of(&self, label: usize) -> &LabelCosts {
        &self.labels[label]
    }
}

/// How likely each grey is for a label; `None` where it has no stroke.
fn likelihood(count: &[f64; GREYS]) -> Option<[f64; GREYS]> {
    let reach = (4.0 * SPREAD) as usize;
    let mut smooth = [0.0; GREYS];
    for (grey, n) in count.iter().enumerate().filter(|(_, n)| **n > 0.0) {
        let first = grey.saturating_sub(reach);
        for (near, sum) in smooth.iter_mut().enumerate().take(grey + reach + 1).skip(first) {
            *sum += n * (-0.5 * (grey.abs_diff(near) as f64 / SPREAD).powi(2)).exp();
        }
    }
    let sum: f64 = smooth.iter().sum();
    (sum > 0.0).then(|| smooth.map(|n| n / sum + ANYWHERE / GREYS as f64))
}

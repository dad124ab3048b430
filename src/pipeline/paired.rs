//! Whether two models differ on the same cases: Wilcoxon's signed-rank test (Wilcoxon 1945).

use serde::Serialize;

/// Up to this many differences without ties the distribution is exact.
const MOST_EXACT: usize = 50;

/// What a paired comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedTest {
    /// Cases that both have.
    pub cases: usize,
    /// Mean of the first minus the second.
    pub mean_difference: f64,
    /// Cases in which the first is larger, and smaller.
    pub larger: [usize; 2],
    /// Two-sided probability of so uneven ranks if the two did not differ; 1 where no case differs.
    pub p: f64,
}

/// Compares pairs (first, second) of the same cases. Equal pairs are left out of the ranks; tied differences share theirs. Few
/// differences without ties are judged by the exact distribution, others by the normal one with its correction for ties.
pub fn wilcoxon(pairs: &[(f64, f64)]) -> PairedTest {
    let differences: Vec<f64> = pairs.iter().map(|(a, b)| a - b).collect();
    let cases = pairs.len();
    let mean_difference = differences.iter().sum::<f64>() / cases.max(1) as f64;
    let larger = [differences.iter().filter(|d| **d > 0.0).count(), differences.iter().filter(|d| **d < 0.0).count()];
    let mut nonzero: Vec<f64> = differences.into_iter().filter(|d| *d != 0.0).collect();
    nonzero.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = nonzero.len();
    let (mut positive, mut ties, mut at) = (0.0, 0.0, 0);
    while at < n {
        let same = nonzero[at..].iter().take_while(|d| d.abs() == nonzero[at].abs()).count();
        let rank = at as f64 + f64::midpoint(same as f64, 1.0);
        positive += rank * nonzero[at..at + same].iter().filter(|d| **d > 0.0).count() as f64;
        ties += (same * same * same - same) as f64;
        at += same;
    }
    let p = match n {
        0 => 1.0,
        _ if ties == 0.0 && n <= MOST_EXACT => exact(n, positive),
        _ => {
            let count = n as f64;
            let mean = count * (count + 1.0) / 4.0;
            let variance = count * (count + 1.0) * (2.0 * count + 1.0) / 24.0 - ties / 48.0;
            two_sided((positive - mean).abs() / variance.sqrt())
        }
    };
    PairedTest { cases, mean_difference, larger, p }
}

/// Share of the sign patterns of ranks 1 to n whose positive sum is as far out as this one, on either side.
fn exact(n: usize, positive: f64) -> f64 {
    let most = n * (n + 1) / 2;
    // Patterns by their sum, as shares of all.
    let mut shares = vec![0.0f64; most + 1];
    shares[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..=most).rev() {
            let with = if sum >= rank { shares[sum - rank] } else { 0.0 };
            shares[sum] = 0.5 * (shares[sum] + with);
        }
    }
    let smaller = positive.min(most as f64 - positive) as usize;
    (2.0 * shares[..=smaller].iter().sum::<f64>()).min(1.0)
}

/// Probability of a standard normal value at least so far from 0: the complementary error function by its continued fraction
/// and series (Abramowitz and Stegun 7.1.5, 7.1.14).
fn two_sided(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    if x < 2.0 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return 1.0 - sum * std::f64::consts::FRAC_2_SQRT_PI;
    }
    let fraction = (1..=200).rev().fold(0.0, |tail, n| f64::from(n) / 2.0 / (x + tail));
    (-x * x).exp() / std::f64::consts::PI.sqrt() / (x + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against scipy.stats.wilcoxon 1.x.
    #[test]
    fn probabilities_equal_scipys() {
        let a = [0.91, 0.88, 0.87, 0.93, 0.85, 0.90, 0.89, 0.92];
        let b = [0.90, 0.85, 0.88, 0.89, 0.80, 0.83, 0.87, 0.86];
        let without_ties: Vec<(f64, f64)> =
            (1..=8).map(|n| (f64::from(n) * if n == 2 { -1.0 } else { 1.0 }, 0.0)).collect();
        assert!((wilcoxon(&without_ties).p - 0.023_437_5).abs() < 1e-12);
        let pairs: Vec<(f64, f64)> = a.into_iter().zip(b).collect();
        assert_eq!(wilcoxon(&pairs).larger, [7, 1]);
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        let b = [2.0, 2.0, 1.0, 1.0, 9.0, 1.0, 1.0, 4.0, 9.0, 4.0];
        let tied: Vec<(f64, f64)> = a.into_iter().zip(b).collect();
        let test = wilcoxon(&tied);
        assert!((test.p - 0.079_318_163_744_054_32).abs() < 1e-9, "{test:?}");
        assert_eq!(wilcoxon(&[(1.0, 1.0)]).p, 1.0);
    }

    #[test]
    fn the_normal_tail_is_right_on_both_sides_of_the_switch() {
        for (z, p) in [
            (0.0, 1.0),
            (1.0, 0.317_310_507_862_914),
            (1.96, 0.049_995_790_296_440_87),
            (4.0, 6.334_248_366_623_973e-5),
        ] {
            assert!((two_sided(z) - p).abs() < 1e-12 * (1.0 + p), "{z}: {} {p}", two_sided(z));
        }
    }
}

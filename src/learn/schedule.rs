//! Learning-rate schedules.

/// nnU-Net's poly decay: `rate * (1 - done)^0.9`, `done` from 0 to 1.
pub fn poly(rate: f64, done: f64) -> f64 {
    rate * (1.0 - done.clamp(0.0, 1.0)).powf(0.9)
}

/// A rate that rises in a straight line over the first share `warm_up` of the budget, and then falls as [`poly`].
pub fn warm_poly(rate: f64, warm_up: f64, done: f64) -> f64 {
    let rise = if done < warm_up { (done / warm_up).max(0.02) } else { 1.0 };
    poly(rate, done) * rise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_falls_to_zero() {
        assert_eq!(poly(0.01, 0.0), 0.01);
        assert!((poly(0.01, 0.1) - 0.009_095_325_760_829_623).abs() < 1e-15);
        assert_eq!(poly(0.01, 1.0), 0.0);
        assert_eq!(warm_poly(0.01, 0.0, 0.0), 0.01);
        assert!((warm_poly(0.01, 0.1, 0.05) - 0.5 * poly(0.01, 0.05)).abs() < 1e-15);
    }
}

//! What several metrics compute of plain numbers.

/// The mean; 0 of none.
pub(crate) fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0., 0.), |(sum, count), x| (sum + x, count + 1.));
    if count == 0. { 0. } else { sum / count }
}

/// The smallest and the largest.
pub(crate) fn range(numbers: impl Iterator<Item = f64>) -> [f64; 2] {
    numbers.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
}

/// Whether numbers of this range differ by no more than what rounding to 32 bits, a few times over,
/// leaves.
pub(crate) fn constant([low, high]: [f64; 2]) -> bool {
    high - low <= 1e-6 * low.abs().max(high.abs())
}

/// The quantile, between neighbours in proportion; NaN of none.
pub(crate) fn quantile(mut numbers: Vec<f64>, share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let Some(last) = numbers.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let (below, rest) = (place.floor() as usize, place.fract());
    numbers[below] + rest * (numbers[(below + 1).min(last)] - numbers[below])
}

/// The share of each of `values` values among labels.
pub(crate) fn shares(labels: &[usize], values: usize) -> Vec<f64> {
    let mut counts = vec![0.; values];
    labels.iter().for_each(|&label| counts[label] += 1.);
    counts.iter().map(|count| count / labels.len().max(1) as f64).collect()
}

/// -Σ p log p, in nats.
pub(crate) fn entropy(shares: &[f64]) -> f64 {
    -shares.iter().filter(|&&p| p > 0.).map(|p| p * p.ln()).sum::<f64>()
}

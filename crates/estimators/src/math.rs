//! Sums and functions in the order in which numpy and scipy compute them.

/// Integers up to here are doubles without loss.
const EXACT_MAX: u64 = 1 << 53;

/// An integer as a double, if nothing is lost.
pub(crate) fn exact(number: i64) -> Option<f64> {
    (number.unsigned_abs() <= EXACT_MAX).then_some(number as f64)
}

/// Values that numpy adds before it splits a sum in two.
const BLOCK: usize = 128;

/// numpy's sum of values that lie beside one another.
pub(crate) fn pairwise_sum(values: &[f64]) -> f64 {
    if values.len() < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if values.len() > BLOCK {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % 8);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (at, eight) in eights.iter().enumerate() {
        for (sum, value) in sums.iter_mut().zip(eight) {
            *sum = if at == 0 { *value } else { *sum + value };
        }
    }
    let sum =
        ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    rest.iter().fold(sum, |sum, value| sum + value)
}

/// scipy's `expit`.
pub(crate) fn expit(value: f64) -> f64 {
    1.0 / (1.0 + (-value).exp())
}

/// scikit-learn's `softmax` of one row.
pub(crate) fn softmax(values: &mut [f64]) {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for value in values.iter_mut() {
        *value = (*value - max).exp();
    }
    let sum = pairwise_sum(values);
    for value in values.iter_mut() {
        *value /= sum;
    }
}

/// numpy's `argmax`: the first of the largest, or the first NaN.
pub(crate) fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (at, value) in values.iter().enumerate() {
        if value.is_nan() {
            return at;
        }
        if *value > values[best] {
            best = at;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM_7: u64 = 0x4000cccccccccccd;
    const SUM_11: u64 = 0x4016000000000001;
    const SUM_300: u64 = 0x40b1850000000000;
    const SUM_1000: u64 = 0x40e863c000000000;

    #[test]
    fn sums_are_numpys() {
        // numpy.sum of 0.1 * arange(n), bit for bit.
        let sum = |count: u32| {
            let values: Vec<f64> = (0..count).map(|number| 0.1 * f64::from(number)).collect();
            pairwise_sum(&values).to_bits()
        };
        assert_eq!(sum(0), 0.0_f64.to_bits());
        for (count, expected) in [(7, SUM_7), (11, SUM_11), (300, SUM_300), (1000, SUM_1000)] {
            assert_eq!(sum(count), expected, "{count}");
        }
    }

    #[test]
    fn the_first_of_the_largest_is_found() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(argmax(&[1.0, f64::NAN, 3.0]), 1);
        assert_eq!(argmax(&[f64::NEG_INFINITY; 2]), 0);
        assert_eq!(argmax(&[]), 0);
    }
}

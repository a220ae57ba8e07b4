//! How each library decides at a node.

use super::{
    CATEGORIES, CategorySet, FEATURE, MISSING_LEFT, NAN_IS_MISSING, Node, Number, ZERO_IS_MISSING,
};

/// Decides whether a value goes left.
pub(crate) trait Rule<T: Number> {
    fn goes_left(&self, value: T, node: Node<T>, sets: &[CategorySet]) -> bool;
}

impl<T: Number> Node<T> {
    fn missing_left(self) -> bool {
        self.feature & MISSING_LEFT != 0
    }

    fn has_categories(self) -> bool {
        self.feature & CATEGORIES != 0
    }

    fn set(self, sets: &[CategorySet]) -> &CategorySet {
        &sets[self.threshold.index() as usize]
    }
}

/// scikit-learn's trees: up to the threshold left; NaN where the node says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlainRule;

impl<T: Number> Rule<T> for PlainRule {
    #[inline]
    fn goes_left(&self, value: T, node: Node<T>, _: &[CategorySet]) -> bool {
        // Without branches, which the processor could not foresee. NaN is below nothing.
        (value <= node.threshold) | (value.is_missing() & node.missing_left())
    }
}

/// scikit-learn's histogram boosting. Categories that it did not see while it learnt are missing.
#[derive(Debug)]
pub(crate) struct HistRule {
    /// For each feature the categories that were seen; nothing if no feature has any.
    pub(crate) known: Vec<CategorySet>,
}

impl Rule<f64> for HistRule {
    #[inline]
    fn goes_left(&self, value: f64, node: Node<f64>, sets: &[CategorySet]) -> bool {
        if value.is_nan() {
            return node.missing_left();
        }
        if !node.has_categories() {
            return value <= node.threshold;
        }
        if value < 0.0 {
            return node.missing_left();
        }
        // It casts to a byte, which takes the lowest one, or zero where the value is no 32-bit integer.
        let whole = if value < 2_147_483_648.0 { value as u32 } else { 0 };
        let category = whole & 0xff;
        if node.set(sets).contains(category) {
            return true;
        }
        let known = self.known.get((node.feature & FEATURE) as usize);
        !known.is_some_and(|known| known.contains(category)) && node.missing_left()
    }
}

/// XGBoost's trees. Thresholds are stored so that "below" has become "up to".
#[derive(Debug, Clone, Copy)]
pub(crate) struct XgboostRule;

/// XGBoost treats categories from here on as unknown, and refuses them in models: single precision
/// holds all integers below.
pub(crate) const XGBOOST_CATEGORY_MAX: f32 = 16_777_216.0;

impl Rule<f32> for XgboostRule {
    #[inline]
    fn goes_left(&self, value: f32, node: Node<f32>, sets: &[CategorySet]) -> bool {
        if value.is_nan() {
            return node.missing_left();
        }
        if !node.has_categories() {
            return value <= node.threshold;
        }
        // What is no category goes left, and so does what is not in the set.
        let valid = (0.0..XGBOOST_CATEGORY_MAX).contains(&value);
        !(valid && node.set(sets).contains(value as u32))
    }
}

/// LightGBM's trees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LightRule;

/// LightGBM's `kZeroThreshold`, a single-precision constant: what is not farther from zero is zero.
pub(crate) const LIGHT_ZERO: f64 = 1e-35_f32 as f64;

impl Rule<f64> for LightRule {
    #[inline]
    fn goes_left(&self, value: f64, node: Node<f64>, sets: &[CategorySet]) -> bool {
        if node.has_categories() {
            // NaN, negative values and what is too large for a set go right.
            let whole = value.trunc();
            let valid = (0.0..f64::from(i32::MAX)).contains(&whole);
            return valid && node.set(sets).contains(whole as u32);
        }
        let nan_is_missing = node.feature & NAN_IS_MISSING != 0;
        let value = if value.is_nan() && !nan_is_missing { 0.0 } else { value };
        let zero_is_missing = node.feature & ZERO_IS_MISSING != 0;
        if value.is_nan() || (zero_is_missing && (-LIGHT_ZERO..=LIGHT_ZERO).contains(&value)) {
            return node.missing_left();
        }
        value <= node.threshold
    }
}

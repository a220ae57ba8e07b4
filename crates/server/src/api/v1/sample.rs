//! Thinning a long curve without losing its shape, in one pass and bounded memory.

use std::cmp::Ordering;

use modelyard_store::SeriesPoint;

/// Takes points one after the other and keeps at most a given number: the smallest and largest of
/// each of equally long stretches, and the first and last of all by step.
///
/// Stretches begin with one point each. When there are too many, neighbours are joined, which
/// doubles their length. As long as all points fit, all are kept.
pub(super) struct Sampler {
    max_points: usize,
    /// Points in a full stretch.
    length: u64,
    stretches: Vec<Stretch>,
    ends: Option<(SeriesPoint, SeriesPoint)>,
    total: u64,
}

/// The extremes of some consecutive points. NaN counts only where there is nothing else.
struct Stretch {
    min: SeriesPoint,
    max: SeriesPoint,
    points: u64,
}

impl Stretch {
    fn of(point: SeriesPoint) -> Self {
        Self { min: point, max: point, points: 1 }
    }

    fn join(&mut self, other: &Self) {
        if self.min.value.is_nan() || other.min.value < self.min.value {
            self.min = other.min;
        }
        if self.max.value.is_nan() || other.max.value > self.max.value {
            self.max = other.max;
        }
        self.points += other.points;
    }
}

impl Sampler {
    /// `max_points` is at least 4.
    pub(super) fn new(max_points: usize) -> Self {
        Self { max_points, length: 1, stretches: Vec::new(), ends: None, total: 0 }
    }

    pub(super) fn push(&mut self, point: SeriesPoint) {
        self.total += 1;
        // Points come by time, and a run that was resumed may begin again at a lower step.
        self.ends = Some(match self.ends {
            Some((first, last)) => (
                if order(&point, &first).is_lt() { point } else { first },
                if order(&point, &last).is_gt() { point } else { last },
            ),
            None => (point, point),
        });
        match self.stretches.last_mut() {
            Some(last) if last.points < self.length => last.join(&Stretch::of(point)),
            _ => self.stretches.push(Stretch::of(point)),
        }
        if self.stretches.len() > self.room() {
            self.halve();
        }
    }

    /// How many stretches fit: those of one point give one, longer ones two, and two points are for
    /// the ends.
    fn room(&self) -> usize {
        if self.length == 1 { self.max_points } else { (self.max_points - 2) / 2 }
    }

    fn halve(&mut self) {
        while self.stretches.len() > self.room() {
            self.length *= 2;
            let mut joined: Vec<Stretch> = Vec::with_capacity(self.stretches.len() / 2 + 1);
            for stretch in self.stretches.drain(..) {
                match joined.last_mut() {
                    Some(last) if last.points + stretch.points <= self.length => {
                        last.join(&stretch)
                    }
                    _ => joined.push(stretch),
                }
            }
            self.stretches = joined;
        }
    }

    /// How many points came, and those that were kept, by step and time.
    pub(super) fn finish(self) -> (u64, Vec<SeriesPoint>) {
        let extremes = self.stretches.iter().flat_map(|stretch| [stretch.min, stretch.max]);
        let ends = self.ends.iter().flat_map(|(first, last)| [*first, *last]);
        let mut kept: Vec<SeriesPoint> = if self.length == 1 {
            self.stretches.iter().map(|stretch| stretch.min).collect()
        } else {
            extremes.chain(ends).collect()
        };
        kept.sort_by(order);
        if self.length > 1 {
            kept.dedup_by(|one, other| order(one, other).is_eq());
        }
        (self.total, kept)
    }
}

/// By step, time and value.
fn order(one: &SeriesPoint, other: &SeriesPoint) -> Ordering {
    let place = (one.step, one.ms).cmp(&(other.step, other.ms));
    place.then_with(|| one.value.total_cmp(&other.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(values: &[f64]) -> Vec<SeriesPoint> {
        let point = |(step, value): (usize, &f64)| SeriesPoint {
            ms: 1_000 + step as i64,
            step: step as i64,
            value: *value,
        };
        values.iter().enumerate().map(point).collect()
    }

    fn sample(points: &[SeriesPoint], max_points: usize) -> (u64, Vec<SeriesPoint>) {
        let mut sampler = Sampler::new(max_points);
        points.iter().for_each(|point| sampler.push(*point));
        sampler.finish()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let points = series(&[3.0, f64::INFINITY, -1.0, 0.5]);
        assert_eq!(sample(&points, 4), (4, points));
        assert_eq!(sample(&[], 4), (0, Vec::new()));
    }

    #[test]
    fn a_single_spike_survives() {
        let mut values = vec![0.0; 100_000];
        values[77_777] = 9.0;
        let (total, kept) = sample(&series(&values), 100);
        assert_eq!(total, 100_000);
        assert!(kept.iter().any(|point| point.step == 77_777 && point.value == 9.0));
    }

    #[test]
    fn a_stretch_of_nan_leaves_a_trace() {
        let mut values = vec![1.0; 1_000];
        values[400..700].fill(f64::NAN);
        let (_, kept) = sample(&series(&values), 40);
        assert!(kept.iter().any(|point| point.value.is_nan()));
    }

    #[test]
    fn a_run_resumed_at_a_lower_step_keeps_its_last_step() {
        let mut points = series(&[0.0; 1_000]);
        let resumed = points[200..500].iter().map(|point| SeriesPoint { ms: 9_000, ..*point });
        let resumed: Vec<_> = resumed.collect();
        points.extend(resumed);
        let (_, kept) = sample(&points, 10);
        let steps = kept.iter().map(|point| point.step);
        assert_eq!((steps.clone().min(), steps.max()), (Some(0), Some(999)));
    }

    #[test]
    fn points_at_one_place_are_sorted_by_value() {
        let at = |value| SeriesPoint { ms: 1, step: 1, value };
        let (_, kept) = sample(&[at(1.0), at(-1.0), at(-2.0), at(0.0)], 4);
        let values: Vec<_> = kept.iter().map(|point| point.value).collect();
        assert_eq!(values, [-2.0, -1.0, 0.0, 1.0]);
    }

    proptest! {
        #[test]
        fn a_sample_is_small_true_and_keeps_the_extremes(
            values in prop::collection::vec(-1e9..1e9f64, 1..3_000),
            max_points in 4_usize..200,
        ) {
            let points = series(&values);
            let (total, kept) = sample(&points, max_points);
            prop_assert_eq!(total, points.len() as u64);
            prop_assert!(kept.len() <= max_points);
            prop_assert!(kept.iter().all(|point| points.contains(point)));
            prop_assert!(kept.windows(2).all(|pair| pair[0].step < pair[1].step));
            prop_assert_eq!(kept.first(), points.first());
            prop_assert_eq!(kept.last(), points.last());
            let least = |points: &[SeriesPoint]| points.iter().map(|it| it.value).fold(f64::MAX, f64::min);
            let most = |points: &[SeriesPoint]| points.iter().map(|it| it.value).fold(f64::MIN, f64::max);
            prop_assert_eq!(least(&kept), least(&points));
            prop_assert_eq!(most(&kept), most(&points));
        }
    }
}

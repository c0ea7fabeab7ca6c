//! How many bins a number deserves: whether bins of equal population tell clearly more about the target than a
//! straight line does, on a sample of rows.
//!
//! Both are judged by the likelihood of the target given this one number: for a numeric target with normal errors, for
//! classes one by one against the rest, the line being a logistic one. Bins beside a line add a parameter for each bin
//! but one. A parameter that means nothing raises the likelihood by half a nat on these rows and lowers it by as much on
//! others; here each has to bring two. Where the table has more rows than the sample, what bins truly tell grows with
//! the rows and what they cost does not; in large tables some bins cost so little that every number gets them.

use super::association::MOST_LEVELS;

/// The numbers of bins that are tried.
const CANDIDATES: [usize; 6] = [3, 5, 10, 20, 50, 100];
/// Rows of the table, those of the most frequent class left out, that make a bin too cheap to do without.
const ROWS_TO_SPARE: f64 = 400.0;
/// Fewer bins than this are not given away.
const LEAST_SPARE: usize = 20;
/// Rows that a bin must have on average.
const LEAST_ROWS: usize = 20;
/// Nats that a bin brings on the sample even if it means nothing.
const BY_CHANCE: f64 = 0.5;
/// Nats that a bin has to bring beyond that on the rows of the table.
const PRICE: f64 = 1.5;
/// Standard errors of what bins bring by chance that they must exceed.
const CERTAINTY: f64 = 2.5;
/// Columns up to which chance is taken for that of one: among more, some look as if they told something, and each has to
/// bring the logarithm of how many more there are.
const ORDINARY_COLUMNS: f64 = 20.0;
/// Classes that are judged, the most frequent.
const MOST_CLASSES: usize = 10;
/// Groups of rows from which a logistic line is found.
const GROUPS: usize = 100;
const MOST_STEPS: usize = 25;

/// What is to be told, for each row of the sample.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// Codes of classes, the most frequent first.
    Classes(&'a [u32]),
    /// Numbers, where there is one.
    Numbers(&'a [Option<f64>]),
}

/// The rows that have both, sorted by the number.
struct Points {
    x: Vec<f64>,
    y: Values,
}

enum Values {
    Classes { codes: Vec<u32>, judged: Vec<u32> },
    Numbers(Vec<f64>),
}

/// The number of bins of equal population to give these numbers, one for each row of the sample where there is one, of a
/// table of `table_rows` rows and `columns` columns; `None` where a straight line tells about as much.
pub fn bins(numbers: &[Option<f64>], table_rows: u64, columns: usize, told: Told) -> Option<u32> {
    let times = (table_rows as f64 / numbers.len().max(1) as f64).max(1.0);
    let points = Points::new(numbers, told)?;
    let best = points.deserved(times, columns, usize::MAX)?;
    let spare = (times * points.telling() / points.outputs() as f64 / ROWS_TO_SPARE) as usize;
    let free = CANDIDATES
        .into_iter()
        .filter(|bins| (LEAST_SPARE..=spare).contains(bins))
        .max();
    best.max(free).map(|bins| bins as u32)
}

/// The same for points in time, of which a table may have many and learn little from each: 20 at most, and
/// only where they tell more.
pub fn spans(times: &[Option<f64>], table_rows: u64, columns: usize, told: Told) -> Option<u32> {
    let points = Points::new(times, told)?;
    let more = (table_rows as f64 / times.len().max(1) as f64).max(1.0);
    points
        .deserved(more, columns, MOST_SPANS)?
        .map(|bins| bins as u32)
}

/// Spans of time at most. More would follow what single days and weeks were like, which do not come again, and take from
/// months, weekdays and hours what these tell of days to come.
const MOST_SPANS: usize = 20;

impl Points {
    /// Up to `most` bins that tell clearly more than a line, where there are any; nothing where there can be no line.
    fn deserved(&self, times: f64, columns: usize, most: usize) -> Option<Option<usize>> {
        let line = self.line()?;
        let by_luck = libm::log((columns as f64 / ORDINARY_COLUMNS).max(1.0));
        let mut best: Option<(f64, usize)> = None;
        for bins in CANDIDATES.into_iter().filter(|bins| *bins <= most) {
            if self.x.len() < bins * LEAST_ROWS {
                break;
            }
            let starts = self.starts(bins);
            let added = (starts.len() - 1) as f64 * self.outputs() as f64;
            let told = self.likelihood(&starts) - line - BY_CHANCE * added;
            if told < CERTAINTY * (0.5 * added).sqrt() + by_luck {
                continue;
            }
            let gain = times * told - PRICE * added;
            if gain > best.map_or(0.0, |(most, _)| most) {
                best = Some((gain, bins));
            }
        }
        Some(best.map(|(_, bins)| bins))
    }

    fn new(numbers: &[Option<f64>], told: Told) -> Option<Self> {
        let known = |row: usize| match told {
            Told::Classes(_) => true,
            Told::Numbers(numbers) => numbers[row].is_some(),
        };
        let mut order: Vec<(f64, usize)> = numbers
            .iter()
            .enumerate()
            .filter_map(|(row, number)| number.filter(|_| known(row)).map(|number| (number, row)))
            .collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        // A number that does not vary has no line.
        if order.first()?.0 >= order.last()?.0 {
            return None;
        }
        let y = match told {
            Told::Classes(codes) => Values::classes(order.iter().map(|&(_, row)| codes[row]).collect()),
            Told::Numbers(numbers) => {
                Values::Numbers(order.iter().filter_map(|&(_, row)| numbers[row]).collect())
            }
        };
        let x = order.into_iter().map(|(number, _)| number).collect();
        Some(Self { x, y })
    }

    /// Likelihoods that are added up.
    fn outputs(&self) -> usize {
        match &self.y {
            Values::Classes { judged, .. } => judged.len(),
            Values::Numbers(_) => 1,
        }
    }

    /// Rows that tell something: those of the most frequent class hardly do.
    fn telling(&self) -> f64 {
        match &self.y {
            Values::Classes { codes, .. } => codes.iter().filter(|&&code| code > 0).count() as f64,
            Values::Numbers(y) => y.len() as f64,
        }
    }

    /// Where the bins begin, as the featurizer cuts them.
    fn starts(&self, bins: usize) -> Vec<usize> {
        let mut starts = vec![0];
        for bin in 1..bins {
            let bound = self.x[bin * self.x.len() / bins];
            let start = self.x.partition_point(|&number| number < bound);
            if start > starts[starts.len() - 1] {
                starts.push(start);
            }
        }
        starts
    }

    /// The ranges of rows between `starts`.
    fn ranges<'a>(&self, starts: &'a [usize]) -> impl Iterator<Item = std::ops::Range<usize>> + use<'a> {
        let ends = starts[1..].iter().copied().chain([self.x.len()]);
        starts.iter().zip(ends).map(|(&start, end)| start..end)
    }

    /// The greatest log-likelihood that bins reach.
    fn likelihood(&self, starts: &[usize]) -> f64 {
        match &self.y {
            Values::Numbers(y) => {
                let total = spread(y);
                let within = self.ranges(starts).map(|range| spread(&y[range])).sum();
                normal(within, total, y.len())
            }
            Values::Classes { codes, judged } => {
                let class = |&class: &u32| -> f64 {
                    let counts = self
                        .ranges(starts)
                        .map(|range| count(&codes[range.clone()], class, range.len()));
                    counts.map(|(hits, rows)| share(hits, rows)).sum()
                };
                judged.iter().map(class).sum()
            }
        }
    }

    /// The greatest log-likelihood that a straight line reaches; `None` where the target does not vary.
    fn line(&self) -> Option<f64> {
        match &self.y {
            Values::Numbers(y) => {
                let (x_mean, y_mean) = (mean(&self.x), mean(y));
                let products = self.x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean));
                let (product, x_spread, total) = (products.sum::<f64>(), spread(&self.x), spread(y));
                let left = total - product * product / x_spread;
                (total > 0.0 && left.is_finite()).then(|| normal(left, total, y.len()))
            }
            Values::Classes { codes, judged } => {
                let starts = self.starts(GROUPS);
                let groups = self.groups(&starts)?;
                let class = |&class: &u32| -> f64 {
                    let hits: Vec<f64> = self
                        .ranges(&starts)
                        .map(|range| count(&codes[range], class, 0).0)
                        .collect();
                    logistic_line(&groups, &hits)
                };
                (!judged.is_empty()).then(|| judged.iter().map(class).sum())
            }
        }
    }

    /// Rows and mean of the standardised number of each group.
    fn groups(&self, starts: &[usize]) -> Option<Vec<(f64, f64)>> {
        let (center, rows) = (mean(&self.x), self.x.len() as f64);
        let deviation = (spread(&self.x) / rows).sqrt();
        let groups = self.ranges(starts).map(|range| {
            let rows = range.len() as f64;
            (rows, (mean(&self.x[range]) - center) / deviation)
        });
        deviation.is_normal().then(|| groups.collect())
    }
}

impl Values {
    /// Of two classes one is enough.
    fn classes(codes: Vec<u32>) -> Self {
        let mut seen = [false; MOST_LEVELS + 1];
        codes.iter().for_each(|&code| seen[code as usize] = true);
        let mut judged: Vec<u32> = (0..seen.len() as u32)
            .filter(|&code| seen[code as usize])
            .collect();
        judged.truncate(if judged.len() <= 2 {
            judged.len().saturating_sub(1)
        } else {
            MOST_CLASSES
        });
        Self::Classes { codes, judged }
    }
}

/// Rows of a class among some, beside a number of rows.
fn count(codes: &[u32], class: u32, rows: usize) -> (f64, f64) {
    let hits = codes.iter().filter(|&&code| code == class).count();
    (hits as f64, rows as f64)
}

/// Log-likelihood of `hits` among `rows` at its own share.
fn share(hits: f64, rows: f64) -> f64 {
    let of = |part: f64| {
        if part > 0.0 {
            part * libm::log(part / rows)
        } else {
            0.0
        }
    };
    of(hits) + of(rows - hits)
}

/// Log-likelihood of normal errors that leave so much of a sum of squares, but for a constant.
fn normal(left: f64, total: f64, rows: usize) -> f64 {
    -0.5 * rows as f64 * libm::log((left / total).max(1e-12))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Sum of squares about the mean.
fn spread(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean) * (value - mean)).sum()
}

/// The log-likelihood of a logistic line through groups of (rows, number) with so many hits, found by Newton's
/// method. The slope is held back as it is by the default penalty of a model, so that bins help where a line as steep as
/// the data want it would not be learned.
fn logistic_line(groups: &[(f64, f64)], hits: &[f64]) -> f64 {
    let (all, rows): (f64, f64) = (hits.iter().sum(), groups.iter().map(|group| group.0).sum());
    let (mut level, mut slope) = (libm::log((all + 0.5) / (rows - all + 0.5)), 0.0);
    let mut best = f64::NEG_INFINITY;
    for _ in 0..MOST_STEPS {
        let (mut likelihood, mut gradient, mut curvature) = (0.0, [0.0, -slope], [1e-9, 0.0, 1.0]);
        for (&(rows, number), &hits) in groups.iter().zip(hits) {
            let margin = (level + slope * number).clamp(-35.0, 35.0);
            let odds = libm::exp(-margin);
            let p = 1.0 / (1.0 + odds);
            likelihood -= rows * libm::log1p(odds) + (rows - hits) * margin;
            let (error, weight) = (hits - rows * p, rows * p * (1.0 - p));
            gradient[0] += error;
            gradient[1] += error * number;
            curvature[0] += weight;
            curvature[1] += weight * number;
            curvature[2] += weight * number * number;
        }
        if likelihood <= best + 1e-6 {
            return best.max(likelihood);
        }
        best = likelihood;
        let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
        level += (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant;
        slope += (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::splitmix64;

    /// Between 0 and 1.
    fn unit(seed: u64) -> f64 {
        splitmix64(seed) as f64 / u64::MAX as f64
    }

    fn some(numbers: impl Iterator<Item = f64>) -> Vec<Option<f64>> {
        numbers.map(Some).collect()
    }

    fn of_numbers(count: u64, curve: impl Fn(f64) -> f64, noise: f64) -> Option<u32> {
        let table = some((0..count).map(unit));
        let target: Vec<Option<f64>> = (0..count)
            .map(|row| Some(curve(unit(row)) + noise * (unit(row + 1_000_000) - 0.5)))
            .collect();
        bins(&table, count, 1, Told::Numbers(&target))
    }

    fn of_classes(count: u64, class: impl Fn(f64, f64) -> u32) -> Option<u32> {
        let table = some((0..count).map(unit));
        let codes: Vec<u32> = (0..count)
            .map(|row| class(unit(row), unit(row + 1_000_000)))
            .collect();
        bins(&table, count, 1, Told::Classes(&codes))
    }

    #[test]
    fn a_line_and_nothing_need_no_bins() {
        for count in [30, 300, 5000] {
            assert_eq!(of_numbers(count, |x| 3.0 * x, 1.0), None, "{count}");
            assert_eq!(of_numbers(count, |x| 3.0 * x, 0.0), None, "{count}");
            assert_eq!(of_numbers(count, |_| 0.0, 1.0), None, "{count}");
            assert_eq!(of_numbers(count, |_| 0.0, 0.0), None, "{count}");
            let logistic = |x: f64, chance: f64| u32::from(chance < 1.0 / (1.0 + libm::exp(4.0 - 8.0 * x)));
            assert_eq!(of_classes(count, logistic), None, "{count}");
            assert_eq!(
                of_classes(count, |_, chance| u32::from(chance > 0.5)),
                None,
                "{count}"
            );
            assert_eq!(of_classes(count, |_, _| 0), None, "{count}");
        }
    }

    #[test]
    fn a_curve_needs_bins_and_more_rows_carry_more() {
        let curve = |x: f64| (x - 0.5) * (x - 0.5);
        let found: Vec<Option<u32>> = [60, 300, 5000].map(|count| of_numbers(count, curve, 0.1)).into();
        assert!(
            found.is_sorted() && found[0].is_some() && found[0] < found[2],
            "{found:?}"
        );
        let middle = |x: f64, chance: f64| u32::from(((x - 0.5).abs() < 0.25) != (chance < 0.1));
        assert!(of_classes(400, middle).is_some());
        let three = |x: f64, _: f64| (x * 6.0) as u32 % 3;
        assert!(of_classes(400, three).is_some());
    }

    #[test]
    fn a_larger_table_carries_finer_bins() {
        let table = some((0..2000).map(unit));
        let hits = |x: f64| 0.5 + 0.25 * libm::sin(12.0 * x);
        let codes: Vec<u32> = (0..2000)
            .map(|row| u32::from(unit(row + 1_000_000) < hits(unit(row))))
            .collect();
        let of = |rows: u64| bins(&table, rows, 1, Told::Classes(&codes));
        assert!(of(2000) < of(1_000_000), "{:?} {:?}", of(2000), of(1_000_000));
        let noise: Vec<u32> = (0..2000)
            .map(|row| u32::from(unit(row + 1_000_000) < 0.5))
            .collect();
        assert_eq!(bins(&table, 3_000, 1, Told::Classes(&noise)), None);
        assert_eq!(bins(&table, 20_000, 1, Told::Classes(&noise)), Some(20));
        assert_eq!(bins(&table, 1_000_000, 1, Told::Classes(&noise)), Some(100));
    }

    #[test]
    fn few_rows_and_numbers_that_do_not_vary_have_none() {
        let curve = |x: f64| (x - 0.5).abs();
        assert_eq!(of_numbers(59, curve, 0.0), None);
        assert_eq!(
            bins(&some([1.0; 500].into_iter()), 500, 1, Told::Classes(&[0; 500])),
            None
        );
        assert_eq!(bins(&[], 0, 1, Told::Classes(&[])), None);
        let huge = some((0..500u32).map(|row| if row % 2 == 0 { -1e300 } else { 1e300 }));
        let target: Vec<Option<f64>> = (0..500).map(|row| Some(f64::from(row % 3))).collect();
        assert_eq!(bins(&huge, 500, 1, Told::Numbers(&target)), None);
    }
}

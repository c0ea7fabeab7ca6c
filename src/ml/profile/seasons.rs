//! What a target does in the course of time beyond what the calendar tells: the suggested recipe has months, weekdays and
//! hours anyway, and a season must not pass for a curve.

use super::curve::Told;
use crate::ml::date::{DatePart, Moment};

/// Rounds in which the parts of the calendar and a straight line through time are fitted to what the others leave.
const ROUNDS: usize = 20;
/// Values of a part, hours at most, and one more.
const MOST_VALUES: usize = 32;

/// The target less what month, weekday and hour tell of it beside a straight line through time (the additive model of
/// Hastie and Tibshirani 1986, by backfitting). Of classes it is whether a row has another one than the most frequent.
pub fn without_calendar(moments: &[Option<Moment>], told: Told) -> Vec<Option<f64>> {
    let of_row = |row: usize| match told {
        Told::Classes(codes) => Some(f64::from(u8::from(codes[row] > 0))),
        Told::Numbers(numbers) => numbers[row],
    };
    let dated = moments.iter().enumerate();
    let rows: Vec<(usize, Moment, f64)> = dated
        .filter_map(|(row, moment)| Some((row, (*moment)?, of_row(row)?)))
        .collect();
    let parts = [DatePart::Month, DatePart::DayOfWeek, DatePart::Hour];
    let mut fits: Vec<Levels> = parts.iter().map(|part| Levels::new(*part, &rows)).collect();
    let mut line = Line::new(&rows);
    // What the calendar and the line leave.
    let mut left: Vec<f64> = rows.iter().map(|(.., y)| *y).collect();
    for _ in 0..ROUNDS {
        line.fit(&mut left);
        fits.iter_mut().for_each(|fit| fit.fit(&mut left));
    }
    line.give_back(&mut left);
    let mut found = vec![None; moments.len()];
    for ((row, ..), left) in rows.iter().zip(left) {
        found[*row] = Some(left).filter(|left| left.is_finite());
    }
    found
}

/// The mean of each value of a part.
struct Levels {
    of_row: Vec<usize>,
    counts: [f64; MOST_VALUES],
}

impl Levels {
    fn new(part: DatePart, rows: &[(usize, Moment, f64)]) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut counts = [0.0; MOST_VALUES];
        let mut code = |moment: &Moment| {
            let name = moment.part(part);
            let known = names.iter().position(|known| *known == name);
            let code = known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            counts[code] += 1.0;
            code
        };
        let of_row = rows.iter().map(|(_, moment, _)| code(moment)).collect();
        Self { of_row, counts }
    }

    /// Takes the means of what is left away from it.
    fn fit(&mut self, left: &mut [f64]) {
        let mut sums = [0.0; MOST_VALUES];
        let of_row = || self.of_row.iter().copied();
        of_row().zip(&*left).for_each(|(code, left)| sums[code] += left);
        of_row()
            .zip(left)
            .for_each(|(code, left)| *left -= sums[code] / self.counts[code]);
    }
}

/// A straight line through time, without its level.
struct Line {
    /// Days from the mean.
    of_row: Vec<f64>,
    square: f64,
    slope: f64,
}

impl Line {
    fn new(rows: &[(usize, Moment, f64)]) -> Self {
        let days = || rows.iter().map(|(_, moment, _)| moment.days());
        let mean = days().sum::<f64>() / rows.len().max(1) as f64;
        let of_row: Vec<f64> = days().map(|day| day - mean).collect();
        Self {
            square: of_row.iter().map(|day| day * day).sum(),
            of_row,
            slope: 0.0,
        }
    }

    fn fit(&mut self, left: &mut [f64]) {
        if self.square <= 0.0 {
            return;
        }
        let product: f64 = self.of_row.iter().zip(&*left).map(|(day, left)| day * left).sum();
        let change = product / self.square;
        self.slope += change;
        let rows = left.iter_mut().zip(&self.of_row);
        rows.for_each(|(left, day)| *left -= change * day);
    }

    fn give_back(&self, left: &mut [f64]) {
        let rows = left.iter_mut().zip(&self.of_row);
        rows.for_each(|(left, day)| *left += self.slope * day);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::unit;
    use crate::ml::profile::curve::spans;

    /// 1,500 days from 2001 on.
    fn days() -> Vec<Option<Moment>> {
        let moment = |day: i64| Moment::new(978_307_200 + 86_400 * day, 0);
        (0..1500).map(moment).collect()
    }

    fn deserved(target: impl Fn(f64, u32) -> f64) -> Option<u32> {
        let moments = days();
        let month = |moment: Moment| moment.part(DatePart::Month).parse().unwrap();
        let values: Vec<Option<f64>> = moments
            .iter()
            .zip(0u64..)
            .map(|(moment, day)| Some(target(day as f64, month((*moment)?)) + unit(3, day)))
            .collect();
        let left = without_calendar(&moments, Told::Numbers(&values));
        let times: Vec<Option<f64>> = moments.iter().map(|moment| Some((*moment)?.days())).collect();
        spans(&times, 1500, 2, Told::Numbers(&left))
    }

    #[test]
    fn seasons_and_trends_are_no_curves() {
        let season = |month: u32| f64::from((month * 5) % 12);
        assert_eq!(deserved(|_, _| 0.0), None);
        assert_eq!(deserved(|day, _| 0.01 * day), None);
        assert_eq!(deserved(|_, month| season(month)), None);
        assert_eq!(deserved(|day, month| 0.01 * day + season(month)), None);
        let hill = |day: f64| day * (1500.0 - day) / 50_000.0;
        assert!(deserved(|day, _| hill(day)).is_some());
        assert!(deserved(|day, month| hill(day) + season(month)).is_some());
        assert!(deserved(|day, _| f64::from(u8::from(day > 700.0)) * 5.0).is_some());
    }

    #[test]
    fn what_is_unknown_stays_unknown() {
        let mut moments = days();
        moments[3] = None;
        let mut codes = vec![0; 1500];
        codes[5] = 2;
        let left = without_calendar(&moments, Told::Classes(&codes));
        assert!(left[3].is_none() && left.iter().flatten().count() == 1499);
        assert!(left[5].unwrap() > 0.9);
        assert!(without_calendar(&[], Told::Classes(&[])).is_empty());
    }
}

//! One fine histogram of a numeric column, from which histograms of fewer bars are derived.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::ml::quantile::{Histogram, Quantiles};

/// The numbers of bars that are offered; each divides the cells that a table of few columns keeps.
pub const BARS: [usize; 5] = [20, 50, 100, 200, 500];
/// Cells at most.
const MOST_CELLS: usize = 1000;

/// Cells that a column keeps when the table has `columns` columns.
pub fn cells(columns: usize) -> usize {
    match columns {
        0..=300 => MOST_CELLS,
        301..=3000 => 100,
        _ => 20,
    }
}

/// Counts of equal-width cells between the smallest and the largest number.
///
/// As JSON, runs of empty cells are one negative number: `[3, -5, 1]` is 3, five empty cells, 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FineHistogram {
    /// Lower edge of the first cell.
    pub low: f64,
    /// Upper edge of the last cell, which belongs to it.
    pub high: f64,
    /// The count of each cell; one cell when all numbers are equal.
    #[serde(serialize_with = "condensed", deserialize_with = "expanded")]
    pub cells: Vec<u64>,
}

impl FineHistogram {
    /// The histogram of everything in `quantiles`, which lies between `low` and `high`.
    pub fn of(quantiles: &mut Quantiles, low: f64, high: f64, cells: usize) -> Self {
        let cells = Histogram::of(quantiles, low, high, cells).counts;
        Self { low, high, cells }
    }

    /// The histogram with at most `bars` bars: as many as asked for when they divide the cells, else the
    /// next smaller number that does.
    pub fn bars(&self, bars: usize) -> Histogram {
        let cells = self.cells.len().max(1);
        let count = (1..=bars.clamp(1, cells))
            .rev()
            .find(|count| cells.is_multiple_of(*count))
            .unwrap_or(1);
        let width = self.high - self.low;
        Histogram {
            edges: (0..=count)
                .map(|i| match i {
                    i if i == count => self.high,
                    i => self.low + width * (i as f64 / count as f64),
                })
                .collect(),
            counts: self
                .cells
                .chunks(cells / count)
                .map(|chunk| chunk.iter().sum())
                .collect(),
        }
    }
}

/// Replaces the fine histograms in the JSON of a table's statistics by ones with `bars` bars, as edges and
/// counts.
pub fn show_bars(statistics: &mut Value, bars: usize) {
    let columns = statistics.get_mut("columns").and_then(Value::as_array_mut);
    for column in columns.into_iter().flatten() {
        let Some(histogram) = column.pointer_mut("/numeric/histogram") else {
            continue;
        };
        if let Ok(fine) = serde_json::from_value::<FineHistogram>(histogram.clone()) {
            let Histogram { edges, counts } = fine.bars(bars);
            *histogram = serde_json::json!({"edges": edges, "counts": counts});
        }
    }
}

fn condensed<S: Serializer>(cells: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    let runs = cells.chunk_by(|a, b| *a == 0 && *b == 0);
    serializer.collect_seq(runs.map(|run| match run {
        [0, ..] if run.len() > 1 => -(run.len() as i64),
        [count, ..] => *count as i64,
        [] => 0,
    }))
}

fn expanded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let mut cells = Vec::new();
    for run in Vec::<i64>::deserialize(deserializer)? {
        let length = if run < 0 { run.unsigned_abs() } else { 1 };
        if length as usize + cells.len() > MOST_CELLS {
            return Err(serde::de::Error::custom("a histogram has at most 1000 cells"));
        }
        cells.extend(std::iter::repeat_n(run.max(0) as u64, length as usize));
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> FineHistogram {
        let mut quantiles = Quantiles::new(10_000);
        (0..5000).for_each(|i| quantiles.add(f64::from(i * i % 4001), i as u64));
        FineHistogram::of(&mut quantiles, 0.0, 4000.0, 1000)
    }

    #[test]
    fn every_offered_number_of_bars_counts_everything() {
        let fine = made();
        for bars in BARS {
            let shown = fine.bars(bars);
            assert_eq!((shown.counts.len(), shown.edges.len()), (bars, bars + 1));
            assert_eq!(shown.counts.iter().sum::<u64>(), 5000);
            assert_eq!((shown.edges[0], shown.edges[bars]), (0.0, 4000.0));
        }
        assert_eq!(fine.bars(2000).counts.len(), 1000);
        assert_eq!(fine.bars(30).counts.len(), 25);
    }

    #[test]
    fn the_stored_form_is_short_and_reads_back() {
        let mut fine = made();
        fine.cells = vec![0; 1000];
        fine.cells[3] = 7;
        let text = serde_json::to_string(&fine).unwrap();
        assert_eq!(text, r#"{"low":0.0,"high":4000.0,"cells":[-3,7,-996]}"#);
        assert_eq!(serde_json::from_str::<FineHistogram>(&text).unwrap(), fine);
        let long = text.replace("-996", "-9960000000");
        assert!(serde_json::from_str::<FineHistogram>(&long).is_err());
    }

    #[test]
    fn one_value_is_one_bar() {
        let mut quantiles = Quantiles::new(10);
        quantiles.add(3.0, 0);
        let shown = FineHistogram::of(&mut quantiles, 3.0, 3.0, 1000).bars(20);
        assert_eq!((shown.edges, shown.counts), (vec![3.0, 3.0], vec![1]));
    }
}

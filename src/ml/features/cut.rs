//! The bins of a number at work.

/// The bounds of the bins of one number, with a name for each bin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cut {
    /// Ascending; the index of a bin is the number of bounds that are at most the value.
    pub bounds: Vec<f64>,
    names: Vec<String>,
}

impl Cut {
    /// The bins between these bounds.
    pub fn new(bounds: Vec<f64>) -> Self {
        let names = (0..=bounds.len()).map(|bin| bin_name(&bounds, bin)).collect();
        Self { bounds, names }
    }

    /// The name of the bin that holds a number.
    pub fn name(&self, value: f64) -> &str {
        &self.names[self.bin(value)]
    }

    /// The index of the bin that holds a number.
    #[inline]
    pub fn bin(&self, value: f64) -> usize {
        self.bounds.partition_point(|&bound| bound <= value)
    }
}

/// A bin as it is shown.
pub fn bin_name(bounds: &[f64], bin: usize) -> String {
    let low = bin.checked_sub(1).and_then(|below| bounds.get(below));
    match (low, bounds.get(bin)) {
        (None, None) => "has a value".into(),
        (None, Some(high)) => format!("< {high}"),
        (Some(low), None) => format!(">= {low}"),
        (Some(low), Some(high)) => format!("in [{low}, {high})"),
    }
}

//! How rows are held out, as written on the command line: `random`, `time:COL` and the others.

use std::str::FromStr;

use crate::ml::schema::nearest;
use crate::ml::split::{Split, Strategy};

/// A strategy and its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitBy {
    strategy: Strategy,
    column: Option<String>,
}

impl SplitBy {
    /// The same percentages and seed as `split`, by this strategy.
    pub fn part(&self, split: Split) -> Split {
        Split {
            strategy: self.strategy,
            column: self.column.clone(),
            ..split
        }
    }
}

impl FromStr for SplitBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, column) = match text.split_once(':') {
            Some((name, column)) => (name, Some(column.to_string())),
            None => (text, None),
        };
        let names = || Strategy::ALL.into_iter().map(Strategy::as_str);
        let Some(strategy) = Strategy::ALL.into_iter().find(|known| known.as_str() == name) else {
            let near = nearest(name, names()).map(|near| format!("did you mean `{near}`?"));
            let all = || format!("give one of {}", names().collect::<Vec<_>>().join(", "));
            return Err(format!(
                "`{name}` is no way to split; {}",
                near.unwrap_or_else(all)
            ));
        };
        let by = Self { strategy, column };
        match by.part(Split::all()).check() {
            Ok(()) => Ok(by),
            Err(_) if by.column.is_none() => Err(format!("{name} goes by a column; give --split {name}:COL")),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_are_read_with_their_columns() {
        let by = |strategy, column: Option<&str>| SplitBy {
            strategy,
            column: column.map(str::to_string),
        };
        for (text, expected) in [
            ("random", by(Strategy::Random, None)),
            ("sequential", by(Strategy::Sequential, None)),
            ("stratified", by(Strategy::Stratified, None)),
            ("stratified:region", by(Strategy::Stratified, Some("region"))),
            ("group:patient", by(Strategy::Group, Some("patient"))),
            ("time:a:b", by(Strategy::Time, Some("a:b"))),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_advice() {
        for (text, word) in [
            ("time", "time:COL"),
            ("group", "group:COL"),
            ("time:", "empty"),
            ("random:x", "leave it out"),
            ("stratify", "did you mean `stratified`"),
            ("", "one of random"),
        ] {
            let error = text.parse::<SplitBy>().unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}

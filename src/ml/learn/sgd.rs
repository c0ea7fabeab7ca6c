//! Amazon ML's names of the learner's parameters, with the ranges of its API.
//!
//! There they steered stochastic gradient descent. Here they mean what they can mean to a solver that finds the minimum:
//! an amount of regularisation was taken with the loss of each example, so it is the strength beside the mean loss, `l1` or
//! `l2` of ours; passes are passes over the data; a model took 96 bytes for each weight; and the order of the rows does
//! not matter to sums.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::params::{LearnError, LearnParams, parse};

/// The names.
pub(super) const NAMES: [&str; 5] = [L1, L2, PASSES, SHUFFLE, SIZE];
const L1: &str = "sgd.l1RegularizationAmount";
const L2: &str = "sgd.l2RegularizationAmount";
const PASSES: &str = "sgd.maxPasses";
const SHUFFLE: &str = "sgd.shuffleType";
const SIZE: &str = "sgd.maxMLModelSizeInBytes";
/// Names of ours that mean the same.
const SAME: [(&str, &str); 4] = [
    (L1, "l1"),
    (L2, "l2"),
    (PASSES, "max_passes"),
    (SIZE, "max_features"),
];
const AMOUNTS: RangeInclusive<f64> = 0.0..=f64::MAX;
const MOST_PASSES: RangeInclusive<u32> = 1..=10_000;
const BYTES: RangeInclusive<u64> = 100_000..=2_147_483_648;
/// Bytes that a model of Amazon ML took for each weight.
const BYTES_PER_WEIGHT: u64 = 96;

/// Whether rows are to be shuffled before learning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shuffle {
    /// Where it helps.
    Auto,
    /// No.
    None,
}

impl Shuffle {
    /// What to tell people of it.
    pub(super) fn note(self) -> String {
        let value = match self {
            Shuffle::Auto => "auto",
            Shuffle::None => "none",
        };
        format!(
            "{SHUFFLE} = {value} changes nothing: the weights follow from sums over all rows, whatever their order"
        )
    }
}

impl LearnParams {
    /// Puts a parameter of Amazon ML where it belongs; false if `name` is none.
    pub(super) fn set_sgd(&mut self, name: &str, text: &str) -> Result<bool, LearnError> {
        match name {
            L1 => self.l1 = Some(within(name, text, "a number such as 1e-6", AMOUNTS)?),
            L2 => self.l2 = Some(within(name, text, "a number such as 1e-6", AMOUNTS)?),
            PASSES => self.max_passes = Some(within(name, text, "a whole number", MOST_PASSES)?),
            SIZE => self.max_model_bytes = Some(within(name, text, "a whole number", BYTES)?),
            SHUFFLE => {
                self.shuffle = Some(match text.trim() {
                    "auto" => Shuffle::Auto,
                    "none" => Shuffle::None,
                    other => return Err(bad(name, format!("`{other}` is not `auto` or `none`"))),
                });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Features that a finished model with so many weights for each may have by [`LearnParams::max_model_bytes`].
    pub fn most_by_size(&self, outputs: usize) -> Option<usize> {
        let bytes = self.max_model_bytes?;
        Some((bytes / BYTES_PER_WEIGHT) as usize / outputs.max(1))
    }
}

/// Refuses what is said twice, and what Amazon ML refuses: both amounts at once. One of them may be 0.
pub(super) fn check(map: &BTreeMap<String, String>, params: &LearnParams) -> Result<(), LearnError> {
    for (theirs, ours) in SAME {
        if map.contains_key(theirs) && map.contains_key(ours) {
            return Err(bad(
                theirs,
                format!("it means the same as `{ours}`, which is given, too; leave one of them out"),
            ));
        }
    }
    let is_on = |amount: Option<f64>| amount.is_some_and(|amount| amount > 0.0);
    let both = map.contains_key(L1) && map.contains_key(L2);
    if both && is_on(params.l1) && is_on(params.l2) {
        return Err(bad(
            L1,
            format!(
                "it cannot be used together with `{L2}`; make one of them 0, or give `l1` and `l2` instead"
            ),
        ));
    }
    Ok(())
}

fn within<T>(name: &str, text: &str, expected: &str, range: RangeInclusive<T>) -> Result<T, LearnError>
where
    T: FromStr + PartialOrd + Display,
{
    // Their clients write whole numbers as `1E1` and `10.0`, too.
    let value = match (text.trim().parse::<T>(), text.trim().parse::<f64>()) {
        (Err(_), Ok(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
            parse(name, &format!("{number}"), expected)?
        }
        _ => parse(name, text, expected)?,
    };
    if range.contains(&value) {
        return Ok(value);
    }
    let problem = if name == L1 || name == L2 {
        "it must be a finite number of 0 or more".into()
    } else {
        format!("it must be between {} and {}", range.start(), range.end())
    };
    Err(bad(name, problem))
}

fn bad(name: &str, problem: String) -> LearnError {
    LearnError::Parameter {
        name: name.into(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<LearnParams, String> {
        let map = given
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        LearnParams::from_map(&map).map_err(|error| error.to_string())
    }

    #[test]
    fn the_names_of_amazon_ml_are_read() {
        let params = read(&[
            (L1, "0.0"),
            (L2, "1.0E-06"),
            (PASSES, "10"),
            (SHUFFLE, "auto"),
            (SIZE, "104857600"),
        ])
        .unwrap();
        let expected = LearnParams {
            l1: Some(0.0),
            l2: Some(1e-6),
            max_passes: Some(10),
            shuffle: Some(Shuffle::Auto),
            max_model_bytes: Some(104_857_600),
            ..LearnParams::default()
        };
        assert_eq!(params, expected);
        assert_eq!(read(&[(SHUFFLE, "none")]).unwrap().shuffle, Some(Shuffle::None));
        // One amount of theirs and the other of ours do not exclude each other.
        let mixed = read(&[(L1, "1e-5"), ("l2", "1e-3")]).unwrap();
        assert_eq!((mixed.l1, mixed.l2), (Some(1e-5), Some(1e-3)));
    }

    #[test]
    fn ranges_are_those_of_their_api() {
        for (name, good, bad) in [
            (L1, ["0", "1.7976931348623157e308"], ["-1e-9", "inf"]),
            (L2, ["0", "1e300"], ["-0.5", "NaN"]),
            (PASSES, ["1", "10000"], ["0", "10001"]),
            (PASSES, ["1E1", "10.0"], ["10.5", "1e300"]),
            (SIZE, ["100000", "2147483648"], ["99999", "2147483649"]),
            (SHUFFLE, ["auto", "none"], ["AUTO", "yes"]),
        ] {
            good.iter().for_each(|value| {
                assert!(read(&[(name, value)]).is_ok(), "{name} {value}");
            });
            for value in bad {
                let error = read(&[(name, value)]).unwrap_err();
                assert!(error.contains(name), "{error}");
            }
        }
    }

    #[test]
    fn nothing_is_said_twice() {
        for (theirs, ours) in SAME {
            let value = |name: &str| if name == SIZE { "100000" } else { "10" };
            let error = read(&[(theirs, value(theirs)), (ours, "10")]).unwrap_err();
            assert!(error.contains(theirs) && error.contains(ours), "{error}");
        }
        let error = read(&[(L1, "1e-6"), (L2, "1e-6")]).unwrap_err();
        assert!(error.contains(L1) && error.contains(L2), "{error}");
        assert!(read(&[("sgd.maxPass", "3")]).unwrap_err().contains(PASSES));
    }

    #[test]
    fn a_weight_has_96_bytes() {
        let params = |bytes: Option<u64>| LearnParams {
            max_model_bytes: bytes,
            ..LearnParams::default()
        };
        assert_eq!(params(None).most_by_size(3), None);
        assert_eq!(params(Some(96_000)).most_by_size(1), Some(1000));
        assert_eq!(params(Some(96_000)).most_by_size(4), Some(250));
    }
}

//! The functions of the language: their names and what they take.

use std::ops::RangeInclusive;

use crate::ml::date::DatePart;

/// A function of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Group,
    GroupRemove,
    Ngram,
    Osb,
    Lowercase,
    NoPunct,
    SplitPunct,
    Normalize,
    QuantileBin,
    Cartesian,
    Part(DatePart),
    Timestamp,
}

impl Function {
    /// Every function, in the order of the documentation.
    pub(super) const ALL: [Function; 15] = [
        Function::Group,
        Function::GroupRemove,
        Function::Ngram,
        Function::Osb,
        Function::Lowercase,
        Function::NoPunct,
        Function::SplitPunct,
        Function::Normalize,
        Function::QuantileBin,
        Function::Cartesian,
        Function::Part(DatePart::Month),
        Function::Part(DatePart::DayOfMonth),
        Function::Part(DatePart::DayOfWeek),
        Function::Part(DatePart::Hour),
        Function::Timestamp,
    ];

    /// The function called `name`.
    pub(super) fn named(name: &str) -> Option<Self> {
        Function::ALL
            .into_iter()
            .find(|function| function.as_str() == name)
    }

    /// Its name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Function::Group => "group",
            Function::GroupRemove => "group_remove",
            Function::Ngram => "ngram",
            Function::Osb => "osb",
            Function::Lowercase => "lowercase",
            Function::NoPunct => "no_punct",
            Function::SplitPunct => "split_punct",
            Function::Normalize => "normalize",
            Function::QuantileBin => "quantile_bin",
            Function::Cartesian => "cartesian",
            Function::Part(part) => part.as_str(),
            Function::Timestamp => "timestamp",
        }
    }

    /// What it takes, as a message says it, with an example.
    pub(super) fn takes(self) -> &'static str {
        match self {
            Function::Group => "one or more attributes or groups, as in `group(a, b)`",
            Function::GroupRemove => "a group and what to remove from it, as in `group_remove(ALL_TEXT, a)`",
            Function::Ngram => {
                "TEXT and the most words in a run, a whole number from 2 to 10, as in `ngram(a, 2)`"
            }
            Function::Osb => "TEXT and the words in a window, a whole number from 2 to 10, as in `osb(a, 4)`",
            Function::Lowercase => "one TEXT or CATEGORICAL argument, as in `lowercase(a)`",
            Function::NoPunct => "one TEXT argument, as in `no_punct(a)`",
            Function::SplitPunct => "one TEXT argument, as in `split_punct(a)`",
            Function::Normalize => "one NUMERIC argument, as in `normalize(a)`",
            Function::QuantileBin => {
                "NUMERIC and the number of bins, a whole number from 2 to 1000, as in `quantile_bin(a, 10)`"
            }
            Function::Cartesian => {
                "two or more CATEGORICAL, TEXT or BINARY arguments, as in `cartesian(a, b)`"
            }
            Function::Part(DatePart::Month) => "one attribute that holds dates, as in `month(a)`",
            Function::Part(DatePart::DayOfMonth) => "one attribute that holds dates, as in `day_of_month(a)`",
            Function::Part(DatePart::DayOfWeek) => "one attribute that holds dates, as in `day_of_week(a)`",
            Function::Part(DatePart::Hour) => "one attribute that holds dates, as in `hour(a)`",
            Function::Timestamp => "one attribute that holds dates, as in `timestamp(a)`",
        }
    }

    /// How many arguments it takes.
    pub(super) fn arguments(self) -> RangeInclusive<usize> {
        match self {
            Function::Group | Function::Cartesian => 1..=usize::MAX,
            Function::GroupRemove => 2..=usize::MAX,
            Function::Ngram | Function::Osb | Function::QuantileBin => 2..=2,
            _ => 1..=1,
        }
    }

    /// What its last argument may be, if that is a number.
    pub(super) fn parameter(self) -> Option<RangeInclusive<u32>> {
        match self {
            Function::Ngram | Function::Osb => Some(2..=10),
            Function::QuantileBin => Some(2..=1000),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name_and_shown_in_its_example() {
        for function in Function::ALL {
            assert_eq!(Function::named(function.as_str()), Some(function));
            let example = format!("`{}(", function.as_str());
            assert!(function.takes().contains(&example), "{function:?}");
            if let Some(range) = function.parameter() {
                let range = format!("from {} to {}", range.start(), range.end());
                assert!(function.takes().contains(&range), "{function:?}");
            }
        }
        assert_eq!(Function::named("Group"), None);
    }
}

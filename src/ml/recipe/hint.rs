//! The name that was meant by one that nobody knows.

use crate::ml::schema::nearest;

/// Longer names are not compared, since that takes time with the square of their length.
const MOST_COMPARED: usize = 80;

/// `; did you mean …?` with the known name nearest to `name`, if one is near enough.
pub(super) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let length = name.chars().count();
    if length > MOST_COMPARED {
        return None;
    }
    let limit = length.div_ceil(3).max(1);
    let comparable = known.filter(|candidate| {
        // Bytes first: a name of many bytes need not be counted.
        candidate.len() <= 4 * MOST_COMPARED && candidate.chars().count().abs_diff(length) <= limit
    });
    nearest(name, comparable).map(|near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let known = || ["age", "pay", "ALL_NUMERIC", "petal_length"].into_iter();
        let hint = |name: &str| did_you_mean(name, known()).unwrap_or_default();
        assert_eq!(hint("agee"), "; did you mean `age`?");
        assert_eq!(hint("all_numerics"), "; did you mean `ALL_NUMERIC`?");
        assert_eq!(hint("petal_lenght"), "; did you mean `petal_length`?");
        assert_eq!(hint("colour"), "");
        assert_eq!(hint(&"a".repeat(100_000)), "");
    }
}

//! Counts and nouns in messages.

/// A count with its noun, which takes an s in the plural.
pub fn counted(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn nouns_follow_their_count() {
        let found = [0, 1, 2].map(|count| counted(count, "row"));
        assert_eq!(found, ["0 rows", "1 row", "2 rows"]);
    }
}

//! Which of two labels counts as positive where nobody says: the one whose probability people ask for.

use std::cmp::Ordering;

use crate::ml::value::{Number, binary, number};

/// Words for yes and the like, beside the binary literals; in lower case.
const YES: &[&str] = &[
    "on", "ja", "oui", "si", "sí", "sì", "sim", "да", "tak", "ano", "áno", "evet", "igen", "kyllä", "ναι",
    "是", "はい", "예", "نعم", "כן", "positive", "pos", "positiv", "positif", "positivo", "present", "+",
];
/// Words for no and the like.
const NO: &[&str] = &[
    "off",
    "nein",
    "nej",
    "nee",
    "non",
    "não",
    "nao",
    "нет",
    "nie",
    "ne",
    "hayır",
    "hayir",
    "nem",
    "ei",
    "όχι",
    "否",
    "いいえ",
    "아니요",
    "لا",
    "לא",
    "none",
    "negative",
    "neg",
    "negativ",
    "negatif",
    "negativo",
    "absent",
    "-",
    "−",
];

/// Two labels in order, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// The label of score 0.
    pub negative: String,
    /// The label whose probability is the score.
    pub positive: String,
    /// Why it is that one, to follow "counts as positive".
    pub reason: &'static str,
}

/// Orders two labels that occur on so many rows: by what they say, by number, else the rarer one is positive, which
/// mostly is what a model is made to find.
pub(super) fn choose(a: &(String, u64), b: &(String, u64)) -> Choice {
    let (order, reason) = order(a, b);
    let (negative, positive) = if order == Ordering::Greater {
        (b, a)
    } else {
        (a, b)
    };
    Choice {
        negative: negative.0.clone(),
        positive: positive.0.clone(),
        reason,
    }
}

/// `Less` where `b` is the positive one.
fn order((a, rows_a): &(String, u64), (b, rows_b): &(String, u64)) -> (Ordering, &'static str) {
    let by_words = by_words(a, b);
    if by_words.is_ne() {
        return (by_words, "by what the two labels say");
    }
    if let (Number::Value(a), Number::Value(b)) = (number(a), number(b))
        && a != b
    {
        return (a.total_cmp(&b), "as the greater of two numbers");
    }
    match rows_b.cmp(rows_a) {
        Ordering::Equal => (
            a.cmp(b),
            "as the last in the alphabet, since both labels are on as many rows",
        ),
        by_rows => (by_rows, "as the rarer of the two labels"),
    }
}

/// Yes after no, and `spam` after `not spam`. One word of yes or no alone decides, too, unless it is a single letter:
/// `f` and `m` mean something else.
fn by_words(a: &str, b: &str) -> Ordering {
    let (of_a, of_b) = (meaning(a), meaning(b));
    match (of_a, of_b) {
        (Some(a), Some(b)) => return a.cmp(&b),
        // The one that says yes comes last, the one that says no first.
        (Some(yes), None) if !is_letter(a) => return yes.cmp(&!yes),
        (None, Some(yes)) if !is_letter(b) => return (!yes).cmp(&yes),
        _ => {}
    }
    if denies(a, b) {
        Ordering::Less
    } else if denies(b, a) {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

/// Whether a label says yes or no.
fn meaning(label: &str) -> Option<bool> {
    binary(label).or_else(|| {
        let label = label.to_lowercase();
        let is_any = |words: &[&str]| words.contains(&label.as_str());
        if is_any(YES) {
            Some(true)
        } else {
            is_any(NO).then_some(false)
        }
    })
}

fn is_letter(label: &str) -> bool {
    let mut characters = label.chars();
    characters.next().is_some_and(char::is_alphabetic) && characters.next().is_none()
}

/// Whether `label` is `not other`, `no_other`, `Non-Other` or the like.
fn denies(label: &str, other: &str) -> bool {
    let letters = |text: &str| -> String {
        let kept = text.chars().filter(|character| character.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    let (label, other) = (letters(label), letters(other));
    !other.is_empty()
        && ["not", "non", "no"]
            .iter()
            .any(|word| label.strip_prefix(word) == Some(other.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The positive one of two labels on so many rows, whichever comes first.
    fn positive_of(a: (&str, u64), b: (&str, u64)) -> (String, &'static str) {
        let own = |(label, rows): (&str, u64)| (label.to_string(), rows);
        let choice = choose(&own(a), &own(b));
        assert_eq!(choice, choose(&own(b), &own(a)));
        (choice.positive, choice.reason)
    }

    #[test]
    fn what_labels_say_decides_however_many_rows_they_are_on() {
        for (no, yes) in [
            ("0", "1"),
            ("no", "yes"),
            ("False", "TRUE"),
            ("f", "t"),
            ("nein", "ja"),
            ("Non", "Oui"),
            ("нет", "да"),
            ("いいえ", "はい"),
            ("-", "+"),
            ("negative", "positive"),
            ("ham_no", "yes"),
            ("none", "fraud"),
            ("2", "1"),
            ("not spam", "spam"),
            ("Non-Fraud", "fraud"),
            ("no_churn", "churn"),
            ("NotClicked", "clicked"),
        ] {
            for rows in [(1, 9), (9, 1), (5, 5)] {
                let found = positive_of((no, rows.0), (yes, rows.1));
                assert_eq!(
                    found,
                    (yes.to_string(), "by what the two labels say"),
                    "{no} {yes}"
                );
            }
        }
    }

    #[test]
    fn numbers_go_by_their_size() {
        for rows in [(1, 9), (9, 1)] {
            assert_eq!(positive_of(("9", rows.0), ("10", rows.1)).0, "10");
            assert_eq!(positive_of(("-1", rows.0), ("+1.5", rows.1)).0, "+1.5");
        }
    }

    #[test]
    fn the_rarer_of_other_labels_is_positive() {
        for (often, rare) in [
            ("legit", "fraud"),
            ("stayed", "churned"),
            ("ham", "spam"),
            ("benign", "malignant"),
            ("m", "f"),
            ("a", "b"),
        ] {
            let reason = "as the rarer of the two labels";
            assert_eq!(positive_of((often, 9), (rare, 1)), (rare.to_string(), reason));
            assert_eq!(positive_of((often, 1), (rare, 9)), (often.to_string(), reason));
        }
        assert_eq!(positive_of(("a", 5), ("b", 5)).0, "b");
    }
}

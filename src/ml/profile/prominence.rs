//! The words of a text column that tell most: about the target, or, without one, by how evenly they split the rows.
//!
//! Words are lower-cased and bare of punctuation, as in [`super::text`]. Only the 1,000 most frequent are judged, on
//! the sample of rows. With a target a word counts by the mutual information of its presence with the target, as a
//! share of the target's entropy; without one by the entropy of its presence in bits. Both lie between 0 and 1.

use std::borrow::Cow;
use std::collections::HashMap;

use super::association::{chance, entropy};
use super::statistics::ProminentWord;
use crate::ml::record::Record;
use crate::ml::value::{content, words};

/// The most frequent words are judged.
const MOST_WORDS: usize = 1000;
/// Longer words are cut off.
const LONGEST_WORD: usize = 128;

/// The words of a text column that tell most.
#[derive(Debug, Clone, Default)]
pub struct Prominence {
    /// The words, best first.
    pub words: Vec<ProminentWord>,
    /// The normalised mutual information of the first word with the target, if there is a target that varies.
    pub association: Option<f64>,
}

/// One word and what its presence tells.
struct Judged {
    word: String,
    rows: usize,
    prominence: f64,
    association: Option<f64>,
}

/// The words of a column that tell most, at most `shown` of them; fields that hold one of its words for missing have
/// none.
pub fn prominent_words(
    rows: &[Record],
    column: (usize, &[String]),
    truth: Option<&[u32]>,
    shown: usize,
) -> Prominence {
    let totals = truth.map(class_counts);
    let mut ranked: Vec<Judged> = frequent_words(rows, column)
        .into_iter()
        .map(|(word, list)| {
            let (prominence, association) = match (truth, &totals) {
                (Some(truth), Some(totals)) => shares(&list, truth, totals),
                _ => (presence_bits(list.len(), rows.len()), None),
            };
            let rows = list.len();
            Judged {
                word,
                rows,
                prominence,
                association,
            }
        })
        .collect();
    ranked.sort_by(|a, b| {
        let by_prominence = b.prominence.total_cmp(&a.prominence);
        by_prominence
            .then(b.rows.cmp(&a.rows))
            .then_with(|| a.word.cmp(&b.word))
    });
    Prominence {
        association: ranked.first().and_then(|word| word.association),
        words: ranked
            .into_iter()
            .take(shown)
            .enumerate()
            .map(|(index, judged)| ProminentWord {
                rank: index as u64 + 1,
                word: judged.word,
                prominence: judged.prominence,
                rows: judged.rows as u64,
                share: judged.rows as f64 / rows.len().max(1) as f64,
            })
            .collect(),
    }
}

/// The most frequent words with the rows that contain them, ascending.
fn frequent_words(rows: &[Record], (column, missing): (usize, &[String])) -> Vec<(String, Vec<u32>)> {
    let mut rows_of: HashMap<Cow<str>, Vec<u32>> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        for word in words(content(row.get(column), missing)).filter_map(bare) {
            let list = rows_of.entry(word).or_default();
            if list.last() != Some(&(index as u32)) {
                list.push(index as u32);
            }
        }
    }
    let mut ranked: Vec<(String, Vec<u32>)> = rows_of
        .into_iter()
        .map(|(word, list)| (word.into_owned(), list))
        .collect();
    ranked.sort_unstable_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(MOST_WORDS);
    ranked
}

/// A word lower-cased and without punctuation at its ends; `None` when nothing is left.
pub fn bare(word: &str) -> Option<Cow<'_, str>> {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    if bare.is_empty() {
        return None;
    }
    let plain = bare.len() <= LONGEST_WORD && bare.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    Some(if plain {
        Cow::Borrowed(bare)
    } else {
        Cow::Owned(
            bare.chars()
                .take(LONGEST_WORD)
                .flat_map(char::to_lowercase)
                .collect(),
        )
    })
}

fn class_counts(truth: &[u32]) -> Vec<u64> {
    let mut counts = vec![0; truth.iter().max().map_or(0, |&max| max as usize + 1)];
    truth.iter().for_each(|&class| counts[class as usize] += 1);
    counts
}

/// What the presence of a word tells about the truth: as a share of the entropy of the truth, and of the smaller
/// entropy of both (`None` when one of them does not vary).
fn shares(list: &[u32], truth: &[u32], totals: &[u64]) -> (f64, Option<f64>) {
    let mut with = vec![0u64; totals.len()];
    list.iter()
        .for_each(|&row| with[truth[row as usize] as usize] += 1);
    let mut joint = with.clone();
    joint.extend(totals.iter().zip(&with).map(|(all, with)| all - with));
    let presence = [list.len() as u64, (truth.len() - list.len()) as u64];
    let (h_x, h_y, h_xy) = (entropy(&presence), entropy(totals), entropy(&joint));
    let information = (h_x + h_y - h_xy - chance(&presence, totals, truth.len())).max(0.0);
    let share = |of: f64| (of > 0.0).then(|| (information / of).min(1.0));
    (share(h_y).unwrap_or(0.0), share(h_x.min(h_y)))
}

fn presence_bits(with: usize, rows: usize) -> f64 {
    entropy(&[with as u64, rows.saturating_sub(with) as u64]) / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::profile::association::normalised_information;

    fn rows() -> Vec<Record> {
        (0..200)
            .map(|i| {
                let text = match i % 4 {
                    0 => "Buy NOW, please buy",
                    1 => "buy later?",
                    _ => "see you \"soon\"",
                };
                Record::from_fields([text])
            })
            .collect()
    }

    #[test]
    fn with_a_target_by_information() {
        let truth: Vec<u32> = (0..200).map(|i| u32::from(i % 4 == 0)).collect();
        let Prominence {
            words: found,
            association,
        } = prominent_words(&rows(), (0, &[]), Some(&truth), 3);
        assert!(association.unwrap() > 0.98);
        assert_eq!(
            (found[0].word.as_str(), found[0].rank, found[0].rows),
            ("now", 1, 50)
        );
        assert_eq!(found[0].share, 0.25);
        let present: Vec<u32> = (0..200).map(|i| u32::from(i % 4 < 2)).collect();
        let buy = found.iter().find(|word| word.word == "buy").unwrap();
        let same = normalised_information(&present, &truth).unwrap();
        assert!((buy.prominence - same).abs() < 1e-12, "{} {same}", buy.prominence);
    }

    /// A word on two rows of one side tells nearly nothing, however pure it is.
    #[test]
    fn frequent_words_come_before_rare_ones() {
        let rows: Vec<Record> = (0..400)
            .map(|i| {
                let often = if i % 8 < 3 { "gain".into() } else { format!("w{i}") };
                let rare = if i < 2 { "rare".into() } else { format!("v{i}") };
                Record::from_fields([format!("{often} {rare}").as_str()])
            })
            .collect();
        let truth: Vec<u32> = (0..400).map(|i| u32::from(i < 2 || i % 8 < 4)).collect();
        let found = prominent_words(&rows, (0, &[]), Some(&truth), 1).words;
        assert_eq!(found[0].word, "gain");
    }

    #[test]
    fn without_a_target_by_entropy() {
        let found = prominent_words(&rows(), (0, &[]), None, 10).words;
        // Half of the rows hold `buy`: one bit.
        assert_eq!((found[0].word.as_str(), found[0].prominence), ("buy", 1.0));
        assert!(found.last().unwrap().prominence < 0.82);
    }

    #[test]
    fn words_for_missing_are_no_words() {
        let rows: Vec<Record> = ["not given", "red shoes", "not given", "not red"]
            .map(|text| Record::from_fields([text]))
            .to_vec();
        let words = |missing: &[String]| -> Vec<(String, u64)> {
            let found = prominent_words(&rows, (0, missing), None, 10).words;
            let mut found: Vec<_> = found.into_iter().map(|word| (word.word, word.rows)).collect();
            found.sort();
            found
        };
        let pair = |word: &str, rows| (word.to_string(), rows);
        assert!(words(&[]).contains(&pair("given", 2)));
        let left = words(&["not given".to_string()]);
        assert_eq!(left, [pair("not", 1), pair("red", 2), pair("shoes", 1)]);
    }
}

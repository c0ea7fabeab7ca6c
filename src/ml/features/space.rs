//! How many features there may be: the rarest tokens go first, then the rare share features.

use serde::{Deserialize, Serialize};

use super::count::TokenCounts;
use super::dictionary::{DictionaryState, bucket_of};
use super::entries::Entries;

/// Features a model has at most when nothing else is said.
pub const MOST_FEATURES: usize = 2_000_000;
/// Tokens seen on so many rows or fewer are dropped before any are hashed.
const RARE_ROWS: u32 = 2;
/// One in so many of the allowed features is a bucket when tokens are hashed.
const BUCKET_SHARE: usize = 8;

/// What became of the tokens of the training rows. An occurrence is a token on a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FeatureSpace {
    /// Features allowed.
    pub allowed: u64,
    /// Different tokens seen, those included that were forgotten while counting.
    pub tokens: u64,
    /// Occurrences of all of them.
    pub occurrences: u64,
    /// Tokens dropped because they are rare; a token forgotten while counting that came back counts again.
    pub dropped: u64,
    /// Occurrences of the dropped.
    pub dropped_occurrences: u64,
    /// Tokens that share features.
    pub hashed: u64,
    /// Occurrences of the hashed.
    pub hashed_occurrences: u64,
    /// Features shared by them.
    pub buckets: u64,
    /// Hashed tokens that have no feature to themselves.
    pub collided: u64,
}

impl FeatureSpace {
    /// What to tell people when something was left out.
    pub fn warning(&self) -> Option<String> {
        let share = |part: u64| 100.0 * part as f64 / self.occurrences.max(1) as f64;
        let mut said = Vec::new();
        if self.dropped > 0 {
            said.push(format!(
                "{} rare values and words were dropped ({:.2} % of all occurrences)",
                self.dropped,
                share(self.dropped_occurrences)
            ));
        }
        if self.hashed > 0 {
            said.push(format!(
                "{} share {} features by hash, {} of them with others ({:.2} % of all occurrences)",
                self.hashed,
                self.buckets,
                self.collided,
                share(self.hashed_occurrences)
            ));
        }
        (!said.is_empty()).then(|| {
            format!(
                "the data have {} different values and words, more than the {} features allowed: {}; raise max_features (or sgd.maxMLModelSizeInBytes) to keep more",
                self.tokens,
                self.allowed,
                said.join(", ")
            )
        })
    }
}

/// Turns counts into dictionaries with at most `allowed` features in all, `taken` of which are used
/// already by numbers, bins and the like.
///
/// All tokens are kept where they fit. Else those seen on one row are dropped, then those on two. If that is
/// not enough, the most frequent keep a feature of their own and the others share an eighth of what is allowed.
pub fn settle(counts: &[&TokenCounts], allowed: usize, taken: usize) -> (Vec<DictionaryState>, FeatureSpace) {
    let ranked: Vec<Vec<(&str, u32)>> = counts.iter().map(|counts| counts.ranked()).collect();
    let mut space = FeatureSpace {
        allowed: allowed as u64,
        ..FeatureSpace::default()
    };
    for (ranked, counts) in ranked.iter().zip(counts) {
        let forgotten = counts.forgotten;
        space.dropped += forgotten.tokens;
        space.dropped_occurrences += forgotten.occurrences;
        space.tokens += ranked.len() as u64 + forgotten.tokens;
        space.occurrences += forgotten.occurrences + occurrences(ranked);
    }
    let room = allowed.saturating_sub(taken);
    let kept_with = |least: u32| -> usize { ranked.iter().map(|ranked| at_least(ranked, least)).sum() };
    let least = (1..=RARE_ROWS + 1)
        .find(|&least| kept_with(least) <= room)
        .unwrap_or(RARE_ROWS + 1);
    let kept: Vec<&[(&str, u32)]> = ranked
        .iter()
        .map(|ranked| {
            let (kept, dropped) = ranked.split_at(at_least(ranked, least));
            space.dropped += dropped.len() as u64;
            space.dropped_occurrences += occurrences(dropped);
            kept
        })
        .collect();
    let total: usize = kept.iter().map(|kept| kept.len()).sum();
    let own = if total <= room {
        kept.iter().map(|kept| kept.len()).collect()
    } else {
        most_frequent(&kept, room - room / BUCKET_SHARE)
    };
    let hashed: usize = total - own.iter().sum::<usize>();
    let dictionaries = kept
        .iter()
        .zip(own)
        .map(|(kept, own)| {
            let (own, shared) = kept.split_at(own);
            let buckets = match shared.len() {
                0 => 0,
                count => {
                    ((room / BUCKET_SHARE) as u128 * count as u128 / hashed.max(1) as u128).max(1) as u32
                }
            };
            note_hashed(shared, buckets, &mut space);
            DictionaryState {
                entries: own.iter().map(|(token, _)| *token).collect::<Entries>(),
                rows: own.iter().map(|(_, rows)| *rows).collect(),
                buckets,
            }
        })
        .collect();
    (dictionaries, space)
}

fn occurrences(tokens: &[(&str, u32)]) -> u64 {
    tokens.iter().map(|(_, rows)| u64::from(*rows)).sum()
}

/// How many of `ranked` were seen on at least so many rows.
fn at_least(ranked: &[(&str, u32)], least: u32) -> usize {
    ranked.partition_point(|(_, rows)| *rows >= least)
}

/// How many of each list are among the `room` most frequent of all; among equals, earlier lists come first.
fn most_frequent(lists: &[&[(&str, u32)]], room: usize) -> Vec<usize> {
    let mut rows: Vec<u32> = lists
        .iter()
        .flat_map(|list| list.iter().map(|(_, rows)| *rows))
        .collect();
    if rows.len() <= room {
        return lists.iter().map(|list| list.len()).collect();
    }
    rows.sort_unstable_by(|a, b| b.cmp(a));
    let limit = rows[room];
    let above = rows.partition_point(|&rows| rows > limit);
    let mut equals = room - above;
    lists
        .iter()
        .map(|list| {
            let above = list.partition_point(|(_, rows)| *rows > limit);
            let equal = (at_least(list, limit) - above).min(equals);
            equals -= equal;
            above + equal
        })
        .collect()
}

fn note_hashed(shared: &[(&str, u32)], buckets: u32, space: &mut FeatureSpace) {
    if shared.is_empty() {
        return;
    }
    let mut used = vec![0u32; buckets as usize];
    for (token, _) in shared {
        used[bucket_of(token, buckets) as usize] += 1;
    }
    space.hashed += shared.len() as u64;
    space.hashed_occurrences += occurrences(shared);
    space.buckets += u64::from(buckets);
    space.collided += used
        .iter()
        .filter(|&&count| count > 1)
        .map(|&count| u64::from(count))
        .sum::<u64>();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Token `t0` on 1 row, `t1` on 2 rows and so on.
    fn counted(tokens: u32) -> TokenCounts {
        let mut counts = TokenCounts::default();
        let mut row = 0;
        for token in 0..tokens {
            for _ in 0..=token {
                counts.add(&format!("t{token}"), row);
                row += 1;
            }
        }
        counts
    }

    #[test]
    fn everything_is_kept_where_it_fits() {
        let (a, b) = (counted(5), counted(3));
        let (dictionaries, space) = settle(&[&a, &b], 10, 2);
        assert_eq!(dictionaries[0].features() + dictionaries[1].features(), 8);
        assert_eq!(
            (space.tokens, space.occurrences, space.dropped, space.hashed),
            (8, 21, 0, 0)
        );
        assert_eq!(space.warning(), None);
    }

    #[test]
    fn the_rare_go_before_any_share_a_feature() {
        let (a, b) = (counted(5), counted(3));
        let (dictionaries, space) = settle(&[&a, &b], 7, 0);
        assert_eq!(
            dictionaries[0].entries.iter().collect::<Vec<_>>(),
            ["t4", "t3", "t2", "t1"]
        );
        assert_eq!(
            (space.dropped, space.dropped_occurrences, space.hashed),
            (2, 2, 0)
        );
        assert!(
            space
                .warning()
                .unwrap()
                .contains("2 rare values and words were dropped (9.52 %")
        );
    }

    #[test]
    fn what_is_left_shares_features() {
        let a = counted(100);
        let (dictionaries, space) = settle(&[&a], 40, 0);
        assert_eq!(dictionaries[0].entries.len(), 35);
        assert_eq!(dictionaries[0].entries.get(0), "t99");
        assert_eq!(dictionaries[0].buckets, 5);
        assert_eq!((space.dropped, space.hashed, space.buckets), (2, 63, 5));
        assert_eq!(space.collided, 63);
        assert!(dictionaries[0].features() <= 40);
    }

    #[test]
    fn the_most_frequent_of_all_terms_keep_theirs() {
        let (a, b) = (counted(100), counted(10));
        let (dictionaries, _) = settle(&[&a, &b], 80, 0);
        assert_eq!(dictionaries[0].entries.len() + dictionaries[1].entries.len(), 70);
        assert_eq!(dictionaries[1].entries.len(), 0);
    }
}

//! What was answered beside what is true, packed: small enough to be judged while the next rows are scored, and to be
//! kept with a part of a batch's output, so that the metrics of a batch that was interrupted are those of one that was
//! not.

use std::io;

use super::judge::Judge;
use crate::ml::Task;
use crate::ml::evaluate::multiclass::{Truth as Judged, answer};
use crate::ml::target::{Target, Truth};

/// The target is missing or unreadable; nothing follows.
const UNKNOWN: u8 = 0;
/// A score, then the truth as a number: 0 or 1 for two classes.
const NUMBER: u8 = 1;
/// The answered class, the probability of the true one, and which that is.
const CLASS: u8 = 2;
/// The answered class, and a label that the model does not know, after its length.
const UNSEEN: u8 = 3;
/// Stands for an answer where no class can be answered.
const NO_ANSWER: u32 = u32::MAX;

/// Appends one record.
pub fn pack(bytes: &mut Vec<u8>, target: &Target, scores: &[f64], truth: Truth<'_>) {
    let first = scores.first().copied().unwrap_or(f64::NAN);
    let pair = |bytes: &mut Vec<u8>, truth: f64| {
        bytes.push(NUMBER);
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&truth.to_le_bytes());
    };
    match (target.task(), truth) {
        (Task::Binary, Truth::Class(class)) => pair(bytes, class as f64),
        (Task::Regression, Truth::Value(value)) => pair(bytes, value),
        (Task::Multiclass, Truth::Class(class)) => {
            bytes.push(CLASS);
            bytes.extend_from_slice(&answered(target, scores));
            let likelihood = scores.get(class).copied().unwrap_or(0.0);
            bytes.extend_from_slice(&likelihood.to_le_bytes());
            bytes.extend_from_slice(&(class as u32).to_le_bytes());
        }
        (Task::Multiclass, Truth::UnseenClass(label)) => {
            bytes.push(UNSEEN);
            bytes.extend_from_slice(&answered(target, scores));
            bytes.extend_from_slice(&(label.len() as u32).to_le_bytes());
            bytes.extend_from_slice(label.as_bytes());
        }
        _ => bytes.push(UNKNOWN),
    }
}

fn answered(target: &Target, scores: &[f64]) -> [u8; 4] {
    let class = answer(scores, target.labels().len());
    class.map_or(NO_ANSWER, |class| class as u32).to_le_bytes()
}

/// Hands packed records to a judge; returns how many have no usable target.
pub fn judge(mut bytes: &[u8], judge: &mut Judge) -> io::Result<u64> {
    let mut unknown = 0;
    while let Some(kind) = take::<1>(&mut bytes) {
        let known = match kind {
            [UNKNOWN] => {
                unknown += 1;
                Some(())
            }
            [NUMBER] => number(&mut bytes, judge),
            [CLASS] => class(&mut bytes, judge),
            [UNSEEN] => unseen(&mut bytes, judge),
            _ => None,
        };
        known.ok_or_else(|| io::Error::other("what an earlier attempt kept for the metrics is damaged"))?;
    }
    Ok(unknown)
}

fn number(bytes: &mut &[u8], judge: &mut Judge) -> Option<()> {
    let score = f64::from_le_bytes(take(bytes)?);
    let truth = f64::from_le_bytes(take(bytes)?);
    match judge {
        Judge::Binary(judge) => judge.add(score, truth == 1.0),
        Judge::Regression(judge) => judge.add(score, truth),
        Judge::Multiclass(_) => return None,
    }
    Some(())
}

fn class(bytes: &mut &[u8], judge: &mut Judge) -> Option<()> {
    let answered = answer_in(bytes)?;
    let likelihood = f64::from_le_bytes(take(bytes)?);
    let class = u32::from_le_bytes(take(bytes)?) as usize;
    let Judge::Multiclass(judge) = judge else {
        return None;
    };
    judge.add_answer(answered, likelihood, Judged::Known(class));
    Some(())
}

fn unseen(bytes: &mut &[u8], judge: &mut Judge) -> Option<()> {
    let answered = answer_in(bytes)?;
    let length = u32::from_le_bytes(take(bytes)?) as usize;
    let (label, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    let Judge::Multiclass(judge) = judge else {
        return None;
    };
    judge.add_answer(answered, 0.0, Judged::Unseen(std::str::from_utf8(label).ok()?));
    Some(())
}

fn answer_in(bytes: &mut &[u8]) -> Option<Option<usize>> {
    let class = u32::from_le_bytes(take(bytes)?);
    Some((class != NO_ANSWER).then_some(class as usize))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(judge: &mut Judge, scores: &[f64], truth: Truth<'_>) {
        match (judge, truth) {
            (Judge::Binary(judge), Truth::Class(class)) => judge.add(scores[0], class == 1),
            (Judge::Multiclass(judge), Truth::Class(class)) => judge.add(scores, Judged::Known(class)),
            (Judge::Multiclass(judge), Truth::UnseenClass(label)) => judge.add(scores, Judged::Unseen(label)),
            (Judge::Regression(judge), Truth::Value(value)) => judge.add(scores[0], value),
            _ => {}
        }
    }

    /// Records of each kind give the report that they give without being packed.
    #[test]
    fn packing_changes_no_metric() {
        let two = Target::Binary {
            positive: "yes".into(),
            negative: "no".into(),
            literals: false,
        };
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        let several = Target::Multiclass { classes };
        let truths = [
            Truth::Class(0),
            Truth::Class(1),
            Truth::Unknown,
            Truth::UnseenClass("d"),
            Truth::Value(0.75),
            Truth::Class(2),
        ];
        for target in [two, several, Target::Regression] {
            let (mut plain, mut packed, mut bytes) =
                (Judge::new(&target, 0.0), Judge::new(&target, 0.0), Vec::new());
            let mut unknown = 0;
            for row in 0..60u32 {
                let share = f64::from(row) / 60.0;
                let scores = match target.labels().len() {
                    3 if row == 7 => vec![f64::NAN, 0.5, 0.5],
                    3 => vec![share / 2.0, 1.0 - share, share / 2.0],
                    _ => vec![share],
                };
                let truth = truths[row as usize % truths.len()];
                let fits = match (target.task(), truth) {
                    (Task::Binary, Truth::Class(class)) => class < 2,
                    (Task::Multiclass, Truth::Class(_) | Truth::UnseenClass(_)) => true,
                    (Task::Regression, Truth::Value(_)) => true,
                    _ => false,
                };
                let truth = if fits { truth } else { Truth::Unknown };
                unknown += u64::from(!fits);
                add(&mut plain, &scores, truth);
                pack(&mut bytes, &target, &scores, truth);
            }
            assert_eq!(judge(&bytes, &mut packed).unwrap(), unknown);
            assert_eq!(packed.finish(0.5), plain.finish(0.5), "{:?}", target.task());
            let cut = &bytes[..bytes.iter().rposition(|&byte| byte != UNKNOWN).unwrap()];
            let damaged = [&bytes[..], &[9]].concat();
            assert!(judge(cut, &mut Judge::new(&target, 0.0)).is_err());
            assert!(judge(&damaged, &mut Judge::new(&target, 0.0)).is_err());
        }
    }
}

//! Features that come together on many rows, put together as one: a joint.
//!
//! A row of many tables says the same as others in parts: the words of a browser's name, the bins of two numbers. Passes
//! over the rows take time in proportion to the features of each row, so neighbouring features that come together are
//! kept as one number. The weight of a joint is the sum of the weights of its members, worked out once a pass
//! ([`Joints::widen`]); what a pass adds up for a joint is then added to each member ([`Joints::narrow`]). The rows stay
//! what they are: [`Joints::expand`] gives them back.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use rayon::prelude::*;

use super::design::Groups;
use super::path::FEW_ROWS;

/// Rows up to which joints do not pay for what is worked out each pass.
pub const MANY_ROWS: u64 = FEW_ROWS as u64;
/// Features of a row that may be joined, at most.
const LONGEST: usize = 256;
/// Joints at most, divided by the scores of a row.
const MOST_JOINTS: usize = 1 << 16;
/// Members of all joints at most.
const MOST_MEMBERS: usize = 1 << 20;
/// Combinations that neighbouring terms are joined up to, divided by the scores of a row.
const MOST_COMBINATIONS: usize = 1 << 12;
/// The share of the joints, and of their members, that one pack may have before it is judged whether they come often
/// enough.
const TRIAL: usize = 16;
/// Rows for each joint that it takes to pay.
const LEAST_USES: f64 = 4.0;

/// Joints that one thread works out at a time.
const AT_ONCE: usize = 1 << 10;

/// The most joints that rows with so many scores may have.
pub fn most_joints(outputs: usize) -> usize {
    MOST_JOINTS / outputs.max(1)
}

/// Whether features are joined on so many rows with so many features in all: each pass takes time for each feature, too.
pub fn are_worth(rows: u64, features: usize) -> bool {
    rows > MANY_ROWS && 2 * rows >= features as u64
}

/// Bytes that so many joints of rows with `sparse` features take at most, of which rows name so many in all, where they are
/// kept and while they are found.
pub fn most_bytes(joints: u64, named: u64, sparse: u64) -> u64 {
    8 * named.min(MOST_MEMBERS as u64) + 20 * joints + 4 * sparse
}

/// The joints of a design. Their ids follow those of the active-or-not features.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Joints {
    /// Active-or-not features.
    sparse: usize,
    /// The ids of the members of each, ascending, one joint after the other.
    members: Vec<u32>,
    /// Where those of each end.
    ends: Vec<u32>,
    /// The joints of each active-or-not feature, ascending, one feature after the other.
    with: Vec<u32>,
    /// Where those of each end.
    with_ends: Vec<u32>,
}

impl Joints {
    /// Number of joints.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Where the members of a joint are.
    #[inline]
    fn range(&self, joint: usize) -> Range<usize> {
        let start = joint.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends.get(joint).map_or(start, |&end| end) as usize
    }

    /// The members of a joint.
    #[inline]
    fn members(&self, joint: usize) -> &[u32] {
        &self.members[self.range(joint)]
    }

    /// The active features of a row with joints, in the order that they had.
    #[inline]
    pub fn expand<'r>(&self, row: &[u32], into: &'r mut Vec<u32>) -> &'r [u32] {
        into.clear();
        for &id in row {
            match (id as usize).checked_sub(self.sparse) {
                None => into.push(id),
                Some(joint) => into.extend_from_slice(self.members(joint)),
            }
        }
        into
    }

    /// How many active features a row with joints has.
    pub(super) fn count(&self, row: &[u32]) -> usize {
        let of = |&id: &u32| (id as usize).checked_sub(self.sparse);
        row.iter()
            .map(|id| of(id).map_or(1, |joint| self.members(joint).len()))
            .sum()
    }

    /// Weights of rows with joints: those of the features, those of the joints, and the intercepts.
    pub fn widen(&self, beta: &[f64], outputs: usize, wide: &mut [f64]) {
        let (features, intercepts) = beta.split_at(beta.len() - outputs);
        let dense = features.len() - self.sparse * outputs;
        let (own, rest) = wide.split_at_mut(features.len());
        let (of_joints, of_intercepts) = rest.split_at_mut(self.len() * outputs);
        own.copy_from_slice(features);
        of_intercepts.copy_from_slice(intercepts);
        let chunks = of_joints.par_chunks_mut(AT_ONCE * outputs).enumerate();
        chunks.for_each(|(chunk, sums)| {
            for (joint, sum) in sums.chunks_exact_mut(outputs).enumerate() {
                sum.fill(0.0);
                for &id in self.members(chunk * AT_ONCE + joint) {
                    let of_member = &features[dense + id as usize * outputs..][..outputs];
                    sum.iter_mut().zip(of_member).for_each(|(sum, b)| *sum += b);
                }
            }
        });
    }

    /// Adds what was summed up for each joint to its members, and puts all sums but those of joints into `into`.
    pub fn narrow(&self, wide: &[f64], outputs: usize, into: &mut [f64]) {
        let features = into.len() - outputs;
        let (own, rest) = wide.split_at(features);
        let (of_joints, of_intercepts) = rest.split_at(self.len() * outputs);
        into[..features].copy_from_slice(own);
        into[features..].copy_from_slice(of_intercepts);
        let sparse = &mut into[features - self.sparse * outputs..features];
        let chunks = sparse.par_chunks_mut(AT_ONCE * outputs).enumerate();
        chunks.for_each(|(chunk, sums)| {
            for (id, sum) in sums.chunks_exact_mut(outputs).enumerate() {
                for &joint in self.joints_of(chunk * AT_ONCE + id) {
                    let of_joint = &of_joints[joint as usize * outputs..][..outputs];
                    sum.iter_mut().zip(of_joint).for_each(|(sum, part)| *sum += part);
                }
            }
        });
    }

    /// Adds how often each joint was counted, after the active-or-not features, to what was counted of its members.
    pub(super) fn add_counts(&self, counts: &mut Vec<u32>) {
        for id in 0..self.sparse {
            counts[id] += self
                .joints_of(id)
                .iter()
                .map(|&joint| counts[self.sparse + joint as usize])
                .sum::<u32>();
        }
        counts.truncate(self.sparse);
    }

    /// The joints that a feature is a member of.
    #[inline]
    fn joints_of(&self, id: usize) -> &[u32] {
        let end = self.with_ends.get(id).map_or(0, |&end| end as usize);
        let start = id
            .checked_sub(1)
            .map_or(0, |before| self.with_ends[before] as usize);
        self.with.get(start..end).unwrap_or_default()
    }

    /// Notes which joints each feature is a member of.
    fn invert(&mut self) {
        let mut next = vec![0u32; self.sparse + 1];
        self.members.iter().for_each(|&id| next[id as usize + 1] += 1);
        (0..self.sparse).for_each(|id| next[id + 1] += next[id]);
        self.with = vec![0; self.members.len()];
        for joint in 0..self.len() {
            for at in self.range(joint) {
                let place = &mut next[self.members[at] as usize];
                self.with[*place as usize] = joint as u32;
                *place += 1;
            }
        }
        // Each place has moved to where the next feature begins.
        next.pop();
        self.with_ends = next;
    }
}

/// Neighbouring features that may become joints together.
#[derive(Debug)]
struct Pack {
    /// The ids after the last ones of its terms.
    ends: Vec<u32>,
    /// Where there are several terms, the joint of each combination of one feature or none of each, or [`NONE`].
    table: Vec<u32>,
    /// Rows that have more than one of its features, different combinations of them, and their features.
    asked: usize,
    found: usize,
    members: usize,
    /// Whether it is known to pay.
    is_judged: bool,
    is_given_up: bool,
}

/// No joint has it.
const NONE: u32 = u32::MAX;

impl Pack {
    /// The place of a run in the table, if it is a combination of one feature or none of each term.
    #[inline]
    fn place(&self, first: u32, run: &[u32]) -> Option<usize> {
        if self.table.is_empty() {
            return None;
        }
        let (mut place, mut start, mut rest) = (0, first, run);
        for &end in &self.ends {
            let digit = match rest.split_first() {
                Some((&id, after)) if (start..end).contains(&id) => {
                    rest = after;
                    id - start + 1
                }
                _ => 0,
            };
            place = place * (end - start + 1) + digit;
            start = end;
        }
        rest.is_empty().then_some(place as usize)
    }
}

/// Finds joints, row after row.
#[derive(Debug)]
pub(super) struct Joiner {
    joints: Joints,
    packs: Vec<Pack>,
    /// The joints that no table has.
    known: HashTable<u32>,
    hasher: FixedState,
    most: usize,
    /// Rows that are expected in all.
    rows: f64,
    row: Vec<u32>,
}

impl Joiner {
    /// For so many rows with `dense` numbers, as many scores as `outputs`, and features of such groups.
    pub(super) fn new(groups: &Groups, dense: usize, outputs: usize, rows: u64) -> Self {
        let of_feature = groups.of_feature.get(dense..).unwrap_or_default();
        Self {
            joints: Joints {
                sparse: of_feature.len(),
                ..Joints::default()
            },
            packs: packs(of_feature, MOST_COMBINATIONS / outputs.max(1)),
            known: HashTable::new(),
            hasher: FixedState::default(),
            most: most_joints(outputs),
            rows: rows as f64,
            row: Vec::new(),
        }
    }

    /// The row with joints in the place of features that came together before, or may again. Ids must ascend.
    pub(super) fn join(&mut self, active: &[u32]) -> &[u32] {
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        let (mut rest, mut first) = (active, 0);
        for at in 0..self.packs.len() {
            let Some(&next) = rest.first() else {
                break;
            };
            let end = self.packs[at].ends.last().copied().unwrap_or_default();
            if next < end {
                let length = rest.iter().position(|&id| id >= end).unwrap_or(rest.len());
                let (run, after) = rest.split_at(length);
                rest = after;
                match self.joint(at, first, run) {
                    Some(joint) => row.push(self.joints.sparse as u32 + joint),
                    None => row.extend_from_slice(run),
                }
            }
            first = end;
        }
        row.extend_from_slice(rest);
        self.row = row;
        &self.row
    }

    /// The joint of some features of a pack, whose first id is given.
    fn joint(&mut self, pack: usize, first: u32, run: &[u32]) -> Option<u32> {
        let pack = &mut self.packs[pack];
        if !(2..=LONGEST).contains(&run.len()) {
            return None;
        }
        let place = pack.place(first, run);
        let known = match place {
            Some(place) => Some(pack.table[place]).filter(|&joint| joint != NONE),
            None if pack.is_given_up => None,
            None => {
                let is_it = |&joint: &u32| self.joints.members(joint as usize) == run;
                self.known.find(self.hasher.hash_one(run), is_it).copied()
            }
        };
        if known.is_some() {
            pack.asked += 1;
            return known;
        }
        if pack.is_given_up {
            return None;
        }
        let joints = &mut self.joints;
        if joints.len() >= self.most || joints.members.len() + run.len() > MOST_MEMBERS {
            // Those that are known still serve.
            return None;
        }
        pack.asked += 1;
        pack.found += 1;
        pack.members += run.len();
        if !pack.is_judged && (pack.found >= self.most / TRIAL || pack.members >= MOST_MEMBERS / TRIAL) {
            pack.is_judged = true;
            pack.is_given_up = !pays(self.rows, pack.asked, pack.found);
            if pack.is_given_up {
                return None;
            }
        }
        let joint = joints.len() as u32;
        joints.members.extend_from_slice(run);
        joints.ends.push(joints.members.len() as u32);
        match place {
            Some(place) => pack.table[place] = joint,
            None => {
                let hasher = &self.hasher;
                let hash_of = |&joint: &u32| hasher.hash_one(joints.members(joint as usize));
                self.known.insert_unique(hasher.hash_one(run), joint, hash_of);
            }
        }
        Some(joint)
    }

    /// What was found.
    pub(super) fn build(mut self) -> Joints {
        self.joints.members.shrink_to_fit();
        self.joints.ends.shrink_to_fit();
        self.joints.invert();
        self.joints
    }
}

/// Terms that follow each other with few combinations together, and each other term by itself.
fn packs(of_feature: &[u32], most: usize) -> Vec<Pack> {
    let mut packs: Vec<Pack> = Vec::new();
    let (mut end, mut combinations) = (0, 1usize);
    for term in of_feature.chunk_by(|a, b| a == b) {
        end += term.len() as u32;
        combinations = combinations.saturating_mul(term.len() + 1);
        match packs.last_mut().filter(|_| combinations <= most) {
            Some(pack) => {
                pack.ends.push(end);
                pack.table = vec![NONE; combinations];
            }
            None => {
                packs.push(Pack {
                    ends: vec![end],
                    table: Vec::new(),
                    asked: 0,
                    found: 0,
                    members: 0,
                    is_judged: false,
                    is_given_up: false,
                });
                combinations = term.len() + 1;
            }
        }
    }
    packs
}

/// Whether joints come often enough, when `found` different ones came in `asked` of so many rows: they do already, or will
/// by the time that all rows have come.
fn pays(rows: f64, asked: usize, found: usize) -> bool {
    asked as f64 >= LEAST_USES * found as f64 || rows >= LEAST_USES * combinations(asked, found)
}

/// How many combinations there are about, when `found` different ones came in so many rows: as if all were equally
/// frequent, so that about `asked² / (2 · combinations)` of the rows met one again.
fn combinations(asked: usize, found: usize) -> f64 {
    let again = asked.saturating_sub(found).max(1);
    (asked as f64).powi(2) / (2.0 * again as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::objective::{Objective, Problem};
    use crate::ml::learn::{Design, DesignBuilder, Targets};

    /// Two small terms, a text of many words, two flags.
    const SIZES: [u32; 4] = [3, 5, 6000, 2];
    const SPARSE: u32 = 6010;

    fn groups(dense: usize) -> Groups {
        let mut of_feature = vec![0; dense];
        for (term, size) in SIZES.iter().enumerate() {
            of_feature.extend(std::iter::repeat_n(1 + term as u32, *size as usize));
        }
        Groups {
            names: (0..=SIZES.len()).map(|group| group.to_string()).collect(),
            of_feature,
        }
    }

    /// Rows of which most have a value of each small term, words of one of so many texts, and at times flags.
    fn rows(count: usize, texts: u64) -> Vec<Vec<u32>> {
        let mut stream = Stream::new(11);
        let mut below = |limit: u64| stream.next_u64() % limit;
        let mut row = |_| {
            let mut row = Vec::new();
            if below(10) > 0 {
                row.push(below(3) as u32);
            }
            if below(10) > 0 {
                row.push(3 + below(5) as u32);
            }
            let mut words = Stream::new(below(texts));
            let mut words: Vec<u32> = (0..12).map(|_| 8 + (words.next_u64() % 6000) as u32).collect();
            words.sort_unstable();
            words.dedup();
            row.extend(words);
            row.extend([6008, 6009].into_iter().filter(|_| below(20) == 0));
            row
        };
        (0..count).map(&mut row).collect()
    }

    fn joiner(outputs: usize, rows: u64) -> Joiner {
        Joiner::new(&groups(0), 0, outputs, rows)
    }

    #[test]
    fn rows_come_back_as_they_were() {
        for texts in [40, 1 << 40] {
            let (rows, mut joiner) = (rows(30_000, texts), joiner(1, 30_000));
            let joined: Vec<Vec<u32>> = rows.iter().map(|row| joiner.join(row).to_vec()).collect();
            let joints = joiner.build();
            let mut buffer = Vec::new();
            for (row, joined) in rows.iter().zip(&joined) {
                assert_eq!(joints.expand(joined, &mut buffer), row);
                assert_eq!(joints.count(joined), row.len());
            }
            let length = |rows: &[Vec<u32>]| rows.iter().map(Vec::len).sum::<usize>();
            let (before, after) = (length(&rows), length(&joined));
            // Texts that never come again are given up after a trial.
            assert_eq!(3 * after < before, texts == 40, "{after} of {before}");
            assert!(joints.len() < 5_000, "{}", joints.len());
        }
    }

    #[test]
    fn neighbours_with_few_combinations_share_a_place() {
        let mut joiner = joiner(1, 1_000);
        assert_eq!(joiner.packs.len(), 3, "3 and 5; the text; the flags");
        assert_eq!(joiner.join(&[0, 3]), [SPARSE]);
        assert_eq!(joiner.join(&[0, 4]), [SPARSE + 1]);
        assert_eq!(joiner.join(&[0, 3, 6009]), [SPARSE, 6009]);
        assert_eq!(joiner.join(&[2]), [2], "alone");
        // Two of the same term are in no table.
        assert_eq!(joiner.join(&[0, 1]), [SPARSE + 2]);
        assert_eq!(joiner.join(&[0, 1]), [SPARSE + 2]);
        assert_eq!(joiner.join(&[]), [0u32; 0]);
        assert_eq!(joiner.join(&[6008, 6009]), [SPARSE + 3]);
    }

    /// Those that are there serve on.
    #[test]
    fn there_are_never_more_joints_than_allowed() {
        let outputs = 1 << 12;
        let mut joiner = joiner(outputs, u64::MAX);
        let rows = rows(5_000, 1 << 40);
        let first = joiner.join(&rows[0]).to_vec();
        assert!(first.len() < rows[0].len());
        rows.iter().for_each(|row| _ = joiner.join(row));
        assert_eq!(joiner.join(&rows[0]), first);
        assert_eq!(joiner.build().len(), most_joints(outputs));
    }

    #[test]
    fn features_of_endless_texts_are_not_joined() {
        let mut joiner = joiner(1, 1 << 40);
        let endless: Vec<u32> = (8..8 + LONGEST as u32).collect();
        assert_eq!(joiner.join(&endless), [SPARSE]);
        let more: Vec<u32> = (8..9 + LONGEST as u32).collect();
        assert_eq!(joiner.join(&more), more);
    }

    #[test]
    fn what_comes_again_pays() {
        // A few texts on most rows, and thousands of others now and then.
        assert!(pays(700_000.0, 300_000, 4_096));
        // 24,000 equally frequent ones: of 4,480 the first 4,096 differ.
        assert!(pays(700_000.0, 4_480, 4_096));
        assert!(!pays(90_000.0, 4_480, 4_096));
        // Hardly any comes again.
        assert!(!pays(700_000.0, 4_100, 4_096));
        assert!(!are_worth(MANY_ROWS, 10) && are_worth(MANY_ROWS + 1, 10) && !are_worth(50_000, 100_001));
    }

    fn design(rows: &[Vec<u32>], outputs: usize, is_joined: bool) -> Design {
        let mut builder = DesignBuilder::new(1, SPARSE as usize).with_groups(groups(1));
        if is_joined {
            builder = builder.with_joints(outputs, 1 + MANY_ROWS);
        }
        for (at, row) in rows.iter().enumerate() {
            builder.push(&FeatureVector {
                dense: vec![(at % 17) as f32 / 17.0],
                active: row.clone(),
            });
        }
        builder.build()
    }

    /// Values, gradients, Hessians, losses and scores are those of the rows as they were, but for rounding.
    #[test]
    fn passes_over_joints_give_the_same() {
        let rows = rows(5_000, 40);
        for outputs in [1, 3] {
            let classes = outputs.max(2);
            let of_row = (0..rows.len())
                .map(|row| (row * 7 % 11 % classes) as u32)
                .collect();
            let targets = Targets::Classes { classes, of_row };
            let [plain, joined] = [false, true].map(|is_joined| design(&rows, outputs, is_joined));
            assert!(joined.joints.is_some() && plain.joints.is_none());
            assert_eq!(joined.entries, plain.entries);
            assert!(2 * joined.bytes() < plain.bytes());
            let found = [&plain, &joined].map(|design| {
                let objective = Objective::new(design, &targets, 0.1);
                let mut stream = Stream::new(5);
                let beta: Vec<f64> = (0..objective.len()).map(|_| stream.next_unit() - 0.5).collect();
                let (mut gradient, mut product) = (vec![0.0; beta.len()], vec![0.0; beta.len()]);
                let value = objective.evaluate(&beta, &mut gradient);
                objective.hessian(&beta).times(&beta, &mut product);
                let (mean, squares) = objective.losses(&beta);
                let curvature = objective.curvature(&beta);
                let preconditioned = objective.preconditioner_of(&curvature).times(&beta);
                let scores = objective.held(&beta).scores;
                let few = vec![value, mean, squares];
                [few, gradient, product, curvature.diagonal, preconditioned, scores]
            });
            for (a, b) in found[0].iter().zip(&found[1]) {
                let most = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(a.len() == b.len() && most < 1e-11, "{most}");
                assert!(a.iter().any(|x| *x != 0.0));
            }
        }
    }
}

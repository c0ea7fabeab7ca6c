//! What training will take of memory, worked out before the rows are encoded, and whether the rows stay in it.
//!
//! Everything is counted as the learner will ask for it: vectors of weights, what is kept of each row, the rows
//! themselves or the buffers through which they are read. What the program takes besides is measured by whoever runs it.
//! The plan decides where rows lie and how many partial sums exist at once, never what comes out.

use std::sync::Arc;

use serde::Serialize;

use super::error::PipelineError;
use super::first_pass::Learned;
use super::plan_words::mib;
pub use super::usage::{ORDINARY_PROGRAM, Program, Usage};
use crate::ml::features::{Featurizer, memo};
use crate::ml::ingest::flow::MOST_AHEAD;
use crate::ml::learn::design::shard_rows;
use crate::ml::learn::fold::FOLDS;
use crate::ml::learn::hessian::SHARES_BYTES;
use crate::ml::learn::objective::most_parts;
use crate::ml::learn::path::FEW_ROWS;
use crate::ml::learn::{Design, Disk, Overflow, gram, joints, sample, sketch};
use crate::ml::target::Target;

/// What rows may take that the first pass keeps, where memory is not limited.
pub const ORDINARY_ROOM: usize = 256 << 20;
/// The share of what is left of the budget that they may take.
const ROOM_SHARE: u64 = 8;
/// What is not counted one by one: batches that two threads read, stacks, lumps of the allocator.
const ALLOWANCE: u64 = 16 << 20;
/// Two batches for each further thread: their text, records, and what comes of them.
const BATCHES_A_THREAD: u64 = 8 << 20;
/// Vectors as long as the weights that L-BFGS keeps at most, partial sums apart: ten pairs, and for one step the weights,
/// gradients and directions before and after it, and what the loss curves. Newton steps need fewer.
const VECTORS: u64 = 28;
/// The same for each division of the rows: the weights of its latest, best and first try, with groups and evened, and
/// what the loss curves.
const VECTORS_A_FOLD: u64 = 6;
/// Vectors with a place for each joint, partial sums apart: weights, a direction, and their sum.
const VECTORS_WITH_JOINTS: u64 = 3;
/// Bytes of the finished model for each active-or-not feature, its token among them, several times over.
const MODEL_BYTES: u64 = 256;
/// Vectors as long as the weights in a model that is put together and tried out.
const VECTORS_A_MODEL: u64 = 4;
/// Numbers for each feature that do not depend on the number of scores: factors of the penalty and what they are made of.
const NUMBERS_A_FEATURE: u64 = 5;
/// A suggested number of features is this share of what would just fit.
const CAREFUL: f64 = 0.9;

/// What training may take.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Bytes that the whole program may take while it trains.
    pub budget: u64,
    /// What the program takes besides.
    pub program: Program,
    /// Where rows go that do not fit; without it they have to.
    pub disk: Option<Arc<dyn Disk>>,
    /// Whether to tell people the plan also where everything fits.
    pub is_told: bool,
}

/// Where the training rows lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RowsIn {
    /// In memory.
    Memory,
    /// In a file.
    Disk,
}

/// What training takes of memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryPlan {
    /// Bytes allowed.
    pub budget_bytes: u64,
    /// Bytes that the whole program will take at most: the sum of what follows, rows only if they lie in memory.
    pub planned_bytes: u64,
    /// What the program took before: code, threads, dictionaries, buffers for reading the table.
    pub program_bytes: u64,
    /// Weights, the vectors of the solver, partial sums, the finished model.
    pub weights_bytes: u64,
    /// What is kept of each row in memory in any case: its target, its part in the search, its curvature.
    pub targets_bytes: u64,
    /// Rows as the first pass kept them, as far as weights take less later; buffers for reading rows back; a copy of the rows
    /// that the search looks at where those are few among many; features that come together; an allowance.
    pub buffers_bytes: u64,
    /// The part of them that is free again when there are weights.
    #[serde(skip)]
    pub before_weights_bytes: u64,
    /// The featurised rows.
    pub rows_bytes: u64,
    /// Where they lie.
    pub rows_in: RowsIn,
}

impl Memory {
    /// The same once it is known what the program takes besides.
    pub fn with_program(&self, plan: Option<&MemoryPlan>) -> Self {
        let known = plan.map(|plan| Program::Known(plan.program_bytes));
        Self {
            program: known.unwrap_or(self.program),
            ..self.clone()
        }
    }

    /// Bytes that the rows may take which the first pass keeps.
    pub(super) fn room(&self) -> usize {
        let Usage { now, peak } = self.program.usage(0);
        (self.budget.saturating_sub(now.max(peak)) / ROOM_SHARE) as usize
    }

    /// Makes a plan beside such a usage. `kept` are the bytes of rows that the first pass kept and of what their encoding
    /// takes; `copies` is 2 where the rows of one recipe are kept while another is tried. Fails if even with rows on disk the
    /// budget is too small.
    pub(super) fn plan(
        &self,
        usage: Usage,
        (learned, featurizer): (&Learned, &Featurizer),
        (copies, is_weighted, kept): (u64, bool, u64),
    ) -> Result<MemoryPlan, PipelineError> {
        let shape = Shape::of(learned, featurizer, is_weighted, kept);
        let Usage { now: program, peak } = usage;
        let in_memory = shape.plan(self.budget, program, RowsIn::Memory, copies);
        if in_memory.planned_bytes.max(peak) <= self.budget {
            return Ok(in_memory);
        }
        let on_disk = shape.plan(self.budget, program, RowsIn::Disk, copies);
        let best = if self.disk.is_some() { &on_disk } else { &in_memory };
        if best.planned_bytes.max(peak) <= self.budget {
            return Ok(on_disk);
        }
        Err(PipelineError::NotEnoughMemory {
            needed_mib: mib(best.planned_bytes.max(peak)),
            allowed_mib: self.budget >> 20,
            parts: best.parts(peak),
            remedy: shape.remedy(best),
        })
    }

    /// What people should hear of the plan.
    pub(super) fn news(&self, plan: &MemoryPlan) -> Option<String> {
        let is_news = self.is_told || plan.rows_in == RowsIn::Disk;
        is_news.then(|| plan.sentence(self.disk.as_deref()))
    }

    /// When the rows of this plan leave memory.
    pub(super) fn overflow(&self, plan: &MemoryPlan) -> Option<Overflow> {
        let rows = match plan.rows_in {
            RowsIn::Memory => plan.rows_bytes,
            RowsIn::Disk => 0,
        };
        self.disk.as_ref().map(|disk| Overflow {
            // More rows than expected may take what is left.
            limit: rows + self.budget.saturating_sub(plan.planned_bytes) * u64::from(rows > 0),
            expected: plan.rows_bytes,
            disk: Arc::clone(disk),
        })
    }
}

impl MemoryPlan {
    /// What came of it: how many bytes the rows take, and where they lie.
    pub(super) fn with_rows(mut self, design: &Design) -> Self {
        let is_on_disk = design.shards.is_on_disk();
        if is_on_disk {
            // More rows than expected: nothing of them stayed.
            if self.rows_in == RowsIn::Memory {
                self.planned_bytes -= self.rows_bytes;
            }
            self.rows_bytes = design.shards.disk_bytes();
        }
        self.rows_in = if is_on_disk { RowsIn::Disk } else { RowsIn::Memory };
        self
    }

    /// Bytes by which work after the solver is done, which takes `bytes`, exceeds the budget.
    pub(super) fn lacks(&self, bytes: u64) -> u64 {
        let beside = self.planned_bytes - self.weights_bytes - self.before_weights_bytes;
        (beside + bytes).saturating_sub(self.budget_bytes.max(self.planned_bytes))
    }
}

/// Bytes of what a row counts: as it was read, in a list that grows, as the solver needs it, and once more in between.
const WEIGHT_BYTES: u64 = 24;

/// What a plan follows from.
struct Shape {
    rows: u64,
    dense: u64,
    sparse: u64,
    active_per_row: f64,
    outputs: u64,
    is_regression: bool,
    /// Bytes of the truth of a row, and of what it counts.
    truth: u64,
    shard_rows: u64,
    threads: u64,
    /// Whether texts are remembered.
    reads_words: bool,
    /// Bytes of rows that the first pass kept, so that they are not read again.
    kept: u64,
}

impl Shape {
    fn of(learned: &Learned, featurizer: &Featurizer, is_weighted: bool, kept: u64) -> Self {
        let truth = if learned.target == Target::Regression {
            8
        } else {
            4
        };
        Self {
            rows: learned.rows,
            dense: featurizer.dense() as u64,
            sparse: featurizer.sparse() as u64,
            active_per_row: learned.active_per_row,
            outputs: learned.target.outputs() as u64,
            is_regression: learned.target == Target::Regression,
            truth: truth + if is_weighted { WEIGHT_BYTES } else { 0 },
            shard_rows: shard_rows(featurizer.dense()) as u64,
            threads: rayon::current_num_threads() as u64,
            reads_words: featurizer.word_terms() > 0,
            kept,
        }
    }

    fn plan(&self, budget: u64, program: u64, rows_in: RowsIn, copies: u64) -> MemoryPlan {
        let (rows, weights) = (copies * self.bytes_of(self.rows), self.weights(rows_in));
        // Texts and what was kept are forgotten before there are weights.
        let before = self.memories().saturating_sub(weights);
        let mut plan = MemoryPlan {
            budget_bytes: budget,
            planned_bytes: 0,
            program_bytes: program,
            weights_bytes: weights,
            targets_bytes: self.targets(),
            buffers_bytes: ALLOWANCE + self.batches() + self.buffers(rows_in) + self.joints(rows_in) + before,
            before_weights_bytes: before,
            rows_bytes: rows,
            rows_in,
        };
        let in_memory = if rows_in == RowsIn::Memory { rows } else { 0 };
        plan.planned_bytes =
            program + plan.weights_bytes + plan.targets_bytes + plan.buffers_bytes + in_memory;
        plan
    }

    /// Bytes of so many featurised rows: four for each number, active feature and end of a row.
    fn bytes_of(&self, rows: u64) -> u64 {
        (4.0 * rows as f64 * (self.dense as f64 + self.active_per_row + 1.0)) as u64
    }

    fn folds(&self) -> u64 {
        if self.rows <= FEW_ROWS as u64 {
            FOLDS as u64
        } else {
            1
        }
    }

    fn weights(&self, rows_in: RowsIn) -> u64 {
        let features = self.dense + self.sparse;
        let numbers = (features + 1) * self.outputs;
        let parts = self.parts(rows_in);
        let vectors = VECTORS + VECTORS_A_FOLD * self.folds() + parts;
        let solver = 8 * numbers * vectors
            + 8 * NUMBERS_A_FEATURE * features
            + sketch::bytes(self.dense as usize, self.outputs as usize) as u64;
        let gram = if self.is_regression && features <= gram::MOST_FEATURES as u64 {
            8 * numbers * numbers * (parts + 2 + self.folds())
        } else {
            0
        };
        // The model is put together when the solver is done.
        (solver + gram).max(8 * numbers * VECTORS_A_MODEL + MODEL_BYTES * self.sparse)
    }

    /// Partial sums that there are at once.
    fn parts(&self, rows_in: RowsIn) -> u64 {
        let numbers = (self.dense + self.sparse + 1) * self.outputs;
        let shards = self.rows.div_ceil(self.shard_rows).max(1);
        let parts = (most_parts(numbers as usize) as u64).min(shards);
        match rows_in {
            RowsIn::Memory => parts,
            RowsIn::Disk => parts.min(self.threads),
        }
    }

    /// What features that come together take, and what is summed up for them; rows with them take less than is planned.
    fn joints(&self, rows_in: RowsIn) -> u64 {
        let is_worth = joints::are_worth(self.rows, (self.dense + self.sparse) as usize);
        if !is_worth || self.sparse < 2 || self.active_per_row < 1.0 {
            return 0;
        }
        let most = (joints::most_joints(self.outputs as usize) as u64).min(self.rows);
        let named = (self.active_per_row * self.rows as f64) as u64;
        let vectors = self.parts(rows_in) + VECTORS_WITH_JOINTS;
        joints::most_bytes(most, named, self.sparse) + 8 * most * self.outputs * vectors
    }

    fn targets(&self) -> u64 {
        let folds = self.folds();
        let shares = (8 * self.outputs * self.rows).min(8 * self.rows.max(SHARES_BYTES as u64 / 8));
        // The scores of rows held back, with their numbers and weights, while the parts are put together.
        let held = 2 * (8 * self.outputs + 16) * (self.rows * folds / FOLDS as u64).min(50_000);
        // The search is over when curvatures are first kept.
        self.truth * self.rows + shares.max(self.rows * (8 * folds + 4) + held)
    }

    /// The shard that is being filled, and those that every thread reads back, as bytes and as numbers; the rows that the
    /// search of the penalty looks at.
    fn buffers(&self, rows_in: RowsIn) -> u64 {
        let shard = self.bytes_of(self.shard_rows.min(self.rows));
        // Rows may turn out smaller than expected, and then be copied.
        let all = self.bytes_of(self.rows) / 2;
        let share = sample::share(self.rows as usize, all as usize);
        let sampled = share.map_or(0, |share| (share * self.rows as f64) as u64);
        // The rows themselves, and of each its number, its target and what it counts.
        let copy = self.bytes_of(sampled).min(sample::MOST_BYTES as u64) + sampled * (8 + self.truth);
        match rows_in {
            RowsIn::Memory => 2 * shard + copy,
            RowsIn::Disk => shard * (3 + 2 * self.threads),
        }
    }

    /// The batches that are under way where there are more than two threads.
    fn batches(&self) -> u64 {
        let threads = self.threads.min(MOST_AHEAD as u64);
        threads.saturating_sub(2) * BATCHES_A_THREAD
    }

    /// What is kept of the rows while they are encoded, or else the texts that every thread remembers.
    fn memories(&self) -> u64 {
        if self.kept > 0 {
            // A shard's worth for each thread is encoded while as much is put together.
            self.kept + 2 * self.threads * self.bytes_of(self.shard_rows.min(self.rows))
        } else if self.reads_words {
            self.threads * memo::MOST_BYTES as u64
        } else {
            0
        }
    }

    /// What helps where `plan` does not fit.
    fn remedy(&self, plan: &MemoryPlan) -> String {
        let fixed = plan.planned_bytes - plan.weights_bytes;
        let left = plan.budget_bytes.saturating_sub(fixed) as f64;
        let features = (self.dense + self.sparse) as f64;
        let fitting = (CAREFUL * features * left / plan.weights_bytes.max(1) as f64) as u64;
        // Two digits are as exact as the estimate is.
        let unit = 10u64.pow(fitting.max(1).ilog10().saturating_sub(1));
        let fitting = fitting / unit * unit;
        let more = "allow more (--memory, YOSOKU_MEMORY)";
        if fitting > self.dense.max(100) {
            format!(
                "{more}, or keep fewer features: max_features={fitting} would fit, the recipe gives {features}"
            )
        } else if plan.rows_in == RowsIn::Memory {
            format!("{more}, or use fewer rows or columns")
        } else {
            format!("{more}, or use fewer columns")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(rows: u64, sparse: u64) -> Shape {
        Shape {
            rows,
            dense: 10,
            sparse,
            active_per_row: 20.0,
            outputs: 1,
            is_regression: false,
            truth: 4,
            shard_rows: 4096,
            threads: 2,
            reads_words: true,
            kept: 0,
        }
    }

    #[test]
    fn the_parts_of_a_plan_add_up() {
        for rows_in in [RowsIn::Memory, RowsIn::Disk] {
            let plan = shape(1_000_000, 100_000).plan(1 << 30, 50 << 20, rows_in, 1);
            let rows = if rows_in == RowsIn::Memory {
                plan.rows_bytes
            } else {
                0
            };
            let sum =
                plan.program_bytes + plan.weights_bytes + plan.targets_bytes + plan.buffers_bytes + rows;
            assert_eq!((plan.planned_bytes, plan.rows_bytes), (sum, 124_000_000));
        }
    }

    /// Rows that were kept are gone when there are weights.
    #[test]
    fn kept_rows_take_an_eighth_of_what_is_left_and_count_beside_the_weights() {
        let memory = |budget| Memory {
            budget,
            program: Program::Known(60),
            disk: None,
            is_told: false,
        };
        assert_eq!((memory(140).room(), memory(50).room()), (10, 0));
        let plan = |kept| {
            let shape = Shape {
                kept,
                ..shape(1_000_000, 100)
            };
            shape.plan(1 << 30, 0, RowsIn::Memory, 1)
        };
        let (without, few, many) = (plan(0), plan(1), plan(1 << 28));
        assert!(
            few.before_weights_bytes < without.before_weights_bytes,
            "texts are not remembered beside"
        );
        // Kept rows, and two shards for each of two threads, of 4,096 rows with 31 numbers of four bytes each.
        let blocks = 4 * 4096 * 31 * 4;
        assert_eq!(many.before_weights_bytes, (1 << 28) + blocks - many.weights_bytes);
        let added = many.before_weights_bytes - few.before_weights_bytes;
        assert_eq!(many.buffers_bytes - few.buffers_bytes, added);
        assert_eq!(many.planned_bytes - few.planned_bytes, added);
        let lacks = [&many, &few].map(|plan| plan.lacks(1 << 30));
        assert_eq!(lacks[0], lacks[1], "they are in nobody's way then");
    }

    /// On disk rows take no memory, and partial sums only as many as there are threads: 2 instead of 16.
    #[test]
    fn rows_on_disk_take_less_of_everything() {
        let shape = shape(10_000_000, 1_000_000);
        let plan = |rows_in| shape.plan(1 << 30, 0, rows_in, 1);
        let (memory, disk) = (plan(RowsIn::Memory), plan(RowsIn::Disk));
        assert_eq!(memory.weights_bytes - disk.weights_bytes, 8 * 1_000_011 * 14);
        let joints = |rows, sparse| self::shape(rows, sparse).joints(RowsIn::Disk);
        assert_eq!((joints(20_000, 100), joints(1_000_000, 1)), (0, 0));
        // Every row may have another joint of its own, as far as is known before.
        assert_eq!(
            joints(50_000, 100),
            8 * 1_000_000 + 20 * 50_000 + 400 + 8 * 50_000 * 5
        );
        assert!(memory.planned_bytes > disk.planned_bytes + memory.rows_bytes);
        // 4 for the truth, 8 for its part in the search, 4 for the whole.
        assert_eq!(disk.targets_bytes, 10_000_000 * 16 + 2 * 24 * 50_000);
    }

    #[test]
    fn the_remedy_is_a_number_that_fits() {
        let big = shape(1_000_000, 2_000_000);
        let plan = big.plan(300 << 20, 50 << 20, RowsIn::Disk, 1);
        assert!(plan.planned_bytes > plan.budget_bytes);
        let remedy = big.remedy(&plan);
        let number = remedy.split("max_features=").nth(1).unwrap();
        let number: u64 = number.split(' ').next().unwrap().parse().unwrap();
        let fits = |sparse| {
            let plan = shape(1_000_000, sparse).plan(300 << 20, 50 << 20, RowsIn::Disk, 1);
            plan.planned_bytes <= plan.budget_bytes
        };
        assert!(fits(number - 10) && !fits(number * 3 / 2), "{remedy}");
    }
}

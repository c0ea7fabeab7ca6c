//! Why a flow ended without a result.

use crate::ml::ingest::IngestError;
use crate::ml::learn::LearnError;
use crate::ml::model::BundleError;
use crate::ml::recipe::RecipeError;
use crate::ml::schema::SchemaError;
use crate::ml::split::{Split, SplitError};
use crate::ml::target::TargetError;
use crate::ml::wording::counted;

/// The errors of all parts, and those of the flows themselves.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The table cannot be read.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The schema contradicts itself or the table.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The split contradicts itself or the table.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The recipe cannot be used.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The target cannot be learned.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Weights cannot be found.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// The model cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Training was asked for without a target.
    #[error("no target is given; name the column to predict")]
    NoTarget,
    /// Every column but the target was left out.
    #[error(
        "no column is left to learn from: every one but the target is empty, constant or an identifier; bring a column that varies, or say otherwise with a schema"
    )]
    NoInputs,
    /// Too few rows are left.
    #[error(
        "{} with a target {} left to learn from, {least} are needed at least; bring more data or hold out fewer rows", counted(*rows, "row"), if *rows == 1 { "is" } else { "are" }
    )]
    TooFewRows {
        /// Rows that are left.
        rows: u64,
        /// Rows needed.
        least: u64,
    },
    /// The split leaves nothing over.
    #[error(
        "0 rows of the table belong to the part that was asked for, {split}; widen the part, hold out fewer rows or more, or split another way"
    )]
    EmptyPart {
        /// The part.
        split: Box<Split>,
        /// What the rows were meant for.
        code: &'static str,
    },
    /// The split leaves one class to learn from.
    #[error(
        "the target `{target}` has only one value, `{value}`, in the rows to learn from, {split}; take more rows, or split with strategy stratified, which keeps the share of every class"
    )]
    OneClassInPart {
        /// The target.
        target: String,
        /// The value.
        value: String,
        /// The part.
        split: Box<Split>,
    },
    /// Nothing to judge the model by.
    #[error(
        "no row to evaluate on has a usable value in the target `{target}`; hold out more rows, or give data that have it"
    )]
    NothingToEvaluate {
        /// The target.
        target: String,
    },
    /// A column to pass through does not exist.
    #[error("the data have no column `{name}` to pass through{suggestion}")]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The nearest column as `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// Two columns of a Parquet output would have the same name.
    #[error(
        "the Parquet output would have two columns called `{name}`; do not copy the input's column of that name, or write CSV or JSON lines"
    )]
    RepeatedColumn {
        /// The name.
        name: String,
    },
    /// Training would not fit, not even with its rows on disk.
    #[error(
        "training needs about {needed_mib} MiB of memory ({parts}), {allowed_mib} MiB are allowed; {remedy}"
    )]
    NotEnoughMemory {
        /// Estimate in MiB.
        needed_mib: u64,
        /// Budget in MiB.
        allowed_mib: u64,
        /// What the MiB are for.
        parts: String,
        /// What to do.
        remedy: String,
    },
    /// The model to go on from answers another question.
    #[error(
        "the model to go on from predicts `{earlier}`, and `{target}` is asked for; train `{target}` without it"
    )]
    OtherTarget {
        /// The target asked for.
        target: String,
        /// The model's.
        earlier: String,
    },
    /// A row does not say how much it counts.
    #[error(
        "line {line}: the row weight `{column}` is `{value}`; weights are numbers of 0 or more, so mend it or leave the row out"
    )]
    RowWeight {
        /// The column of weights.
        column: String,
        /// Line of the row in its source.
        line: u64,
        /// What it says.
        value: String,
    },
    /// No row counts.
    #[error(
        "the row weights `{column}` of the rows to learn from sum to {total}; at least one row has to count"
    )]
    NoWeight {
        /// The column of weights.
        column: String,
        /// The sum.
        total: f64,
    },
    /// Writing the result failed.
    #[error("writing the result failed: {0}")]
    Write(#[from] std::io::Error),
}

impl PipelineError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            PipelineError::Ingest(error) => error.code(),
            PipelineError::Schema(error) => error.code(),
            PipelineError::Split(error) => error.code(),
            PipelineError::Recipe(error) => error.code(),
            PipelineError::Target(error) => error.code(),
            PipelineError::Learn(error) => error.code(),
            PipelineError::Bundle(error) => error.code(),
            PipelineError::NoTarget => "no_target",
            PipelineError::NoInputs => "no_inputs",
            PipelineError::TooFewRows { .. } => "too_few_rows",
            PipelineError::EmptyPart { code, .. } => code,
            PipelineError::OneClassInPart { .. } => "one_class",
            PipelineError::NothingToEvaluate { .. } => "nothing_to_evaluate",
            PipelineError::UnknownColumn { .. } => "unknown_column",
            PipelineError::RepeatedColumn { .. } => "duplicate_column",
            PipelineError::NotEnoughMemory { .. } => "not_enough_memory",
            PipelineError::OtherTarget { .. } => "schema_mismatch",
            PipelineError::RowWeight { .. } | PipelineError::NoWeight { .. } => "invalid_row_weight",
            PipelineError::Write(error) if error.kind() == std::io::ErrorKind::StorageFull => "disk_full",
            PipelineError::Write(_) => "write_failed",
        }
    }

    /// True when the observer asked for the stop.
    pub fn is_stopped(&self) -> bool {
        self.code() == "stopped"
    }
}

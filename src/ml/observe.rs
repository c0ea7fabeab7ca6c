//! How long-running functions tell how far they are, and are told to stop.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

/// A named part of a long-running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Reading what a split has to know of the table.
    Split,
    /// Reading every row: types and statistics.
    Profile,
    /// Learning vocabularies, means and quantiles from the training rows.
    Featurize,
    /// Turning the training rows into numbers.
    Encode,
    /// Trying penalties on rows held back.
    Search,
    /// Finding the weights.
    Solve,
    /// Scoring held-out rows.
    Evaluate,
    /// Scoring a file.
    Predict,
    /// Writing the result.
    Write,
}

impl Stage {
    /// The lower-case name used in progress messages and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Split => "split",
            Stage::Profile => "profile",
            Stage::Featurize => "featurize",
            Stage::Encode => "encode",
            Stage::Search => "search",
            Stage::Solve => "solve",
            Stage::Evaluate => "evaluate",
            Stage::Predict => "predict",
            Stage::Write => "write",
        }
    }
}

/// Receives progress and may ask for a stop. Clocks, estimates of the time left and cancellation
/// live with whoever implements it.
pub trait Observer {
    /// `done` of `total` units of `stage` are finished; `total` 0 means unknown. Units are bytes of
    /// input while reading, rows while those that were kept are encoded, fits of those that are expected while searching, and
    /// solver iterations while solving. Called again and again by the thread that began the work.
    fn report(&mut self, stage: Stage, done: u64, total: u64) -> ControlFlow<()>;

    /// So many rows are done. Called before a report where rows are what people wait for.
    fn rows(&mut self, _rows: u64) {}

    /// Something that people should know before the work goes on.
    fn note(&mut self, _what: &str) {}

    /// True when searching and solving should end with the best weights so far. Asked after each iteration.
    fn out_of_time(&self) -> bool {
        false
    }
}

/// Passes on that a part of a stage is under way: its own reports count for nothing but stopping.
pub struct Within<'a> {
    /// Who is told.
    pub observer: &'a mut dyn Observer,
    /// The stage.
    pub stage: Stage,
    /// Units done before this part.
    pub done: u64,
    /// Units in all.
    pub total: u64,
}

impl Observer for Within<'_> {
    fn report(&mut self, _: Stage, _: u64, _: u64) -> ControlFlow<()> {
        self.observer.report(self.stage, self.done, self.total)
    }

    fn out_of_time(&self) -> bool {
        self.observer.out_of_time()
    }
}

/// An observer that listens to nothing and never stops the work.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn report(&mut self, _: Stage, _: u64, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

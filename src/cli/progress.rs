//! Progress of long work: a bar on a terminal, nothing elsewhere; and where the time went.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::show;
use crate::ml::observe::{Observer, Stage};
use crate::ml::wording::counted;
use crate::telemetry::metrics::resident_bytes;

/// Shows progress, measures stages, and stops on Ctrl-C.
pub struct Progress {
    bar: ProgressBar,
    stage: Option<(Stage, Instant)>,
    seconds: Vec<(String, f64)>,
    memory: Vec<(String, u64)>,
    interrupted: Arc<AtomicBool>,
    budget: Option<Duration>,
}

impl Progress {
    /// Starts to listen for Ctrl-C. `quiet` shows no bar; `budget` limits the time for solving.
    pub fn new(quiet: bool, budget: Option<Duration>) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let bar = if shown {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) =
            ProgressStyle::with_template("{msg:<16} [{bar:30}] {percent:>3} %  {elapsed} elapsed, {eta} left")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            bar,
            stage: None,
            seconds: Vec::new(),
            memory: Vec::new(),
            interrupted: interruption(),
            budget,
        }
    }

    fn enter(&mut self, stage: Stage) {
        if self.stage.is_some_and(|(current, _)| current == stage) {
            return;
        }
        self.leave();
        self.stage = Some((stage, Instant::now()));
        self.bar.reset();
        self.bar.set_message(stage.as_str());
    }

    /// Ends the stage that is running.
    pub fn leave(&mut self) {
        let Some((stage, since)) = self.stage.take() else {
            return;
        };
        let spent = since.elapsed().as_secs_f64();
        if let Some(bytes) = resident_bytes() {
            self.memory.retain(|(name, _)| name != stage.as_str());
            self.memory.push((stage.as_str().to_string(), bytes));
        }
        match self.seconds.iter_mut().find(|(name, _)| name == stage.as_str()) {
            Some((_, seconds)) => *seconds += spent,
            None => self.seconds.push((stage.as_str().to_string(), spent)),
        }
    }

    /// Bytes of memory in use at the end of each stage so far, where the system tells.
    pub fn memory(&self) -> Vec<(String, u64)> {
        self.memory.clone()
    }

    /// Takes the bar away and returns the seconds spent in each stage.
    pub fn finish(mut self) -> Vec<(String, f64)> {
        self.leave();
        self.bar.finish_and_clear();
        self.seconds
    }
}

impl Observer for Progress {
    fn report(&mut self, stage: Stage, done: u64, total: u64) -> ControlFlow<()> {
        self.enter(stage);
        self.bar.set_length(total);
        self.bar.set_position(done);
        if self.interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn rows(&mut self, rows: u64) {
        self.bar.set_message(counted(rows, "row"));
    }

    fn note(&mut self, what: &str) {
        self.bar.suspend(|| show::message(what));
    }

    fn out_of_time(&self) -> bool {
        let Some(budget) = self.budget else { return false };
        let is_finding = |stage: &str| [Stage::Search, Stage::Solve].iter().any(|s| s.as_str() == stage);
        let before = self.seconds.iter().filter(|(stage, _)| is_finding(stage));
        let before: f64 = before.map(|(_, seconds)| seconds).sum();
        let now = self.stage.filter(|(stage, _)| is_finding(stage.as_str()));
        now.is_some_and(|(_, since)| before + since.elapsed().as_secs_f64() >= budget.as_secs_f64())
    }
}

/// A flag that the first Ctrl-C sets; the second ends the process.
fn interruption() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let asked = flag.clone();
    // Without a runtime for signals Ctrl-C simply ends the process, which loses nothing: results are
    // written whole at the end.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return flag;
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                asked.store(true, Ordering::Relaxed);
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    });
    flag
}

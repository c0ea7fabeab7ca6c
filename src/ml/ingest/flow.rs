//! Works on the batches of a source with all threads, so that no thread waits for another.
//!
//! Batches are read in order. Whoever has read one works on it at once, while its bytes are still near the processor;
//! what came of it is then taken by every lane, in order. Lanes go side by side, and each may be some batches behind
//! the others. There is no moment at which all threads have to have finished the same batch.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::batch::{Batch, BatchSource, LONGEST_RECYCLED, Wanted};
use super::error::IngestError;
use super::reader::PIECE_BYTES;
use crate::ml::observe::{Observer, Stage};

/// Batches that are under way at once, however many threads there are: more of them would wait for the source. No lane is
/// further behind another.
pub const MOST_AHEAD: usize = 16;
/// Bytes of rows under way from which on no more are read ahead.
const MOST_HELD: usize = 32 << 20;

/// Takes what came of the batches, one after the other, in order.
pub type Lane<'a, T, E> = Box<dyn FnMut(&Batch, &T) -> Result<(), E> + Send + 'a>;

/// Who is told how far the reading is.
pub struct Told<'a> {
    /// Bytes of source that are expected.
    pub total_bytes: u64,
    /// What they are read for.
    pub stage: Stage,
    /// Told of batches that all lanes have taken, by the thread that called, between its own work; may ask for a stop.
    pub observer: &'a mut dyn Observer,
}

/// Calls `work` with every batch of `source` on any thread, with a value to fill that may hold what came of an earlier
/// batch, and then every lane with both.
///
/// Of several failures the one on the earliest batch is told, that of `work` before those of the lanes, and all lanes
/// have taken the batches before it then. `work` and the lanes must not wait for each other's threads.
pub fn flow<'a, S, T, E>(
    source: S,
    wanted: Wanted,
    told: Told<'_>,
    work: impl Fn(&Batch, &mut T) -> Result<(), E> + Sync,
    lanes: Vec<Lane<'a, T, E>>,
) -> Result<(), E>
where
    S: BatchSource,
    T: Default + Send + Sync,
    E: From<IngestError> + Send,
{
    // With one thread there are still two, so that nobody waits for the source.
    let threads = rayon::current_num_threads().max(2);
    let crew = Crew {
        state: Mutex::new(State::new(source, lanes, threads)),
        changed: Condvar::new(),
        wanted,
        work,
    };
    let is_long = told.total_bytes > PIECE_BYTES as u64;
    let mut progress = Some(Progress { told, reported: 0 });
    std::thread::scope(|scope| {
        // A source that fits one batch needs no other thread.
        if !is_long {
            crew.one_task(&mut progress);
        }
        let others = match crew.is_read_up() {
            true => 0,
            false => threads - 1,
        };
        let others: Vec<_> = (0..others)
            .map(|_| scope.spawn(|| crew.work_on(&mut None)))
            .collect();
        crew.work_on(&mut progress);
        for other in others {
            // Whoever hears of a panic shall hear what was wrong.
            if let Err(panic) = other.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    if let Some(progress) = &mut progress {
        crew.report(progress);
    }
    let state = crew.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.failure.map_or(Ok(()), |failure| Err(failure.error))
}

/// A batch and what came of it.
#[derive(Default)]
struct Slot<T> {
    batch: Batch,
    made: T,
}

/// Where a lane stands.
struct Standing<'a, T, E> {
    /// Away while a thread works in it.
    lane: Option<Lane<'a, T, E>>,
    /// Number of the batch that it takes next.
    next: u64,
}

/// What ended the work. The earliest counts: by the batch, then by the lane.
struct Failure<E> {
    batch: u64,
    lane: usize,
    error: E,
}

struct State<'a, S, T, E> {
    /// Away while a thread reads.
    source: Option<S>,
    /// Empty lines that were read.
    empty: u64,
    has_ended: bool,
    /// The batches that some lane has not taken, from number `first` on; nothing where one is being worked on.
    window: VecDeque<Option<Arc<Slot<T>>>>,
    first: u64,
    /// Bytes of their rows.
    held: usize,
    lanes: Vec<Standing<'a, T, E>>,
    spare: Vec<Slot<T>>,
    /// Bytes of the source up to the end of the last batch that all lanes have taken.
    bytes: u64,
    failure: Option<Failure<E>>,
    threads: usize,
}

/// What a thread does next.
enum Task<'a, S, T, E> {
    Read(S, Box<Slot<T>>, u64),
    Take(usize, Lane<'a, T, E>, Arc<Slot<T>>),
    Wait,
    Leave,
}

impl<'a, S: BatchSource, T: Default, E> State<'a, S, T, E> {
    fn new(source: S, lanes: Vec<Lane<'a, T, E>>, threads: usize) -> Self {
        let standing = |lane| Standing {
            lane: Some(lane),
            next: 0,
        };
        Self {
            source: Some(source),
            empty: 0,
            has_ended: false,
            window: VecDeque::new(),
            first: 0,
            held: 0,
            lanes: lanes.into_iter().map(standing).collect(),
            spare: Vec::new(),
            bytes: 0,
            failure: None,
            threads,
        }
    }

    /// The number of the first batch that a lane does not take any more.
    fn limit(&self, lane: usize) -> u64 {
        match &self.failure {
            // Lanes before one that failed might fail on the same batch.
            Some(failure) => failure.batch + u64::from(lane + 1 < failure.lane),
            None if self.has_ended => self.first + self.window.len() as u64,
            None => u64::MAX,
        }
    }

    fn next(&mut self) -> Task<'a, S, T, E> {
        let lanes = 0..self.lanes.len();
        if lanes
            .clone()
            .all(|lane| self.lanes[lane].next >= self.limit(lane))
        {
            return Task::Leave;
        }
        let behind = lanes
            .filter(|&lane| self.ready(lane).is_some())
            .min_by_key(|&lane| self.lanes[lane].next);
        // A batch ahead for each thread, so that there is always something to take; more only when there is not.
        let most = match behind {
            Some(_) => self.threads + 1,
            None => 2 * (self.threads + 1),
        }
        .min(MOST_AHEAD);
        if !self.has_ended
            && self.failure.is_none()
            && self.window.len() < most
            && (self.held < MOST_HELD || self.window.is_empty())
            && let Some(source) = self.source.take()
        {
            self.window.push_back(None);
            let number = self.first + self.window.len() as u64 - 1;
            return Task::Read(source, Box::new(self.spare.pop().unwrap_or_default()), number);
        }
        let slot = behind.and_then(|lane| Some((lane, self.ready(lane)?)));
        match slot.and_then(|(lane, slot)| Some((lane, slot, self.lanes[lane].lane.take()?))) {
            Some((lane, slot, taker)) => Task::Take(lane, taker, slot),
            None => Task::Wait,
        }
    }

    /// What a lane takes next, if nobody works in it and it is there.
    fn ready(&self, lane: usize) -> Option<Arc<Slot<T>>> {
        let standing = self.lanes.get(lane)?;
        let slot = self.window.get((standing.next - self.first) as usize)?.as_ref()?;
        (standing.lane.is_some() && standing.next < self.limit(lane)).then(|| Arc::clone(slot))
    }

    /// Whether the source has nothing more, as far as it knows.
    fn is_read_up(&self) -> bool {
        self.has_ended || self.failure.is_some() || self.source.as_ref().is_some_and(S::is_read_up)
    }

    fn fail(&mut self, batch: u64, lane: usize, error: E) {
        let known = self.failure.as_ref();
        if known.is_none_or(|known| (batch, lane) < (known.batch, known.lane)) {
            self.failure = Some(Failure { batch, lane, error });
        }
    }

    /// Lets the batches go that all lanes have taken.
    fn let_go(&mut self) {
        let next = self.lanes.iter().map(|lane| lane.next).min().unwrap_or(u64::MAX);
        while self.first < next
            && let Some(taken) = self.window.pop_front()
        {
            self.first += 1;
            if let Some(slot) = taken.and_then(Arc::into_inner) {
                self.bytes = slot.batch.bytes_read;
                self.held -= slot.batch.size().min(self.held);
                // Buffers grow to the longest row they ever held, so those of long rows are not used again.
                if slot.batch.longest_row() <= LONGEST_RECYCLED {
                    self.spare.push(slot);
                }
            }
        }
    }
}

/// Tells the observer, on the thread that it belongs to.
struct Progress<'a> {
    told: Told<'a>,
    /// How many batches all lanes had taken when it was told last.
    reported: u64,
}

/// What the threads share.
struct Crew<'a, S, T, E, W> {
    state: Mutex<State<'a, S, T, E>>,
    changed: Condvar,
    wanted: Wanted,
    work: W,
}

impl<'a, S, T, E, W> Crew<'a, S, T, E, W>
where
    S: BatchSource,
    T: Default + Send + Sync,
    E: From<IngestError> + Send,
    W: Fn(&Batch, &mut T) -> Result<(), E> + Sync,
{
    fn lock(&self) -> MutexGuard<'_, State<'a, S, T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_read_up(&self) -> bool {
        self.lock().is_read_up()
    }

    /// Does what there is to do until there is nothing left.
    fn work_on(&self, progress: &mut Option<Progress<'_>>) {
        while self.one_task(progress) {}
    }

    /// False when there is nothing left to do.
    fn one_task(&self, progress: &mut Option<Progress<'_>>) -> bool {
        let mut state = self.lock();
        let task = loop {
            match state.next() {
                Task::Wait => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                task => break task,
            }
        };
        drop(state);
        // A thread that panics takes what it holds away for good; the others must not wait for it.
        let guard = Abandoned(self);
        match task {
            Task::Read(source, slot, number) => self.read(source, *slot, number),
            Task::Take(lane, taker, slot) => self.take(lane, taker, slot),
            Task::Wait | Task::Leave => {
                std::mem::forget(guard);
                return false;
            }
        }
        if let Some(progress) = progress {
            self.report(progress);
        }
        std::mem::forget(guard);
        true
    }

    fn read(&self, mut source: S, mut slot: Slot<T>, number: u64) {
        let filled = source.fill(&mut slot.batch);
        let mut state = self.lock();
        slot.batch.empty_before = state.empty;
        let is_found = matches!(filled, Ok(true));
        if is_found {
            state.empty += slot.batch.empty_lines();
            state.held += slot.batch.size();
        } else {
            state.window.pop_back();
        }
        match filled {
            Ok(found) => state.has_ended = !found,
            Err(error) => state.fail(number, 0, error.into()),
        }
        state.source = Some(source);
        drop(state);
        self.changed.notify_all();
        if !is_found {
            return;
        }
        slot.batch.prepare(self.wanted);
        let done = (self.work)(&slot.batch, &mut slot.made);
        let mut state = self.lock();
        match done {
            Ok(()) => {
                let place = (number - state.first) as usize;
                if let Some(waiting) = state.window.get_mut(place) {
                    *waiting = Some(Arc::new(slot));
                }
            }
            Err(error) => state.fail(number, 0, error),
        }
        drop(state);
        self.changed.notify_all();
    }

    fn take(&self, lane: usize, mut taker: Lane<'a, T, E>, slot: Arc<Slot<T>>) {
        let taken = taker(&slot.batch, &slot.made);
        drop(slot);
        let mut state = self.lock();
        let standing = &mut state.lanes[lane];
        standing.lane = Some(taker);
        let number = standing.next;
        match taken {
            Ok(()) => standing.next += 1,
            Err(error) => state.fail(number, lane + 1, error),
        }
        state.let_go();
        drop(state);
        self.changed.notify_all();
    }

    fn report(&self, progress: &mut Progress<'_>) {
        let (taken, bytes) = {
            let state = self.lock();
            (state.first, state.bytes)
        };
        if taken == progress.reported {
            return;
        }
        progress.reported = taken;
        let Told {
            total_bytes,
            stage,
            observer,
        } = &mut progress.told;
        if let ControlFlow::Break(()) = observer.report(*stage, bytes, *total_bytes) {
            self.lock().fail(0, 0, IngestError::Stopped.into());
            self.changed.notify_all();
        }
    }
}

/// Ends the work when it is dropped.
struct Abandoned<'c, 'a, S, T, E: From<IngestError>, W>(&'c Crew<'a, S, T, E, W>);

impl<S, T, E: From<IngestError>, W> Drop for Abandoned<'_, '_, S, T, E, W> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failure = Some(Failure {
            batch: 0,
            lane: 0,
            error: IngestError::Stopped.into(),
        });
        drop(state);
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::ml::hash::splitmix64;
    use crate::ml::observe::Silent;

    /// Batches that only have a number; the source may fail after some of them.
    struct Numbered {
        next: u64,
        end: u64,
        fails: bool,
    }

    impl BatchSource for Numbered {
        fn fill(&mut self, batch: &mut Batch) -> Result<bool, IngestError> {
            if self.next == self.end {
                return match self.fails {
                    true => Err(IngestError::HeaderOnly),
                    false => Ok(false),
                };
            }
            batch.bytes_read = self.next;
            self.next += 1;
            Ok(true)
        }
    }

    fn batches(end: u64) -> Numbered {
        Numbered {
            next: 0,
            end,
            fails: false,
        }
    }

    /// Sources of these sizes begin on one thread, and on all.
    const SIZES: [u64; 2] = [0, 1 << 40];

    fn told(observer: &mut dyn Observer, total_bytes: u64) -> Told<'_> {
        Told {
            total_bytes,
            stage: Stage::Profile,
            observer,
        }
    }

    /// Takes a while that differs from batch to batch.
    fn linger(number: u64, salt: u64) {
        std::thread::sleep(std::time::Duration::from_micros(
            splitmix64(number ^ salt << 32) % 200,
        ));
    }

    fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(work)
    }

    #[test]
    fn every_lane_takes_every_batch_in_order_and_few_are_under_way() {
        for (threads, lanes, end) in [
            (1, 1, 0),
            (2, 3, 1),
            (1, 2, 50),
            (2, 5, 300),
            (7, 1, 300),
            (7, 40, 100),
        ] {
            let (mut taken, under_way, most) =
                (vec![Vec::new(); lanes], AtomicI64::new(0), AtomicI64::new(0));
            let found = on_threads(threads, || {
                let mut all: Vec<Lane<u64, IngestError>> = Vec::new();
                for (salt, taken) in taken.iter_mut().enumerate() {
                    let (is_last, under_way) = (salt + 1 == lanes, &under_way);
                    all.push(Box::new(move |batch, made| {
                        linger(batch.bytes_read, salt as u64);
                        assert_eq!(*made, 2 * batch.bytes_read + 1);
                        taken.push(batch.bytes_read);
                        if is_last {
                            under_way.fetch_sub(1, Ordering::Relaxed);
                        }
                        Ok(())
                    }));
                }
                let work = |batch: &Batch, made: &mut u64| {
                    most.fetch_max(under_way.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    linger(batch.bytes_read, 99);
                    *made = 2 * batch.bytes_read + 1;
                    Ok(())
                };
                let size = SIZES[lanes % 2];
                flow(batches(end), Wanted::Records, told(&mut Silent, size), work, all)
            });
            found.unwrap();
            for taken in taken {
                assert_eq!(taken, (0..end).collect::<Vec<_>>());
            }
            assert!(most.into_inner() <= 2 * (threads.max(2) as i64 + 1));
        }
    }

    /// Where the source, the work and the lanes fail on different batches.
    #[test]
    fn the_earliest_failure_is_told_when_all_lanes_have_taken_what_was_before_it() {
        let failure = |by: &str| {
            Err(IngestError::NotText {
                what: by.into(),
                hint: "",
            })
        };
        for (source, work, lanes, expected) in [
            (9, 7, [5, 6], "lane 0"),
            (9, 4, [5, 4], "work"),
            (9, 90, [9, 8], "lane 1"),
            (3, 90, [5, 6], "source"),
            (9, 90, [6, 6], "lane 0"),
            (9, 0, [0, 4], "work"),
            (0, 90, [5, 6], "source"),
        ] {
            for (threads, size) in [1, 2, 7]
                .into_iter()
                .flat_map(|threads| SIZES.map(|size| (threads, size)))
            {
                let mut taken = [Vec::new(), Vec::new()];
                let found = on_threads(threads, || {
                    let mut all: Vec<Lane<(), IngestError>> = Vec::new();
                    for (number, taken) in taken.iter_mut().enumerate() {
                        let fails = lanes[number];
                        all.push(Box::new(move |batch, ()| {
                            linger(batch.bytes_read, number as u64);
                            if batch.bytes_read == fails {
                                return failure(&format!("lane {number}"));
                            }
                            taken.push(batch.bytes_read);
                            Ok(())
                        }));
                    }
                    let source = Numbered {
                        fails: true,
                        ..batches(source)
                    };
                    let work = |batch: &Batch, (): &mut ()| match batch.bytes_read == work {
                        true => failure("work"),
                        false => Ok(()),
                    };
                    flow(source, Wanted::Records, told(&mut Silent, size), work, all)
                });
                match found {
                    Err(IngestError::NotText { what, .. }) => assert_eq!(what, expected),
                    Err(IngestError::HeaderOnly) => assert_eq!("source", expected),
                    other => panic!("{other:?} for {expected}"),
                }
                let first = lanes.into_iter().chain([source, work]).min().unwrap();
                assert!(
                    taken
                        .iter()
                        .all(|taken| taken.starts_with(&(0..first).collect::<Vec<_>>()))
                );
            }
        }
    }

    #[test]
    fn an_observer_hears_of_progress_and_may_stop_it() {
        struct Stops(Vec<u64>);
        impl Observer for Stops {
            fn report(&mut self, _: Stage, done: u64, _: u64) -> ControlFlow<()> {
                self.0.push(done);
                match done >= 20 {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            }
        }
        let (mut observer, mut taken) = (Stops(Vec::new()), 0);
        let lane: Lane<(), IngestError> = Box::new(|_, ()| {
            taken += 1;
            Ok(())
        });
        let found = flow(
            batches(1_000_000),
            Wanted::Records,
            told(&mut observer, SIZES[0]),
            |_, ()| Ok(()),
            vec![lane],
        );
        assert!(matches!(found, Err(IngestError::Stopped)));
        assert!(observer.0.is_sorted() && observer.0.last() >= Some(&20));
        assert!(taken < 1_000_000);
    }

    #[test]
    fn a_panic_is_passed_on_and_holds_up_nobody() {
        for (threads, size) in [(1, 0), (2, 0), (7, 0), (1, SIZES[1]), (7, SIZES[1])] {
            let lane = || -> Lane<(), IngestError> {
                Box::new(|batch, ()| {
                    if batch.bytes_read == 5 {
                        std::panic::panic_any("five");
                    }
                    Ok(())
                })
            };
            let work = || {
                let work = |_: &Batch, (): &mut ()| Ok(());
                let lanes = vec![lane(), lane()];
                flow(
                    batches(100),
                    Wanted::Records,
                    told(&mut Silent, size),
                    work,
                    lanes,
                )
            };
            let found = on_threads(threads, || catch_unwind(AssertUnwindSafe(work)));
            let payload = found.err().and_then(|panic| panic.downcast::<&str>().ok());
            assert_eq!(payload.as_deref(), Some(&"five"), "{threads}");
        }
    }
}

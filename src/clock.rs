//! The one source of time: a trait, the system's clock, and a clock that tests set by hand.
//!
//! Times are microseconds since 1970-01-01T00:00:00Z.

use std::sync::atomic::{AtomicI64, Ordering};

/// Tells the time, in microseconds UTC.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Microseconds since the start of 1970, UTC.
    fn now_micros(&self) -> i64;
}

/// The clock of the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that asks the system for the time"
    )]
    fn now_micros(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A time as RFC 3339 text in UTC, with microseconds and `Z`.
pub fn rfc3339(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `micros`.
    pub fn new(micros: i64) -> Self {
        Self(AtomicI64::new(micros))
    }

    /// Moves the clock forward by `micros`, or back by fewer than none, as when it is set by hand.
    pub fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::new(5);
        assert_eq!(clock.now_micros(), 5);
        clock.advance(10);
        assert_eq!(clock.now_micros(), 15);
    }

    #[test]
    fn times_are_written_in_utc_with_microseconds() {
        assert_eq!(rfc3339(1_577_836_800_000_001), "2020-01-01T00:00:00.000001Z");
    }

    #[test]
    fn the_system_clock_counts_microseconds() {
        // 2020-01-01 in microseconds: seconds or milliseconds would be far below it.
        assert!(SystemClock.now_micros() > 1_577_836_800_000_000);
    }
}

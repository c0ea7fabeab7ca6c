//! What the program takes of memory, as far as it is known.

/// What the program takes besides, where nobody measures it: reading 177 MB of clicks leaves 76 MiB behind.
pub const ORDINARY_PROGRAM: u64 = 96 << 20;

/// What the program takes besides training.
#[derive(Debug, Clone, Copy)]
pub enum Program {
    /// So many bytes.
    Known(u64),
    /// What the system says once the first passes are done.
    Measured(fn() -> Option<Usage>),
}

/// Bytes of memory that a program takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// At this moment.
    pub now: u64,
    /// The most so far.
    pub peak: u64,
}

impl Program {
    /// What it takes without so many bytes that are there now and will be gone, and the most that it took.
    pub(super) fn usage(self, passing: u64) -> Usage {
        let measured = match self {
            Self::Known(bytes) => return Usage { now: bytes, peak: 0 },
            Self::Measured(usage) => usage(),
        };
        match measured {
            None => Usage {
                now: ORDINARY_PROGRAM,
                peak: 0,
            },
            Some(usage) => Usage {
                now: usage.now.saturating_sub(passing),
                ..usage
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_measured_holds_what_will_be_gone() {
        let usage = |now, peak| Usage { now, peak };
        assert_eq!(Program::Known(50).usage(20), usage(50, 0));
        let measured = || Some(Usage { now: 50, peak: 80 });
        assert_eq!(Program::Measured(measured).usage(20), usage(30, 80));
        assert_eq!(Program::Measured(|| None).usage(20), usage(ORDINARY_PROGRAM, 0));
    }
}

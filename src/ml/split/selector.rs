//! Judges row by row whether it belongs to a part.

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::ranks::Range;
use super::strata::Shares;
use super::times::Kind;
use crate::ml::hash::{splitmix64, unit, unit_of};
use crate::ml::record::Record;

/// A split that knows its table. Judges records as they stand in the file, before their columns are
/// brought into the order of a schema.
#[derive(Debug, Clone)]
pub struct Selector {
    pub(super) rule: Rule,
    pub(super) complement: bool,
    /// Rows and bytes of the table that come before those that are judged.
    pub(super) before: (u64, i64),
    /// Remarks on the part, and on the part of all other rows.
    pub(super) warnings: [Vec<String>; 2],
}

/// What decides whether a row lies between the percentages.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// Nothing: every row does.
    All,
    /// The hashed number of the row.
    Number { seed: u64, begin: f64, end: f64 },
    /// The hashed place of the row.
    Place { place: PlaceHash, begin: f64, end: f64 },
    /// The number of the row.
    Order { first: u64, end: u64 },
    /// The hashed number of the row among those with its value.
    Strata { column: usize, shares: Shares },
    /// The hashed value, or, without one, the hashed number of the row.
    Group {
        column: usize,
        seed: u64,
        begin: f64,
        end: f64,
    },
    /// The time.
    Time { column: usize, kind: Kind, range: Range },
}

impl Selector {
    /// Every row.
    pub fn all() -> Self {
        Self {
            rule: Rule::All,
            complement: false,
            before: (0, 0),
            warnings: Default::default(),
        }
    }

    /// Whether the record belongs to the part.
    pub fn selects(&self, record: &Record) -> bool {
        let (rows, bytes) = self.before;
        let row = record.position.record.saturating_add(rows);
        let byte = record.position.byte.saturating_add_signed(bytes);
        self.rule.holds(record, row, byte) != self.complement
    }

    /// The same for a further piece of the table that is read by itself: so many rows come before its first, and bytes
    /// count as if so many came before.
    #[must_use]
    pub fn after(&self, rows: u64, bytes: i64) -> Self {
        Self {
            before: (rows, bytes),
            ..self.clone()
        }
    }

    /// Whether the row with this number belongs to the part; `None` when its number does not settle that.
    pub fn selects_number(&self, row: u64) -> Option<bool> {
        let row = row.saturating_add(self.before.0);
        let holds = match &self.rule {
            Rule::All => true,
            Rule::Number { seed, begin, end } => {
                let share = unit(*seed, row) * 100.0;
                *begin <= share && share < *end
            }
            Rule::Order { first, end } => (*first..*end).contains(&row),
            Rule::Place { .. } | Rule::Strata { .. } | Rule::Group { .. } | Rule::Time { .. } => return None,
        };
        Some(holds != self.complement)
    }

    /// True when there is nothing to judge.
    pub fn is_all(&self) -> bool {
        matches!(self.rule, Rule::All) && !self.complement
    }

    /// The column of the file whose values decide, if they do.
    pub fn column(&self) -> Option<usize> {
        match &self.rule {
            Rule::Strata { column, .. } | Rule::Group { column, .. } | Rule::Time { column, .. } => {
                Some(*column)
            }
            Rule::All | Rule::Number { .. } | Rule::Place { .. } | Rule::Order { .. } => None,
        }
    }

    /// Whether the part is one of time.
    pub fn is_by_time(&self) -> bool {
        matches!(self.rule, Rule::Time { .. })
    }

    /// Remarks for people on how the part came out.
    pub fn warnings(&self) -> &[String] {
        &self.warnings[0]
    }

    /// Exactly the other rows.
    #[must_use]
    pub fn others(&self) -> Self {
        let [mine, theirs] = self.warnings.clone();
        Self {
            rule: self.rule.clone(),
            complement: !self.complement,
            before: self.before,
            warnings: [theirs, mine],
        }
    }
}

impl Rule {
    fn holds(&self, record: &Record, row: u64, byte: u64) -> bool {
        let between = |share: f64, begin: &f64, end: &f64| *begin <= share && share < *end;
        match self {
            Rule::All => true,
            Rule::Number { seed, begin, end } => between(unit(*seed, row) * 100.0, begin, end),
            Rule::Place { place, begin, end } => between(place.share(byte) * 100.0, begin, end),
            Rule::Order { first, end } => (*first..*end).contains(&row),
            Rule::Strata { column, shares } => shares.holds(row, record.get(*column)),
            Rule::Group {
                column,
                seed,
                begin,
                end,
            } => {
                let value = record.get(*column).trim();
                let share = if value.is_empty() {
                    unit(*seed, row)
                } else {
                    unit_of(xxh3_64_with_seed(value.as_bytes(), splitmix64(*seed)))
                };
                between(share * 100.0, begin, end)
            }
            Rule::Time { column, kind, range } => range.holds(kind.key(record.get(*column))),
        }
    }
}

/// The hash of seed, file and byte offset by which Amazon ML's random splits are made here: the first 53
/// bits of SHA-256(seed, 0, base name of the file, 0, offset in decimal).
#[derive(Debug, Clone)]
pub(super) struct PlaceHash(Sha256);

impl PlaceHash {
    /// For the rows of the file called `name`; folders in the name are left out.
    pub(super) fn new(seed: &str, name: &str) -> Self {
        let base = name.rsplit('/').next().unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [seed, base] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        Self(hash)
    }

    /// A number from 0 to 1 for the row that begins at `byte`.
    fn share(&self, byte: u64) -> f64 {
        let mut hash = self.0.clone();
        hash.update(byte.to_string().as_bytes());
        let digest = hash.finalize();
        let first = digest
            .iter()
            .take(8)
            .fold(0, |bits, &byte| bits << 8 | u64::from(byte));
        unit_of(first)
    }
}

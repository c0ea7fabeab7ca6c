//! Metering: what was used, by whom, and what it would have cost elsewhere.
//!
//! Work is counted by the catalogue in the transaction that ends it. Predictions in real time are too many for that:
//! they are gathered here and stored every few seconds, so that a process that is killed loses the last of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Service;
use super::error::{Error, chain};
use crate::catalog::Catalog;
use crate::clock::rfc3339;
use crate::domain::usage::Usage;

/// Models and keys that are told of one by one.
pub const MOST_TOLD: u32 = 1000;

/// The first and the last day that there can be.
const DAYS: [&str; 2] = ["0000-01-01", "9999-12-31"];

/// What was used in some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The first day, if one was asked for.
    pub from: Option<String>,
    /// The last day: the one asked for, or today.
    pub to: String,
    /// By model and key, those who used most first.
    pub used: Vec<Usage>,
    /// All together.
    pub total: Usage,
}

/// Predictions that are not stored yet, by model and identifier of a key, which is called something.
#[derive(Debug, Default)]
pub(super) struct Counted(Mutex<HashMap<String, Users>>);

/// What each key is called and how much it was answered, by its identifier.
type Users = HashMap<String, (String, u64)>;

impl Counted {
    fn add(&self, model: &str, (owner, key): (&str, &str), records: u64) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Names are copied the first time only.
        if let Some((_, known)) = counted.get_mut(model).and_then(|keys| keys.get_mut(key)) {
            *known += records;
            return;
        }
        let keys = counted.entry(model.to_owned()).or_default();
        keys.insert(key.to_owned(), (owner.to_owned(), records));
    }

    fn take(&self) -> Vec<Usage> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *counted).into_iter();
        all.flat_map(|(model, keys)| {
            keys.into_iter().map(move |(key, (owner, realtime))| Usage {
                model: model.clone(),
                owner,
                key,
                realtime,
                ..Usage::default()
            })
        })
        .collect()
    }
}

impl Service {
    /// Notes that the holder of a key, given by its name and its identifier, was answered so many records in real time.
    pub fn answered(&self, model: &str, user: (&str, &str), records: u64) {
        if records > 0 {
            self.0.counted.add(model, user, records);
        }
    }

    /// Stores what was noted since the last time. What cannot be stored is kept for the next time.
    pub async fn usage_store(&self) {
        let used = self.0.counted.take();
        if used.is_empty() {
            return;
        }
        if let Err(error) = self.0.catalog.usage_add(&used, self.now()).await {
            tracing::warn!(
                error = chain(&error),
                "what was used cannot be stored; trying again"
            );
            for usage in used {
                let user = (usage.owner.as_str(), usage.key.as_str());
                self.0.counted.add(&usage.model, user, usage.realtime);
            }
        }
    }

    /// What was used from one day to another, both included and written as `2026-01-31`; until today if not given.
    pub async fn usage(&self, from: Option<String>, to: Option<String>) -> Result<Bill, Error> {
        // What this process has noted belongs to it.
        self.usage_store().await;
        bill(&self.0.catalog, self.now(), from, to).await
    }
}

/// What a catalogue says was used. `now` is in microseconds UTC.
pub async fn bill(
    catalog: &Catalog,
    now: i64,
    from: Option<String>,
    to: Option<String>,
) -> Result<Bill, Error> {
    for (name, day) in [("from", &from), ("to", &to)] {
        if let Some(day) = day.as_ref().filter(|day| !is_day(day)) {
            let message = format!("{name} is `{day}`; give a day such as 2026-01-31");
            return Err(Error::invalid("invalid_parameter", message));
        }
    }
    let today = rfc3339(now).get(..10).unwrap_or(DAYS[1]).to_owned();
    let to = to.unwrap_or(today);
    let first = from.as_deref().unwrap_or(DAYS[0]);
    let (used, total) = catalog.usage_list(first, &to, MOST_TOLD).await?;
    Ok(Bill {
        from,
        to,
        used,
        total,
    })
}

fn is_day(text: &str) -> bool {
    let shape = text.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b });
    shape.eq(*b"0000-00-00")
}

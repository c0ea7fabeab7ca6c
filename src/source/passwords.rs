//! Passwords that requests bring, until their queries have run. They are in memory only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::ids::EntityRef;
use crate::domain::secret::Secret;

/// Passwords that are kept at once.
const MOST: usize = 10_000;

/// How long a password is kept whose query never runs.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The passwords of queries that have not run yet; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Passwords(Arc<Mutex<HashMap<EntityRef, (Instant, Secret)>>>);

impl Passwords {
    /// Keeps the password for the query of `at`; false when too many are waiting.
    #[must_use]
    pub fn keep(&self, at: EntityRef, password: Secret) -> bool {
        let mut kept = self.lock();
        kept.retain(|_, (since, _)| since.elapsed() < LONGEST);
        if kept.len() >= MOST && !kept.contains_key(&at) {
            return false;
        }
        kept.insert(at, (Instant::now(), password));
        true
    }

    /// The password for the query of `at`, which stays for another attempt.
    pub fn of(&self, at: &EntityRef) -> Option<Secret> {
        self.lock().get(at).map(|(_, password)| password.clone())
    }

    /// Forgets the password for the query of `at`.
    pub fn forget(&self, at: &EntityRef) {
        self.lock().remove(at);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<EntityRef, (Instant, Secret)>> {
        // Each change is one call: a panic elsewhere cannot have left it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{EntityId, EntityKind};

    #[test]
    fn passwords_are_kept_until_forgotten_and_not_without_bound() {
        let at = |id: &str| EntityRef::new(EntityKind::DataSource, EntityId::new(id).unwrap());
        let passwords = Passwords::default();
        assert!(passwords.keep(at("a"), Secret::new("x")));
        assert_eq!(passwords.of(&at("a")), Some(Secret::new("x")));
        assert_eq!(passwords.of(&at("b")), None);
        passwords.forget(&at("a"));
        assert_eq!(passwords.of(&at("a")), None);
        for number in 0..MOST {
            assert!(passwords.keep(at(&number.to_string()), Secret::new("x")));
        }
        assert!(!passwords.keep(at("more"), Secret::new("x")));
        assert!(passwords.keep(at("1"), Secret::new("y")));
        assert!(!format!("{passwords:?}").contains('y'));
    }
}

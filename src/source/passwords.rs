//! Passwords that requests bring, until their queries have run. They are in memory only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::secret::Secret;

/// Passwords that are kept at once.
const MOST: usize = 10_000;

/// How long a password is kept whose query never runs.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The passwords of queries that have not run yet, each under the random name that its query has; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Passwords(Arc<Mutex<HashMap<String, (Instant, Secret)>>>);

impl Passwords {
    /// Keeps a password under `token`; false when too many are waiting.
    pub fn keep(&self, token: &str, password: Secret) -> bool {
        let mut kept = self.lock();
        kept.retain(|_, (since, _)| since.elapsed() < LONGEST);
        if kept.len() >= MOST {
            return false;
        }
        kept.insert(token.to_owned(), (Instant::now(), password));
        true
    }

    /// The password under `token`, which stays for another attempt.
    pub fn of(&self, token: &str) -> Option<Secret> {
        let kept = self.lock();
        let (since, password) = kept.get(token)?;
        (since.elapsed() < LONGEST).then(|| password.clone())
    }

    /// Forgets the password under `token`.
    pub fn forget(&self, token: &str) {
        self.lock().remove(token);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, Secret)>> {
        // Each change is one call: a panic elsewhere cannot have left it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_kept_until_forgotten_and_not_without_bound() {
        let passwords = Passwords::default();
        assert!(passwords.keep("a", Secret::new("x")));
        assert_eq!(passwords.of("a"), Some(Secret::new("x")));
        assert_eq!(passwords.of("b"), None);
        passwords.forget("a");
        assert_eq!(passwords.of("a"), None);
        for number in 0..MOST {
            assert!(passwords.keep(&number.to_string(), Secret::new("hush")));
        }
        assert!(!passwords.keep("more", Secret::new("y")));
        assert!(!format!("{passwords:?}").contains("hush"));
    }
}

//! Vectors for the sums of parts of the rows, which every pass over a design uses again: to ask the system for them each
//! time takes longer than to clear them.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Vectors of one length that are not in use.
#[derive(Debug, Default)]
pub struct Partials(Mutex<Vec<Vec<f64>>>);

impl Clone for Partials {
    /// Nothing of value is in them.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Partials {
    /// A vector of so many zeros.
    pub(super) fn take(&self, length: usize) -> Vec<f64> {
        let mut vector = self.lock().pop().unwrap_or_default();
        vector.clear();
        vector.resize(length, 0.0);
        vector
    }

    /// Keeps a vector for later; those of another length go.
    pub(super) fn give_back(&self, vector: Vec<f64>) {
        let mut kept = self.lock();
        kept.retain(|other| other.len() == vector.len());
        kept.push(vector);
    }

    /// Gives the memory back.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<f64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_back_empty_and_of_one_length() {
        let partials = Partials::default();
        let mut first = partials.take(3);
        first.fill(7.0);
        partials.give_back(first);
        assert_eq!(partials.take(2), [0.0; 2], "of the longer one");
        partials.give_back(vec![1.0; 2]);
        partials.give_back(vec![1.0; 4]);
        assert_eq!(partials.lock().len(), 1);
        assert_eq!(partials.take(4), [0.0; 4]);
    }
}

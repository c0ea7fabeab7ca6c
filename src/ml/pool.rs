//! Buffers that threads take turns to use, so that there are as many as threads and not as many as pieces of work.

use std::sync::{Mutex, PoisonError};

/// Values that are made when none is free. Which of them a piece of work gets must not matter to what comes of it.
pub struct Pool<'a, T> {
    free: Mutex<Vec<T>>,
    make: Box<dyn Fn() -> T + Send + Sync + 'a>,
}

impl<'a, T> Pool<'a, T> {
    /// An empty pool.
    pub fn new(make: impl Fn() -> T + Send + Sync + 'a) -> Self {
        Self {
            free: Mutex::new(Vec::new()),
            make: Box::new(make),
        }
    }

    /// Does `work` with a value that nobody else uses meanwhile.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = free().pop();
        let mut value = taken.unwrap_or_else(&self.make);
        let result = work(&mut value);
        free().push(value);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_used_again_and_never_by_two_at_once() {
        let pool = Pool::new(Vec::<u32>::new);
        pool.with(|outer| {
            outer.push(1);
            pool.with(|inner| assert!(inner.is_empty()));
        });
        let both = pool.with(|first| pool.with(|second| first.len() + second.len()));
        assert_eq!(both, 1);
    }
}

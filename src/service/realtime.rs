//! Predictions now, for records in the request: how much at once, and on which thread.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::Service;
use super::answering::Answering;
use super::error::Error;
use super::scoring::Scorer;

/// How long a caller who is refused should wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A place among the large requests that are worked on at once.
pub type Place = OwnedSemaphorePermit;

fn taken(places: &Arc<Semaphore>) -> Result<Place, Error> {
    let place = places.clone().try_acquire_owned();
    place.map_err(|_| Error::Throttled {
        retry_after: RETRY_AFTER,
    })
}

impl Service {
    /// Whether a body of so many bytes is large: it takes a [`Place`].
    pub fn is_large(&self, bytes: u64) -> bool {
        bytes > self.0.limits.small_bytes
    }

    /// A place among the large requests; refused when all are taken, so that memory is bounded.
    pub fn place(&self) -> Result<Place, Error> {
        taken(&self.0.permits)
    }

    /// A place among the requests that shadows answer; refused when all are taken, so that nobody waits for them.
    pub fn shadow_place(&self) -> Result<Place, Error> {
        taken(&self.0.shadows)
    }

    /// Scores records that have so many cells at most, records times attributes of the model. Little work is done at
    /// once; other work takes a place, which is given back with its result, and a thread of its own, so that nobody
    /// waits for it; it goes on when the caller has gone.
    pub async fn score<T: Send + 'static>(
        &self,
        model: Answering,
        cells: usize,
        place: Option<Place>,
        work: impl FnOnce(&Answering, &mut Scorer) -> T + Send + 'static,
    ) -> Result<(T, Option<Place>), Error> {
        let place = match place {
            Some(place) => place,
            None if cells > self.0.limits.inline_cells => self.place()?,
            None => return Ok((self.with_scorer(|scorer| work(&model, scorer)), None)),
        };
        let service = self.clone();
        let scored = spawn_blocking(move || {
            let result = service.with_scorer(|scorer| work(&model, scorer));
            (result, Some(place))
        });
        scored.await.map_err(|e| Error::internal("scoring records", e))
    }
}

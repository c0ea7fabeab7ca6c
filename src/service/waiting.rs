//! Waiting for an entity: until it is final, or from one stored change to the next.
//!
//! Changes made by this process are noticed at once, those of other processes by looking.

use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Service;
use super::entities::at;
use super::error::Error;
use crate::domain::entity::{Entity, Progress};
use crate::domain::ids::{EntityId, EntityKind, EntityRef};

/// How often the catalogue is looked at for changes of other processes.
const POLL: Duration = Duration::from_millis(500);

/// What a follower has seen: progress is no change of the revision.
type Seen = (i64, Progress);

fn state_of(entity: &Entity) -> Seen {
    (entity.revision, entity.progress)
}

impl Service {
    /// Waits until an entity is final, the time is up or `stop` is cancelled; returns it as it is
    /// then. More seconds than the limit are cut down to it.
    pub async fn entity_wait(
        &self,
        kind: EntityKind,
        id: &str,
        seconds: u64,
        stop: &CancellationToken,
    ) -> Result<Entity, Error> {
        let at = at(kind, id)?;
        let mut entity = self.0.catalog.entity_get(&at).await?;
        let seconds = seconds.min(self.0.limits.wait_seconds);
        let deadline = Instant::now() + Duration::from_secs(seconds);
        while !entity.status.is_final() {
            let change = self.changed(&at, Some(state_of(&entity)), stop);
            match timeout_at(deadline, change).await {
                Ok(Ok(Some(changed))) => entity = changed,
                Ok(Ok(None)) | Err(_) => break,
                Ok(Err(error)) => return Err(error),
            }
        }
        Ok(entity)
    }

    /// The entity as it is, then once for every stored change that is seen; several quick changes may
    /// be seen as one. Ends after a final state, when `stop` is cancelled, or when the entity cannot
    /// be read.
    pub fn entity_changes(
        &self,
        kind: EntityKind,
        id: EntityId,
        stop: CancellationToken,
    ) -> impl Stream<Item = Entity> + Send + use<> {
        let at = EntityRef::new(kind, id);
        let start = Some((self.clone(), at, None, stop));
        stream::unfold(start, |state| async move {
            let (service, at, seen, stop) = state?;
            let changed = service.changed(&at, seen, &stop).await;
            let entity = changed.unwrap_or_else(|error| {
                tracing::warn!(entity = %at, error = %error, "cannot follow an entity");
                None
            })?;
            let rest = (!entity.status.is_final()).then(|| {
                let seen = Some(state_of(&entity));
                (service, at, seen, stop)
            });
            Some((entity, rest))
        })
    }

    /// The entity, as soon as its state is another than `seen`; none when stopped before.
    async fn changed(
        &self,
        at: &EntityRef,
        seen: Option<Seen>,
        stop: &CancellationToken,
    ) -> Result<Option<Entity>, Error> {
        let changes = self.0.catalog.changed();
        loop {
            // Subscribed before looking, so that no change falls in between.
            let mut change = std::pin::pin!(changes.notified());
            change.as_mut().enable();
            let entity = self.0.catalog.entity_get(at).await?;
            if Some(state_of(&entity)) != seen {
                return Ok(Some(entity));
            }
            tokio::select! {
                () = change => {}
                () = sleep(POLL) => {}
                () = stop.cancelled() => return Ok(None),
            }
        }
    }
}

//! Loaded models: a bounded number of them, each loaded once however many ask for it, and few at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;

use super::answering::Described;
use super::error::Error;
use super::limits::Limits;
use crate::blob::Blobs;
use crate::domain::dataset::ContentHash;
use crate::domain::ids::BlobKey;
use crate::ml::model::Bundle;
use crate::ml::predict::Predictor;

/// A place for a model, filled by the first who asks for it.
type Cell = Arc<OnceCell<Arc<Predictor>>>;

/// The models that are loaded now.
#[derive(Debug)]
pub(super) struct Predictors {
    blobs: Blobs,
    most_bytes: u64,
    most_models: usize,
    slots: Mutex<Slots>,
    /// A load holds the file and what is made of it in memory, beside the models that are loaded already.
    pub(super) loads: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Slots {
    by_key: HashMap<BlobKey, Slot>,
    /// Counts uses, to find the one that was used least recently.
    clock: u64,
}

#[derive(Debug)]
struct Slot {
    cell: Cell,
    bytes: u64,
    used: u64,
    /// How many wait for it to be filled.
    waiting: usize,
}

/// One who waits for a model. When the last one goes away and there is still no model, its place goes as well.
struct Waiting<'p> {
    predictors: &'p Predictors,
    key: &'p BlobKey,
    cell: Cell,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.predictors.lock().leave(self.key, &self.cell);
    }
}

impl Predictors {
    /// Nothing loaded yet.
    pub(super) fn new(blobs: Blobs, limits: &Limits) -> Self {
        Self {
            blobs,
            most_bytes: limits.loaded_bytes,
            most_models: limits.loaded_models,
            slots: Mutex::default(),
            loads: Arc::new(Semaphore::new(limits.concurrent_loads)),
        }
    }

    /// The model, loaded now if it is not yet. Others who ask for it meanwhile wait for the same load;
    /// after a failure the next one tries again.
    pub(super) async fn get(&self, model: &Described) -> Result<Arc<Predictor>, Error> {
        let cell = self.lock().enter(&model.bundle, model.size_bytes);
        if let Some(loaded) = cell.get() {
            return Ok(loaded.clone());
        }
        let waiting = Waiting {
            predictors: self,
            key: &model.bundle,
            cell,
        };
        let loaded = waiting.cell.get_or_try_init(|| self.load(model)).await?;
        let mut slots = self.lock();
        slots.make_room(&model.bundle, self.most_bytes, self.most_models);
        drop(slots);
        Ok(loaded.clone())
    }

    async fn load(&self, model: &Described) -> Result<Arc<Predictor>, Error> {
        let (blobs, file) = (self.blobs.clone(), model.bundle.clone());
        let hash = model.bundle_hash.clone();
        let failed = |error| Error::internal("loading a model file", error);
        let turn = self.loads.clone().acquire_owned().await;
        let turn = turn.map_err(|error| failed(error.to_string()))?;
        let loaded = spawn_blocking(move || -> Result<Predictor, Error> {
            // Kept to the end even when nobody waits for it any more: what is being loaded takes memory all the same.
            let _turn = turn;
            let bytes = blobs.get_blocking(&file)?;
            // The file is ours: that it cannot be used is nothing the caller can mend.
            let unusable = |error| Error::internal(format!("loading the model file {file}"), error);
            if ContentHash::of(&bytes) != hash {
                let cause = "model_damaged: its SHA-256 is not the one that training stored; restore it or train anew";
                return Err(Error::internal(format!("loading the model file {file}"), cause));
            }
            let bundle = Bundle::decode_known(&bytes).map_err(unusable)?;
            let hash = bundle.hash_in(&bytes);
            Predictor::of(bundle, hash).map_err(unusable)
        });
        let loaded = loaded.await.map_err(|error| failed(error.to_string()))?;
        loaded.map(Arc::new)
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // No code that can panic runs under the lock, so that it is never half changed.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// The place of a model, new or known. Whoever finds no model in it waits for one, and has to [`Slots::leave`].
    fn enter(&mut self, key: &BlobKey, bytes: u64) -> Cell {
        self.clock += 1;
        if let Some(slot) = self.by_key.get_mut(key) {
            slot.used = self.clock;
            slot.waiting += usize::from(!slot.cell.initialized());
            return slot.cell.clone();
        }
        let cell = Cell::default();
        let slot = Slot {
            cell: cell.clone(),
            bytes,
            used: self.clock,
            waiting: 1,
        };
        self.by_key.insert(key.clone(), slot);
        cell
    }

    /// One waits no longer.
    fn leave(&mut self, key: &BlobKey, cell: &Cell) {
        let Some(slot) = self.by_key.get_mut(key) else {
            return;
        };
        // The place may have been taken anew.
        if Arc::ptr_eq(&slot.cell, cell) {
            slot.waiting = slot.waiting.saturating_sub(1);
            if slot.waiting == 0 && !cell.initialized() {
                self.by_key.remove(key);
            }
        }
    }

    /// Drops the models used least recently until the rest fit; never `keep`, which is in use. Those that are still
    /// being loaded neither count nor go, since others wait for them.
    fn make_room(&mut self, keep: &BlobKey, most_bytes: u64, most_models: usize) {
        loop {
            let loaded = || self.by_key.iter().filter(|(_, slot)| slot.cell.initialized());
            let bytes: u64 = loaded().map(|(_, slot)| slot.bytes).sum();
            if loaded().count() <= most_models && bytes <= most_bytes {
                return;
            }
            let others = loaded().filter(|(key, _)| *key != keep);
            let oldest = others.min_by_key(|(_, slot)| slot.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.by_key.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_goes_with_the_last_who_waits_for_it_in_vain() {
        let key = BlobKey::new("models/a.yosoku").unwrap();
        let mut slots = Slots::default();
        let (first, second) = (slots.enter(&key, 7), slots.enter(&key, 7));
        assert!(Arc::ptr_eq(&first, &second));
        slots.make_room(&key, 0, 0);
        slots.leave(&key, &first);
        assert_eq!(slots.by_key.len(), 1);
        slots.leave(&key, &second);
        assert!(slots.by_key.is_empty());
        let third = slots.enter(&key, 7);
        slots.leave(&key, &first);
        assert!(Arc::ptr_eq(&slots.enter(&key, 7), &third));
    }
}

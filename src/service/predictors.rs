//! Loaded models: a bounded number of them, each loaded once however many ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
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
}

impl Predictors {
    /// Nothing loaded yet.
    pub(super) fn new(blobs: Blobs, limits: &Limits) -> Self {
        Self {
            blobs,
            most_bytes: limits.loaded_bytes,
            most_models: limits.loaded_models,
            slots: Mutex::default(),
        }
    }

    /// The model, loaded now if it is not yet. Others who ask for it meanwhile wait for the same load;
    /// after a failure the next one tries again.
    pub(super) async fn get(&self, model: &Described) -> Result<Arc<Predictor>, Error> {
        let cell = self.lock().cell(&model.bundle, model.size_bytes);
        if let Some(loaded) = cell.get() {
            return Ok(loaded.clone());
        }
        let loaded = cell.get_or_try_init(|| self.load(model)).await.cloned();
        let mut slots = self.lock();
        match &loaded {
            Ok(_) => slots.make_room(&model.bundle, self.most_bytes, self.most_models),
            Err(_) => slots.forget(&model.bundle, &cell),
        }
        loaded
    }

    async fn load(&self, model: &Described) -> Result<Arc<Predictor>, Error> {
        let (blobs, file) = (self.blobs.clone(), model.bundle.clone());
        let hash = model.bundle_hash.clone();
        let loaded = spawn_blocking(move || -> Result<Predictor, Error> {
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
        let loaded = loaded
            .await
            .map_err(|e| Error::internal("loading a model file", e))?;
        loaded.map(Arc::new)
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        // No code that can panic runs under the lock, so that it is never half changed.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    /// The place of a model, new or known.
    fn cell(&mut self, key: &BlobKey, bytes: u64) -> Cell {
        self.clock += 1;
        if let Some(slot) = self.by_key.get_mut(key) {
            slot.used = self.clock;
            return slot.cell.clone();
        }
        let cell = Cell::default();
        let slot = Slot {
            cell: cell.clone(),
            bytes,
            used: self.clock,
        };
        self.by_key.insert(key.clone(), slot);
        cell
    }

    /// Drops the models used least recently until the rest fit; never `keep`, which is in use.
    fn make_room(&mut self, keep: &BlobKey, most_bytes: u64, most_models: usize) {
        while self.by_key.len() > most_models
            || self.by_key.values().map(|slot| slot.bytes).sum::<u64>() > most_bytes
        {
            let others = self.by_key.iter().filter(|(key, _)| *key != keep);
            let Some(oldest) = others
                .min_by_key(|(_, slot)| slot.used)
                .map(|(key, _)| key.clone())
            else {
                return;
            };
            self.by_key.remove(&oldest);
        }
    }

    /// Drops a place that could not be filled, unless it has been taken anew.
    fn forget(&mut self, key: &BlobKey, cell: &Cell) {
        let is_same = |slot: &Slot| Arc::ptr_eq(&slot.cell, cell) && !cell.initialized();
        if self.by_key.get(key).is_some_and(is_same) {
            self.by_key.remove(key);
        }
    }
}

//! A file in a store, read from its begin to its end in windows that are asked for one by one.
//!
//! One long request would end whenever whoever reads is slow, or the store is. Each window names the content that it
//! belongs to, so that a file that is replaced meanwhile is noticed.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::BlobError;
use super::depot::Spot;

/// Bytes of the first window: often only the begin of a file is wanted.
const FIRST: u64 = 256 << 10;

/// Bytes of the largest window; each is twice as large as the one before.
const LARGEST: u64 = 8 << 20;

/// Windows that are on their way while one is read.
const AHEAD: usize = 2;

/// What is left of a file.
#[derive(Debug)]
pub(super) struct Windows {
    runtime: Handle,
    at: Spot,
    meta: ObjectMeta,
    next: u64,
    size: u64,
    ahead: usize,
    asked: VecDeque<JoinHandle<Result<Bytes, BlobError>>>,
}

impl Windows {
    /// The file at `at`, of which `meta` is known.
    pub(super) fn new(runtime: Handle, at: Spot, meta: ObjectMeta) -> Self {
        Self {
            runtime,
            at,
            meta,
            next: 0,
            size: FIRST,
            // Nothing more than the first window is asked for at first: it may be all that is wanted.
            ahead: 1,
            asked: VecDeque::new(),
        }
    }

    /// The next bytes, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        while self.asked.len() < self.ahead && self.next < self.meta.size {
            self.ask();
        }
        self.ahead = AHEAD;
        let Some(first) = self.asked.pop_front() else {
            return Ok(None);
        };
        match self.runtime.block_on(first) {
            Ok(window) => window.map(Some),
            Err(error) => Err(BlobError::Storage {
                action: "read",
                what: self.at.name(),
                source: error.into(),
            }),
        }
    }

    fn ask(&mut self) {
        let end = self.meta.size.min(self.next + self.size);
        let (at, meta, range) = (self.at.clone(), self.meta.clone(), self.next..end);
        self.next = end;
        self.size = LARGEST.min(2 * self.size);
        let asked = async move { fetch(&at, &meta, range).await };
        self.asked.push_back(self.runtime.spawn(asked));
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        for asked in &self.asked {
            asked.abort();
        }
    }
}

/// The bytes `range` of the content that `meta` describes; a file that has another by now is an error.
pub(super) async fn fetch(at: &Spot, meta: &ObjectMeta, range: Range<u64>) -> Result<Bytes, BlobError> {
    let expected = range.end - range.start;
    let options = GetOptions {
        range: Some(GetRange::Bounded(range)),
        if_match: meta.e_tag.clone(),
        ..GetOptions::default()
    };
    let result = at.depot.store.get_opts(&at.path, options).await;
    let result = result.map_err(|e| at.failed("read", e))?;
    // Not every store minds the condition.
    let is_same = result.meta.e_tag == meta.e_tag && result.meta.size == meta.size;
    let bytes = result.bytes().await.map_err(|e| at.failed("read", e))?;
    match is_same && bytes.len() as u64 == expected {
        true => Ok(bytes),
        false => Err(BlobError::Changed { what: at.name() }),
    }
}

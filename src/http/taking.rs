//! Answers in HTTP/2 that nobody takes. Sending never fails there, however long a client leaves the window of an answer
//! closed: it waits beside others on a connection that is alive. So each answer says while it waits for its client, and the
//! connection ends when one has waited for too long.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::Version;
use axum::response::Response;
use futures_util::future::{BoxFuture, Either};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tower::Service;

/// Bytes of an answer that are handed over at once, to see that each of them is taken.
const PIECE: usize = 16 << 10;

/// The answers on one connection that wait for their client, and since when.
#[derive(Debug, Default)]
pub struct Waiting {
    since: Mutex<HashMap<u64, Instant>>,
    next: AtomicU64,
}

impl Waiting {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<u64, Instant>) -> T) -> T {
        work(&mut self.since.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there ever was an answer that may wait.
    pub fn is_used(&self) -> bool {
        self.next.load(Ordering::Relaxed) > 0
    }

    /// Whether an answer waits for longer than `patience`.
    pub fn is_in_vain(&self, now: Instant, patience: Duration) -> bool {
        self.with(|since| since.values().any(|since| *since + patience < now))
    }
}

/// A service whose answers in HTTP/2 say when they wait.
#[derive(Debug, Clone)]
pub struct Taken<S> {
    inner: S,
    waiting: Arc<Waiting>,
}

impl<S> Taken<S> {
    /// The service of a connection, and where its answers say that they wait.
    pub fn new(inner: S, waiting: Arc<Waiting>) -> Self {
        Self { inner, waiting }
    }
}

impl<S, B> Service<Request<B>> for Taken<S>
where
    S: Service<Request<B>, Response = Response>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_second = request.version() == Version::HTTP_2;
        let answer = self.inner.call(request);
        if !is_second {
            return Either::Left(answer);
        }
        let waiting = self.waiting.clone();
        Either::Right(Box::pin(async move {
            let answer = answer.await?;
            Ok(match answer.body().is_end_stream() {
                true => answer,
                false => answer.map(|body| Body::new(Pieces::new(body, waiting))),
            })
        }))
    }
}

/// A body in pieces, each of which is asked for when the one before has gone.
struct Pieces {
    body: Body,
    rest: Bytes,
    number: u64,
    waiting: Arc<Waiting>,
}

impl Pieces {
    fn new(body: Body, waiting: Arc<Waiting>) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            number: waiting.next.fetch_add(1, Ordering::Relaxed),
            waiting,
        }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let number = self.number;
        let next = match self.rest.is_empty() {
            true => Pin::new(&mut self.body).poll_frame(context),
            false => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest))))),
        };
        let Poll::Ready(Some(Ok(frame))) = next else {
            // It waits for us, not for its client.
            self.waiting.with(|since| since.remove(&number));
            return next;
        };
        self.waiting.with(|since| since.insert(number, Instant::now()));
        let frame = frame.map_data(|mut data| {
            self.rest = data.split_off(data.len().min(PIECE));
            data
        });
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.waiting.with(|since| since.remove(&self.number));
    }
}

//! Answers in HTTP/2 that nobody takes. Sending never fails there, however long a client leaves the window of an answer
//! closed: it waits beside others on a connection that is alive. So each answer says since when it waits for its client,
//! and one that has waited for too long is given up with whatever it holds; the others on its connection go on.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
/// Who has taken less than that, which is the window that clients begin with, is not in the middle of a large one.
const SMALL_WINDOW: usize = 64 << 10;
/// So many times as long an answer of which more was taken may wait.
const LONGER: u32 = 10;

/// The answers on one connection.
#[derive(Debug, Default)]
pub struct Waiting {
    answers: Mutex<HashMap<u64, Answer>>,
    next: AtomicU64,
}

/// An answer that is being sent.
#[derive(Debug)]
struct Answer {
    /// Since when it waits for its client.
    since: Option<Instant>,
    /// Bytes that were handed over.
    given: usize,
    rest: Rest,
}

impl Answer {
    /// Clients open a large window again when they have taken half of it, which may last.
    fn patience(&self, least: Duration) -> Duration {
        match self.given < SMALL_WINDOW {
            true => least,
            false => least * LONGER,
        }
    }
}

/// What is left of an answer; nothing once it is given up.
type Rest = Arc<Mutex<Option<(Body, Bytes)>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiting {
    /// Whether there ever was an answer that may wait.
    pub fn is_used(&self) -> bool {
        self.next.load(Ordering::Relaxed) > 0
    }

    /// Gives up the answers that wait for longer than `patience`, or ten times as long once 64 KiB were taken, with
    /// whatever they hold; returns how many.
    pub fn give_up(&self, now: Instant, patience: Duration) -> usize {
        let mut left = Vec::new();
        for answer in lock(&self.answers).values_mut() {
            let patience = answer.patience(patience);
            if answer.since.is_some_and(|since| since + patience < now) {
                answer.since = None;
                left.extend(lock(&answer.rest).take());
            }
        }
        // What an answer holds may take its time to go, and goes when nothing is locked.
        left.len()
    }

    /// Notes that so many bytes were handed over; none where it waits for us.
    fn gave(&self, number: u64, bytes: Option<usize>) {
        if let Some(answer) = lock(&self.answers).get_mut(&number) {
            answer.since = bytes.map(|_| Instant::now());
            answer.given += bytes.unwrap_or(0);
        }
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

/// A body in pieces, each of which is asked for when the window has room behind the one before.
struct Pieces {
    rest: Rest,
    number: u64,
    waiting: Arc<Waiting>,
}

impl Pieces {
    fn new(body: Body, waiting: Arc<Waiting>) -> Self {
        let rest: Rest = Arc::new(Mutex::new(Some((body, Bytes::new()))));
        let number = waiting.next.fetch_add(1, Ordering::Relaxed);
        let answer = Answer {
            since: None,
            given: 0,
            rest: rest.clone(),
        };
        lock(&waiting.answers).insert(number, answer);
        Self {
            rest,
            number,
            waiting,
        }
    }

    /// The next piece, or the end.
    fn next(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut left = lock(&self.rest);
        let Some((body, rest)) = left.as_mut() else {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of its answer");
            return Poll::Ready(Some(Err(axum::Error::new(error))));
        };
        if rest.is_empty() {
            let next = Pin::new(body).poll_frame(context);
            return next.map_ok(|frame| {
                frame.map_data(|data| match data.len() > PIECE {
                    true => first_piece(data, rest),
                    false => data,
                })
            });
        }
        let data = std::mem::take(rest);
        Poll::Ready(Some(Ok(Frame::data(first_piece(data, rest)))))
    }
}

/// The first piece of `data`; what follows goes into `rest`. The piece is a copy: it may lie there with the client's window
/// closed long after the rest has gone, and must not hold all of it.
fn first_piece(data: Bytes, rest: &mut Bytes) -> Bytes {
    let length = data.len().min(PIECE);
    *rest = data.slice(length..);
    data.get(..length).map(Bytes::copy_from_slice).unwrap_or_default()
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let next = self.next(context);
        let bytes = match &next {
            Poll::Ready(Some(Ok(frame))) => Some(frame.data_ref().map_or(0, Bytes::len)),
            _ => None,
        };
        self.waiting.gave(self.number, bytes);
        next
    }

    fn is_end_stream(&self) -> bool {
        let left = lock(&self.rest);
        left.as_ref()
            .is_some_and(|(body, rest)| rest.is_empty() && body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let left = lock(&self.rest);
        let Some((body, rest)) = left.as_ref() else {
            return SizeHint::default();
        };
        let (rest, hint) = (rest.len() as u64, body.size_hint());
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
        let answer = lock(&self.waiting.answers).remove(&self.number);
        drop(answer);
    }
}

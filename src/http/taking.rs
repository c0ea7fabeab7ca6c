//! Answers in HTTP/2 that nobody takes. Sending never fails there, however long a client leaves the window of an answer
//! closed: it waits beside others on a connection that is alive. So each answer says while it waits for its client; one that
//! has waited for too long is given up, and the connection ends when nothing else is left on it.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// What happens on one connection.
#[derive(Debug, Default)]
pub struct Waiting {
    open: Mutex<Open>,
    is_used: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    /// Requests without an answer yet.
    asked: usize,
    answers: HashMap<u64, Answer>,
    next: u64,
}

/// An answer that is being sent.
#[derive(Debug)]
struct Answer {
    /// Since when it waits for its client.
    since: Option<Instant>,
    is_given_up: bool,
    rest: Rest,
}

/// What is left of an answer; nothing once it is given up.
type Rest = Arc<Mutex<Option<(Body, Bytes)>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiting {
    /// Whether there ever was an answer that may wait.
    pub fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Relaxed)
    }

    /// Gives up the answers that wait for longer than `patience`, with whatever they hold; returns how many, and whether
    /// nothing else is left on the connection.
    pub fn give_up(&self, now: Instant, patience: Duration) -> (usize, bool) {
        let mut left = Vec::new();
        let mut open = lock(&self.open);
        for answer in open.answers.values_mut() {
            if answer.since.is_some_and(|since| since + patience < now) {
                (answer.since, answer.is_given_up) = (None, true);
                left.push(lock(&answer.rest).take());
            }
        }
        let is_alone = open.asked == 0 && open.answers.values().all(|answer| answer.is_given_up);
        let is_last = is_alone && !open.answers.is_empty();
        drop(open);
        // What an answer holds may take its time to go.
        (left.len(), is_last)
    }

    fn waits(&self, number: u64, since: Option<Instant>) {
        if let Some(answer) = lock(&self.open).answers.get_mut(&number) {
            answer.since = since;
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
        let asked = Asked::new(&self.waiting);
        Either::Right(Box::pin(async move {
            let answer = answer.await?;
            Ok(match answer.body().is_end_stream() {
                true => answer,
                false => answer.map(|body| Body::new(Pieces::new(body, &asked.0))),
            })
        }))
    }
}

/// A request without an answer yet.
struct Asked(Arc<Waiting>);

impl Asked {
    fn new(waiting: &Arc<Waiting>) -> Self {
        waiting.is_used.store(true, Ordering::Relaxed);
        lock(&waiting.open).asked += 1;
        Self(waiting.clone())
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        lock(&self.0.open).asked -= 1;
    }
}

/// A body in pieces, each of which is asked for when the window has room behind the one before.
struct Pieces {
    rest: Rest,
    number: u64,
    waiting: Arc<Waiting>,
}

impl Pieces {
    fn new(body: Body, waiting: &Arc<Waiting>) -> Self {
        let rest: Rest = Arc::new(Mutex::new(Some((body, Bytes::new()))));
        let mut open = lock(&waiting.open);
        let number = open.next;
        open.next += 1;
        let answer = Answer {
            since: None,
            is_given_up: false,
            rest: rest.clone(),
        };
        open.answers.insert(number, answer);
        drop(open);
        Self {
            rest,
            number,
            waiting: waiting.clone(),
        }
    }

    /// The next piece, or the end.
    fn next(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut left = lock(&self.rest);
        let Some((body, rest)) = left.as_mut() else {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of its answer");
            return Poll::Ready(Some(Err(axum::Error::new(error))));
        };
        let next = match rest.is_empty() {
            true => Pin::new(body).poll_frame(context),
            false => Poll::Ready(Some(Ok(Frame::data(std::mem::take(rest))))),
        };
        next.map_ok(|frame| {
            frame.map_data(|mut data| {
                *rest = data.split_off(data.len().min(PIECE));
                data
            })
        })
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let next = self.next(context);
        // Without a piece it waits for us, not for its client.
        let is_piece = matches!(next, Poll::Ready(Some(Ok(_))));
        self.waiting.waits(self.number, is_piece.then(Instant::now));
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
        let answer = lock(&self.waiting.open).answers.remove(&self.number);
        drop(answer);
    }
}

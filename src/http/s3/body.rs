//! Bodies on their way in, which are compared with the sums that their senders promised; and on their way out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::BodyExt;
use s3s::TrailingHeaders;
use s3s::dto::{self, StreamingBlob};
use tokio::time::Instant;

use super::error::of_body;
use super::sums::{self, Summing};
use crate::service::Error;
use crate::service::multipart::{Promise, Sums};

/// How often it is looked whether a body still arrives, and how many bytes must have come since.
const LOOK: Duration = Duration::from_secs(60);
const LEAST: usize = 16 << 10;

/// A body that ends with an error unless it is what its sender promised.
pub(super) struct Promised {
    body: Option<StreamingBlob>,
    summing: Summing,
    sums: Sums,
    headers: HeaderMap,
    trailer: Option<TrailingHeaders>,
    length: Option<u64>,
    received: u64,
}

impl Promised {
    /// What `headers` promise of `body`; sums may also come behind it.
    pub(super) fn new(
        body: Option<StreamingBlob>,
        length: Option<i64>,
        headers: &HeaderMap,
        trailer: Option<TrailingHeaders>,
    ) -> Self {
        Self {
            body,
            summing: Summing::of(|name| sums::promises(headers, name)),
            sums: Sums::new(),
            headers: headers.clone(),
            trailer,
            length: promised_length(headers, length),
            received: 0,
        }
    }

    /// Whether more is announced than `limit` bytes.
    pub(super) fn is_longer(&self, limit: u64) -> bool {
        self.length
            .is_some_and(|length| length != u64::MAX && length > limit)
    }

    /// Whether everything was as promised.
    fn judge(&mut self) -> Result<(), Error> {
        if let Some(length) = self.length.filter(|length| *length != self.received) {
            let message = format!("{} of {length} bytes arrived; send them again", self.received);
            return Err(Error::invalid("upload_interrupted", message));
        }
        self.sums = self.summing.end();
        let trailer = self.trailer.as_ref();
        let behind = trailer.and_then(TrailingHeaders::take).unwrap_or_default();
        sums::compare(&self.sums, |name| {
            let promised = self.headers.get(name).or_else(|| behind.get(name));
            promised.map(|sum| sum.as_bytes())
        })
    }
}

impl Promise for Promised {
    fn sums(&self) -> Sums {
        self.sums.clone()
    }
}

/// How long the body is. One in chunks may break off between two of them, so that its own length must be said.
fn promised_length(headers: &HeaderMap, length: Option<i64>) -> Option<u64> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("x-amz-content-sha256").is_some_and(|said| said.starts_with("STREAMING-")) {
        let said = text("x-amz-decoded-content-length").and_then(|said| said.parse().ok());
        // Without it nothing can be whole.
        return Some(said.unwrap_or(u64::MAX));
    }
    length.and_then(|length| u64::try_from(length).ok())
}

impl Stream for Promised {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        match body.poll_next_unpin(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(bytes))) => {
                self.received += bytes.len() as u64;
                self.summing.see(&bytes);
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.body = None;
                Poll::Ready(Some(Err(of_body(error))))
            }
            Poll::Ready(None) => {
                self.body = None;
                Poll::Ready(self.judge().err().map(Err))
            }
        }
    }
}

/// How long a body is waited for.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// When it is looked next.
    look: Instant,
    /// Bytes that have come since it was looked last.
    since: usize,
}

impl Patience {
    fn new(now: Instant) -> Self {
        Self {
            look: now + LOOK,
            since: 0,
        }
    }

    /// Begins to wait.
    fn wait(&mut self, now: Instant) {
        if now >= self.look {
            // It was us who did not look.
            *self = Self::new(now);
        }
    }

    fn arrived(&mut self, now: Instant, bytes: usize) {
        self.since += bytes;
        if self.since >= LEAST {
            *self = Self::new(now);
        }
    }
}

/// The same body with an end when nothing comes of it for too long, or next to nothing; it may be held in chunks and
/// signed.
pub(super) fn patient(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let begin = Some((body.into_data_stream(), Patience::new(Instant::now())));
    let steps = stream::unfold(begin, |state| async move {
        let (mut body, mut patience) = state?;
        patience.wait(Instant::now());
        match tokio::time::timeout_at(patience.look, body.next()).await {
            Ok(None) => None,
            Ok(Some(next)) => {
                patience.arrived(Instant::now(), next.as_ref().map_or(0, Bytes::len));
                Some((next.map_err(io::Error::other), Some((body, patience))))
            }
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
        }
    });
    Body::from_stream(steps)
}

/// An answer that began before its outcome was known. The library writes the begin of a document once more where the
/// outcome is an error.
pub(super) fn one_declaration(body: Body) -> Body {
    let mut is_first = true;
    Body::new(body.map_frame(move |frame| {
        let is_later = !std::mem::replace(&mut is_first, false);
        frame.map_data(|bytes| match bytes.starts_with(DECLARATION) && is_later {
            true => bytes.slice(memchr::memchr(b'>', &bytes).map_or(0, |end| end + 1)..),
            false => bytes,
        })
    }))
}

const DECLARATION: &[u8] = b"<?xml";

/// A body on its way out.
pub(super) fn outgoing(
    stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
) -> dto::StreamingBlob {
    let body = Body::from_stream(stream);
    StreamingBlob::from(s3s::Body::http_body_unsync(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_trickle_are_given_up_and_slow_ones_are_not() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut trickles = Patience::new(begin);
        let mut slow = trickles;
        for second in 1..=59 {
            trickles.wait(after(second));
            trickles.arrived(after(second), 1);
            slow.wait(after(second));
            slow.arrived(after(second), LEAST / 50);
        }
        assert_eq!(trickles.look, begin + LOOK);
        assert!(slow.look > begin + LOOK);
        // The time that passed while nobody looked does not count.
        trickles.wait(after(500));
        assert_eq!(trickles.look, after(500) + LOOK);
    }

    #[tokio::test]
    async fn a_document_begins_once() {
        let pieces = ["<?xml version='1.0'?>", "  ", "<?xml version='1.0'?><Error/>"];
        let pieces = stream::iter(pieces.map(|piece| Ok::<_, io::Error>(Bytes::from(piece))));
        let read = axum::body::to_bytes(one_declaration(Body::from_stream(pieces)), 1000).await;
        assert_eq!(read.unwrap(), "<?xml version='1.0'?>  <Error/>");
    }
}

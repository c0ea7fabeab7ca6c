//! Bodies on their way in, which are compared with the sums that their senders promised; and on their way out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
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

/// The same body with an end when nothing comes of it for too long, or next to nothing; it may be held in chunks and
/// signed.
pub(super) fn patient(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    looked_after(body, LOOK)
}

fn looked_after(body: Body, often: Duration) -> Body {
    let look = Instant::now() + often;
    let steps = stream::unfold(
        Some((body.into_data_stream(), look, 0)),
        move |state| async move {
            let (mut body, mut look, mut since) = state?;
            if Instant::now() >= look {
                // It was us who did not look.
                (look, since) = (Instant::now() + often, 0);
            }
            match tokio::time::timeout_at(look, body.next()).await {
                Ok(None) => None,
                Ok(Some(next)) => {
                    since += next.as_ref().map_or(0, Bytes::len);
                    if since >= LEAST {
                        (look, since) = (Instant::now() + often, 0);
                    }
                    Some((next.map_err(io::Error::other), Some((body, look, since))))
                }
                Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
            }
        },
    );
    Body::from_stream(steps)
}

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

    #[tokio::test]
    async fn bodies_that_trickle_are_given_up_and_slow_ones_are_not() {
        for (piece, is_whole) in [(1, false), (LEAST, true)] {
            let pieces = stream::iter(0..50).then(move |_| async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok::<_, io::Error>(Bytes::from(vec![0; piece]))
            });
            let body = looked_after(Body::from_stream(pieces), Duration::from_millis(200));
            let read = axum::body::to_bytes(body, usize::MAX).await;
            assert_eq!(read.is_ok(), is_whole, "{piece}");
        }
    }
}

//! Bodies on their way in, which are compared with the sums that their senders promised; and on their way out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use s3s::TrailingHeaders;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::{self, StreamingBlob};

use super::error::of_body;
use crate::service::Error;

/// The sums that a sender may promise, by the headers that carry them.
const SUMS: [&str; 5] = [
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
];

const MD5: &str = "content-md5";

/// A body from which nothing comes for so long is given up.
const STALL: Duration = Duration::from_secs(60);

/// A body that ends with an error unless it is what its sender promised.
pub(super) struct Promised {
    body: Option<StreamingBlob>,
    hasher: ChecksumHasher,
    md5: Option<Md5>,
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
        let announced = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok());
        let announced = announced.unwrap_or_default().to_ascii_lowercase();
        let promised =
            |name: &str| headers.contains_key(name) || announced.split(',').any(|one| one.trim() == name);
        Self {
            body,
            hasher: ChecksumHasher {
                crc32: promised(SUMS[0]).then(Crc32::new),
                crc32c: promised(SUMS[1]).then(Crc32c::new),
                crc64nvme: promised(SUMS[2]).then(Crc64Nvme::new),
                sha1: promised(SUMS[3]).then(Sha1::new),
                sha256: promised(SUMS[4]).then(Sha256::new),
            },
            md5: promised(MD5).then(Md5::new),
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
        let found = std::mem::take(&mut self.hasher).finalize();
        let md5 = self.md5.take().map(|md5| STANDARD.encode(md5.finalize()));
        let behind = self
            .trailer
            .as_ref()
            .and_then(TrailingHeaders::take)
            .unwrap_or_default();
        let sums = [
            (SUMS[0], found.checksum_crc32),
            (SUMS[1], found.checksum_crc32c),
            (SUMS[2], found.checksum_crc64nvme),
            (SUMS[3], found.checksum_sha1),
            (SUMS[4], found.checksum_sha256),
            (MD5, md5),
        ];
        for (name, found) in sums
            .iter()
            .filter_map(|(name, found)| Some((name, found.as_ref()?)))
        {
            let promised = self.headers.get(*name).or_else(|| behind.get(*name));
            if promised.is_none_or(|promised| promised.as_bytes() != found.as_bytes()) {
                let message = format!("{name} is not that of the bytes that arrived; send them again");
                return Err(Error::invalid("checksum_mismatch", message));
            }
        }
        Ok(())
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
                self.hasher.update(&bytes);
                if let Some(md5) = &mut self.md5 {
                    md5.update(&bytes);
                }
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

/// The same body with an end when nothing comes of it for too long; it may be held in chunks and signed.
pub(super) fn patient(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let steps = stream::unfold(Some(body.into_data_stream()), |state| async move {
        let mut body = state?;
        match tokio::time::timeout(STALL, body.next()).await {
            Ok(None) => None,
            Ok(Some(next)) => Some((next.map_err(io::Error::other), Some(body))),
            Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
        }
    });
    Body::from_stream(steps)
}

/// A body on its way out.
pub(super) fn outgoing(
    stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
) -> dto::StreamingBlob {
    let body = Body::from_stream(stream);
    StreamingBlob::from(s3s::Body::http_body_unsync(body))
}

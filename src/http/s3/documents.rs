//! Documents that requests carry. The library reads each of them whole and hands on what it says; what its bytes were, and
//! how they ended, is noted here on the way, where the operation finds it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Extensions, HeaderMap, HeaderName};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use s3s::crypto::{Checksum, Sha256};
use s3s::{S3Result, StdError, s3_error};

use super::error::{answer, of_body, refusal};
use super::open::CONTENT;
use super::sums::{self, Summing};
use crate::http::aws_json::signature::hex;
use crate::service::Error;
use crate::service::multipart::Sums;

/// What was noted of the document of one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    /// The sums that were promised, as they were found; none until the last byte has passed.
    sums: Option<Sums>,
    /// Why it broke off.
    broken: Option<Error>,
}

impl Noted {
    /// The same body, of which is noted what `headers` promise.
    pub(super) fn watch(&self, body: Body, headers: &HeaderMap) -> Body {
        let summing = Summing::of(|name| sums::promises(headers, name));
        let hashing = Hashing::of(headers);
        let begin = Some((body.into_data_stream(), summing, hashing, self.clone()));
        Body::from_stream(stream::unfold(begin, |state| async move {
            let (mut body, mut summing, mut hashing, noted) = state?;
            match body.next().await {
                Some(Ok(bytes)) => {
                    summing.see(&bytes);
                    if let Err(error) = hashing.see(&bytes) {
                        noted.with(|notes| notes.broken = Some(error));
                    }
                    Some((Ok(bytes), Some((body, summing, hashing, noted))))
                }
                Some(Err(error)) => {
                    let what = error.to_string();
                    let broken = of_body(StdError::from(error));
                    noted.with(|notes| notes.broken = Some(broken));
                    Some((Err(std::io::Error::other(what)), None))
                }
                None => {
                    noted.with(|notes| notes.sums = Some(summing.end()));
                    None
                }
            }
        }))
    }

    /// The answer to a document that broke off, of which the library only knows that it could not be read.
    pub(super) fn broken(&self) -> Option<Response> {
        let error = self.with(|notes| notes.broken.take())?;
        Some(answer(&refusal(error)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Notes) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The hash of a whole document that its headers tell, because it is signed. The library compares it, too, but takes another
/// one for an error of ours, and reads no further than to the last byte that was announced.
struct Hashing {
    promised: Option<String>,
    hash: Sha256,
    left: usize,
}

impl Hashing {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
        let said = text(&CONTENT).filter(|said| said.len() == 64);
        let length = text(&CONTENT_LENGTH).and_then(|length| length.parse().ok());
        Self {
            promised: said.map(str::to_owned),
            hash: Sha256::new(),
            left: length.unwrap_or(usize::MAX),
        }
    }

    /// Fails at the last byte if the hash is another one.
    fn see(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.left = self.left.saturating_sub(bytes.len());
        let Some(promised) = self.promised.take_if(|_| self.left == 0) else {
            return Ok(());
        };
        let found = hex(&std::mem::replace(&mut self.hash, Sha256::new()).finalize());
        match found == promised {
            true => Ok(()),
            false => Err(Error::invalid(
                "checksum_mismatch",
                format!("{CONTENT} is not the hash of the document that arrived; send it again"),
            )),
        }
    }
}

/// Fails unless `headers` promise a sum of the document of a request, and it is that. What was not noted is not taken for
/// right.
pub(super) fn compared(extensions: &Extensions, headers: &HeaderMap) -> S3Result<()> {
    let found = found(extensions)?;
    if found.is_empty() {
        return Err(s3_error!(
            InvalidRequest,
            "a sum of the document is missing; send Content-MD5 or x-amz-checksum-crc32, -crc32c, -crc64nvme, -sha1 or -sha256"
        ));
    }
    as_promised(&found, headers)
}

/// Fails unless the document is that of Content-MD5, if it is promised; the other sums are about what the document makes.
pub(super) fn compared_by_md5(extensions: &Extensions, headers: &HeaderMap) -> S3Result<()> {
    let mut found = found(extensions)?;
    found.retain(|name, _| *name == sums::MD5);
    as_promised(&found, headers)
}

/// The sums that the document has.
fn found(extensions: &Extensions) -> S3Result<Sums> {
    let noted = extensions.get::<Noted>();
    let found = noted.and_then(|noted| noted.with(|notes| notes.sums.take()));
    found.ok_or_else(|| {
        s3_error!(
            IncompleteBody,
            "the document was not read to its end; send it again"
        )
    })
}

fn as_promised(found: &Sums, headers: &HeaderMap) -> S3Result<()> {
    sums::compare(found, |name| headers.get(name).map(|sum| sum.as_bytes())).map_err(refusal)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::StatusCode;
    use bytes::Bytes;

    use super::*;

    async fn answered(piece: Result<Bytes, std::io::Error>) -> Option<(StatusCode, String)> {
        let noted = Noted::default();
        let body = Body::from_stream(stream::iter([Ok(Bytes::from_static(b"<Delete>")), piece]));
        let body = noted.watch(body, &HeaderMap::new());
        let _ = to_bytes(body, 1000).await;
        let response = noted.broken()?;
        let status = response.status();
        let text = to_bytes(response.into_body(), 1000).await.unwrap();
        Some((status, String::from_utf8(text.to_vec()).unwrap()))
    }

    #[tokio::test]
    async fn a_document_that_breaks_off_is_no_error_of_ours() {
        let (status, text) = answered(Err(std::io::ErrorKind::TimedOut.into())).await.unwrap();
        assert_eq!(status, 400);
        assert!(text.contains("<Code>RequestTimeout</Code>"), "{text}");
        let (status, text) = answered(Err(std::io::ErrorKind::ConnectionReset.into()))
            .await
            .unwrap();
        assert_eq!(status, 400);
        assert!(text.contains("<Code>IncompleteBody</Code>"), "{text}");
        assert_eq!(answered(Ok(Bytes::from_static(b"</Delete>"))).await, None);
    }
}

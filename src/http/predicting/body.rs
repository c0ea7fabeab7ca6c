//! The body of a request for predictions, read within bounds.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use bytes::BytesMut;
use futures_util::StreamExt;

use crate::http::rest::extract::{BodyLimit, DEFAULT_BODY_LIMIT, check_length};
use crate::service::Error;

/// A body has this long to arrive, and a second more for every so many bytes that have.
pub const PATIENCE: Duration = Duration::from_secs(10);
const BYTES_A_SECOND: u64 = 64 << 10;

/// The whole body, of at most so many bytes, or fewer where the server allows no more.
pub async fn read_within(mut request: Request, most: u64) -> Result<Bytes, Error> {
    let limit = request
        .extensions()
        .get::<BodyLimit>()
        .map_or(most, |limit| limit.0.min(most));
    request.extensions_mut().insert(BodyLimit(limit));
    read(request, PATIENCE, |_| Ok(())).await
}

/// The whole body. One that is too large is refused, and one that arrives too slowly is given up, because those who
/// send a byte now and then would take the places of others. `arrived` is told how many bytes there are so far, and may
/// refuse more.
pub async fn read(
    request: Request,
    patience: Duration,
    mut arrived: impl FnMut(u64) -> Result<(), Error>,
) -> Result<Bytes, Error> {
    let limit = request.extensions().get::<BodyLimit>();
    let limit = limit.map_or(DEFAULT_BODY_LIMIT, |limit| limit.0);
    check_length(request.headers(), limit, "the request body")?;
    let begun = tokio::time::Instant::now();
    let mut chunks = request.into_body().into_data_stream();
    let mut whole = Bytes::new();
    let mut more = BytesMut::new();
    loop {
        let received = (whole.len() + more.len()) as u64;
        let patience = patience + Duration::from_secs(received / BYTES_A_SECOND);
        let next = tokio::time::timeout_at(begun + patience, chunks.next()).await;
        let next = next.map_err(|_| {
            let message = format!("only {received} bytes arrived in {} s", patience.as_secs());
            Error::unavailable("upload_stalled", message)
        })?;
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|_| {
            Error::invalid("incomplete_body", "the request body ended before it was complete")
        })?;
        if received + chunk.len() as u64 > limit {
            let what = "the request body";
            return Err(Error::TooLarge { what, limit });
        }
        arrived(received + chunk.len() as u64)?;
        // Most bodies arrive in one piece and are not copied.
        if received == 0 {
            whole = chunk;
        } else {
            more.extend_from_slice(&std::mem::take(&mut whole));
            more.extend_from_slice(&chunk);
        }
    }
    Ok(if more.is_empty() { whole } else { more.freeze() })
}

/// How many records a body may hold at most: between two there is a comma or the end of a line, in every format.
pub fn most_records(body: &[u8]) -> usize {
    1 + memchr::memchr2_iter(b',', b'\n', body).count()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    fn request(body: Body) -> Request {
        let mut request = Request::new(body);
        request.extensions_mut().insert(BodyLimit(10));
        request
    }

    fn chunks(chunks: &[&'static str]) -> Vec<Result<Bytes, std::io::Error>> {
        let chunk = |chunk: &&'static str| Ok(Bytes::from_static(chunk.as_bytes()));
        chunks.iter().map(chunk).collect()
    }

    async fn reading(parts: &[&'static str]) -> Result<Bytes, Error> {
        let body = Body::from_stream(stream::iter(chunks(parts)));
        read(request(body), PATIENCE, |_| Ok(())).await
    }

    #[tokio::test]
    async fn a_body_is_read_whole_and_within_its_limit() {
        let cases: [(&[&str], &str); 3] = [
            (&[], ""),
            (&["abc"], "abc"),
            (&["abc", "", "def", "ghij"], "abcdefghij"),
        ];
        for (parts, whole) in cases {
            assert_eq!(reading(parts).await.unwrap(), whole);
        }
        let refused = reading(&["abcdef", "ghijk"]).await.unwrap_err();
        assert_eq!(refused.code(), "too_large");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_or_stalls_is_given_up() {
        let mut broken = chunks(&["ab"]);
        broken.push(Err(std::io::Error::other("gone")));
        let broken = Body::from_stream(stream::iter(broken));
        let error = read(request(broken), PATIENCE, |_| Ok(())).await.unwrap_err();
        assert_eq!(error.code(), "incomplete_body");

        let silent = stream::iter(chunks(&["abc"])).chain(stream::pending());
        let patience = Duration::from_millis(20);
        let error = read(request(Body::from_stream(silent)), patience, |_| Ok(()))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "upload_stalled");
        assert!(error.to_string().contains("only 3 bytes"), "{error}");
    }

    #[tokio::test]
    async fn more_can_be_refused_while_it_arrives() {
        let body = Body::from_stream(stream::iter(chunks(&["abc", "def", "g"])));
        let mut told = Vec::new();
        let arrived = |bytes| {
            told.push(bytes);
            match bytes > 3 {
                true => Err(Error::invalid("no_more", "that is enough")),
                false => Ok(()),
            }
        };
        let error = read(request(body), PATIENCE, arrived).await.unwrap_err();
        assert_eq!(error.code(), "no_more");
        assert_eq!(told, [3, 6]);
    }

    #[test]
    fn no_body_has_more_records_than_counted() {
        for (body, records) in [
            ("{}", 1),
            (r#"{"records":[{},{},[]]}"#, 3),
            ("a,b\n1,2\n", 5),
            ("", 1),
        ] {
            assert_eq!(most_records(body.as_bytes()), records, "{body}");
        }
    }
}

//! Signed chunks without their signatures: `5;chunk-signature=…` becomes `5`, and so do the lines behind the last chunk.
//!
//! For doors without keys, where nobody could tell a right signature from a wrong one.

use std::io;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

/// A line before a chunk or behind the last one is no longer than this.
const LONGEST: usize = 8192;

/// The line that signs what comes behind the last chunk.
const SIGNATURE: &[u8] = b"x-amz-trailer-signature";

/// Where in the body the next byte is.
#[derive(Debug, Clone, Copy)]
enum At {
    /// In the line before a chunk.
    Line,
    /// In a chunk, the end of its line included; so many bytes are left.
    Chunk(u64),
    /// Behind the last chunk.
    Behind,
}

/// Takes the signatures out of a body, piece by piece.
#[derive(Debug)]
struct Unsigned {
    at: At,
    /// The begin of a line.
    line: BytesMut,
}

impl Unsigned {
    fn new() -> Self {
        Self {
            at: At::Line,
            line: BytesMut::new(),
        }
    }

    /// What is left of the next bytes.
    fn pass(&mut self, mut bytes: Bytes) -> io::Result<Bytes> {
        let mut left = BytesMut::with_capacity(bytes.len());
        while !bytes.is_empty() {
            if let At::Chunk(rest) = self.at {
                let here = bytes.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
                left.extend_from_slice(&bytes.split_to(here));
                self.at = match rest - here as u64 {
                    0 => At::Line,
                    rest => At::Chunk(rest),
                };
                continue;
            }
            let end = memchr::memchr(b'\n', &bytes).map(|at| at + 1);
            self.line
                .extend_from_slice(&bytes.split_to(end.unwrap_or(bytes.len())));
            if self.line.len() > LONGEST {
                return Err(io::Error::other("a line between chunks is too long"));
            }
            if end.is_some() {
                let line = self.line.split().freeze();
                self.whole(&line, &mut left)?;
            }
        }
        Ok(left.freeze())
    }

    /// A whole line, its end included.
    fn whole(&mut self, line: &Bytes, left: &mut BytesMut) -> io::Result<()> {
        if let At::Behind = self.at {
            let is_signature = line
                .get(..SIGNATURE.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(SIGNATURE));
            if !is_signature {
                left.extend_from_slice(line);
            }
            return Ok(());
        }
        let size = line
            .split(|b| matches!(b, b';' | b'\r' | b'\n'))
            .next()
            .unwrap_or_default();
        let number = std::str::from_utf8(size)
            .ok()
            .and_then(|size| u64::from_str_radix(size, 16).ok());
        let number = number.ok_or_else(|| io::Error::other("a chunk does not begin with its length"))?;
        left.extend_from_slice(size);
        left.extend_from_slice(b"\r\n");
        self.at = match number {
            0 => At::Behind,
            number => At::Chunk(number.saturating_add(2)),
        };
        Ok(())
    }
}

/// The same body with nothing signed in it.
pub(super) fn unsigned(body: Body) -> Body {
    let start = Some((body.into_data_stream(), Unsigned::new()));
    let steps = stream::unfold(start, |state| async move {
        let (mut body, mut unsigned) = state?;
        match body.next().await? {
            Err(error) => Some((Err(io::Error::other(error)), None)),
            Ok(bytes) => match unsigned.pass(bytes) {
                Ok(bytes) => Some((Ok(bytes), Some((body, unsigned)))),
                Err(error) => Some((Err(error), None)),
            },
        }
    });
    Body::from_stream(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(body: &[u8], piece: usize) -> io::Result<String> {
        let mut unsigned = Unsigned::new();
        let mut left = Vec::new();
        for bytes in body.chunks(piece) {
            left.extend_from_slice(&unsigned.pass(Bytes::copy_from_slice(bytes))?);
        }
        Ok(String::from_utf8(left).unwrap())
    }

    #[test]
    fn nothing_but_signatures_is_left_out_wherever_pieces_are_cut() {
        let body = b"b;chunk-signature=00ff\r\n0;\r\n5;x\r\nyz\r\n3\r\nabc\r\n0;chunk-signature=11\r\n\
            x-amz-checksum-crc32:AA==\r\nX-Amz-Trailer-Signature:22\r\n\r\n";
        let left = "b\r\n0;\r\n5;x\r\nyz\r\n3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n";
        for piece in 1..body.len() {
            assert_eq!(passed(body, piece).unwrap(), left, "{piece}");
        }
    }

    #[test]
    fn what_is_not_cut_into_chunks_is_refused() {
        for body in ["x\r\n", "\r\n", "-1\r\n", &"1".repeat(9000)] {
            assert!(passed(body.as_bytes(), 7).is_err(), "{body}");
        }
    }
}

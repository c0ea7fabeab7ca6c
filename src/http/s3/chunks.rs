//! Bodies in chunks, looked at before the library takes them apart: it holds each chunk whole, so that none may be large.
//!
//! At doors without keys, where nobody could tell a right signature from a wrong one, chunks lose theirs:
//! `5;chunk-signature=…` becomes `5`, and the lines behind the last chunk go.

use std::io;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

/// A line before a chunk or behind the last one is no longer than this.
const LONGEST: usize = 8192;

/// Bytes of the largest chunk; clients cut bodies into chunks of 64 KiB to 1 MiB.
const LARGEST: u64 = 16 << 20;

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

/// Looks through a body, piece by piece, and takes the signatures out of it where nobody knows them.
#[derive(Debug)]
struct Chunks {
    at: At,
    /// The begin of a line.
    line: BytesMut,
    are_signed: bool,
}

impl Chunks {
    fn new(are_signed: bool) -> Self {
        Self {
            at: At::Line,
            line: BytesMut::new(),
            are_signed,
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

    /// What is left when nothing more comes. A body that ends before the chunk of no bytes was cut, however many bytes it
    /// has brought: only that chunk says, and signs, that no others follow.
    fn end(&mut self) -> io::Result<Bytes> {
        let At::Behind = self.at else {
            let what = "the body ends before its last chunk, the one of no bytes";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        };
        let mut left = BytesMut::new();
        let line = self.line.split().freeze();
        if !line.is_empty() {
            self.whole(&line, &mut left)?;
        }
        Ok(left.freeze())
    }

    /// A whole line, its end included.
    fn whole(&mut self, line: &Bytes, left: &mut BytesMut) -> io::Result<()> {
        if let At::Behind = self.at {
            let is_signature = line
                .get(..SIGNATURE.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(SIGNATURE));
            if self.are_signed || !is_signature {
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
        if number > LARGEST {
            let what = format!("a chunk has {number} bytes; cut the body into chunks of at most {LARGEST}");
            return Err(io::Error::other(what));
        }
        if self.are_signed {
            left.extend_from_slice(line);
        } else {
            left.extend_from_slice(size);
            left.extend_from_slice(b"\r\n");
        }
        self.at = match number {
            0 => At::Behind,
            number => At::Chunk(number + 2),
        };
        Ok(())
    }
}

/// The same body, with nothing signed in it unless `are_signed`; it ends with an error at a chunk that is too large.
pub(super) fn checked(body: Body, are_signed: bool) -> Body {
    let start = Some((body.into_data_stream(), Chunks::new(are_signed)));
    let steps = stream::unfold(start, |state| async move {
        let (mut body, mut chunks) = state?;
        let bytes = match body.next().await {
            None => return Some((chunks.end(), None)),
            Some(bytes) => bytes.map_err(io::Error::other),
        };
        match bytes.and_then(|bytes| chunks.pass(bytes)) {
            Ok(bytes) => Some((Ok(bytes), Some((body, chunks)))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Body::from_stream(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(body: &[u8], piece: usize, are_signed: bool) -> io::Result<String> {
        let mut chunks = Chunks::new(are_signed);
        let mut left = Vec::new();
        for bytes in body.chunks(piece) {
            left.extend_from_slice(&chunks.pass(Bytes::copy_from_slice(bytes))?);
        }
        left.extend_from_slice(&chunks.end()?);
        Ok(String::from_utf8(left).unwrap())
    }

    #[test]
    fn nothing_but_signatures_is_left_out_wherever_pieces_are_cut() {
        let body = b"b;chunk-signature=00ff\r\n0;\r\n5;x\r\nyz\r\n3\r\nabc\r\n0;chunk-signature=11\r\n\
            x-amz-checksum-crc32:AA==\r\nX-Amz-Trailer-Signature:22\r\n\r\n";
        let left = "b\r\n0;\r\n5;x\r\nyz\r\n3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n";
        for piece in 1..body.len() {
            assert_eq!(passed(body, piece, false).unwrap(), left, "{piece}");
            assert_eq!(passed(body, piece, true).unwrap().as_bytes(), body, "{piece}");
        }
    }

    #[test]
    fn a_body_without_its_last_chunk_was_cut() {
        let body = b"3;chunk-signature=00ff\r\nabc\r\n0;chunk-signature=11\r\n\r\n";
        let last = body.len() - b"\r\n".len();
        for end in 0..=body.len() {
            let error = passed(&body[..end], 5, true).err().map(|error| error.kind());
            let wanted = (end < last).then_some(io::ErrorKind::UnexpectedEof);
            assert_eq!(error, wanted, "{end}");
        }
    }

    #[test]
    fn what_is_not_cut_into_chunks_is_refused() {
        for body in ["x\r\n", "\r\n", "-1\r\n", "1000001\r\n", &"1".repeat(9000)] {
            assert!(passed(body.as_bytes(), 7, true).is_err(), "{body}");
        }
    }
}

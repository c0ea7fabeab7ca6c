//! Compresses the output so that it can be cut: each segment is a gzip member or a zstd frame of its own, and
//! members one after the other are a valid file.

use std::io::{self, Write};

use super::form::Compress;

/// Level of zstd: its own default.
const ZSTD_LEVEL: i32 = 3;
/// Compressed bytes that are gathered before they are handed on.
const GATHER: usize = 64 << 10;

/// Compresses what is written, member by member.
pub struct Members {
    compress: Compress,
    open: Open,
}

/// The member that is being written.
enum Open {
    None,
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Zstd(zstd::Encoder<'static, Vec<u8>>),
}

impl Members {
    /// Nothing is written yet.
    pub fn new(compress: Compress) -> Self {
        let open = Open::None;
        Self { compress, open }
    }

    /// Begins a member. Without bytes it is an empty one.
    pub fn begin(&mut self) -> io::Result<()> {
        self.open = match self.compress {
            Compress::None => Open::None,
            Compress::Gzip => Open::Gzip(flate2::write::GzEncoder::new(
                Vec::new(),
                flate2::Compression::default(),
            )),
            Compress::Zstd => Open::Zstd(zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
        };
        Ok(())
    }

    /// Compresses `bytes` and hands what is ready to `out`.
    pub fn write(&mut self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let ready = match &mut self.open {
            Open::None => return out.write_all(bytes),
            Open::Gzip(encoder) => {
                encoder.write_all(bytes)?;
                encoder.get_mut()
            }
            Open::Zstd(encoder) => {
                encoder.write_all(bytes)?;
                encoder.get_mut()
            }
        };
        if ready.len() >= GATHER {
            out.write_all(ready)?;
            ready.clear();
        }
        Ok(())
    }

    /// Ends the member.
    pub fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match std::mem::replace(&mut self.open, Open::None) {
            Open::None => Ok(()),
            Open::Gzip(encoder) => out.write_all(&encoder.finish()?),
            Open::Zstd(encoder) => out.write_all(&encoder.finish()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::ml::ingest::decompress::plain_bytes;

    #[test]
    fn members_one_after_the_other_read_as_one_file() {
        for compress in [Compress::None, Compress::Gzip, Compress::Zstd] {
            let (mut out, mut expected) = (Vec::new(), Vec::new());
            let mut members = Members::new(compress);
            for member in 0..3u32 {
                members.begin().unwrap();
                for line in 0..20_000u32 {
                    let bytes = format!("{member},{}\n", line.wrapping_mul(2_654_435_761));
                    members.write(bytes.as_bytes(), &mut out).unwrap();
                    expected.extend_from_slice(bytes.as_bytes());
                }
                members.end(&mut out).unwrap();
            }
            assert_eq!(out.len() < expected.len(), compress != Compress::None);
            let mut read = Vec::new();
            let (mut plain, _) = plain_bytes(Box::new(io::Cursor::new(out))).unwrap();
            plain.read_to_end(&mut read).unwrap();
            assert!(read == expected, "{compress:?}");
        }
    }
}

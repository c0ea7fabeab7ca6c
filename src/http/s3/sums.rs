//! Sums over bytes, as their senders promise them: made while the bytes pass, and compared after the last.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Result, s3_error};

use crate::service::Error;
use crate::service::multipart::{Judge, Sums};

const CRC32: &str = "x-amz-checksum-crc32";
const CRC32C: &str = "x-amz-checksum-crc32c";
const CRC64: &str = "x-amz-checksum-crc64nvme";
const SHA1: &str = "x-amz-checksum-sha1";
const SHA256: &str = "x-amz-checksum-sha256";
/// The only one that is also sent with documents that say something about a file.
pub(super) const MD5: &str = "content-md5";

/// The sums that are wanted of bytes that pass.
pub(super) struct Summing {
    hasher: ChecksumHasher,
    md5: Option<Md5>,
}

impl Summing {
    /// Those whose header `wanted` names.
    pub(super) fn of(wanted: impl Fn(&str) -> bool) -> Self {
        Self {
            hasher: ChecksumHasher {
                crc32: wanted(CRC32).then(Crc32::new),
                crc32c: wanted(CRC32C).then(Crc32c::new),
                crc64nvme: wanted(CRC64).then(Crc64Nvme::new),
                sha1: wanted(SHA1).then(Sha1::new),
                sha256: wanted(SHA256).then(Sha256::new),
            },
            md5: wanted(MD5).then(Md5::new),
        }
    }

    /// The next bytes.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    /// The sums of all bytes, by the names of their headers; afterwards nothing is summed up.
    pub(super) fn end(&mut self) -> Sums {
        let found = std::mem::take(&mut self.hasher).finalize();
        let md5 = self.md5.take().map(|md5| STANDARD.encode(md5.finalize()));
        let mut sums = given(
            found.checksum_crc32,
            found.checksum_crc32c,
            found.checksum_crc64nvme,
            found.checksum_sha1,
            found.checksum_sha256,
        );
        sums.extend(md5.map(|md5| (MD5, md5)));
        sums
    }
}

/// The sums that are told, by the names of their headers.
pub(super) fn given(
    crc32: Option<String>,
    crc32c: Option<String>,
    crc64: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
) -> Sums {
    let all = [
        (CRC32, crc32),
        (CRC32C, crc32c),
        (CRC64, crc64),
        (SHA1, sha1),
        (SHA256, sha256),
    ];
    all.into_iter()
        .filter_map(|(name, sum)| Some((name, sum?)))
        .collect()
}

/// Whether `name` is that of a header, or says something about the sums in others.
pub(super) fn is_known(name: &str) -> bool {
    const ABOUT: [&str; 3] = [
        "x-amz-checksum-algorithm",
        "x-amz-checksum-type",
        "x-amz-checksum-mode",
    ];
    [CRC32, CRC32C, CRC64, SHA1, SHA256].contains(&name) || ABOUT.contains(&name)
}

/// The sums in the order in which [`given`] takes them.
pub(super) fn told(sums: &Sums) -> [Option<String>; 5] {
    [CRC32, CRC32C, CRC64, SHA1, SHA256].map(|name| sums.get(name).cloned())
}

/// Fails unless `found` is what `promised` says of each.
pub(super) fn compare<'a>(found: &Sums, promised: impl Fn(&str) -> Option<&'a [u8]>) -> Result<(), Error> {
    let wrong = found
        .iter()
        .find(|(name, sum)| promised(name) != Some(sum.as_bytes()));
    match wrong {
        None => Ok(()),
        Some((name, _)) => Err(Error::invalid(
            "checksum_mismatch",
            format!("{name} is not that of the bytes that arrived; send them again"),
        )),
    }
}

/// Whether `headers` promise the sum of the name `name`, at once or behind the body.
pub(super) fn promises(headers: &HeaderMap, name: &str) -> bool {
    let announced = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok());
    let announced = announced.unwrap_or_default().to_ascii_lowercase();
    headers.contains_key(name) || announced.split(',').any(|one| one.trim() == name)
}

/// What is said of a whole file that is put together from parts.
pub(super) struct Whole {
    summing: Summing,
    promised: Sums,
    size_bytes: Option<u64>,
    seen: u64,
}

impl Whole {
    /// Sums of the sums of parts, which end in a dash and a number, are not known here.
    pub(super) fn new(promised: Sums, size_bytes: Option<u64>) -> S3Result<Self> {
        if let Some((name, _)) = promised.iter().find(|(_, sum)| sum.contains('-')) {
            return Err(s3_error!(
                NotImplemented,
                "{} of the sums of parts is not known here; send that of the whole file, or none",
                name
            ));
        }
        Ok(Self {
            summing: Summing::of(|name| promised.contains_key(name)),
            promised,
            size_bytes,
            seen: 0,
        })
    }
}

impl Judge for Whole {
    fn see(&mut self, bytes: &Bytes) {
        self.seen += bytes.len() as u64;
        self.summing.see(bytes);
    }

    fn judge(&mut self) -> Result<(), Error> {
        if let Some(promised) = self.size_bytes.filter(|size| *size != self.seen) {
            let message = format!(
                "the parts have {} bytes together, not {promised} as promised",
                self.seen
            );
            return Err(Error::invalid("checksum_mismatch", message));
        }
        compare(&self.summing.end(), |name| {
            self.promised.get(name).map(String::as_bytes)
        })
    }
}

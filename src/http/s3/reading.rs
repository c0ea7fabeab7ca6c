//! GetObject and HeadObject: files and parts of them, under conditions.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::body::outgoing;
use super::conditions::{Conditions, only};
use super::error::{refusal, unsatisfiable};
use super::objects::{at, tag, time};
use crate::domain::location::Location;
use crate::service::requests::ByteRange;
use crate::service::{Error, Service};

/// What S3 calls the type of bytes of which nothing is known.
const BYTES: &str = "binary/octet-stream";

/// What clients call the type of an empty object that stands for a folder.
const FOLDER: &str = "application/x-directory";

/// The type of a file, of which nothing is known, or of a folder.
fn kind(at: &Location) -> Option<String> {
    Some(if at.is_folder() { FOLDER } else { BYTES }.to_owned())
}

fn part(range: Option<Range>) -> Option<ByteRange> {
    range.map(|range| match range {
        Range::Int { first, last } => ByteRange::Slice { first, last },
        Range::Suffix { length } => ByteRange::Suffix(length),
    })
}

/// What is said of the bytes `part` of a file of `size`, if a part was asked for.
fn told(is_part: bool, part: &std::ops::Range<u64>, size: u64) -> Option<String> {
    is_part.then(|| format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1)))
}

/// GetObject.
pub(super) async fn get(service: &Service, request: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
    let input = request.input;
    let at = at(&input.bucket, &input.key)?;
    let range = part(input.range);
    only(input.part_number, input.version_id.as_ref())?;
    if request.headers.contains_key("if-range") {
        return Err(s3_error!(
            NotImplemented,
            "If-Range is not known here; ask with If-Match"
        ));
    }
    let conditions = Conditions {
        matches: input.if_match,
        differs: input.if_none_match,
        unmodified: input.if_unmodified_since,
        modified: input.if_modified_since,
    };
    let found = service.object(&at).await.map_err(refusal)?;
    conditions.check(&found)?;
    let read = service.object_read(&at, range).await;
    let (file, reading) = read.map_err(|error| match error {
        Error::InvalidInput {
            code: "empty_range", ..
        } => unsatisfiable(found.size_bytes),
        error => refusal(error),
    })?;
    conditions.check(&file)?;
    let (part, size) = (reading.range.clone(), reading.size_bytes);
    let is_part = range.is_some() || (input.part_number.is_some() && size > 0);
    Ok(GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body: Some(outgoing(reading.stream)),
        content_length: i64::try_from(part.end - part.start).ok(),
        content_range: told(is_part, &part, size),
        content_type: kind(&at),
        e_tag: tag(&file),
        last_modified: file.changed_micros.map(time),
        ..GetObjectOutput::default()
    })
}

/// HeadObject.
pub(super) async fn head(service: &Service, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
    let at = at(&input.bucket, &input.key)?;
    only(input.part_number, input.version_id.as_ref())?;
    let conditions = Conditions {
        matches: input.if_match,
        differs: input.if_none_match,
        unmodified: input.if_unmodified_since,
        modified: input.if_modified_since,
    };
    let file = service.object(&at).await.map_err(refusal)?;
    conditions.check(&file)?;
    let size = file.size_bytes;
    let range = part(input.range);
    let is_part = range.is_some() || (input.part_number.is_some() && size > 0);
    let part = match range {
        Some(range) => range.resolve(size).ok_or_else(|| unsatisfiable(size))?,
        None => 0..size,
    };
    Ok(HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: i64::try_from(part.end - part.start).ok(),
        content_range: told(is_part, &part, size),
        content_type: kind(&at),
        e_tag: tag(&file),
        last_modified: file.changed_micros.map(time),
        ..HeadObjectOutput::default()
    })
}

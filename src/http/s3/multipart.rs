//! Objects that arrive in parts.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::body::Promised;
use super::error::refusal;
use super::objects::{Buckets, at, tag, time};
use super::sums::{self, Whole};
use super::unkept;
use crate::service::multipart::{MOST_PARTS, Named};

/// The number of a part.
fn number(asked: i32) -> S3Result<u16> {
    let number = u16::try_from(asked)
        .ok()
        .filter(|number| (1..=MOST_PARTS).contains(number));
    number.ok_or_else(|| s3_error!(InvalidArgument, "parts are numbered from 1 to {}", MOST_PARTS))
}

/// CreateMultipartUpload.
pub(super) async fn begin(
    buckets: &Buckets,
    input: CreateMultipartUploadInput,
) -> S3Result<CreateMultipartUploadOutput> {
    let at = at(&input.bucket, &input.key)?;
    let id = buckets.service.multipart_begin(&at).await.map_err(refusal)?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        ..CreateMultipartUploadOutput::default()
    })
}

/// UploadPart.
pub(super) async fn part(
    buckets: &Buckets,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    unkept::refused(&request.headers)?;
    let input = request.input;
    let at = at(&input.bucket, &input.key)?;
    let number = number(input.part_number)?;
    let body = Promised::new(
        input.body,
        input.content_length,
        &request.headers,
        request.trailing_headers,
    );
    let part = buckets
        .service
        .multipart_part((&input.upload_id, &at), number, body, buckets.limit);
    let part = part.await.map_err(refusal)?;
    let [crc32, crc32c, crc64, sha1, sha256] = sums::told(&part.sums);
    Ok(UploadPartOutput {
        e_tag: Some(ETag::Strong(part.tag.clone())),
        checksum_crc32: crc32,
        checksum_crc32c: crc32c,
        checksum_crc64nvme: crc64,
        checksum_sha1: sha1,
        checksum_sha256: sha256,
        ..UploadPartOutput::default()
    })
}

/// CompleteMultipartUpload. Where the copy takes long, the answer begins before it has ended, and says at its end how it
/// went: nobody is to take it for a dead connection.
pub(super) async fn complete(
    buckets: &Buckets,
    input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let at = at(&input.bucket, &input.key)?;
    if input.if_match.is_some() || input.if_none_match.is_some() {
        return Err(s3_error!(
            NotImplemented,
            "conditions of CompleteMultipartUpload are not known here"
        ));
    }
    let (bucket, key) = (input.bucket, input.key);
    let promised = sums::given(
        input.checksum_crc32,
        input.checksum_crc32c,
        input.checksum_crc64nvme,
        input.checksum_sha1,
        input.checksum_sha256,
    );
    let size = input.mpu_object_size.and_then(|size| u64::try_from(size).ok());
    let whole = Whole::new(promised, size)?;
    let wanted = named(input.multipart_upload)?;
    let made = buckets
        .service
        .multipart_complete(&input.upload_id, &at, wanted, buckets.limit, whole)
        .map_err(refusal)?;
    let mut answer = Box::pin(async move {
        Ok(CompleteMultipartUploadOutput {
            e_tag: tag(&made.await.map_err(refusal)?),
            location: Some(format!("/{bucket}/{key}")),
            bucket: Some(bucket),
            key: Some(key),
            ..CompleteMultipartUploadOutput::default()
        })
    });
    match tokio::time::timeout(buckets.patience, &mut answer).await {
        Ok(answer) => answer,
        Err(_) => Ok(CompleteMultipartUploadOutput {
            future: Some(answer),
            ..CompleteMultipartUploadOutput::default()
        }),
    }
}

fn named(upload: Option<CompletedMultipartUpload>) -> S3Result<Vec<Named>> {
    let parts = upload.and_then(|upload| upload.parts).unwrap_or_default();
    let named = parts.into_iter().map(|part| {
        Ok(Named {
            number: number(part.part_number.unwrap_or_default())?,
            tag: part.e_tag.map(ETag::into_value),
            sums: sums::given(
                part.checksum_crc32,
                part.checksum_crc32c,
                part.checksum_crc64nvme,
                part.checksum_sha1,
                part.checksum_sha256,
            ),
        })
    });
    named.collect()
}

/// AbortMultipartUpload.
pub(super) async fn abort(
    buckets: &Buckets,
    input: &AbortMultipartUploadInput,
) -> S3Result<AbortMultipartUploadOutput> {
    let at = at(&input.bucket, &input.key)?;
    buckets
        .service
        .multipart_abort(&input.upload_id, &at)
        .await
        .map_err(refusal)?;
    Ok(AbortMultipartUploadOutput::default())
}

/// ListParts.
pub(super) fn parts(buckets: &Buckets, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let at = at(&input.bucket, &input.key)?;
    let there = buckets
        .service
        .multipart_parts(&input.upload_id, &at)
        .map_err(refusal)?;
    let after = input.part_number_marker.unwrap_or_default();
    let limit = input
        .max_parts
        .map_or(1000, |asked| usize::try_from(asked).unwrap_or(0).min(1000));
    let mut left = there.iter().filter(|(number, _)| i32::from(**number) > after);
    let parts: Vec<Part> = left
        .by_ref()
        .take(limit)
        .map(|(number, part)| Part {
            part_number: Some(i32::from(*number)),
            e_tag: Some(ETag::Strong(part.tag.clone())),
            size: i64::try_from(part.size_bytes).ok(),
            last_modified: Some(time(part.at_micros)),
            ..Part::default()
        })
        .collect();
    Ok(ListPartsOutput {
        is_truncated: Some(left.next().is_some()),
        next_part_number_marker: parts.last().and_then(|part| part.part_number),
        part_number_marker: input.part_number_marker,
        max_parts: i32::try_from(limit).ok(),
        parts: Some(parts),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        ..ListPartsOutput::default()
    })
}

/// ListMultipartUploads: all on one page, because there are never many.
pub(super) async fn list(
    buckets: &Buckets,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    let begun = buckets
        .service
        .multipart_list(&input.bucket)
        .await
        .map_err(refusal)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let uploads = begun
        .into_iter()
        .filter(|begun| begun.at.key().starts_with(&prefix));
    let uploads = uploads.map(|begun| MultipartUpload {
        key: Some(begun.at.key().to_owned()),
        upload_id: Some(begun.id),
        initiated: Some(time(begun.touched_micros)),
        ..MultipartUpload::default()
    });
    Ok(ListMultipartUploadsOutput {
        uploads: Some(uploads.collect()),
        is_truncated: Some(false),
        bucket: Some(input.bucket),
        prefix: input.prefix,
        ..ListMultipartUploadsOutput::default()
    })
}

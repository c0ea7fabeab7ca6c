//! The operations: buckets, objects, lists and parts, each handed on to its use case.

use std::time::Duration;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::body::Promised;
use super::conditions::only;
use super::error::{refusal, told, unconditional};
use super::{documents, list, multipart, reading, sums, unkept};
use crate::domain::location::Location;
use crate::service::Service;
use crate::service::answers::Stored;
use crate::service::multipart::Promise;
use crate::service::objects::place;

/// The most files that one request deletes.
const MOST_DELETED: usize = 1000;

/// The buckets of this machine.
#[derive(Clone)]
pub(super) struct Buckets {
    pub(super) service: Service,
    /// The largest file in bytes.
    pub(super) limit: u64,
    /// How long a copy is waited for before its answer begins.
    pub(super) patience: Duration,
}

/// The place that a request names.
pub(super) fn at(bucket: &str, key: &str) -> S3Result<Location> {
    place(bucket, key).map_err(refusal)
}

/// A time as S3 writes it.
pub(super) fn time(micros: i64) -> Timestamp {
    let since = std::time::Duration::from_micros(u64::try_from(micros).unwrap_or_default());
    Timestamp::from(std::time::UNIX_EPOCH + since)
}

/// The tag of a file, which stands for its content.
pub(super) fn tag(file: &Stored) -> Option<ETag> {
    let text = file.stamp.as_deref()?.trim_matches('"');
    Some(ETag::Strong(text.to_owned()))
}

#[async_trait::async_trait]
impl S3 for Buckets {
    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
        let found = self.service.buckets().await.map_err(refusal)?;
        let buckets = found.into_iter().map(|folder| Bucket {
            name: Some(folder.bucket),
            creation_date: Some(time(folder.changed_micros)),
            ..Bucket::default()
        });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            ..ListBucketsOutput::default()
        }))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.service
            .bucket(&request.input.bucket)
            .await
            .map_err(refusal)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.service
            .bucket(&request.input.bucket)
            .await
            .map_err(refusal)?;
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        self.service
            .bucket(&request.input.bucket)
            .await
            .map_err(refusal)?;
        // Nothing in it means that there never were versions.
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }

    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        unkept::refused(&request.headers)?;
        let name = request.input.bucket;
        match self.service.bucket_make(&name).await.map_err(refusal)? {
            true => Ok(S3Response::new(CreateBucketOutput {
                location: Some(format!("/{name}")),
            })),
            false => Err(s3_error!(BucketAlreadyOwnedByYou, "the bucket is there already")),
        }
    }

    async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        match self
            .service
            .bucket_remove(&request.input.bucket)
            .await
            .map_err(refusal)?
        {
            true => Ok(S3Response::new(DeleteBucketOutput::default())),
            false => Err(s3_error!(
                BucketNotEmpty,
                "there are files in the bucket; delete them first"
            )),
        }
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let at = at(&input.bucket, &input.key)?;
        if input.if_match.is_some() || input.if_none_match.is_some() || input.write_offset_bytes.is_some() {
            return Err(s3_error!(
                NotImplemented,
                "conditions and offsets of PutObject are not known here"
            ));
        }
        unkept::refused(&request.headers)?;
        if at.is_folder() {
            if input.content_length != Some(0) {
                return Err(s3_error!(
                    InvalidArgument,
                    "a key that ends in `/` names a folder, which has no bytes"
                ));
            }
            let folder = self.service.object_folder(&at).await.map_err(refusal)?;
            return Ok(S3Response::new(PutObjectOutput {
                e_tag: tag(&folder),
                ..PutObjectOutput::default()
            }));
        }
        let mut body = Promised::new(
            input.body,
            input.content_length,
            &request.headers,
            request.trailing_headers,
        );
        if body.is_longer(self.limit) {
            return Err(s3_error!(
                EntityTooLarge,
                "a file has at most {} bytes",
                self.limit
            ));
        }
        let stored = self.service.object_put(&at, &mut body, self.limit).await;
        let [crc32, crc32c, crc64, sha1, sha256] = sums::told(&body.sums());
        Ok(S3Response::new(PutObjectOutput {
            e_tag: tag(&stored.map_err(refusal)?),
            checksum_crc32: crc32,
            checksum_crc32c: crc32c,
            checksum_crc64nvme: crc64,
            checksum_sha1: sha1,
            checksum_sha256: sha256,
            ..PutObjectOutput::default()
        }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        reading::get(&self.service, request).await.map(S3Response::new)
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        reading::head(&self.service, request.input)
            .await
            .map(S3Response::new)
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let at = at(&input.bucket, &input.key)?;
        only(None, input.version_id.as_ref())?;
        if input.if_match.is_some()
            || input.if_match_last_modified_time.is_some()
            || input.if_match_size.is_some()
        {
            return Err(s3_error!(
                NotImplemented,
                "conditions of DeleteObject are not known here"
            ));
        }
        self.service.object_delete(&at).await.map_err(refusal)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        unkept::refused(&request.headers)?;
        documents::compared(&request.extensions, &request.headers)?;
        let DeleteObjectsInput { bucket, delete, .. } = request.input;
        if delete.objects.len() > MOST_DELETED {
            return Err(s3_error!(
                MalformedXML,
                "one request deletes {} files at most",
                MOST_DELETED
            ));
        }
        self.service.bucket(&bucket).await.map_err(refusal)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in delete.objects {
            let has_conditions = object.e_tag.is_some()
                || object.size.is_some()
                || object.last_modified_time.is_some()
                || object
                    .version_id
                    .as_ref()
                    .is_some_and(|version| version != "null");
            if has_conditions {
                errors.push(unconditional(object.key));
                continue;
            }
            let done = match place(&bucket, &object.key) {
                Ok(at) => self.service.object_delete(&at).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) if delete.quiet == Some(true) => {}
                Ok(()) => deleted.push(DeletedObject {
                    key: Some(object.key),
                    ..DeletedObject::default()
                }),
                Err(error) => errors.push(told(object.key, error)),
            }
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            ..DeleteObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        list::second(&self.service, request.input)
            .await
            .map(S3Response::new)
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        list::first(&self.service, request.input)
            .await
            .map(S3Response::new)
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        unkept::refused(&request.headers)?;
        multipart::begin(self, request.input).await.map(S3Response::new)
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        multipart::part(self, request).await.map(S3Response::new)
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        documents::compared_by_md5(&request.extensions, &request.headers)?;
        multipart::complete(self, request.input)
            .await
            .map(S3Response::new)
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        multipart::abort(self, &request.input).await.map(S3Response::new)
    }

    async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        multipart::parts(self, request.input).map(S3Response::new)
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        multipart::list(self, request.input).await.map(S3Response::new)
    }
}

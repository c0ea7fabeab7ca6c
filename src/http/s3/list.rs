//! Lists of objects, in both versions of the question.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::error::refusal;
use super::objects::{tag, time};
use super::text::repeatable;
use crate::service::Service;
use crate::service::answers::ObjectPage;
use crate::service::objects::PAGE;
use crate::service::requests::ObjectQuery;

/// Entries of a page, as asked for.
fn limit(asked: Option<i32>) -> usize {
    asked.map_or(PAGE, |asked| usize::try_from(asked).unwrap_or(0).min(PAGE))
}

/// Keys as XML can carry them, where a client asks for that.
struct Spelling(bool);

impl Spelling {
    fn of(asked: Option<&EncodingType>) -> Self {
        Self(asked.is_some_and(|kind| kind.as_str() == EncodingType::URL))
    }

    /// Fails if an answer could not repeat what was asked.
    fn repeats(&self, asked: &[(&str, Option<&String>)]) -> S3Result<()> {
        let mut asked = asked.iter().filter(|_| !self.0);
        asked.try_for_each(|(name, text)| repeatable(name, *text))
    }

    fn spell(&self, text: String) -> String {
        if !self.0 {
            return text;
        }
        let is_plain =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'/' | b'*');
        let mut spelled = String::with_capacity(text.len());
        for byte in text.bytes() {
            match is_plain(byte) {
                true => spelled.push(char::from(byte)),
                false => spelled.push_str(&format!("%{byte:02X}")),
            }
        }
        spelled
    }

    fn contents(&self, page: &ObjectPage) -> Vec<Object> {
        let files = page.files.iter().map(|(key, file)| Object {
            key: Some(self.spell(key.clone())),
            size: i64::try_from(file.size_bytes).ok(),
            e_tag: tag(file),
            last_modified: file.changed_micros.map(time),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            ..Object::default()
        });
        files.collect()
    }

    fn beginnings(&self, page: &ObjectPage) -> Vec<CommonPrefix> {
        let beginnings = page.beginnings.iter().map(|text| CommonPrefix {
            prefix: Some(self.spell(text.clone())),
        });
        beginnings.collect()
    }
}

/// A token is the last entry of the page before, in letters that documents and addresses carry alike.
fn token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

/// The entry that a token stands for.
fn entry(token: &str) -> S3Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let entry = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    entry.ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "the continuation token is none of a list here; send NextContinuationToken as it came"
        )
    })
}

/// ListObjectsV2.
pub(super) async fn second(service: &Service, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let spelling = Spelling::of(input.encoding_type.as_ref());
    spelling.repeats(&[
        ("prefix", input.prefix.as_ref()),
        ("delimiter", input.delimiter.as_ref()),
        ("start-after", input.start_after.as_ref()),
    ])?;
    let query = ObjectQuery {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        after: match &input.continuation_token {
            Some(token) => entry(token)?,
            None => input.start_after.clone().unwrap_or_default(),
        },
        limit: limit(input.max_keys),
    };
    let page = service
        .object_list(&input.bucket, &query)
        .await
        .map_err(refusal)?;
    let (contents, beginnings) = (spelling.contents(&page), spelling.beginnings(&page));
    Ok(ListObjectsV2Output {
        key_count: i32::try_from(contents.len() + beginnings.len()).ok(),
        max_keys: i32::try_from(query.limit).ok(),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.as_deref().map(token),
        contents: Some(contents),
        common_prefixes: Some(beginnings),
        name: Some(input.bucket),
        prefix: input.prefix.map(|text| spelling.spell(text)),
        delimiter: input.delimiter.map(|text| spelling.spell(text)),
        start_after: input.start_after.map(|text| spelling.spell(text)),
        continuation_token: input.continuation_token,
        encoding_type: input.encoding_type,
        ..ListObjectsV2Output::default()
    })
}

/// ListObjects.
pub(super) async fn first(service: &Service, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let spelling = Spelling::of(input.encoding_type.as_ref());
    spelling.repeats(&[
        ("prefix", input.prefix.as_ref()),
        ("delimiter", input.delimiter.as_ref()),
        ("marker", input.marker.as_ref()),
    ])?;
    let query = ObjectQuery {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().unwrap_or_default(),
        after: input.marker.clone().unwrap_or_default(),
        limit: limit(input.max_keys),
    };
    let page = service
        .object_list(&input.bucket, &query)
        .await
        .map_err(refusal)?;
    let (contents, beginnings) = (spelling.contents(&page), spelling.beginnings(&page));
    Ok(ListObjectsOutput {
        max_keys: i32::try_from(query.limit).ok(),
        is_truncated: Some(page.next.is_some()),
        next_marker: page.next.map(|text| spelling.spell(text)),
        contents: Some(contents),
        common_prefixes: Some(beginnings),
        name: Some(input.bucket),
        prefix: input.prefix.map(|text| spelling.spell(text)),
        delimiter: input.delimiter.map(|text| spelling.spell(text)),
        marker: input.marker.map(|text| spelling.spell(text)),
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    })
}

//! What clients may want of a file before they read it.

use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Result, s3_error};

use super::objects::{tag, time};
use crate::service::answers::Stored;

/// What a client wants of a file before it is read. Tags count more than times (RFC 9110, section 13.2.2).
pub(super) struct Conditions {
    pub(super) matches: Option<ETagCondition>,
    pub(super) differs: Option<ETagCondition>,
    pub(super) unmodified: Option<Timestamp>,
    pub(super) modified: Option<Timestamp>,
}

impl Conditions {
    /// Whether all that is wanted holds.
    pub(super) fn check(&self, file: &Stored) -> S3Result<()> {
        let is = |wanted: &ETagCondition| match wanted {
            ETagCondition::Any => true,
            ETagCondition::ETag(wanted) => tag(file).is_some_and(|tag| tag.value() == wanted.value()),
        };
        // Times of conditions have whole seconds.
        let seconds = |micros: i64| micros - micros.rem_euclid(1_000_000);
        let changed = file.changed_micros.map(|micros| time(seconds(micros)));
        // What has no time was changed neither before nor after.
        let is_after = |than: &Timestamp| changed.as_ref().is_some_and(|changed| changed > than);
        let is_before = |than: &Timestamp| changed.as_ref().is_some_and(|changed| changed <= than);
        let is_wrong = match (&self.matches, &self.unmodified) {
            (Some(wanted), _) => !is(wanted),
            (None, Some(time)) => is_after(time),
            (None, None) => false,
        };
        if is_wrong {
            return Err(s3_error!(PreconditionFailed));
        }
        let is_known = match (&self.differs, &self.modified) {
            (Some(wanted), _) => is(wanted),
            (None, Some(time)) => is_before(time),
            (None, None) => false,
        };
        if is_known {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }
}

/// Files have one part, the first, and one version.
pub(super) fn only(part: Option<i32>, version: Option<&String>) -> S3Result<()> {
    if version.is_some_and(|version| version != "null") {
        return Err(s3_error!(NotImplemented, "files have no versions here"));
    }
    match part {
        None | Some(1) => Ok(()),
        Some(_) => Err(s3_error!(InvalidRange, "files have one part here, the first")),
    }
}

//! Small documents in object storage, such as a schema beside its data.

use bytes::BytesMut;
use futures_util::TryStreamExt;

use super::Service;
use super::error::Error;
use crate::blob::{BlobError, key};
use crate::domain::location::Location;

impl Service {
    /// The text at a location; none when there is no such file. More than `limit` bytes are refused.
    pub async fn text_at(&self, location: &Location, limit: u64) -> Result<Option<String>, Error> {
        if location.is_folder() || location.upload().is_some() {
            return Ok(None);
        }
        let mut reading = match self.0.blobs.read(&key::located(location), None).await {
            Ok(reading) => reading,
            Err(BlobError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if reading.size_bytes > limit {
            let message = format!(
                "`{location}` has {} bytes; at most {limit} are read",
                reading.size_bytes
            );
            return Err(Error::invalid("invalid_value", message));
        }
        let mut bytes = BytesMut::new();
        while let Some(more) = reading.stream.try_next().await? {
            bytes.extend_from_slice(&more);
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Error::invalid("invalid_utf8", format!("`{location}` is not UTF-8")))?;
        Ok(Some(text.trim_start_matches('\u{feff}').to_owned()))
    }
}

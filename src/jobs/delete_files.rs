//! Removes the files of a deleted entity; the catalogue starts it when nothing that runs needs them.

use super::runner::JobError;
use crate::blob::Blobs;
use crate::domain::job::ClaimedJob;
use crate::domain::spec::Produced;

/// Removes everything in the folder of the job's entity. Doing it twice is harmless.
pub fn delete_files(job: &ClaimedJob, blobs: &Blobs) -> Result<Produced, JobError> {
    let removed = blobs.delete_owned_blocking(&job.entity.at())?;
    tracing::info!(job.id = %job.id, files = removed, "removed the files of {}", job.entity.at());
    Ok(Produced::Nothing)
}

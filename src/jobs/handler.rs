//! Which function does which kind of job.

use std::sync::Arc;

use super::batch_predict::batch_predict;
use super::context::JobContext;
use super::delete_files::delete_files;
use super::evaluate_model::evaluate_model;
use super::profile_data::profile_data;
use super::query::rows_of;
use super::runner::{JobError, JobHandler};
use super::train_model::train_model;
use crate::blob::{Blobs, key};
use crate::clock::Clock;
use crate::domain::ids::BlobKey;
use crate::domain::job::{ClaimedJob, JobKind};
use crate::domain::query::QuerySpec;
use crate::domain::spec::Produced;
use crate::ml::pipeline::Memory;
use crate::source::Databases;

/// Does the jobs of a catalogue on the files of one store.
#[derive(Debug, Clone)]
pub struct Handler {
    /// Where the files are.
    pub blobs: Blobs,
    /// The databases that queries go to.
    pub databases: Databases,
    /// For the times in reports.
    pub clock: Arc<dyn Clock>,
    /// What each training may take of memory; not checked when not given.
    pub memory: Option<Memory>,
    /// Bytes of memory in use now, where the system tells.
    pub memory_in_use: fn() -> Option<u64>,
}

impl JobHandler for Handler {
    fn run(&self, job: &ClaimedJob, context: &JobContext) -> Result<Produced, JobError> {
        if job.kind != JobKind::DeleteFiles {
            // An attempt that died may have left its file behind.
            self.blobs.delete_earlier_blocking(job)?;
        }
        match job.kind {
            JobKind::ProfileData => profile_data(self, job, context),
            JobKind::TrainModel => train_model(self, job, context),
            JobKind::EvaluateModel => evaluate_model(self, job, context),
            JobKind::BatchPredict => batch_predict(self, job, context),
            JobKind::DeleteFiles => delete_files(job, &self.blobs),
        }
    }

    fn discard(&self, job: &ClaimedJob) {
        for key in [key::output(job), key::problems(job)] {
            self.discard_file(job, &key);
        }
        if let Some(query) = asked(job) {
            self.discard_file(job, &rows_of(job, query));
        }
    }

    fn ended(&self, job: &ClaimedJob) {
        if let Some(query) = asked(job) {
            self.databases.forget_password(&query.token);
        }
        if job.kind != JobKind::BatchPredict {
            return;
        }
        // What stays goes with the entity.
        if let Err(error) = self.blobs.delete_parts_blocking(&job.entity.at()) {
            tracing::warn!(job.id = %job.id, error = &error as &dyn std::error::Error, "cannot remove parts of finished work");
        }
    }
}

impl Handler {
    /// Removes a file that nobody needs; that it cannot be is no error of the job.
    pub(super) fn discard_file(&self, job: &ClaimedJob, key: &BlobKey) {
        if let Err(error) = self.blobs.delete_blocking(key) {
            tracing::warn!(job.id = %job.id, error = &error as &dyn std::error::Error, "cannot remove an unneeded file");
        }
    }
}

/// The query of a job that asks a database.
fn asked(job: &ClaimedJob) -> Option<&QuerySpec> {
    let work = job.entity.data_source()?;
    work.spec
        .query
        .as_ref()
        .filter(|_| job.kind == JobKind::ProfileData)
}

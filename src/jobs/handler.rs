//! Which function does which kind of job.

use std::sync::Arc;

use super::batch_predict::batch_predict;
use super::context::JobContext;
use super::delete_files::delete_files;
use super::evaluate_model::evaluate_model;
use super::profile_data::profile_data;
use super::runner::{JobError, JobHandler};
use super::train_model::train_model;
use crate::blob::{Blobs, key};
use crate::clock::Clock;
use crate::domain::job::{ClaimedJob, JobKind};
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
            if let Err(error) = self.blobs.delete_blocking(&key) {
                tracing::warn!(job.id = %job.id, error = &error as &dyn std::error::Error, "cannot remove an unneeded file");
            }
        }
    }

    fn ended(&self, job: &ClaimedJob) {
        if job.kind == JobKind::ProfileData {
            self.databases.forget_password(&job.entity.at());
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

//! The layout of object storage: the one place that spells paths.
//!
//! ```text
//! datasets/uploads/{name}/{sha256}-{token}       one version of an uploaded dataset
//! datasets/{bucket}/{key}                        files of the user: s3://bucket/key
//! statistics/{data source}/{claim}.csv           the rows of a query
//! models/{model}/{claim}.yosoku                  a bundle
//! predictions/{batch prediction}/{claim}.csv     a file of predictions; the end says its format
//! predictions/{batch prediction}/{claim}.problems.jsonl  problems of its records
//! predictions/{batch prediction}/part-{number}.{piece}   finished pieces, until the job has ended
//! .staging/{process}/{number}                    files that are being written
//! ```
//!
//! Every key but those of pieces is written once and never again: an upload's token and a job's claim number differ
//! each time, so that neither a late deletion nor a worker that lost its job can touch the file of
//! another. Pieces are the same bytes whichever attempt writes them. Everything an entity owns lies in one folder, and goes with it. Evaluations
//! have folder names too, so that every kind is treated alike, but write no files: their results are in the
//! catalogue. Rows of a query that are wanted in a bucket lie there, and stay.

use crate::domain::dataset::ContentHash;
use crate::domain::ids::{BlobKey, DatasetName, EntityKind, EntityRef, random_text};
use crate::domain::job::ClaimedJob;
use crate::domain::location::{self, Location};
use crate::domain::query::QuerySpec;
use crate::domain::spec::Body;

/// The reserved bucket of uploaded datasets.
pub const UPLOADS: &str = location::UPLOADS;

/// The folder of buckets below the home.
pub const DATASETS: &str = "datasets";

/// A fresh key for a version of a dataset; `random` keeps equal uploads apart.
pub fn upload(name: &DatasetName, version: &ContentHash, random: [u8; 8]) -> BlobKey {
    BlobKey::spelled(format!(
        "{DATASETS}/{UPLOADS}/{name}/{version}-{}",
        random_text(&random)
    ))
}

/// Where a location lies, without a slash at the end.
pub fn located(location: &Location) -> BlobKey {
    let (bucket, key) = (location.bucket(), location.key());
    let text = format!("{DATASETS}/{bucket}/{key}");
    BlobKey::spelled(text.trim_end_matches('/').to_owned())
}

/// The location of a file in a bucket.
pub fn location_of(key: &BlobKey) -> Option<Location> {
    let rest = key.as_str().strip_prefix(DATASETS)?.strip_prefix('/')?;
    Location::new(format!("s3://{rest}")).ok()
}

/// The key of the file that this attempt at `job` makes.
pub fn output(job: &ClaimedJob) -> BlobKey {
    let extension = match &job.entity.body {
        Body::DataSource(_) => "csv",
        Body::Evaluation(_) => "json",
        Body::Model(_) => "yosoku",
        Body::BatchPrediction(work) => work.spec.form().extension(),
    };
    BlobKey::spelled(format!("{}/{}.{extension}", folder(&job.entity.at()), job.claim))
}

/// The key of the rows of a query that the attempt `claim` reads into the folder `staging`. The claim keeps attempts
/// apart, and a random name keeps them from files of the user.
pub fn staged_rows(job: &ClaimedJob, query: &QuerySpec, staging: &Location, claim: i64) -> BlobKey {
    let folder = located(staging);
    BlobKey::spelled(format!("{folder}/{}-{}-{claim}.csv", job.entity.id, query.token))
}

/// The key of the problems that this attempt at `job` lists.
pub fn problems(job: &ClaimedJob) -> BlobKey {
    BlobKey::spelled(format!(
        "{}/{}.problems.jsonl",
        folder(&job.entity.at()),
        job.claim
    ))
}

/// The key of a piece of unfinished work, which any attempt may use.
pub fn part(at: &EntityRef, name: &str) -> BlobKey {
    BlobKey::spelled(format!("{}/{name}", folder(at)))
}

/// Whether `key` is that of a piece of unfinished work.
pub fn is_part(key: &BlobKey) -> bool {
    let name = key.as_str().rsplit('/').next();
    name.is_some_and(|name| name.starts_with("part-"))
}

/// The claim whose attempt made `key`, if it is the key of an output.
pub fn claim_of(key: &BlobKey) -> Option<i64> {
    let name = key.as_str().rsplit('/').next()?;
    name.split('.').next()?.parse().ok()
}

/// The folder of everything an entity owns, without a slash at its end.
pub fn folder(at: &EntityRef) -> String {
    let top = match at.kind {
        EntityKind::DataSource => "statistics",
        EntityKind::Model => "models",
        EntityKind::Evaluation => "evaluations",
        EntityKind::BatchPrediction => "predictions",
    };
    format!("{top}/{}", at.id)
}

/// The folder of files that are being written, one folder below it for each process.
pub(super) const STAGING: &str = ".staging";

/// The key of the `number`th file that process `process` is writing.
pub(super) fn staged(process: &str, number: u64) -> BlobKey {
    BlobKey::spelled(format!("{STAGING}/{process}/{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::EntityId;

    #[test]
    fn keys_are_well_formed_for_every_name() {
        let hash = ContentHash::from_digest([7; 32]);
        for name in ["iris.csv", "a..b", "-", "_"] {
            let name = DatasetName::new(name).unwrap();
            let key = upload(&name, &hash, [9; 8]);
            assert_eq!(BlobKey::new(key.as_str()), Ok(key.clone()));
            assert!(key.as_str().starts_with(&format!("datasets/uploads/{name}/0707")));
            assert_ne!(key, upload(&name, &hash, [8; 8]));
        }
    }

    #[test]
    fn parts_belong_to_no_attempt() {
        let at = EntityRef::new(EntityKind::BatchPrediction, EntityId::new("x").unwrap());
        let key = part(&at, "part-000001.out");
        assert_eq!(
            (key.as_str(), claim_of(&key)),
            ("predictions/x/part-000001.out", None)
        );
        assert!(is_part(&key) && !is_part(&BlobKey::new("predictions/x/1.csv.gz").unwrap()));
        let problems = BlobKey::new("predictions/x/3.problems.jsonl").unwrap();
        assert_eq!(claim_of(&problems), Some(3));
    }

    #[test]
    fn locations_are_paths_below_the_folder_of_buckets() {
        for (text, path) in [
            ("s3://b/a/x.csv", "datasets/b/a/x.csv"),
            ("s3://b/a/", "datasets/b/a"),
            ("s3://b/", "datasets/b"),
            ("s3://b", "datasets/b"),
        ] {
            assert_eq!(located(&Location::new(text).unwrap()).as_str(), path);
        }
        let key = BlobKey::new("datasets/b/a/x.csv").unwrap();
        assert_eq!(location_of(&key).unwrap().as_str(), "s3://b/a/x.csv");
        assert_eq!(location_of(&BlobKey::new("models/m/1.yosoku").unwrap()), None);
    }

    #[test]
    fn every_kind_of_entity_has_a_folder_of_its_own() {
        let id = EntityId::new("x").unwrap();
        let folders: std::collections::BTreeSet<String> = EntityKind::ALL
            .into_iter()
            .map(|kind| folder(&EntityRef::new(kind, id.clone())))
            .collect();
        assert_eq!(folders.len(), EntityKind::ALL.len());
    }
}

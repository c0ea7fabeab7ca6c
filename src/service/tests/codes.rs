//! Every code that any layer can produce has its row in the table, and every error its right class.

use std::collections::BTreeSet;
use std::path::Path;

use crate::blob::{BlobError, Refusal};
use crate::catalog::CatalogError;
use crate::domain::dataset::{ContentHash, DatasetPin};
use crate::domain::entity::Problem;
use crate::domain::ids::{BlobKey, DatasetName, EntityId, EntityKind, EntityRef};
use crate::domain::listing::ListingError;
use crate::domain::status::{Status, transition};
use crate::ml::ingest::IngestError;
use crate::ml::learn::LearnError;
use crate::ml::pipeline::PipelineError;
use crate::ml::target::TargetError;
use crate::service::codes::{self, Class};
use crate::service::error::Error;

/// The code at the beginning of `text`, if it is one in quotes.
fn quoted(text: &str) -> Option<&str> {
    let code = text.trim_start().strip_prefix('"')?.split('"').next()?;
    let is_code = !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_code.then_some(code)
}

/// The codes in a file: in bodies of `fn code`, in problems of jobs and in problems of rows.
fn codes_in(text: &str, found: &mut BTreeSet<String>) {
    let text = text.split("#[cfg(test)]").next().unwrap();
    for body in text.split("fn code(&self)").skip(1) {
        let body = body.split("\n    }\n").next().unwrap();
        let arms = body
            .lines()
            .map(|line| line.rsplit_once("=> ").map_or(line, |(_, code)| code));
        found.extend(arms.filter_map(quoted).map(str::to_owned));
    }
    for before in ["Problem::new(", "Self::new(", "code: "] {
        let after = text.split(before).skip(1);
        found.extend(after.filter_map(quoted).map(str::to_owned));
    }
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, found);
        } else if name.ends_with(".rs") && !name.contains("tests") {
            codes_in(&std::fs::read_to_string(&path).unwrap(), found);
        }
    }
}

#[test]
fn every_code_of_the_layers_below_is_in_the_table() {
    let mut found = BTreeSet::new();
    for layer in ["ml", "domain", "catalog", "blob", "jobs"] {
        collect(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer),
            &mut found,
        );
    }
    // The search itself works: one of each way to name a code.
    for known in [
        "one_class",
        "invalid_recipe",
        "dependency_failed",
        "cancelled",
        "ragged_row",
        "disk_full",
    ] {
        assert!(found.contains(known), "{known} was not found in {found:?}");
    }
    let missing: Vec<&String> = found.iter().filter(|code| codes::find(code).is_none()).collect();
    assert!(missing.is_empty(), "without a row: {missing:?}");
}

#[test]
fn a_code_is_found_wherever_it_stands() {
    let text = "fn code(&self) -> &'static str {\n        match self {\n            A { role: \"role\", .. } => \"a_b\",\n            \
                B =>\n                \"c\",\n        }\n    }\n Problem::new(\n    \"d\", x) code: \"e\".into()";
    let mut found = BTreeSet::new();
    codes_in(text, &mut found);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a_b", "c", "d", "e"]);
}

fn check(error: impl Into<Error>, class: Class, code: &str) {
    let error = error.into();
    assert_eq!((error.class(), error.code()), (class, code), "{error}");
    assert_eq!(codes::find(code).unwrap().class, class, "{code}");
}

fn model() -> EntityRef {
    EntityRef::new(EntityKind::Model, EntityId::new("m").unwrap())
}

#[test]
fn errors_of_the_catalogue_say_what_the_caller_can_do() {
    let name = || DatasetName::new("d").unwrap();
    let version = ContentHash::from_digest([0; 32]);
    let pin = DatasetPin {
        name: name(),
        version,
    };
    let refused = transition(Status::Failed, Status::Completed).unwrap_err();
    let needs = model();
    check(
        CatalogError::NotFound { at: model() },
        Class::NotFound,
        "not_found",
    );
    check(
        CatalogError::DatasetNotFound { name: name() },
        Class::NotFound,
        "not_found",
    );
    check(
        CatalogError::DatasetVersionNotFound { pin },
        Class::NotFound,
        "not_found",
    );
    check(
        CatalogError::Conflict { at: model() },
        Class::ParameterMismatch,
        "parameter_mismatch",
    );
    check(
        CatalogError::RevisionMismatch { at: model() },
        Class::WrongState,
        "revision_mismatch",
    );
    let status = Status::Failed;
    check(
        CatalogError::DependencyUnusable { needs, status },
        Class::WrongState,
        "wrong_state",
    );
    let by = vec![model()];
    check(
        CatalogError::DatasetInUse { name: name(), by },
        Class::WrongState,
        "in_use",
    );
    let source = refused.into();
    check(
        CatalogError::WrongState {
            at: model(),
            status,
            source,
        },
        Class::WrongState,
        "wrong_state",
    );
    check(
        CatalogError::from(ListingError::CursorUnreadable),
        Class::InvalidInput,
        "invalid_cursor",
    );
    check(
        ListingError::CursorOfAnotherQuery,
        Class::InvalidInput,
        "invalid_cursor",
    );
    let given = "x".to_owned();
    check(
        ListingError::Sort { given },
        Class::InvalidInput,
        "invalid_parameter",
    );
    check(
        CatalogError::SchemaTooNew { found: 2, known: 1 },
        Class::Internal,
        "internal",
    );
    check(CatalogError::UnknownAddress, Class::Internal, "internal");
    check(
        CatalogError::from(sqlx::Error::PoolTimedOut),
        Class::Unavailable,
        "unavailable",
    );
    let (what, reason) = ("x".to_owned(), "y".to_owned());
    check(
        CatalogError::Corrupt { what, reason },
        Class::Internal,
        "internal",
    );
}

#[test]
fn errors_of_files_say_what_the_caller_can_do() {
    let input = |source| BlobError::Input { received: 3, source };
    let own = Error::unavailable("upload_stalled", "nothing came");
    check(input(Box::new(own)), Class::Unavailable, "upload_stalled");
    check(input("gone".into()), Class::InvalidInput, "upload_interrupted");
    check(BlobError::TooLarge { limit: 3 }, Class::TooLarge, "too_large");
    check(
        BlobError::DiskFull { what: "x".into() },
        Class::Unavailable,
        "disk_full",
    );
    let key = BlobKey::new("a/b").unwrap();
    check(BlobError::NotFound { key }, Class::Internal, "internal");
    let bucket = || "b".to_owned();
    for (error, code) in [
        (BlobError::Refused { bucket: bucket() }, "bucket_refused"),
        (BlobError::ReadOnly { bucket: bucket() }, "bucket_read_only"),
    ] {
        check(error, Class::InvalidInput, code);
    }
    let elsewhere = |refusal| BlobError::Elsewhere {
        what: "s3://b/x".into(),
        refusal,
        source: "403 Forbidden: what the store said".into(),
    };
    for (refusal, class, code) in [
        (Refusal::Denied, Class::InvalidInput, "bucket_denied"),
        (Refusal::NoBucket, Class::InvalidInput, "bucket_missing"),
        (Refusal::Elsewhere, Class::InvalidInput, "bucket_missing"),
        (Refusal::Unreachable, Class::Unavailable, "storage_unavailable"),
        (Refusal::TimedOut, Class::Unavailable, "storage_unavailable"),
    ] {
        let error = elsewhere(refusal);
        assert_eq!(error.is_transient(), class == Class::Unavailable, "{refusal:?}");
        let message = error.to_problem().message;
        assert!(
            message.contains("s3://b/x") && !message.contains("403"),
            "{message}"
        );
        check(error, class, code);
    }
    let changed = BlobError::Changed {
        what: "s3://b/x".into(),
    };
    check(changed, Class::Unavailable, "unavailable");
}

#[test]
fn errors_of_the_pipeline_keep_their_codes() {
    check(PipelineError::NoTarget, Class::InvalidInput, "no_target");
    check(
        PipelineError::from(IngestError::EmptyFile),
        Class::InvalidInput,
        "empty_file",
    );
    check(
        PipelineError::from(LearnError::NoRows),
        Class::InvalidInput,
        "too_few_rows",
    );
    check(
        PipelineError::from(TargetError::Empty("t".into())),
        Class::InvalidInput,
        "target_empty",
    );
    let memory = PipelineError::NotEnoughMemory {
        needed_mib: 2,
        allowed_mib: 1,
        parts: String::new(),
        remedy: String::new(),
    };
    check(memory, Class::LimitExceeded, "not_enough_memory");
    let stopped = PipelineError::from(LearnError::Stopped);
    check(stopped, Class::Unavailable, "stopped");
    let broken = PipelineError::Write(std::io::Error::other("x"));
    check(broken, Class::Unavailable, "write_failed");
    assert_eq!(Problem::cancelled().code, "cancelled");
}

#[test]
fn trouble_with_the_store_passes_and_keeps_its_paths_to_itself() {
    let error = BlobError::Folder {
        path: "/secret".to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    };
    assert!(!error.to_problem().message.contains("secret"));
    let error = Error::from(error);
    assert!(!error.public_message().contains("secret"), "{error}");
    check(error, Class::Unavailable, "storage_unavailable");
    let error = BlobError::Storage {
        action: "read",
        what: "models/m/1.yosoku".to_owned(),
        source: "disk on fire at /secret".into(),
    };
    assert_eq!(error.to_problem().message, "cannot read models/m/1.yosoku");
    check(error, Class::Unavailable, "storage_unavailable");
}

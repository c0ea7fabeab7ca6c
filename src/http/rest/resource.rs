//! What every resource looks like on the wire, whatever its kind: the head, the list, the query.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::clock::rfc3339;
use crate::domain::entity::{self, Entity};
use crate::domain::ids::EntityKind;
use crate::domain::status;
use crate::service::{Error, requests};

/// How much of a resource is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// In a list: without the big documents.
    Item,
    /// On its own: everything.
    Full,
}

/// A kind of entity as it is sent.
pub trait Resource: Serialize + Sized {
    /// Which kind of entity it shows.
    const KIND: EntityKind;

    /// The entity as it is sent; the error is ours, for an entity of another kind.
    fn view(entity: Entity, detail: Detail) -> Result<Self, Error>;
}

/// How far a resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Accepted; waiting for a worker or for what it depends on.
    Pending,
    /// A worker has begun.
    InProgress,
    /// Usable.
    Completed,
    /// Did not finish; the reason is in `error`.
    Failed,
    /// Deleted; its identifier stays taken.
    Deleted,
}

impl From<status::Status> for Status {
    fn from(status: status::Status) -> Self {
        match status {
            status::Status::Pending => Status::Pending,
            status::Status::InProgress => Status::InProgress,
            status::Status::Completed => Status::Completed,
            status::Status::Failed => Status::Failed,
            status::Status::Deleted => Status::Deleted,
        }
    }
}

/// How far the work on a resource is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// What is being done now: profile, featurize, encode, search, solve, evaluate, predict or write.
    pub stage: Option<String>,
    /// Rows handled so far, where known.
    pub rows: Option<u64>,
    /// Estimated seconds left, where known.
    pub eta_seconds: Option<u64>,
}

impl From<entity::Progress> for Progress {
    fn from(progress: entity::Progress) -> Self {
        Progress {
            fraction: progress.fraction,
            stage: progress.stage.map(|stage| stage.as_str().to_owned()),
            rows: progress.rows,
            eta_seconds: progress.eta_seconds,
        }
    }
}

/// What every resource says about itself. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Head {
    /// Unique within its kind, never used again.
    pub id: String,
    /// Free text.
    pub name: String,
    /// Who made it: the name of the key; absent on a server without keys.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// How far it is.
    pub status: Status,
    /// How far the work is.
    pub progress: Progress,
    /// The latest thing to know, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it FAILED.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
    /// When it was asked for.
    pub created_at: String,
    /// When its status, name or settings last changed.
    pub updated_at: String,
    /// When the work first began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When the work ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
}

impl From<&Entity> for Head {
    fn from(entity: &Entity) -> Self {
        Head {
            id: entity.id.to_string(),
            name: entity.name.clone(),
            owner: entity.owner.clone(),
            status: entity.status.into(),
            progress: entity.progress.into(),
            message: entity.message.clone(),
            error: entity.error.as_ref().map(problem),
            created_at: rfc3339(entity.created_at),
            updated_at: rfc3339(entity.updated_at),
            started_at: entity.started_at.map(rfc3339),
            finished_at: entity.finished_at.map(rfc3339),
        }
    }
}

fn problem(stored: &entity::Problem) -> Problem {
    let known = Problem::of_job(&stored.code, &stored.message);
    Problem {
        hint: stored.hint.clone().or_else(|| known.hint.clone()),
        details: stored.details.clone(),
        ..known
    }
}

/// The error for an entity whose body is not of the kind that it was looked up as.
pub fn wrong_kind(head: &Head, wanted: EntityKind) -> Error {
    Error::internal("showing an entity", format!("{} is not a {wanted}", head.id))
}

/// The error for a file that is not there because the work on it has not ended well.
pub fn no_file(entity: &Entity) -> Error {
    not_yet(entity, "there is a file once it is COMPLETED")
}

/// The error for something that is not there yet, or never will be; `reason` says when it is.
pub fn not_yet(entity: &Entity, reason: &str) -> Error {
    Error::WrongState {
        code: "wrong_state",
        kind: entity.kind().noun(),
        id: entity.id.to_string(),
        state: entity.status.to_string(),
        reason: reason.to_owned(),
    }
}

/// Takes a member out of a document that a job made; none when it is not there or null.
pub fn take(document: &mut Value, member: &str) -> Option<Value> {
    let found = document.get_mut(member).map(Value::take);
    found.filter(|value| !value.is_null())
}

/// The address of a resource.
pub fn address(entity: &Entity) -> String {
    format!("/v1/{}/{}", entity.kind().plural(), entity.id)
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order asked for, without their big documents.
    pub items: Vec<T>,
    /// Send it as `cursor` for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// What to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Items on a page; 50 if not given, at most 1000.
    page_size: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only this status; without it everything but DELETED.
    status: Option<String>,
    /// Only names that begin with this.
    name: Option<String>,
    /// `created_at`, `name` or `id`, with a `-` before it for descending; newest first if not given.
    sort: Option<String>,
    /// Only what was made from this model.
    model: Option<String>,
    /// Only what was made from this data source.
    datasource: Option<String>,
}

impl From<ListQuery> for requests::ListQuery {
    fn from(query: ListQuery) -> Self {
        requests::ListQuery {
            status: query.status,
            name_prefix: query.name,
            sort: query.sort,
            page_size: query.page_size,
            cursor: query.cursor,
            model: query.model,
            datasource: query.datasource,
        }
    }
}

/// How to read a resource.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadQuery {
    /// Wait up to so many seconds until the work has ended.
    pub wait: Option<u64>,
}

/// A change of a resource; what is not given stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The new name.
    pub name: Option<String>,
}

impl From<Change> for requests::Changes {
    fn from(change: Change) -> Self {
        requests::Changes {
            name: change.name,
            threshold: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::EntityId;
    use crate::domain::spec::EvaluationSpec;

    fn evaluation() -> Entity {
        let id = |text| EntityId::new(text).unwrap();
        let spec = EvaluationSpec {
            model: id("ml-1"),
            datasource: id("ds-1"),
        };
        Entity::new(
            id("ev-1"),
            "x".to_owned(),
            &json!({}),
            spec,
            1_577_836_800_000_001,
        )
    }

    #[test]
    fn the_head_has_utc_times_and_leaves_out_what_is_not_there_yet() {
        let head = serde_json::to_value(Head::from(&evaluation())).unwrap();
        assert_eq!(head["status"], "PENDING");
        assert_eq!(head["created_at"], "2020-01-01T00:00:00.000001Z");
        assert_eq!(head["progress"]["fraction"], 0.0);
        for absent in ["started_at", "finished_at", "error", "message"] {
            assert!(head.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn a_failure_is_shown_as_a_problem_with_its_details() {
        let mut entity = evaluation();
        let problem = entity::Problem::new("one_class", "only `a` occurs").with_details(json!({"line": 7}));
        entity.fail(problem, 5).unwrap();
        let error = serde_json::to_value(Head::from(&entity)).unwrap()["error"].take();
        assert_eq!(error["type"], "urn:yosoku:error:one_class");
        assert_eq!(
            (&error["status"], &error["details"]["line"]),
            (&json!(400), &json!(7))
        );
        assert_eq!(error["hint"], "a model needs examples of at least two labels");
    }

    #[test]
    fn statuses_read_as_in_the_catalogue() {
        for status in status::Status::ALL {
            assert_eq!(
                serde_json::to_value(Status::from(status)).unwrap(),
                status.as_str()
            );
        }
    }
}

//! `/v1/families`: versions of a model under one name, and aliases such as `production` for some of them.
//!
//! Predictions are asked for at `/v1/models/{family}@{alias}/predict`, or with the number of a version or `latest`.

use axum::extract::State;
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::conditional::{self, tagged};
use super::extract::{Json, Path, Query};
use super::problem::ApiError;
use super::resource::Page;
use crate::clock::rfc3339;
use crate::domain::family;
use crate::service::families::{Expected, Pointing};
use crate::service::{Error, requests};

/// A family of models.
#[derive(Debug, Serialize, ToSchema)]
pub struct Family {
    /// Its name.
    name: String,
    /// Its models, oldest first.
    versions: Vec<FamilyVersion>,
    /// Names for some versions.
    aliases: Vec<FamilyAlias>,
    /// When it was made.
    created_at: String,
    /// When it was last changed.
    updated_at: String,
}

/// A model in its family.
#[derive(Debug, Serialize, ToSchema)]
pub struct FamilyVersion {
    /// Its number, counted from 1.
    version: u64,
    /// The model.
    model: String,
    /// When it was added.
    added_at: String,
}

/// A name for one version.
#[derive(Debug, Serialize, ToSchema)]
pub struct FamilyAlias {
    /// The name.
    alias: String,
    /// The version that answers.
    version: u64,
    /// Its model.
    model: String,
    /// The version that answers the same requests unseen, to be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow: Option<u64>,
    /// Since when.
    since: String,
    /// The versions that answered before, the latest last; a rollback goes to the latest whose model is not deleted.
    earlier: Vec<u64>,
}

impl From<family::Family> for Family {
    fn from(family: family::Family) -> Self {
        let model = |number: u64| {
            family
                .version(number)
                .map_or("", |version| version.model.as_str())
        };
        let aliases = family.aliases.iter().map(|(name, alias)| FamilyAlias {
            alias: name.to_string(),
            version: alias.version,
            model: model(alias.version).to_owned(),
            shadow: alias.shadow,
            since: rfc3339(alias.since),
            earlier: alias.earlier.clone(),
        });
        let versions = family.versions.iter().map(|version| FamilyVersion {
            version: version.number,
            model: version.model.to_string(),
            added_at: rfc3339(version.added_at),
        });
        Family {
            name: family.name.to_string(),
            versions: versions.collect(),
            aliases: aliases.collect(),
            created_at: rfc3339(family.created_at),
            updated_at: rfc3339(family.updated_at),
        }
    }
}

/// A model to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVersion {
    /// A COMPLETED model.
    model: String,
}

/// What an alias shall mean.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlias {
    /// The number of a version; exactly one of this and `model` is given.
    version: Option<u64>,
    /// A COMPLETED model; it becomes the newest version if it is none yet.
    model: Option<String>,
    /// A model that answers the same requests unseen; what it answers differently is counted in the metrics.
    shadow: Option<String>,
}

/// Which families to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FamilyQuery {
    /// Items on a page; 50 if not given, at most 1000.
    page_size: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only names that begin with this.
    name: Option<String>,
    /// `created_at` or `name`, with a `-` before it for descending; newest first if not given.
    sort: Option<String>,
}

impl From<FamilyQuery> for requests::ListQuery {
    fn from(query: FamilyQuery) -> Self {
        requests::ListQuery {
            name_prefix: query.name,
            sort: query.sort,
            page_size: query.page_size,
            cursor: query.cursor,
            ..requests::ListQuery::default()
        }
    }
}

fn etag(family: &family::Family) -> String {
    format!("\"{}\"", family.revision)
}

fn shown(family: family::Family) -> Response {
    let etag = etag(&family);
    tagged(Json(Family::from(family)).into_response(), &etag)
}

/// The revision that a change must find, by If-Match.
async fn expected(api: &Api, name: &str, headers: &HeaderMap) -> Result<Expected, Error> {
    if !headers.contains_key(IF_MATCH) {
        return Ok(None);
    }
    let present = match api.service.family_get(name).await {
        Ok(family) => Some(family),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    let tag = present.as_ref().map(etag);
    conditional::check(headers, tag.as_deref(), "family", name)?;
    Ok(present.map(|family| family.revision))
}

/// List the families
#[utoipa::path(get, path = "/v1/families", tag = "Families", params(FamilyQuery),
    responses((status = 200, description = "One page", body = Page<Family>)))]
pub(super) async fn list_families(
    State(api): State<Api>,
    Query(query): Query<FamilyQuery>,
) -> Result<Json<Page<Family>>, ApiError> {
    let page = api.service.family_list(query.into()).await?;
    Ok(Json(Page {
        items: page.items.into_iter().map(Family::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// Describe a family
#[utoipa::path(get, path = "/v1/families/{name}", tag = "Families",
    params(("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The family", body = Family)))]
pub(super) async fn get_family(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    Ok(shown(api.service.family_get(&name).await?))
}

/// Delete a family
///
/// Its aliases mean nothing any more; its models stay.
#[utoipa::path(delete, path = "/v1/families/{name}", tag = "Families",
    params(("name" = String, Path, description = "The name")),
    responses((status = 204, description = "Deleted")))]
pub(super) async fn delete_family(
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    api.service.family_delete(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Add a version
///
/// The model becomes the newest version of the family, which is made if it is not there. Adding a model twice changes
/// nothing.
#[utoipa::path(post, path = "/v1/families/{name}/versions", tag = "Families",
    params(("name" = String, Path, description = "Letters, digits, `_`, `.` and `-`")),
    request_body = NewVersion,
    responses((status = 200, description = "The family as it is now", body = Family)))]
pub(super) async fn add_version(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(new): Json<NewVersion>,
) -> Result<Response, ApiError> {
    let expected = expected(&api, &name, &headers).await?;
    let family = api.service.family_add(&name, &new.model, expected).await?;
    Ok(shown(family))
}

/// Let an alias mean a version
///
/// In one step: every request is answered by the old version or by the new one, and none fails. A family that is not
/// there is made.
#[utoipa::path(put, path = "/v1/families/{name}/aliases/{alias}", tag = "Families",
    params(
        ("name" = String, Path, description = "Letters, digits, `_`, `.` and `-`"),
        ("alias" = String, Path, description = "Such as `production`; no number, and not `latest`"),
    ),
    request_body = NewAlias,
    responses((status = 200, description = "The family as it is now", body = Family)))]
pub(super) async fn put_alias(
    State(api): State<Api>,
    Path((name, alias)): Path<(String, String)>,
    headers: HeaderMap,
    Json(new): Json<NewAlias>,
) -> Result<Response, ApiError> {
    let expected = expected(&api, &name, &headers).await?;
    let pointing = Pointing {
        version: new.version,
        model: new.model,
        shadow: new.shadow,
    };
    let pointed = api.service.family_point(&name, &alias, pointing, expected);
    Ok(shown(pointed.await?))
}

/// Let an alias mean what it meant before
///
/// Again and again it goes further back. Versions whose models were deleted are passed over. The shadow, if there is
/// one, is taken away.
#[utoipa::path(post, path = "/v1/families/{name}/aliases/{alias}/rollback", tag = "Families",
    params(
        ("name" = String, Path, description = "The family"),
        ("alias" = String, Path, description = "The alias"),
    ),
    responses((status = 200, description = "The family as it is now", body = Family)))]
pub(super) async fn roll_back_alias(
    State(api): State<Api>,
    Path((name, alias)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let expected = expected(&api, &name, &headers).await?;
    let rolled_back = api.service.family_roll_back(&name, &alias, expected);
    Ok(shown(rolled_back.await?))
}

/// Take an alias away
#[utoipa::path(delete, path = "/v1/families/{name}/aliases/{alias}", tag = "Families",
    params(
        ("name" = String, Path, description = "The family"),
        ("alias" = String, Path, description = "The alias"),
    ),
    responses((status = 204, description = "Taken away")))]
pub(super) async fn delete_alias(
    State(api): State<Api>,
    Path((name, alias)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let expected = expected(&api, &name, &headers).await?;
    api.service.family_forget(&name, &alias, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

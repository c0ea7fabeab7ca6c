//! What can be done to every kind of resource in the same way: list, read, change, delete, cancel,
//! follow. [`resource_handlers`] makes the handlers of one kind; they only extract and call.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use super::Api;
use super::conditional::{expected_revision, is_known, not_modified, tagged};
use super::extract::Json;
use super::problem::ApiError;
use super::resource::{Detail, ListQuery, Page, ReadQuery, Resource, address};
use crate::domain::entity::Entity;
use crate::domain::status::Status;
use crate::service::answers::Created;
use crate::service::requests::Changes;

/// A silent connection gets a sign of life this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A whole resource with its entity tag.
fn shown<R: Resource>(status: StatusCode, entity: Entity) -> Result<Response, ApiError> {
    let etag = entity.etag();
    let body = Json(R::view(entity, Detail::Full)?);
    Ok(tagged((status, body).into_response(), &etag))
}

/// The answer to a creation: 202 for new work, 200 for a repeat.
pub fn created<R: Resource>(created: Created) -> Result<Response, ApiError> {
    let status = if created.fresh {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    let location = address(&created.entity);
    let response = shown::<R>(status, created.entity)?;
    Ok(accepted(response, &location))
}

/// Says where to look and, while there is something to wait for, when.
pub fn accepted(mut response: Response, location: &str) -> Response {
    let pending = response.status() == StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, value);
    }
    if pending {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// One page.
pub async fn list<R: Resource>(api: &Api, query: ListQuery) -> Result<Json<Page<R>>, ApiError> {
    let page = api.service.entity_list(R::KIND, query.into()).await?;
    let items = page.items.into_iter().map(|entity| R::view(entity, Detail::Item));
    Ok(Json(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor: page.next_cursor,
    }))
}

/// One resource, at once or when its work has ended.
pub async fn read<R: Resource>(
    api: &Api,
    id: &str,
    query: ReadQuery,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let entity = match query.wait {
        None | Some(0) => api.service.entity_get(R::KIND, id).await?,
        Some(seconds) => api.service.entity_wait(R::KIND, id, seconds, &api.stop).await?,
    };
    // The tag stands for everything but the progress, which a caller who asks again wants to see.
    match entity.etag() {
        etag if entity.status != Status::InProgress && is_known(headers, &etag) => Ok(not_modified(&etag)),
        _ => shown::<R>(StatusCode::OK, entity),
    }
}

/// Changes a resource, unless it is not the one that the caller means any more.
pub async fn change<R: Resource>(
    api: &Api,
    id: &str,
    headers: &HeaderMap,
    changes: Changes,
) -> Result<Response, ApiError> {
    let present = api.service.entity_get(R::KIND, id).await?;
    let expected = expected_revision(headers, &present)?;
    let changed = api.service.entity_update(R::KIND, id, expected, changes).await?;
    shown::<R>(StatusCode::OK, changed)
}

/// Deletes a resource, unless it is not the one that the caller means any more.
pub async fn remove<R: Resource>(api: &Api, id: &str, headers: &HeaderMap) -> Result<StatusCode, ApiError> {
    let present = api.service.entity_get(R::KIND, id).await?;
    let expected = expected_revision(headers, &present)?;
    api.service.entity_delete(R::KIND, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for a stop; the work ends soon after, or at once if it has not begun.
pub async fn cancel<R: Resource>(api: &Api, id: &str) -> Result<Response, ApiError> {
    let entity = api.service.entity_cancel(R::KIND, id).await?;
    let location = address(&entity);
    Ok(accepted(shown::<R>(StatusCode::ACCEPTED, entity)?, &location))
}

/// Server-sent events: `progress` for every change, `done` for the last one. The server ends the
/// stream without `done` when it stops; clients connect again then, as the standard says.
pub async fn follow<R: Resource>(api: &Api, id: &str) -> Result<Response, ApiError> {
    let entity = api.service.entity_get(R::KIND, id).await?;
    let changes = api.service.entity_changes(R::KIND, entity.id, api.stop.clone());
    let events = changes.flat_map(|entity| stream::iter(event::<R>(entity).map(Ok::<_, Infallible>)));
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = events.into_response();
    // Proxies that buffer would hold events back.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn event<R: Resource>(entity: Entity) -> Option<Event> {
    let name = if entity.status.is_final() {
        "done"
    } else {
        "progress"
    };
    let (id, at) = (entity.revision.to_string(), entity.at());
    let made = R::view(entity, Detail::Full).map_err(|error| error.to_string());
    let made = made.and_then(|view| {
        Event::default()
            .json_data(view)
            .map_err(|error| error.to_string())
    });
    match made {
        Ok(event) => Some(event.event(name).id(id)),
        Err(error) => {
            tracing::error!(error, entity = %at, "an event could not be written");
            None
        }
    }
}

/// The handlers that every kind has, with their place in the OpenAPI document.
macro_rules! resource_handlers {
    (
        $view:ty, $change:ty, tag: $tag:tt, noun: $noun:tt,
        list: $list:ident at $all:tt, get: $get:ident, change: $update:ident, delete: $delete:ident at $one:tt,
        cancel: $cancel:ident at $cancel_at:tt, follow: $follow:ident at $events_at:tt $(,)?
    ) => {
        #[utoipa::path(get, path = $all, tag = $tag, summary = concat!("List the ", $noun, "s"),
            params(ListQuery), responses((status = 200, description = "One page", body = Page<$view>)))]
        pub(super) async fn $list(
            State(api): State<Api>,
            Query(query): Query<ListQuery>,
        ) -> Result<Json<Page<$view>>, ApiError> {
            operations::list(&api, query).await
        }

        #[utoipa::path(get, path = $one, tag = $tag, summary = concat!("Read a ", $noun, ", or wait for it"),
            params(
                ("id" = String, Path, description = "The identifier"),
                ReadQuery,
                ("If-None-Match" = Option<String>, Header, description = "ETag of the state already known"),
            ),
            responses((status = 200, description = "As it is", body = $view)))]
        pub(super) async fn $get(
            State(api): State<Api>,
            Path(id): Path<String>,
            Query(query): Query<ReadQuery>,
            headers: HeaderMap,
        ) -> Result<Response, ApiError> {
            operations::read::<$view>(&api, &id, query, &headers).await
        }

        #[utoipa::path(patch, path = $one, tag = $tag, summary = concat!("Change a ", $noun),
            params(
                ("id" = String, Path, description = "The identifier"),
                ("If-Match" = Option<String>, Header, description = "ETag of the state to change"),
            ),
            request_body = $change,
            responses((status = 200, description = "As it is now", body = $view)))]
        pub(super) async fn $update(
            State(api): State<Api>,
            Path(id): Path<String>,
            headers: HeaderMap,
            Json(change): Json<$change>,
        ) -> Result<Response, ApiError> {
            operations::change::<$view>(&api, &id, &headers, change.into()).await
        }

        #[utoipa::path(delete, path = $one, tag = $tag, summary = concat!("Delete a ", $noun),
            description = "Its identifier stays taken, and its files go once nothing needs them.",
            params(
                ("id" = String, Path, description = "The identifier"),
                ("If-Match" = Option<String>, Header, description = "ETag of the state to delete"),
            ),
            responses((status = 204, description = "Deleted")))]
        pub(super) async fn $delete(
            State(api): State<Api>,
            Path(id): Path<String>,
            headers: HeaderMap,
        ) -> Result<StatusCode, ApiError> {
            operations::remove::<$view>(&api, &id, &headers).await
        }

        #[utoipa::path(post, path = $cancel_at, tag = $tag, summary = concat!("Stop the work on a ", $noun),
            description = "It ends as FAILED with the code `cancelled`, at once if the work has not begun.",
            params(("id" = String, Path, description = "The identifier")),
            responses((status = 202, description = "It stops soon", body = $view)))]
        pub(super) async fn $cancel(
            State(api): State<Api>,
            Path(id): Path<String>,
        ) -> Result<Response, ApiError> {
            operations::cancel::<$view>(&api, &id).await
        }

        #[utoipa::path(get, path = $events_at, tag = $tag, summary = concat!("Follow the work on a ", $noun),
            description = "Server-sent events with the resource as data: `progress` for every change, \
                `done` for the last one.",
            params(("id" = String, Path, description = "The identifier")),
            responses((status = 200, description = "Events until the work has ended", body = String,
                content_type = "text/event-stream",
                example = "event: progress\nid: 3\ndata: {\"status\":\"INPROGRESS\",\"progress\":{\"fraction\":0.4,\"stage\":\"solve\"}}\n\nevent: done\nid: 5\ndata: {\"status\":\"COMPLETED\",\"progress\":{\"fraction\":1.0}}\n\n")))]
        pub(super) async fn $follow(
            State(api): State<Api>,
            Path(id): Path<String>,
        ) -> Result<Response, ApiError> {
            operations::follow::<$view>(&api, &id).await
        }
    };
}
pub(super) use resource_handlers;

//! Endpoints whose maker died before they were ready.

use super::*;
use crate::domain::spec::{Endpoint, EndpointStatus};

/// Leaves the endpoint of `ml` as a server leaves it that dies while it loads the model.
async fn abandoned(place: &Place) {
    let at = EntityRef::new(EntityKind::Model, EntityId::new("ml").unwrap());
    let update = |entity: &mut Entity| {
        let Body::Model(work) = &mut entity.body else {
            unreachable!()
        };
        work.result.as_mut().unwrap().endpoint = Some(Endpoint {
            created_at: 7,
            status: EndpointStatus::Updating,
        });
        Ok::<_, Error>(())
    };
    place.catalog.entity_update(&at, None, 7, update).await.unwrap();
}

async fn status(place: &Place) -> EndpointStatus {
    let model = place.get(EntityKind::Model, "ml").await;
    model.body.endpoint().unwrap().status
}

#[tokio::test]
async fn an_endpoint_that_was_left_behind_is_settled() {
    let place = Place::new().await;
    place.service.endpoints_settle().await;
    place.finished_model(BINARY).await;
    abandoned(&place).await;
    assert_eq!(status(&place).await, EndpointStatus::Updating);
    place.service.endpoints_settle().await;
    assert_eq!(status(&place).await, EndpointStatus::Ready);
}

#[tokio::test]
async fn an_endpoint_without_its_model_fails() {
    let place = Place::new().await;
    place.finished_model(BINARY).await;
    abandoned(&place).await;
    let model = place.get(EntityKind::Model, "ml").await;
    let bundle = &model.model().unwrap().result.as_ref().unwrap().bundle;
    std::fs::write(place._home.path().join(bundle.as_str()), "damaged").unwrap();
    place.service.endpoints_settle().await;
    assert_eq!(status(&place).await, EndpointStatus::Failed);
}

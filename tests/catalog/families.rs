//! Families of models: changes, lists, and what an alias protects.

use yosoku::catalog::{Catalog, CatalogError};
use yosoku::domain::family::Family;
use yosoku::domain::ids::{AliasName, EntityId, FamilyName};
use yosoku::domain::listing::Listing;
use yosoku::domain::status::Status;

use crate::support::*;

fn fraud() -> FamilyName {
    FamilyName::new("fraud").unwrap()
}

fn production() -> AliasName {
    AliasName::new("production").unwrap()
}

/// A catalogue with trained models of these names.
async fn with_models(place: &Place, models: &[&str]) -> Catalog {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds", 2)).await;
    finish_next(&catalog, 3).await;
    for name in models {
        create(&catalog, model(name, "ds", 4)).await;
        finish_next(&catalog, 5).await;
    }
    catalog
}

/// Lets `production` mean a model, which becomes a version if it is none.
async fn point(catalog: &Catalog, model: &str, expected: Option<i64>) -> Result<Family, CatalogError> {
    let change = |family: &mut Family| -> Result<Vec<EntityId>, CatalogError> {
        let number = family.add(id(model), 10);
        family.point(production(), number, None, 10).unwrap();
        Ok(vec![id(model)])
    };
    catalog.family_update(&fraud(), true, expected, 10, change).await
}

pub async fn a_family_is_made_by_its_first_change_and_keeps_every_other(place: &Place) {
    let catalog = with_models(place, &["a", "b"]).await;
    let missing = catalog.family_get(&fraud()).await;
    assert!(matches!(missing, Err(CatalogError::FamilyNotFound { .. })));
    let first = point(&catalog, "a", None).await.unwrap();
    let second = point(&catalog, "b", Some(first.revision)).await.unwrap();
    assert!(second.revision > first.revision);
    assert_eq!(second.versions.len(), 2);
    assert_eq!(place.open().await.family_get(&fraud()).await.unwrap(), second);
    let late = point(&catalog, "a", Some(first.revision)).await;
    assert!(matches!(late, Err(CatalogError::FamilyChanged { .. })));
    assert_eq!(catalog.family_get(&fraud()).await.unwrap(), second);

    let page = catalog.family_list(&Listing::default()).await.unwrap();
    assert_eq!((page.items, page.next_cursor), (vec![second], None));
    catalog.family_delete(&fraud()).await.unwrap();
    let again = catalog.family_delete(&fraud()).await;
    assert!(matches!(again, Err(CatalogError::FamilyNotFound { .. })));
}

pub async fn a_change_that_is_refused_leaves_nothing(place: &Place) {
    let catalog = with_models(place, &["a"]).await;
    create(&catalog, model("unfinished", "ds", 6)).await;
    let refused = point(&catalog, "unfinished", None).await;
    assert!(matches!(
        refused,
        Err(CatalogError::DependencyUnusable {
            status: Status::Pending,
            ..
        })
    ));
    assert!(matches!(
        point(&catalog, "none", None).await,
        Err(CatalogError::NotFound { .. })
    ));
    let missing = catalog.family_get(&fraud()).await;
    assert!(matches!(missing, Err(CatalogError::FamilyNotFound { .. })));
}

pub async fn a_model_that_an_alias_means_is_not_deleted(place: &Place) {
    let catalog = with_models(place, &["a", "b"]).await;
    point(&catalog, "a", None).await.unwrap();
    let refused = catalog.entity_delete(&ml("a"), None, 20).await.unwrap_err();
    let is_named = |by: &str| by == "fraud@production";
    assert!(
        matches!(&refused, CatalogError::ModelInUse { by, .. } if is_named(by)),
        "{refused}"
    );
    assert_eq!(
        catalog.entity_get(&ml("a")).await.unwrap().status,
        Status::Completed
    );
    point(&catalog, "b", None).await.unwrap();
    catalog.entity_delete(&ml("a"), None, 21).await.unwrap();
    let gone = point(&catalog, "a", None).await;
    assert!(matches!(
        gone,
        Err(CatalogError::DependencyUnusable {
            status: Status::Deleted,
            ..
        })
    ));
}

/// Whoever comes first wins: either the model is deleted and the alias refused, or the other way round.
pub async fn a_deletion_and_an_alias_at_once_do_not_both_succeed(place: &Place) {
    for round in 0..12 {
        let name = format!("m{round}");
        let catalog = if round == 0 {
            with_models(place, &[&name]).await
        } else {
            let catalog = place.open().await;
            create(&catalog, model(&name, "ds", 4)).await;
            finish_next(&catalog, 5).await;
            catalog
        };
        let (other, meant) = (place.open().await, name.clone());
        let pointing = tokio::spawn(async move { point(&other, &meant, None).await.is_ok() });
        let deleted = catalog.entity_delete(&ml(&name), None, 20).await.is_ok();
        assert!(pointing.await.unwrap() != deleted, "{name}");
    }
}

//! Lists: order, filters, cursors.

use yosoku::catalog::{Catalog, CatalogError};
use yosoku::domain::ids::EntityKind;
use yosoku::domain::listing::{Listing, ListingError};
use yosoku::domain::status::Status;

use crate::support::*;

async fn page(catalog: &Catalog, listing: &Listing) -> (Vec<String>, Option<String>) {
    let page = catalog
        .entity_list(EntityKind::DataSource, listing)
        .await
        .unwrap();
    (
        page.items.into_iter().map(|e| e.id.to_string()).collect(),
        page.next_cursor,
    )
}

async fn all(catalog: &Catalog, mut listing: Listing) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let (ids, next) = page(catalog, &listing).await;
        found.extend(ids);
        if next.is_none() {
            return found;
        }
        listing.cursor = next;
    }
}

fn sorted(sort: &str, size: u32) -> Listing {
    Listing {
        sort: sort.parse().unwrap(),
        page_size: Some(size),
        ..Listing::default()
    }
}

pub async fn pages_are_stable_while_rows_come_and_go(place: &Place) {
    let catalog = with_dataset(place).await;
    for n in 0..6 {
        // Pairs share a time, so that the identifier has to break the tie.
        create(&catalog, data_source(&format!("ds-{n}"), 100 + n / 2)).await;
    }
    for (sort, expected) in [
        ("created_at", ["ds-0", "ds-1", "ds-2", "ds-3", "ds-4", "ds-5"]),
        ("-created_at", ["ds-4", "ds-5", "ds-2", "ds-3", "ds-0", "ds-1"]),
        ("id", ["ds-0", "ds-1", "ds-2", "ds-3", "ds-4", "ds-5"]),
        ("-id", ["ds-5", "ds-4", "ds-3", "ds-2", "ds-1", "ds-0"]),
        ("-name", ["ds-5", "ds-4", "ds-3", "ds-2", "ds-1", "ds-0"]),
    ] {
        for size in [1, 2, 3, 5, 6, 7] {
            assert_eq!(
                all(&catalog, sorted(sort, size)).await,
                expected,
                "{sort} by {size}"
            );
        }
    }
    let mut listing = sorted("-created_at", 3);
    let (first, next) = page(&catalog, &listing).await;
    assert_eq!(first, ["ds-4", "ds-5", "ds-2"]);
    create(&catalog, data_source("newer", 999)).await;
    create(&catalog, data_source("older", 1)).await;
    catalog.entity_delete(&ds("ds-2"), None, 5).await.unwrap();
    listing.cursor = next;
    let (second, next) = page(&catalog, &listing).await;
    assert_eq!(
        second,
        ["ds-3", "ds-0", "ds-1"],
        "nothing twice, nothing left out"
    );
    listing.cursor = next;
    assert_eq!(page(&catalog, &listing).await, (vec!["older".to_owned()], None));
}

pub async fn names_sort_and_match_byte_by_byte(place: &Place) {
    let catalog = with_dataset(place).await;
    for (id, name) in [
        ("1", "a%b"),
        ("2", "A"),
        ("3", "é"),
        ("4", "a_b"),
        ("5", "Z"),
        ("6", "axb"),
        ("7", ""),
    ] {
        let mut entity = data_source(id, 1);
        entity.name = name.into();
        create(&catalog, entity).await;
    }
    assert_eq!(
        all(&catalog, sorted("name", 2)).await,
        ["7", "2", "5", "1", "4", "6", "3"]
    );
    for (prefix, expected) in [
        ("a", vec!["1", "4", "6"]),
        ("a%", vec!["1"]),
        ("a_", vec!["4"]),
        ("A", vec!["2"]),
        ("é", vec!["3"]),
        ("b", vec![]),
    ] {
        let listing = Listing {
            name_prefix: Some(prefix.into()),
            ..sorted("name", 2)
        };
        assert_eq!(all(&catalog, listing).await, expected, "{prefix}");
    }
}

pub async fn filters_narrow_and_cursors_belong_to_their_query(place: &Place) {
    let catalog = with_dataset(place).await;
    for n in 0..4 {
        create(&catalog, data_source(&format!("ds-{n}"), n)).await;
    }
    create(&catalog, model("ml-0", "ds-0", 5)).await;
    create(&catalog, model("ml-1", "ds-1", 5)).await;
    finish_next(&catalog, 10).await;
    catalog.entity_delete(&ds("ds-3"), None, 11).await.unwrap();
    let with = |status| Listing {
        status: Some(status),
        ..sorted("id", 1)
    };
    assert_eq!(all(&catalog, sorted("id", 1)).await, ["ds-0", "ds-1", "ds-2"]);
    assert_eq!(all(&catalog, with(Status::Completed)).await, ["ds-0"]);
    assert_eq!(all(&catalog, with(Status::Pending)).await, ["ds-1", "ds-2"]);
    assert_eq!(all(&catalog, with(Status::Deleted)).await, ["ds-3"]);

    let of = Listing {
        depends_on: Some(ds("ds-1")),
        ..Listing::default()
    };
    let models = catalog.entity_list(EntityKind::Model, &of).await.unwrap();
    assert_eq!(
        models.items.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(),
        ["ml-1"]
    );

    let (_, cursor) = page(&catalog, &with(Status::Pending)).await;
    let other = Listing {
        cursor,
        ..sorted("id", 1)
    };
    let error = catalog
        .entity_list(EntityKind::DataSource, &other)
        .await
        .unwrap_err();
    assert!(
        matches!(error, CatalogError::Listing(ListingError::CursorOfAnotherQuery)),
        "{error}"
    );
}

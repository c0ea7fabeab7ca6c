//! Datasets: versions, use, lists.

use yosoku::catalog::CatalogError;
use yosoku::domain::listing::Listing;

use crate::support::*;

pub async fn versions_are_immutable_and_names_move(place: &Place) {
    let catalog = place.open().await;
    let (one, two) = (version("a.csv", 1, "x"), version("a.csv", 2, "x"));
    assert!(matches!(
        catalog.dataset_get(&one.name).await,
        Err(CatalogError::DatasetNotFound { .. })
    ));
    assert_eq!(catalog.dataset_put(&one, 10).await.unwrap(), one);
    assert_eq!(catalog.dataset_put(&two, 20).await.unwrap(), two);
    let dataset = catalog.dataset_get(&one.name).await.unwrap();
    assert_eq!(
        (&dataset.current, dataset.created_at, dataset.updated_at),
        (&two, 10, 20)
    );

    // The same bytes again: the name moves back, and the first file stays the one in use.
    let mut again = version("a.csv", 1, "y");
    again.media.content_type = None;
    assert_eq!(catalog.dataset_put(&again, 30).await.unwrap(), one);
    let dataset = catalog.dataset_get(&one.name).await.unwrap();
    assert_eq!(
        (&dataset.current, dataset.created_at, dataset.updated_at),
        (&one, 10, 30)
    );
    assert_eq!(
        catalog
            .dataset_get_version(&two.name, &two.version)
            .await
            .unwrap(),
        two
    );
    assert_eq!(
        catalog.dataset_versions(&one.name).await.unwrap(),
        [one.clone(), two.clone()]
    );

    assert_eq!(catalog.dataset_delete(&one.name).await.unwrap().len(), 2);
    assert!(
        catalog
            .dataset_get_version(&two.name, &two.version)
            .await
            .is_err()
    );
    assert!(matches!(
        catalog.dataset_delete(&one.name).await,
        Err(CatalogError::DatasetNotFound { .. })
    ));
    assert_eq!(
        catalog.dataset_put(&again, 40).await.unwrap(),
        again,
        "a deleted name is free again"
    );
}

pub async fn a_dataset_in_use_is_not_deleted(place: &Place) {
    let catalog = with_dataset(place).await;
    let name = version("data.csv", 1, "a").name;
    create(&catalog, data_source("ds-1", 1)).await;
    let error = catalog.dataset_delete(&name).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "dataset data.csv is used by data source ds-1; delete that first"
    );

    // Training goes on after its data source is deleted, and still reads the bytes.
    finish_next(&catalog, 2).await;
    create(&catalog, model("ml-1", "ds-1", 3)).await;
    let training = claim(&catalog, 1, 4).await.unwrap();
    catalog.entity_delete(&ds("ds-1"), None, 5).await.unwrap();
    assert!(matches!(
        catalog.dataset_delete(&name).await,
        Err(CatalogError::DatasetInUse { .. })
    ));
    let made = produced(training.entity.kind());
    catalog
        .job_settle(&training, 6, yosoku::domain::job::Settlement::Completed(made))
        .await
        .unwrap();

    create(&catalog, batch_on_dataset("bp-1", "ml-1", 7)).await;
    assert!(matches!(
        catalog.dataset_delete(&name).await,
        Err(CatalogError::DatasetInUse { .. })
    ));
    while let Some(job) = claim(&catalog, 1, 8).await {
        let made = match job.kind {
            yosoku::domain::job::JobKind::DeleteFiles => yosoku::domain::spec::Produced::Nothing,
            _ => produced(job.entity.kind()),
        };
        catalog
            .job_settle(&job, 9, yosoku::domain::job::Settlement::Completed(made))
            .await
            .unwrap();
    }
    assert_eq!(
        catalog.dataset_delete(&name).await.unwrap(),
        [version("data.csv", 1, "a").blob]
    );
}

pub async fn datasets_are_listed_in_pages(place: &Place) {
    let catalog = place.open().await;
    for (n, name) in ["b", "a", "C"].into_iter().enumerate() {
        catalog
            .dataset_put(&version(name, 1, "x"), i64::try_from(n).unwrap())
            .await
            .unwrap();
    }
    for (sort, expected) in [
        ("name", ["C", "a", "b"]),
        ("-id", ["b", "a", "C"]),
        ("created_at", ["b", "a", "C"]),
    ] {
        let mut listing = Listing {
            sort: sort.parse().unwrap(),
            page_size: Some(2),
            ..Listing::default()
        };
        let first = catalog.dataset_list(&listing).await.unwrap();
        listing.cursor = first.next_cursor;
        let second = catalog.dataset_list(&listing).await.unwrap();
        let names: Vec<_> = first
            .items
            .iter()
            .chain(&second.items)
            .map(|d| d.current.name.as_str())
            .collect();
        assert_eq!(names, expected, "{sort}");
        assert_eq!(second.next_cursor, None);
    }
}

pub async fn a_lost_file_is_replaced_once(place: &Place) {
    let catalog = place.open().await;
    let (lost, new, late) = (
        version("a.csv", 1, "x"),
        version("a.csv", 1, "y"),
        version("a.csv", 1, "z"),
    );
    catalog.dataset_put(&lost, 10).await.unwrap();
    let mended = catalog.dataset_mend(&new, &lost.blob).await.unwrap();
    assert_eq!(mended.unwrap().blob, new.blob);
    assert_eq!(catalog.dataset_mend(&late, &lost.blob).await.unwrap(), None);
    assert_eq!(
        catalog.dataset_get(&lost.name).await.unwrap().current.blob,
        new.blob
    );
}

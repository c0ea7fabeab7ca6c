//! Searches by one variable, tags, and what was used.

use yosoku::catalog::{Catalog, CatalogError};
use yosoku::domain::entity::{Entity, Problem, Progress};
use yosoku::domain::ids::EntityKind;
use yosoku::domain::job::Settlement;
use yosoku::domain::listing::ListingError;
use yosoku::domain::search::{Comparison, Operand, Search, Variable};
use yosoku::domain::spec::{Body, Endpoint, EndpointStatus};
use yosoku::domain::usage::Usage;

use crate::support::*;

fn search(by: Variable, tests: &[(Comparison, &str)]) -> Search {
    let operand = |text: &str| match by.is_time() {
        true => Operand::Time(text.parse().unwrap()),
        false => Operand::Text(text.to_owned()),
    };
    Search {
        by,
        tests: tests
            .iter()
            .map(|(comparison, text)| (*comparison, operand(text)))
            .collect(),
        descending: false,
        limit: 100,
        cursor: None,
    }
}

async fn found(catalog: &Catalog, kind: EntityKind, search: &Search) -> Vec<String> {
    let page = catalog.entity_search(kind, search).await.unwrap();
    page.items
        .into_iter()
        .map(|entity| entity.id.to_string())
        .collect()
}

pub async fn searches_compare_order_and_page(place: &Place) {
    use Comparison::{Equal, Greater, Less, NotEqual, NotGreater, NotLess, Prefix};
    let catalog = with_dataset(place).await;
    for (id, at, owner) in [
        ("B", 3_000_000, "ana"),
        ("a", 1_000_000, ""),
        ("b", 2_000_000, "ana"),
    ] {
        let location = format!("s3://uploads/{id}");
        create(&catalog, data_source(id, at).made_by((owner, ""), location)).await;
    }
    let kind = EntityKind::DataSource;
    for (by, tests, expected) in [
        (Variable::CreatedAt, &[][..], &["a", "b", "B"][..]),
        (
            Variable::CreatedAt,
            &[(NotLess, "1000"), (Less, "3000")],
            &["a", "b"],
        ),
        (Variable::UpdatedAt, &[(Equal, "2000")], &["b"]),
        (Variable::Name, &[], &["B", "a", "b"]),
        (Variable::Name, &[(Prefix, "name of ")], &["B", "a", "b"]),
        (Variable::Name, &[(Prefix, "NAME")], &[]),
        (Variable::Name, &[(Greater, "name of B")], &["a", "b"]),
        (Variable::Name, &[(NotGreater, "name of a")], &["B", "a"]),
        (Variable::Owner, &[(Equal, "ana")], &["B", "b"]),
        (Variable::Owner, &[(NotEqual, "ana")], &["a"]),
        (Variable::Location, &[(Equal, "s3://uploads/b")], &["b"]),
        (Variable::Status, &[(Equal, "PENDING")], &["B", "a", "b"]),
        (Variable::Status, &[(Equal, "DELETED")], &[]),
    ] {
        assert_eq!(
            found(&catalog, kind, &search(by, tests)).await,
            expected,
            "{by:?} {tests:?}"
        );
    }
    for descending in [false, true] {
        let mut pages = Search {
            descending,
            limit: 1,
            ..search(Variable::Owner, &[])
        };
        let mut seen = Vec::new();
        loop {
            let page = catalog.entity_search(kind, &pages).await.unwrap();
            seen.extend(page.items.into_iter().map(|entity| entity.id.to_string()));
            let Some(next) = page.next_cursor else { break };
            pages.cursor = Some(next);
        }
        let expected = if descending {
            ["B", "b", "a"]
        } else {
            ["a", "B", "b"]
        };
        assert_eq!(seen, expected);
        let other = Search {
            by: Variable::Name,
            ..pages
        };
        let refused = catalog.entity_search(kind, &other).await;
        assert!(
            matches!(
                refused,
                Err(CatalogError::Listing(ListingError::CursorOfAnotherQuery))
            ),
            "{refused:?}"
        );
    }
    catalog.entity_delete(&ds("a"), None, 5).await.unwrap();
    assert_eq!(
        found(&catalog, kind, &search(Variable::Name, &[])).await,
        ["B", "b"]
    );
    let gone = search(Variable::Status, &[(Equal, "DELETED")]);
    assert_eq!(found(&catalog, kind, &gone).await, ["a"]);
}

pub async fn models_are_found_by_question_and_endpoint(place: &Place) {
    use Comparison::Equal;
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds", 1)).await;
    create(&catalog, model("ml", "ds", 2)).await;
    create(&catalog, evaluation("ev", "ml", "ds", 3)).await;
    let one = |by, value| search(by, &[(Equal, value)]);
    assert_eq!(
        found(&catalog, EntityKind::Model, &one(Variable::Task, "BINARY")).await,
        ["ml"]
    );
    assert_eq!(
        found(&catalog, EntityKind::Model, &one(Variable::Endpoint, "NONE")).await,
        ["ml"]
    );
    assert_eq!(
        found(&catalog, EntityKind::Model, &one(Variable::DataSource, "ds")).await,
        ["ml"]
    );
    assert_eq!(
        found(&catalog, EntityKind::Evaluation, &one(Variable::Model, "ml")).await,
        ["ev"]
    );
    assert!(
        found(&catalog, EntityKind::Evaluation, &one(Variable::Model, "x"))
            .await
            .is_empty()
    );
    finish_next(&catalog, 10).await;
    finish_next(&catalog, 20).await;
    let ready = |entity: &mut Entity| -> Result<(), CatalogError> {
        if let Body::Model(work) = &mut entity.body
            && let Some(result) = &mut work.result
        {
            result.endpoint = Some(Endpoint {
                created_at: 30,
                status: EndpointStatus::Ready,
            });
        }
        Ok(())
    };
    catalog.entity_update(&ml("ml"), None, 30, ready).await.unwrap();
    assert_eq!(
        found(&catalog, EntityKind::Model, &one(Variable::Endpoint, "READY")).await,
        ["ml"]
    );
    assert!(
        found(&catalog, EntityKind::Model, &one(Variable::Endpoint, "NONE"))
            .await
            .is_empty()
    );
}

pub async fn tags_are_set_all_or_none(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds", 1)).await;
    let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let tags = [tag("b", "1"), tag("B", "2"), tag("ü", "")];
    assert_eq!(catalog.tags_set(&ds("ds"), &tags, 3).await.unwrap(), Ok(()));
    assert_eq!(
        catalog.tags_set(&ds("ds"), &[tag("b", "3")], 3).await.unwrap(),
        Ok(())
    );
    assert_eq!(
        catalog
            .tags_set(&ds("ds"), &[tag("b", "4"), tag("c", "5")], 3)
            .await
            .unwrap(),
        Err(4)
    );
    let expected = [tag("B", "2"), tag("b", "3"), tag("ü", "")];
    assert_eq!(catalog.tags_of(&ds("ds")).await.unwrap(), expected);
    catalog
        .tags_remove(&ds("ds"), &["B".to_owned(), "x".to_owned()])
        .await
        .unwrap();
    assert_eq!(catalog.tags_of(&ds("ds")).await.unwrap(), expected[1..]);
    assert!(matches!(
        catalog.tags_of(&ds("x")).await,
        Err(CatalogError::NotFound { .. })
    ));
    catalog.entity_delete(&ds("ds"), None, 5).await.unwrap();
    assert!(catalog.tags_set(&ds("ds"), &tags, 3).await.is_err());
    assert_eq!(catalog.tags_of(&ds("ds")).await.unwrap().len(), 2);
}

/// The identifier of the key of that name.
fn key_of(owner: &str) -> &'static str {
    match owner {
        "ana" => "k1",
        "ben" => "k2",
        _ => "",
    }
}

pub async fn use_is_summed_by_model_and_key(place: &Place) {
    let catalog = with_dataset(place).await;
    const DAY: i64 = 86_400_000_000;
    let used = |model: &str, owner: &str, compute_ms, batch, realtime| Usage {
        model: model.to_owned(),
        owner: owner.to_owned(),
        key: key_of(owner).to_owned(),
        compute_ms,
        batch,
        realtime,
    };
    catalog
        .usage_add(&[used("a", "", 0, 0, 5), used("b", "ana", 0, 0, 0)], 0)
        .await
        .unwrap();
    catalog
        .usage_add(&[used("a", "", 0, 0, 7), used("a", "ana", 0, 0, 100)], DAY)
        .await
        .unwrap();
    let (all, total) = catalog.usage_list("1970-01-01", "1970-01-02", 10).await.unwrap();
    assert_eq!(all, [used("a", "ana", 0, 0, 100), used("a", "", 0, 0, 12)]);
    assert_eq!(total, used("", "", 0, 0, 112));
    let (first, total) = catalog.usage_list("1970-01-01", "1970-01-01", 1).await.unwrap();
    assert_eq!(
        (first.as_slice(), total.realtime),
        (&[used("a", "", 0, 0, 5)][..], 5)
    );

    // Two keys of one name are two.
    let other = Usage {
        key: "k3".to_owned(),
        ..used("a", "ana", 0, 0, 1)
    };
    for _ in 0..2 {
        catalog
            .usage_add(std::slice::from_ref(&other), 3 * DAY)
            .await
            .unwrap();
    }
    catalog
        .usage_add(&[used("a", "ana", 0, 0, 5)], 3 * DAY)
        .await
        .unwrap();
    let (all, _) = catalog.usage_list("1970-01-04", "1970-01-04", 10).await.unwrap();
    let both = Usage { realtime: 2, ..other };
    assert_eq!(all, [used("a", "ana", 0, 0, 5), both]);

    // Work that ended well is counted when it ends, once.
    create(&catalog, data_source("ds", 1).made_by(("ana", "k1"), "")).await;
    create(&catalog, model("ml", "ds", 2).made_by(("ana", "k1"), "")).await;
    create(
        &catalog,
        batch_on_dataset("bp", "ml", 3).made_by(("ben", "k2"), ""),
    )
    .await;
    for at in [1_000_000, 2_000_000] {
        let job = claim(&catalog, 1, at).await.expect("a job is ready");
        let settlement = Settlement::Completed(produced(job.entity.kind()));
        catalog.job_settle(&job, at + 250_000, settlement).await.unwrap();
    }
    finish_next(&catalog, 3_000_000).await;
    let (all, _) = catalog.usage_list("1970-01-01", "1970-01-01", 10).await.unwrap();
    for expected in [
        used("", "ana", 250, 0, 0),
        used("ml", "ana", 250, 0, 0),
        used("ml", "ben", 0, 9, 0),
    ] {
        assert!(all.contains(&expected), "{expected:?} in {all:?}");
    }

    // Statistics that nobody wanted are free.
    let mut source = data_source("free", 4).made_by(("ana", "k1"), "");
    if let Body::DataSource(work) = &mut source.body {
        work.spec.without_statistics = true;
    }
    create(&catalog, source).await;
    let job = claim(&catalog, 1, 5_000_000).await.unwrap();
    let settlement = Settlement::Completed(produced(EntityKind::DataSource));
    catalog.job_settle(&job, 5_250_000, settlement).await.unwrap();
    assert_eq!(
        catalog
            .usage_list("1970-01-01", "1970-01-01", 10)
            .await
            .unwrap()
            .0,
        all
    );
}

pub async fn only_work_is_counted_and_not_waiting(place: &Place) {
    let catalog = with_dataset(place).await;
    const S: i64 = 1_000_000;
    create(&catalog, data_source("ds", 1)).await;
    let retry = || Settlement::Retry(Problem::new("store_unavailable", "later"));
    // It dies a while after its last sign of life at 14 s, 4 s after it began.
    let job = claim(&catalog, 1, 10 * S).await.unwrap();
    catalog
        .job_renew(&job, 14 * S, 20 * S, &Progress::default())
        .await
        .unwrap();
    catalog
        .job_abandon(std::slice::from_ref(&job.worker), 90 * S)
        .await
        .unwrap();
    // It fails after 5 s, waits, is given back after 2 s, and ends well after 3 s.
    let job = claim(&catalog, 2, 100 * S).await.unwrap();
    catalog.job_settle(&job, 105 * S, retry()).await.unwrap();
    let job = claim(&catalog, 2, 200 * S).await.unwrap();
    catalog
        .job_settle(&job, 202 * S, Settlement::Released)
        .await
        .unwrap();
    let job = claim(&catalog, 2, 300 * S).await.unwrap();
    let done = Settlement::Completed(produced(EntityKind::DataSource));
    catalog.job_settle(&job, 303 * S, done).await.unwrap();
    let entity = catalog.entity_get(&ds("ds")).await.unwrap();
    assert_eq!(
        (entity.started_at, entity.finished_at),
        (Some(10 * S), Some(303 * S))
    );
    assert_eq!(entity.work_micros(), Some(14 * S));
    let (_, total) = catalog.usage_list("1970-01-01", "1970-01-01", 1).await.unwrap();
    assert_eq!(total.compute_ms, 14_000);
}

pub async fn an_older_catalogue_learns_what_searches_need(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds", 1)).await;
    create(&catalog, model("ml", "ds", 2)).await;
    create(&catalog, batch_on_dataset("bp", "ml", 3)).await;
    catalog.close().await;
    for sql in [
        "DROP TABLE used_by_key",
        "ALTER TABLE jobs DROP COLUMN begun_at",
        "ALTER TABLE jobs DROP COLUMN worked",
        "DROP TABLE tags",
        "ALTER TABLE entities DROP COLUMN location",
        "ALTER TABLE entities DROP COLUMN task",
        "ALTER TABLE entities DROP COLUMN endpoint",
        "UPDATE schema_version SET version = 2",
    ] {
        execute(&place.url, sql).await;
    }
    let catalog = place.open().await;
    let at = [(Comparison::Equal, "s3://uploads/data.csv")];
    for (kind, id) in [
        (EntityKind::DataSource, "ds"),
        (EntityKind::Model, "ml"),
        (EntityKind::BatchPrediction, "bp"),
    ] {
        assert_eq!(
            found(&catalog, kind, &search(Variable::Location, &at)).await,
            [id]
        );
    }
    let binary = search(Variable::Task, &[(Comparison::Equal, "BINARY")]);
    assert_eq!(found(&catalog, EntityKind::Model, &binary).await, ["ml"]);
}

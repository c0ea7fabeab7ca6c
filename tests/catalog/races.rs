//! What must hold when several processes share a catalogue: each handle here has connections of its
//! own, which lock each other exactly as those of separate processes do.

use std::collections::BTreeSet;

use yosoku::catalog::{Catalog, CatalogError};
use yosoku::domain::entity::Problem;
use yosoku::domain::job::{Settled, Settlement};
use yosoku::domain::status::Status;

use crate::support::*;

pub async fn two_claimers_never_get_the_same_job(place: &Place) {
    let catalog = with_dataset(place).await;
    for n in 0..30 {
        create(&catalog, data_source(&format!("ds-{n}"), n)).await;
    }
    let mut claimers = Vec::new();
    for number in 0..6 {
        let catalog = place.open().await;
        claimers.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            while let Some(job) = claim(&catalog, number, 100).await {
                let made = Settlement::Completed(produced(job.entity.kind()));
                assert_eq!(
                    catalog.job_settle(&job, 101, made).await.unwrap(),
                    Settled::Recorded
                );
                mine.push(job.id);
            }
            mine
        }));
    }
    let mut all = Vec::new();
    for claimer in claimers {
        all.extend(claimer.await.unwrap());
    }
    assert_eq!(all.len(), 30, "every job is found");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 30, "and none twice");
}

pub async fn writers_do_not_lock_each_other_out(place: &Place) {
    let first = with_dataset(place).await;
    create(&first, data_source("shared", 0)).await;
    let second = place.open().await;
    let mut writers = Vec::new();
    for number in 0..8 {
        let catalog: Catalog = if number % 2 == 0 {
            first.clone()
        } else {
            second.clone()
        };
        writers.push(tokio::spawn(async move {
            let shared = ds("shared");
            for n in 0..15 {
                create(&catalog, data_source(&format!("ds-{number}-{n}"), n)).await;
                let count = catalog.entity_update(&shared, None, n, |entity| {
                    entity.name = format!("{}x", entity.name);
                    Ok::<(), CatalogError>(())
                });
                count.await.unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let shared = first.entity_get(&ds("shared")).await.unwrap();
    assert_eq!(shared.name.matches('x').count(), 120, "no update is lost");
    assert_eq!(shared.revision, 121);
}

pub async fn nothing_waits_for_ever_when_a_dependency_fails_meanwhile(place: &Place) {
    let first = with_dataset(place).await;
    let second = place.open().await;
    for n in 0..15 {
        let source = format!("ds-{n}");
        create(&first, data_source(&source, 1)).await;
        let job = claim(&first, 1, 2).await.unwrap();
        let failing = first.job_settle(&job, 3, Settlement::Failed(Problem::new("x", "x")));
        let creating = second.entity_create(model(&format!("ml-{n}"), &source, 3));
        let (failed, created) = tokio::join!(failing, creating);
        failed.unwrap();
        match created {
            Ok(created) => {
                let entity = first.entity_get(&created.entity.at()).await.unwrap();
                assert_eq!(entity.status, Status::Failed);
            }
            Err(error) => assert!(
                matches!(error, CatalogError::DependencyUnusable { .. }),
                "{error}"
            ),
        }
    }
}

pub async fn one_of_many_equal_creations_is_fresh(place: &Place) {
    let catalog = with_dataset(place).await;
    let mut creators = Vec::new();
    for _ in 0..8 {
        let catalog = catalog.clone();
        creators.push(tokio::spawn(async move {
            catalog.entity_create(data_source("ds-1", 1)).await.unwrap()
        }));
    }
    let mut fresh = 0;
    for creator in creators {
        fresh += usize::from(creator.await.unwrap().fresh);
    }
    assert_eq!(fresh, 1);
    assert!(claim(&catalog, 1, 2).await.is_some());
    assert!(claim(&catalog, 2, 2).await.is_none());
}

pub async fn first_use_by_several_processes_makes_the_tables_once(place: &Place) {
    let opening: Vec<_> = (0..4)
        .map(|_| {
            let url = place.url.clone();
            tokio::spawn(async move { Catalog::open(&url).await })
        })
        .collect();
    for catalog in opening {
        catalog.await.unwrap().unwrap().ping().await.unwrap();
    }
}

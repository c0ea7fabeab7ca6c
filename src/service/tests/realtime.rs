//! Predictions now: the same scores as everywhere, remarks on odd fields, and bounds.

use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use super::*;
use crate::ml::draft::Written;
use crate::ml::model::Bundle;
use crate::ml::predict::{Predictor, Scratch};
use crate::ml::record::Record;
use crate::service::answering::{Answering, Described};
use crate::service::requests::Changes;
use crate::service::scoring::{Oddity, Scorer, Tally};

/// The names of a table's columns, and its rows.
fn table(text: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut lines = text.lines().map(|line| line.split(',').collect());
    let names = lines.next().unwrap();
    (names, lines.collect())
}

fn put(scorer: &mut Scorer, model: &Answering, name: &str, text: &str, written: Written) {
    match model.predictor().lookup().find(name, 0) {
        Some(attribute) => scorer.draft.set(attribute, text, written).unwrap(),
        None => scorer.draft.set_unknown(name, text),
    }
}

async fn predictor(place: &Place) -> Predictor {
    let entity = place.get(EntityKind::Model, "ml").await;
    let result = entity.model().unwrap().result.clone().unwrap();
    let bytes = place.blobs.get(&result.bundle).await.unwrap();
    Predictor::new(&Bundle::decode(&bytes).unwrap()).unwrap()
}

#[tokio::test]
async fn scores_are_those_of_the_pipeline_to_the_bit() {
    for (text, labels) in [(BINARY, 2), (CLASSES, 3), (NUMBERS, 0)] {
        let place = Place::new().await;
        place.finished_model(text).await;
        let predictor = predictor(&place).await;
        let model = place.service.answering("ml").await.unwrap();
        assert_eq!(model.threshold().is_some(), labels == 2);
        let (names, rows) = table(text);
        let (mut scratch, mut record) = (Scratch::default(), Record::new());
        place.service.with_scorer(|scorer| {
            for row in &rows {
                scorer.begin(&model);
                for (name, value) in names.iter().zip(row) {
                    put(scorer, &model, name, value, Written::Plain);
                }
                scorer.draft.write(&mut record);
                predictor.score(&record, &mut scratch);
                let scored = scorer.score(&model, true);
                assert_eq!(scored.scores(), scratch.scores);
                assert_eq!(scored.probabilities().count(), labels);
                assert_eq!(scored.label().is_some(), labels > 0);
                let why = scored.explanation().unwrap();
                let sum: f64 = why.contributions.iter().map(|(_, amount)| amount).sum();
                assert!((why.baseline + sum - why.margin).abs() < 1e-9);
                assert_eq!(scorer.score(&model, false).explanation(), None);
            }
            assert_eq!(scorer.take_tally().records, 2 * rows.len() as u64);
            assert_eq!(scorer.take_tally(), Tally::default());
        });
    }
}

#[tokio::test]
async fn odd_fields_are_remarked_on_and_counted() {
    let record = [
        ("petal_length_cm", "1e9", Written::Number),
        ("petal_width_cm", "wide", Written::Text),
        ("petal_widht_cm", "2", Written::Number),
        ("sepal_width_cm", "3", Written::Text),
        ("target", "setosa", Written::Text),
    ];
    let expected = [
        ("petal_widht_cm", "unknown_field", Some("2")),
        ("sepal_length_cm", "missing", None),
        ("petal_length_cm", "out_of_range", Some("1e9")),
        ("petal_width_cm", "invalid", Some("wide")),
        ("sepal_width_cm", "text_for_number", Some("3")),
    ];
    for (warnings, more) in [(20, 0), (3, 2), (0, 5)] {
        let limits = Limits {
            warnings,
            ..Limits::default()
        };
        let place = Place::with(limits).await;
        place.finished_model(CLASSES).await;
        let model = place.service.answering("ml").await.unwrap();
        place.service.with_scorer(|scorer| {
            scorer.begin(&model);
            for (name, text, written) in record {
                put(scorer, &model, name, text, written);
            }
            let scored = scorer.score(&model, false);
            let found: Vec<_> = scored.warnings().map(|w| (w.field, w.code, w.value)).collect();
            assert_eq!(found, expected[..expected.len() - more]);
            assert_eq!(scored.more_warnings(), more as u64);
            let oddities = scorer.take_tally().oddities;
            assert_eq!(oddities.iter().sum::<u64>(), 5, "{warnings}");
            assert_eq!(oddities[Oddity::TextForNumber as usize], 1);
        });
    }
}

#[test]
fn oddities_are_numbered_as_they_are_listed() {
    for (number, oddity) in Oddity::ALL.into_iter().enumerate() {
        assert_eq!(oddity as usize, number);
    }
}

fn threshold(threshold: f64) -> Changes {
    Changes {
        threshold: Some(threshold),
        ..Changes::default()
    }
}

#[tokio::test]
async fn a_new_threshold_counts_at_once_and_loads_nothing_anew() {
    let place = Place::new().await;
    place.finished_model(BINARY).await;
    let before = place.service.answering("ml").await.unwrap();
    assert_eq!(before.threshold(), Some(0.5));
    assert_eq!(before.class_of(&[0.2]), Some(0));
    let changed = place
        .service
        .entity_update(EntityKind::Model, "ml", None, threshold(0.0));
    changed.await.unwrap();
    let after = place.service.answering("ml").await.unwrap();
    assert_eq!(after.threshold(), Some(0.0));
    assert_eq!(after.class_of(&[0.2]), Some(1));
    assert!(std::ptr::eq(before.predictor(), after.predictor()));
}

#[tokio::test]
async fn what_another_process_changed_is_seen_within_a_second() {
    let place = Place::new().await;
    place.finished_model(BINARY).await;
    place.service.answering("ml").await.unwrap();
    let elsewhere = Service::new(Parts {
        catalog: place.catalog.clone(),
        blobs: place.blobs.clone(),
        databases: crate::source::Databases::new(Default::default(), true, tokio::runtime::Handle::current()),
        clock: place.clock.clone(),
        limits: Limits::default(),
    });
    let changed = elsewhere.entity_update(EntityKind::Model, "ml", None, threshold(0.25));
    changed.await.unwrap();
    let seen = async || place.service.answering("ml").await.unwrap().threshold();
    assert_eq!(seen().await, Some(0.5));
    place.clock.advance(1_000_000);
    assert_eq!(seen().await, Some(0.25));
    // A clock that is set back by an hour makes nothing count for an hour.
    let changed = elsewhere.entity_update(EntityKind::Model, "ml", None, threshold(0.75));
    changed.await.unwrap();
    place.clock.advance(-3_600_000_000);
    assert_eq!(seen().await, Some(0.75));
}

#[tokio::test]
async fn a_known_model_answers_while_the_catalogue_does_not() {
    let place = Place::new().await;
    place.finished_model(BINARY).await;
    place.service.answering("ml").await.unwrap();
    place.catalog.close().await;
    place.clock.advance(3_600_000_000);
    for _ in 0..2 {
        place.service.answering("ml").await.unwrap();
        place.clock.advance(1_000_000);
    }
    assert_eq!(refusal(place.service.answering("other").await).0, "unavailable");
}

#[tokio::test]
async fn requests_that_cannot_be_answered() {
    let place = Place::with(Limits {
        concurrent_predictions: 1,
        small_bytes: 10,
        ..Limits::default()
    })
    .await;
    place.model(CLASSES).await;
    assert_eq!(refusal(place.service.answering("ml").await).0, "wrong_state");
    assert_eq!(refusal(place.service.answering("no").await).0, "not_found");
    place.work("ds").await;
    place.work("ml").await;
    let model = place.service.answering("ml").await.unwrap();
    assert_eq!([10, 11].map(|bytes| place.service.is_large(bytes)), [false, true]);
    let taken = place.service.place().unwrap();
    assert_eq!(refusal(place.service.place()).0, "throttled");
    let scored = place.service.score(model.clone(), 5, Some(taken), |_, _| 7);
    let (scored, taken) = scored.await.unwrap();
    assert_eq!(scored, 7);
    // Much work needs a place even of a small body, and keeps it until it is answered.
    let much = place.service.score(model, usize::MAX, None, |_, _| 7).await;
    assert_eq!(refusal(much.map(drop)).0, "throttled");
    drop(taken);
    assert!(place.service.place().is_ok());
    let deleted = place.service.entity_delete(EntityKind::Model, "ml", None);
    deleted.await.unwrap();
    assert_eq!(refusal(place.service.answering("ml").await).0, "wrong_state");
}

#[tokio::test]
async fn little_work_is_done_at_once_and_much_on_another_thread() {
    let limits = Limits {
        inline_cells: 1000,
        ..Limits::default()
    };
    let place = Place::with(limits).await;
    place.finished_model(CLASSES).await;
    let here = std::thread::current().id();
    for (cells, is_here) in [(1000, true), (1001, false)] {
        let model = place.service.answering("ml").await.unwrap();
        let thread = place
            .service
            .score(model, cells, None, |_, _| std::thread::current().id());
        let (thread, held) = thread.await.unwrap();
        assert_eq!((thread == here, held.is_none()), (is_here, is_here), "{cells}");
    }
}

#[tokio::test]
async fn a_model_is_loaded_once_and_makes_room_for_others() {
    let limits = Limits {
        loaded_models: 1,
        ..Limits::default()
    };
    let place = Place::with(limits).await;
    place.finished_model(CLASSES).await;
    place.service.model_create(model("ml2")).await.unwrap();
    place.work("ml2").await;
    let answering = |id| place.service.answering(id);
    let (a, b) = tokio::join!(answering("ml"), answering("ml"));
    let first = a.unwrap();
    let is_first = |model: &Answering| std::ptr::eq(first.predictor(), model.predictor());
    assert!(is_first(&b.unwrap()));
    assert!(is_first(&answering("ml").await.unwrap()));
    answering("ml2").await.unwrap();
    assert!(!is_first(&answering("ml").await.unwrap()));
}

async fn described(place: &Place, id: &str) -> Described {
    let entity = place.get(EntityKind::Model, id).await;
    let result = entity.model().unwrap().result.clone().unwrap();
    Described {
        id: entity.id.clone(),
        bundle: result.bundle,
        bundle_hash: result.bundle_hash,
        size_bytes: result.size_bytes,
        threshold: None,
        endpoint: None,
        member: None,
    }
}

/// Whether it has to wait now.
fn waits(future: Pin<&mut impl Future>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn models_are_loaded_in_turns_and_none_goes_while_it_is_loaded() {
    let limits = Limits {
        loaded_models: 1,
        concurrent_loads: 1,
        ..Limits::default()
    };
    let place = Place::with(limits).await;
    place.finished_model(CLASSES).await;
    place.service.model_create(model("ml2")).await.unwrap();
    place.work("ml2").await;
    let (a, b) = (described(&place, "ml").await, described(&place, "ml2").await);
    let predictors = &place.service.0.predictors;
    let turn = predictors.loads.clone().acquire_owned().await.unwrap();
    let (mut first, mut second) = (pin!(predictors.get(&a)), pin!(predictors.get(&b)));
    let mut next_turn = pin!(predictors.loads.clone().acquire_owned());
    assert!(waits(first.as_mut()));
    assert!(waits(next_turn.as_mut()));
    assert!(waits(second.as_mut()));
    drop(turn);
    first.await.unwrap();
    let turn = next_turn.await.unwrap();
    // The first is loaded and fills all the room; the second goes on waiting, and whoever asks for it too waits with it.
    let mut third = pin!(predictors.get(&b));
    assert!(waits(third.as_mut()));
    drop(turn);
    let (second, third) = tokio::join!(second, third);
    assert!(Arc::ptr_eq(&second.unwrap(), &third.unwrap()));
}

#[tokio::test]
async fn a_damaged_model_file_is_our_fault_and_is_tried_again() {
    let place = Place::new().await;
    place.finished_model(CLASSES).await;
    let entity = place.get(EntityKind::Model, "ml").await;
    let file = entity.model().unwrap().result.clone().unwrap().bundle;
    let good = place.blobs.get(&file).await.unwrap();
    let damaged = good.slice(..good.len() - 1);
    place.blobs.put(&file, damaged).await.unwrap();
    assert_eq!(refusal(place.service.answering("ml").await).0, "internal");
    place.blobs.put(&file, good).await.unwrap();
    place.service.answering("ml").await.unwrap();
}

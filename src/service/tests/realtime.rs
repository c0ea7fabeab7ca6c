//! Predictions now: the same scores as everywhere, remarks on odd fields, and bounds.

use std::collections::BTreeMap;

use super::*;
use crate::ml::model::Bundle;
use crate::ml::predict::{Predictor, Scratch};
use crate::ml::record::Record;
use crate::service::requests::Changes;

type Fields = BTreeMap<String, String>;

/// The rows of a table as maps, the target included.
fn records(text: &str) -> Vec<Fields> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().clone();
    let fields = |row: csv::StringRecord| names.iter().zip(row.iter()).map(owned).collect();
    reader.records().map(|row| fields(row.unwrap())).collect()
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
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
        let limits = Limits {
            inline_cells: 100,
            ..Limits::default()
        };
        let place = Place::with(limits).await;
        place.finished_model(text).await;
        let predictor = predictor(&place).await;
        let records = records(text);
        // One by one and all at once, which takes the other way.
        let cells = records.len() * predictor.schema().attributes.len();
        assert!(cells > place.service.limits().inline_cells);
        let all = place.service.predict("ml", records.clone(), true).await.unwrap();
        assert_eq!((all.labels.len(), all.rows.len()), (labels, records.len()));
        assert_eq!(all.threshold.is_some(), labels == 2);
        let (mut scratch, mut record) = (Scratch::default(), Record::new());
        for (fields, row) in records.iter().zip(&all.rows) {
            predictor.record_from_map(fields, &mut record);
            predictor.score(&record, &mut scratch);
            assert_eq!(row.scores, scratch.scores);
            assert_eq!(row.class.is_some(), labels > 0);
            let why = row.explanation.as_ref().unwrap();
            let sum: f64 = why.contributions.iter().map(|(_, amount)| amount).sum();
            assert!((why.baseline + sum - why.margin).abs() < 1e-9);
        }
        let one = place
            .service
            .predict("ml", records[..1].to_vec(), false)
            .await
            .unwrap();
        assert_eq!(one.rows[0].scores, all.rows[0].scores);
        assert_eq!(one.rows[0].explanation, None);
    }
}

#[tokio::test]
async fn odd_fields_are_remarked_on_and_counted() {
    let place = Place::with(Limits {
        warnings: 3,
        ..Limits::default()
    })
    .await;
    place.finished_model(CLASSES).await;
    let record: Fields = [
        ("petal_length_cm", "1e9"),
        ("petal_width_cm", "wide"),
        ("petal_widht_cm", "2"),
        ("target", "setosa"),
    ]
    .map(owned)
    .into();
    let rows = place
        .service
        .predict("ml", vec![record], false)
        .await
        .unwrap()
        .rows;
    let warning = &rows[0].warnings[0];
    assert_eq!(
        (warning.field.as_str(), warning.code),
        ("petal_widht_cm", "unknown_field")
    );
    assert_eq!(warning.value.as_deref(), Some("2"));
    assert_eq!((rows[0].warnings.len(), rows[0].more_warnings), (3, 2));

    let generous = Place::new().await;
    generous.finished_model(CLASSES).await;
    let record = [("petal_length_cm", "1e9"), ("petal_width_cm", "wide")]
        .map(owned)
        .into();
    let rows = generous
        .service
        .predict("ml", vec![record], false)
        .await
        .unwrap()
        .rows;
    let mut found: Vec<(&str, &str, Option<&str>)> = rows[0]
        .warnings
        .iter()
        .map(|w| (w.field.as_str(), w.code, w.value.as_deref()))
        .collect();
    found.sort_unstable();
    let expected = [
        ("petal_length_cm", "out_of_range", Some("1e9")),
        ("petal_width_cm", "invalid", Some("wide")),
        ("sepal_length_cm", "missing", None),
        ("sepal_width_cm", "missing", None),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_new_threshold_counts_at_once() {
    let place = Place::new().await;
    place.finished_model(BINARY).await;
    let records = records(BINARY)[..40].to_vec();
    let answer = |records| place.service.predict("ml", records, false);
    let before = answer(records.clone()).await.unwrap();
    assert!(before.rows.iter().any(|row| row.class == Some(0)));
    let changes = Changes {
        threshold: Some(0.0),
        ..Changes::default()
    };
    place
        .service
        .entity_update(EntityKind::Model, "ml", None, changes)
        .await
        .unwrap();
    let after = answer(records).await.unwrap();
    assert_eq!(after.threshold, Some(0.0));
    assert!(after.rows.iter().all(|row| row.class == Some(1)));
    let scores = |p: &crate::service::answers::Predictions| -> Vec<Vec<f64>> {
        p.rows.iter().map(|row| row.scores.clone()).collect()
    };
    assert_eq!(scores(&before), scores(&after));
}

#[tokio::test]
async fn requests_that_cannot_be_answered() {
    let place = Place::with(Limits {
        records: 2,
        concurrent_predictions: 1,
        ..Limits::default()
    })
    .await;
    place.model(CLASSES).await;
    let predict = |model: &'static str, n| place.service.predict(model, vec![Fields::new(); n], false);
    assert_eq!(refusal(predict("ml", 1).await).0, "wrong_state");
    assert_eq!(refusal(predict("no", 1).await).0, "not_found");
    place.work("ds").await;
    place.work("ml").await;
    assert_eq!(refusal(predict("ml", 0).await), at("missing_field", "/records"));
    assert_eq!(refusal(predict("ml", 3).await), at("invalid_value", "/records"));
    let permit = place.service.0.permits.clone().try_acquire_owned().unwrap();
    assert_eq!(refusal(predict("ml", 2).await).0, "throttled");
    drop(permit);
    predict("ml", 2).await.unwrap();
    place
        .service
        .entity_delete(EntityKind::Model, "ml", None)
        .await
        .unwrap();
    assert_eq!(refusal(predict("ml", 1).await).0, "wrong_state");
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
    let result = async |id: &str| {
        let entity = place.get(EntityKind::Model, id).await;
        entity.model().unwrap().result.clone().unwrap()
    };
    let (one, two) = (result("ml").await, result("ml2").await);
    let loaded = &place.service.0.predictors;
    let (a, b) = tokio::join!(loaded.get(&one), loaded.get(&one));
    let first = a.unwrap();
    assert!(Arc::ptr_eq(&first, &b.unwrap()));
    assert!(Arc::ptr_eq(&first, &loaded.get(&one).await.unwrap()));
    loaded.get(&two).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &loaded.get(&one).await.unwrap()));
}

#[tokio::test]
async fn a_damaged_model_file_is_our_fault_and_is_tried_again() {
    let place = Place::new().await;
    place.finished_model(CLASSES).await;
    let entity = place.get(EntityKind::Model, "ml").await;
    let file = entity.model().unwrap().result.clone().unwrap().bundle;
    let good = place.blobs.get(&file).await.unwrap();
    let damaged = good.slice(..good.len() - 1);
    let predict = || place.service.predict("ml", vec![Fields::new()], false);
    place.blobs.put(&file, damaged).await.unwrap();
    assert_eq!(refusal(predict().await).0, "internal");
    place.blobs.put(&file, good).await.unwrap();
    predict().await.unwrap();
}

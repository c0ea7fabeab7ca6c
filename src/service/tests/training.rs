//! The whole workflow in one request.

use super::*;
use crate::domain::status::Status;
use crate::service::requests::NewTraining;

fn training(id: &str) -> NewTraining {
    NewTraining {
        id: Some(id.to_owned()),
        dataset: "data.csv".to_owned(),
        target: Some("target".to_owned()),
        ..NewTraining::default()
    }
}

fn split_of(source: &Entity) -> Option<Split> {
    let split = source.data_source().unwrap().spec.split.clone()?;
    Some(serde_json::from_value(split).unwrap())
}

#[tokio::test]
async fn one_request_makes_four_things_that_fit_each_other() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    let request = NewTraining {
        seed: 7,
        holdout: 20.0,
        ..training("t")
    };
    let made = place.service.train(request.clone()).await.unwrap();
    let rest = made.evaluation_source.clone().unwrap();
    let evaluation = made.evaluation.clone().unwrap();
    assert!(made.fresh);
    assert_eq!(made.training_source.id.as_str(), "t-train");
    assert_eq!((rest.id.as_str(), made.model.id.as_str()), ("t-holdout", "t"));
    assert_eq!(
        made.model.model().unwrap().spec.datasource,
        made.training_source.id
    );
    let judged = &evaluation.evaluation().unwrap().spec;
    assert_eq!((&judged.model, &judged.datasource), (&made.model.id, &rest.id));
    let (fitted, held) = (split_of(&made.training_source).unwrap(), split_of(&rest).unwrap());
    assert_eq!(fitted, Split::training(20.0, 7));
    assert_eq!(held, Split::held_out(20.0, 7));

    let again = place.service.train(request.clone()).await.unwrap();
    assert!(!again.fresh);
    assert_eq!(again.model, made.model);
    assert_eq!(again.evaluation, made.evaluation);
    let other = NewTraining { seed: 8, ..request };
    assert_eq!(refusal(place.service.train(other).await).0, "parameter_mismatch");

    for id in ["t-holdout", "t-train", "t", "t"] {
        place.work(id).await;
    }
    let done = place.get(EntityKind::Evaluation, "t").await;
    assert_eq!(done.status, Status::Completed);
}

#[tokio::test]
async fn nothing_held_out_means_nothing_to_evaluate() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    let request = NewTraining {
        holdout: 0.0,
        id: None,
        ..training("")
    };
    let made = place.service.train(request).await.unwrap();
    assert_eq!(split_of(&made.training_source), None);
    assert!(made.evaluation_source.is_none() && made.evaluation.is_none());
    assert!(made.training_source.id.as_str().starts_with("ds-"));
    assert!(made.model.id.as_str().starts_with("ml-"));
}

#[tokio::test]
async fn a_refused_training_makes_nothing() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    // The model's identifier is taken, which is found out after the data sources were inserted.
    place.service.data_source_create(source("ds")).await.unwrap();
    place.service.model_create(model("t")).await.unwrap();
    assert_eq!(
        refusal(place.service.train(training("t")).await).0,
        "parameter_mismatch"
    );
    let cases = [
        (training(&"x".repeat(57)), at("invalid_id", "/id")),
        (training("a b"), at("invalid_id", "/id")),
        (
            NewTraining {
                holdout: 100.0,
                ..training("u")
            },
            at("invalid_value", "/holdout"),
        ),
        (
            NewTraining {
                holdout: -1.0,
                ..training("u")
            },
            at("invalid_value", "/holdout"),
        ),
        (
            NewTraining {
                holdout: f64::NAN,
                ..training("u")
            },
            at("invalid_value", "/holdout"),
        ),
        (
            NewTraining {
                target: None,
                ..training("u")
            },
            at("no_target", "/target"),
        ),
        (
            NewTraining {
                dataset: "no".into(),
                ..training("u")
            },
            at("unknown_reference", "/dataset"),
        ),
        (
            NewTraining {
                recipe: Some(json!({"outputs": ["x("]})),
                ..training("u")
            },
            at("invalid_recipe", "/recipe/outputs/0"),
        ),
        (
            NewTraining {
                recipe: Some(json!({"outputs": ["target"]})),
                schema: Some(schema()),
                target: None,
                ..training("u")
            },
            at("invalid_recipe", "/recipe/outputs/0"),
        ),
    ];
    for (request, expected) in cases {
        let shown = format!("{request:?}");
        assert_eq!(refusal(place.service.train(request).await), expected, "{shown}");
    }
    for id in ["t-train", "u-train"] {
        let missing = place.service.entity_get(EntityKind::DataSource, id).await;
        assert_eq!(refusal(missing).0, "not_found");
    }
}

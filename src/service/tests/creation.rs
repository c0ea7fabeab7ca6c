//! Creations: identifiers first, then every field, and dependents of what is still in the making.

use super::*;
use crate::domain::status::Status;
use crate::service::requests::{NewBatchPrediction, NewEvaluation};

#[tokio::test]
async fn a_repeat_is_answered_before_anything_is_checked() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    let first = place.service.data_source_create(source("ds")).await.unwrap();
    assert!(first.fresh);
    // With other rows it is another request: whoever mended a file must not be answered with the old one.
    place.put("data.csv", BINARY).await.unwrap();
    let refused = place.service.data_source_create(source("ds")).await;
    assert_eq!(refusal(refused).0, "dataset_replaced");
    place.put("data.csv", CLASSES).await.unwrap();
    let again = place.service.data_source_create(source("ds")).await.unwrap();
    assert!(!again.fresh);
    assert_eq!(again.entity, first.entity);
    let other = NewDataSource {
        dataset: "nowhere.csv".to_owned(),
        ..source("ds")
    };
    let refused = place.service.data_source_create(other).await;
    assert_eq!(refusal(refused).0, "parameter_mismatch");
    place
        .service
        .entity_delete(EntityKind::DataSource, "ds", None)
        .await
        .unwrap();
    let refused = place.service.data_source_create(source("ds")).await;
    assert_eq!(refusal(refused).0, "parameter_mismatch");
}

#[tokio::test]
async fn identifiers_are_made_when_none_is_given() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    let unnamed = || NewDataSource {
        id: None,
        ..source("")
    };
    let one = place.service.data_source_create(unnamed()).await.unwrap();
    let two = place.service.data_source_create(unnamed()).await.unwrap();
    assert!(one.fresh && two.fresh);
    assert!(one.entity.id.as_str().starts_with("ds-"));
    assert_ne!(one.entity.id, two.entity.id);
}

#[tokio::test]
async fn fields_of_a_data_source() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let with = |change: fn(&mut Value)| {
        let mut schema = schema();
        change(&mut schema);
        NewDataSource {
            schema: Some(schema),
            ..source("ds")
        }
    };
    let split = |split: Value| NewDataSource {
        split: Some(split),
        ..source("ds")
    };
    let cases = [
        (
            NewDataSource {
                id: text("a b"),
                ..source("")
            },
            at("invalid_id", "/id"),
        ),
        (
            NewDataSource {
                name: text(" "),
                ..source("ds")
            },
            at("invalid_value", "/name"),
        ),
        (
            NewDataSource {
                dataset: "x/y".into(),
                ..source("ds")
            },
            at("invalid_id", "/dataset"),
        ),
        (
            NewDataSource {
                dataset: "no.csv".into(),
                ..source("ds")
            },
            at("unknown_reference", "/dataset"),
        ),
        (
            NewDataSource {
                target: text(""),
                ..source("ds")
            },
            at("invalid_value", "/target"),
        ),
        (
            NewDataSource {
                header: text("maybe"),
                ..source("ds")
            },
            at("invalid_value", "/header"),
        ),
        (split(json!([])), at("invalid_split", "/split")),
        (
            split(json!({"percent_begin": "x"})),
            at("invalid_split", "/split/percent_begin"),
        ),
        (
            split(json!({"percent_begin": 9, "percent_end": 3})),
            at("invalid_split", "/split/percent_end"),
        ),
        (
            NewDataSource {
                target: None,
                ..split(json!({"strategy": "stratified"}))
            },
            at("invalid_split", "/split/column"),
        ),
        (
            split(json!({"splitting": {"percentEnd": "x"}})),
            at("invalid_split", "/split/splitting/percentEnd"),
        ),
        (
            NewDataSource {
                schema: Some(schema()),
                ..split(json!({"strategy": "group", "column": "nowhere"}))
            },
            at("unknown_column", "/split/column"),
        ),
        (with(|s| *s = json!("text")), at("invalid_schema", "/schema")),
        (
            with(|s| s["attributes"] = json!([])),
            at("invalid_schema", "/schema/attributes"),
        ),
        (
            with(|s| s["attributes"][1]["attributeType"] = json!("NUMBER")),
            at("invalid_schema", "/schema/attributes/1/attributeType"),
        ),
        (
            with(|s| s["attributes"][1]["attributeName"] = json!("target")),
            at("duplicate_column", "/schema/attributes"),
        ),
        (
            with(|s| s["targetAttributeName"] = json!("no")),
            at("unknown_target", "/schema/targetAttributeName"),
        ),
        (
            with(|s| s["rowId"] = json!("no")),
            at("invalid_schema", "/schema/rowId"),
        ),
        (
            with(|s| s["excludedAttributeNames"] = json!(["no"])),
            at("invalid_schema", "/schema/excludedAttributeNames"),
        ),
        (
            NewDataSource {
                target: text("targt"),
                ..with(|_| {})
            },
            at("unknown_target", "/target"),
        ),
    ];
    for (request, expected) in cases {
        let shown = format!("{request:?}");
        assert_eq!(
            refusal(place.service.data_source_create(request).await),
            expected,
            "{shown}"
        );
    }
    place.service.data_source_create(with(|_| {})).await.unwrap();
}

#[tokio::test]
async fn fields_of_a_model() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    let described = NewDataSource {
        schema: Some(schema()),
        ..source("ds")
    };
    place.service.data_source_create(described).await.unwrap();
    let unlabelled = NewDataSource {
        target: None,
        ..source("bare")
    };
    place.service.data_source_create(unlabelled).await.unwrap();
    let with = |name: &str, value: &str| NewModel {
        parameters: [(name.to_owned(), value.to_owned())].into(),
        ..model("ml")
    };
    let recipe = |recipe: Value| NewModel {
        recipe: Some(recipe),
        ..model("ml")
    };
    let positive = NewModel {
        task: Some(Task::Regression),
        positive: Some("x".to_owned()),
        ..model("ml")
    };
    let cases = [
        (
            NewModel {
                datasource: "no".into(),
                ..model("ml")
            },
            at("unknown_reference", "/datasource"),
        ),
        (
            NewModel {
                datasource: "bare".into(),
                ..model("ml")
            },
            at("no_target", "/datasource"),
        ),
        (with("l3", "1"), at("invalid_parameter", "/parameters/l3")),
        (with("l2", "-1"), at("invalid_parameter", "/parameters/l2")),
        (with("l1", "NaN"), at("invalid_parameter", "/parameters/l1")),
        (
            with("sgd.maxPasses", "0"),
            at("invalid_parameter", "/parameters/sgd.maxPasses"),
        ),
        (with("a/b", "1"), at("invalid_parameter", "/parameters/a~1b")),
        (positive, at("invalid_value", "/positive")),
        (
            recipe(json!({"outputs": [1]})),
            at("invalid_recipe", "/recipe/outputs/0"),
        ),
        (
            recipe(json!({"outputs": ["ALL_INPUTS", "no"]})),
            at("invalid_recipe", "/recipe/outputs/1"),
        ),
        (
            recipe(json!({"outputs": ["target"]})),
            at("invalid_recipe", "/recipe/outputs/0"),
        ),
        (
            recipe(json!({"groups": {"g": "group(x"}, "outputs": ["g"]})),
            at("invalid_recipe", "/recipe/groups/g"),
        ),
    ];
    for (request, expected) in cases {
        let shown = format!("{request:?}");
        assert_eq!(
            refusal(place.service.model_create(request).await),
            expected,
            "{shown}"
        );
    }
    place.service.model_create(model("ml")).await.unwrap();
}

#[tokio::test]
async fn a_recipe_is_held_against_the_schema_once_that_is_inferred() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    place.service.data_source_create(source("ds")).await.unwrap();
    let misspelt = |id: &str| NewModel {
        recipe: Some(json!({"outputs": ["petal_lenght_cm"]})),
        ..model(id)
    };
    // Not known yet: the job will say it.
    place.service.model_create(misspelt("early")).await.unwrap();
    place.work("ds").await;
    let late = place.service.model_create(misspelt("late")).await.unwrap_err();
    assert!(
        late.to_string().contains("did you mean `petal_length_cm`"),
        "{late}"
    );
}

#[tokio::test]
async fn dependents_may_be_made_while_what_they_need_is_in_the_making() {
    let place = Place::new().await;
    place.model(CLASSES).await;
    let evaluation = NewEvaluation {
        id: Some("ev".to_owned()),
        model: "ml".to_owned(),
        datasource: "ds".to_owned(),
        name: None,
        ..NewEvaluation::default()
    };
    let batch = NewBatchPrediction {
        id: Some("bp".to_owned()),
        model: "ml".to_owned(),
        dataset: Some("data.csv".to_owned()),
        ..NewBatchPrediction::default()
    };
    place.service.evaluation_create(evaluation.clone()).await.unwrap();
    let job = place.claim("ds").await;
    place
        .service
        .batch_prediction_create(batch.clone())
        .await
        .unwrap();
    place
        .settle(&job, Settlement::Failed(Problem::new("one_class", "no")))
        .await;
    for (kind, id) in [
        (EntityKind::Model, "ml"),
        (EntityKind::Evaluation, "ev"),
        (EntityKind::BatchPrediction, "bp"),
    ] {
        let entity = place.get(kind, id).await;
        assert_eq!(entity.status, Status::Failed);
        assert_eq!(entity.error.unwrap().code, "dependency_failed");
    }
    // The failed ones cannot be built upon any more, and identical repeats still find theirs.
    let refused = place.service.model_create(model("other")).await;
    assert_eq!(refusal(refused).0, "wrong_state");
    assert!(!place.service.evaluation_create(evaluation).await.unwrap().fresh);
    let refused = place
        .service
        .batch_prediction_create(NewBatchPrediction { id: None, ..batch })
        .await;
    assert_eq!(refusal(refused).0, "wrong_state");
}

#[tokio::test]
async fn an_evaluation_needs_the_truth() {
    let place = Place::new().await;
    place.model(CLASSES).await;
    let mut blind = schema();
    blind["targetAttributeName"] = Value::Null;
    blind["attributes"].as_array_mut().unwrap().pop();
    let without = NewDataSource {
        target: None,
        schema: Some(blind),
        ..source("blind")
    };
    place.service.data_source_create(without).await.unwrap();
    let evaluation = |datasource: &str| NewEvaluation {
        model: "ml".to_owned(),
        datasource: datasource.to_owned(),
        ..NewEvaluation::default()
    };
    let refused = place.service.evaluation_create(evaluation("blind")).await;
    assert_eq!(refusal(refused), at("schema_mismatch", "/datasource"));
    let refused = place.service.evaluation_create(evaluation("no")).await;
    assert_eq!(refusal(refused), at("unknown_reference", "/datasource"));
    place.service.evaluation_create(evaluation("ds")).await.unwrap();
}

#[tokio::test]
async fn fields_of_a_batch_prediction() {
    let place = Place::with(Limits {
        copied_columns: 2,
        ..Limits::default()
    })
    .await;
    place.model(CLASSES).await;
    let batch = |columns: &[&str]| NewBatchPrediction {
        model: "ml".to_owned(),
        dataset: Some("data.csv".to_owned()),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        ..NewBatchPrediction::default()
    };
    let both = NewBatchPrediction {
        datasource: Some("ds".into()),
        ..batch(&[])
    };
    let neither = NewBatchPrediction {
        dataset: None,
        ..batch(&[])
    };
    let cases = [
        (both, at("invalid_value", "/dataset")),
        (neither, at("missing_field", "/datasource")),
        (batch(&["a", ""]), at("invalid_value", "/columns/1")),
        (batch(&["a", "a"]), at("duplicate_column", "/columns/1")),
        (batch(&["a", "b", "c"]), at("invalid_value", "/columns")),
        (
            NewBatchPrediction {
                model: "no".into(),
                ..batch(&[])
            },
            at("unknown_reference", "/model"),
        ),
    ];
    for (request, expected) in cases {
        let shown = format!("{request:?}");
        assert_eq!(
            refusal(place.service.batch_prediction_create(request).await),
            expected,
            "{shown}"
        );
    }
    let by_source = NewBatchPrediction {
        datasource: Some("ds".into()),
        dataset: None,
        ..batch(&["a"])
    };
    let made = place.service.batch_prediction_create(by_source).await.unwrap();
    assert!(made.entity.batch_prediction().unwrap().spec.dataset.is_none());
    let made = place.service.batch_prediction_create(batch(&[])).await.unwrap();
    assert!(made.entity.batch_prediction().unwrap().spec.dataset.is_some());
}

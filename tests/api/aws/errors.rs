//! What is refused, and in which words.

use serde_json::{Value, json};
use yosoku::http::auth::{Access, KeyRing};
use yosoku::http::keys;

use super::{get, part, schema, source, trained};
use crate::support::Place;

fn model(id: &str, change: Value) -> Value {
    let mut model = json!({"MLModelId": id, "MLModelType": "BINARY", "TrainingDataSourceId": "train"});
    for (name, value) in change.as_object().unwrap() {
        model[name] = value.clone();
    }
    model
}

#[tokio::test]
async fn requests_that_are_none_are_told_so() {
    let place = Place::open().await;
    let target = |name: &'static str| {
        [
            ("x-amz-target", name),
            ("content-type", "application/x-amz-json-1.1"),
        ]
    };
    for (headers, body, name) in [
        (
            &target("AmazonML_20141212.Nothing")[..],
            "{}",
            "UnknownOperationException",
        ),
        (
            &target("Other_20141212.GetMLModel")[..],
            "{}",
            "UnknownOperationException",
        ),
        (&[][..], "{}", "UnknownOperationException"),
        (
            &target("AmazonML_20141212.GetMLModel")[..],
            "{",
            "SerializationException",
        ),
        (
            &target("AmazonML_20141212.GetMLModel")[..],
            "[]",
            "SerializationException",
        ),
        (
            &target("AmazonML_20141212.GetMLModel")[..],
            "\u{1}",
            "SerializationException",
        ),
        (
            &target("AmazonML_20141212.GetMLModel")[..],
            "{\"MLModelId\":7}",
            "SerializationException",
        ),
        (
            &target("AmazonML_20141212.GetMLModel")[..],
            "{}",
            "InvalidInputException",
        ),
        (
            &target("AmazonML_20141212.GetMLModel")[..],
            "",
            "InvalidInputException",
        ),
    ] {
        place.send("POST /", headers, body).await.refused(name);
    }
    let large = json!({"MLModelId": "x".repeat(10 << 20)}).to_string();
    let answer = place
        .send("POST /", &target("AmazonML_20141212.GetMLModel"), large)
        .await;
    let said = answer.refused("InvalidInputException");
    assert!(said.ends_with("bytes; send less at once"), "{said}");
    let html = ("accept", "text/html");
    for line in [
        "GET /",
        "PUT /",
        "DELETE /",
        "OPTIONS /",
        "GET /with/a/path",
        "PUT /with/a/path",
    ] {
        let [target, kind] = target("AmazonML_20141212.GetMLModel");
        let answer = place.send(line, &[target, kind, html], "{}").await.expect(405);
        assert_eq!(
            answer.header("content-type"),
            "application/x-amz-json-1.1",
            "{line}"
        );
        assert_eq!(answer.header("allow"), "POST", "{line}");
        let error = answer.json();
        assert_eq!(error["__type"], "UnknownOperationException", "{line}");
        assert!(
            error["message"].as_str().unwrap().contains("with POST"),
            "{error}"
        );
    }
    let answer = place.send("GET /", &[], "").await.expect(405);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let foreign = [
        ("x-amz-target", "AmazonML_20141212.DescribeMLModels"),
        ("origin", "https://evil.example"),
    ];
    place
        .send("POST /", &foreign, "{}")
        .await
        .refused("AccessDeniedException");
}

#[tokio::test]
async fn a_server_with_keys_answers_those_who_hold_one() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(keys::KEYS_FILE);
    let (_, token) = keys::new(&path, "ana", 0).unwrap();
    let (signing, _) = keys::new_signing(&path, "program", 0).unwrap();
    let ring = std::sync::Arc::new(KeyRing::open(&path).unwrap());
    let place = Place::open_for(Access::Keys(ring), None).await;
    let target = ("x-amz-target", "AmazonML_20141212.DescribeMLModels");
    let signed = |key: &str, time: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/{}/eu-west-1/machinelearning/aws4_request,\
             SignedHeaders=host;x-amz-date;x-amz-target,Signature={}",
            &time[..8],
            "0".repeat(64)
        )
    };
    let now = chrono::Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
    for (key, time, name) in [
        (signing.id.as_str(), now.as_str(), "InvalidSignatureException"),
        (
            signing.id.as_str(),
            "20200101T000000Z",
            "InvalidSignatureException",
        ),
        ("nobody", now.as_str(), "UnrecognizedClientException"),
    ] {
        let authorization = signed(key, time);
        let headers = [
            target,
            ("x-amz-date", time),
            ("authorization", authorization.as_str()),
        ];
        place.send("POST /", &headers, "{}").await.refused(name);
    }
    // Without a key that is one, nothing of a body is read.
    let read = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let body = || {
        let read = read.clone();
        let chunk = move || {
            read.store(true, std::sync::atomic::Ordering::SeqCst);
            Ok::<_, std::io::Error>("x".repeat(1 << 16))
        };
        axum::body::Body::from_stream(futures_util::stream::iter(std::iter::repeat_with(chunk).take(8)))
    };
    let unknown = signed("nobody", &now);
    let unknown = [target, ("x-amz-date", &now), ("authorization", &unknown)];
    let refused = place.send("POST /", &unknown, body()).await;
    refused.refused("UnrecognizedClientException");
    let refused = place.send("POST /", &[target], body()).await;
    refused.refused("MissingAuthenticationTokenException");
    assert!(
        !read.load(std::sync::atomic::Ordering::SeqCst),
        "the body was read"
    );
    place
        .send("POST /elsewhere", &[target], "{}")
        .await
        .refused("MissingAuthenticationTokenException");
    let wrong = [target, ("authorization", "Bearer ysk_x_y")];
    place
        .send("POST /", &wrong, "{}")
        .await
        .refused("UnrecognizedClientException");

    // The token that opens REST opens this door too, and its name is that of the user.
    let bearer = format!("Bearer {token}");
    let ask = |operation: &'static str| [("x-amz-target", operation), ("authorization", bearer.as_str())];
    let body = source("ds", "s3://shop/x.csv", &schema(true, true), None).to_string();
    let create = ask("AmazonML_20141212.CreateDataSourceFromS3");
    place.send("POST /", &create, body).await.expect(200);
    let got = place
        .send(
            "POST /",
            &ask("AmazonML_20141212.GetDataSource"),
            "{\"DataSourceId\":\"ds\"}",
        )
        .await;
    let got = got.expect(200);
    assert_eq!(
        got.json()["CreatedByIamUser"],
        "arn:aws:iam::000000000000:user/ana"
    );
    // A link to a log opens that log without a key, and nothing else.
    let link = got.json()["LogUri"].as_str().unwrap().to_owned();
    let link = link.strip_prefix("http://localhost:8080").unwrap();
    let log = place.get(link).await.expect(200);
    assert_eq!(log.header("content-type"), "text/plain; charset=utf-8");
    assert!(
        log.text().starts_with("data source ds: PENDING\n"),
        "{}",
        log.text()
    );
    place
        .get(&link.replace("/ds", "/other"))
        .await
        .problem(403, "invalid_link");
    place
        .get(&link.replace("expires=1", "expires=2"))
        .await
        .problem(403, "invalid_link");
    place
        .get("/logs/datasources/ds")
        .await
        .problem(403, "invalid_link");
    let with_query = link.replace("/logs/", "/v1/");
    place.get(&with_query).await.problem(401, "unauthenticated");
    let shown = place
        .send("GET /v1/datasources/ds", &[("authorization", &bearer)], "")
        .await
        .expect(200)
        .json();
    assert_eq!(shown["owner"], "ana");
    let mine = json!({"FilterVariable": "IAMUser", "EQ": "arn:aws:iam::1:user/ana"}).to_string();
    let found = place
        .send("POST /", &ask("AmazonML_20141212.DescribeDataSources"), mine)
        .await
        .expect(200)
        .json();
    assert_eq!(found["Results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let place = Place::open().await;
    for (operation, input) in [
        ("GetDataSource", json!({"DataSourceId": "x"})),
        ("GetMLModel", json!({"MLModelId": "x"})),
        ("GetEvaluation", json!({"EvaluationId": "x"})),
        ("GetBatchPrediction", json!({"BatchPredictionId": "x"})),
        (
            "UpdateDataSource",
            json!({"DataSourceId": "x", "DataSourceName": "y"}),
        ),
        ("UpdateMLModel", json!({"MLModelId": "x"})),
        (
            "UpdateEvaluation",
            json!({"EvaluationId": "x", "EvaluationName": "y"}),
        ),
        (
            "UpdateBatchPrediction",
            json!({"BatchPredictionId": "x", "BatchPredictionName": "y"}),
        ),
        ("DeleteDataSource", json!({"DataSourceId": "x"})),
        ("DeleteMLModel", json!({"MLModelId": "x"})),
        ("DeleteEvaluation", json!({"EvaluationId": "x"})),
        ("DeleteBatchPrediction", json!({"BatchPredictionId": "x"})),
        ("CreateRealtimeEndpoint", json!({"MLModelId": "x"})),
        ("DeleteRealtimeEndpoint", json!({"MLModelId": "x"})),
        (
            "Predict",
            json!({"MLModelId": "x", "Record": {}, "PredictEndpoint": "http://localhost"}),
        ),
        (
            "DescribeTags",
            json!({"ResourceId": "x", "ResourceType": "MLModel"}),
        ),
        (
            "AddTags",
            json!({"ResourceId": "x", "ResourceType": "MLModel", "Tags": [{"Key": "a"}]}),
        ),
        (
            "DeleteTags",
            json!({"ResourceId": "x", "ResourceType": "MLModel", "TagKeys": ["a"]}),
        ),
    ] {
        place
            .amazon(operation, input)
            .await
            .refused("ResourceNotFoundException");
    }
}

#[tokio::test]
async fn sources_that_cannot_be_are_refused_and_nothing_is_made() {
    let place = Place::open().await;
    let good = schema(true, true);
    let at = |location: &str| source("x", location, &good, None);
    let with = |data: Value| json!({"DataSourceId": "x", "DataSpec": data});
    let typed = |kind: &str| {
        let mut schema = good.clone();
        schema["attributes"][0]["attributeType"] = json!(kind);
        source("x", "s3://b/x", &schema, None)
    };
    // Nothing is wrong with these but what they are called.
    let called = |member: &str, value: &str| {
        let mut input = at("s3://b/x");
        input[member] = json!(value);
        input
    };
    for input in [
        called("DataSourceId", "a b"),
        called("DataSourceId", &"x".repeat(65)),
        called("DataSourceName", "  "),
        called("DataSourceName", &"y".repeat(1025)),
        json!({"DataSourceId": "x"}),
        with(json!({})),
        with(json!({"DataLocationS3": "s3://b/x"})),
        with(json!({"DataLocationS3": "s3://b/x", "DataSchema": "{"})),
        with(json!({"DataLocationS3": "s3://b/x", "DataSchema": format!("{good}{}", " ".repeat(131_072))})),
        with(json!({"DataLocationS3": "s3://b/x", "DataSchemaLocationS3": "s3://b/none.schema"})),
        with(json!({"DataLocationS3": "s3://b/x", "DataSchema": "{\"attributes\": []}"})),
        at("file:///etc/passwd"),
        at("s3://b/../x"),
        at("s3://../../etc/passwd"),
        at("s3://b//x"),
        at("s3://.staging/x"),
        at(&format!("s3://b/{}", "x".repeat(2048))),
        at("s3://uploads/none"),
        typed("WEIGHTED_INT_SEQUENCE"),
        source(
            "x",
            "s3://b/x",
            &good,
            Some(json!({"splitting": {"percentBegin": 70, "percentEnd": 30}})),
        ),
        source(
            "x",
            "s3://b/x",
            &good,
            Some(json!({"splitting": {"percentEnd": 101}})),
        ),
        source("x", "s3://b/x", &good, Some(json!("nonsense"))),
    ] {
        place
            .amazon("CreateDataSourceFromS3", input)
            .await
            .refused("InvalidInputException");
    }
    for operation in ["CreateDataSourceFromRedshift", "CreateDataSourceFromRDS"] {
        let said = place
            .amazon(operation, json!({}))
            .await
            .refused("InvalidInputException");
        assert!(said.contains("`DataSourceId` is missing"), "{said}");
    }
    let list = get(&place, "DescribeDataSources", json!({})).await;
    assert_eq!(list, json!({"Results": []}));
    // What was changed in each was what was wrong.
    place
        .amazon("CreateDataSourceFromS3", at("s3://b/x"))
        .await
        .expect(200);
}

#[tokio::test]
async fn models_that_cannot_be_are_refused() {
    let place = trained().await;
    let bare = json!({"DataSourceId": "bare", "DataSpec": {"DataLocationS3": "s3://shop/in/deliveries.csv",
        "DataSchema": schema(true, true).to_string()}});
    place.amazon("CreateDataSourceFromS3", bare).await.expect(200);
    for change in [
        json!({"MLModelType": "binary"}),
        json!({"MLModelType": "MULTICLASS"}),
        json!({"MLModelType": "REGRESSION"}),
        json!({"TrainingDataSourceId": "none"}),
        json!({"TrainingDataSourceId": "bare"}),
        json!({"Parameters": {"sgd.maxPasses": "0"}}),
        json!({"Parameters": {"sgd.maxPasses": "10001"}}),
        json!({"Parameters": {"sgd.maxMLModelSizeInBytes": "99999"}}),
        json!({"Parameters": {"sgd.shuffleType": "yes"}}),
        json!({"Parameters": {"sgd.l1RegularizationAmount": "1e-6", "sgd.l2RegularizationAmount": "1e-6"}}),
        json!({"Parameters": {"sgd.nothing": "1"}}),
        json!({"Parameters": {"algorithm": "forest"}}),
        json!({"Recipe": "{"}),
        json!({"Recipe": "{\"outputs\": [\"quantile_bin(nothing, 10)\"]}"}),
        json!({"Recipe": "{\"outputs\": [\"ALL_INPUTS\"]}", "RecipeUri": "s3://shop/r"}),
        json!({"RecipeUri": "s3://shop/no-recipe"}),
    ] {
        let said = place
            .amazon("CreateMLModel", model("x", change.clone()))
            .await
            .refused("InvalidInputException");
        assert!(!said.is_empty(), "{change}");
    }
    place.file(
        "shop/r.json",
        "{\"outputs\": [\"quantile_bin(km,10) // comment\", \"ALL_TEXT\"]}",
    );
    let wish = model(
        "recipe",
        json!({"RecipeUri": "s3://shop/r.json", "Recipe": "", "Parameters": {"algorithm": "sgd"}}),
    );
    place.amazon("CreateMLModel", wish).await.expect(200);
    place.work().await;
    let made = get(
        &place,
        "GetMLModel",
        json!({"MLModelId": "recipe", "Verbose": true}),
    )
    .await;
    assert_eq!(made["Status"], "COMPLETED", "{made}");
    assert!(
        made["Recipe"].as_str().unwrap().contains("quantile_bin(km"),
        "{made}"
    );
    assert_eq!(made["TrainingParameters"]["sgd.l2RegularizationAmount"], "1e-6");
}

#[tokio::test]
async fn identifiers_are_used_once() {
    let place = Place::open().await;
    let schema = schema(true, true);
    let first = source("ds", "s3://shop/x.csv", &schema, part(0, 70));
    for _ in 0..2 {
        let made = get(&place, "CreateDataSourceFromS3", first.clone()).await;
        assert_eq!(made, json!({"DataSourceId": "ds"}));
    }
    let other = source("ds", "s3://shop/x.csv", &schema, part(0, 71));
    let refused = "IdempotentParameterMismatchException";
    place
        .amazon("CreateDataSourceFromS3", other)
        .await
        .refused(refused);
    place
        .amazon("DeleteDataSource", json!({"DataSourceId": "ds"}))
        .await
        .expect(200);
    place
        .amazon("DeleteDataSource", json!({"DataSourceId": "ds"}))
        .await
        .expect(200);
    place
        .amazon("CreateDataSourceFromS3", first)
        .await
        .refused(refused);
    let gone = get(&place, "GetDataSource", json!({"DataSourceId": "ds"})).await;
    assert_eq!(
        (&gone["Status"], &gone["Name"]),
        (&json!("DELETED"), &json!("source ds"))
    );
    let change = json!({"DataSourceId": "ds", "DataSourceName": "y"});
    place
        .amazon("UpdateDataSource", change)
        .await
        .refused("InvalidInputException");
}

#[tokio::test]
async fn a_repeat_is_judged_before_anything_else() {
    let place = trained().await;
    let recipe = json!({"groups": {}, "assignments": {}, "outputs": ["km", "note"]});
    place.file("shop/recipe.json", recipe.to_string());
    place.file("shop/x.schema", schema(true, true).to_string());
    let data = json!({"DataLocationS3": "s3://shop/in/deliveries.csv", "DataSchemaLocationS3": "s3://shop/x.schema"});
    let made = json!({"DataSourceId": "ds", "ComputeStatistics": true, "DataSpec": data});
    let learned = model("by-file", json!({"RecipeUri": "s3://shop/recipe.json"}));
    get(&place, "CreateDataSourceFromS3", made.clone()).await;
    get(&place, "CreateMLModel", learned.clone()).await;
    for path in ["shop/recipe.json", "shop/x.schema"] {
        place.remove(path);
    }
    let again = get(&place, "CreateDataSourceFromS3", made.clone()).await;
    assert_eq!(again, json!({"DataSourceId": "ds"}));
    let again = get(&place, "CreateMLModel", learned.clone()).await;
    assert_eq!(again, json!({"MLModelId": "by-file"}));

    // Whatever else is wrong with the request, the identifier comes first.
    let taken = "IdempotentParameterMismatchException";
    let mut other = made;
    other["DataSpec"]["DataSchemaLocationS3"] = json!("s3://shop/never.schema");
    place.amazon("CreateDataSourceFromS3", other).await.refused(taken);
    for change in [
        json!({"RecipeUri": "s3://shop/never.json"}),
        json!({"MLModelType": "NONE"}),
        json!({"Parameters": {"sgd.maxPasses": "0"}}),
    ] {
        let changed = model("by-file", change);
        place.amazon("CreateMLModel", changed).await.refused(taken);
    }
    let taken_too = json!({"EvaluationId": "ev", "MLModelId": "ml", "EvaluationDataSourceId": "rest"});
    get(&place, "CreateEvaluation", taken_too).await;
    let changed = json!({"EvaluationId": "ev", "MLModelId": "ml"});
    place.amazon("CreateEvaluation", changed).await.refused(taken);
    let batch = json!({"BatchPredictionId": "bp", "MLModelId": "ml", "BatchPredictionDataSourceId": "rest",
        "OutputUri": "s3://shop/out/"});
    get(&place, "CreateBatchPrediction", batch).await;
    let changed = json!({"BatchPredictionId": "bp", "OutputUri": "nowhere"});
    place
        .amazon("CreateBatchPrediction", changed)
        .await
        .refused(taken);
}

#[tokio::test]
async fn names_change_and_thresholds_within_limits() {
    let place = trained().await;
    let change = json!({"DataSourceId": "train", "DataSourceName": "new"});
    assert_eq!(
        get(&place, "UpdateDataSource", change).await,
        json!({"DataSourceId": "train"})
    );
    assert_eq!(
        get(&place, "GetDataSource", json!({"DataSourceId": "train"})).await["Name"],
        "new"
    );
    for input in [
        json!({"MLModelId": "ml", "ScoreThreshold": 1.5}),
        json!({"MLModelId": "ml", "ScoreThreshold": -0.1}),
        json!({"MLModelId": "ml", "MLModelName": " "}),
    ] {
        place
            .amazon("UpdateMLModel", input)
            .await
            .refused("InvalidInputException");
    }
    let text = json!({"MLModelId": "ml", "ScoreThreshold": "0.5"});
    place
        .amazon("UpdateMLModel", text)
        .await
        .refused("SerializationException");
    let nameless = json!({"EvaluationId": "ev"});
    place
        .amazon("UpdateEvaluation", nameless)
        .await
        .refused("InvalidInputException");
}

//! The Open Inference Protocol: metadata, and the same answers as `/predict`, to the bit, however tensors are shaped.

use serde_json::{Value, json};

use crate::protocols::{objects, predicted, rows};
use crate::support::{CANCER, DIABETES, IRIS, Place};

const JSON: (&str, &str) = ("content-type", "application/json");

/// The output of that name.
fn output<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let outputs = answer["outputs"].as_array().unwrap();
    let found = outputs.iter().find(|output| output["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {answer}"))
}

fn flat(rows: &[Vec<Value>]) -> Value {
    rows.iter().flatten().cloned().collect()
}

/// One input for each column; `nested` puts each value into a list.
fn by_column(names: &[&str], rows: &[Vec<Value>], nested: bool) -> Value {
    let input = |(place, name): (usize, &&str)| {
        let values = rows.iter().map(|row| match nested {
            true => json!([row[place]]),
            false => row[place].clone(),
        });
        let shape = if nested {
            vec![rows.len(), 1]
        } else {
            vec![rows.len()]
        };
        json!({"name": name, "datatype": "FP64", "shape": shape, "data": values.collect::<Value>()})
    };
    names.iter().enumerate().map(input).collect()
}

fn matrix(width: usize, rows: usize, datatype: &str, data: Value) -> Value {
    json!([{"name": "all", "datatype": datatype, "shape": [rows, width], "data": data}])
}

#[tokio::test]
async fn every_shape_gives_what_predict_gives_to_the_bit() {
    for (dataset, table) in [
        ("cancer.csv", CANCER),
        ("iris.csv", IRIS),
        ("diabetes.csv", DIABETES),
    ] {
        let place = Place::with(&[(dataset, table)]).await;
        place.trained("m", dataset).await;
        let (names, rows) = rows(table);
        let rest = predicted(&place, "m", objects(&names, &rows)).await;
        let with_target: Vec<Vec<Value>> = rows
            .iter()
            .map(|row| row.iter().cloned().chain([json!("?")]).collect())
            .collect();
        let texts: Vec<Vec<Value>> = rows
            .iter()
            .map(|row| row.iter().map(|value| json!(value.to_string())).collect())
            .collect();
        let (n, k) = (rows.len(), names.len());
        let mut turned = by_column(&names, &rows, false);
        turned.as_array_mut().unwrap().reverse();
        for (shape, inputs) in [
            ("columns", by_column(&names, &rows, false)),
            ("columns of one", by_column(&names, &rows, true)),
            ("columns in another order", turned),
            ("flat", matrix(k, n, "FP64", flat(&rows))),
            ("nested", matrix(k, n, "FP32", json!(rows))),
            ("texts", matrix(k, n, "BYTES", json!(texts))),
        ] {
            let body = json!({"id": "7", "parameters": {"explain": true, "x": "y"}, "inputs": inputs});
            let answer = place.post("/v2/models/m/infer", body).await.expect(200).json();
            assert_eq!((&answer["model_name"], &answer["id"]), (&json!("m"), &json!("7")));
            assert!(answer.get("model_version").is_none());
            check(&answer, &rest, &names, shape);
        }
        if dataset == "iris.csv" {
            let texts = |row: &Vec<Value>| {
                let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
                row.iter().map(text).collect::<Value>()
            };
            let data: Value = with_target.iter().map(texts).collect();
            let body = json!({"inputs": matrix(k + 1, n, "BYTES", data), "parameters": {"explain": true}});
            let answer = place.post("/v2/models/m/infer", body).await.expect(200).json();
            check(&answer, &rest, &names, "with the target");
            assert!(answer.get("id").is_none());
        }
    }
}

fn check(answer: &Value, rest: &[Value], names: &[&str], shape: &str) {
    let column = |of: &dyn Fn(&Value) -> Vec<Value>| rest.iter().flat_map(of).collect::<Value>();
    let n = rest.len();
    if rest[0].get("label").is_some() {
        let labels = output(answer, "predicted_label");
        assert_eq!(
            (&labels["datatype"], &labels["shape"]),
            (&json!("BYTES"), &json!([n]))
        );
        assert_eq!(
            labels["data"],
            column(&|one| vec![one["label"].clone()]),
            "{shape}"
        );
        let shares = output(answer, "probabilities");
        let expected = column(&|one| {
            one["probabilities"]
                .as_object()
                .unwrap()
                .values()
                .cloned()
                .collect()
        });
        assert_eq!(shares["data"], expected, "{shape}");
        let classes = rest[0]["probabilities"].as_object().unwrap().len();
        assert_eq!(
            (&shares["datatype"], &shares["shape"]),
            (&json!("FP64"), &json!([n, classes]))
        );
    } else {
        let values = output(answer, "predicted_value");
        assert_eq!(
            (&values["datatype"], &values["shape"]),
            (&json!("FP64"), &json!([n]))
        );
        assert_eq!(
            values["data"],
            column(&|one| vec![one["value"].clone()]),
            "{shape}"
        );
    }
    assert_eq!(
        answer["parameters"].get("threshold"),
        rest[0].get("threshold"),
        "{shape}"
    );
    for (name, ours) in [("baseline", "baseline"), ("margin", "score")] {
        let found = output(answer, name);
        let expected = column(&|one| vec![one["explanation"][ours].clone()]);
        assert_eq!(
            (&found["data"], &found["datatype"], &found["shape"]),
            (&expected, &json!("FP64"), &json!([n])),
            "{shape}"
        );
    }
    let amounts = output(answer, "contributions");
    let expected = column(&|one| {
        let amounts = &one["explanation"]["contributions"];
        names.iter().map(|name| amounts[name].clone()).collect()
    });
    assert_eq!(amounts["data"], expected, "{shape}");
    assert_eq!(amounts["shape"], json!([n, names.len()]));
}

/// The texts of an output, each of which is JSON.
fn told(answer: &Value, name: &str) -> Vec<Value> {
    let texts = output(answer, name)["data"].as_array().unwrap().iter();
    let read = |text: &Value| serde_json::from_str(text.as_str().unwrap()).unwrap();
    texts.map(read).collect()
}

#[tokio::test]
async fn every_answer_tells_its_threshold_and_what_was_odd() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    place.trained("m", "cancer.csv").await;
    let changed = place
        .send(
            "PATCH /v1/models/m",
            &[JSON],
            json!({"threshold": 0.25}).to_string(),
        )
        .await;
    changed.expect(200);
    let (names, mut rows) = rows(CANCER);
    rows.truncate(3);
    rows[1][0] = json!(1e9);
    rows[2] = vec![Value::Null; names.len()];
    let rest = predicted(&place, "m", objects(&names, &rows)).await;
    let warned = |one: &Value| {
        let listed = one["warnings"].as_array().unwrap().len() as u64;
        listed + one.get("more_warnings").map_or(0, |more| more.as_u64().unwrap())
    };
    let count: u64 = rest.iter().map(warned).sum();
    assert!(count > 30, "{count}");
    let body = json!({"inputs": by_column(&names, &rows, false)});
    let answer = place
        .post("/v2/models/m/infer", body.clone())
        .await
        .expect(200)
        .json();
    let parameters = json!({"threshold": 0.25, "warning_count": count});
    assert_eq!(answer["parameters"], parameters);
    let warnings: Vec<Value> = rest.iter().map(|one| one["warnings"].clone()).collect();
    assert_eq!(told(&answer, "warnings"), warnings);
    let found = output(&answer, "warnings");
    assert_eq!(
        (&found["datatype"], &found["shape"]),
        (&json!("BYTES"), &json!([3]))
    );
    // Whoever wants the labels alone gets them alone, and still hears how much was odd.
    let mut body = body;
    body["outputs"] = json!([{"name": "predicted_label"}]);
    let answer = place.post("/v2/models/m/infer", body).await.expect(200).json();
    assert_eq!(answer["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(answer["parameters"], parameters);
}

#[tokio::test]
async fn metadata_tells_what_goes_in_and_comes_out() {
    const TABLE: &str = "key,size,colour,target\na1,1,red,x\na2,2,red,x\na3,3,red,x\na4,4,blue,x\na5,5,blue,y\na6,6,green,y\na7,7,green,y\na8,8,blue,y\n";
    let place = Place::with(&[("kinds.csv", TABLE), ("diabetes.csv", DIABETES)]).await;
    let schema = json!({"version": "1.0", "targetAttributeName": "target", "dataFormat": "CSV", "rowId": "key",
        "dataFileContainsHeader": true, "attributes": [
            {"attributeName": "key", "attributeType": "CATEGORICAL"},
            {"attributeName": "size", "attributeType": "NUMERIC"},
            {"attributeName": "colour", "attributeType": "CATEGORICAL"},
            {"attributeName": "target", "attributeType": "CATEGORICAL"}]});
    let wish = json!({"id": "m", "dataset": "kinds.csv", "schema": schema, "holdout": 0});
    place.post("/v1/train", wish).await.expect(202);
    place.work().await;
    let expected = json!({
        "name": "m",
        "platform": "yosoku_linear",
        "inputs": [
            {"name": "size", "datatype": "FP64", "shape": [-1]},
            {"name": "colour", "datatype": "BYTES", "shape": [-1]}],
        "outputs": [
            {"name": "predicted_label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2], "parameters": {"labels": ["x", "y"]}},
            {"name": "warnings", "datatype": "BYTES", "shape": [-1]}]});
    assert_eq!(place.get("/v2/models/m").await.expect(200).json(), expected);

    // The identifier of a row is no input, but may be sent.
    let body = json!({"inputs": [
        {"name": "size", "datatype": "INT32", "shape": [2], "data": [1, null]},
        {"name": "key", "datatype": "BYTES", "shape": [2], "data": ["a", "b"]},
        {"name": "colour", "datatype": "BYTES", "shape": [2, 1], "data": ["red", "blue"]}]});
    let answer = place.post("/v2/models/m/infer", body).await.expect(200).json();
    let rest = predicted(
        &place,
        "m",
        json!([{"size": 1, "colour": "red"}, {"colour": "blue"}]),
    )
    .await;
    let labels: Vec<&Value> = rest.iter().map(|one| &one["label"]).collect();
    assert_eq!(output(&answer, "predicted_label")["data"], json!(labels));
    let mixed = json!({"inputs": matrix(2, 2, "BYTES", json!([["1", "red"], ["2", "blue"]]))});
    place.post("/v2/models/m/infer", mixed).await.expect(200);

    place.trained("d", "diabetes.csv").await;
    let described = place.get("/v2/models/d").await.expect(200).json();
    let outputs = json!([
        {"name": "predicted_value", "datatype": "FP64", "shape": [-1]},
        {"name": "warnings", "datatype": "BYTES", "shape": [-1]}]);
    assert_eq!(described["outputs"], outputs);

    for path in ["/v2", "/v2/"] {
        let server = place.get(path).await.expect(200).json();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            server,
            json!({"name": "yosoku", "version": version, "extensions": ["contributions"]})
        );
    }
    for path in ["/v2/health/live", "/v2/health/ready"] {
        assert_eq!(
            place.get(path).await.expect(200).json(),
            json!({"live": true, "ready": true})
        );
    }
    let ready = place.get("/v2/models/m/ready").await.expect(200).json();
    assert_eq!(ready, json!({"name": "m", "ready": true}));
}

#[tokio::test]
async fn families_are_models_with_versions() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    for id in ["one", "two", "three"] {
        place.trained(id, "iris.csv").await;
        place
            .post("/v1/families/kinds/versions", json!({"model": id}))
            .await
            .expect(200);
    }
    let body = json!({"inputs": by_column(&["petal_width_cm"], &[vec![json!(1)]], false)});
    let version = async |path: &str| {
        let answer = place
            .post(&format!("/v2/models/{path}/infer"), body.clone())
            .await
            .expect(200)
            .json();
        assert_eq!(answer["model_name"], path.split('/').next().unwrap());
        answer["model_version"].as_str().unwrap().to_owned()
    };
    assert_eq!(version("kinds").await, "3");
    let production = "/v1/families/kinds/aliases/production";
    place
        .send(
            &format!("PUT {production}"),
            &[JSON],
            json!({"version": 2}).to_string(),
        )
        .await
        .expect(200);
    assert_eq!(version("kinds").await, "2");
    assert_eq!(version("kinds/versions/1").await, "1");
    assert_eq!(version("kinds/versions/production").await, "2");
    assert_eq!(version("kinds/versions/latest").await, "3");
    for path in ["kinds", "kinds/versions/1"] {
        let described = place.get(&format!("/v2/models/{path}")).await.expect(200).json();
        assert_eq!(described["versions"], json!(["1", "2", "3"]));
        place.get(&format!("/v2/models/{path}/ready")).await.expect(200);
    }
    for path in [
        "none",
        "kinds/versions/9",
        "one/versions/1",
        "kinds/versions/staging",
    ] {
        let refused = place
            .get(&format!("/v2/models/{path}/ready"))
            .await
            .expect(404)
            .json();
        let told = refused["error"].as_str().unwrap();
        assert!(told.contains('`'), "{told}");
    }
}

#[tokio::test]
async fn outputs_can_be_chosen() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place.trained("m", "iris.csv").await;
    let inputs = by_column(&["petal_width_cm"], &[vec![json!(1)]], false);
    let names = async |outputs: Value| {
        let body = json!({"inputs": inputs, "outputs": outputs});
        let answer = place.post("/v2/models/m/infer", body).await.expect(200).json();
        let outputs = answer["outputs"].as_array().unwrap().clone();
        outputs
            .iter()
            .map(|output| output["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for none in [json!([]), json!(null)] {
        assert_eq!(
            names(none).await,
            ["predicted_label", "probabilities", "warnings"]
        );
    }
    let wanted =
        json!([{"name": "contributions"}, {"name": "predicted_label", "parameters": {"binary_data": false}}]);
    assert_eq!(names(wanted).await, ["contributions", "predicted_label"]);
    assert_eq!(names(json!([{"name": "margin"}])).await, ["margin"]);
    let body = json!({"inputs": inputs, "outputs": [{"name": "predicted_value"}]});
    let refused = place.post("/v2/models/m/infer", body).await.expect(400).json();
    let told = refused["error"].as_str().unwrap();
    assert!(
        told.contains(
            "it is one of predicted_label, probabilities, warnings, baseline, contributions, margin"
        ),
        "{told}"
    );
}

#[tokio::test]
async fn errors_are_told_as_the_protocol_tells_them() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place.trained("m", "iris.csv").await;
    let name = "petal_width_cm";
    let input = |shape: Value, datatype: &str, data: Value| json!({"name": name, "shape": shape, "datatype": datatype, "data": data});
    let one = |shape: Value, datatype: &str, data: Value| json!({"inputs": [input(shape, datatype, data)]});
    let other = |shape: Value, data: Value| json!({"name": "petal_length_cm", "shape": shape, "datatype": "FP64", "data": data});
    let first = input(json!([1]), "FP64", json!([1]));
    for (body, part) in [
        (json!({}), "missing field `inputs`"),
        (json!([]), "must be a JSON object"),
        (json!({"inputs": []}), "at least one"),
        (json!({"inputs": {}}), "invalid type"),
        (json!({"id": 3, "inputs": [first]}), "invalid type"),
        (one(json!([1]), "FLOAT", json!([1])), "`FLOAT`"),
        (one(json!([1]), "fp64", json!([1])), "`fp64`"),
        (
            one(json!([2]), "FP64", json!([1])),
            "has 1 values where its shape [2] has 2",
        ),
        (one(json!([-1]), "FP64", json!([1])), "invalid value"),
        (
            one(json!([1]), "FP64", json!(["1"])),
            "not a number at `/inputs/0/data/0`",
        ),
        (one(json!([1]), "INT8", json!([300])), "whole number"),
        (one(json!([1]), "BYTES", json!([1])), "text between quotes"),
        (one(json!([1]), "BOOL", json!([1])), "true or false"),
        (one(json!([1]), "FP64", json!([[[1]]])), "too deeply"),
        (
            one(json!([1]), "FP64", json!([[1, 2]])),
            "array 0 has 2 values where 1 are expected",
        ),
        (one(json!([1]), "FP64", json!({})), "an array is expected"),
        (one(json!([1]), "FP64", json!([{}])), "an object"),
        (one(json!([1, 1, 1]), "FP64", json!([1])), "shape [n] or [n,1]"),
        (one(json!([]), "FP64", json!([1])), "shape [n] or [n,1]"),
        (
            one(json!([1, 3]), "FP64", json!([1, 2, 3])),
            "has 3 columns where the model has 4 inputs",
        ),
        (
            one(json!([18446744073709551615_u64, 4]), "FP64", json!([1])),
            "has 1 values",
        ),
        (one(json!([0]), "FP64", json!([])), "at least one"),
        (
            json!({"inputs": [first, first]}),
            "given twice at `/inputs/1/name`",
        ),
        (
            json!({"inputs": [first, other(json!([2]), json!([1, 2]))]}),
            "has 2 records where the first input has 1",
        ),
        (
            json!({"inputs": [first, other(json!([1, 4]), json!([1, 2, 3, 4]))]}),
            "shape [n] or [n,1]",
        ),
        (
            json!({"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1]}]}),
            "the input `x` is not an input of this model",
        ),
        (one(json!([10_001]), "FP64", json!(vec![1; 10_001])), "10000"),
        (
            json!({"inputs": [first], "parameters": {"explain": 1}}),
            "boolean",
        ),
    ] {
        let answer = place.post("/v2/models/m/infer", body.clone()).await.expect(400);
        assert_eq!(answer.header("content-type"), "application/json");
        let refused = answer.json();
        let told = refused["error"].as_str().unwrap();
        assert!(told.contains(part), "{body}: {part} is not in: {told}");
        assert_eq!(refused.as_object().unwrap().len(), 1);
    }
    let post = "POST /v2/models/m/infer";
    let good = json!({"inputs": [first]}).to_string();
    place.send(post, &[], good.clone()).await.expect(200);
    let binary = [("inference-header-content-length", "10")];
    let refused = place.send(post, &binary, good.clone()).await.expect(400).json();
    assert!(
        refused["error"].as_str().unwrap().contains("binary_data=False"),
        "{refused}"
    );
    let refused = place
        .send(post, &[("content-type", "text/csv")], good)
        .await
        .expect(415)
        .json();
    assert!(
        refused["error"].as_str().unwrap().contains("application/json"),
        "{refused}"
    );
    let nan = "{\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"FP64\", \"data\": [NaN]}]}";
    let refused = place.send(post, &[JSON], nan).await.expect(400).json();
    assert!(
        refused["error"].as_str().unwrap().contains("send null"),
        "{refused}"
    );
    let long = vec![b' '; (16 << 20) + 1];
    place.send(post, &[JSON], long).await.expect(413);
    for (line, status) in [
        ("GET /v2/nothing", 404),
        ("GET /v2/models/m/infer", 405),
        ("GET /v2/models/none", 404),
    ] {
        let refused = place.send(line, &[], "").await.expect(status).json();
        assert!(refused["error"].is_string(), "{refused}");
    }
}

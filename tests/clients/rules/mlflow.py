"""The scoring protocol of MLflow, at a model and at the root."""

import json
import math
import re

from harness import CSV, JSON, equal, ok, same
from servers import main, rooted, rooted_number
from tables import IRIS_INPUTS, IRIS_RECORD, RENT_RECORD, SHOP_INPUTS, SHOP_RECORD, TICKET_RECORD, csv_text

OTHER = {**SHOP_RECORD, "age": 70, "city": "Bergen"}
RECORDS = [SHOP_RECORD, OTHER]
ROWS = [[record[name] for name in SHOP_INPUTS] for record in RECORDS]


def invoke(client, body, at="/v1/models/shop", query="", **more):
    return client.post(f"{at}/invocations{query}", body, **more)


def predictions(answer):
    document = ok(answer)
    equal(list(document), ["predictions"], "keys of the answer")
    assert answer.type.split(";")[0] == JSON, f"type: {answer.type}"
    return document["predictions"]


def agree(ours, theirs, what):
    """A prediction of /predict and one of the protocol are one."""
    equal(theirs["predicted_label"], ours["label"], f"{what}: label")
    equal(theirs["probabilities"], ours["probabilities"], f"{what}: probabilities")
    same(theirs["score"], ours["score"], f"{what}: score")
    equal(theirs.get("threshold"), ours.get("threshold"), f"{what}: threshold")


def bad(answer, status=400):
    equal(answer.status, status, f"status of {answer}")
    document = answer.json()
    assert isinstance(document.get("error_code"), str) and isinstance(document.get("message"), str), answer
    if status == 400:
        assert document["error_code"] in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE"), answer
    assert len(document["message"]) > 10, f"no message for people: {answer}"
    return document


def rule_mlflow_ping_and_health(context):
    for server, at in ((main(context), "/v1/models/shop"), (rooted(context), "")):
        for path in ("ping", "health"):
            answer = server.client().get(f"{at}/{path}")
            equal((answer.status, answer.body), (200, b"\n"), f"{at}/{path}")
            assert answer.type.startswith(JSON), f"{at}/{path}: {answer.type}"


def rule_mlflow_version_is_a_bare_text(context):
    for server, at in ((main(context), "/v1/models/shop"), (rooted(context), "")):
        answer = server.client().get(f"{at}/version")
        equal(answer.status, 200, f"{at}/version")
        assert re.fullmatch(r"\d+\.\d+\S*\s?", answer.text), f"version {answer.text!r}"
        assert answer.type.startswith(JSON), f"{at}/version: {answer.type}"


def rule_mlflow_every_form_of_json_gives_the_same(context):
    client = main(context).client()
    expected = client.many("shop", RECORDS)
    turned = SHOP_INPUTS[::-1]
    forms = {
        "dataframe_split": {"dataframe_split": {"columns": SHOP_INPUTS, "data": ROWS}},
        "dataframe_split in another order": {"dataframe_split": {"columns": turned, "data": [row[::-1] for row in ROWS]}},
        "dataframe_split with index": {"dataframe_split": {"index": [7, 9], "columns": SHOP_INPUTS, "data": ROWS}},
        "dataframe_records": {"dataframe_records": RECORDS},
        "instances of objects": {"instances": RECORDS},
        "instances of rows": {"instances": ROWS},
        "inputs by column": {"inputs": {name: [record[name] for record in RECORDS] for name in SHOP_INPUTS}},
        "inputs of rows": {"inputs": ROWS},
        "params that are empty": {"dataframe_records": RECORDS, "params": {}},
    }
    for form, body in forms.items():
        answer = predictions(invoke(client, body))
        equal(len(answer), 2, f"{form}: predictions")
        for ours, theirs in zip(expected, answer):
            agree(ours, theirs, form)


def rule_mlflow_classes_and_numbers(context):
    client = main(context).client()
    for model, record in (("tickets", TICKET_RECORD), ("iris", IRIS_RECORD)):
        only, = predictions(invoke(client, {"dataframe_records": [record]}, f"/v1/models/{model}"))
        agree(client.one(model, record), only, model)
    only, = predictions(invoke(client, {"dataframe_records": [RENT_RECORD]}, "/v1/models/rents"))
    number = only.get("score", only.get("predicted_value"))
    same(number, client.one("rents", RENT_RECORD)["value"], "number")
    assert "predicted_label" not in only and "probabilities" not in only, only


def rule_mlflow_plain_gives_bare_labels_and_numbers(context):
    client = main(context).client()
    labels = predictions(invoke(client, {"dataframe_records": RECORDS}, query="?format=plain"))
    equal(labels, [one["label"] for one in client.many("shop", RECORDS)], "labels")
    number, = predictions(invoke(client, {"dataframe_records": [RENT_RECORD]}, "/v1/models/rents", "?format=plain"))
    same(number, client.one("rents", RENT_RECORD)["value"], "number")


def rule_mlflow_params_explain(context):
    client = main(context).client()
    only, = predictions(invoke(client, {"dataframe_records": [SHOP_RECORD], "params": {"explain": True}}))
    why = only.get("explanation") or only
    expected = client.one("shop", SHOP_RECORD, "?explain=true")["explanation"]
    equal(why.get("contributions"), expected["contributions"], "contributions")
    plain, = predictions(invoke(client, {"dataframe_records": [SHOP_RECORD], "params": {"explain": False}}))
    assert "explanation" not in plain and "contributions" not in plain, plain


def rule_mlflow_odd_fields_are_told(context):
    client = main(context).client()
    odd = {**SHOP_RECORD, "age": 1e9, "agee": 3, "city": None}
    ours = client.one("shop", odd)
    assert len(ours["warnings"]) >= 3, ours
    only, = predictions(invoke(client, {"dataframe_records": [odd]}))
    equal(only["warnings"], ours["warnings"], "warnings")
    even, = predictions(invoke(client, {"dataframe_records": [SHOP_RECORD]}))
    equal(even["warnings"], client.one("shop", SHOP_RECORD)["warnings"], "warnings of a record without oddities")


def rule_mlflow_missing_values_are_null(context):
    client = main(context).client()
    only, = predictions(invoke(client, {"dataframe_split": {"columns": SHOP_INPUTS, "data": [[None, *ROWS[0][1:]]]}}))
    agree(client.one("shop", {**SHOP_RECORD, "age": None}), only, "null")


def rule_mlflow_numbers_count_as_written(context):
    client = main(context).client()
    scores = {}
    for text in ("1.50", "1.5"):
        body = '{"dataframe_split":{"columns":["size"],"data":[[%s]]}}' % text
        scores[text] = predictions(invoke(client, body, type=JSON))[0]["score"]
        same(scores[text], client.one("shop", {"size": text})["score"], text)
    assert scores["1.50"] != scores["1.5"], "1.50 and 1.5 are taken for the same"


def rule_mlflow_exactly_one_form(context):
    client = main(context).client()
    bodies = [
        {}, {"params": {}}, {"record": SHOP_RECORD}, {"dataframe_records": RECORDS, "instances": RECORDS},
        {"dataframe_split": {"columns": [], "data": []}, "inputs": []},
    ]
    for body in bodies:
        bad(invoke(client, body))


def rule_mlflow_what_is_no_object_is_bad(context):
    client = main(context).client()
    for text in ("[]", "[[1,2]]", "3", "null", "{", "", "x"):
        bad(invoke(client, text, type=JSON))


def rule_mlflow_signature_name_is_bad(context):
    bad(invoke(main(context).client(), {"instances": RECORDS, "signature_name": "serving_default"}))


def rule_mlflow_shapes_that_do_not_fit_are_bad(context):
    client = main(context).client()
    bodies = [
        {"dataframe_split": {"columns": SHOP_INPUTS, "data": [ROWS[0], ROWS[1][:-1]]}},
        {"dataframe_split": {"columns": SHOP_INPUTS}}, {"dataframe_split": [1]}, {"dataframe_split": {"columns": 3, "data": [[1]]}},
        {"dataframe_split": {"columns": ["age", "age"], "data": [[1, 2]]}},
        {"dataframe_records": {"age": 1}}, {"dataframe_records": [3]}, {"dataframe_records": "x"},
        {"instances": [[1, 2]]}, {"instances": 3}, {"inputs": {"age": [1, 2], "city": ["Oslo"]}}, {"inputs": "x"},
        {"dataframe_records": [{"age": {"nested": 1}}]}, {"dataframe_records": [SHOP_RECORD], "params": 3},
    ]
    for body in bodies:
        bad(invoke(client, body))


def rule_mlflow_duplicate_keys_are_bad(context):
    bad(invoke(main(context).client(), '{"dataframe_records":[{"age":1,"age":2}]}', type=JSON))


def rule_mlflow_other_types_and_charsets_are_unsupported(context):
    client, body = main(context).client(), json.dumps({"dataframe_records": RECORDS})
    types = [
        "text/plain", "application/xml", "application/octet-stream", "application/json; charset=latin1",
        "application/json; foo=bar", "text/csv; charset=utf-16", "nonsense",
    ]
    for type in types:
        answer = invoke(client, body, type=type)
        equal(answer.status, 415, f"{type}: {answer}")
        assert answer.type.startswith("text/plain"), f"{type}: {answer.type}"
        assert len(answer.text) > 10, f"{type}: no message"


def rule_mlflow_charset_utf8_in_any_case_is_accepted(context):
    client = main(context).client()
    for type in ("application/json; charset=utf-8", "application/json;charset=UTF-8"):
        predictions(invoke(client, json.dumps({"dataframe_records": RECORDS}), type=type))


def rule_mlflow_csv_with_a_header(context):
    client = main(context).client()
    answer = predictions(invoke(client, csv_text(SHOP_INPUTS, ROWS), type=CSV))
    for ours, theirs in zip(client.many("shop", RECORDS), answer, strict=True):
        agree(ours, theirs, "csv")


def rule_mlflow_an_unknown_model_is_not_found(context):
    client = main(context).client()
    bad(invoke(client, {"dataframe_records": [{}]}, "/v1/models/nobody"), 404)
    equal(client.get("/v1/models/nobody/ping").status, 404, "ping")


def rule_mlflow_ten_thousand_records_and_one_more(context):
    client = main(context).client(timeout=60)
    equal(len(predictions(invoke(client, {"instances": [[5, 3, 1, 0.2]] * 10_000}, "/v1/models/iris"))), 10_000, "predictions")
    answer = invoke(client, {"instances": [[5, 3, 1, 0.2]] * 10_001}, "/v1/models/iris")
    assert answer.status in (400, 413), answer


def rule_mlflow_scores_are_finite_and_in_bounds(context):
    for one in predictions(invoke(main(context).client(), {"dataframe_records": RECORDS})):
        assert math.isfinite(one["score"]) and 0 <= one["score"] <= 1, one


def rule_mlflow_root_answers_for_the_model_of_the_option(context):
    client = rooted(context).client()
    for ours, theirs in zip(client.many("shop", RECORDS), predictions(invoke(client, {"dataframe_records": RECORDS}, "")), strict=True):
        agree(ours, theirs, "root")


def rule_mlflow_root_answers_numbers(context):
    client = rooted_number(context).client()
    only, = predictions(invoke(client, {"dataframe_records": [RENT_RECORD]}, ""))
    same(only.get("score", only.get("predicted_value")), client.one("rents", RENT_RECORD)["value"], "number")


def rule_mlflow_root_without_a_model_says_how(context):
    client = main(context).client()
    for method, path in (("GET", "/ping"), ("GET", "/health"), ("GET", "/version"), ("POST", "/invocations")):
        answer = client.send(method, path, *([{"dataframe_records": [SHOP_RECORD]}] if method == "POST" else []))
        equal(answer.status, 404, f"{path}: {answer}")
        assert "--model" in answer.text, f"{path} does not say how: {answer}"


def rule_mlflow_header_names_the_model_at_the_root(context):
    expected = main(context).client().one("iris", IRIS_RECORD)
    for server in (main(context), rooted(context)):
        client = server.client()
        headers = {"X-Amzn-SageMaker-Target-Model": "iris"}
        only, = predictions(invoke(client, {"instances": [[IRIS_RECORD[name] for name in IRIS_INPUTS]]}, "", headers=headers))
        equal(only["predicted_label"], expected["label"], "label")
        unknown = {"X-Amzn-SageMaker-Target-Model": "nobody"}
        equal(invoke(client, {"instances": [[1, 2, 3, 4]]}, "", headers=unknown).status, 404, "unknown model")


def rule_mlflow_root_follows_a_changed_threshold(context):
    client = rooted(context).client()
    score = client.one("shop", SHOP_RECORD)["score"]
    try:
        for threshold, label in ((score, "leaves"), (math.nextafter(score, 1), "stays")):
            ok(client.send("PATCH", "/v1/models/shop", {"threshold": threshold}))
            equal(predictions(invoke(client, {"dataframe_records": [SHOP_RECORD]}, ""))[0]["predicted_label"], label, "label")
    finally:
        client.send("PATCH", "/v1/models/shop", {"threshold": 0.5})

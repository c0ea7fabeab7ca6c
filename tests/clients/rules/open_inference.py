"""The Open Inference Protocol, version 2, over HTTP."""

import json

from harness import JSON, close, equal, ok, same
from servers import main
from tables import IRIS_INPUTS, IRIS_RECORD, RENT_RECORD, SHOP_INPUTS, SHOP_RECORD, TICKET_RECORD

IRIS_ROWS = [[5.1, 3.5, 1.4, 0.2], [6.3, 2.9, 5.6, 1.8], [5.7, 2.8, 4.5, 1.3]]
KINDS = {int: "INT64", float: "FP64", str: "BYTES"}


def columns(records, shape=lambda count: [count]):
    """One input for each column."""
    names = list(records[0])
    return [
        {"name": name, "shape": shape(len(records)), "datatype": KINDS[type(records[0][name])], "data": [one[name] for one in records]}
        for name in names
    ]


def matrix(rows, datatype="FP64", **more):
    return {"name": "input", "shape": [len(rows), len(rows[0])], "datatype": datatype, "data": [value for row in rows for value in row], **more}


def infer(client, model, inputs, version=None, **more):
    path = f"/v2/models/{model}" + (f"/versions/{version}" if version else "")
    return client.post(f"{path}/infer", {"inputs": inputs, **more})


def outputs(answer, model):
    document = ok(answer)
    equal(document["model_name"], model, "model_name")
    found = {}
    for output in document["outputs"]:
        size = 1
        for length in output["shape"]:
            size *= length
        equal(len(flat(output["data"])), size, f"values of {output['name']}")
        found[output["name"]] = output
    return found


def flat(data):
    return [value for one in data for value in (flat(one) if isinstance(one, list) else [one])]


def agree(ours, found, what=""):
    """Outputs and predictions of /predict are one."""
    label = found["predicted_label"]
    equal((label["datatype"], label["shape"]), ("BYTES", [len(ours)]), f"{what} predicted_label")
    equal(flat(label["data"]), [one["label"] for one in ours], f"{what} labels")
    chances = found["probabilities"]
    equal((chances["datatype"], chances["shape"]), ("FP64", [len(ours), len(ours[0]["probabilities"])]), f"{what} probabilities")
    values, classes = flat(chances["data"]), len(ours[0]["probabilities"])
    for place, one in enumerate(ours):
        for left, right in zip(sorted(values[place * classes:(place + 1) * classes]), sorted(one["probabilities"].values()), strict=True):
            same(left, right, f"{what} probability")


def bad(answer, status=(400, 404, 413, 422)):
    assert answer.status in status, f"expected {status}, got {answer}"
    document = answer.json()
    assert isinstance(document.get("error"), str) and len(document["error"]) > 10, f"no error message: {answer}"


def rule_oip_server_metadata(context):
    for path in ("/v2", "/v2/"):
        document = ok(main(context).client().get(path))
        assert document["name"] and document["version"] and isinstance(document["extensions"], list), document


def rule_oip_health(context):
    client = main(context).client()
    equal(ok(client.get("/v2/health/live"))["live"], True, "live")
    ready = ok(client.get("/v2/health/ready"))
    equal((ready.get("ready"), ready.get("live")), (True, True), "ready, and live as the text of the standard has it")


def rule_oip_model_metadata(context):
    client = main(context).client()
    document = ok(client.get("/v2/models/shop"))
    equal(document["name"], "shop", "name")
    assert document["platform"], document
    equal([one["name"] for one in document["inputs"]], SHOP_INPUTS, "inputs in column order, without the target")
    kinds = {one["name"]: one["datatype"] for one in document["inputs"]}
    equal((kinds["city"], kinds["note"]), ("BYTES", "BYTES"), "types of texts")
    assert kinds["age"].startswith(("FP", "INT")), kinds
    for one in document["inputs"]:
        assert one["shape"] in ([-1], [-1, 1]), one
    names = {one["name"]: one for one in document["outputs"]}
    equal(names["predicted_label"]["datatype"], "BYTES", "predicted_label")
    equal((names["probabilities"]["datatype"], names["probabilities"]["shape"]), ("FP64", [-1, 2]), "probabilities")


def rule_oip_model_metadata_of_a_number(context):
    names = {one["name"]: one for one in ok(main(context).client().get("/v2/models/rents"))["outputs"]}
    equal(names["predicted_value"]["datatype"], "FP64", "predicted_value")
    assert "predicted_label" not in names and "probabilities" not in names, names


def rule_oip_model_ready(context):
    equal(ok(main(context).client().get("/v2/models/iris/ready")), {"name": "iris", "ready": True}, "answer")


def rule_oip_versions_that_are_named_exist(context):
    client = main(context).client()
    for version in ok(client.get("/v2/models/iris")).get("versions") or []:
        path = f"/v2/models/iris/versions/{version}"
        equal(ok(client.get(path))["name"], "iris", "name")
        equal(ok(client.get(f"{path}/ready"))["ready"], True, "ready")
        outputs(infer(client, "iris", [matrix(IRIS_ROWS)], version), "iris")
    bad(infer(client, "iris", [matrix(IRIS_ROWS)], "no-such-version"))
    bad(client.get("/v2/models/iris/versions/no-such-version"))


def rule_oip_one_input_per_column(context):
    client = main(context).client()
    for model, record in (("shop", SHOP_RECORD), ("tickets", TICKET_RECORD), ("iris", IRIS_RECORD)):
        for shape in (lambda count: [count], lambda count: [count, 1]):
            records = [record, record]
            agree(client.many(model, records), outputs(infer(client, model, columns(records, shape)), model), model)


def rule_oip_inputs_in_any_order(context):
    client = main(context).client()
    agree([client.one("shop", SHOP_RECORD)], outputs(infer(client, "shop", columns([SHOP_RECORD])[::-1]), "shop"))


def rule_oip_one_matrix_in_column_order(context):
    client = main(context).client()
    expected = client.many("iris", IRIS_ROWS)
    nested = {"name": "anything", "shape": [3, 4], "datatype": "FP64", "data": IRIS_ROWS}
    for what, tensor in (("flat", matrix(IRIS_ROWS)), ("nested", nested), ("FP32", matrix(IRIS_ROWS, "FP32"))):
        agree(expected, outputs(infer(client, "iris", [tensor]), "iris"), what)


def rule_oip_nested_data_of_one_column(context):
    client = main(context).client()
    inputs = [{**one, "data": [[value] for value in one["data"]]} for one in columns([IRIS_RECORD, IRIS_RECORD], lambda count: [count, 1])]
    agree(client.many("iris", [IRIS_RECORD] * 2), outputs(infer(client, "iris", inputs), "iris"))


def rule_oip_content_type_pd_is_accepted(context):
    client = main(context).client()
    inputs = [{**one, "parameters": {"content_type": "str"}} for one in columns([SHOP_RECORD])]
    agree([client.one("shop", SHOP_RECORD)], outputs(infer(client, "shop", inputs, parameters={"content_type": "pd"}), "shop"))


def rule_oip_number_answers_predicted_value(context):
    client = main(context).client()
    found = outputs(infer(client, "rents", columns([RENT_RECORD] * 2)), "rents")
    equal((found["predicted_value"]["datatype"], found["predicted_value"]["shape"]), ("FP64", [2]), "predicted_value")
    for value in flat(found["predicted_value"]["data"]):
        same(value, client.one("rents", RENT_RECORD)["value"], "number")
    assert "predicted_label" not in found and "probabilities" not in found, list(found)


def rule_oip_id_is_echoed(context):
    client = main(context).client()
    for id in ("42", "a b/ü"):
        equal(ok(infer(client, "iris", [matrix(IRIS_ROWS)], id=id))["id"], id, "id")


def rule_oip_outputs_may_be_chosen(context):
    client = main(context).client()
    for name in ("predicted_label", "probabilities"):
        found = outputs(infer(client, "iris", [matrix(IRIS_ROWS)], outputs=[{"name": name}]), "iris")
        equal(list(found), [name], "outputs")
    bad(infer(client, "iris", [matrix(IRIS_ROWS)], outputs=[{"name": "nonsense"}]))


def rule_oip_contributions_when_explained(context):
    client = main(context).client()
    found = outputs(infer(client, "iris", [matrix(IRIS_ROWS)], parameters={"explain": True}), "iris")
    contributions = found["contributions"]
    equal((contributions["datatype"], contributions["shape"]), ("FP64", [3, 4]), "contributions")
    expected = [one["explanation"]["contributions"] for one in client.many("iris", IRIS_ROWS, "?explain=true")]
    values = flat(contributions["data"])
    for place, one in enumerate(expected):
        for column, name in enumerate(IRIS_INPUTS):
            same(values[place * 4 + column], one[name], f"contribution of {name}")
    assert "contributions" not in outputs(infer(client, "iris", [matrix(IRIS_ROWS)]), "iris"), "contributions unasked"


def rule_oip_baseline_and_contributions_are_the_margin(context):
    client = main(context).client()
    found = outputs(infer(client, "iris", [matrix(IRIS_ROWS)], parameters={"explain": True}), "iris")
    values = flat(found["contributions"]["data"])
    for place, ours in enumerate(client.many("iris", IRIS_ROWS, "?explain=true")):
        same(found["margin"]["data"][place], ours["explanation"]["score"], "margin")
        total = found["baseline"]["data"][place] + sum(values[place * 4:place * 4 + 4])
        close(total, found["margin"]["data"][place], "sum")


def rule_oip_threshold_and_odd_fields_are_told(context):
    client = main(context).client()
    records = [SHOP_RECORD, {**SHOP_RECORD, "age": 10**9, "city": "Atlantis"}]
    ours = client.many("shop", records)
    assert len(ours[1]["warnings"]) >= 2, ours
    document = ok(infer(client, "shop", columns(records)))
    warnings = next(one for one in document["outputs"] if one["name"] == "warnings")
    equal([json.loads(text) for text in warnings["data"]], [one["warnings"] for one in ours], "warnings")
    count = sum(len(one["warnings"]) for one in ours)
    equal(document["parameters"], {"threshold": ours[0]["threshold"], "warning_count": count}, "parameters")


def rule_oip_booleans_and_small_numbers(context):
    client = main(context).client()
    inputs = [one for one in columns([SHOP_RECORD]) if one["name"] not in ("vip", "age")]
    inputs += [{"name": "vip", "shape": [1], "datatype": "BOOL", "data": [True]}, {"name": "age", "shape": [1], "datatype": "UINT8", "data": [41]}]
    agree([client.one("shop", SHOP_RECORD)], outputs(infer(client, "shop", inputs), "shop"))


def rule_oip_unknown_model(context):
    client = main(context).client()
    for answer in (client.get("/v2/models/nobody"), client.get("/v2/models/nobody/ready"), infer(client, "nobody", [matrix(IRIS_ROWS)])):
        bad(answer, (404, 400))


def rule_oip_bad_requests(context):
    client = main(context).client()
    good = matrix(IRIS_ROWS)
    inputs = [
        [], [{**good, "shape": [3, 5]}], [{**good, "shape": [4, 4]}], [{**good, "shape": [-3, 4]}], [{**good, "shape": []}],
        [{**good, "shape": [10**18, 4]}], [{**good, "shape": [2**32, 2**32]}], [{**good, "shape": [3.5, 4]}], [{**good, "shape": "x"}],
        [{**good, "datatype": "FLOAT"}], [{**good, "datatype": "fp64"}], [{**good, "data": "x"}], [{**good, "data": [[1], [2, 3]]}],
        [{key: value for key, value in good.items() if key != "data"}], [{key: value for key, value in good.items() if key != "shape"}],
        [matrix([[1, 2, 3]])], [3], [{**good, "data": [{}] * 12}],
        [{"name": "petal_width_cm", "shape": [2], "datatype": "FP64", "data": [1, 2]}, {"name": "petal_length_cm", "shape": [1], "datatype": "FP64", "data": [1]}],
        [{"name": "petal_width_cm", "shape": [1], "datatype": "FP64", "data": [1]}] * 2,
    ]
    for one in inputs:
        bad(infer(client, "iris", one))


def rule_oip_what_is_no_request_is_bad(context):
    client = main(context).client()
    for text in ("", "{", "[]", "3", "{}", '{"inputs":3}', '{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":[1,NaN,3,4]}]}'):
        bad(client.post("/v2/models/iris/infer", text, type=JSON))


def rule_oip_binary_tensors_are_refused_in_words(context):
    """The extension for binary tensors is not declared, so a client that uses it must be told."""
    client = main(context).client()
    if "binary_tensor_data" in ok(client.get("/v2"))["extensions"]:
        return
    head = json.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "parameters": {"binary_data_size": 32}}]}).encode()
    bad(client.post("/v2/models/iris/infer", head + bytes(32), type="application/octet-stream",
                    headers={"Inference-Header-Content-Length": str(len(head))}), (400, 415, 422))


def rule_oip_ten_thousand_rows_and_one_more(context):
    client = main(context).client(timeout=60)
    found = outputs(infer(client, "iris", [matrix([IRIS_ROWS[0]] * 10_000)]), "iris")
    equal(found["predicted_label"]["shape"], [10_000], "labels")
    bad(infer(client, "iris", [matrix([IRIS_ROWS[0]] * 10_001)]))


def rule_oip_names_are_case_sensitive(context):
    bad(main(context).client().get("/v2/models/IRIS"), (404, 400))

"""Requests that cannot be answered: each gets a clear problem, and the server goes on."""

import contextlib
import json

from harness import DATASETS, equal, no_crash, ok, problem, refused
from servers import main
from tables import IRIS_RECORD, SHOP_RECORD


def send(context, model, text, type="application/json"):
    return main(context).client(timeout=60).predict(model, text, type=type)


def rule_an_unknown_model_is_not_found(context):
    client = main(context).client()
    problem(client.predict("nobody", {"record": {}}), 404, "not_found")
    problem(client.predict("%2e%2e%2fyosoku.db", {"record": {}}), (400, 404))


def rule_a_model_that_is_not_ready_conflicts(context):
    """A model waits behind another training, and is then stopped."""
    with context.short_server("busy") as server:
        server.upload("digits.csv", (DATASETS / "digits.csv").read_bytes())
        for name in ("first", "second"):
            server.train(name, "digits.csv", "target", wait=False)
        client = server.client()
        answer = client.predict("second", {"record": {}})
        ready = client.get("/v2/models/second/ready")
        ping = client.get("/v1/models/second/ping")
        for name in ("second", "first"):
            client.post(f"/v1/models/{name}/cancel")
        problem(answer, 409, ("wrong_state", "not_ready"))
        problem(client.predict("second", {"record": {}}), 409)
        assert ready.status not in (200, 500), f"ready of a model that is not: {ready}"
        assert ping.status not in (200, 500), f"ping of a model that is not ready: {ping}"


def rule_a_deleted_model_answers_no_more(context):
    server = main(context)
    client = server.client()
    server.train("short-lived", "iris.csv", "target", holdout=0)
    client.one("short-lived", IRIS_RECORD)
    deleted = client.send("DELETE", "/v1/models/short-lived")
    equal(deleted.status, 204, f"deleting: {deleted}")
    problem(client.predict("short-lived", {"record": IRIS_RECORD}), (404, 409))


def rule_a_record_that_is_no_object_or_array_is_refused(context):
    for value in ("3", '"x"', "true"):
        problem(send(context, "shop", f'{{"record":{value}}}'), 400, "invalid_value", pointer="/record")
    refused(send(context, "shop", '{"record":null}'))


def rule_records_that_are_no_list_are_refused(context):
    for value in ("3", '"x"', "true", "{}", "null"):
        refused(send(context, "shop", f'{{"records":{value}}}'))


def rule_a_record_of_a_list_that_is_no_object_is_pointed_to(context):
    for value in ("3", '"x"', "true", "null"):
        problem(send(context, "shop", f'{{"records":[{{}},{value}]}}'), 400, "invalid_value", pointer="/records/1")


def rule_neither_or_both_of_record_and_records_are_refused(context):
    refused(send(context, "shop", "{}"))
    refused(send(context, "shop", '{"record":{},"records":[{}]}'))


def rule_an_empty_list_of_records_harms_nothing(context):
    answer = no_crash(send(context, "shop", '{"records":[]}'))
    assert answer.status != 200 or answer.json()["predictions"] == [], answer


def rule_nested_values_are_pointed_to(context):
    for value in ('{"a":1}', "[1]", "[]", "{}"):
        problem(send(context, "shop", f'{{"record":{{"age":{value}}}}}'), 400, "invalid_value", pointer="/record/age")
    problem(send(context, "shop", '{"records":[{"age":1},{"city":["x"]}]}'), 400, "invalid_value", pointer="/records/1/city")
    problem(send(context, "iris", '{"record":[1,2,[3],4]}'), 400, "invalid_value", pointer="/record/2")


def rule_pointers_are_escaped(context):
    problem(send(context, "rents", '{"record":{"a/b~c":{}}}'), 400, "invalid_value", pointer="/record/a~1b~0c")


def rule_arrays_of_a_wrong_length_are_pointed_to(context):
    """Four inputs and a target: four or five values, no other number."""
    for values in ("[]", "[1,2,3]", "[1,2,3,4,5,6]"):
        problem(send(context, "iris", f'{{"record":{values}}}'), 400, pointer="/record")
    problem(send(context, "iris", '{"records":[[1,2,3,4],[1,2]]}'), 400, pointer="/records/1")


def rule_duplicate_keys_are_refused(context):
    for record in ('{"age":41,"age":42}', '{"age":41,"\\u0061ge":41}', '{"new":1,"new":1}'):
        problem(send(context, "shop", f'{{"record":{record}}}'), 400, "duplicate_field")
    problem(send(context, "shop", '{"records":[{},{"city":"Oslo","city":"Oslo"}]}'), 400, "duplicate_field")


def rule_record_twice_is_refused(context):
    refused(send(context, "shop", '{"record":{"age":1},"record":{"age":2}}'))


def rule_nan_and_infinities_are_refused_with_a_hint(context):
    for word in ("NaN", "Infinity", "-Infinity", "nan"):
        problem(send(context, "shop", f'{{"record":{{"age":{word}}}}}'), 400, "invalid_json", hint=True)
    problem(send(context, "iris", '{"records":[[1,2,NaN,4]]}'), 400, "invalid_json", hint=True)


def rule_what_is_no_json_is_refused(context):
    for text in ("", " ", "{", '{"record":', '{"record":{}}x', "{'record':{}}", '{"record":{"age":01}}', '{"record":{"age":+1}}',
                 '{"record":{"age":1,}}', '{"record":{"age":.5}}', '{"record":{"city":"a\nb"}}', "\x00"):
        refused(send(context, "shop", text))


def rule_a_body_that_is_no_object_is_refused(context):
    for text in ("[]", "3", "null", '"record"', '[{"age":1}]'):
        refused(send(context, "shop", text))


def rule_bytes_that_are_no_utf8_are_refused(context):
    refused(send(context, "shop", b'{"record":{"city":"Osl\xf8"}}'))


def rule_half_a_surrogate_harms_nothing(context):
    for escape in ("\\ud800", "\\udc00x", "\\ud800\\ud800"):
        no_crash(send(context, "shop", f'{{"record":{{"city":"{escape}"}}}}'))


def rule_deep_nesting_is_refused(context):
    for text in ("[" * 200_000, '{"record":' * 100_000, '{"record":{"age":' + "[" * 200_000 + "]" * 200_000 + "}}"):
        refused(send(context, "shop", text))


def rule_a_zero_byte_in_a_value_is_a_value(context):
    ok(send(context, "shop", '{"record":{"city":"a\\u0000b"}}'))


def rule_a_record_of_ten_megabytes_is_refused(context):
    for record in ({"note": "x" * 10_000_000}, {f"field_{place}": "y" * 100 for place in range(90_000)}):
        problem(send(context, "shop", json.dumps({"record": record})), 413, "too_large")
    problem(send(context, "shop", json.dumps({"records": [{}, {"note": "x " * 1_000_000}]})), 413, "too_large")


def rule_a_record_just_below_a_mebibyte_is_answered(context):
    ok(send(context, "shop", json.dumps({"record": {**SHOP_RECORD, "note": "x " * 500_000}})))


def rule_a_body_of_more_than_sixteen_mebibytes_is_too_large(context):
    text = json.dumps({"records": [{"note": "x" * 100_000}] * 175})
    assert len(text) > 16 << 20
    problem(send(context, "shop", text), 413)


def rule_a_body_of_fifteen_mebibytes_is_answered(context):
    text = json.dumps({"records": [{"note": "order " * 20_000}] * 125})
    assert 14 << 20 < len(text) < 16 << 20
    equal(len(ok(send(context, "shop", text))["predictions"]), 125, "predictions")


def rule_a_body_without_a_length_has_the_same_limit(context):
    """Sent in chunks, so that only counting shows how long it is."""
    connection = main(context).client(timeout=60).connection
    pieces = (b" " * 1_000_000 for _ in range(20))
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/v1/models/shop/predict", body=pieces, headers={"Content-Type": "application/json"})
    equal(connection.getresponse().status, 413, "status")
    equal(main(context).client().get("/livez").status, 200, "the server afterwards")


def rule_other_types_are_refused(context):
    client = main(context).client()
    for type in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "nonsense", None):
        problem(client.predict("shop", '{"record":{}}', type=type), 415, "unsupported_media")


def rule_a_charset_of_utf8_is_accepted(context):
    ok(send(context, "shop", '{"record":{}}', type="application/json; charset=utf-8"))
    ok(send(context, "shop", '{"record":{}}', type="Application/JSON;charset=UTF-8"))


def rule_other_methods_are_refused(context):
    client = main(context).client()
    for method in ("GET", "PUT", "DELETE"):
        answer = client.send(method, "/v1/models/shop/predict")
        equal(answer.status, 405, f"status of {method}")


def rule_problems_name_the_request(context):
    """Each problem names the path and an id that is in the server's log too."""
    document = refused(main(context).client().predict("nobody", {"record": {}}))
    equal(document.get("instance"), "/v1/models/nobody/predict", "instance")
    assert document.get("request_id"), document


def rule_no_problem_shows_the_inside(context):
    """No answer of this file speaks of source lines, panics or types of the program."""
    client = main(context).client()
    for text in ("{", '{"record":3}', '{"record":{"age":{}}}', '{"records":[[1]]}', "[" * 5000):
        body = client.predict("shop", text, type="application/json").text
        for word in ("src/", ".rs:", "panicked", "serde", "unwrap"):
            assert word not in body, f"{word!r} in {body[:400]}"

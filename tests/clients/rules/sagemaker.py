"""The contract of a SageMaker container: CSV without a header in, one line per line out."""

import csv
import io
import time

from harness import CSV, equal, no_crash, ok, same
from rules.mlflow import agree, invoke, predictions
from servers import main, rooted, rooted_number
from tables import RENT_RECORD, SHOP_INPUTS, SHOP_RECORD, csv_text

RECORDS = [SHOP_RECORD, {**SHOP_RECORD, "age": 70}, {**SHOP_RECORD, "note": 'a "quoted", word'}]
LINES = csv_text(SHOP_INPUTS, [[str(record[name]) for name in SHOP_INPUTS] for record in RECORDS], header=False)
WANT_CSV = {"Accept": CSV}


def lines(answer):
    equal(answer.status, 200, f"status of {answer}")
    assert answer.type.split(";")[0].strip() == CSV, f"type: {answer.type}"
    return list(csv.reader(io.StringIO(answer.text)))


def rule_sagemaker_csv_without_a_header(context):
    for server, at in ((main(context), "/v1/models/shop"), (rooted(context), "")):
        client = server.client()
        answer = predictions(invoke(client, LINES, at, type=CSV))
        for ours, theirs in zip(client.many("shop", RECORDS), answer, strict=True):
            agree(ours, theirs, at or "root")


def rule_sagemaker_one_record_without_line_end(context):
    client = rooted(context).client()
    only, = predictions(invoke(client, LINES.splitlines()[0], "", type=CSV))
    agree(client.one("shop", SHOP_RECORD), only, "one line")


def rule_sagemaker_csv_answers_one_line_per_line(context):
    client = rooted(context).client()
    answer = lines(invoke(client, LINES, "", type=CSV, headers=WANT_CSV))
    for ours, line in zip(client.many("shop", RECORDS), answer, strict=True):
        label, score = line
        equal(label, ours["label"], "label")
        same(score, ours["score"], "score")


def rule_sagemaker_csv_of_numbers_is_the_number_alone(context):
    client = rooted_number(context).client()
    text = csv_text([], [["F1", *[str(value) for value in RENT_RECORD.values()], "Ann"]] * 2, header=False)
    for line in lines(invoke(client, text, "", type=CSV, headers=WANT_CSV)):
        equal(len(line), 1, "fields of a line")
        same(line[0], client.one("rents", RENT_RECORD)["value"], "number")


def rule_sagemaker_csv_answer_for_json_and_csv_with_header(context):
    client = rooted(context).client()
    expected = lines(invoke(client, LINES, "", type=CSV, headers=WANT_CSV))
    equal(lines(invoke(client, {"dataframe_records": RECORDS}, "", headers=WANT_CSV)), expected, "JSON in")
    equal(lines(invoke(client, ",".join(SHOP_INPUTS) + "\n" + LINES, "", type=CSV, headers=WANT_CSV)), expected, "header in")


def rule_sagemaker_other_accepts_give_json(context):
    client = rooted(context).client()
    for accept in ("*/*", "application/json", "application/json, text/csv;q=0.1"):
        equal(len(predictions(invoke(client, LINES, "", type=CSV, headers={"Accept": accept}))), 3, accept)


def rule_sagemaker_csv_answer_quotes_labels(context):
    """A label with a comma stays one field."""
    with context.short_server("quoted") as server:
        rows = [[f"{place // 2 * 0.5 + 1}", 'low, "very"' if place < 30 else "high"] for place in range(60)]
        server.upload("quoted.csv", csv_text(["size", "kind"], rows))
        server.train("quoted", "quoted.csv", "kind", holdout=0)
        client = server.client()
        answer = lines(invoke(client, "1.5\n14.5\n", "/v1/models/quoted", type=CSV, headers=WANT_CSV))
        equal([line[0] for line in answer], ['low, "very"', "high"], "labels")


def rule_sagemaker_execution_parameters(context):
    document = ok(rooted(context).client().get("/execution-parameters"))
    assert document["BatchStrategy"] in ("MULTI_RECORD", "SINGLE_RECORD"), document
    assert document["MaxConcurrentTransforms"] >= 1, document
    assert 1 <= document["MaxPayloadInMB"] <= 16, document
    assert document["MaxConcurrentTransforms"] * document["MaxPayloadInMB"] <= 100, f"more than SageMaker allows: {document}"


def rule_sagemaker_what_is_advised_is_accepted(context):
    """A transform that packs the shortest lines as tightly as it is told to gets an answer for each of them."""
    client = rooted(context).client(timeout=60)
    document = ok(client.get("/execution-parameters"))
    line = "," * (len(SHOP_INPUTS) - 1) + "\n"
    packed = (document["MaxPayloadInMB"] << 20) // len(line)
    count = 1 if document["BatchStrategy"] == "SINGLE_RECORD" else packed
    equal(len(lines(invoke(client, line * count, "", type=CSV, headers=WANT_CSV))), count, "lines")


def rule_sagemaker_ping_is_quick(context):
    client, begin = rooted(context).client(), time.perf_counter()
    equal(client.get("/ping").status, 200, "status")
    assert time.perf_counter() - begin < 2, "more than two seconds"


def rule_sagemaker_payload_of_six_megabytes(context):
    client = rooted(context).client(timeout=60)
    row = [str({**SHOP_RECORD, "note": "order " * 150}[name]) for name in SHOP_INPUTS]
    text = csv_text(SHOP_INPUTS, [row] * 6_000, header=False)
    assert 5_500_000 < len(text) < 6_291_456, len(text)
    equal(len(lines(invoke(client, text, "", type=CSV, headers=WANT_CSV))), 6_000, "lines")


def rule_sagemaker_wrong_lines_are_bad(context):
    client = rooted(context).client()
    for text in ("1,2\n", LINES + "1,2\n"):
        answer = no_crash(invoke(client, text, "", type=CSV, headers=WANT_CSV))
        equal(answer.status, 400, f"status of {answer}")

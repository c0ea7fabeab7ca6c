"""Scores in real time equal those of a batch prediction of the same rows, to the last bit, whichever way they are asked for."""

import csv
import io
import json
import subprocess

from harness import CSV, DATASETS, JSON, equal, ok, same
from servers import main
from tables import (RENT_COLUMNS, SHOP_COLUMNS, TICKET_COLUMNS, array_text, csv_text, file_rows, record_text, rent_rows, shop_rows,
                    ticket_rows)


def cases():
    yield "shop", "shop.csv", SHOP_COLUMNS, shop_rows(), "outcome", {"age", "income"}
    yield "tickets", "tickets.csv", TICKET_COLUMNS, ticket_rows(), "queue", {"priority"}
    yield "rents", "rents.csv", RENT_COLUMNS, rent_rows(), "rent", {"Wohnfläche (m²)", "rooms", "rent"}
    for model, file in (("iris", "iris.csv"), ("cancer", "breast_cancer.csv"), ("diabetes", "diabetes.csv")):
        columns, rows = file_rows(file)
        yield model, file, columns, rows, "target", set(columns) - ({"target"} if model != "diabetes" else set())


def batch(context, model, dataset):
    """What the batch answered: a dictionary of texts for each row."""
    return context.once(f"the batch of {model}", lambda: main(context).batch(f"parity-{model}", model, dataset))


def check(context, ask):
    """`ask` gives for each case the predictions, each a label and a dictionary of numbers as in the batch."""
    client = main(context).client(timeout=120)
    for model, dataset, columns, rows, target, numeric in cases():
        lines = batch(context, model, dataset)
        equal(len(lines), len(rows), f"{model}: lines of the batch")
        answers = ask(client, model, columns, rows, target, numeric)
        equal(len(answers), len(rows), f"{model}: predictions")
        for place, (line, (label, number, chances)) in enumerate(zip(lines, answers)):
            where = f"{model}, row {place}"
            if line.get("bestAnswer"):
                equal(label, line["bestAnswer"], f"{where}: label")
            if chances and not line.get("score"):
                for name, chance in chances.items():
                    same(chance, line[name], f"{where}: {name}")
            else:
                same(number, line["score"], f"{where}: score")


def ours(predictions):
    return [(one.get("label"), one.get("value", one.get("score")), one.get("probabilities")) for one in predictions]


def rule_objects_equal_batch(context):
    def ask(client, model, columns, rows, target, numeric):
        texts = ",".join(record_text(columns, row, numeric, (target,)) for row in rows)
        return ours(ok(client.predict(model, f'{{"records":[{texts}]}}', type=JSON))["predictions"])
    check(context, ask)


def rule_objects_of_texts_equal_batch(context):
    """Every number as a text."""
    def ask(client, model, columns, rows, target, numeric):
        texts = ",".join(record_text(columns, row, (), (target,)) for row in rows)
        return ours(ok(client.predict(model, f'{{"records":[{texts}]}}', type=JSON))["predictions"])
    check(context, ask)


def rule_single_records_equal_batch(context):
    def ask(client, model, columns, rows, target, numeric):
        bodies = (f'{{"record":{record_text(columns, row, numeric, (target,))}}}' for row in rows)
        return ours([ok(client.predict(model, body, type=JSON))["prediction"] for body in bodies])
    check(context, ask)


def rule_arrays_equal_batch(context):
    def ask(client, model, columns, rows, target, numeric):
        texts = ",".join(array_text(columns, row, numeric, (target,) * (place % 2)) for place, row in enumerate(rows))
        return ours(ok(client.predict(model, f'{{"records":[{texts}]}}', type=JSON))["predictions"])
    check(context, ask)


def rule_csv_with_header_equals_batch(context):
    def ask(client, model, columns, rows, target, numeric):
        return ours(client.csv(model, csv_text(columns, rows)))
    check(context, ask)


def rule_csv_without_header_equals_batch(context):
    def ask(client, model, columns, rows, target, numeric):
        return ours(client.csv(model, csv_text(columns, rows, header=False), type="text/csv; header=absent"))
    check(context, ask)


def mlflow(document):
    return [(one.get("predicted_label"), one.get("score", one.get("predicted_value")), one.get("probabilities")) for one in document["predictions"]]


def rule_mlflow_split_equals_batch(context):
    def ask(client, model, columns, rows, target, numeric):
        texts = ",".join(array_text(columns, row, numeric, (target,)) for row in rows)
        names = json.dumps([name for name in columns if name != target])
        body = f'{{"dataframe_split":{{"columns":{names},"data":[{texts}]}}}}'
        return mlflow(ok(client.post(f"/v1/models/{model}/invocations", body, type=JSON)))
    check(context, ask)


def rule_mlflow_csv_equals_batch(context):
    def ask(client, model, columns, rows, target, numeric):
        return mlflow(ok(client.post(f"/v1/models/{model}/invocations", csv_text(columns, rows), type=CSV)))
    check(context, ask)


def rule_open_inference_equals_batch(context):
    """One input per column; numbers as FP64 in JSON, texts as BYTES, rows with missing numbers left out."""
    client = main(context).client(timeout=120)
    for model, dataset, columns, rows, target, numeric in cases():
        lines = batch(context, model, dataset)
        inputs = [name for name in columns if name not in (target, "flat_no", "broker")]
        places = [place for place, row in enumerate(rows) if all(row[columns.index(name)] for name in inputs if name in numeric)]
        tensors = []
        for name in inputs:
            values = [rows[place][columns.index(name)] for place in places]
            data = [float(value) for value in values] if name in numeric else values
            tensors.append({"name": name, "shape": [len(places)], "datatype": "FP64" if name in numeric else "BYTES", "data": data})
        found = {one["name"]: one["data"] for one in ok(client.post(f"/v2/models/{model}/infer", {"inputs": tensors}))["outputs"]}
        labels = labels_of(client, model)
        for order, place in enumerate(places):
            line, where = lines[place], f"{model}, row {place}"
            if not labels:
                same(found["predicted_value"][order], line["score"], where)
                continue
            chances = found["probabilities"][order * len(labels):(order + 1) * len(labels)]
            if "bestAnswer" in line:
                # Of two classes a line has the answer and the probability of the second.
                equal(found["predicted_label"][order], line["bestAnswer"], f"{where}: label")
                same(chances[1], line["score"], f"{where}: {labels[1]}")
                same(chances[0], 1 - float(line["score"]), f"{where}: {labels[0]}")
                continue
            for label, chance in zip(labels, chances, strict=True):
                same(chance, line[label], f"{where}: {label}")
            likeliest = max(labels, key=lambda label: float(line[label]))
            equal(found["predicted_label"][order], likeliest, f"{where}: label")


def labels_of(client, model):
    """The labels that the probabilities belong to, in their order; none for a number."""
    outputs = {one["name"]: one for one in ok(client.get(f"/v2/models/{model}"))["outputs"]}
    return outputs["probabilities"]["parameters"]["labels"] if "probabilities" in outputs else []


def rule_the_command_line_equals_real_time(context):
    """The file of the model, read by another process."""
    server = main(context)
    bundle = server.client().get("/v1/models/cancer/bundle")
    path = context.folder / "cancer.yosoku"
    path.write_bytes(bundle.body)
    done = subprocess.run([context.program, "predict", str(path), str(DATASETS / "breast_cancer.csv"), "--out", "-"],
                          capture_output=True, text=True, timeout=60)
    equal(done.returncode, 0, f"exit code, {done.stderr[-300:]}")
    columns, rows = file_rows("breast_cancer.csv")
    answers = server.client().csv("cancer", csv_text(columns, rows))
    for line, one in zip(csv.DictReader(io.StringIO(done.stdout)), answers, strict=True):
        same(line["score"], one["score"], "score")

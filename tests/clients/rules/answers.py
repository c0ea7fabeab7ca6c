"""What a prediction answers: label, score, probabilities, threshold, version, explanation."""

import math
import threading

from harness import close, equal, ok, refused, same, same_outcome
from servers import main
from tables import IRIS_INPUTS, IRIS_RECORD, RENT_RECORD, SHOP_INPUTS, SHOP_RECORD, TICKET_RECORD, iris_table, learn_iris


def rule_binary_answer_is_complete(context):
    server = main(context)
    client = server.client()
    answer = ok(client.predict("shop", {"record": SHOP_RECORD}))
    model = ok(client.get("/v1/models/shop"))
    equal(answer["model"], "shop", "model")
    equal(answer["model_hash"], model["hash"], "model_hash")
    equal(answer["type"], "binary", "type")
    one = answer["prediction"]
    equal(set(one["probabilities"]), {"leaves", "stays"}, "labels")
    same(one["score"], one["probabilities"]["leaves"], "score is the probability of the positive label")
    close(sum(one["probabilities"].values()), 1, "sum of probabilities")
    equal(one["threshold"], model["threshold"], "threshold")
    equal(one["label"], "leaves" if one["score"] >= one["threshold"] else "stays", "label")
    equal(one.get("value"), None, "no value for a label")


def rule_multiclass_answer_is_complete(context):
    answer = ok(main(context).client().predict("iris", {"record": IRIS_RECORD}))
    equal(answer["type"], "multiclass", "type")
    one = answer["prediction"]
    equal(set(one["probabilities"]), {"setosa", "versicolor", "virginica"}, "labels")
    close(sum(one["probabilities"].values()), 1, "sum of probabilities")
    equal(one["label"], max(one["probabilities"], key=one["probabilities"].get), "label")
    same(one["score"], one["probabilities"][one["label"]], "score")
    equal(one.get("threshold"), None, "no threshold for classes")


def rule_regression_answer_is_a_number_alone(context):
    answer = ok(main(context).client().predict("rents", {"record": RENT_RECORD}))
    equal(answer["type"], "regression", "type")
    one = answer["prediction"]
    assert isinstance(one["value"], float), one
    for key in ("label", "probabilities", "threshold"):
        equal(one.get(key), None, key)


def rule_one_record_answers_prediction_and_not_predictions(context):
    answer = ok(main(context).client().predict("shop", {"record": SHOP_RECORD}))
    assert "prediction" in answer and "predictions" not in answer, f"keys: {list(answer)}"


def rule_records_answer_predictions_and_not_prediction(context):
    answer = ok(main(context).client().predict("shop", {"records": [SHOP_RECORD]}))
    assert "predictions" in answer and "prediction" not in answer, f"keys: {list(answer)}"
    equal(len(answer["predictions"]), 1, "predictions")


def rule_predictions_come_in_the_order_of_the_records(context):
    client = main(context).client()
    ages = [20, 75, 33, 60, 48]
    together = client.many("shop", [dict(SHOP_RECORD, age=age) for age in ages])
    for age, prediction in zip(ages, together, strict=True):
        same_outcome(prediction, client.one("shop", dict(SHOP_RECORD, age=age)), f"age {age}")


def rule_order_of_fields_in_an_object_means_nothing(context):
    client = main(context).client()
    turned = dict(reversed(SHOP_RECORD.items()))
    same_outcome(client.one("shop", SHOP_RECORD), client.one("shop", turned))


def rule_array_without_target_equals_object(context):
    client = main(context).client()
    values = [SHOP_RECORD[name] for name in SHOP_INPUTS]
    same_outcome(client.one("shop", values), client.one("shop", SHOP_RECORD))


def rule_array_with_target_in_its_place_equals_object(context):
    client = main(context).client()
    values = [SHOP_RECORD[name] for name in SHOP_INPUTS]
    for truth in ("leaves", "stays", None, ""):
        same_outcome(client.one("shop", values[:3] + [truth] + values[3:]), client.one("shop", SHOP_RECORD), f"target {truth!r}")


def rule_array_counts_row_id_and_columns_left_out(context):
    """One value per column of the schema: also the row id and those that are not learned from."""
    client = main(context).client()
    expected = client.one("rents", RENT_RECORD)
    values = ["F1", *RENT_RECORD.values(), "Ann"]
    same_outcome(client.one("rents", values), expected, "without target")
    same_outcome(client.one("rents", [*values, 700]), expected, "with target")


def rule_null_in_an_array_is_a_missing_value(context):
    client = main(context).client()
    values = [SHOP_RECORD[name] for name in SHOP_INPUTS]
    expected = client.one("shop", {name: value for name, value in SHOP_RECORD.items() if name != "age"})
    same_outcome(client.one("shop", [None, *values[1:]]), expected)


def rule_objects_and_arrays_may_be_mixed(context):
    client = main(context).client()
    values = [SHOP_RECORD[name] for name in SHOP_INPUTS]
    first, second, third = client.many("shop", [SHOP_RECORD, values, dict(SHOP_RECORD, age=70)])
    same_outcome(first, second)
    same_outcome(third, client.one("shop", dict(SHOP_RECORD, age=70)))


def rule_ten_thousand_records_are_answered(context):
    client = main(context).client(timeout=60)
    predictions = client.many("iris", [[5.1, 3.5, 1.4, 0.1 * (place % 25)] for place in range(10_000)])
    equal(len(predictions), 10_000, "predictions")
    same_outcome(predictions[9_999], client.one("iris", [5.1, 3.5, 1.4, 0.1 * (9_999 % 25)]), "the last")


def rule_one_more_than_ten_thousand_is_refused(context):
    document = refused(main(context).client(timeout=60).predict("iris", {"records": [[5, 3, 1, 0.2]] * 10_001}))
    words = document["detail"] + document.get("hint", "")
    assert "10,000" in words or "10000" in words, f"the limit is not named: {document}"


def rule_explanation_is_absent_unless_asked_for(context):
    client = main(context).client()
    for query in ("", "?explain=false"):
        equal(client.one("shop", SHOP_RECORD, query).get("explanation"), None, f"explanation with {query!r}")


def rule_explain_takes_true_or_false_alone(context):
    refused(main(context).client().predict("shop", {"record": SHOP_RECORD}, "?explain=perhaps"))


def additive(prediction, inputs):
    """The explanation, checked to add up and to speak of the user's own attributes."""
    why = prediction["explanation"]
    strange = set(why["contributions"]) - set(inputs)
    assert not strange, f"contributions of what is no input: {strange}"
    total = math.fsum([why["baseline"], *why["contributions"].values()])
    close(total, why["score"], "baseline and contributions add up")
    return why


def rule_contributions_of_a_binary_model_add_up_to_its_log_odds(context):
    client = main(context).client()
    for age in (19, 41, 79, None):
        prediction = client.one("shop", dict(SHOP_RECORD, age=age), "?explain=true")
        why = additive(prediction, SHOP_INPUTS)
        close(1 / (1 + math.exp(-why["score"])), prediction["score"], "sigmoid of the sum")


def rule_contributions_of_a_regression_add_up_to_the_number(context):
    client = main(context).client()
    for rooms in (1, 6, None):
        prediction = client.one("rents", dict(RENT_RECORD, rooms=rooms), "?explain=true")
        close(additive(prediction, RENT_RECORD)["score"], prediction["value"], "the number")


def rule_contributions_of_classes_add_up(context):
    client = main(context).client()
    for record in (TICKET_RECORD, {"subject": "crash login"}, {}):
        additive(client.one("tickets", record, "?explain=true"), TICKET_RECORD)
    additive(client.one("iris", IRIS_RECORD, "?explain=true"), IRIS_INPUTS)


def rule_every_attribute_learned_from_has_a_contribution(context):
    why = main(context).client().one("shop", SHOP_RECORD, "?explain=true")["explanation"]
    equal(set(why["contributions"]), set(SHOP_INPUTS), "attributes")


def rule_explaining_changes_no_score(context):
    client = main(context).client()
    same_outcome(client.one("shop", SHOP_RECORD), client.one("shop", SHOP_RECORD, "?explain=true"))


def rule_several_records_are_explained_each(context):
    client = main(context).client()
    records = [SHOP_RECORD, dict(SHOP_RECORD, city="Bergen")]
    first, second = (additive(one, SHOP_INPUTS) for one in client.many("shop", records, "?explain=true"))
    same(first["baseline"], second["baseline"], "baseline")
    assert first["contributions"]["city"] != second["contributions"]["city"], "another city, the same contribution"
    same(first["contributions"]["age"], second["contributions"]["age"], "contribution of the same age")


def rule_a_changed_threshold_counts_at_once(context):
    client = main(context).client()
    before = ok(client.get("/v1/models/shop"))["threshold"]
    score = client.one("shop", SHOP_RECORD)["score"]
    try:
        cases = [(score, "leaves"), (math.nextafter(score, 1), "stays"), (math.nextafter(score, 0), "leaves"), (0, "leaves")]
        for threshold, label in cases:
            changed = client.send("PATCH", "/v1/models/shop", {"threshold": threshold})
            equal(ok(changed)["threshold"], threshold, "threshold of the model")
            one = client.one("shop", SHOP_RECORD)
            equal(one["threshold"], threshold, "threshold that was used")
            equal(one["label"], label, f"label at {threshold!r} for {score!r}")
            same(one["score"], score, "score")
    finally:
        client.send("PATCH", "/v1/models/shop", {"threshold": before})


def rule_thresholds_that_make_no_sense_are_refused(context):
    client = main(context).client()
    for threshold in (-0.1, 1.5, "high", [0.5]):
        refused(client.send("PATCH", "/v1/models/shop", {"threshold": threshold}))
    refused(client.send("PATCH", "/v1/models/iris", {"threshold": 0.4}))
    refused(client.send("PATCH", "/v1/models/rents", {"threshold": 0.4}))


def rule_label_and_threshold_of_an_answer_fit_while_the_threshold_changes(context):
    """Under load, no request fails and none mixes the old threshold with the new label."""
    server = main(context)
    score, stop, wrong, done = server.client().one("shop", SHOP_RECORD)["score"], threading.Event(), [], []

    def ask():
        client = server.client()
        while not stop.is_set():
            answer = client.predict("shop", {"record": SHOP_RECORD})
            one = answer.json()["prediction"] if answer.status == 200 else None
            if one is None or one["label"] != ("leaves" if score >= one["threshold"] else "stays"):
                wrong.append(str(answer))
            done.append(1)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        changer = server.client()
        for turn in range(40):
            ok(changer.send("PATCH", "/v1/models/shop", {"threshold": (score / 2, (1 + score) / 2)[turn % 2]}))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        server.client().send("PATCH", "/v1/models/shop", {"threshold": 0.5})
    assert not wrong, f"{len(wrong)} of {len(done)} answers: {wrong[0]}"


def rule_many_at_once_get_the_same_answer(context):
    server = main(context)
    expected, wrong = server.client().one("shop", SHOP_RECORD), []

    def ask():
        client = server.client()
        for _ in range(60):
            if client.one("shop", SHOP_RECORD) != expected:
                wrong.append(1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(wrong), 0, "answers that differ")


def rule_a_restart_changes_no_score(context):
    with context.short_server("restarted") as server:
        server.upload("iris.csv", iris_table())
        learn_iris(server)
        before = server.client().one("iris", IRIS_RECORD, "?explain=true")
        server.restart()
        equal(server.client().one("iris", IRIS_RECORD, "?explain=true"), before, "prediction")
        seconds = server.stop()
        assert seconds < 5, f"an idle server took {seconds:.1f} s to stop"

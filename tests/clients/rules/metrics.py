"""What /metrics tells of each model. Names may differ behind the program's own prefix."""

import json
import re

from harness import equal, ok
from servers import main
from tables import IRIS_RECORD, SHOP_INPUTS, SHOP_RECORD, csv_text

LINE = re.compile(r'^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read(server):
    """(name, labels, value) of each line."""
    answer = server.client().get("/metrics")
    equal(answer.status, 200, "status")
    found = []
    for line in answer.text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = LINE.match(line).groups()
            found.append((name, dict(LABEL.findall(labels or "")), float(value)))
    return found


def total_of(server, ending, **labels):
    """The sum of all series whose name ends so and that have these labels."""
    return sum(value for name, has, value in read(server)
               if name.endswith(ending) and all(has.get(key) == wanted for key, wanted in labels.items()))


def total(context, ending, **labels):
    return total_of(main(context), ending, **labels)


def rise(context, act, ending, **labels):
    before = total(context, ending, **labels)
    act()
    return total(context, ending, **labels) - before


def rule_predictions_are_counted_per_model(context):
    client = main(context).client()
    def act():
        client.one("shop", SHOP_RECORD)
        client.many("shop", [SHOP_RECORD] * 10)
        client.csv("shop", csv_text(SHOP_INPUTS, [[str(SHOP_RECORD[name]) for name in SHOP_INPUTS]] * 3))
        client.one("iris", IRIS_RECORD)
    equal(rise(context, act, "_predictions_total", model="shop"), 14, "predictions of shop")
    equal(rise(context, act, "_predictions_total", model="iris"), 1, "predictions of iris")


def rule_predictions_of_other_protocols_are_counted(context):
    client = main(context).client()
    def act():
        ok(client.post("/v1/models/iris/invocations", {"dataframe_records": [IRIS_RECORD] * 2}))
        ok(client.post("/v2/models/iris/infer", {"inputs": [{"name": "x", "shape": [3, 4], "datatype": "FP64", "data": [5.0] * 12}]}))
    equal(rise(context, act, "_predictions_total", model="iris"), 5, "predictions")


def rule_refused_requests_are_no_predictions(context):
    client = main(context).client()
    def act():
        for text in ("{", '{"record":3}', '{"records":[{},3]}'):
            client.predict("shop", text, type="application/json")
    equal(rise(context, act, "_predictions_total", model="shop"), 0, "predictions")


def rule_warnings_are_counted_by_kind(context):
    client = main(context).client()
    odd = {**SHOP_RECORD, "age": 500, "city": "Paris", "colour": 1, "joined": None, "income": "2500.5"}
    kinds = {"out_of_range": "age", "unknown_category": "city", "unknown_field": "colour", "missing": "joined", "text_for_number": "income"}
    for kind in kinds:
        equal(rise(context, lambda: client.one("shop", odd), "_prediction_warnings_total", model="shop", code=kind), 1, kind)


def rule_warnings_beyond_the_cap_are_counted(context):
    client = main(context).client()
    record = {**SHOP_RECORD, **{f"extra_{place}": 1 for place in range(200)}}
    counted = rise(context, lambda: client.one("shop", record), "_prediction_warnings_total", model="shop", code="unknown_field")
    equal(counted, 200, "unknown fields")


def histograms(context, ending, series=None, **labels):
    """Cumulative counts by bound, for each set of the other labels."""
    found = {}
    for name, has, value in series or read(main(context)):
        if name.endswith(ending + "_bucket") and all(has.get(key) == wanted for key, wanted in labels.items()):
            key = (name, json.dumps({one: has[one] for one in sorted(has) if one != "le"}))
            found.setdefault(key, {})[float(has["le"].replace("+Inf", "inf"))] = value
    return found


def rule_scores_have_a_distribution_per_model(context):
    client = main(context).client()
    before = histograms(context, "_prediction_score", model="shop")
    score = client.one("shop", SHOP_RECORD)["score"]
    after = histograms(context, "_prediction_score", model="shop")
    assert after, "no histogram of scores for shop"
    grown = {bound: count - before.get(key, {}).get(bound, 0) for key, buckets in after.items() for bound, count in buckets.items()}
    for bound, count in grown.items():
        equal(count, 1 if score <= bound else 0, f"growth of the bucket up to {bound} for {score}")


def rule_latency_has_sub_millisecond_buckets_per_model(context):
    client = main(context).client()
    client.one("shop", SHOP_RECORD)
    found = histograms(context, "_seconds", model="shop")
    assert found, "no histogram in seconds with a label model"
    for (name, _), buckets in found.items():
        fine = [bound for bound in buckets if bound < 0.001]
        assert len(fine) >= 3, f"{name} has the bounds {sorted(buckets)}"


def rule_latency_counts_every_request(context):
    client = main(context).client()
    def act():
        for _ in range(7):
            client.one("shop", SHOP_RECORD)
    series = {name for name, has, _ in read(main(context)) if name.endswith("_seconds_count") and has.get("model") == "shop"}
    assert series, "no histogram in seconds with a label model"
    assert any(rise(context, act, name, model="shop") == 7 for name in series), f"none of {series} rose by 7"


def rule_histograms_are_cumulative(context):
    main(context).client().one("shop", SHOP_RECORD)
    counts, series = {}, read(main(context))
    for name, has, value in series:
        if name.endswith("_count"):
            counts[name[:-6], json.dumps({one: has[one] for one in sorted(has)})] = value
    for (name, labels), buckets in histograms(context, "", series).items():
        ordered = [buckets[bound] for bound in sorted(buckets)]
        equal(ordered, sorted(ordered), f"{name}{labels}")
        equal(ordered[-1], counts[name[:-7], labels], f"the last bucket of {name}{labels}")


def rule_strangers_make_no_series(context):
    """Names that a client invents do not end up as labels."""
    client = main(context).client()
    for place in range(20):
        client.predict(f"invented-{place}", {"record": {"secret_field": "secret_value"}})
        client.predict("shop", {"record": {f"invented_field_{place}": "secret_value"}})
        client.get(f"/v2/models/invented-{place}")
        client.post(f"/v1/models/invented-{place}/invocations", {"instances": []})
    text = client.get("/metrics").text
    for word in ("invented", "secret"):
        assert word not in text, f"{word!r} is in the metrics"


def rule_type_and_help_come_with_every_family(context):
    answer = main(context).client().get("/metrics")
    described = set(re.findall(r"^# TYPE (\S+)", answer.text, re.M))
    for name, _, _ in read(main(context)):
        base = re.sub(r"_(total|bucket|count|sum|info|created)$", "", name)
        assert name in described or base in described, f"no # TYPE of {name}"

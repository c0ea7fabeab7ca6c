"""From a table to predictions, against a real server."""

import asyncio
import math
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import polars as pl
import pytest

import yosoku

mpl.use("Agg")


def record(km: float | None = 90, shop: str = "002") -> dict[str, object]:
    return {"km": km, "shop": shop, "remark": "rainy day"}


def test_training_tells_what_was_learned_and_how_good_it_is(late: yosoku.Model) -> None:
    assert (late.type, late.target) == ("binary", "late")
    assert late.evaluation is not None
    assert late.evaluation["auc"] > 0.85
    low, high = late.evaluation.interval("auc")
    assert low <= late.evaluation["auc"] <= high
    assert 40 < late.evaluation.records < 110
    assert late.recipe["outputs"]
    assert len(late.hash) == 64
    assert "converged" in late.log()


def test_predictions_are_the_same_by_record_by_frame_and_by_batch(late: yosoku.Model, orders: Path) -> None:
    # Texts, so that `001` is no number: as a file is read.
    pandas = pd.read_csv(orders, dtype=str, keep_default_na=False).head(40)
    polars = pl.read_csv(orders, infer_schema_length=0).head(40)
    single = [late.predict(row).score for row in pandas.to_dict("records")]
    several = [one.score for one in late.predict(pandas.to_dict("records"))]
    by_batch = late.batch(pandas)
    assert single == several == list(late.predict(pandas)["score"])
    assert single == late.predict(polars)["score"].to_list()
    assert single == list(by_batch["score"])
    assert list(by_batch["trueLabel"]) == list(pandas["late"])
    assert single == late.batch(polars)["score"].to_list()


def test_frames_keep_their_index(late: yosoku.Model, orders: Path) -> None:
    frame = pd.read_csv(orders, dtype=str).iloc[10:15]
    assert list(late.predict(frame).index) == [10, 11, 12, 13, 14]
    assert list(late.batch(frame).index) == [10, 11, 12, 13, 14]


def test_frames_and_files_teach_the_same(client: yosoku.Client, late: yosoku.Model, orders: Path) -> None:
    frame = pl.read_csv(orders, infer_schema_length=0)
    again = client.train(frame, target="late", dataset="orders.csv")
    assert again.hash == late.hash


def test_many_records_go_in_several_requests(late: yosoku.Model) -> None:
    found = late.predict([record(km=number % 100) for number in range(4_500)])
    assert len(found) == 4_500
    assert found[4_499].score == late.predict(record(km=99)).score


def test_reasons_add_up_to_the_score(late: yosoku.Model) -> None:
    answer = late.predict(record(), explain=True)
    assert answer.label == "yes"
    assert answer.reasons[0][0] == "km"
    explanation = answer.info.explanation
    assert explanation is not None
    total = explanation.baseline + sum(added for _, added in answer.reasons)
    assert total == pytest.approx(explanation.score)
    assert answer.score == pytest.approx(1 / (1 + math.exp(-total)))
    frame = late.predict(pd.DataFrame([record()]), explain=True)
    assert frame["why km"].iloc[0] == dict(answer.reasons)["km"]


def test_odd_fields_are_told_in_words(late: yosoku.Model) -> None:
    warnings = late.predict({"km": "far", "shop": "9", "colour": "red"}).warnings
    told = "\n".join(warnings)
    assert "`km` does not fit its type and counts as missing: far" in told
    assert "`shop` has a value that training did not see: 9" in told
    assert "`colour` is none of the model's columns" in told


def test_values_of_numpy_and_missing_ones_are_understood(late: yosoku.Model) -> None:
    frame = pd.DataFrame({"km": [90.0, None], "shop": ["002", "002"], "remark": ["rainy day"] * 2})
    full, gap = frame.to_dict("records")
    assert late.predict(full).score == late.predict(record(km=90.0)).score
    assert late.predict(gap).score == late.predict(record(km=None)).score


def test_rows_of_frames_are_records(late: yosoku.Model) -> None:
    frame = pd.DataFrame([record(), record(km=5)])
    assert late.predict(frame.iloc[0].to_dict()).score == late.predict(frame.iloc[0]).score
    assert len(late.predict([frame.iloc[0], frame.iloc[1]])) == 2
    assert len(late.predict([])) == 0
    with pytest.raises(yosoku.YosokuError, match="a record is a mapping of names to values, not list"):
        late.predict([[1, 2]])


def test_several_classes_come_with_their_probabilities(flowers: yosoku.Model) -> None:
    answer = flowers.predict({"petal_length_cm": 4.9, "petal_width_cm": 1.8})
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.top(1) == [(answer.label, answer.score)]
    frame = flowers.predict(pd.DataFrame([{"petal_length_cm": 1.4, "petal_width_cm": 0.2}]))
    assert frame["setosa"].iloc[0] == frame["score"].iloc[0] > 0.7


def test_a_metric_that_is_not_there_names_those_that_are(flowers: yosoku.Model) -> None:
    assert flowers.evaluation is not None
    with pytest.raises(KeyError, match=r"no `auc` here; there are .*macro_f1"):
        flowers.evaluation["auc"]
    with pytest.raises(KeyError, match=r"no `auc` here"):
        flowers.evaluation.interval("auc")


def test_a_metric_that_is_not_defined_is_told_as_such(client: yosoku.Client) -> None:
    rare = pd.DataFrame({"x": [number * 7 % 13 for number in range(300)], "y": ["no"] * 300})
    rare.loc[::20, "y"] = "yes"
    judged = client.train(rare, target="y").judged()
    # Nothing is called positive.
    assert judged.get("precision") is None
    assert "precision" not in judged.metrics
    for ask in (judged.__getitem__, judged.interval):
        with pytest.raises(KeyError, match="`precision` is not defined here"):
            ask("precision")
    assert judged.get("auc") == judged["auc"]
    assert judged.baseline["auc"] == 0.5


def test_the_positive_label_is_named(client: yosoku.Client, orders: Path, late: yosoku.Model) -> None:
    other = client.train(orders, target="late", positive="no")
    for model, positive in ((late, "yes"), (other, "no")):
        assert model.judged().positive == positive
        assert f"(positive: '{positive}')" in repr(model.judged())
        assert f"positive is <code>{positive}</code>" in model.judged()._repr_html_()
        assert f"positive is '{positive}'" in repr(model)
        assert f"for '{positive}'" in repr(model.threshold(recall=0.9))
        assert f" for '{positive}')" in repr(model.predict(record()))
        assert f" for <code>{positive}</code>, threshold" in model.predict(record())._repr_html_()
        assert f"(positive: {positive})" in model.plot_roc().get_ylabel()
        assert f"(positive: {positive})" in model.plot_thresholds().get_xlabel()
        assert [one.get_text() for one in model.judged().plot_confusion().get_xticklabels()] == ["negative", positive]
        assert [one.get_text() for one in model.plot_confusion().get_xticklabels()][1] == positive
    plt.close("all")
    assert late.predict(record()).label == other.predict(record()).label == "yes"


def test_numbers_are_predicted(lengths: yosoku.Model) -> None:
    assert lengths.type == "regression"
    assert lengths.predict({"x": 2, "kind": "b"}).value == pytest.approx(11.5, abs=0.5)
    assert list(lengths.predict(pd.DataFrame({"x": [2], "kind": ["b"]}))) == ["value"]


def test_a_threshold_is_advised_and_put_to_use(client: yosoku.Client, orders: Path) -> None:
    model = client.train(orders, target="late")
    advice = model.threshold(false_positive_cost=1, false_negative_cost=20)
    assert 0 < advice.threshold < 0.5
    assert advice.saving is not None
    assert advice.saving > 0
    assert model.set_threshold(advice).info.threshold == advice.threshold
    assert model.predict(record()).info.threshold == advice.threshold
    # Who asks for the model again gets it with its threshold and its evaluation.
    again = client.model(model.id)
    assert again.info.threshold == advice.threshold
    assert again.evaluation is not None
    assert again.evaluation.report["roc"]
    model.delete()
    assert model.id not in {one.id for one in client.models()}


def test_batches_are_written_as_the_name_says(late: yosoku.Model, orders: Path, tmp_path: Path) -> None:
    path = late.batch(orders, to=tmp_path / "out" / "late.parquet", columns=["km"], explain=True)
    frame = pl.read_parquet(path)
    assert frame.height == 240
    assert {"bestAnswer", "score", "km"} <= set(frame.columns)
    text = late.batch(orders, to=tmp_path / "late.csv.gz")
    assert text.read_bytes()[:2] == b"\x1f\x8b"
    assert list(pd.read_csv(text)["score"]) == list(late.batch(orders)["score"])
    assert not list(tmp_path.rglob("*.part"))


def test_rows_that_cannot_be_read_keep_their_place(late: yosoku.Model, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("order,km,shop,remark\na,1,001,x\nbroken\nc,99,001,x\n", encoding="utf-8")
    found = late.batch(path)
    assert len(found) == 3
    assert list(found["score"].isna()) == [False, True, False]


def test_weights_say_what_matters(late: yosoku.Model) -> None:
    weights = late.weights(limit=5)
    assert weights.rows[0]["attribute"] == "km"
    assert len(weights) <= 5
    assert {one["attribute"] for one in late.weights(attribute="shop").rows} == {"shop"}


def test_a_model_file_is_saved(late: yosoku.Model, tmp_path: Path) -> None:
    path = late.save(tmp_path / "late.yosoku")
    assert path.stat().st_size == late.info.size_bytes


def test_other_rows_judge_a_model(late: yosoku.Model, client: yosoku.Client, orders: Path) -> None:
    model = client.train(orders, target="late", holdout=0)
    assert model.evaluation is None
    with pytest.raises(yosoku.YosokuError, match="no evaluation"):
        model.threshold(precision=0.9)
    assert model.evaluate(orders).records == 240
    assert model.threshold(precision=0.5).threshold >= 0


def test_inspecting_tells_types_and_what_may_hurt(client: yosoku.Client, tmp_path: Path) -> None:
    lines = [f"{number % 2},{'a' if number % 2 else 'b'},{number * 7 % 50}" for number in range(400)]
    path = tmp_path / "leaky.csv"
    path.write_text("y,copy,x\n" + "\n".join(lines) + "\n", encoding="utf-8")
    seen = client.inspect(path, target="y")
    copy = seen.finding("target_copy")
    assert copy is not None
    assert copy.columns == ("copy",)
    assert seen.columns["x"]["kind"] == "NUMERIC"
    assert seen.without("copy")["excludedAttributeNames"] == ["copy"]
    model = client.train(path, target="y", schema=seen.without("copy"))
    assert model.judged()["auc"] < 1
    with pytest.raises(yosoku.YosokuError, match="no column `kopie`"):
        seen.without("kopie")


def test_bytes_that_the_server_has_are_not_sent_again(client: yosoku.Client, orders: Path) -> None:
    first = client.upload(orders, "twice.csv")
    assert client.upload(orders, "twice.csv").updated_at == first.updated_at
    changed = client.upload(pd.DataFrame({"a": [1, 2]}), "twice.csv")
    assert changed.version != first.version
    assert client.dataset("twice.csv").version == changed.version
    assert client.upload(changed) is changed


def test_awaiting_gives_the_same(client: yosoku.Client, late: yosoku.Model, orders: Path, tmp_path: Path) -> None:
    async def story() -> None:
        async with yosoku.connect_async(client.url) as other:
            seen = await other.inspect(orders, target="late")
            assert seen.rows == 240
            model = await other.train(orders, target="late")
            assert model.hash == late.hash
            answers = await asyncio.gather(*(model.predict(record(km=km)) for km in range(0, 100, 10)))
            assert [one.score for one in answers] == [late.predict(record(km=km)).score for km in range(0, 100, 10)]
            assert (await model.batch(orders, to=tmp_path / "a.csv")).read_text().startswith("tag,trueLabel")
            with pytest.raises(yosoku.YosokuError) as caught:
                await other.train(orders, target="nothing")
            assert caught.value.hint

    asyncio.run(story())

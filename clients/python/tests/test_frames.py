"""A row is the same row as part of a frame, alone, as a record and in a batch, whatever its values are made of."""

import datetime
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import yosoku
from yosoku import frames, moments


@pytest.fixture(scope="module")
def busy(client: yosoku.Client) -> yosoku.Model:
    """A model of moments: Saturdays and Sundays are busy."""
    when = pd.date_range("2024-01-01", periods=1200, freq="6h")
    frame = pd.DataFrame(
        {"when": when, "k": np.arange(1200) % 7 * 1.0, "busy": np.where(when.day_of_week > 4, "yes", "no")}
    )
    return client.train(frame, target="busy")


def test_moments_of_a_row_do_not_depend_on_the_rows_around_it(busy: yosoku.Model) -> None:
    days = pd.DataFrame({"when": pd.date_range("2025-06-02", periods=7), "k": 0.0})
    noon = pd.DataFrame({"when": [pd.Timestamp("2025-06-02 12:00")], "k": [0.0]})
    alone = busy.predict(days)["score"].tolist()
    assert busy.predict(pd.concat([days, noon]))["score"].tolist()[:7] == alone
    assert [busy.predict(days.iloc[[row]])["score"].iloc[0] for row in range(7)] == alone
    assert [busy.predict(days.iloc[row]).score for row in range(7)] == alone
    assert busy.predict(pl.from_pandas(days))["score"].to_list() == alone
    assert busy.batch(days)["score"].tolist() == pytest.approx(alone, rel=1e-12)
    labels = busy.predict(days)["label"].tolist()
    assert labels == ["no"] * 5 + ["yes"] * 2


def test_values_are_written_in_one_way() -> None:
    frame = pd.DataFrame(
        {
            "mixed": [True, False, "unknown"],
            "far": [1.5, math.inf, -math.inf],
            "short": np.array([0.1, 0.2, 0.3], dtype="float32"),
            "day": [datetime.date(2025, 1, 2), None, datetime.date(2025, 1, 3)],
            "zone": pd.to_datetime(["2025-01-02 10:00", "2025-01-02 11:30", None]).tz_localize("Europe/Berlin"),
        }
    )
    lines = frames.csv_of(frame, {}).decode().splitlines()
    assert lines[1] == "true,1.5,0.1,2025-01-02,2025-01-02T10:00:00"
    assert lines[2] == "false,,0.2,,2025-01-02T11:30:00"
    assert lines[3] == "unknown,,0.3,2025-01-03,"
    record = frames.plain_record(frame.iloc[0].drop("short").to_dict(), {"zone": "%d.%m.%Y %H:%M %z"})
    assert record == {"mixed": True, "far": 1.5, "day": "2025-01-02", "zone": "02.01.2025 10:00 +0100"}
    assert [frames.plain_value(value) for value in (math.inf, np.float32(0.1))] == [None, 0.1]
    same = pl.DataFrame({"x": [True, None], "y": [math.inf, 0.5], "z": [datetime.datetime(2025, 1, 2, 3), None]})
    assert frames.csv_of(same, {}).decode() == "x,y,z\ntrue,,2025-01-02T03:00:00\n,0.5,\n"


def test_every_field_of_a_date_format_is_written() -> None:
    moment = pd.Timestamp("2025-03-04 15:06:07.089000001", tz="UTC")
    told = moments.written(moment, "%F %T%.f|%y %b %B %a %A|%I %p|%3f %6f %9f|%z %:z %#z|%R %D %%").split("|")
    assert told[:4] == ["2025-03-04 15:06:07.089000001", "25 Mar March Tue Tuesday", "03 PM", "089 089000 089000001"]
    assert told[4:] == ["+0000 +00:00 +00:00", "15:06 03/04/25 %"]
    assert moments.pattern_of([datetime.datetime(2025, 1, 1), datetime.date(2025, 1, 2)]) == moments.DAY


def test_rows_without_a_value_are_rows(client: yosoku.Client) -> None:
    values = [(number - 100) / 50 for number in range(200)]
    known = pl.DataFrame({"x": values, "y": ["b" if x > 0 else "a" for x in values]})
    model = client.train(known, target="y")
    asked = pl.DataFrame({"x": [None, -2.0, 2.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(model.predict(asked)) == 3
        assert model.predict(asked)["label"].to_list()[1:] == ["a", "b"]
        assert model.batch(asked)["bestAnswer"].to_list()[1:] == ["a", "b"]


def test_names_of_columns_may_look_like_values(client: yosoku.Client) -> None:
    frame = pd.DataFrame(
        {"2019": range(300), "vip": ["vip", "normal"] * 150, "2021": [number % 2 for number in range(300)]}
    )
    assert client.inspect(frame).rows == 300
    model = client.train(frame, target="2021")
    answers = model.batch(frame.drop(columns="2021").set_index(pd.Index(range(1000, 1300))))
    assert answers.index.tolist() == list(range(1000, 1300))


def test_a_frame_whose_fields_the_model_does_not_know_is_told(late: yosoku.Model) -> None:
    frame = pd.DataFrame({"kilometres": [90.0, 10.0], "shop": ["002", "003"], "remark": ["rainy day"] * 2})
    with pytest.warns(UserWarning, match=r"`kilometres` is none of the model's columns"):
        late.predict(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        late.predict(frame.rename(columns={"kilometres": "km"}).assign(order="o1"))


def test_names_that_lose_something_stay_apart() -> None:
    names = ["orders.csv", "a b.csv", "a+b.csv", "売上.csv", "注文.csv", "Größe.csv", "Grüße.csv", ".csv"]
    made = [frames.plain(name) for name in names]
    assert len(set(made)) == len(names)
    assert made[0] == "orders.csv"
    assert all(name.endswith(".csv") for name in made), made


def test_data_that_were_replaced_meanwhile_are_not_learned_from(client: yosoku.Client, tmp_path: Path) -> None:
    before = client.upload(pd.DataFrame({"x": range(50), "y": [0, 1] * 25}), "shared.csv")
    client.upload(pd.DataFrame({"x": range(60), "y": [1, 0] * 30}), "shared.csv")
    with pytest.raises(yosoku.YosokuError, match=r"`shared.csv` was replaced by somebody else"):
        client.train(before, target="y")


def test_names_of_classes_and_of_copied_columns_overwrite_no_answer(client: yosoku.Client) -> None:
    kinds = ["label", "score", "why x", "probability of label", "plain"]
    table = pd.DataFrame({"x": list("abcde") * 80, "score": 0.5 + np.arange(400)})
    table["kind"] = kinds * 80
    model = client.train(table, target="kind")
    asked = table.head(5).drop(columns="kind")
    found = model.predict(asked, explain=True)
    assert found["label"].tolist() == kinds
    named = [f"probability of {name}" for name in ["probability of label", "score", "why x"]]
    likely = found[[*named, "probability of label", "plain"]]
    assert likely.max(axis=1).tolist() == found["score"].tolist()
    assert likely.iloc[3].idxmax() == "probability of label"
    assert likely.iloc[0].idxmax() == "probability of probability of label"
    assert found.columns.is_unique
    with pytest.raises(yosoku.YosokuError, match=r"a column of the table is called `plain`, and so is one of the ans"):
        model.batch(asked.rename(columns={"score": "plain"}), columns=["plain"])
    with pytest.raises(yosoku.YosokuError, match=r"is called `label`"):
        model.batch(asked.assign(label="a"), columns=["label"])
    assert model.batch(asked, columns=["x"])["x"].tolist() == asked["x"].tolist()


def test_an_index_with_a_name_is_a_column(client: yosoku.Client) -> None:
    places = pd.MultiIndex.from_product([range(100), ["north", "south"]], names=[None, "side"])
    table = pd.DataFrame({"x": np.arange(200) % 7 * 1.0, "warm": ["no", "yes"] * 100}, index=places)
    assert list(client.inspect(table).columns) == ["side", "x", "warm"]
    model = client.train(table, target="warm")
    assert model.judged()["accuracy"] == 1
    # Levels that the model does not know are left out, and the index stays what it is.
    asked = table.drop(columns="warm").assign(shop="a").set_index("shop", append=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.predict(asked)
    assert found.index.equals(asked.index)
    assert found["label"].tolist() == table["warm"].tolist()
    assert model.batch(asked)["bestAnswer"].tolist() == table["warm"].tolist()
    assert model.batch(asked, columns=["shop"])["shop"].tolist() == ["a"] * 200
    assert model.evaluate(table)["accuracy"] == 1


def test_an_index_and_a_column_of_one_name_must_agree(client: yosoku.Client) -> None:
    table = pd.DataFrame({"x": range(30)}, index=pd.RangeIndex(30, name="x"))
    assert client.inspect(table).rows == 30
    table.index = pd.RangeIndex(1, 31, name="x")
    with pytest.raises(yosoku.YosokuError, match="index and a column are both called `x`"):
        client.inspect(table)


def test_a_frame_with_no_column_of_the_models_is_refused(late: yosoku.Model) -> None:
    for strange in (pd.DataFrame({"colour": ["red"], "late": "no"}), pl.DataFrame({"colour": ["red"]}).lazy()):
        for ask in (late.predict, late.batch, late.evaluate):
            with pytest.raises(
                yosoku.YosokuError, match=r"`colour`.*, the model knows `km`, `shop`, `remark` "
            ) as told:
                ask(strange)
            assert told.value.code == "schema_mismatch"

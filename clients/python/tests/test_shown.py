"""What notebooks show: tables, plots, progress."""

import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

import yosoku
from yosoku import html
from yosoku.progress import Bar

mpl.use("Agg")


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    yield
    plt.close("all")


def test_tables_hold_what_matters(client: yosoku.Client, late: yosoku.Model, orders: Path) -> None:
    shown = late._repr_html_()
    assert "`" not in shown
    assert "AUC" in shown
    assert f"{late.judged()['auc']:.4g}" in shown
    seen = client.inspect(orders, target="late")._repr_html_()
    assert "240 rows, 5 columns" in seen
    assert "categorical" in seen
    advice = late.threshold(recall=0.9)._repr_html_()
    assert "positives missed" in advice
    assert "km" in late.weights()._repr_html_()
    answer = late.predict({"km": 95}, explain=True)._repr_html_()
    assert "Answer: yes" in answer
    assert "an average row" in answer
    assert "and 5 more" in late.predict([{"km": 1}] * 25)._repr_html_()


def test_names_and_values_cannot_become_markup(late: yosoku.Model) -> None:
    answer = late.predict({"km": 95, "<script>": "<b>"}, explain=True)._repr_html_()
    assert "<script>" not in answer
    assert "&lt;script&gt;" in answer
    assert html.text("a `b<c` d") == "a <code>b&lt;c</code> d"
    assert html.text("one ` only") == "one ` only"


def test_numbers_are_short() -> None:
    assert [html.number(one) for one in (0.98765432, 12345.678, 3.0, None)] == ["0.9877", "12,346", "3", "–"]
    assert html.spark([0, 1, 8]) == " ▂█"


def test_plots_are_drawn(late: yosoku.Model, flowers: yosoku.Model, lengths: yosoku.Model) -> None:
    assert len(late.plot_roc().lines) == 3
    assert late.plot_scores().patches
    costs = late.plot_thresholds(false_positive_cost=1, false_negative_cost=5)
    best = late.threshold(false_positive_cost=1, false_negative_cost=5)
    assert costs.lines[1].get_ydata(orig=True) == pytest.approx([1000 * (best.cost or 0)])
    assert len(late.plot_thresholds().lines) == 3
    matrix = flowers.plot_confusion()
    assert sum(int(text.get_text()) for text in matrix.texts) == flowers.judged().records
    assert [one.get_text() for one in late.plot_confusion().get_xticklabels()] == ["no", "yes"]
    assert lengths.plot_residuals().patches
    assert len(lengths.plot_weights().patches) >= 2
    axes = plt.subplots()[1]
    assert late.plot_roc(axes) is axes


def test_plots_of_another_kind_say_so(lengths: yosoku.Model) -> None:
    with pytest.raises(yosoku.YosokuError, match="a ROC curve is not drawn for this evaluation"):
        lengths.plot_roc()


def test_columns_are_drawn(client: yosoku.Client, orders: Path) -> None:
    seen = client.inspect(orders, target="late")
    assert seen.plot_column("km").patches
    assert len(seen.plot_column("shop").patches) == 3


def test_a_bar_goes_one_way_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar("train", shown=True)
    bar.show(0.5, "solve")
    bar.show(0.2, "search")
    bar.settle(0.9)
    bar.show(0.1, "evaluate")
    bar.close()
    shown = capsys.readouterr().err
    assert "train: 100 %" in shown
    assert "learning" in shown
    assert " 20 %" not in shown


def test_a_bar_without_tqdm_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    bar = Bar("train", shown=True)
    bar._said -= 60
    bar.show(0.5, "solve")
    bar.show(0.6, "solve")
    bar.close()
    assert capsys.readouterr().err == "train: 50 % learning\n"


def test_nothing_is_shown_where_nobody_watches(capsys: pytest.CaptureFixture[str], client: yosoku.Client) -> None:
    bar = Bar("train")
    bar.show(0.5, "solve")
    bar.close()
    assert capsys.readouterr().err == ""

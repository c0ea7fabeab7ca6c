"""Pages that are made from notebooks are found stale when a figure in them has changed, and only then."""

import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
PAGE = "AUC: 0.9456\n<tr><td>rows</td><td>7,200</td></tr><tr><td>took</td><td>6.9 s</td></tr>\nat 127.0.0.1:4711\n"


@pytest.fixture(scope="module")
def stale() -> Any:
    spec = importlib.util.spec_from_file_location("stale", NOTEBOOKS / "stale.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_changed_figure_makes_a_page_stale(stale: Any) -> None:
    assert stale.difference(PAGE, PAGE) is None
    assert stale.difference(PAGE, PAGE.replace("0.9456", "0.9257")) == ("AUC: 0.9456", "AUC: 0.9257")
    assert stale.difference(PAGE, PAGE.replace("7,200", "8,201")) == ("<td>7,200</td>", "<td>8,201</td>")


def test_so_does_what_a_page_lacks_or_has_too_much(stale: Any) -> None:
    assert stale.difference(PAGE, PAGE + "one line more\n") == ("(nothing)", "one line more")
    assert stale.difference(PAGE + "one line more\n", PAGE) == ("one line more", "(nothing)")


def test_the_last_digit_does_not(stale: Any) -> None:
    assert stale.difference(PAGE, PAGE.replace("0.9456", "0.9457")) is None


def test_how_long_it_took_and_on_which_port_does_not(stale: Any) -> None:
    assert stale.difference(PAGE, PAGE.replace("6.9 s", "112 ms").replace("4711", "4712")) is None


def picture(power: float, title: str) -> bytes:
    figure = Figure(figsize=(5, 3))
    axes = figure.subplots()
    axes.plot([step / 100 for step in range(101)], [(step / 100) ** power for step in range(101)])
    axes.set_title(title)
    made = io.BytesIO()
    figure.savefig(made, format="png")
    return made.getvalue()


def test_a_picture_that_shows_something_else_makes_a_page_stale(stale: Any) -> None:
    shown = picture(1, "AUC 0.93")
    assert not stale.shows_other(shown, picture(1.0001, "AUC 0.93"))
    assert stale.shows_other(shown, picture(1.05, "AUC 0.93"))
    assert stale.shows_other(shown, picture(1, "AUC 0.71"))


def test_every_notebook_tells_how_to_get_the_client_and_the_book_leads_to_it() -> None:
    questions = (NOTEBOOKS.parent / "docs" / "questions.md").read_text(encoding="utf-8")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        first = "".join(next(cell["source"] for cell in cells if cell["cell_type"] == "code"))
        assert "%pip install '../clients/python[all]'" in first, path.name
        # The last one is a move, and no question.
        assert path.name.startswith("7-") or f"(notebooks/{path.stem}.md)" in questions, path.name

"""What is known about a model once it is trained: everything that needs no further question to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import html, plots, schemas
from .errors import YosokuError
from .results import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Description:
    """A trained model as the server describes it, and how good it is."""

    def __init__(self, info: schemas.Model, evaluation: schemas.Evaluation | None) -> None:
        """Wraps what the server says; `info` is all of it."""
        self.info = info
        self.evaluation = Evaluation(evaluation) if evaluation else None
        """How good it is on rows that it has not learned from; None where none were held out."""

    @property
    def id(self) -> str:
        """Its identifier."""
        return self.info.id

    @property
    def type(self) -> str:
        """The question it answers: `binary`, `multiclass` or `regression`."""
        return self.info.type or ""

    @property
    def target(self) -> str:
        """The column that it predicts."""
        return str(self.schema.get("targetAttributeName") or "")

    @property
    def recipe(self) -> dict[str, Any]:
        """What it learned from."""
        return self.info.recipe or {}

    @property
    def schema(self) -> dict[str, Any]:
        """What a record holds."""
        return self.info.schema_ or {}

    @property
    def warnings(self) -> list[str]:
        """What to bear in mind, in words."""
        return self.info.warnings or []

    @property
    def hash(self) -> str:
        """Names everything that it learned: equal for equal data, recipe, parameters and version."""
        return self.info.hash or ""

    def judged(self) -> Evaluation:
        """The evaluation; an error where there is none."""
        if self.evaluation is None:
            raise YosokuError(
                f"model `{self.id}` has no evaluation",
                code="no_evaluation",
                hint="train with a holdout above 0, or call `evaluate` with other rows",
            )
        return self.evaluation

    def __repr__(self) -> str:
        """The model and its quality in one line."""
        name = type(self).__name__
        told = f", {self.evaluation!r}" if self.evaluation else ""
        positive = f", positive is {self.info.positive!r}" if self.info.positive is not None else ""
        return f"{name}({self.id!r}, {self.type}, predicts {self.target!r}{positive}{told})"

    def _repr_html_(self) -> str:
        rows = self.info.rows or {}
        told: list[tuple[Any, ...]] = [("predicts", f"`{self.target}` ({self.type})")]
        if self.info.positive is not None:
            told.append(("positive label", f"`{self.info.positive}`"))
        if self.info.reason:
            told.append(("because", self.info.reason))
        learned = rows.get("training")
        told.append(("features", html.number(self.info.features)))
        if learned is not None:
            told.append(("learned from", f"{learned:,} rows"))
        if self.info.threshold is not None:
            told.append(("threshold", html.number(self.info.threshold)))
        seconds = sum(one for one in (self.info.seconds or {}).values() if isinstance(one, int | float))
        told.append(("took", f"{seconds:.1f} s"))
        found = html.table(["", ""], told)
        if self.evaluation:
            found += self.evaluation._repr_html_()
        return found + (html.heading("Bear in mind") + html.notes(self.warnings) if self.warnings else "")

    def plot_roc(self, ax: Axes | None = None) -> Axes:
        """How many positives are found (up) for how many false alarms (right), at every threshold."""
        return self.judged().plot_roc(ax)

    def plot_scores(self, ax: Axes | None = None) -> Axes:
        """How the scores of positives and of negatives are spread, with the model's present threshold."""
        return self.judged().plot_scores(ax, self.info.threshold)

    def plot_thresholds(
        self,
        ax: Axes | None = None,
        *,
        false_positive_cost: float | None = None,
        false_negative_cost: float | None = None,
    ) -> Axes:
        """What each threshold means: precision and recall, or, with costs, what errors cost for each 1,000 rows."""
        return plots.thresholds(self.judged().report, ax, false_positive_cost, false_negative_cost)

    def plot_confusion(self, ax: Axes | None = None) -> Axes:
        """True classes (rows) and answers (columns)."""
        names = self.info.target or {}
        pair = (str(names.get("negative", "negative")), str(names.get("positive", "positive")))
        return plots.confusion(self.judged().report, ax, pair)

    def plot_residuals(self, ax: Axes | None = None) -> Axes:
        """How far answers were off: true minus predicted."""
        return self.judged().plot_residuals(ax)

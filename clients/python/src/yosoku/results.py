"""What the server found, in a form that shows itself in a notebook and prints readably elsewhere."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import html, plots, schemas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

One = TypeVar("One")

METRICS = {
    "auc": "AUC: how well it puts positives above negatives; 0.5 is guessing, 1 is perfect",
    "log_loss": "log loss: how far the probabilities are from the truth; lower is better",
    "accuracy": "accuracy: share of right answers",
    "f1": "F1: precision and recall in one",
    "brier": "Brier score: squared distance of the probabilities; lower is better",
    "precision": "precision: of those called positive, so many are",
    "recall": "recall: of the positives, so many are found",
    "macro_f1": "macro F1: mean over the classes, each counting the same",
    "rmse": "RMSE: typical error, large ones counting more, in the target's unit",
    "mae": "MAE: mean error, in the target's unit",
    "r2": "R²: share of the ups and downs that is explained",
}


class Evaluation:
    """How good a model is on rows that it has not learned from."""

    def __init__(self, info: schemas.Evaluation) -> None:
        """Wraps what the server says; `info` is all of it."""
        self.info = info
        self.report: dict[str, Any] = info.report or {}
        """The whole report: curves, confusion, histograms and notes."""

    @property
    def metrics(self) -> dict[str, float]:
        """Each metric by its name; those that are not defined here are left out."""
        found = self.info.metrics or {}
        return {name: one["value"] for name, one in found.items() if one.get("value") is not None}

    @property
    def baseline(self) -> dict[str, float]:
        """What answering without looking at a row would reach; only of metrics for which that says something."""
        return {name: one for name, one in (self.info.baseline or {}).items() if one is not None}

    def get(self, metric: str) -> float | None:
        """The value of one metric; None where it is not defined, as precision is where nothing is called positive."""
        return self.metrics.get(metric)

    def interval(self, metric: str) -> tuple[float, float]:
        """The limits between which a metric lies with a probability of 95 %; an error where it is not defined."""
        found = self.info.metrics or {}
        one = self._named({name: found[name] for name in self.metrics}, metric)
        if one.get("low") is None or one.get("high") is None:
            raise KeyError(f"`{metric}` has no interval here: too few rows say something of it")
        return one["low"], one["high"]

    @property
    def positive(self) -> str | None:
        """The label that counts as positive; None where there are not two."""
        return self.info.positive

    @property
    def records(self) -> int:
        """How many rows it was judged on."""
        return self.info.records or 0

    def __getitem__(self, metric: str) -> float:
        """The value of one metric; an error where it is not defined, which `get` is not."""
        return self._named(self.metrics, metric)

    def _named(self, metrics: dict[str, One], metric: str) -> One:
        if metric in (self.info.metrics or {}) and metric not in metrics:
            raise KeyError(f"`{metric}` is not defined here, as precision is where nothing is called positive")
        if metric not in metrics:
            raise KeyError(f"there is no `{metric}` here; there are {', '.join(metrics) or 'no metrics'}")
        return metrics[metric]

    def __repr__(self) -> str:
        """The metrics in one line."""
        shown = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        positive = "" if self.positive is None else f" (positive: {self.positive!r})"
        return f"Evaluation on {self.records:,} rows{positive}: {shown}"

    def _repr_html_(self) -> str:
        baseline = self.info.baseline or {}
        rows = [
            (METRICS.get(name, name), *html.interval(one), html.number(baseline[name]) if name in baseline else "")
            for name, one in (self.info.metrics or {}).items()
        ]
        title = f"Judged on {self.records:,} rows that it has not learned from"
        title += "" if self.positive is None else f"; positive is `{self.positive}`"
        told = html.table(["", "value", "95 % interval", "without a model"], rows, right=(1, 2, 3))
        remarks = [*self.report.get("notes", []), *self.report.get("warnings", [])]
        return html.heading(title) + told + html.notes(remarks)

    def plot_roc(self, ax: Axes | None = None) -> Axes:
        """How many positives are found (up) for how many false alarms (right), at every threshold."""
        return plots.roc(self.report, ax)

    def plot_scores(self, ax: Axes | None = None, threshold: float | None = None) -> Axes:
        """How the scores of positives and of negatives are spread."""
        return plots.scores(self.report, ax, threshold)

    def plot_thresholds(
        self,
        ax: Axes | None = None,
        *,
        false_positive_cost: float | None = None,
        false_negative_cost: float | None = None,
    ) -> Axes:
        """What each threshold means: precision and recall, or, with costs, what errors cost for each 1,000 rows."""
        return plots.thresholds(self.report, ax, false_positive_cost, false_negative_cost)

    def plot_confusion(self, ax: Axes | None = None) -> Axes:
        """True classes (rows) and answers (columns)."""
        return plots.confusion(self.report, ax, ("negative", self.positive or "positive"))

    def plot_residuals(self, ax: Axes | None = None) -> Axes:
        """How far answers were off: true minus predicted."""
        return plots.residuals(self.report, ax)


def tell_odd_fields(found: Sequence[schemas.Prediction]) -> None:
    """Warns, once for all rows of a frame, of fields that the model does not know or cannot read.

    What new rows may well bring, such as gaps and categories that training did not see, only records tell.
    """
    counts = Counter((one.field, one.code) for row in found for one in row.warnings)
    told = [
        f"`{field}` {WARNINGS.get(code, code)}"
        + (f" in {count:,} of {len(found):,} rows" if count < len(found) else "")
        for (field, code), count in counts.items()
        if code in ("unknown_field", "invalid")
    ]
    if told:
        warnings.warn("the answers may mean little: " + "; ".join(told), stacklevel=3)


class Prediction:
    """The answer to one record."""

    def __init__(
        self, info: schemas.Prediction, record: Mapping[str, Any] | None = None, positive: str | None = None
    ) -> None:
        """Wraps what the server says; `info` is all of it."""
        self.info = info
        self.positive = positive
        """The label whose probability the score is; None where there are not two."""
        self.record = dict(record or {})
        """What was asked about."""

    @property
    def label(self) -> str | None:
        """The answered label; None where a number is predicted."""
        return self.info.label

    @property
    def value(self) -> float | None:
        """The predicted number; None where a label is."""
        return self.info.value

    @property
    def score(self) -> float | None:
        """The probability of the positive label, or of the answered one of several."""
        return self.info.score

    @property
    def probabilities(self) -> dict[str, float]:
        """The probability of each label."""
        return self.info.probabilities or {}

    @property
    def warnings(self) -> list[str]:
        """What was odd about the record, in words."""
        told = [f"`{one.field}` {WARNINGS.get(one.code, one.code)}" + _shown(one.value) for one in self.info.warnings]
        return told + ([f"and {self.info.more_warnings} more"] if self.info.more_warnings else [])

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The most probable labels, the first one first."""
        return sorted(self.probabilities.items(), key=lambda one: -one[1])[:count]

    @property
    def reasons(self) -> list[tuple[str, float]]:
        """What each field added, the largest first; empty unless asked for with `explain=True`."""
        found = self.info.explanation.contributions if self.info.explanation else {}
        return sorted(found.items(), key=lambda one: -abs(one[1]))

    def __repr__(self) -> str:
        """The answer in one line."""
        if self.label is None:
            return f"Prediction({html.number(self.value)})"
        score = "" if self.score is None else f", score {self.score:.4g}"
        return f"Prediction({self.label!r}{score}{f' for {self.positive!r}' if self.positive is not None else ''})"

    def _repr_html_(self) -> str:
        if self.label is None:
            answer = f"Answer: {html.number(self.value)}"
        elif self.info.threshold is None:
            answer = f"Answer: {self.label}, with a probability of {html.percent(self.score)}"
        else:
            of = "" if self.positive is None else f" for `{self.positive}`"
            answer = f"Answer: {self.label} (score {self.score:.3f}{of}, threshold {html.number(self.info.threshold)})"
        found = html.heading(answer)
        if self.info.threshold is None and self.probabilities:
            likely = [(label, html.percent(share), html.bar(share, 1.0)) for label, share in self.top(5)]
            found += html.table(["", "probability", ""], likely, right=(1,))
        if self.info.explanation:
            most = max((abs(one) for _, one in self.reasons), default=0.0)
            rows = [
                (name, self.record.get(name, ""), f"{added:+.3g}", html.bar(added, most))
                for name, added in self.reasons[:12]
                if abs(added) > 1e-6 * most
            ]
            base = ("an average row", "", f"{self.info.explanation.baseline:+.3g}", "")
            found += html.table(["why", "here", "adds", ""], [*rows, base], right=(2,))
        return found + html.notes(self.warnings)


WARNINGS = {
    "missing": "has no value",
    "invalid": "does not fit its type and counts as missing",
    "out_of_range": "lies outside of what training saw",
    "unknown_category": "has a value that training did not see",
    "unknown_words": "has no word that training saw",
    "unknown_field": "is none of the model's columns",
    "text_for_number": "is a number written as a text; it counts as the number",
    "number_for_text": "is a text written as a number; it counts as the text",
}


def _shown(value: str | None) -> str:
    return f": {value}" if value else ""


class Predictions(Sequence[Prediction]):
    """The answers to several records, in their order."""

    def __init__(self, items: Sequence[Prediction]) -> None:
        """Made by the client."""
        self._items = list(items)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._items)

    @overload
    def __getitem__(self, place: int) -> Prediction: ...
    @overload
    def __getitem__(self, place: slice) -> Predictions: ...
    def __getitem__(self, place: int | slice) -> Prediction | Predictions:
        """One of them, or some."""
        return Predictions(self._items[place]) if isinstance(place, slice) else self._items[place]

    def __iter__(self) -> Iterator[Prediction]:
        """Each of them."""
        return iter(self._items)

    def __repr__(self) -> str:
        """All of them, a line each."""
        return "[" + ",\n ".join(repr(one) for one in self._items) + "]"

    def _repr_html_(self) -> str:
        fields = list(dict.fromkeys(name for one in self._items for name in one.record))[:6]
        rows = [
            (
                *(one.record.get(name, "") for name in fields),
                html.number(one.value) if one.label is None else one.label,
                "" if one.score is None else f"{one.score:.3f}",
            )
            for one in self._items[:20]
        ]
        more = [f"and {len(self) - 20:,} more"] if len(self) > 20 else []
        return html.table([*fields, "answer", "score"], rows) + html.notes(more)


class Advice:
    """A threshold, and what is to be expected of it."""

    def __init__(self, info: schemas.ThresholdAdvice) -> None:
        """Wraps what the server says; `info` is all of it."""
        self.info = info

    @property
    def threshold(self) -> float:
        """Scores of at least this are answered with the positive label."""
        return self.info.advised.threshold

    @property
    def cost(self) -> float | None:
        """What errors cost for each row with it, where costs were given."""
        return (self.info.advised.cost or {}).get("value")

    @property
    def saving(self) -> float | None:
        """What it saves for each row beside the threshold that the model was evaluated with."""
        before = (self.info.evaluated.cost or {}).get("value")
        return None if before is None or self.cost is None else float(before - self.cost)

    def __float__(self) -> float:
        """The threshold."""
        return self.threshold

    def __repr__(self) -> str:
        """The threshold and what it does, in one line."""
        one = self.info.advised
        told = ", ".join(
            f"{name} {getattr(one, name)['value']:.4g}"
            for name in ("precision", "recall", "rate")
            if getattr(one, name).get("value") is not None
        )
        positive = "" if self.info.positive is None else f" for {self.info.positive!r}"
        return f"Advice(threshold {self.threshold:.4g}{positive}: {told})"

    def _repr_html_(self) -> str:
        before, after = self.info.evaluated, self.info.advised
        rows: list[tuple[str, ...]] = [("threshold", html.number(before.threshold), html.number(after.threshold), "")]
        for name, words in (
            ("precision", "of those called positive, so many are"),
            ("recall", "of the positives, so many are found"),
            ("rate", "so many of all rows are called positive"),
        ):
            old, new = getattr(before, name), getattr(after, name)
            rows.append((words, html.interval(old, html.percent)[0], *html.interval(new, html.percent)))
        for key, words in (("fp", "false alarms"), ("fn", "positives missed")):
            rows.append((words, f"{before.confusion[key]:,}", f"{after.confusion[key]:,}", ""))
        if after.cost:
            rows.append(("cost of errors for each row", html.interval(before.cost)[0], *html.interval(after.cost)))
        title = f"Expected on rows like the {self.info.records:,} judged, {self.info.positives:,} of them positive"
        title += "" if self.info.positive is None else f" (`{self.info.positive}`)"
        head = ["", "as it was", "advised", "95 % interval"]
        return html.heading(title) + html.table(head, rows, right=(1, 2, 3))


class Weights:
    """What a model has learned: what each feature adds."""

    def __init__(self, info: schemas.ModelWeights) -> None:
        """Wraps what the server says; `info` is all of it."""
        self.info = info

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The weights as records, for a frame: `pandas.DataFrame(weights.rows)`."""
        return [
            {
                "attribute": one.attribute,
                "part": one.part,
                "class": one.class_,
                "weight": one.per_unit.weight if one.per_unit else None,
                "low": one.per_unit.low if one.per_unit else None,
                "high": one.per_unit.high if one.per_unit else None,
                "odds_ratio": one.per_unit.odds_ratio if one.per_unit else None,
                "effect": one.effect,
                "deviation": one.deviation,
                "p_value": one.p_value,
            }
            for one in self.info.weights
        ]

    def __len__(self) -> int:
        """How many are here; `info.total` counts all."""
        return len(self.info.weights)

    def __repr__(self) -> str:
        """How many there are, and what they add to."""
        return f"Weights({len(self):,} of {self.info.total:,}, adding to the {self.info.scale})"

    def _repr_html_(self) -> str:
        is_number = self.info.scale == "number"
        several = self.info.type == "multiclass"
        rows = []
        for one in self.info.weights[:30]:
            per = one.per_unit
            name = f"{one.attribute} {one.part}".strip()
            last = [] if is_number else [html.number(per.odds_ratio, 3) if per and per.odds_ratio else ""]
            limits = f"{html.number(per.low, 3)} to {html.number(per.high, 3)}" if per and per.low is not None else ""
            first = [one.class_ or ""] if several else []
            rows.append([*first, name, html.number(per.weight, 3) if per else "–", limits, *last])
        more = "" if is_number else "odds are multiplied by"
        head = [
            *(["class"] if several else []),
            "feature",
            "one unit more adds",
            "95 % interval",
            *([more] if more else []),
        ]
        shift = 1 if several else 0
        scale = {"number": self.info.target, "log_odds": "the log-odds"}.get(self.info.scale, "the class's score")
        title = (
            f"What adds to {scale}: {min(30, len(self))} of {self.info.total:,} weights, those that matter most first"
        )
        right = tuple(place + shift for place in (1, 2, 3))
        return html.heading(title) + html.table(head, rows, right=right) + html.notes(self.info.notes)

    def plot(self, ax: Axes | None = None, count: int = 20) -> Axes:
        """The weights that matter most, per deviation of their feature."""
        return plots.weights(self.info, ax, count)

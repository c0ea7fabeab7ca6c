"""Plots of what the server found, by matplotlib, which is imported when the first one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import YosokuError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from . import schemas

BLUE, RED, GREY = "#2f6f9f", "#b5533c", "#8a8a8a"


def _axes(ax: Axes | None, width: float = 5.2, height: float = 3.4) -> Axes:
    """The given axes, or new ones of a modest size."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise YosokuError(
            "plots need matplotlib, which is not installed", code="no_matplotlib", hint="install `yosoku[plots]`"
        ) from error
    _, made = plt.subplots(figsize=(width, height), layout="constrained")
    made.spines[["top", "right"]].set_visible(False)
    return made


def _part(report: dict[str, Any], name: str, what: str) -> Any:
    found = report.get(name)
    if not found:
        asked = report.get("type", "unknown")
        raise YosokuError(f"{what} is not drawn for this evaluation (of a {asked} model)", code="not_drawn")
    return found


def _of(words: str, report: dict[str, Any]) -> str:
    """A label of an axis, with the label that counts as positive where that is known."""
    positive = report.get("positive")
    return words if positive is None else f"{words} (positive: {positive})"


def roc(report: dict[str, Any], ax: Axes | None) -> Axes:
    """The ROC curve, with the point of the threshold."""
    points = _part(report, "roc", "a ROC curve")
    ax = _axes(ax, 4.2, 3.8)
    across = [one["false_positive_rate"] for one in points]
    up = [one["true_positive_rate"] for one in points]
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--", label="guessing")
    ax.plot(across, up, color=BLUE, label=f"model, AUC {report['metrics']['auc']['value']:.3f}")
    counts = report["confusion"]
    negatives, positives = counts["fp"] + counts["tn"], counts["tp"] + counts["fn"]
    if negatives and positives:
        place = (counts["fp"] / negatives, counts["tp"] / positives)
        ax.plot(*place, "o", color=RED, label=f"threshold {report['threshold']:.3g}")
    ax.set_xlabel("false alarms: share of negatives called positive")
    ax.set_ylabel(_of("share of positives found", report))
    ax.legend(frameon=False, loc="lower right")
    return ax


def scores(report: dict[str, Any], ax: Axes | None, threshold: float | None) -> Axes:
    """Two histograms of scores, on a scale that shows few rows beside many."""
    histogram = _part(report, "score_histogram", "a histogram of scores")
    ax = _axes(ax)
    edges = histogram["edges"]
    for name, colour in (("negatives", BLUE), ("positives", RED)):
        ax.stairs(histogram[name], edges, fill=True, alpha=0.5, color=colour, label=name)
    most = max([*histogram["negatives"], *histogram["positives"]])
    least = min(sum(histogram["negatives"]), sum(histogram["positives"]))
    if most > 20 * max(1, least / 10):
        ax.set_yscale("symlog", linthresh=10)
        ax.set_ylim(bottom=0)
    at = report["threshold"] if threshold is None else threshold
    ax.axvline(at, color=GREY, linestyle="--", linewidth=1, label=f"threshold {at:.3g}")
    ax.set_xlabel(_of("score", report))
    ax.set_ylabel("rows")
    ax.legend(frameon=False)
    return ax


def thresholds(
    report: dict[str, Any], ax: Axes | None, false_positive_cost: float | None, false_negative_cost: float | None
) -> Axes:
    """Precision and recall, or costs, over the threshold."""
    points = _part(report, "thresholds", "a chart of thresholds")
    ax = _axes(ax)
    across = [one["threshold"] for one in points]
    if (false_positive_cost is None) != (false_negative_cost is None):
        raise YosokuError("one cost is given; give both, or none", code="invalid_value")
    if false_positive_cost is not None and false_negative_cost is not None:
        rows = max(1, report["records"])
        costs = [1000 * (one["fp"] * false_positive_cost + one["fn"] * false_negative_cost) / rows for one in points]
        best = min(range(len(costs)), key=costs.__getitem__)
        ax.plot(across, costs, color=BLUE)
        ax.plot(across[best], costs[best], "o", color=RED, label=f"least: {costs[best]:,.0f} at {across[best]:.3g}")
        # Calling everything positive may cost so much that nothing else could be seen.
        nothing = 1000 * false_negative_cost * sum(points[0][key] for key in ("tp", "fn")) / rows
        ax.set_ylim(0, 1.15 * max(min(max(costs), nothing), costs[len(costs) // 2]))
        ax.axhline(nothing, color=GREY, linestyle="--", linewidth=0.8, label=f"nothing called positive: {nothing:,.0f}")
        ax.set_ylabel("cost of errors for 1,000 rows")
    else:
        called = [one["tp"] + one["fp"] for one in points]
        precise = [(one["threshold"], one["tp"] / count) for one, count in zip(points, called, strict=True) if count]
        found = [one["tp"] / max(1, one["tp"] + one["fn"]) for one in points]
        ax.plot([one for one, _ in precise], [one for _, one in precise], color=BLUE, label="precision")
        ax.plot(across, found, color=RED, label="recall")
        ax.axvline(report["threshold"], color=GREY, linestyle="--", linewidth=1)
    ax.set_xlabel(_of("threshold", report))
    ax.legend(frameon=False)
    return ax


def confusion(report: dict[str, Any], ax: Axes | None, names: tuple[str, str] = ("negative", "positive")) -> Axes:
    """Shares of each true class by answer, with the counts written in where there is room; `names` of two classes."""
    found = _part(report, "confusion", "a confusion matrix")
    if "counts" in found:
        # The server has them by frequency; groups that have an order are easier to read in it.
        order = sorted(range(len(found["labels"])), key=lambda place: _natural(found["labels"][place]))
        if found.get("others"):
            order = [place for place in order if place != len(order) - 1] + [len(order) - 1]
        labels = [found["labels"][place] for place in order]
        counts = [[found["counts"][down][across] for across in order] for down in order]
    else:
        labels, counts = list(names), [[found["tn"], found["fp"]], [found["fn"], found["tp"]]]
    side = min(7.0, 2.4 + 0.45 * len(labels))
    ax = _axes(ax, side, side)
    shares = [[one / max(1, sum(row)) for one in row] for row in counts]
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(labels) <= 12:
        for down, row in enumerate(counts):
            for across, count in enumerate(row):
                colour = "white" if shares[down][across] > 0.6 else "black"
                ax.text(across, down, f"{count:,}", ha="center", va="center", color=colour, fontsize=8)
    places = range(len(labels))
    ax.set_xticks(places, labels, rotation=45, ha="right")
    ax.set_yticks(places, labels)
    ax.set_xlabel("answered")
    ax.set_ylabel("true")
    return ax


def _natural(label: str) -> tuple[float, str]:
    """Sorts numbers as numbers, and all else after them by letter."""
    try:
        return float(label), ""
    except ValueError:
        return float("inf"), label


def residuals(report: dict[str, Any], ax: Axes | None) -> Axes:
    """True minus predicted, as a histogram."""
    found = _part(report, "residuals", "a histogram of residuals")
    ax = _axes(ax)
    ax.stairs(found["counts"], found["edges"], fill=True, color=BLUE, alpha=0.7)
    ax.axvline(0, color=GREY, linewidth=1, linestyle="--")
    outside = found["below"] + found["above"]
    ax.set_xlabel("true minus predicted" + (f" ({outside:,} rows lie outside)" if outside else ""))
    ax.set_ylabel("rows")
    return ax


def weights(info: schemas.ModelWeights, ax: Axes | None, count: int) -> Axes:
    """The weights that matter most, per deviation, with their intervals."""
    shown = [one for one in info.weights if one.per_deviation][:count]
    if not shown:
        raise YosokuError("this model has no weights to draw", code="not_drawn")
    ax = _axes(ax, 5.6, 0.9 + 0.26 * len(shown))
    # Names say the class only where there is a choice of them.
    several = info.type == "multiclass"
    for place, one in enumerate(reversed(shown)):
        per = one.per_deviation
        assert per is not None
        ax.barh(place, per.weight, color=RED if per.weight < 0 else BLUE, alpha=0.8)
        if per.low is not None and per.high is not None:
            ax.plot([per.low, per.high], [place, place], color="black", linewidth=0.8)
    names = [
        f"{one.attribute} {one.part}".strip() + (f" → {one.class_}" if several and one.class_ else "") for one in shown
    ]
    ax.set_yticks(range(len(shown)), [_short(name) for name in reversed(names)], fontsize=8)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_xlabel({"number": f"adds to {info.target}"}.get(info.scale, "adds to the score") + ", per deviation")
    return ax


def _short(name: str, most: int = 44) -> str:
    """A long name without its middle: its end says which word or bin is meant."""
    return name if len(name) <= most else f"{name[:10]}…{name[11 - most :]}"


def column(statistics: dict[str, Any], ax: Axes | None) -> Axes:
    """The values of one column: a histogram, or a bar for each frequent value."""
    ax = _axes(ax, 4.6, 2.8)
    numeric = statistics.get("numeric")
    if numeric:
        ax.stairs(numeric["histogram"]["counts"], numeric["histogram"]["edges"], fill=True, color=BLUE, alpha=0.7)
        ax.set_xlabel(statistics["name"])
        ax.set_ylabel("rows")
        return ax
    shown = statistics.get("top_values") or []
    if not shown:
        raise YosokuError(f"column `{statistics['name']}` has no values to draw", code="not_drawn")
    names = [one["value"][:30] or "(empty)" for one in reversed(shown)]
    ax.barh(range(len(shown)), [one["count"] for one in reversed(shown)], color=BLUE, alpha=0.8)
    ax.set_yticks(range(len(shown)), names)
    ax.set_xlabel(f"rows by {statistics['name']}")
    return ax

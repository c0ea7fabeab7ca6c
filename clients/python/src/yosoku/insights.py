"""What is in a table, before anything is learned from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import html, plots, schemas
from .errors import YosokuError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Finding:
    """Something that may hurt a model. None blocks anything."""

    code: str
    """Stable: `target_leakage`, `many_missing`; the documentation of insights has them all."""
    columns: tuple[str, ...]
    """The columns it is about, the first five."""
    message: str
    """What was found."""
    suggestion: str
    """What to do."""
    evidence: tuple[dict[str, Any], ...]
    """The figures behind it, one entry for each column."""

    def __str__(self) -> str:
        """The message and what to do."""
        return f"{self.message} ({self.code})\n  {self.suggestion}"


class Insights:
    """Statistics of each column, and findings; the result of `client.inspect`."""

    def __init__(self, info: schemas.DataSource) -> None:
        """Wraps what the server says; `info` is all of it."""
        self.info = info
        self.statistics: dict[str, Any] = info.statistics or {}
        """All statistics, as the server gives them."""
        self.schema: dict[str, Any] = info.schema_ or {}
        """What the columns are; change it and give it to `train` where it is wrong."""

    @property
    def rows(self) -> int:
        """Rows that could be read."""
        return self.info.rows or 0

    @property
    def findings(self) -> list[Finding]:
        """What may hurt a model, the most important first."""
        return [
            Finding(
                one["code"],
                tuple(one.get("columns", ())),
                one["message"],
                one.get("suggestion", ""),
                tuple(one.get("evidence", ())),
            )
            for one in self.info.insights or []
        ]

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        """The statistics of each column by its name."""
        return {one["name"]: one for one in self.statistics.get("columns", [])}

    def finding(self, code: str) -> Finding | None:
        """The finding of a code, if there is one."""
        return next((one for one in self.findings if one.code == code), None)

    def without(self, *columns: str) -> dict[str, Any]:
        """The schema with some columns left out of learning, to be given to `train`."""
        for name in columns:
            if name not in self.columns:
                raise YosokuError(
                    f"there is no column `{name}`", code="unknown_column", hint=f"there are {', '.join(self.columns)}"
                )
        left_out = dict.fromkeys([*self.schema.get("excludedAttributeNames", []), *columns])
        return {**self.schema, "excludedAttributeNames": list(left_out)}

    def __repr__(self) -> str:
        """Rows, columns and findings in one line."""
        codes = ", ".join(one.code for one in self.findings) or "none"
        return f"Insights({self.rows:,} rows, {len(self.columns)} columns; findings: {codes})"

    def _repr_html_(self) -> str:
        most = max((one.get("association") or 0 for one in self.columns.values()), default=0.0)
        rows = [
            (
                name,
                kind(one),
                f"{one['missing']:,}" if one["missing"] else "",
                f"{one['distinct']['value']:,}",
                "" if one.get("association") is None else f"{one['association']:.3f}",
                "" if one.get("association") is None else html.bar(one["association"], most),
                values(one),
            )
            for name, one in self.columns.items()
        ]
        rejected = self.statistics.get("problems", {}).get("rejected", 0)
        title = f"{self.rows:,} rows, {len(self.columns)} columns"
        title += f"; {rejected:,} rows could not be read" if rejected else ""
        head = ["column", "type", "missing", "distinct", "tells", "", "values"]
        found = html.heading(title) + html.table(head, rows, right=(2, 3, 4))
        if self.findings:
            told = [(one.code, one.message, one.suggestion) for one in self.findings]
            found += html.heading("What may hurt a model") + html.table(["", "what", "what to do"], told)
        return found

    def plot_column(self, name: str, ax: Axes | None = None) -> Axes:
        """How the values of one column are spread."""
        return plots.column(self.columns[name], ax)


def kind(column: dict[str, Any]) -> str:
    """Type and use of a column."""
    use = column.get("role", "input")
    return str(column["kind"]).lower() + ("" if use == "input" else f" ({str(use).replace('_', ' ')})")


def values(column: dict[str, Any]) -> str:
    """A column's values in a few words."""
    numeric, words = column.get("numeric"), column.get("text")
    if numeric:
        line = html.spark(numeric["histogram"]["counts"])
        return (
            f"{html.number(numeric['min'])} {line} {html.number(numeric['max'])}, mean {html.number(numeric['mean'])}"
        )
    if words:
        return ", ".join(one["word"] for one in words.get("prominent_words", [])[:5])
    if column.get("dates"):
        return f"{column['dates']['min'][:10]} to {column['dates']['max'][:10]}"
    shown = [f"{one['value']} ({one['count']:,})" for one in column.get("top_values", [])[:3]]
    if not shown and column.get("binary"):
        return f"{html.number(column['binary']['percent_true'])} % yes"
    return ", ".join(shown)

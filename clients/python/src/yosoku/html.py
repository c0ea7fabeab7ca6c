"""Small tables for notebooks: plain HTML that follows the notebook's own colours, light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def text(value: Any) -> str:
    """A value, escaped; code between backticks is set as such."""
    pieces = escape(str(value), quote=False).split("`")
    if len(pieces) % 2 == 0:
        return "`".join(pieces)
    return "".join(f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces))


def number(value: float | None, digits: int = 4) -> str:
    """A number with some digits that tell, without an exponent where that can be helped."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.{max(0, digits - 4)}f}"
    return f"{value:.{digits}g}"


def percent(value: float | None) -> str:
    """A share in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def interval(metric: dict[str, Any] | None, show: Any = number) -> tuple[str, str]:
    """A metric's value, and its interval."""
    if not metric or metric.get("value") is None:
        return "–", ""
    low, high = metric.get("low"), metric.get("high")
    return show(metric["value"]), f"{show(low)} to {show(high)}" if low is not None and high is not None else ""


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[int] = ()) -> str:
    """A table; the columns numbered in `right` are flushed right."""

    def cell(tag: str, place: int, value: Any) -> str:
        side = "right" if place in right else "left"
        shown = value.html if isinstance(value, Raw) else text(value)
        return f'<{tag} style="text-align:{side}">{shown}</{tag}>'

    def row(tag: str, values: Sequence[Any]) -> str:
        return "<tr>" + "".join(cell(tag, place, value) for place, value in enumerate(values)) + "</tr>"

    top = f"<thead>{row('th', head)}</thead>" if any(head) else ""
    return f"<table>{top}<tbody>{''.join(row('td', values) for values in rows)}</tbody></table>"


class Raw:
    """A cell that is HTML already."""

    def __init__(self, html: str) -> None:
        """Takes it as it is."""
        self.html = html


def bar(value: float, most: float) -> Raw:
    """A bar of up to ten blocks, to the sign of the value: plain text, so that it survives every viewer."""
    blocks = round(10 * abs(value) / most) if most else 0
    colour = "#b5533c" if value < 0 else "#2f6f9f"
    return Raw(f'<span style="color:{colour}">{"█" * blocks or "·"}</span>')


def spark(counts: Sequence[int], most: int = 20) -> str:
    """A histogram in one line of text."""
    step = max(1, -(-len(counts) // most))
    sums = [sum(counts[begin : begin + step]) for begin in range(0, len(counts), step)]
    top = max(sums, default=0)
    return "".join(" " if not count else "▁▂▃▄▅▆▇█"[min(7, int(8 * count / top))] for count in sums)


def heading(words: str) -> str:
    """A title above a table."""
    return f"<p><strong>{text(words)}</strong></p>"


def notes(items: Iterable[str]) -> str:
    """Remarks below a table."""
    shown = "".join(f"<li>{text(item)}</li>" for item in items)
    return f"<ul>{shown}</ul>" if shown else ""

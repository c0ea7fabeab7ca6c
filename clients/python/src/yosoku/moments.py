"""Dates and times as text, in the fields that a schema's `dateFormat` has: a moment is always written the same way."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

DAY = "%Y-%m-%d"
SECOND = "%Y-%m-%dT%H:%M:%S"
FRACTION = "%Y-%m-%dT%H:%M:%S%.f"

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

SHORT = {"%F": "%Y-%m-%d", "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y"}
FIELD = re.compile(r"%(?:\.f|[369]f|:z|#z|.)")


def is_moment(value: object) -> bool:
    """Whether this is a date, with a time or without, and not NaT of pandas, which does not equal itself."""
    return isinstance(value, datetime.date) and value == value


def pattern_of(moments: Iterable[datetime.date]) -> str:
    """The shortest form that loses nothing of any of them."""
    found = DAY
    for moment in moments:
        if not isinstance(moment, datetime.datetime):
            continue
        if moment.microsecond or getattr(moment, "nanosecond", 0):
            return FRACTION
        if moment.hour or moment.minute or moment.second:
            found = SECOND
    return found


def written(moment: datetime.date, pattern: str) -> str:
    """A moment in a form. Times of a zone are written as the clock there shows, the zone only where it is asked for."""
    for short, long in SHORT.items():
        pattern = pattern.replace(short, long)
    full = isinstance(moment, datetime.datetime)
    at = moment if isinstance(moment, datetime.datetime) else datetime.datetime(moment.year, moment.month, moment.day)
    nanos = at.microsecond * 1000 + (getattr(moment, "nanosecond", 0) if full else 0)
    offset = at.strftime("%z") or "+0000"

    def field(match: re.Match[str]) -> str:
        name = match.group()[1:]
        digits = {
            "Y": f"{at.year:04}",
            "y": f"{at.year % 100:02}",
            "m": f"{at.month:02}",
            "d": f"{at.day:02}",
            "H": f"{at.hour:02}",
            "I": f"{(at.hour - 1) % 12 + 1:02}",
            "M": f"{at.minute:02}",
            "S": f"{at.second:02}",
            "p": "AM" if at.hour < 12 else "PM",
            "b": MONTHS[at.month - 1][:3],
            "B": MONTHS[at.month - 1],
            "a": DAYS[at.weekday()][:3],
            "A": DAYS[at.weekday()],
            ".f": f".{nanos:09}".rstrip("0").rstrip(".") if nanos else "",
            "3f": f"{nanos:09}"[:3],
            "6f": f"{nanos:09}"[:6],
            "9f": f"{nanos:09}",
            "z": offset[:5],
            ":z": f"{offset[:3]}:{offset[3:5]}",
            "#z": f"{offset[:3]}:{offset[3:5]}",
            "%": "%",
        }
        return digits.get(name, match.group())

    return FIELD.sub(field, pattern)

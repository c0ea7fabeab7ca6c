"""Whether a committed page still says what its notebook says today."""

import re
from itertools import zip_longest

# What differs from run to run without anything having changed.
DURATION = re.compile(r"\b[\d.,]+ (?:µs|ms|s|min)\b")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
# By how much of itself a figure may differ: the mathematics of another processor rounds otherwise.
TOLERANCE = 0.01
PORT = re.compile(r"127\.0\.0\.1:\d+")
# The parts that are compared: lines, and in tables cells.
PART = re.compile(r"\n|(?<=</t[dhr]>)")


def difference(committed, made):
    """The first part that a committed page has otherwise than the one made now, as (old, new); None if there is none.

    Durations and ports may differ, and figures by what another machine rounds otherwise.
    """
    for old, new in zip_longest(parts(committed), parts(made), fillvalue="(nothing)"):
        if old != new and not is_near(old, new):
            return old, new
    return None


def is_near(old, new):
    """Whether two parts differ by nothing but the last digits of their figures."""
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return False
    pairs = zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    values = [(float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs]
    return all(abs(a - b) <= TOLERANCE * max(a, b) for a, b in values)


def parts(page):
    """The lines and cells of a page but for what differs from run to run."""
    steady = PORT.sub("127.0.0.1:…", DURATION.sub("…", page))
    return [part for part in PART.split(steady) if part.strip()]

"""Whether a committed page still says what its notebook says today."""

import re
from itertools import zip_longest

# What differs from run to run without anything having changed.
DURATION = re.compile(r"\b[\d.,]+ (?:µs|ms|s|min)\b")
PORT = re.compile(r"127\.0\.0\.1:\d+")
# The parts that are compared: lines, and in tables cells.
PART = re.compile(r"\n|(?<=</t[dhr]>)")


def difference(committed, made):
    """The first part that a committed page has otherwise than the one made now, as (old, new); None if there is none.

    Durations and ports may differ, figures may not: the same data, recipe and version give the same model.
    """
    for old, new in zip_longest(parts(committed), parts(made), fillvalue="(nothing)"):
        if old != new:
            return old, new
    return None


def parts(page):
    """The lines and cells of a page but for what differs from run to run."""
    steady = PORT.sub("127.0.0.1:…", DURATION.sub("…", page))
    return [part for part in PART.split(steady) if part.strip()]

"""Whether a committed page still says what its notebook says today."""

import io
import re
from itertools import zip_longest

import numpy as np
from matplotlib.image import imread

# What differs from run to run without anything having changed.
DURATION = re.compile(r"\b[\d.,]+ (?:µs|ms|s|min)\b")
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
# By how much of itself a figure may differ: the mathematics of another processor rounds otherwise.
TOLERANCE = 0.01
PORT = re.compile(r"127\.0\.0\.1:\d+")
# Pixels differ that are apart by this share of their range, and pictures in which a square of this side has that many of
# them: the mathematics of another processor moves the edge of a line, a curve or a figure that has changed is more.
APART = 0.1
SIDE = 32
PIXELS = 0.04
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


def shows_other(committed, made):
    """Whether a committed picture (PNG, bytes) shows something else than the one made now."""
    old, new = (imread(io.BytesIO(picture)) for picture in (committed, made))
    if old.shape != new.shape:
        return True
    apart = np.abs(old - new).max(axis=-1) > APART
    height, width = (-(-length // SIDE) for length in apart.shape)
    squares = np.zeros((height * SIDE, width * SIDE))
    squares[: apart.shape[0], : apart.shape[1]] = apart
    shares = squares.reshape(height, SIDE, width, SIDE).mean(axis=(1, 3))
    return bool(shares.max() > PIXELS)


def parts(page):
    """The lines and cells of a page but for what differs from run to run."""
    steady = PORT.sub("127.0.0.1:…", DURATION.sub("…", page))
    return [part for part in PART.split(steady) if part.strip()]

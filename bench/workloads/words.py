"""Words that can be spoken, and lists of texts to pick from."""

import numpy as np

SYLLABLES = (
    "ba be bi bo da de di do fa fe ga go ka ke ki ko la le li lo ma me mi mo na "
    "ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve vi vo za zu tra ste"
).split()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def word(number):
    """Another word for each number."""
    syllables = []
    number += len(SYLLABLES)
    while number:
        number, digit = divmod(number, len(SYLLABLES))
        syllables.append(SYLLABLES[digit])
    return "".join(reversed(syllables))


def listed(texts):
    """An array that picks texts by index."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array

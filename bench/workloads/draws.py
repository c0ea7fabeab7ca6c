"""Random numbers that depend on nothing but seed, name and row: each is a hash of them. So the first rows are the same
however many follow, and the same with every version of numpy."""

import hashlib

import numpy as np


def splitmix64(state):
    """The output of one step of SplitMix64 from each state."""
    with np.errstate(over="ignore"):
        z = np.asarray(state, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def is_train(rows):
    """The split of all measurements: which rows, counted from 0, belong to the 70 % to learn from."""
    return splitmix64(rows) % np.uint64(100) < np.uint64(70)


def number_of(text):
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


class Draws:
    """The random numbers of one workload, in streams that are told apart by name."""

    def __init__(self, seed, workload):
        self.seed = number_of(f"{seed}/{workload}")
        self.streams = {}

    def uniform(self, stream, rows):
        """Between 0 and 1, without either."""
        if stream not in self.streams:
            self.streams[stream] = splitmix64(number_of(stream) ^ self.seed)
        hashed = splitmix64(splitmix64(rows) ^ self.streams[stream])
        return ((hashed >> np.uint64(11)).astype(np.float64) + 0.5) * (1.0 / (1 << 53))

    def normal(self, stream, rows):
        length = np.sqrt(-2.0 * np.log(self.uniform(stream + "/a", rows)))
        return length * np.cos(2 * np.pi * self.uniform(stream + "/b", rows))


def zipf(count, exponent=1.0, shift=1.0):
    """Cumulative chances of `count` values, of which the first are frequent and the last are rare."""
    weights = (np.arange(count) + shift) ** -exponent
    cumulative = np.cumsum(weights / weights.sum())
    cumulative[-1] = 1.0
    return cumulative


def pick(cumulative, uniform):
    """The value that each uniform number falls on."""
    return np.minimum(np.searchsorted(cumulative, uniform, side="right"), len(cumulative) - 1)


def sigmoid(scores):
    return 1.0 / (1.0 + np.exp(-scores))


def chunks(rows, size=50_000):
    """Row numbers, some at a time."""
    for start in range(0, rows, size):
        yield np.arange(start, min(rows, start + size), dtype=np.int64)

"""The files of one workload: W.train.csv, W.test.csv and W.truth.json, which tells their size, their SHA-256 and the best
that any model can reach."""

import hashlib
import json

import numpy as np

from .draws import is_train


class Part:
    """A file that is hashed while it is written."""

    def __init__(self, path):
        self.path, self.file, self.hash = path, open(path, "wb", buffering=1 << 20), hashlib.sha256()
        self.rows = self.bytes = 0

    def write(self, lines):
        data = ("\n".join(lines) + "\n").encode()
        self.file.write(data)
        self.hash.update(data)
        self.bytes += len(data)

    def close(self):
        self.file.close()
        return {"file": self.path.name, "rows": self.rows, "bytes": self.bytes, "sha256": self.hash.hexdigest()}


class Files:
    """Takes rows in order and sends each to its part."""

    def __init__(self, folder, name, columns):
        self.truth_path = folder / f"{name}.truth.json"
        self.parts = {True: Part(folder / f"{name}.train.csv"), False: Part(folder / f"{name}.test.csv")}
        for part in self.parts.values():
            part.write([",".join(columns)])

    def write(self, rows, columns):
        """`columns` are lists of CSV fields, one field for each of the rows."""
        lines, train = list(map(",".join, zip(*columns))), is_train(rows)
        for side, part in self.parts.items():
            chosen = [lines[index] for index in np.flatnonzero(train == side).tolist()]
            if chosen:
                part.write(chosen)
                part.rows += len(chosen)

    def close(self, truth):
        train, test = self.parts[True].close(), self.parts[False].close()
        self.truth_path.write_text(json.dumps({"train": train, "test": test, **truth}, indent=1) + "\n")


class TestRows:
    """Collects figures of the held-out rows, of which the best possible metrics are made."""

    def __init__(self):
        self.kept = []

    def add(self, rows, *figures):
        held = ~is_train(rows)
        self.kept.append([figure[held] for figure in figures])

    def all(self):
        return [np.concatenate(chunks) for chunks in zip(*self.kept)]

"""Grey images of 64 by 64 pixels, each 60 smooth factors and noise; some of the factors decide whether a face smiles. Wide,
dense and correlated numbers, with fewer rows than columns. The best possible sees the factors; the noise hides them a bit."""

import numpy as np

from metrics import auc, log_loss

from .columns import PIXELS, WORKLOADS
from .draws import Draws, chunks, sigmoid
from .fields import whole
from .files import Files, TestRows

SIDE, FACTORS = 64, 60


def waves():
    """The smoothest cosine waves but the constant one, with weaker ones the finer they are."""
    place = np.arange(SIDE) + 0.5
    pairs = sorted(((a, b) for a in range(12) for b in range(12)), key=lambda p: (p[0] ** 2 + p[1] ** 2, p))
    return np.stack(
        [
            np.outer(np.cos(np.pi * a * place / SIDE), np.cos(np.pi * b * place / SIDE)).ravel()
            * (1 + a * a + b * b) ** -0.45
            for a, b in pairs[1 : FACTORS + 1]
        ]
    )


def mean_face():
    place = np.arange(SIDE)
    return 120 + 50 * np.exp(-(((place[:, None] - 32) / 22.0) ** 2 + ((place[None, :] - 32) / 17.0) ** 2)).ravel()


def make(folder, count, seed):
    draws = Draws(seed, "faces")
    basis, mean, factors = waves(), mean_face(), np.arange(FACTORS)
    weights = draws.normal("w", factors) * (draws.uniform("ws", factors) < 0.4)
    weights *= 2.4 / np.linalg.norm(weights)
    files, held = Files(folder, "faces", [*WORKLOADS["faces"].numbers, "is_smiling"]), TestRows()
    texts = [str(grey) for grey in range(256)]
    for rows in chunks(count, 1000):
        image = np.stack([draws.normal(f"z{factor}", rows) for factor in range(FACTORS)], 1)
        cells = (rows[:, None] * PIXELS + np.arange(PIXELS)[None, :]).ravel()
        grey = mean + 30 * (image @ basis)
        grey = grey + 12 * draws.normal("px", cells).reshape(grey.shape)
        grey = np.round(grey).clip(0, 255).astype(int)
        score = image @ weights
        smiles = draws.uniform("y", rows) < sigmoid(score)
        # All pixels of a row are one text; they are joined like columns.
        pixels = [",".join([texts[value] for value in line]) for line in grey.tolist()]
        files.write(rows, [pixels, whole(smiles.astype(int))])
        held.add(rows, score, smiles)
    score, smiles = held.all()
    files.close({"best": {"auc": auc(smiles, score), "log_loss": log_loss(smiles, sigmoid(score))}})

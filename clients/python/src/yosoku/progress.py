"""How far the server is, where a person may be watching."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

WORDS = {
    "profile": "looking at the data",
    "featurize": "finding features",
    "encode": "encoding rows",
    "search": "choosing the penalty",
    "solve": "learning",
    "evaluate": "judging",
    "predict": "predicting",
    "write": "writing",
    "upload": "sending the data",
}


class Bar:
    """A bar by tqdm where that is installed, else a line now and then; nothing where nobody watches."""

    def __init__(self, title: str, shown: bool | None = None) -> None:
        """`shown` None means: in notebooks and terminals, unless `YOSOKU_PROGRESS=0`."""
        self._title = title
        self._shown = watched() if shown is None else shown
        self._settled = 0.0
        self._fraction = 0.0
        self._bar: Any = None
        self._begun = self._said = time.monotonic()

    @classmethod
    def hidden(cls) -> Bar:
        """A bar that is not shown."""
        return cls("", False)

    def show(self, fraction: float, stage: str | None) -> None:
        """Goes to a fraction of the present part of the work."""
        self._fraction = max(self._fraction, min(1.0, self._settled + fraction))
        if not self._shown:
            return
        word = WORDS.get(stage or "", stage or "")
        if self._bar is None:
            self._bar = _tqdm(self._title)
        if self._bar:
            self._bar.set_postfix_str(word, refresh=False)
            self._bar.n = round(100 * self._fraction)
            self._bar.refresh()
        elif time.monotonic() - self._said > 5:
            self._said = time.monotonic()
            print(f"{self._title}: {100 * self._fraction:.0f} % {word}", file=sys.stderr)

    def settle(self, share: float) -> None:
        """Ends a part of the work."""
        self._settled = self._fraction = min(1.0, self._settled + share)

    def close(self) -> None:
        """Takes the bar away, or leaves it full."""
        if self._bar:
            self._bar.n = round(100 * self._fraction)
            self._bar.set_postfix_str("", refresh=False)
            self._bar.close()
            self._bar = None


def watched() -> bool:
    """Whether a person may be watching: in a notebook, or at a terminal."""
    if os.environ.get("YOSOKU_PROGRESS") == "0":
        return False
    return "ipykernel" in sys.modules or sys.stderr.isatty()


def _tqdm(title: str) -> Any:
    """A bar of tqdm's, or False where it is not installed."""
    try:
        import warnings

        with warnings.catch_warnings():
            # Without ipywidgets it says so, and falls back to text.
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return False
    return tqdm(total=100, desc=title, bar_format="{desc}: {percentage:3.0f} %|{bar}| {elapsed}{postfix}", leave=True)

"""What the README shows works as it stands there."""

import asyncio
import random
import re
from pathlib import Path

import pandas as pd
import pytest

import yosoku

README = Path(__file__).resolve().parents[1] / "README.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def orders_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: yosoku.Client) -> pd.DataFrame:
    """The files of the README in the current folder, and the server by its variable."""
    dice = random.Random(1)
    rows = []
    for _ in range(300):
        amount, country = dice.randrange(10, 300), dice.choice(["DE", "FR"])
        returned = dice.random() < amount / 300
        rows.append((amount, country, amount if returned else 0, "yes" if returned else "no"))
    frame = pd.DataFrame(rows, columns=["amount", "country", "refund", "returned"])
    frame.to_csv(tmp_path / "orders.csv", index=False)
    new = frame.drop(columns=["refund", "returned"])
    new.to_csv(tmp_path / "new.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("YOSOKU_URL", client.url)
    return new


def test_the_first_example_runs(orders_here: pd.DataFrame) -> None:
    names: dict[str, object] = {"frame": orders_here}
    exec(blocks()[0], names)
    names["client"].close()  # type: ignore[attr-defined]
    assert Path("answers.parquet").stat().st_size > 0


def test_the_example_with_await_runs(orders_here: pd.DataFrame, client: yosoku.Client) -> None:
    example = blocks()[1].replace("http://127.0.0.1:8080", client.url)
    story = "async def story():\n" + "".join(f"    {line}\n" for line in example.splitlines()) + "    return answers\n"
    names: dict[str, object] = {"records": orders_here.head(3).to_dict("records"), "asyncio": asyncio, "yosoku": yosoku}
    exec(story, names)
    assert len(asyncio.run(names["story"]())) == 3  # type: ignore[operator]

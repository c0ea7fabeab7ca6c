"""One server for all tests, and small tables."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import yosoku

ROWS = 240


def write_orders(path: Path, rows: int = ROWS) -> Path:
    """Orders that are late when they go far, with a remark, a shop whose names look like numbers, and gaps."""
    dice = random.Random(7)
    lines = ["order,km,shop,remark,late"]
    for number in range(rows):
        km = dice.randrange(100)
        late = km + dice.randrange(40) > 70
        remark = dice.choice(["rainy day", "sunny day", "say hello twice"])
        gap = "" if number % 17 == 0 else str(km)
        lines.append(f"o{number},{gap},{number % 3 + 1:03d},{remark},{'yes' if late else 'no'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[yosoku.Client]:
    """A client of a server that was started for the tests."""
    made = yosoku.connect(home=tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of orders."""
    return write_orders(tmp_path_factory.mktemp("tables") / "orders.csv")


@pytest.fixture(scope="session")
def late(client: yosoku.Client, orders: Path) -> yosoku.Model:
    """A model of two classes."""
    return client.train(orders, target="late")


@pytest.fixture(scope="session")
def flowers(client: yosoku.Client) -> yosoku.Model:
    """A model of three classes."""
    iris = Path(__file__).resolve().parents[3] / "datasets" / "iris.csv"
    return client.train(iris, target="target")


@pytest.fixture(scope="session")
def lengths(client: yosoku.Client, tmp_path_factory: pytest.TempPathFactory) -> yosoku.Model:
    """A model of a number."""
    dice = random.Random(3)
    rows = [(dice.random() * 10, dice.choice("ab")) for _ in range(200)]
    lines = [f"{x:.3f},{kind},{3 * x + 5 * (kind == 'b') + dice.random():.4f}" for x, kind in rows]
    path = tmp_path_factory.mktemp("tables") / "lengths.csv"
    path.write_text("x,kind,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return client.train(path, target="y", type="regression")

"""The package that is built holds what its users need."""

import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def test_the_wheel_is_typed_and_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        told = Parser().parsestr(
            wheel.read(next(one for one in wheel.namelist() if one.endswith("/METADATA"))).decode()
        )
        licence = wheel.read(next(one for one in wheel.namelist() if one.endswith("/LICENSE")))
        packed = {name.removeprefix("yosoku/") for name in wheel.namelist() if name.startswith("yosoku/")}
    sources = {path.name for path in (HERE / "src" / "yosoku").iterdir() if path.is_file()}
    assert packed == sources
    assert {"py.typed", "schemas.py"} <= packed
    assert licence == (HERE.parents[1] / "LICENSE").read_bytes()
    assert (told["License-Expression"], told["Requires-Python"]) == ("Apache-2.0", ">=3.10")
    assert "pydantic>=2.10" in told.get_all("Requires-Dist", [])
    assert f"Source, {repository()}" in told.get_all("Project-URL", [])


def repository() -> str:
    """The address that the program's own description has."""
    found = re.search(r'^repository = "(.*)"$', (HERE.parents[1] / "Cargo.toml").read_text(encoding="utf-8"), re.M)
    assert found is not None
    return found[1]


def test_the_package_needs_neither_frames_nor_plots() -> None:
    story = "import sys, yosoku; print({'pandas', 'polars', 'matplotlib', 'tqdm', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_it_is_installed_as_the_documentation_says(tmp_path: Path) -> None:
    root = HERE.parents[1]
    page = (root / "docs" / "python.md").read_text(encoding="utf-8")
    found = re.search(r"^pip install '(.*)'", page, re.M)
    assert found is not None
    # What it needs is here already, and a folder of its own leaves this Python as it is.
    options = ["-q", "--no-deps", "--no-build-isolation", "--target", str(tmp_path)]
    command = [sys.executable, "-m", "pip", "install", *options, found[1]]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    story = "import yosoku; print(yosoku.__file__)"
    alone = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    told = subprocess.run(
        [sys.executable, "-c", story], cwd=tmp_path, env=alone, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str(tmp_path / "yosoku" / "__init__.py")

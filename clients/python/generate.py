"""Writes what is generated of the package: `schemas.py` from openapi.yaml, and `client.py` from `aio.py`.

python generate.py            # writes them
python generate.py --check    # fails if they are not what it would write
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "src" / "yosoku"
NOTE = "# Generated from {} by `make python-client`; do not edit."
CODEGEN = [
    "--input-file-type=openapi",
    "--output-model-type=pydantic_v2.BaseModel",
    "--target-python-version=3.10",
    "--use-annotated",
    "--use-standard-collections",
    "--use-union-operator",
    "--use-schema-description",
    "--use-field-description",
    "--use-double-quotes",
    "--snake-case-field",
    "--enum-field-as-literal=all",
    "--collapse-root-models",
    "--reuse-model",
    "--disable-timestamp",
    "--formatters=ruff-format",
    f"--custom-file-header={NOTE.format('openapi.yaml')}",
]
# The client with blocking calls is the one that awaits, without awaiting. Longer names first.
BLOCKING = [
    (
        """The client with `await`: `AsyncClient` and `AsyncModel`.

`client` has the same with blocking calls; it is made from this file by `make python-client`.
""",
        """The client with blocking calls: `Client` and `Model`; `aio` has the same with `await`.""",
    ),
    ("yosoku.connect_async", "yosoku.connect"),
    ("connect_async", "connect"),
    ("An asynchronous client", "A client"),
    ("AsyncTransport, Call", "Call, Transport"),
    ("AsyncTransport", "Transport"),
    ("AsyncClient", "Client"),
    ("AsyncModel", "Model"),
    ("__aenter__", "__enter__"),
    ("__aexit__", "__exit__"),
    ("import asyncio\n", ""),
    ("await asyncio.to_thread(self.server.release, self)", "self.server.release(self)"),
    ("async def ", "def "),
    ("await ", ""),
]


def schemas() -> str:
    """The models of the REST interface."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "schemas.py"
        command = [sys.executable, "-m", "datamodel_code_generator", f"--input={HERE.parents[1] / 'openapi.yaml'}"]
        subprocess.run([*command, f"--output={output}", *CODEGEN], check=True)
        return formatted(output.read_text(encoding="utf-8"))


def blocking() -> str:
    """The client with blocking calls."""
    text = (PACKAGE / "aio.py").read_text(encoding="utf-8")
    for old, new in BLOCKING:
        if old not in text:
            raise SystemExit(f"generate.py: aio.py has no `{old.splitlines()[0]}` any more; mend BLOCKING")
        text = text.replace(old, new)
    head, rest = text.split('"""\n', 1)
    return formatted(f'{head}"""\n\n{NOTE.format("aio.py")}\n{rest}')


def formatted(text: str) -> str:
    """As ruff formats it."""
    command = [sys.executable, "-m", "ruff", "format", "--no-cache", f"--config={HERE / 'pyproject.toml'}", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Writes or compares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a file is stale")
    check = parser.parse_args().check
    stale = []
    for name, text in (("schemas.py", schemas()), ("client.py", blocking())):
        path = PACKAGE / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"{' and '.join(stale)}: not what generate.py writes; run `make python-client`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

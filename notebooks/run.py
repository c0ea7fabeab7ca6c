#!/usr/bin/env python3
"""Runs the notebooks from top to bottom and says what became of each; `make notebooks` does so.

    python run.py                         # all; fails on any error, drifted figure, or stale page
    python run.py --only spam --only sales
    python run.py --render                # writes docs/notebooks anew, too
    python run.py --clean                 # only takes outputs out of the notebooks, as they are committed

They ask the server at YOSOKU_URL, or each starts one of its own (YOSOKU_BIN, or `yosoku` on the PATH).
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path

import nbclient
import nbformat
from jupyter_client import KernelManager

from render import page
from stale import difference, shows_other

HERE = Path(__file__).resolve().parent
PAGES = HERE.parent / "docs" / "notebooks"
SECONDS_FOR_A_CELL = 300
# What a page was made from is written at its end.
MADE_FROM = "<!-- made from cells {} -->"
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cells_hash(notebook):
    """Names the sources of all cells."""
    digest = hashlib.sha256()
    for cell in notebook.cells:
        digest.update(f"{cell.cell_type}\0{cell.source}\0".encode())
    return digest.hexdigest()[:16]


def cleaned(notebook):
    """The notebook as it is committed: without outputs, counts, and whatever an editor has left in it."""
    kept = nbformat.v4.new_notebook(metadata=KERNEL)
    for number, cell in enumerate(notebook.cells, 1):
        make = (
            nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        )
        kept.cells.append(make(cell.source.strip(), id=f"cell-{number}"))
    return nbformat.writes(kept) + "\n"


def run(path):
    """Runs one notebook and returns it with its outputs; raises what its cells raise."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        # Sockets in the file system: nobody else on this machine can talk to the kernel.
        kernel = KernelManager(kernel_name="python3", transport="ipc", ip=f"{folder}/kernel")
        client = nbclient.NotebookClient(
            notebook,
            km=kernel,
            timeout=SECONDS_FOR_A_CELL,
            resources={"metadata": {"path": str(HERE)}},
        )
        try:
            client.execute()
        finally:
            # It was not nbclient that made the kernel, so nbclient leaves it.
            kernel.shutdown_kernel()
    return notebook


def checks(notebook):
    """The figures that the notebook was held to."""
    texts = [
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    ]
    return sum(", expected " in line for text in texts for line in text.splitlines())


def write_page(path, notebook):
    """Writes the page of a notebook that was run, with its pictures, and takes older pictures away."""
    PAGES.mkdir(parents=True, exist_ok=True)
    for old in PAGES.glob(f"{path.stem}-*.png"):
        old.unlink()
    text, pictures = page(notebook, path.stem)
    for name, content in pictures.items():
        (PAGES / name).write_bytes(content)
    (PAGES / f"{path.stem}.md").write_text(with_source(text, notebook), encoding="utf-8")


def with_source(text, notebook):
    """The text of a page with a note at its end of what it was made from."""
    return f"{text}\n{MADE_FROM.format(cells_hash(notebook))}\n"


def problem_of_page(path, notebook):
    """Why the committed page does not belong to the notebook that was run, or None."""
    made = PAGES / f"{path.stem}.md"
    again = f"docs/notebooks/{made.name} is of another state of the notebook; run `make notebooks-render` and look at it"
    shown = made.read_text(encoding="utf-8") if made.is_file() else ""
    if not shown.rstrip().endswith(MADE_FROM.format(cells_hash(notebook))):
        return again
    if os.environ.get("YOSOKU_URL"):
        # What a server elsewhere holds and may do is told otherwise on some pages.
        return None
    text, pictures = page(notebook, path.stem)
    if gone := [name for name in pictures if not (PAGES / name).is_file()]:
        return f"{again}; it lacks {', '.join(gone)}"
    if found := difference(shown, with_source(text, notebook)):
        return f"{again}; it says\n    {found[0]}\nwhere there is now\n    {found[1]}"
    for name, picture in pictures.items():
        if shows_other((PAGES / name).read_bytes(), picture):
            return f"{again}; {name} shows something else now"
    return None


def told(error):
    """The cell that failed, and how: without the insides of libraries."""
    line = "-" * 18
    cell = error.traceback.split(line)[1].strip() if error.traceback.count(line) > 1 else ""
    return "\n".join(
        ["", *(f"    {row}" for row in cell.splitlines()), "", f"{error.ename}: {error.evalue}", ""]
    )


def tried(path, render):
    """Runs a notebook, prints a line for it, and returns whether all is well."""
    begin = time.monotonic()
    print(f"{path.name} …", end=" ", flush=True)
    if cleaned(nbformat.read(path, as_version=4)) != path.read_text(encoding="utf-8"):
        print(
            "FAILED: it holds outputs or leavings of an editor; run `python notebooks/run.py --clean`"
        )
        return False
    try:
        notebook = run(path)
    except nbclient.exceptions.CellExecutionError as error:
        print(f"FAILED after {time.monotonic() - begin:.1f} s, in the cell\n{told(error)}")
        return False
    except (nbclient.exceptions.CellTimeoutError, RuntimeError) as error:
        print(f"FAILED after {time.monotonic() - begin:.1f} s: {error}")
        return False
    if render:
        write_page(path, notebook)
    problem = problem_of_page(path, notebook) or (
        None if checks(notebook) else "it is held to no figure"
    )
    print(
        f"FAILED: {problem}"
        if problem
        else f"{time.monotonic() - begin:.1f} s, {checks(notebook)} figures as stated"
    )
    return problem is None


def main():
    """Runs what is asked for; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="notebooks whose name holds this",
    )
    parser.add_argument(
        "--render", action="store_true", help="write their pages under docs/notebooks anew"
    )
    parser.add_argument(
        "--clean", action="store_true", help="take outputs out of the notebooks, and run nothing"
    )
    wanted = parser.parse_args()
    found = [
        path
        for path in sorted(HERE.glob("*.ipynb"))
        if not wanted.only or any(text in path.stem for text in wanted.only)
    ]
    if not found:
        names = ", ".join(path.stem for path in sorted(HERE.glob("*.ipynb")))
        parser.error(f"no notebook has that in its name; there are {names}")
    if wanted.clean:
        for path in found:
            path.write_text(cleaned(nbformat.read(path, as_version=4)), encoding="utf-8")
        return 0
    failed = [path.name for path in found if not tried(path, wanted.render)]
    print(f"{len(found) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""A notebook that was run, as a page of Markdown with pictures beside it."""

import base64
import re

from nbformat import NotebookNode

# What notebooks style and pages need not: GitHub and mdBook have styles of their own.
STYLE = re.compile(r"<style.*?</style>|<!--.*?-->", re.DOTALL)
ATTRIBUTES = re.compile(r'\s(?:style|class|border|id|dtype|scoped)="[^"]*"')
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MOST_LINES = 40


def page(notebook, name):
    """The page, and its pictures by file name."""
    pictures = {}
    blocks = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks.append(cell.source.strip())
            continue
        blocks.append(f"```python\n{cell.source.strip()}\n```")
        for output in merged(cell.outputs):
            block = shown(output, name, pictures)
            if block:
                blocks.append(block)
    return "\n\n".join(blocks) + "\n", pictures


def merged(outputs):
    """The outputs of a cell, what was printed in one piece: bars of progress cut it into several."""
    kept = []
    for output in outputs:
        is_print = output.output_type == "stream" and output.name == "stdout"
        if is_print and kept and kept[-1].output_type == "stream":
            kept[-1] = NotebookNode({**kept[-1], "text": kept[-1].text + output.text})
        elif is_print or output.output_type != "stream":
            kept.append(output)
    return kept


def shown(output, name, pictures):
    """One output; None for what is of no interest on a page."""
    if output.output_type == "stream":
        return fenced(output.text)
    data = output.get("data", {})
    if "application/vnd.jupyter.widget-view+json" in data:
        # A bar of progress, where ipywidgets are installed.
        return None
    if "image/png" in data:
        file = f"{name}-{len(pictures) + 1}.png"
        pictures[file] = base64.b64decode(data["image/png"])
        return f"![](./{file})"
    if "text/html" in data:
        return table(data["text/html"])
    text = data.get("text/plain", "")
    # The object that a plot returns is of no interest.
    return None if text.startswith(("<Axes", "<Figure", "<matplotlib")) else fenced(text)


def table(html):
    """HTML without styles and, so that Markdown leaves it in one piece, without blank lines."""
    bare = ATTRIBUTES.sub("", STYLE.sub("", html)).replace("<span>", "").replace("</span>", "")
    lines = [line.strip() for line in bare.splitlines()]
    return (
        "<div>\n"
        + "\n".join(line for line in lines if line and line not in ("<div>", "</div>"))
        + "\n</div>"
    )


def fenced(text):
    """A text as it was printed, not too much of it."""
    lines = COLOUR.sub("", text).rstrip().splitlines()
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], "…"]
    return "```text\n" + "\n".join(lines) + "\n```"

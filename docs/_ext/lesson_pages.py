"""A page for each lesson: its words, its picture where the sliders start, what is asked, and how to open it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from rst import title

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def marked(text: str) -> str:
    """Markdown of the lessons as reStructuredText: formulas and names; emphasis is the same."""
    pieces = re.split(r"\$(.+?)\$|`(.+?)`", " ".join(text.split()))
    out = []
    for k in range(0, len(pieces), 3):
        out.append(pieces[k].replace("_", r"\_"))
        if k + 2 < len(pieces):
            maths, name = pieces[k + 1], pieces[k + 2]
            out.append(f":math:`{maths}`" if maths else f"``{name}``")
    # a role must stand apart from letters: an escaped blank is none on the page
    joined = ""
    for k, piece in enumerate(out):
        apart = k and ((k % 2 and joined[-1:].isalnum()) or (k % 2 == 0 and piece[:1].isalnum()))
        joined += (r"\ " if apart else "") + piece
    return joined


def words_of(source: str) -> tuple[str, list[str]]:
    """Heading and paragraphs of a notebook's first words."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "md" and node.args:
            found = node.args[0]
            if isinstance(found, ast.Constant) and str(found.value).lstrip().startswith("# "):
                heading, *rest = inspect.cleandoc(str(found.value)).split("\n\n")
                return heading.removeprefix("# "), rest
    raise ValueError("a lesson begins with a heading")


def lesson_page(name: str, folder: Path) -> str:
    """The page; the picture is that of the notebook as it opens, drawn while the pages are built."""
    file = NOTEBOOKS / f"{name}.py"
    heading, paragraphs = words_of(file.read_text(encoding="utf-8"))
    held = importlib.import_module(name).app.run()[1]
    held["figure"].savefig(folder / f"{name}.png", dpi=150)
    plain = re.sub(r"[$\\]", "", heading)
    parts = [title(plain), *(marked(p) + "\n" for p in paragraphs)]
    parts += [
        f".. image:: {name}.png\n   :alt: {plain}: the picture where the sliders start\n   :width: 100%\n"
    ]
    parts += [title("What is asked", "-")]
    parts += [f"#. {marked(e.question)}\n" for e in held["exercises"]]
    parts += [
        "Answers are typed into the notebook, which checks them by computation and gives a hint.\n",
        title("Open it", "-"),
        f'.. code-block:: text\n\n   pip install "compth[teach]"\n   marimo run docs/notebooks/{name}.py\n',
        f":download:`{name}.py <../../notebooks/{name}.py>` is plain Python, too: run as a program it runs all"
        " cells. The sliders stand above the picture, which follows them.\n",
    ]
    return "\n".join(parts)


def write(app: Any) -> None:
    """All lessons' pages, from scratch."""
    folder = Path(app.srcdir) / "generated" / "lessons"
    folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(NOTEBOOKS))
    for file in sorted(NOTEBOOKS.glob("lesson_*.py")):
        (folder / f"{file.stem}.rst").write_text(lesson_page(file.stem, folder), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", write, priority=100)
    return {"parallel_read_safe": True}

"""Pictures to share, drawn while the pages are built: files for the landing page, a page with their captions."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

from proof_pages import sentence
from rst import indent, title

from figures._command import caption, make

SHARED = ("who_is_right", "error_atlas", "mean_and_floor")
"""Figures of the landing page."""
_HEAD = """Three pictures for a talk, a lecture or a paper. Every number in them is computed by the package;
``python -m figures NAME`` writes them as SVG, PDF and PNG with their data as JSON, and what moves as a GIF.
"""


def section(name: str, folder: Path) -> str:
    """One figure: heading, picture (the animation where there is one), caption, command."""
    files = {path.suffix for path in make(name, folder)}
    module = importlib.import_module(f"figures.{name}")
    head, _, words = caption(module, module_data(folder / f"{name}.json")).strip().partition("\n\n")
    said = " ".join(words.removeprefix("Caption: ").split())
    shown = f"{name}.gif" if ".gif" in files else f"{name}.svg"
    heading, subtitle = re.fullmatch(r"(.+?)(?:: |(?<=\?) )(.+)", " ".join(head.rstrip(".").split())).groups()
    picture = f".. figure:: {shown}\n   :alt: {heading}: see the text\n   :width: 100%\n   :class: shared\n"
    text = sentence(said[:1].upper() + said[1:])
    under = [sentence(subtitle[:1].upper() + subtitle[1:]) + ".\n"]
    return "\n".join(
        [
            f".. _{name}:\n",
            title(heading, "-"),
            *under,
            picture,
            indent(text),
            f"\n``python -m figures {name}``\n",
        ]
    )


def module_data(stored: Path) -> Any:
    """The data of a figure that was made."""
    return json.loads(stored.read_text(encoding="utf-8"))["data"]


def write(app: Any) -> None:
    """The page and its pictures, from scratch."""
    folder = Path(app.srcdir) / "generated" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    parts = [title("Pictures to share"), _HEAD, *(section(name, folder) for name in SHARED)]
    (folder / "pictures.rst").write_text("\n".join(parts), encoding="utf-8")
    make("architecture", Path(app.srcdir) / "generated" / "architecture")  # the picture of architecture.rst


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", write, priority=100)
    return {"parallel_read_safe": True}

"""`python -m figures [name ...] [--out FOLDER]`: compute, store the data, draw SVG, PDF and PNG, make the gallery.

gallery.html holds every figure found in the folder with its caption, in one file without scripts or links elsewhere.
"""

from __future__ import annotations

import argparse
import base64
import html
import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import figures
from compth.errors import CompthError
from compth.reporting.files import MARK, provenance, write_all
from compth.reporting.page import page
from compth.reporting.reports import figure_bytes


def names() -> list[str]:
    """Every figure of the package."""
    return [m.name for m in pkgutil.iter_modules(figures.__path__) if not m.name.startswith("_")]


def make(name: str, folder: Path) -> list[Path]:
    """Data as JSON beside the three renderings, and a GIF of what moves."""
    module = importlib.import_module(f"figures.{name}")
    data = module.compute()
    figure = module.draw(data)
    stored = {"generator": MARK, "provenance": provenance(), "caption": caption(module, data), "data": data}
    contents = {f"{name}.{kind}": figure_bytes(figure, kind) for kind in ("svg", "pdf", "png")}
    if hasattr(module, "animate"):
        contents[f"{name}.gif"] = module.animate(data)
    contents[f"{name}.json"] = (json.dumps(stored, indent=1, ensure_ascii=False) + "\n").encode()
    return write_all(folder, contents)


def caption(module: Any, data: dict[str, Any]) -> str:
    """The module's text; {places} in it are filled by its `facts(data)`, so that no number is typed."""
    facts = getattr(module, "facts", None)
    text: str = module.__doc__
    return text if facts is None else text.format(**facts(data))


def gallery(folder: Path) -> Path:
    """The page of every figure whose SVG and JSON lie in the folder; images are inside the file."""
    body = ""
    for name in names():
        drawing, stored = folder / f"{name}.svg", folder / f"{name}.json"
        if not (drawing.is_file() and stored.is_file()):
            continue
        title, _, rest = json.loads(stored.read_text(encoding="utf-8"))["caption"].strip().partition("\n\n")
        words = " ".join(rest.removeprefix("Caption: ").split())
        caption = html.escape(words[:1].upper() + words[1:])
        head = f'<h2 id="{name}">{html.escape(" ".join(title.split()))}</h2>'
        body += f"{head}<figure>{_image(name, drawing)}<figcaption>{caption}</figcaption></figure>"
    return write_all(folder, {"gallery.html": page("Figures", body, command="python -m figures").encode()})[0]


def _image(name: str, drawing: Path) -> str:
    """The drawing inside the page; what moves stands still at its end in print, and where motion is unwanted."""
    moving, source, still = drawing.with_suffix(".gif"), _data(drawing, "svg+xml"), ""
    if moving.is_file():
        still = f'<source media="print, (prefers-reduced-motion: reduce)" srcset="{source}">'
        source = _data(moving, "gif")
    return (
        f'<picture>{still}<img alt="{name}: see the caption" style="max-width:100%" src="{source}"></picture>'
    )


def _data(file: Path, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


def main(arguments: Sequence[str]) -> int:
    """Make the named figures (all by default); 2 for an unknown name or a folder that cannot be written."""
    parser = argparse.ArgumentParser(prog="figures", description=__doc__)
    parser.add_argument("name", nargs="*", help="figures (default: all)")
    parser.add_argument("--out", type=Path, default=Path("figures/out"), help="data, drawings and gallery")
    options = parser.parse_args(list(arguments))
    unknown = sorted(set(options.name) - set(names()))
    if unknown:
        return _complain(f"{unknown[0]!r} is not known: choose from {', '.join(names())}")
    try:
        write_all(options.out, {})  # a folder that cannot be written is said before the work
        for name in options.name or names():
            print(", ".join(str(p) for p in make(name, options.out)), flush=True)
        print(gallery(options.out))
    except CompthError as problem:
        return _complain(str(problem))
    return 0


def _complain(message: str) -> int:
    print(f"figures: error: {message}", file=sys.stderr)
    return 2

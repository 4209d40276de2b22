"""The build fails on a figure's name instead of its picture, an example without one, and an empty bullet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

FAULTS = {
    "a figure is printed and not shown": re.compile(r"(?:<|&lt;)Figure size"),
    "a bullet is empty": re.compile(r"<li>\s*(?:<p>\s*</p>)?\s*</li>"),
}


def faults(page: str) -> list[str]:
    """What is wrong with a page of HTML."""
    return [name for name, pattern in FAULTS.items() if pattern.search(page)]


def without_a_picture(examples: Path, images: Path) -> list[str]:
    """Examples that drew nothing: their thumbnail would be the placeholder."""
    return [
        f.stem
        for f in sorted(examples.glob("plot_*.py"))
        if not list(images.glob(f"sphx_glr_{f.stem}_*.png"))
    ]


def look(app: Any, failure: Any) -> None:
    """At every page, once all are written."""
    if failure is not None or app.builder.format != "html":
        return
    source, out = Path(app.srcdir), Path(app.outdir)
    found = [
        f"{name}: no picture"
        for name in without_a_picture(source / "examples", source / "generated/examples/images")
    ]
    for page in sorted(out.rglob("*.html")):
        found += [f"{page.relative_to(out)}: {f}" for f in faults(page.read_text(encoding="utf-8"))]
    if found:
        raise ExtensionError("; ".join(found))


def setup(app: Any) -> dict[str, bool]:
    app.connect("build-finished", look)
    return {"parallel_read_safe": True}

"""CHANGELOG.md as a page, with the version that these pages describe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rst import escape, title

from compth import __version__

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
_HERE = f"""These pages describe version {__version__}, and so does the name at the top of each. For another
version check out its tag and ``make docs``; they need no network and lie in one folder.
"""
UNDER = {"#": "=", "##": "-", "###": "~"}


def as_rst(text: str) -> str:
    """Headings, bullets and `names` of the changelog as reStructuredText."""
    lines: list[str] = []
    for line in text.splitlines():
        found = re.fullmatch(r"(#{1,3}) (.+)", line)
        if found:
            lines += ["", title(found[2], UNDER[found[1]])]
            continue
        if line.startswith("- ") and lines and lines[-1].startswith("  "):
            lines.append("")
        pieces = line.split("`")
        lines.append("".join(f"``{t}``" if k % 2 else escape(t) for k, t in enumerate(pieces)))
    return "\n".join(lines) + "\n"


def write(app: Any) -> None:
    """The page, from scratch."""
    folder = Path(app.srcdir) / "generated" / "changes"
    folder.mkdir(parents=True, exist_ok=True)
    head, _, rest = CHANGELOG.read_text(encoding="utf-8").partition("\n\n")
    text = as_rst(head) + "\n" + _HERE + "\n" + as_rst(rest)
    (folder / "changes.rst").write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", write, priority=100)
    return {"parallel_read_safe": True}

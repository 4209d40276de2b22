"""Pieces of reStructuredText."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\*`|_])")


def escape(text: str) -> str:
    """Text that reStructuredText prints as it stands."""
    return _SPECIAL.sub(r"\\\1", text)


def linked(text: str) -> str:
    """Escaped text in which every arXiv number leads to its page."""
    return re.sub(
        r"arXiv ((?:[a-z-]+/)?\d[\d.]+\d)", r"`arXiv \1 <https://arxiv.org/abs/\1>`__", escape(text)
    )


def title(text: str, under: str = "=") -> str:
    """A heading."""
    shown = escape(text)
    return f"{shown}\n{under * len(shown)}\n"


def table(header: list[str], rows: list[list[str]], widths: str = "auto") -> str:
    """A list-table; cells are reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in [header, *rows]:
        shown = [r"\-" if cell == "-" else cell for cell in row]  # a dash alone begins a list
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(shown)]
    return "\n".join(lines) + "\n"


def indent(text: str, by: str = "   ") -> str:
    return "\n".join(by + line if line else line for line in text.split("\n"))


def literal(text: str) -> str:
    return f"``{text}``" if text else "-"

"""`python -m figures [name ...] [--out FOLDER]`: compute, store the data, draw SVG, PDF and PNG."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path

import figures
from compth._files import MARK, provenance, write_all
from compth.reports import figure_bytes


def names() -> list[str]:
    """Every figure of the package."""
    return [m.name for m in pkgutil.iter_modules(figures.__path__) if not m.name.startswith("_")]


def make(name: str, folder: Path) -> list[Path]:
    """Data as JSON beside the three renderings."""
    module = importlib.import_module(f"figures.{name}")
    data = module.compute()
    figure = module.draw(data)
    stored = {"generator": MARK, "provenance": provenance(), "caption": module.__doc__, "data": data}
    contents = {f"{name}.{kind}": figure_bytes(figure, kind) for kind in ("svg", "pdf", "png")}
    contents[f"{name}.json"] = (json.dumps(stored, indent=1, ensure_ascii=False) + "\n").encode()
    return write_all(folder, contents)


def main(arguments: list[str]) -> int:
    """Make the named figures (all by default)."""
    folder = Path("figures/out")
    if "--out" in arguments:
        at = arguments.index("--out")
        folder = Path(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2 :]
    unknown = set(arguments) - set(names())
    if unknown:
        print(
            f"figures: error: {sorted(unknown)[0]!r} is not known: choose from {', '.join(names())}",
            file=sys.stderr,
        )
        return 2
    for name in arguments or names():
        print(", ".join(str(p) for p in make(name, folder)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

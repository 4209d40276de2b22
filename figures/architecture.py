"""The way through the rooms: which code a compressor, a problem and a theorem pass, in the order in which they do.

Caption: drawn from the code, by running it: a box is a room of the package, with the modules of it that ran, in the
order in which they were first entered ({modules} modules in all). Above, ``ct.certify`` of Rand-K: from the object and
its claims to the stages and the certificates. In the middle, ``ct.compare`` of DCGD and EF21 on a quadratic: runs,
exact second moments, certified worst cases, the table. Below, the proof of gradient descent's contraction: the theorem
of the catalogue, its script in ``proofs_check``, the kernel, and the recheck of what is stored. Colours are the layers:
imports go down only, from the questions (top) to values and plain arithmetic (bottom).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

import compth as ct
from compth.reporting.plots import COLOURS, STYLE

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {
    "questions and reports": ("studies", "sweeps", "reporting", "testing", "cli"),
    "evidence": ("simulation", "dynamics", "worst_case", "certification", "proof"),
    "methods": ("methods", "tuning"),
    "objects": ("compressors", "problems"),
    "values": ("text", "claims", "calculus", "bits", "rates", "certificates", "errors", "sources", "values"),
    "proof scripts": ("proofs_check",),
}
"""Rooms by layer, from above: imports go down only (`tests/test_repository.py`)."""
SHOWN = 12
"""Modules named in a box; the others are counted."""
ACROSS = 5
"""Boxes in a row; a longer way goes on below."""
HOMES = (f"{ROOT}/compth/", f"{ROOT}/proofs_check/")


@contextmanager
def _followed(seen: dict[str, None]) -> Iterator[None]:
    """Notes the modules of the checkout in the order in which functions of them are first entered."""

    def note(frame: FrameType, event: str, arg: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(HOMES):
            seen.setdefault(str(Path(code.co_filename).relative_to(ROOT).with_suffix("")))

    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)


def follow(work: Callable[[], object]) -> list[str]:
    """The modules that the work passes; once before, so that no import is on the way."""
    work()
    seen: dict[str, None] = {}
    with _followed(seen):
        work()
    return list(seen)


def rooms(modules: list[str]) -> list[tuple[str, list[str]]]:
    """(room, its modules), in order of first entry; helpers whose names begin with _ are no rooms."""
    found: dict[str, list[str]] = {}
    for module in modules:
        parts = [p for p in module.split("/") if p not in ("compth", "__init__", "core", "engines")]
        if not parts or any(p.startswith("_") and p != "_command" for p in parts):
            continue
        deep = len(parts) > 2 and parts[0] == "certification"  # the largest room, shown by its own rooms
        room, name = ("/".join(parts[:2]), parts[2]) if deep else (parts[0], "/".join(parts[1:]) or parts[0])
        found.setdefault("values" if room in LAYERS["values"] else room, []).append(name)
    return list(found.items())


def _prove() -> None:
    from proofs_check._command import main

    with redirect_stdout(io.StringIO()):
        main(["gd.contraction", "--check"])


def compute() -> dict[str, Any]:
    """The rooms of the three ways."""
    q = ct.problems.random_quadratic(3, 4, 10, seed=0)
    methods = [ct.DCGD(ct.RandK(k=2)), ct.EF21(ct.TopK(k=2))]
    ways: dict[str, Callable[[], object]] = {
        "ct.certify(RandK(k=2), 4)": lambda: repr(ct.certify(ct.RandK(k=2), 4, budget="quick")),
        "ct.compare([DCGD, EF21], problem)": lambda: ct.compare(methods, q, 20, 4, threads=1).table(),
        "python -m proofs_check gd.contraction": _prove,
    }
    return {"ways": {name: rooms(follow(work)) for name, work in ways.items()}}


def facts(data: dict[str, Any]) -> dict[str, int]:
    """How many modules ran, for the caption."""
    passed = {(room, name) for way in data["ways"].values() for room, names in way for name in names}
    return {"modules": len(passed)}


def _layer(room: str) -> int:
    return next(i for i, held in enumerate(LAYERS.values()) if room.partition("/")[0] in held)


def _lines(names: list[str]) -> list[str]:
    """The names in a box."""
    if len(names) <= SHOWN:
        return names
    return [*names[: SHOWN - 1], f"and {len(names) - SHOWN + 1} more"]


def _rows(way: list[Any]) -> list[list[Any]]:
    return [way[at : at + ACROSS] for at in range(0, len(way), ACROSS)]


def draw(data: dict[str, Any]) -> Any:
    """Rows of boxes for each way, from left to right, an arrow from one to the next."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ways = {name: [(row, _tall(row)) for row in _rows(way)] for name, way in data["ways"].items()}
    across = ACROSS * (WIDTH + GAP)
    down = sum(0.36 + sum(tall + GAP for _, tall in rows_) for rows_ in ways.values()) + 0.55
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(across, down))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, across), ylim=(0, down))
        axes.set_axis_off()
        top = down - 0.1
        for name, rows_ in ways.items():
            axes.text(GAP / 2, top, name, fontsize=9, family="monospace", va="top")
            top -= 0.26
            for at, (row, tall) in enumerate(rows_):
                for i, (room, names) in enumerate(row):
                    _box(axes, GAP / 2 + i * (WIDTH + GAP), top, room, names, first=at == i == 0)
                top -= tall + GAP
            top -= 0.1
        _key(figure)
    return figure


LONG = 20
"""Letters of a name that needs a smaller type."""
LINE, WIDTH, GAP = 0.145, 1.3, 0.2
"""Inches: a line of a box, its width, and between two."""


def _tall(row: list[Any]) -> float:
    return max(len(_lines(names)) + 1.7 for _, names in row) * LINE


def _box(axes: Any, left: float, top: float, room: str, names: list[str], first: bool) -> None:
    """A room with its modules, and the arrow into it."""
    from matplotlib.colors import to_rgba
    from matplotlib.patches import FancyBboxPatch

    lines, colour = _lines(names), COLOURS[_layer(room)]
    tall = (len(lines) + 1.7) * LINE
    fill = {"facecolor": to_rgba(colour, 0.13), "edgecolor": colour, "linewidth": 1.3}
    style = "round,pad=0,rounding_size=0.05"
    axes.add_patch(FancyBboxPatch((left, top - tall), WIDTH, tall, boxstyle=style, **fill))
    small = 7.5 if len(room) < LONG else 6.6
    axes.text(left + 0.06, top - 0.07, room, fontsize=small, weight="bold", va="top")
    for j, line in enumerate(lines):
        axes.text(left + 0.06, top - 0.07 - (j + 1.15) * LINE, line, fontsize=7, va="top")
    if not first:
        arrow = {"arrowstyle": "-|>", "color": "0.3", "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (left, top - 0.14), (left - GAP, top - 0.14), arrowprops=arrow)


def _key(figure: Any) -> None:
    """The layers' colours."""
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Patch

    marks = [
        Patch(facecolor=to_rgba(COLOURS[i], 0.13), edgecolor=COLOURS[i], label=name)
        for i, name in enumerate(LAYERS)
    ]
    figure.legend(handles=marks, loc="lower center", ncols=len(marks), fontsize=7.5, frameon=False)

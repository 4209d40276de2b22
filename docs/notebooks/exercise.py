"""What the lessons share: exercises with computed answers, and the exact outcomes of a compressor."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import marimo as mo
import numpy as np

from compth.certification.tracer import leaves
from compth.reporting.reports import inline_svg


def started_as_script() -> str:
    """What to do instead, where Python runs a lesson by itself: its pages and sliders are marimo's; else ""."""
    main = sys.modules["__main__"]
    if mo.running_in_notebook() or not isinstance(getattr(main, "app", None), mo.App):
        return ""
    lesson = Path(sys.argv[0])
    return (
        f"{lesson.name} shows nothing when it is run as a script: `python -m marimo run {lesson}` opens it in a"
        f" browser, `python -m marimo export html {lesson} -o {lesson.stem}.html` writes its page"
    )


if _instead := started_as_script():
    print(_instead, file=sys.stderr)


@dataclass(frozen=True)
class Exercise:
    """A question with a number as its answer; truth is computed by the lesson, never typed."""

    question: str
    truth: float
    hint: str
    tolerance: float = 0.01

    def accepts(self, answer: float | None) -> bool:
        """True within the relative tolerance (1e-6 absolute where the truth is zero)."""
        return answer is not None and abs(answer - self.truth) <= max(self.tolerance * abs(self.truth), 1e-6)

    def feedback(self, answer: float | None) -> str:
        """What the reader sees."""
        if answer is None:
            return "Type a number."
        return "**Right.**" if self.accepts(answer) else f"Not yet. {self.hint}"


def fields(exercises: Sequence[Exercise]) -> Any:
    """Empty number fields, one for each exercise."""
    return mo.ui.array([mo.ui.number(step=0.001, value=None, label="answer") for _ in exercises])


def sheet(exercises: Sequence[Exercise], answers: Any) -> Any:
    """Questions, fields and feedback."""
    rows = [mo.md("## Exercises")]
    for i, (exercise, box) in enumerate(zip(exercises, answers, strict=True), 1):
        feedback = mo.md(exercise.feedback(box.value))
        rows += [mo.md(f"**{i}.** {exercise.question}"), mo.hstack([box, feedback], justify="start", gap=1)]
    return mo.vstack(rows)


def outcomes(compressor: Any, x: Any) -> list[tuple[float, Any]]:
    """Every outcome of C(x) with its probability, exactly."""
    x = np.asarray(x, dtype=float)
    found = leaves(lambda rng: compressor._compress(x, rng))
    return [(float(leaf.probability), np.array(leaf.output, dtype=float)) for leaf in found]


def picture(figure: Any) -> Any:
    """A matplotlib figure as vector graphics, as wide as there is room: panels side by side, on a phone stacked."""
    drawing = inline_svg(figure)
    width, height = (72 * float(side) for side in figure.get_size_inches())
    cuts = [0.0, *_borders(figure), width]
    pieces = []
    for left, right in itertools.pairwise(cuts):
        window = f'viewBox="{left:.1f} 0 {right - left:.1f} {height:.1f}" style="width:100%;height:auto"'
        piece = re.sub(r'width="\S+" height="\S+" viewBox="[^"]+"', window, drawing, count=1)
        pieces.append(f'<div style="flex:1 1 18rem;max-width:46rem">{piece}</div>')
    return mo.Html(
        f'<div class="picture" style="display:flex;flex-wrap:wrap;max-width:52rem">{"".join(pieces)}</div>'
    )


def _borders(figure: Any) -> list[float]:
    """Left ends, in points, of the panels that stand right of the first, labels included."""
    ends = sorted(72 * axes.get_tightbbox().x0 / figure.dpi for axes in figure.axes)
    return ends[1:]


def result(text: str) -> Any:
    """The line that answers the sliders."""
    return mo.Html(f'<p class="result" role="status" style="font-size:1.05rem">{text}</p>')

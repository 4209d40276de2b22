"""What the lessons share: exercises with computed answers, and the exact outcomes of a compressor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import marimo as mo
import numpy as np

from compth.certification.tracer import leaves
from compth.reporting.reports import inline_svg


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
    """A matplotlib figure as vector graphics."""
    return mo.Html(f'<div style="max-width:46rem">{inline_svg(figure)}</div>')


def result(text: str) -> Any:
    """The line that answers the sliders."""
    return mo.Html(f'<p class="result" role="status" style="font-size:1.05rem">{text}</p>')

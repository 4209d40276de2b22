"""The run of a counterexample in words: where it starts and what a round does, from the body's trace."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from compth._numbers import Number
from compth.errors import CompthError
from compth.methods.core.listing import round_of, steps_of
from compth.methods.core.program import Program
from compth.worst_case.question import Question, program_of
from compth.worst_case.told import Told
from compth.worst_case.witness import Witness

START, ROUND = "starts at", "a round"
"""Names of the two in a witness."""


def run_in_words(q: Question, w: Witness, numbers: Mapping[str, Fraction]) -> dict[str, str]:
    """{START: "x = 1, g = 0", ROUND: "x+ = x - gamma g; ..."} of a witness by a run, {} of any other.

    numbers: gamma and the parameters, for a body that is no formula in them.
    """
    if "mean squares" not in w.facts:
        return {}
    values = {k: v for k, v in numbers.items() if k != "gamma" or q.kind.signature.takes_gamma}
    # A body on formulas is told as it is printed in a paper; one that branches on a parameter only at these
    # numbers.
    try:
        program = program_of(q, tuple(sorted(values.items())), whole=True)
        steps = steps_of(program) if isinstance(q.kind, Told) else round_of(q.kind, values, q.n, 1)
    except CompthError:
        return {}
    return {START: start_in_words(program, w.facts["curvature"]), ROUND: "; ".join(steps)}


def start_in_words(program: Program, curvature: Number) -> str:
    """Where every vector of the state begins on curvature x^2/2 from x = 1."""
    begin: dict[str, object] = {"x0": 1, "gradient": curvature}
    at = {k: begin.get(program.start.get(k, ""), 0) for k in program.names} | {program.server[0]: 1}
    shown = [f"{k} = {at[k]}" for k in program.server]
    return ", ".join([*shown, *(f"every {k}_i = {at[k]}" for k in program.worker)])

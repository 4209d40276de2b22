"""The body on arrays against its own trace: what the verbs are given and what comes out must be the same combinations.

Everything derived from a trace speaks of the code that runs only where both agree: a body that asks what type its
vectors have, that keeps values between rounds or draws numbers of its own, does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from compth._numbers import Number
from compth._types import Array
from compth.methods.core.program import Body, Program, returned
from compth.methods.core.running import locked
from compth.methods.core.vectors import (
    COMMON,
    GRADIENT,
    MESSAGE,
    PART,
    PICKED,
    SPOKEN,
    STATE,
    Underivable,
    Vector,
)

T = TypeVar("T")
# more than one, so that a mean over parts differs from any of them
PARTS = 3
"""Parts of every worker there."""
# a linear program does the same in every coordinate: a few show it as well as d
WIDTH = 6
"""Most coordinates of the arrays that a body is run on here."""


class Probe:
    """A `w` whose verbs answer with random arrays and note what they were given."""

    def __init__(
        self, program: Program, coins: tuple[bool, ...], downlink: bool, rng: np.random.Generator, count: int
    ) -> None:
        self.n, self.d = program.n, program.d
        self._coins, self._downlink, self._rng = list(coins), downlink, rng
        self._width, self._count = min(program.d, WIDTH), count
        self.given: list[tuple[str, Array]] = []
        self.answers: list[Array] = []

    def _noted(self, kind: str, u: Array, *rows: int) -> Array:
        self.given.append((kind, np.asarray(u)))
        self.answers.append(locked(self._rng.standard_normal((self._count, *rows, self._width))))
        return self.answers[-1]

    def gradient(self, x: Array, *, draw: object = None) -> Array:
        return self._noted(GRADIENT, x, self.n)

    @property
    def parts(self) -> ProbeParts:
        return ProbeParts(self)

    def compress(self, u: Array) -> Array:
        return self._noted(MESSAGE, u, self.n)

    def sketch(self) -> Callable[[Array], Array]:
        return self.compress

    def mean(self, v: Array) -> Array:
        return np.asarray(v.mean(axis=1, keepdims=True))

    def broadcast(self, v: Array) -> Array:
        return self._noted(SPOKEN, v, 1) if self._downlink else v

    def coin(self, p: float, yes: T, no: T) -> T:
        return yes if self._coins.pop(0) else no


class ProbeParts:
    """`w.parts` of a probe."""

    def __init__(self, w: Probe) -> None:
        self._w = w

    def gradient(self, x: Array) -> Array:
        return self._w._noted(GRADIENT, x, self._w.n, PARTS)

    def mean(self, v: Array) -> Array:
        return np.asarray(v.mean(axis=2))

    def sample(self) -> Callable[[Array], Array]:
        return lambda v: self._w._noted(PICKED, v, self._w.n)


def agree(body: Body, program: Program, params: Mapping[str, Number], downlink: bool) -> Program:
    """The program, every outcome run twice on random arrays; Underivable where anything differs from the trace."""
    reason = "on arrays it computes something other than on symbols, so nothing can be derived from it"
    # a combination is pinned down by its values at random vectors: a wrong coefficient would go unseen on a
    # set of vectors of measure 0 only. Two sizes of batch, as a body may look at the number of
    # replicates
    for seed, count in ((1, 2), (2, 64)):
        for leaf in program.leaves:
            rng = np.random.default_rng((seed, len(leaf.coins)))
            # the probe answers with noise of its own instead of gradients and messages: the body can only
            # pass it on linearly, as the trace says, or be caught
            w = Probe(program, leaf.coins, downlink, rng, count)
            rows = {k: program.n if k in program.worker else 1 for k in program.names}
            state = {k: locked(rng.standard_normal((count, r, w._width))) for k, r in rows.items()}
            x = program.server[0]
            try:
                out = body(w, state[x], **{k: v for k, v in state.items() if k != x}, **params)
                after = returned(program.name, out, program.names)
            except Exception as problem:
                raise Underivable(
                    f"{reason} ({type(problem).__name__}: {problem})", name=program.name
                ) from None
            pairs = [(op.kind, op.argument) for op in program.ops]
            # the verbs in their order, then what each was given, then the next state: together that is the
            # whole program
            same = [kind for kind, _ in w.given] == [kind for kind, _ in pairs]
            same = same and all(
                _is(u, v, state, w.answers) for (_, u), (_, v) in zip(w.given, pairs, strict=True)
            )
            if not (same and all(_is(after[k], v, state, w.answers) for k, v in leaf.following.items())):
                raise Underivable(reason, name=program.name)
    return program


def _is(got: object, vector: Vector, state: Mapping[str, Array], answers: list[Array]) -> bool:
    """True when an array is this combination, to rounding."""
    # the combination is built up as the trace writes it; scale is its largest term, so that the rounding of
    # large terms that cancel is not taken for a difference
    want: Array = np.zeros((1, 1, 1, 1) if vector.parted else (1, 1, 1))
    scale = 1e-300
    for (scope, kind, i), c in vector.terms.items():
        part = state[i] if kind == STATE else answers[i]
        part = part.mean(axis=2) if part.ndim == 4 and scope != PART else part
        part = float(c) * (part.mean(axis=1, keepdims=True) if scope == COMMON else part)
        want, scale = want + part, max(scale, float(np.abs(part).max()))
    found = np.asarray(got, dtype=float)
    if found.ndim != want.ndim or not vector.terms:
        return not vector.terms and not np.any(found)
    return bool(np.abs(found - want).max() <= 1e-9 * scale)

"""A body's round in symbols: its Model, and what one round does on the extremal quadratics, as matrices of formulas.

Everything here is printed from the trace: the body is run on symbols for gamma, its parameters and the constants of the
class. The formulas are held against the exact round at rational numbers (`brackets.agrees`) before anything is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import sympy

from compth._numbers import Number
from compth.errors import Unsupported
from compth.methods.core.centre import Centre
from compth.methods.core.program import Leaf, Program, trace
from compth.methods.core.vectors import MESSAGE, Vector
from compth.worst_case.body_told import Formula, valued
from compth.worst_case.model import Model, Quadratic1D, plus
from compth.worst_case.question import Question
from compth.worst_case.rational import spelled
from compth.worst_case.resolved import Class, Step
from compth.worst_case.told import Kind, Told
from compth.worst_case.traced import model_of_step, on_quadratic

MU, SMOOTH, NORM, OMEGA = sympy.symbols("mu L s omega", positive=True)
"""mu, L, s = sqrt(1 - delta), omega."""
MOST_SIGNS = 3
"""Compressions of a step whose signs are all tried in symbols."""


class Several(sympy.Symbol):  # type: ignore[misc]  # sympy has no types
    """The number of workers where it is not 1: it passes the question whether there are deviations.

    `n > 1` is true of it, as it stands for any such n: the one question that a model asks of the number of workers.
    """

    def __new__(cls, name: str) -> Several:
        made: Several = super().__new__(cls, name, integer=True, positive=True)
        return made

    def __gt__(self, other: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True


WORKERS = Several("n")


@dataclass(frozen=True)
class Instance:
    """A 1-D quadratic that all workers share: curvature MU or SMOOTH; factors: what each message is multiplied by.

    factors is empty for unbiased messages, whose law is told by its variance, and for methods that send nothing.
    """

    curvature: sympy.Expr
    factors: tuple[sympy.Expr, ...]

    def without_noise(self) -> str:
        """The same where nothing is random, and so without a law where nothing is sent."""
        return str(self) if self.factors else f"f_i(x) = {self.curvature} x^2/2"

    def __str__(self) -> str:
        shown = ", ".join("(1+s) v" if f == 1 + NORM else "(1-s) v" for f in self.factors)
        law = f"C(v) = {shown}" if shown else "E C(v) = v, E|C(v) - v|^2 = omega |v|^2"
        return f"f_i(x) = {self.curvature} x^2/2, {law}"


@dataclass(frozen=True)
class Round:
    """The body's step in symbols. unknowns: gamma and the parameters that are looked for; noisy: unbiased messages."""

    kind: Kind
    program: Program
    step: Step
    cls: Class
    unknowns: tuple[sympy.Symbol, ...]
    noisy: bool

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """All ends of the curvature and, for biased messages, all signs."""
        # Ends of the class: a quadratic with mu or L, C(v) = (1 + s) v or (1 - s) v.
        # They are candidates for the worst case, which brackets confirm or not;
        # rotations and curvatures between are looked for by `brackets.rotated`.
        signs = product((1 + NORM, 1 - NORM), repeat=len(self.step.messages)) if not self.noisy else [()]
        return tuple(Instance(c, tuple(f)) for c, f in product((MU, SMOOTH), list(signs)))

    def matrix(self, at: Instance) -> sympy.Matrix:
        """The round on this instance: of the state for biased messages, of second moments for unbiased ones.

        Entries are rational formulas in gamma, the parameters and the class's constants. Rows are next states (or
        coefficients of moments), as `Model.moments` has them.
        """
        common, worker = on_quadratic(
            self.program, self.step, at.curvature, dict(zip(self.step.messages, at.factors, strict=True))
        )
        if self.noisy:
            # Noise enters through its variance alone: second moments follow
            # a linear map whose largest eigenvalue is rho.
            q = Quadratic1D(at.curvature, "", 0, common, worker)
            return sympy.Matrix([[sympy.together(c) for c in row] for row in self.model.moments(q)[1]])
        (leaf,) = self.program.leaves
        names = self.program.names
        rows = []
        for k in names:
            value, _ = self.step.value(leaf.following[k])
            # All workers equal: the mean over workers is the worker's own
            # vector, and the state has one copy of each.
            row = plus(*((c, common[a.removeprefix("mean ")]) for a, c in value.items()))
            rows.append([sympy.sympify(row.get(a, 0)) for a in names])
        return sympy.Matrix(rows)

    @cached_property
    def equations(self) -> dict[tuple[Instance, str], tuple[sympy.Expr, ...]]:
        """What `elimination.equation` found of each instance: determinants in symbols are slow."""
        return {}

    @cached_property
    def model(self) -> Model:
        """The Model in symbols, V on the state alone."""
        return self.statement(False)

    def statement(self, full: bool) -> Model:
        """The same; full: V also sees the gradient at x, f - f*, and x+.

        A new Step for each: the model adds the points at which it takes gradients to the step that it is given.
        """
        step = Step(self.program, self.cls)  # a model adds its points to the step
        given = {"mu": MU, "L": SMOOTH, "n": self.cls.n}
        return model_of_step(
            self.program, step, self.cls, constants=given, units=None, centre=RESTS, clean=full, extremal=()
        )


RESTS = Centre(1, {}, {})
"""Of a model that is used for its matrices alone: where it rests is said by the model at numbers."""


def symbolic_round(q: Question, params: Mapping[str, Number], moving: tuple[str, ...]) -> Round:
    """The round of a question. params: held at numbers; moving: the parameters that stay symbols (gamma always does).

    Unsupported for coins and for more than MOST_SIGNS compressions a step.
    """
    kind, form = q.kind, q.kind.signature
    if isinstance(kind, Told):
        raise Unsupported(f"{q.method}: the body lives in its file's process: no closed form is looked for")
    unknown = {k: sympy.Symbol(k, positive=True) for k in moving}
    if form.takes_gamma:
        unknown = {"gamma": sympy.Symbol("gamma", positive=True)} | unknown
    # The body runs once, on formulas in place of numbers. A comparison of a formula with a number has no
    # answer and is refused by the trace, so that no branch is taken in silence.
    given = {k: spelled(v) for k, v in params.items()} | {k: Formula(k) for k in unknown}
    program = _valued(trace(kind.body, form.server, form.worker, given, n=1, d=10, start=form.start), unknown)
    if len(program.leaves) > 1:
        raise Unsupported(f"{q.method}: coins: no closed form is looked for")
    if len(program.of_kind(MESSAGE)) > MOST_SIGNS:
        raise Unsupported(
            f"{q.method}: more than {MOST_SIGNS} compressions a step: no closed form is looked for"
        )
    noisy = q.delta is None
    # Only noise makes the number of workers matter: without it equal workers behave as one.
    n: Number = WORKERS if noisy and q.n > 1 else 1
    cls = Class(MU, SMOOTH, 0 if noisy else NORM**2, OMEGA if noisy else 0, n)  # type: ignore[arg-type]
    return Round(kind, program, Step(program, cls), cls, tuple(unknown.values()), noisy)


def _valued(program: Program, values: Mapping[str, sympy.Symbol]) -> Program:
    """The traced formulas as sympy's."""

    def put(v: Vector) -> Vector:
        terms = {k: valued(c.tree, values) if isinstance(c, Formula) else c for k, c in v.terms.items()}
        return Vector({k: sympy.expand(sympy.sympify(c)) for k, c in terms.items()})

    return replace(
        program,
        ops=tuple(replace(op, argument=put(op.argument)) for op in program.ops),
        leaves=tuple(
            Leaf(1, leaf.coins, {k: put(v) for k, v in leaf.following.items()}) for leaf in program.leaves
        ),
    )


__all__ = ["Instance", "Round", "symbolic_round"]

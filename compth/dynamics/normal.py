"""A body as a `Scheme`, where it has that form: one compression a step, at most one memory of the workers.

The form is read off the lowered program: u_i from what is compressed, the common vectors that are needed (servers, and
the averaged memory where something reads it), their next values, and the memory as v y + w u + r eps.

A program is let in only where the whole of its step has the form; what does not fit (a power of A above 1, noise of the
step in an input, a coin that decides a memory) is NotNormal, and goes to the traced operator, which takes everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number
from compth.claims import Unbiased
from compth.compressors.identity import Identity
from compth.dynamics.forms import Branch, Broadcast, Scheme, Sketches
from compth.dynamics.lowered import Lowered, Noise, Poly, Row, lowered
from compth.dynamics.system import Data
from compth.errors import CompthError, Unsupported
from compth.methods.core import Method
from compth.methods.core.body import NOTHING, BodyMethod, BodyState, derived, runs_its_body
from compth.methods.core.centre import Centre, centre_of, without_invariants
from compth.methods.core.outside import while_it_reads_the_same
from compth.methods.core.program import Op, Program, averaged_gradients
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, SPOKEN, Underivable, Vector
from compth.problems.interface import Problem

if TYPE_CHECKING:
    from compth._types import Array, Numbers
    from compth.compressors.core.base import DiagonalSketch


class NotNormal(CompthError):
    """A program without this form, and why."""


def whole_program(method: BodyMethod, gamma: Number, params: Mapping[str, Number], n: int, d: int) -> Program:
    """The step at these parameters, in Fractions where the body takes them."""
    values = method.read_from(params) | ({"gamma": gamma} if method.signature.takes_gamma else {})
    return _derived(type(method), values, n, d, not method.broadcasts_all)


def exact_program(method: BodyMethod, gamma: Number, params: Mapping[str, Number], n: int, d: int) -> Program:
    """The same less the copies that invariants show."""
    return without_invariants(whole_program(method, gamma, params, n, d))[0]


def program_at(
    kind: type[BodyMethod], values: Mapping[str, object], n: int, d: int, downlink: bool
) -> Program:
    """The same of a class at these values."""
    return without_invariants(_derived(kind, values, n, d, downlink))[0]


def _derived(kind: type[BodyMethod], values: Mapping[str, object], n: int, d: int, downlink: bool) -> Program:
    """The program in Fractions; in floats for a body that calls numpy on a parameter."""
    try:
        return derived(kind, _sorted(values, Fraction), n, d, downlink)
    except Underivable:  # a body that calls numpy on a parameter
        return derived(kind, _sorted(values, float), n, d, downlink)


def _sorted(
    values: Mapping[str, object], number: Callable[[Number], Number]
) -> tuple[tuple[str, Number], ...]:
    """Parameters as numbers of this kind, in an order that does not depend on the caller."""
    return tuple(sorted((k, number(v)) for k, v in values.items()))


def in_full(program: Program) -> Program:
    """A step whose one operation is a gradient that all workers send in full: the same as a message of nothing lost."""
    if [op.kind for op in program.ops] != [GRADIENT] or averaged_gradients(program) != {0}:
        return program
    (gradient,) = program.ops
    # A method without compression has no message; with the gradient sent in full it has the form of the
    # others, whose noise is then 0.
    sent = Op(MESSAGE, Vector({(OWN, GRADIENT, 0): 1}), gradient.line, gradient.draw + 1)

    def read(v: Vector) -> Vector:
        """The vector with the message in place of the averaged gradient."""
        return Vector({(COMMON, MESSAGE, 1) if k[1] == GRADIENT else k: c for k, c in v.terms.items()})

    leaves = [
        replace(leaf, following={k: read(v) for k, v in leaf.following.items()}) for leaf in program.leaves
    ]
    return replace(program, ops=(gradient, sent), leaves=tuple(leaves))


def scheme_of(program: Program, centre: Centre, sketches: Sketches) -> Scheme:
    """The Scheme of a program; NotNormal where it has none."""
    low = lowered(program, centre, sketches, False, together=False)
    broadcast_noises = [v for v in low.noises if v.kind == SPOKEN]
    sent = [v for v in low.noises if v.kind == MESSAGE]
    if len(low.noises) > len(broadcast_noises) + len(sent):
        raise NotNormal("parts that are drawn")
    if len(sent) != 1 or len(broadcast_noises) > 1 or low.means > 1:
        raise NotNormal(f"{len(sent)} compressions, {len(broadcast_noises)} broadcasts, {low.means} memories")
    # One compression, at most one broadcast after it, at most one memory: all that a Scheme can say.
    (message,) = sent
    u, memory = message.input, _memory(low, message)
    if broadcast_noises and _holds(u, broadcast_noises[0].column):
        raise NotNormal("a broadcast before the compression")
    _check_input(u, low)
    commons = _commons(low, u, sketches.cross is not None)
    q = u.mine.get(low.servers, Fraction(0))
    branches = tuple(_branch(p, rows, commons, message, broadcast_noises, low) for p, rows, _ in low.leaves)
    down = _broadcast_of(low, broadcast_noises[0], commons, message) if broadcast_noises else None
    average = commons.index(low.servers) if low.servers in commons else None
    alpha, beta = ([p.get((k, 0), Fraction(0)) for k in commons] for p in (u.own, u.plain))
    return Scheme(
        tuple(alpha), tuple(beta), u.s, q=q, branches=branches, memory=memory, average=average, down=down
    )


def _holds(row: Row, column: int) -> bool:
    """True where a row holds this column, in whatever part."""
    return any(k == column for k, _ in (*row.own, *row.plain)) or column in row.mine


def _check_input(u: Row, low: Lowered) -> None:
    """NotNormal unless what is compressed is A_i and the identity on state columns, s_i and the worker's memory."""
    powers = any(e for _, e in (*u.own, *u.plain))
    noisy = any(_holds(u, v.column) for v in low.noises)
    if powers or noisy or u.star:
        raise NotNormal("what is compressed holds the mean Hessian, noise of the step or x*")


def _commons(low: Lowered, u: Row, cross: bool) -> list[int]:
    """Servers, and the averaged memory where u, a server or the workers' correlation reads it."""
    quiet = {v.column for v in low.noises}

    def reads(*polys: Poly) -> set[int]:
        """The state columns that stand in these polynomials."""
        return {k for p in polys for k, _ in p} - quiet

    # The least set of common vectors that is closed: what the input, the broadcast and their own next values
    # read. The averaged memory is among them only where something reads it.
    base = set(range(low.servers)) | reads(u.own, u.plain) | ({low.servers} if low.means and cross else set())
    inputs = [v.input.plain for v in low.noises if v.kind == SPOKEN]
    base |= reads(*inputs)
    while True:
        more = base | reads(*(rows[k].plain for _, rows, _ in low.leaves for k in base))
        if more == base:
            return sorted(base)
        base = more


def _line(p: Poly, commons: list[int], noise: int) -> tuple[tuple[Number, ...], tuple[Number, ...], Number]:
    """(coefficients, coefficients times A, coefficient of the mean noise) of a common vector."""
    if any(e > 1 or (e and k == noise) for k, e in p):
        raise NotNormal("a power of the mean Hessian above 1, or noise under it")
    plain = tuple(p.get((k, 0), Fraction(0)) for k in commons)
    return plain, tuple(p.get((k, 1), Fraction(0)) for k in commons), p.get((noise, 0), Fraction(0))


def _branch(
    probability: Fraction,
    rows: tuple[Row, ...],
    commons: list[int],
    message: Noise,
    broadcast_noises: list[Noise],
    low: Lowered,
) -> Branch:
    """One outcome of the coins: every common vector's next value, without the broadcast's noise."""
    spoken = broadcast_noises[0].column if broadcast_noises else -1
    found = []
    for k in commons:
        if rows[k].star or any(e and c == spoken for c, e in rows[k].plain):
            raise NotNormal("x* or a broadcast's noise under the mean Hessian in a common vector")
        p = {key: v for key, v in rows[k].plain.items() if key[0] != spoken}
        found.append(_line(p, commons, message.column))
    return Branch(probability, *(tuple(f[i] for f in found) for i in range(3)))


def _broadcast_of(low: Lowered, spoken: Noise, commons: list[int], message: Noise) -> Broadcast:
    """What is broadcast, and which common vectors take its noise: the same in every outcome."""
    enters = [
        tuple(rows[k].plain.get((spoken.column, 0), Fraction(0)) for k in commons)
        for _, rows, _ in low.leaves
    ]
    if any(x != enters[0] for x in enters):
        raise NotNormal("a coin decides where the broadcast goes")
    if spoken.input.star or any(_holds(r, spoken.column) for _, _, own in low.leaves for r in own):
        raise NotNormal("a broadcast of x*, or one that reaches the workers' memories")
    return Broadcast(*_line(spoken.input.plain, commons, message.column), enters[0])


def _memory(low: Lowered, message: Noise) -> tuple[Number, Number, Number] | None:
    """(v, w, r) with y+ = v y + w u + r eps; None without a memory."""
    if not low.means:
        return None
    rows = [own[0] for _, _, own in low.leaves]
    if any(r != rows[0] for r in rows):
        raise NotNormal("a coin decides what the workers remember")
    row, u = rows[0], message.input
    target, source = ({("own", *k): c for k, c in x.own.items()} | {("plain", *k): c for k, c in x.plain.items()}
                      | ({("s",): x.s} if x.s else {}) for x in (row, u))  # fmt: skip
    # y+ = v y + w u + r eps with u = A_i(..) + .. + q y: w from any part of u that is not y, which all other
    # parts must confirm; v is what is left of y.
    key = next((k for k in source if source[k]), None)
    w = Fraction(0) if key is None else target.get(key, Fraction(0)) / source[key]
    if any(target.get(k, 0) != w * source.get(k, 0) for k in {*target, *source}) or row.star:
        raise NotNormal("the memory is no combination of itself, what is compressed and the noise")
    rest = {k for k in row.mine if k not in (low.servers, message.column)}
    if rest:
        raise NotNormal("other noise in the memory")
    q, y = u.mine.get(low.servers, Fraction(0)), row.mine.get(low.servers, Fraction(0))
    return y - w * q, w, row.mine.get(message.column, Fraction(0))


def takes_oracles(program: Program) -> bool:
    """True where gradient noise joins the compression's: one gradient, in what is compressed, with factor 1, alone."""
    gradients, messages = program.of_kind(GRADIENT), program.of_kind(MESSAGE)
    if len(gradients) != 1 or len(messages) != 1:
        return False
    vectors = [v for leaf in program.leaves for v in leaf.following.values()]
    vectors += [op.argument for i, op in enumerate(program.ops) if i != messages[0]]
    elsewhere = any(kind == GRADIENT for v in vectors for _, kind, _ in v.terms)
    terms = program.ops[messages[0]].argument.terms
    mine = {k: c for k, c in terms.items() if k[1] == GRADIENT}
    return (
        not elsewhere and set(mine) == {(OWN, GRADIENT, gradients[0])} and all(c == 1 for c in mine.values())
    )


TRIED = (Fraction(1, 3), Fraction(2, 5))
"""Values of every parameter at which the form is looked for: where a body rests must not hang on them."""


@while_it_reads_the_same(256, attrgetter("body"))
def form_of(
    kind: type[BodyMethod],
    downlink: bool,
    stochastic: bool,
    full: bool = False,
    counts: tuple[tuple[str, int], ...] = (),
) -> tuple[Centre, bool] | None:
    """(where the body rests, whether gradients may be drawn) of a body with this form, None for any other.

    counts: whole numbers that the body may count by; the other parameters are TRIED. full: its compressors send
    everything, so that a gradient that is not compressed is a message too.
    """
    names = [*kind.signature.params, *(("gamma",) if kind.signature.takes_gamma else ())]
    centres = []
    try:
        for value in TRIED:
            # The form is read at two values of every parameter: where it rests must be the same at both.
            program = program_at(kind, dict.fromkeys(names, value) | dict(counts), 3, 4, downlink)
            program = in_full(program) if full else program
            centre = centre_of(program)
            scheme_of(program, centre, Sketches(Fraction(1, 2), ()))
            centres.append(centre)
    except (NotNormal, Unsupported):
        return None
    drawn = takes_oracles(program)
    hidden = set(program.names) != {*kind.signature.server, *kind.signature.worker}
    if centres[0] != centres[1] or centres[0].tier == 3 or hidden or (stochastic and not drawn):
        return None
    return centres[0], drawn


@dataclass(frozen=True)
class Recipe:
    """How a method enters: its scheme, what it keeps at t = 0, and its simulated state, which metrics are read from.

    scheme(gamma, params, sketches, n, d). memory(data, z) -> y (n, d). common(data, z) -> the common vectors after z
    that are not the averaged memory. state(problem, x, y, common) -> State of replicates: x (R, d), y (R, n, d), common
    a list of (R, d).
    """

    scheme: Callable[[Number, Mapping[str, Number], Sketches, int, int], Scheme]
    memory: Callable[[Data, Numbers], Numbers] | None
    common: Callable[[Data, Numbers], list[Numbers]] | None
    state: Callable[[Problem, Array, Array | None, list[Array] | None], BodyState]


def normal_form(method: BodyMethod) -> tuple[Centre, bool] | None:
    """Where a body with the form of a Scheme rests, and whether its gradients may be drawn; None for any other.

    A Scheme's broadcast has mean I: a biased one is the traced operator's.
    """
    if not method.broadcasts_all and _biased(method.downlink):
        return None
    stochastic = method.estimator is not None and not method.estimator.exact
    known = {k: v for k, v in method.signature.params.items() if v is not NOTHING} | dict(method.given())
    counts = tuple((k, v) for k, v in known.items() if isinstance(v, int) and k in method.signature.params)
    return form_of(type(method), not method.broadcasts_all, stochastic, _sends_all(method), counts)


@cache
def _biased(compressor: DiagonalSketch) -> bool:
    """True for a linear sketch that makes no claim to be unbiased, at a dimension that it supports."""
    d = next((d for d in range(64, 0, -1) if not compressor.why_not(d)), 1)
    return compressor.claim(Unbiased, d) is None and compressor.linear_moments(d) is not None


def _sends_all(method: Method) -> bool:
    """True where no message is ever shortened."""
    return type(method.compressor) is Identity


def recipe_of(method: Method) -> Recipe:
    """The method's recipe, from its body; Unsupported where nothing can be read off a body."""
    name = type(method).__name__
    if not isinstance(method, BodyMethod):
        raise Unsupported(f"{name} has no exact dynamics: write its step as a body, or simulate it")
    if not runs_its_body(type(method)):
        raise Unsupported(f"{name} changes what its body says: no exact dynamics, simulate it")
    found = normal_form(method)
    if found is None:
        raise Unsupported(f"{method.label} has no Scheme: its dynamics are those of the traced operator")
    centre, _ = found

    def scheme(gamma: Number, params: Mapping[str, Number], sketches: Sketches, n: int, d: int) -> Scheme:
        """The Scheme at these parameters; NotNormal where the body rests elsewhere there."""
        program = exact_program(method, gamma, params, n, d)
        program = in_full(program) if _sends_all(method) else program
        if centre_of(program) != centre:
            raise NotNormal(f"{method.label}: where it rests depends on its parameters")
        return scheme_of(program, centre, sketches)

    memory, common = starts(method, centre)
    return Recipe(scheme, memory, common, state_of(method, centre))


def starts(
    method: BodyMethod, centre: Centre
) -> tuple[Callable[[Data, Numbers], Numbers] | None, Callable[[Data, Numbers], list[Numbers]] | None]:
    """((data, z) -> the memory at t = 0, the same for the servers after x), measured from where they rest."""
    form = method.signature

    def common(data: Data, z: Numbers) -> list[Numbers]:
        """Servers after x at t = 0, each measured from where it rests."""
        out = []
        for k in form.server[1:]:
            kind, a = form.start.get(k, "zero"), centre.server[k]
            here = {"x0": z + data.x_star, "gradient": data.mean @ z}.get(kind, 0 * z)
            out.append(here - _like(a, z) * data.x_star)
        return out

    def memory(data: Data, z: Numbers) -> Numbers:
        """The memory at t = 0, measured from where it rests."""
        name = form.worker[0]
        (a, b), kind = centre.worker[name], form.start.get(name, "zero")
        here = {"x0": z + data.x_star + 0 * data.s, "gradient": np.matmul(data.A, z) + data.s}
        begins = here[kind] if kind in here else 0 * data.s
        return np.asarray(begins - _like(b, data.s) * data.s - _like(a, data.s) * data.x_star)

    return memory if form.worker else None, common if len(form.server) > 1 else None


def _like(c: Fraction, array: Numbers) -> Number:
    """A coefficient in an array's kind of number."""
    return c if array.dtype == object else float(c)


def state_of(
    method: BodyMethod, centre: Centre
) -> Callable[[Problem, Array, Array | None, list[Array] | None], BodyState]:
    """(problem, x, y, common) -> the simulated state, from vectors measured from where they rest."""
    form = method.signature

    def made(problem: Problem, x: Array, y: Array | None, common: list[Array] | None) -> BodyState:
        """The simulated state that has these vectors."""
        star, s = problem.x_star, problem.gradients_at_star
        out = {
            k: v + float(centre.server[k]) * star for k, v in zip(form.server[1:], common or (), strict=False)
        }
        if form.worker:
            assert y is not None
            a, b = centre.worker[form.worker[0]]
            out[form.worker[0]] = y + float(b) * s + float(a) * star
        return method.state_class(x, held=problem.gradients(x), **out)

    return made


def plain_kernel(scheme: Scheme, singular: bool) -> None:
    """Unsupported where a singular mean Hessian's kernel, which x's moments leave out, would be compressed."""
    if singular and (any(scheme.beta) or (scheme.down is not None and np.any(scheme.down.tau[:1]))):
        raise Unsupported(
            "the mean Hessian is singular and iterates are compressed: no closed recursion, simulate it"
        )

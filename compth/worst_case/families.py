"""Families of small quadratics on which one step of any Model is a matrix: workers of a few kinds, each linear.

A kind has a Hessian, what its messages do to their inputs, and a memory: 0, or a block of the state up to its sign.
The families are where a counterexample to one step is looked for before the dual is asked: what is found here has one
or two dimensions and can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypedDict

import numpy as np

from compth._numbers import Number
from compth._types import Numbers
from compth.worst_case.exact_algebra import Matrix
from compth.worst_case.model import Form, Model, Quadratic1D, Vector, add, mean_of
from compth.worst_case.worst_gram import forms

MOST_MEMORIES = 4
"""Workers whose memories are searched where their compressors differ."""


class _Shown(TypedDict):
    """What a family says of the quadratic that all its workers, or half of them, hold."""

    functions: str
    compressor: str
    factor: Number | None


@dataclass(frozen=True)
class Kind:
    """Equal workers in R^size.

    count: how many. hessian: (size, size). acts: message -> matrix that its input is multiplied by. memory: which
    block of the state they hold as their own vectors, None: 0. sign: of that block.
    """

    count: int
    hessian: Numbers
    acts: Mapping[str, Numbers]
    memory: int | None = 0
    sign: int = 1


@dataclass(frozen=True)
class Family:
    """Kinds of workers in R^size. servers: whether the servers' vectors are free (else at x*); state: in words."""

    kinds: tuple[Kind, ...]
    functions: str
    compressor: str
    state: str
    size: int = 1
    servers: bool = True
    factor: Number | None = None

    def described(self, model: Model) -> dict[str, object]:
        """The instance in numbers and words."""
        facts = {"f_i(x)": self.functions, "compressor": self.compressor}
        facts |= {} if self.factor is None else {"factor": self.factor}
        return {**facts, **parameters_of(model), "the state is": self.state}


def half_square(curvature: Number) -> str:
    """curvature x^2/2 in words: "x^2/2", "10 x^2/2", "(1/10) x^2/2"."""
    if curvature == 1:
        return "x^2/2"
    text = str(curvature)
    return f"{text} x^2/2" if text.isdigit() else f"({text}) x^2/2"


def parameters_of(model: Model) -> dict[str, Number]:
    """The method's parameters and the number of workers."""
    return {k: model.constants[k] for k in (*model.params, "n")}


def excess_form(model: Model, v: Mapping[str, Number], rate: Fraction) -> Form:
    """E V+ - rate V of a given V, on quadratics."""
    # On these quadratics the dual's view of f - f* (half of <x, gradient>) makes everything a form of vectors.
    terms = [(value, forms(model, name, True)) for name, value in v.items() if value]
    return add(*((c, f[1]) for c, f in terms), *((-rate * c, f[0]) for c, f in terms))


def excess_of(model: Model, form: Form, family: Family, number: type = Fraction) -> Numbers:
    """The form as a matrix on the family's state: the servers' vectors, then the blocks of memories.

    number: float for a look ahead, Fraction for what is said.
    """
    # Every vector of the Model as a matrix on the state; the form of these matrices is a matrix on the state,
    # too.
    each = _values(model, family, number)
    means = {a: _mean(family, [at[a] for at in each], number) for a in model.space.common}
    total = _sum(form.get("mean", ()), model.space.common, [(number(1), means)], number)
    n = sum(k.count for k in family.kinds)
    # mean_i <a_i, b_i> splits into the product of the means and the mean product of the deviations: so does
    # the sum.
    apart = [
        (number(Fraction(k.count, n)), {a: at[a] - means[a] for a in model.space.worker})
        for k, at in zip(family.kinds, each, strict=True)
    ]
    return total + _sum(form.get("deviation", ()), model.space.worker, apart, number)


def _sum(
    matrix: Matrix, names: Sequence[str], rows: Sequence[tuple[object, Mapping[str, Numbers]]], number: type
) -> Numbers:
    """The form of these vectors, a weight for each set of them."""
    entries = [
        (a, b, x)
        for a, line in zip(names, matrix, strict=False)
        for b, x in zip(names, line, strict=True)
        if x
    ]
    parts = (number(x) * weight * (at[a].T @ at[b]) for a, b, x in entries for weight, at in rows)
    some = next(iter(rows[0][1].values()), None)
    out: Numbers = sum(parts, number(0) if some is None else number(0) * (some.T @ some))
    return out


def _mean(family: Family, values: Sequence[Numbers], number: type) -> Numbers:
    """The mean over the workers of a vector that is given by kind."""
    n = sum(k.count for k in family.kinds)
    out: Numbers = sum(number(Fraction(k.count, n)) * x for k, x in zip(family.kinds, values, strict=True))
    return out


def _values(model: Model, family: Family, number: type) -> list[dict[str, Numbers]]:
    """Every vector of the Model in every kind of worker, as a matrix on the state."""
    own = [a for a in model.free if a in model.own]
    common = [a for a in model.free if a not in own] if family.servers else []
    blocks = 1 + max((k.memory for k in family.kinds if k.memory is not None), default=-1)
    size = family.size
    # A big identity whose rows are the state's coordinates: vectors are slices of it, sums of them, or zeros.
    # With object entries Fractions stay Fractions, with floats it is a fast look ahead.
    eye = np.eye((len(common) + blocks * len(own)) * size).astype(int).astype(object) * number(1)
    eye = eye.astype(float) if number is float else eye
    nothing = eye[:size] * number(0)

    def held(place: int) -> Numbers:
        rows: Numbers = eye[place * size : (place + 1) * size]
        return rows

    each: list[dict[str, Numbers]] = []
    for kind in family.kinds:
        # Two kinds may hold the same block of memory with opposite signs: their mean is then 0, and what the
        # server sees of them vanishes while their errors grow, which equal workers cannot show.
        at = {a: held(common.index(a)) if a in common else nothing for a in model.free}
        if kind.memory is not None:
            first = len(common) + kind.memory * len(own)
            at |= {a: kind.sign * held(first + i) for i, a in enumerate(own)}
        each.append(at)
    return _followed(model, family, each, number)


def _followed(
    model: Model, family: Family, each: list[dict[str, Numbers]], number: type
) -> list[dict[str, Numbers]]:
    """The same with gradients and messages, in the order in which the step makes them."""
    # a gradient's argument is the same for all workers: what it holds of them is their mean
    waiting = {y: {mean_of(k.removeprefix("mean ")): c for k, c in a.items()} for a, y in model.curved}
    waiting |= {c: dict(u) for u, c, _ in model.sent}
    while waiting:
        known = each[0]
        name = next(k for k, v in waiting.items() if all(a.removeprefix("mean ") in known for a in v))
        inputs = _combined(family, waiting.pop(name), each, number)
        for kind, at, u in zip(family.kinds, each, inputs, strict=True):
            at[name] = kind.acts.get(name, kind.hessian).astype(float if number is float else object) @ u
    return each


def _combined(family: Family, v: Vector, each: list[dict[str, Numbers]], number: type) -> list[Numbers]:
    """A combination in every kind of worker; "mean h" is the mean of h."""
    means = {
        a: _mean(family, [at[a.removeprefix("mean ")] for at in each], number)
        for a in v
        if a.startswith("mean ")
    }
    return [sum(number(c) * (means[a] if a in means else at[a]) for a, c in v.items()) for at in each]


def _scalar(x: Number) -> Numbers:
    """A number as a 1 x 1 matrix."""
    return np.array([[Fraction(x)]], dtype=object)


def _of(q: Quadratic1D, count: int, memory: int | None = 0, sign: int = 1) -> Kind:
    """So many workers on one extremal quadratic."""
    return Kind(count, _scalar(q.curvature), {c: _scalar(a) for c, a in q.acts.items()}, memory, sign)


def rotated(model: Model, t: Fraction) -> Family:
    """On R^2 with Hessian diag(mu, L) and C = I + s R, R the rotation of tan(angle/2) = t."""
    c = model.constants
    # Of the two factors 1 + s and 1 - s of the extremal quadratics the larger says s, the error of every
    # message.
    s = max(a for q in model.extremal for a in q.acts.values()) - 1
    cos, sin = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    act = np.array([[1 + s * cos, -s * sin], [s * sin, 1 + s * cos]], dtype=object)
    hessian = np.array([[Fraction(c["mu"]), 0], [0, Fraction(c["L"])]], dtype=object)
    kind = Kind(int(c["n"]), hessian, {name: act for _, name, _ in model.sent})
    law = f"C(v) = v + s R v, R the rotation of tan(angle/2) = {t}"
    law = f"E {law}, variance {c['omega']} |v|^2" if c.get("omega") else law
    functions = f"x' diag({c['mu']}, {c['L']}) x/2"
    return Family((kind,), functions, law, f"{', '.join(model.free)}, each in R^2, all workers equal", 2)


def families(model: Model) -> Iterator[Family]:
    """One-dimensional families, from all workers equal to workers that differ in memory, compressor or curvature.

    With one worker the first sort is all there is.
    """
    # From simple to involved, since the first that refutes is shown: all workers equal, two opposite memories,
    # then workers that alternate in compressor or curvature.
    n = int(model.constants["n"])
    for q in model.extremal:
        yield Family(
            (_of(q, n),), half_square(q.curvature), q.compressor, ", ".join(model.free), factor=q.factor
        )
    if not model.space.worker:
        return
    own = ", ".join(a for a in model.free if a in model.own)
    for q in model.extremal:
        shown: _Shown = {
            "functions": half_square(q.curvature),
            "compressor": q.compressor,
            "factor": q.factor,
        }
        if own:
            kinds = (_of(q, 1), _of(q, 1, 0, -1), _of(q, n - 2, None))
            text = f"{own} of worker 1, minus that of worker 2; all else at its value at x*"
            yield Family(kinds[: 2 + (n > 2)], **shown, state=text, servers=False)
        yield from (_alternating(model, q, other, shown) for other in model.extremal if _partner(q, other))


def _partner(q: Quadratic1D, other: Quadratic1D) -> bool:
    """Two that differ in one thing, counted once: the same messages and a larger curvature, or the other way round."""
    acts, others = list(q.acts.values()), list(other.acts.values())
    if acts == others:
        return bool(other.curvature > q.curvature)
    return (
        q.curvature == other.curvature
        and acts > others
        and all(a != b for a, b in zip(acts, others, strict=True))
    )


def _alternating(model: Model, q: Quadratic1D, other: Quadratic1D, shown: _Shown) -> Family:
    """Odd workers as q and even ones as the other; the memories of the first are free, those of the rest 0."""
    n = int(model.constants["n"])
    # Memories multiply the size of the state: few of them are free, the rest rest at 0 (which is a state as
    # well).
    few = min(n, MOST_MEMORIES if q.acts else 2)
    kinds = [_of((q, other)[i % 2], 1, i) for i in range(few)]
    rest = [replace(_of(which, 0, None), count=len(range(first, n, 2))) for which, first in
            ((q, few + few % 2), (other, few + 1 - few % 2))]  # fmt: skip
    own = [a for a in model.free if a in model.own]
    servers = [a for a in model.free if a not in own]
    memories = [f"{a} of worker {i + 1}" for i in range(few) for a in own]
    state = ", ".join([*servers, *memories]) + "; all else at its value at x*"
    functions, law, factor = shown["functions"], shown["compressor"], shown["factor"]
    if q.curvature != other.curvature:
        functions = f"{half_square(q.curvature)} for odd i, {half_square(other.curvature)} for even i"
    else:
        law = f"{_indexed(q)} for odd i, {_indexed(other)} for even i"
        factor = None
    return Family((*kinds, *(k for k in rest if k.count)), functions, law, state, factor=factor)


def _indexed(q: Quadratic1D) -> str:
    """The law of a compressor that differs between workers."""
    return q.compressor.replace("C(v)", "C_i(v)")

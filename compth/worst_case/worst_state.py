"""A rational counterexample in few dimensions from the worst Gram matrices of one step.

The float solution of the dual (`worst_gram`) is only a guide: Hessians, state and messages are rounded to fractions,
and membership in the class, V and E V+ are then computed from them exactly. Whatever is changed in the rounding, a
Witness leaves this module only through `_checked`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from compth._types import Array, Numbers
from compth.worst_case.exact_algebra import is_psd
from compth.worst_case.families import parameters_of
from compth.worst_case.model import Form, Model, Vector, mean_of
from compth.worst_case.units import in_units, unit_of, vector_worth, worth
from compth.worst_case.witness import Witness
from compth.worst_case.worst_gram import Gram, forms, narrowed, worst_gram

ROUNDINGS = ((1e-2, 60), (1e-3, 1000), (1e-5, 10**6), (1e-8, 10**10))
"""(share by which the class is narrowed so that rounding stays inside it, largest denominator), the simplest first."""
NOTHING = 1e-9
"""An excess up to this, relative to the coefficients of V and E V+, is the solver's zero."""
Rows = Mapping[str, Numbers]
"""Vector by name, a one-dimensional array of Fractions."""


@dataclass(frozen=True)
class Instance:
    """One state of all workers, by kinds of equal workers, every number a Fraction.

    workers: by kind, vector -> its coordinates. counts: workers of each kind. hessians: by kind, None for a function
    known at x*, x and x+ only. gaps: its values f - f* there.
    """

    workers: Sequence[Rows]
    counts: Sequence[int]
    hessians: Sequence[Numbers] | None
    gaps: Mapping[str, Fraction]


def worst_state(model: Model, v: Mapping[str, Fraction], rate: Fraction) -> Witness | None:
    """A state with E V+ > rate V, every number exact: on quadratics, else on functions through three points.

    None when none was found. Methods whose model has one pair of points need no more than quadratics.
    """
    # V's coefficients change with the units as the forms do; the witness is restored to the user's before it
    # is checked, so nothing that is said depends on this scaling.
    scaled, w = in_units(model), {k: c * worth(model, k) for k, c in v.items()}
    others = (
        model.gaps and model.constants["mu"] < model.constants["L"]
    )  # at mu = L there are quadratics only
    # Quadratics first: a Hessian is easier to read than a list of gradients and values. Functions that are no
    # quadratic can do worse only where several points are tied together by interpolation.
    for quadratic in (True, False) if others else (True,):
        if not worst_gram(scaled, w, rate, 0.0, quadratic).excess > NOTHING:
            continue
        # Coarse rounding first: small denominators make a counterexample that a reader can follow. The class
        # is narrowed by more than the rounding can move a vector, so that the rounded one is still inside it.
        for share, denominator in ROUNDINGS:
            gram = worst_gram(scaled, w, rate, share, quadratic)
            if gram.excess > 0:
                instance = _in_model_units(model, _rounded(scaled, gram, share, denominator, quadratic))
                found = _checked(model, v, rate, instance)
                if found is not None:
                    return found
    return None


def _in_model_units(model: Model, instance: Instance) -> Instance:
    """The instance in the model's own units."""
    L = unit_of(model)
    return Instance(
        [{a: x * vector_worth(model, a) for a, x in worker.items()} for worker in instance.workers],
        instance.counts,
        None if instance.hessians is None else [h * L for h in instance.hessians],
        {k: x * L for k, x in instance.gaps.items()},
    )


def _factor(gram: Array, tolerance: float) -> Array:
    """Rows whose products are the Gram matrix, in the fewest coordinates, the first vectors in the first of them."""
    # G = V diag(values) V': the rows V sqrt(values) have these products. Eigenvalues at the solver's noise are
    # dropped, which is what keeps the dimension small; Q of a QR turns the first vectors into the first axes.
    values, vectors = np.linalg.eigh(gram) if len(gram) else (np.zeros(0), gram)
    kept = values > tolerance
    root = vectors[:, kept] * np.sqrt(values[kept])
    out: Array = root @ np.linalg.qr(root.T)[0] if kept.any() else root
    return out


def _fractions(x: Array, denominator: int) -> Numbers:
    """Nearest fractions of a denominator up to this, in an array of objects."""
    flat = [Fraction(float(c)).limit_denominator(denominator) for c in np.ravel(x)]
    return np.array([*flat, None], dtype=object)[:-1].reshape(np.shape(x))


def _directions(n: int, denominator: int) -> tuple[Numbers, list[int]]:
    """(directions of the workers' deviations, workers of each): signs, and a triangle where n is odd.

    Their sum is zero, and each is of length 1 (up to rounding).
    """
    # Deviations of the workers are one Gram matrix times directions in worker space that sum to zero: +1 and
    # -1 in equal halves, or for odd n three directions of a triangle. The squares then average to what the
    # Gram matrix says.
    side = Fraction(0.75**0.5).limit_denominator(denominator)
    half, one, zero = Fraction(1, 2), Fraction(1), Fraction(0)
    if n % 2 == 0:
        return np.array([[one], [-one]], dtype=object), [n // 2, n // 2]
    ways = [[one, zero], [-half, side], [-half, -side], [-one, zero]]
    counts = [n // 2, 1, 1, n // 2 - 1]
    return np.array(ways[: 3 + (n > 3)], dtype=object), counts[: 3 + (n > 3)]


def _rounded(model: Model, gram: Gram, share: float, denominator: int, quadratic: bool) -> Instance:
    """Workers' vectors with these Gram matrices, and Hessians that lead from the arguments to the gradients.

    share: of narrowing, which also says how small an eigenvalue counts as zero. denominator: the largest of a rounded
    coordinate.
    """
    n, space = int(model.constants["n"]), model.space
    tolerance = max(share / 100, 1e-9)
    base, apart = _factor(gram.mean, tolerance), _factor(gram.deviation, tolerance)
    ways, counts = _directions(n, denominator) if apart.size else (np.zeros((1, 0), dtype=object), [n])
    free = [i for i, a in enumerate(space.common) if a in model.free]
    own = [i for i, a in enumerate(space.worker) if a in model.free]
    # States count up to a factor: the largest coordinate of the state becomes 1, so that denominators bound
    # errors.
    scale = float(np.abs(np.concatenate([base[free].ravel(), apart[own].ravel(), [1e-9]])).max())
    common, differing = _fractions(base / scale, denominator), _fractions(apart / scale, denominator)
    workers = []
    for way in ways:
        # Every worker's vector is the common row followed by its deviation along its direction: the two parts
        # are orthogonal coordinates, as the Gram matrices of means and deviations ask.
        rest = dict.fromkeys(
            space.common, np.array([Fraction(0)] * (apart.shape[1] * len(way)), dtype=object)
        )
        rest |= {a: np.kron(line, way) for a, line in zip(space.worker, differing, strict=True)}
        workers.append(
            {a: np.concatenate([line, rest[a]]) for a, line in zip(space.common, common, strict=True)}
        )
    gaps = {k: _fractions(np.array([x / scale**2]), denominator)[0] for k, x in gram.gaps.items()}
    if not quadratic:
        return Instance(workers, counts, None, gaps)
    return Instance(workers, counts, _hessians(model, workers, counts, share, denominator), gaps)


def _hessians(
    model: Model, workers: Sequence[Rows], counts: Sequence[int], share: float, denominator: int
) -> list[Numbers]:
    """mu I + P (P'X)^-1 P' with P = Y - mu X takes X to Y; its eigenvalues clipped to [mu, L], rounded."""
    # The symmetric H with H X = Y of least rank beyond mu: P (P'X)^-1 P' is positive where (Y - mu X)'(L X -
    # Y) >= 0. X'Y is symmetric up to the solver's error, so its symmetric part is inverted; clipping and the
    # half-share margin absorb what is left, and `_of_class` has the last word.
    mu, L = narrowed(model, share / 2)
    shared = _means(workers, counts)
    x = np.array([_combined(a, shared) for a, _ in model.curved], dtype=float).T
    out = []
    for worker in workers:
        p = np.array([worker[y] for _, y in model.curved], dtype=float).T - mu * x
        inverse = np.linalg.pinv((p.T @ x + x.T @ p) / 2, rcond=1e-9, hermitian=True)
        values, vectors = np.linalg.eigh(p @ inverse @ p.T + mu * np.eye(len(x)))
        h = (vectors * np.clip(values, mu, L)) @ vectors.T
        out.append(_fractions((h + h.T) / 2, denominator))
    return out


def _combined(vector: Vector, at: Rows) -> Numbers:
    """sum of coefficient * vector, exactly."""
    out: Numbers = sum(Fraction(c) * at[a] for a, c in vector.items())
    return out


def _means(workers: Sequence[Rows], counts: Sequence[int]) -> dict[str, Numbers]:
    """The mean over all workers of every vector."""
    return {
        a: sum(w[a] * Fraction(k, sum(counts)) for w, k in zip(workers, counts, strict=True))
        for a in workers[0]
    }


def _checked(model: Model, v: Mapping[str, Fraction], rate: Fraction, instance: Instance) -> Witness | None:
    """The witness, or None where the instance is not of the class or E V+ <= rate V."""
    quadratic = instance.hessians is not None
    # The Hessians rule: gradients of the Gram matrix were only near H X, so they are computed anew, exactly.
    if quadratic:
        instance = _with_gradients_of_state(model, instance)
    means = _means(instance.workers, instance.counts)
    # mean_i <a_i, b_i> = <abar, bbar> + mean_i <deviations>, as in the Model: V and E V+ are evaluated on
    # these.
    apart = [{a: w[a] - means[a] for a in model.space.worker} for w in instance.workers]
    inside = _of_class(model, instance) if quadratic else _interpolates(model, means, apart, instance)
    if not inside:
        return None
    now, later = (
        sum((c * _value(model, forms(model, k, quadratic)[i], means, apart, instance) for k, c in v.items() if c),
            Fraction(0))
        for i in (0, 1)
    )  # fmt: skip
    excess = later - rate * now
    if not excess > 0:
        return None
    return Witness(excess, {**_described(model, instance), "V": now, "E V+": later, "E V+ - rate V": excess})


def _with_gradients_of_state(model: Model, instance: Instance) -> Instance:
    """Every gradient computed from the rounded state and Hessians."""
    # A point may hold gradients at other points; after as many sweeps as there are points every one has
    # settled.
    out: list[Rows] = [*instance.workers]
    for a, y in model.curved * len(
        model.curved
    ):  # a point may hold other gradients: as often as they can hang on each other
        at = _combined(a, _means(out, instance.counts))
        out = [{**worker, y: h @ at} for h, worker in zip(instance.hessians or (), out, strict=True)]
    return Instance(out, instance.counts, instance.hessians, {})


def _of_class(model: Model, instance: Instance) -> bool:
    """mu <= H_i <= L and every message within its contraction, exactly."""
    mu, L = Fraction(model.constants["mu"]), Fraction(model.constants["L"])
    # Membership is decided by exact elimination and exact squares. Nothing before this line is trusted.
    for h in instance.hessians or ():
        eye = np.array([[Fraction(int(i == j)) for j in range(len(h))] for i in range(len(h))], dtype=object)
        if not is_psd((h - mu * eye).tolist()) or not is_psd((L * eye - h).tolist()):
            return False
    means = {mean_of(a): x for a, x in _means(instance.workers, instance.counts).items()}
    for worker in instance.workers:
        for u, c, square in model.sent:
            wanted = _combined(u, {**worker, **means})
            if (worker[c] - wanted) @ (worker[c] - wanted) > square * (wanted @ wanted):
                return False
    return True


def _interpolates(model: Model, means: Rows, apart: Sequence[Rows], instance: Instance) -> bool:
    """Every known inequality in every worker: its deviation is orthogonal to the means, so there are no cross terms.

    The inequalities are stated times 2(L - mu): they say nothing of the values where mu = L.
    """
    if not model.constants["mu"] < model.constants["L"] or any(gap < 0 for gap in instance.gaps.values()):
        return False
    # Deviations are orthogonal to the means by construction, so one worker's inequality is that of the means
    # plus that of its own deviation with weight 1 (counts = [1]): each worker's function must exist by itself.
    return all(
        _value(model, form, means, [deviation], replace(instance, counts=[1])) >= 0
        for deviation in apart
        for form in model.known.values()
    )


def _value(model: Model, form: Form, means: Rows, apart: Sequence[Rows], instance: Instance) -> Fraction:
    """The form of these means, of so many of these deviations, and of the values f - f*."""
    gaps, counts = instance.gaps, instance.counts
    total = sum((Fraction(m[0][0]) * gaps[b] for b, m in form.items() if b in gaps), Fraction(0))
    # One pass for both blocks: means count once, each kind of deviation by its share of the workers.
    for block, names, rows in (
        ("mean", model.space.common, [(means, Fraction(1))]),
        ("deviation", model.space.worker, [(d, Fraction(k, sum(counts))) for d, k in zip(apart, counts, strict=True)]),
    ):  # fmt: skip
        for a, line in zip(names, form.get(block, ()), strict=False):
            for b, entry in zip(names, line, strict=True):
                if entry:
                    total += Fraction(entry) * sum((share * (r[a] @ r[b]) for r, share in rows), Fraction(0))
    return total


def _described(model: Model, instance: Instance) -> dict[str, object]:
    """The instance in numbers and words: state, and every vector that follows from it, by kind of worker."""
    workers = instance.workers
    single = [a for a in model.free if a in model.space.worker]
    state = {a: workers[0][a] for a in model.free if a not in single}
    state |= {f"{a} of {_kind(instance, i)}": w[a] for a in single for i, w in enumerate(workers)}
    vectors = {
        a: [w[a].tolist() for w in (workers if a in model.space.worker else workers[:1])]
        for a in model.space.common
    }
    size = len(workers[0][model.free[0]])
    each = f", each in R^{size}" if size > 1 else ""
    return {
        "f_i(x)": _functions(instance),
        "compressor": _messages(model),
        **parameters_of(model),
        "the state is": f"{', '.join(state)}{each}; each from its value at x*",
        "state": [x for vector in state.values() for x in vector],
        "workers of each kind": list(instance.counts),
        "vectors": vectors,
        **instance.gaps,
    }


def _kind(instance: Instance, i: int) -> str:
    """Which workers are of this kind, counted from 1."""
    first, count = sum(instance.counts[:i]) + 1, instance.counts[i]
    return f"worker {first}" if count == 1 else f"workers {first} to {first + count - 1}"


def _functions(instance: Instance) -> str:
    """The Hessians, or what is said of a function that is no quadratic."""
    if instance.hessians is None:
        return "a function of the class with the listed gradients and values at x*, x and x+"
    shown = list(dict.fromkeys(_matrix(h) for h in instance.hessians))
    each = "H" if len(shown) == 1 else "H_i"
    return f"x'{each} x/2, {each} = {', '.join(shown)}"


def _matrix(h: Numbers) -> str:
    """A matrix in one line, rows separated by semicolons; a number where it is 1 x 1."""
    rows = [", ".join(map(str, line)) for line in h]
    return f"[{'; '.join(rows)}]" if len(rows) > 1 else rows[0]


def _messages(model: Model) -> str:
    """The law of the messages."""
    omega = model.constants.get("omega")
    law = [f"|{c} - u|^2 <= {square} |u|^2 at each input u" for _, c, square in model.sent]
    if omega is None:
        return f"C(u) = c as given, {law[0]}"
    return f"E C(u) = d as given, {law[0]}, variance {omega} |u|^2" if law else model.extremal[0].compressor

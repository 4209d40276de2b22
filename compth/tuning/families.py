"""The tuning rule for any compressor with a level: RandK's k, dithering's s, ATOMO's budget, a rank r."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from fractions import Fraction

import numpy as np

from compth._numbers import Number, is_exact
from compth._types import Numbers
from compth.compressors import Compressor
from compth.compressors.atomo import AtomoEntrywise, _Atomic
from compth.compressors.low_rank import RankR
from compth.compressors.top_k import TopK
from compth.compressors.top_k_sign import TopKSign
from compth.errors import InvalidParameter, Unsupported
from compth.tuning.answer import Tuning, norm_square, pick, scalar
from compth.tuning.costs import Cost
from compth.tuning.moments import EXACT, Progress, progress
from compth.tuning.schemes import SCHEMES, Ordered

Family = Callable[[Number], Compressor]
"""Level -> compressor."""
LEVEL_NAMES = ("k", "budget", "r", "s", "p", "epsilon")
"""Fields that are a level, in this order of preference."""
MOST = 4096
"""At most this many levels are tried by default: beyond, a geometric grid with both ends."""
LAST_S = 255
"""Dithering's s runs to 255 by default: eight level bits a coordinate."""


def level_name(kind: type[Compressor]) -> str:
    """The field of a compressor class that is its level."""
    # By convention of names: a compressor's level is whichever of these fields it has, k before all others.
    names = [f.name for f in fields(kind)]
    found = next((n for n in LEVEL_NAMES if n in names), None)
    if found is None:
        raise InvalidParameter(
            f"{kind.__name__} has no level parameter ({', '.join(LEVEL_NAMES)}): pass a function level -> Compressor"
        )
    return found


def family(scheme: object, shape: tuple[int, ...]) -> tuple[str, Family, str]:
    """(name, level -> compressor, level's name) from a class, an instance or a function."""
    if isinstance(scheme, type) and issubclass(scheme, Compressor) and not inspect.isabstract(scheme):
        name = level_name(scheme)
        extra: dict[str, object] = {}
        if "shape" in (f.name for f in fields(scheme)):
            if len(shape) != 2:
                raise InvalidParameter(
                    f"{scheme.__name__} needs a matrix: pass the gradient with its two dimensions"
                )
            extra["shape"] = (int(shape[0]), int(shape[1]))
        return scheme.__name__, lambda level: scheme(**{name: level}, **extra), name
    if isinstance(scheme, Compressor):
        name = level_name(type(scheme))
        return type(scheme).__name__, lambda level: replace(scheme, **{name: level}), name
    if callable(scheme):
        return getattr(scheme, "__name__", "family"), scheme, ""
    raise InvalidParameter(
        f"scheme={scheme!r} is no scheme: use {', '.join(map(repr, SCHEMES))}, a compressor class such as RandK, an "
        "instance, or a function level -> Compressor"
    )


def default_levels(name: str, make: Family, d: int) -> list[int]:
    """1..d for k, 1..atoms for a budget, 1..min(shape) for r, 1..255 for s; at most MOST of them.

    name: the level's. make: level -> compressor. Raises InvalidParameter for a level without a natural range.
    """
    if name == "s":
        return list(range(1, LAST_S + 1))
    if name not in ("k", "budget", "r"):
        raise InvalidParameter("levels=None: this family has no natural range of levels; pass levels=[...]")
    one = make(1)
    shape = getattr(one, "shape", None)
    last = d if shape is None else min(shape)
    # Beyond MOST a geometric grid: efficiency varies with the ratio of levels, and both ends are always among
    # them.
    if last <= MOST:
        return list(range(1, last + 1))
    return sorted({int(v) for v in np.rint(np.geomspace(1, last, MOST))} | {1, last})


def _message_cost(c: Compressor, d: int, price: Cost) -> Number:
    """Elements or bits of a message of c; elements are index-value pairs, so there must be some."""
    wire = price.wire
    cost = c.bits(d, wire.float_bits)
    if price.counts == "bits":
        return cost.total
    # Elements are pairs (index, value); what sends levels or signs has a price in bits only.
    if cost.levels or cost.signs or (not cost.indices and d > 1):
        raise Unsupported(
            f"{c!r} does not send (index, value) elements: use a cost that counts bits, such as costs.Payload()"
        )
    return cost.floats


def _spectrum(c: Compressor, g: Numbers) -> tuple[str, Numbers] | None:
    """The scheme whose curve this family's is, and on which weights: one sort or decomposition for all levels."""
    # Top-k's share at every k is a cumulated sum of sorted squares: one sort answers for all levels, where
    # asking each compressor by itself would sort as often as there are levels. The same of singular values, of
    # signs, and of ATOMO.
    kind = type(c)  # a subclass may compress otherwise
    if kind is TopK:
        return "S", np.abs(g)
    if kind is TopKSign:
        return "S+Q", np.abs(g)
    if isinstance(c, RankR) and kind is RankR:
        return "S", np.linalg.svd(g.astype(np.float64).reshape(c.shape), compute_uv=False)
    if isinstance(c, _Atomic):
        exact = g.dtype == object and kind is AtomoEntrywise
        return "SS", np.abs(g) if exact else c.weights(g.astype(np.float64))
    return None


def gains(made: list[Compressor], levels: list[Number], g: Numbers) -> list[Progress]:
    """Share and step (L = 1) at every level.

    made: the compressors at these levels, in the same order.
    """
    # The shortcut is for whole ascending levels; any others are measured one by one.
    found = _spectrum(made[0], g)
    if found is None or not all(is_exact(v) and int(v) == v for v in levels) or levels != sorted(levels):
        return [progress(c, g) for c in made]
    scheme, o = SCHEMES[found[0]], Ordered.of(found[1])
    shares = scheme.shares(o, np.array([int(v) for v in levels]))
    steps = scheme.stepsize(o, np.array(levels), shares, 1)
    return [Progress(a, b, EXACT) for a, b in zip(shares.tolist(), steps.tolist(), strict=True)]


def tune_family(
    g: Numbers,
    shape: tuple[int, ...],
    exact: bool,
    scheme: object,
    price: Cost,
    L: Number,
    levels: Iterable[Number] | None,
) -> Tuning:
    """`tune` for a compressor family.

    g: the gradient as checked, of this shape before it was flattened. scheme: a class, an instance or a function.
    price: the cost. Raises InvalidParameter and Unsupported.
    """
    name, make, parameter = family(scheme, shape)
    d = len(g)
    tried = list(levels) if levels is not None else default_levels(parameter, make, d)
    if not tried:
        raise InvalidParameter(f"levels=[] is empty: {name} needs at least one level")
    made = [make(level) for level in tried]
    for c in made:
        if not isinstance(c, Compressor):
            raise InvalidParameter(f"{name} gave {c!r}: a family is a function level -> Compressor")
        c.check(d)
    kind: Callable[[Number], Number] = Fraction if exact else float
    form = price.form.cast(kind)
    paid = [form(kind(_message_cost(c, d, price))) for c in made]
    if not all(v > 0 for v in paid):
        raise InvalidParameter(
            f"{name} sends messages that cost nothing under {price!r}: give it a fixed cost"
        )
    zero = not any(v != 0 for v in g)
    found = [] if zero else gains(made, tried, g)
    dtype = object if exact else np.float64
    table = (
        np.array(tried),
        np.array([p.share for p in found] or [0] * len(tried), dtype=dtype),
        np.array(paid, dtype=dtype),
    )
    if zero:
        return Tuning.for_zero(name, L, exact, lambda: table)
    # Improvement per cost up to a factor that all levels share, |g|^2/(2L).
    efficiency = table[1] / table[2]
    fixed_share = _ignores_gradient(made[0], d)
    at = int(pick(efficiency, last=_is_random(made[0])))
    note = _degenerate(name, efficiency, tried, fixed_share, exact)
    share, step, basis = found[at]
    return Tuning.chosen(
        scheme=name,
        level=tried[at],
        stepsize=scalar(step) / L,
        share=share,
        square=norm_square(g, exact),
        cost=paid[at],
        L=L,
        note=note,
        compressor=made[at],
        table=lambda: table,
        basis=basis,
    )


def _is_random(c: Compressor) -> bool:
    """True for random compressors: their ties go to the last level."""
    return not c.deterministic


def _ignores_gradient(c: Compressor, d: int) -> bool:
    """True for linear sketches that treat coordinates alike: their share is the same at every gradient."""
    # A noise map that does not single out coordinates is the same at every gradient, and so is the best level.
    noise = c.noise(d)
    return noise is not None and np.ndim(noise.own.c) == 0


def _degenerate(name: str, efficiency: Numbers, levels: list[Number], same: bool, exact: bool) -> str:
    """What the curve says when it has nothing to trade off."""
    slack = 0 if exact else 1e-12
    parts = []
    if len(levels) > 1 and (efficiency >= efficiency.max() * (1 - slack)).all():
        parts.append("a tie: every level is equally efficient; the largest needs fewest rounds")
    elif len(levels) > 1 and (efficiency[1:] >= efficiency[:-1] * (1 - slack)).all():
        parts.append(f"efficiency never falls with the level: always {levels[-1]}")
    if same:
        parts.append(f"{name} treats all coordinates alike, so this holds at every gradient")
    return "; ".join(parts)

"""The tuning rule: the level, and its step size, with the most guaranteed improvement for what a message costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compth._door import at_the_door
from compth._earned import made
from compth._numbers import Number
from compth._types import Numbers
from compth.compressors import Compressor
from compth.errors import InvalidParameter
from compth.tuning import costs
from compth.tuning.answer import (
    Columns,
    Tuning,
    check_gradient,
    check_smoothness,
    norm_square,
    pick,
    scalar,
)
from compth.tuning.costs import Cost, Form
from compth.tuning.families import tune_family
from compth.tuning.schemes import BLOCK, SCHEMES, SS, Ordered, S, Scheme, all_levels, omega_at

if TYPE_CHECKING:
    from compth.tuning.costs import Cost


SCAN = 1 << 16
"""Up to this d every level is looked at; beyond it unimodal curves are searched."""


@at_the_door()
def tune(
    gradient: object,
    scheme: object = "S",
    cost: Number = None,
    *,
    L: Number = 1,
    levels: Iterable[object] | None = None,
) -> Tuning:
    """The level that maximises guaranteed improvement per cost at this gradient, and its step size.

    gradient: d numbers (a matrix is read row by row); Fractions give exact answers. scheme: "S" (the T largest
    entries), "S+Q" (their signs and the norm), "SS" (sampling), or a compressor family: a class (RandK), an instance
    whose level is replaced (RankR(1, (8, 4))), or a function level -> Compressor with `levels`. cost: a model of
    compth.tuning.costs or a link's name; None: payload bits. L: smoothness of f.
    For every direction Q, f(x - gamma Q) <= f - gamma <g, EQ> + (L gamma^2/2) E||Q||^2; OURS (the rule itself is
    recalled as that of arXiv 2003.06377), DERIVED. Ties go to the smallest level, for sampled schemes and RandK to
    the largest (as many bits in fewer rounds). A zero gradient has level 0, step 0 and improvement 0.
    Raises InvalidParameter for NaN, inf, empty input or unusable costs.
    """
    # Read once: the answer remembers what it was computed from, and a generator would be empty the second
    # time.
    levels = None if levels is None else tuple(levels)
    found = _tuned(gradient, scheme, cost, L, levels)
    plain = isinstance(scheme, str | Compressor | type)  # a function of a session may not travel
    again = (np.array(gradient, dtype=object if type(found.share) is Fraction else None), scheme, cost)
    return made(found, (tune, again, {"L": L, "levels": levels}) if plain else None)


def _tuned(
    gradient: object, scheme: object, cost: Number, L: Number, levels: Iterable[Number] | None
) -> Tuning:
    """The answer, not yet marked as the package's own."""
    g, exact = check_gradient(gradient)
    L = check_smoothness(L, exact)
    price = costs.of(costs.Payload() if cost is None else cost)
    if not isinstance(scheme, str):
        return tune_family(
            g, np.asarray(gradient).shape, exact, scheme=scheme, price=price, L=L, levels=levels
        )
    if scheme not in SCHEMES:
        raise InvalidParameter(
            f"scheme={scheme!r} is not known: choose one of {', '.join(SCHEMES)}, or a compressor such as RandK"
        )
    if levels is not None:
        raise InvalidParameter(f"levels is for compressor families; scheme={scheme!r} looks at all T = 1..d")
    return _tune_scheme(g, exact, SCHEMES[scheme], price, L)


def level_form(
    scheme: Scheme, d: int, price: Cost, kind: Callable[[Number], Number]
) -> tuple[Form, Number, Number]:
    """(C, q at level 0, q per level): the level's cost is C(q0 + q1 T), with q in what the cost counts."""
    # Payloads are linear in the level, so that the price at level T is C(q0 + q1 T).
    zero, slope = (0, 1) if price.counts == "elements" else scheme.slope(d, price.wire)
    return price.form.cast(kind), kind(zero), kind(slope)


def _tune_scheme(g: Numbers, exact: bool, scheme: Scheme, price: Cost, L: Number) -> Tuning:
    """`tune` for one of the three schemes."""
    kind: Callable[[Number], Number] = Fraction if exact else float
    o = Ordered.of(g)
    form, zero, slope = level_form(scheme, o.d, price, kind)

    def cost_of(level: Number) -> Number:
        return form(zero + slope * level)

    def table() -> Columns:
        every = all_levels(o)
        return np.arange(1, o.d + 1), scheme.shares(o), cost_of(every) + 0 * every

    if not o.sizes[0] > 0:
        return Tuning.for_zero(scheme.key, L, exact, table)
    # Levels beyond the number of non-zeros send zeros: they improve nothing.
    level = min(best_level(o, scheme, form, zero, slope), int(o.d - np.searchsorted(o.up, 0, side="right")))
    one = np.array([level])
    share = scheme.shares(o, one)
    step = scheme.stepsize(o, one, share, L)[0]
    square = norm_square(g, exact)
    note = _note(scheme, o, form, zero, slope)
    return Tuning.chosen(
        scheme=scheme.key,
        level=level,
        stepsize=scalar(step),
        share=share,
        square=square,
        cost=kind(cost_of(kind(level))),
        L=L,
        note=note,
        compressor=scheme.compressor(level),
        table=table,
    )


def best_level(o: Ordered, scheme: Scheme, form: Form, zero: Number, slope: Number) -> int:
    """argmax over T = 1..d of share(T)/C(T), by the structure that the scheme and the cost have."""
    # Packets make the curve jump: with a share that never falls only the last level of each packet can be
    # best.
    if scheme.monotone and form.per_packet:
        return _best_packet(o, scheme, form, zero, slope)
    # Concave share over affine cost is quasi-concave: the sign of one increment decides, and a prefix of the
    # sorted gradient is read.
    if isinstance(scheme, S):
        return stopping_rule(o, form.slope * slope, form.fixed + form.slope * zero)
    if isinstance(scheme, SS) and o.d > SCAN:
        return search_ss(o, form.slope * slope, form.fixed + form.slope * zero)
    # No structure to use (S+Q): all levels, in blocks, keeping the best so far.
    best, found = None, 1
    for levels, shares in scheme.scan(o):
        efficiency = shares / form(zero + slope * levels)
        at = pick(efficiency, scheme.last_tie)
        if best is None or efficiency[at] > best:
            best, found = efficiency[at], int(levels[at])
    return found


def tune_rows(
    g: NDArray[np.float64], scheme: Scheme, price: Cost
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(level, share) of each row of finite g (..., d): the rule of `tune` for many gradients at once, by full scans.

    Rows of zeros get level 0 and share 0.
    """
    o = Ordered.of(g)
    form, zero, slope = level_form(scheme, o.d, price, float)
    shares = scheme.shares(o)
    at = pick(shares / form(zero + slope * all_levels(o)), scheme.last_tie)
    return _at_levels(o, shares, at + 1)


def level_shares(
    g: NDArray[np.float64], scheme: Scheme, level: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The same at one given level for all rows: (level, share), cut at the number of non-zeros."""
    o = Ordered.of(g)
    return _at_levels(o, scheme.shares(o), np.full(g.shape[:-1], level))


def _at_levels(
    o: Ordered, shares: NDArray[np.float64], level: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Levels cut at the number of non-zeros, and their shares."""
    level = np.minimum(level, (o.up > 0).sum(axis=-1))
    share = np.take_along_axis(shares, np.maximum(level, 1)[..., None] - 1, axis=-1)[..., 0]
    return level, np.where(level > 0, share, 0.0)


def _best_packet(o: Ordered, scheme: Scheme, form: Form, zero: Number, slope: Number) -> int:
    """The share never falls, so a level inside packet k has at most share(T_k)/C(first level of packet k): where C
    is constant inside a packet only its end T_k counts, else packets that this bound rules out are left out."""
    # Best among the packets' ends first; with a slope inside the packets, any packet whose bound reaches that
    # is looked at level by level.
    ends = packet_ends(o.d, form.capacity, zero, slope)
    shares = scheme.shares(o, ends)
    efficiency = shares / form(zero + slope * ends.astype(o.up.dtype))
    at = pick(efficiency, scheme.last_tie)
    if not form.slope:
        return int(ends[at])
    starts = np.append(1, ends[:-1] + 1)
    bound = shares / form(zero + slope * starts.astype(o.up.dtype))
    left = np.flatnonzero(bound >= efficiency[at])
    levels = np.concatenate([np.arange(starts[k], ends[k] + 1) for k in left])
    efficiency = scheme.shares(o, levels) / form(zero + slope * levels.astype(o.up.dtype))
    return int(levels[pick(efficiency, scheme.last_tie)])


def packet_ends(d: int, capacity: Number, zero: Number, slope: Number) -> NDArray[np.int64]:
    """T_k = the largest T that fits into k packets, for every k, and d: with a share that never falls, no other
    level can be best."""
    # Else T_k = floor((k capacity - q0)/slope), made unique, and d closes the list.
    if slope >= capacity:  # every further element starts a packet
        return np.arange(1, d + 1, dtype=np.int64)
    last = int(-(-(zero + slope * d) // capacity))
    k = np.arange(1, last + 1)
    if isinstance(capacity, Fraction):
        ends = np.array([int((v * capacity - zero) // slope) for v in k.tolist()], dtype=np.int64)
    else:
        ends = ((k * capacity - zero) // slope).astype(np.int64)
    ends = np.append(np.minimum(ends[ends >= 1], d), d)
    return np.asarray(ends[np.append(True, ends[1:] != ends[:-1])])


def stopping_rule(o: Ordered, slope: Number, fixed: Number) -> int:
    """S at cost slope T + fixed: the smallest T with g_(T+1)^2 (slope T + fixed) <= slope sum_{j<=T} g_(j)^2, else d.

    alpha is concave, so alpha/C is quasi-concave, and this is the sign of its next increment. Read in blocks until
    the rule fires.
    """
    sizes, d, total = o.sizes, o.d, 0 * o.up[0]
    for start in range(0, d - 1, BLOCK):
        piece = sizes[start : min(start + BLOCK + 1, d)]
        squares = piece * piece
        heads = total + np.cumsum(squares[:-1])
        levels = np.arange(start + 1, start + len(piece), dtype=squares.dtype)
        # share(T+1)/C(T+1) <= share(T)/C(T), multiplied out: no division, exact in Fractions.
        fires = squares[1:] * (slope * levels + fixed) <= slope * heads
        if fires.any():
            return start + 1 + int(fires.argmax())
        total = heads[-1]
    return d


def search_ss(o: Ordered, slope: Number, fixed: Number) -> int:
    """SS at cost slope T + fixed for large d: omega* is concave, so binary search for the end of the rise.

    Without overhead the curve is flat up to ||g||_1/||g||_inf, then falls: the last flat level.
    """
    if not fixed > 0:
        return flat_end(o)
    # omega* is concave and the cost affine, so the ratio rises and then falls: the first level at which it
    # does not rise.
    low, high = 1, o.d
    while low < high:
        middle = (low + high) // 2
        rises = omega_at(o, middle + 1) * (slope * middle + fixed) > omega_at(o, middle) * (
            slope * (middle + 1) + fixed
        )
        low, high = (middle + 1, high) if rises else (low, middle)
    return low


def flat_end(o: Ordered) -> int:
    """The largest T with nothing saturated, ||g||_1/||g||_inf rounded down: omega* is linear up to there."""
    return int(max(1, math.floor(o.tails[0] / o.sizes[0])))


def _note(scheme: Scheme, o: Ordered, form: Form, zero: Number, slope: Number) -> str:
    """What is degenerate about this scheme at this cost, in words; "" where nothing is."""
    straight = not form.per_packet
    free = straight and not form.fixed + form.slope * zero > 0
    if straight and not form.slope > 0:
        return "the cost does not depend on the level: all that improves is sent"
    if free and isinstance(scheme, S):
        return "without a fixed cost T = 1 is always best (every further entry is smaller)"
    if isinstance(scheme, SS) and free:
        flat = flat_end(o)
        return f"without a fixed cost every T <= {flat} is equally efficient; the largest needs fewest rounds"
    if isinstance(scheme, SS) and form.per_packet:
        return "priced at the expected number of elements; with packets the mean price of the random size differs"
    return ""

"""Exact dynamics are of the package's own step, problem and sketches, or of a user's sketch whose draw was traced."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth._own import base_of, different, stranger
from compth.certification.readings import simple
from compth.certification.realised import draw_law, independent_rows
from compth.compressors import Compressor, Fleet, Independent, Shared
from compth.errors import Unsupported
from compth.methods.core import Method
from compth.problems.interface import Problem, as_quadratic

if TYPE_CHECKING:
    from compth.compressors.core.base import MomentMap


FREE = frozenset({"theorems"})
PRODUCTS = 400_000
"""Most outcomes x d^2 of a draw that is held against its declared pair inclusions."""
PATHS = 5_000
CLOSE = 1e-8
"""How far a gradient may lie from A x - b, relative to their size."""
LIMITS = (5e6, 30.0)
"""Counted work for one trace of a draw, and a cap in seconds."""


def own_step(method: Method) -> None:
    """Raise Unsupported unless a method's init and step are the package's."""
    strange = different(method, FREE)
    if strange:
        raise Unsupported(
            f"{method.label}: {strange}, and exact dynamics are those of the package's step: simulate it"
        )


def own_problem(problem: Problem) -> None:
    """Raise Unsupported for a problem that inherits matrices from the package and changes what is computed of them.

    One that is written from scratch is taken at its word (`assumed_of` says so) where its gradients are those of its
    matrices at some points.
    """
    strange = different(problem) if base_of(problem) is not None else ""
    if not strange and stranger(problem) and not _gradients_agree(problem):
        strange = f"{type(problem).__name__}.gradients is not A x - b"
    if strange:
        raise Unsupported(f"{strange}: its matrices are not those of the problem that runs; simulate it")


def _gradients_agree(problem: Problem) -> bool:
    """True where gradients(x) is A x - b at points of many magnitudes, up to rounding. Unsupported without an A."""
    problem = as_quadratic(problem)
    rng, d = np.random.default_rng(61), problem.d
    points = [np.zeros(d), *np.eye(d)[:3], *(rng.normal(size=d) * m for m in (1e-6, 1e-2, 1.0, 60.0, 1e6))]
    a, b = np.asarray(problem.A), np.asarray(problem.b)
    for x in points:
        ax = a @ x
        size = np.abs(a).max() * np.abs(x).sum() + np.abs(b).max() + 1e-300
        if np.abs(np.asarray(problem.gradients(x)) - (ax - b)).max() > CLOSE * size:
            return False
    return True


def assumed_of(method: Method, problem: Problem) -> tuple[str, ...]:
    """What an exact answer takes on a user's word, a line each."""
    word = f"assumed: that the gradients of {type(problem).__name__} are those of its A and b"
    drawn = f"assumed: that the oracle {method.oracle!r} draws with the noise that it states"
    return (*([word] if stranger(problem) else ()), *([drawn] if stranger(method.oracle) else ()))


def own_fleet(fleet: Fleet, n: int, d: int, traced: bool = True) -> None:
    """Raise Unsupported unless a fleet's moments are the package's, or equal to those of its traced draws at d.

    traced=False: pair inclusions are not enough here, so a user's sketch has no proof.
    """
    strange = stranger(fleet)
    if strange and traced and not different(fleet) and type(fleet) in (Independent, Shared):
        alone = type(fleet) is Shared or n == 1
        whys = (unproved_moments(fleet.member(i), d, alone) for i in range(n))
        strange = next((why for why in whys if why), "")
    if strange:
        raise Unsupported(f"{fleet!r}: {strange}, so its second moments are only declared: simulate it")


def own_compressor(compressor: Compressor, d: int) -> None:
    """As own_fleet, for one compressor: a broadcast's."""
    strange = unproved_moments(compressor, d)
    if strange:
        raise Unsupported(f"{compressor!r}: {strange}, so its second moments are only declared: simulate it")


def unproved_moments(sketch: Compressor, d: int, alone: bool = True) -> str:
    """ "" where noise(d) is the package's, or a user's that equals what every outcome of its draw gives; else why not.

    alone: no rows are drawn beside it; otherwise two rows must be independent.
    """
    strange = stranger(sketch)
    if not strange:
        return ""
    # Every outcome of a user's draw is enumerated with its probability, and the declared moments must equal
    # theirs exactly: agreement on samples would let a wrong law through.
    try:
        law = draw_law(sketch, d, PATHS, LIMITS)
        if law is not None and not alone and not independent_rows(sketch, d, law, PATHS, LIMITS):
            return "rows of its draw are not independent"
    except Exception:  # a user's draw refuses symbols in its own way
        law = None
    if law is None or len(law) * d * d > PRODUCTS:
        return strange
    declared = sketch.linear_moments(d)
    if declared is None:
        return strange
    drawn = _covariance(law, d)
    same = declared[0] == 1 and drawn is not None and _matrix(declared[1].own, d) == drawn
    return "" if same else f"noise() at d = {d} is not that of its draws"


def _covariance(law: dict[bytes, Fraction], d: int) -> list[list[Fraction]] | None:
    """E (w_j - 1)(w_l - 1) over every outcome; None unless E w = 1."""
    weights = [([simple(v) for v in np.frombuffer(w)], p) for w, p in law.items()]
    if any(sum(p * w[j] for w, p in weights) != 1 for j in range(d)):
        return None
    return [[sum((p * w[j] * w[k] for w, p in weights), Fraction(-1)) for k in range(d)] for j in range(d)]


def _matrix(own: MomentMap, d: int) -> list[list[Fraction]] | None:
    """C with E[(S-I) M (S-I)']_jl = C_jl M_jl, of the declared map; None for one that adds tr(M) I."""
    if own.b != 0:
        return None
    a, c = simple(own.a), np.broadcast_to(np.asarray(own.c, dtype=object), (d,))
    return [[a + (simple(c[j]) if j == k else 0) for k in range(d)] for j in range(d)]

"""What a method's fleet, its broadcast and its oracle give the second-moment recursion."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import TYPE_CHECKING

import numpy as np

from compth.compressors import Fleet, MomentMap
from compth.compressors.natural import NaturalCompression
from compth.compressors.random_dithering import RandomDithering
from compth.dynamics.forms import Sketches
from compth.dynamics.own import own_compressor, own_fleet
from compth.dynamics.system import Data, common_cross
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core import Method
from compth.methods.core.downlink import Bidirectional
from compth.problems.interface import has_components
from compth.problems.oracle import Full, GradientNoise, Minibatch, noise_of

if TYPE_CHECKING:
    from compth._types import Array
    from compth.compressors.core.base import Compressor


MODES = ("exact", "upper", "mean-field")


def _compare(compressor: Compressor, d: int, mode: str) -> MomentMap | None:
    """Linear comparison of a coordinatewise unbiased compressor: noise <= (upper) or about (mean-field) this map.

    Natural compression of x in [1, 2]: (x-1)(2-x) <= x^2/8; its mean over log x is 3/(4 ln 2) - 1. Random dithering
    with s levels in the Euclidean norm: f(1-f) ||u||^2/s^2 with f the fractional part: <= 1/4, mean 1/6.
    """
    upper = mode == "upper"
    own_compressor(compressor, d)
    if isinstance(compressor, NaturalCompression):
        return MomentMap(c=1 / 8 if upper else 3 / (4 * log(2)) - 1)
    if type(compressor) is RandomDithering and compressor.p == 2:
        return MomentMap(b=1 / ((4 if upper else 6) * compressor.s**2))
    own = compressor.noise(d)
    return None if own is None else own.own


def sketches_of(fleet: Fleet, n: int, d: int, mode: str = "exact") -> Sketches:
    """Moments of the fleet; Unsupported, with the remedy, when it is not linear (mode="exact") or not comparable."""
    if mode not in MODES:
        raise InvalidParameter(f"mode={mode!r}: choose one of {', '.join(MODES)}")
    found = fleet.linear_moments(n, d)
    if found is not None:
        own_fleet(fleet, n, d)
        deltas = [delta for delta, _ in found]
        if any(delta != deltas[0] for delta in deltas):
            raise Unsupported(
                f"{fleet!r} scales workers differently: exact dynamics needs one mean multiplier"
            )
        # Pairs of workers enter through one sum over all of them, which one map must take: with a map for each
        # pair, a block for each pair would have to be kept.
        noises = [noise for _, noise in found]
        cross = common_cross(tuple(v.cross for v in noises)) if n > 1 else None
        return Sketches(deltas[0], tuple(v.own for v in noises), cross)
    if mode != "exact":
        maps = [_compare(fleet.member(i), d, mode) for i in range(n)]
        if not hasattr(fleet, "compressor") or type(fleet).__name__ == "Independent":
            known = tuple(m for m in maps if m is not None)
            if len(known) == n:
                return Sketches(1, known)
    raise Unsupported(
        f"{fleet!r} is not a linear sketch with known moments, so its second moments do not close: simulate it, or for"
        " natural compression and Euclidean dithering with independent workers pass mode='upper' or 'mean-field'"
    )


def sketches_on(fleet: Fleet, data: Data, mode: str = "exact") -> Sketches:
    """Moments of the fleet as these matrices meet them."""
    found = sketches_of(fleet, data.n, data.whole, mode)
    cross = None if found.cross is None else data.law(found.cross)
    return replace(found, own=tuple(data.law(m) for m in found.own), cross=cross)


def sketches_for(method: Method, data: Data, mode: str = "exact") -> Sketches:
    """Moments of what a method's workers send and, where it compresses the broadcast, of that."""
    sketches = sketches_on(method.fleet, data, mode)
    if not isinstance(method, Bidirectional) or method.broadcasts_all:
        return sketches
    return with_broadcast(sketches, method, method.downlink, data, mode)


def with_broadcast(
    sketches: Sketches, method: Method, compressor: Compressor, data: Data, mode: str
) -> Sketches:
    """The same with the moments of the sketch that a broadcast passes; Unsupported where it is none."""
    d = data.whole
    found = compressor.linear_moments(d)
    if found is not None:
        own_compressor(compressor, d)
    if found is None or mode != "exact":
        raise Unsupported(
            f"{method.label}: a compressed broadcast has exact dynamics when it is a linear sketch with known moments:"
            " simulate it"
        )
    return replace(sketches, down=data.law(found[1].own), downlink_multiplier=found[0])


def noise_for(method: Method, data: Data) -> GradientNoise | None:
    """The gradient noise of a method with an oracle, None without; Unsupported in Fractions."""
    oracle = method.estimator
    if oracle is None or oracle.exact:
        return None
    if data.A.dtype == object:
        raise Unsupported(
            f"{method.label}: stochastic gradients are not in Fractions: simulate it, or use floats"
        )
    return noise_of(data.source, oracle)


def parts_noise(method: Method, data: Data) -> GradientNoise:
    """The noise of one part's gradients, drawn uniformly by every worker; Unsupported beside an oracle."""
    if noise_for(method, data) is not None:
        raise Unsupported(f"{method.label}: drawn parts and an oracle's draws are not derived together")
    if data.A.dtype == object:
        raise Unsupported(f"{method.label}: drawn parts are not in Fractions: simulate it, or use floats")
    return noise_of(data.source, Minibatch(1) if has_components(data.problem) else Full())


def random_points(count: int, *shape: int) -> Array:
    """Fixed standard normal points, (count, *shape)."""
    return np.random.default_rng((20240, len(shape))).standard_normal((count, *shape))

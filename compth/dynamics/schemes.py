"""Each method's step in the form of a Scheme, and what its fleet gives the recursion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np

from compth._numbers import Number
from compth.compressors import MomentMap
from compth.compressors.identity import Identity
from compth.compressors.natural import NaturalCompression
from compth.compressors.random_dithering import RandomDithering
from compth.dynamics import normal
from compth.dynamics.forms import Branch, Broadcast, Scheme, Sketches
from compth.dynamics.own import own_compressor, own_fleet, own_step
from compth.dynamics.system import Data, common_cross
from compth.errors import InvalidParameter, Unsupported
from compth.methods._downlink import Bidirectional
from compth.methods.core.body import BodyMethod, runs_its_body
from compth.methods.core.centre import Centre, centre_of
from compth.methods.sgd import SGD
from compth.problems.oracle import GradientNoise, noise_of

MODES = ("exact", "upper", "mean-field")


@dataclass(frozen=True)
class Recipe:
    """How a method enters: its scheme, what it keeps at t = 0, and its simulated state, which metrics are read from.

    memory(data) -> y (n, d). common(data, z) -> the common vectors after z that are not the averaged memory.
    state(problem, x, y, common) -> State of replicates: x (R, d), y (R, n, d), common a list of (R, d).
    oracles: its u_i holds the gradient with factor 1, and y_i+ has r (delta u_i + eps_i), so that gradient noise joins
    eps_i.
    """

    scheme: Callable[[Number, Mapping[str, Number], Sketches], Scheme]
    memory: Callable[[Data], Any] | None = None
    state: Callable[[Any, Any, Any, Any], Any] | None = None
    common: Callable[[Data, Any], list[Any]] | None = None
    oracles: bool = True


def dcgd_scheme(gamma: Number, params: Mapping[str, Number], s: Sketches) -> Scheme:
    """z+ = z - gamma mean S_i (A_i z + s_i)."""
    down = Broadcast((0,), (s.delta,), 1, (-gamma,))
    return Scheme((1,), (0,), 1, 0, (Branch(1, ((1,),), ((-gamma * s.delta,),), (-gamma,)),), down=down)


RECIPES: dict[type, Recipe] = {
    SGD: Recipe(dcgd_scheme),
}


def recipe_of(method: Any) -> Recipe:
    """The method's recipe; Unsupported when its second moments are not known to close, or its step is a user's."""
    if isinstance(method, BodyMethod):
        return _recipe_of_body(method)
    own_step(method)
    for kind in type(method).__mro__:
        if kind in RECIPES:
            return RECIPES[kind]
    known = ", ".join(k.__name__ for k in RECIPES)
    raise Unsupported(f"{type(method).__name__} has no exact dynamics: use one of {known}, or simulate")


def normal_form(method: Any) -> tuple[Centre, bool] | None:
    """Where a body with the form of a Scheme rests, and whether its gradients may be drawn; None for any other."""
    stochastic = method.estimator is not None and not method.estimator.exact
    kind: type[BodyMethod] = type(method)
    return normal.form_of(kind, not method.broadcasts_all, stochastic, _sends_all(method))


def _sends_all(method: Any) -> bool:
    """True where no message is ever shortened."""
    return type(method.compressor) is Identity


def _recipe_of_body(method: BodyMethod) -> Recipe:
    if not runs_its_body(type(method)):
        raise Unsupported(
            f"{type(method).__name__} changes what its body says: no exact dynamics, simulate it"
        )
    found = normal_form(method)
    if found is None:
        raise Unsupported(f"{method.label} has no Scheme: its dynamics are those of the traced operator")
    centre, drawn = found

    def scheme(gamma: Number, params: Mapping[str, Number], sketches: Sketches) -> Scheme:
        program = normal.exact_program(method, gamma, params, 3, 4)
        program = normal.in_full(program) if _sends_all(method) else program
        if centre_of(program) != centre:
            raise Unsupported(f"{method.label}: where it rests depends on its parameters")
        return normal.scheme_of(program, centre, sketches)

    memory, common = normal.starts(method, centre)
    return Recipe(scheme, memory, normal.state_of(method, centre), common, oracles=drawn)


def _compare(compressor: Any, d: int, mode: str) -> MomentMap | None:
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


def sketches_of(fleet: Any, n: int, d: int, mode: str = "exact") -> Sketches:
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


def sketches_for(method: Any, n: int, d: int, mode: str = "exact") -> Sketches:
    """Moments of what a method's workers send and, where it compresses the broadcast, of that."""
    sketches = sketches_of(method.fleet, n, d, mode)
    if not isinstance(method, Bidirectional) or method.broadcasts_all:
        return sketches
    return replace(sketches, down=spoken_noise(method, method.downlink, d, mode))


def spoken_noise(method: Any, compressor: Any, d: int, mode: str) -> MomentMap:
    """Own noise of the sketch that a broadcast passes; Unsupported where it is none."""
    noise = compressor.noise(d)
    if noise is not None:
        own_compressor(compressor, d)
    if noise is None or mode != "exact":
        raise Unsupported(
            f"{method.label}: a compressed broadcast has exact dynamics when it is an unbiased linear sketch with"
            " known moments: simulate it"
        )
    own: MomentMap = noise.own
    return own


def noise_for(method: Any, data: Data) -> GradientNoise | None:
    """The gradient noise of a method with an oracle, None without; Unsupported where its moments are not known."""
    oracle = method.estimator
    if oracle is None or oracle.exact:
        return None
    if data.A.dtype == object or not recipe_of(method).oracles:
        what = "Fractions" if data.A.dtype == object else f"{type(method).__name__}'s exact dynamics"
        raise Unsupported(
            f"{method.label}: stochastic gradients are not in {what}: simulate it, or use floats"
        )
    return noise_of(data.problem, oracle)


def random_points(count: int, *shape: int) -> Any:
    """Fixed standard normal points, (count, *shape)."""
    return np.random.default_rng((20240, len(shape))).standard_normal((count, *shape))

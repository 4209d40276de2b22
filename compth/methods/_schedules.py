"""Decreasing steps gamma_t = 2/(mu t + theta) and what they turn a noisy contraction into."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from compth._numbers import Number, max
from compth.errors import NoGuarantee
from compth.methods.core import Plan


def harmonic_step(mu: Number, theta: Number, t: Number) -> Number:
    """gamma_t = 2/(mu t + theta)."""
    return 2 / (mu * t + theta)


def harmonic_bound(constant: Number, pace: Number, t: Number) -> Number:
    """C/(pace t + 1), pace = mu/theta."""
    return constant / (pace * t + 1)


def noise_constant(mu: Number, theta: Number, noise: Number) -> Number:
    """4 N/(mu theta): C is at least this and a_0."""
    return 4 * noise / (mu * theta)


def harmonic_plan(mu: Number, theta: Number, given: Number | None, **params: Any) -> Plan:
    """Plan with gamma_t = 2/(mu t + theta), gamma_0 = 2/theta; NoGuarantee when the user fixed a constant step."""
    if given is not None:
        raise NoGuarantee("it has its own decreasing steps gamma_t = 2/(mu t + theta): leave gamma out")
    a, b = float(mu), float(theta)
    return Plan(2 / theta, {"theta": theta, **params}, schedule=partial(harmonic_step, a, b))


def harmonic_values(mu: Number, theta: Number, noise: Number, start: float) -> Callable[[int], float]:
    """t -> C/((mu/theta) t + 1), C = max{start, 4 noise/(mu theta)}.

    Lemma: a_{t+1} <= (1 - gamma_t mu) a_t + gamma_t^2 noise for gamma_t <= gamma_0 and theta >= 2/gamma_0 imply it.
    """
    constant = max(start, float(noise_constant(mu, theta, noise)))
    pace = float(mu / theta)
    return lambda t: harmonic_bound(constant, pace, t)

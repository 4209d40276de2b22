"""Decreasing steps gamma_t = 2/(mu t + theta) and what they turn a noisy contraction into."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial

from compth._numbers import Number, max
from compth.methods.core import Constants, Plan, Theorem


def harmonic_step(mu: Number, theta: Number, t: Number) -> Number:
    """gamma_t = 2/(mu t + theta)."""
    return 2 / (mu * t + theta)


def harmonic_bound(constant: Number, pace: Number, t: Number) -> Number:
    """C/(pace t + 1), pace = mu/theta."""
    return constant / (pace * t + 1)


def noise_constant(mu: Number, theta: Number, noise: Number) -> Number:
    """4 N/(mu theta): C is at least this and a_0."""
    return 4 * noise / (mu * theta)


def harmonic_values(mu: Number, theta: Number, noise: Number, start: float) -> Callable[[int], float]:
    """t -> C/((mu/theta) t + 1), C = max{start, 4 noise/(mu theta)}.

    Lemma: a_{t+1} <= (1 - gamma_t mu) a_t + gamma_t^2 noise for gamma_t <= gamma_0 and theta >= 2/gamma_0 imply it.
    """
    # induction: with a_t <= C/(pace t + 1) the step's inequality gives a_{t+1} <= C/(pace (t+1) + 1) as
    # long as C >= 4 N/(mu theta); C >= a_0 begins it
    constant = max(start, float(noise_constant(mu, theta, noise)))
    pace = float(mu / theta)
    return lambda t: harmonic_bound(constant, pace, t)


class Harmonic(Theorem):
    """Steps gamma_t = 2/(mu t + theta) from gamma_0 = 2/theta on: C/((mu/theta) t + 1), mu = mu_min, without a floor.

    Before another theorem among the bases it says what that one's one-step inequality gives with these steps.
    """

    own_steps = "decreasing steps gamma_t = 2/(mu t + theta)"

    @abstractmethod
    def theta(self, c: Constants) -> Number:
        """2/gamma_0."""

    @abstractmethod
    def noise(self, c: Constants) -> Number:
        """What a step adds, over gamma^2."""

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 2 / self.theta(c), "2/theta"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"theta": self.theta(c)}

    def rate(self, c: Constants, gamma: Number) -> Number | None:
        return None

    def floor(self, c: Constants, gamma: Number) -> Number:
        return 0

    def schedule(self, c: Constants, horizon: int | None) -> Callable[[int], float]:
        return partial(harmonic_step, float(c.mu_min), float(self.theta(c)))

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        return harmonic_values(c.mu_min, plan["theta"], self.noise(c), start)

"""The e-processes: false alarms at their level on the boundary of every null, power where theory says, the law test."""

import numpy as np
import pytest
from scipy.stats import binom

from compth.certification import evalues
from compth.certification.evalues import AtLeast, AtMost, Near, Process, Zero

ALPHA, RUNS = 0.01, 1000
MOST = int(binom.isf(1e-7, RUNS, ALPHA))


def alarms(draw, null):
    def largest(rng):
        process = Process(null)
        for block in np.split(draw(rng), [8, 16, 40, 100, 250]):
            process.add(block)
        return process.evidence

    return sum(largest(np.random.default_rng([k, 77])) > np.log(1 / ALPHA) for k in range(RUNS))


def rand1(
    rng, p=0.2
):  # Rand-1 at d = 5 on a one-hot vector: Z = 16 w.p. 1/5, else 1; E Z = omega = 4 exactly
    return np.where(rng.random(400) < p, 16.0, 1.0)


def coin(rng, shift=0.0):
    return np.where(rng.random(400) < 0.5, 1.0, -1.0) / np.sqrt(3) + shift


def rare(rng, p=0.05):  # D = 0 but for rare large ones: E D = 1 = least, E D^2 = 20 = beta E D
    return np.where(rng.random(400) < p, 20.0, 0.0)


BOUNDARY = {
    "mean square": (rand1, AtMost(4.0)),
    "no bias": (coin, Near(0.0, 1 / 3)),
    "bias eta upwards": (lambda rng: coin(rng, 0.5), Near(0.5, 1 / 3)),
    "bias eta downwards": (lambda rng: coin(rng, -0.5), Near(0.5, 1 / 3)),
    "bias within eta": (lambda rng: coin(rng, 0.2), Near(0.5, 1 / 3)),
    "bias eta, no variance": (lambda rng: np.full(400, 0.5), Near(0.5, 0.0)),
    "lower": (rare, AtLeast(1.0, 20.0)),
    "lower, constant": (lambda rng: np.full(400, 1.0), AtLeast(1.0, 1.0)),
    "nothing": (lambda rng: np.zeros(400), Zero()),
}


@pytest.mark.parametrize(("draw", "null"), BOUNDARY.values(), ids=BOUNDARY)
def test_level_at_the_boundary(draw, null):
    assert alarms(draw, null) <= MOST


BEYOND = {
    "mean square": (lambda rng: rand1(rng, 0.25), AtMost(4.0)),
    "bias": (lambda rng: coin(rng, 0.25), Near(0.0, 0.4)),
    "bias beyond eta": (lambda rng: coin(rng, -0.8), Near(0.5, 1 / 3)),
    "lower": (lambda rng: rare(rng, 0.02), AtLeast(1.0, 20.0)),
    "something": (lambda rng: np.full(400, 1e-9), Zero()),
}


@pytest.mark.parametrize(("draw", "null"), BEYOND.values(), ids=BEYOND)
def test_the_level_test_can_fail(draw, null):
    assert alarms(draw, null) > MOST


@pytest.mark.parametrize(
    "null", [AtMost(3.0), Near(0.0, 2.0), Near(0.7, 2.0), Near(0.7, 0.0), AtLeast(0.5, 2.0)]
)
def test_no_factor_is_negative_and_a_true_mean_wins_nothing(null):
    """Two-point laws on the boundary: every bet's expected factor is at most 1."""
    grid = np.linspace(-30, 30, 20_001)
    if isinstance(null, AtMost):
        grid = np.abs(grid)
    gains = null.gains(grid)
    assert not np.isnan(gains).any()
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = rng.uniform(0.001, 0.999)
        low, high = law_on_the_boundary(null, p, rng)
        mean = (1 - p) * np.exp(null.gains(np.array([low]))) + p * np.exp(null.gains(np.array([high])))
        assert mean.max() <= 1 + 1e-9


def law_on_the_boundary(null, p, rng):
    """(a, b) with P(b) = p, that satisfies the null with equality in its mean."""
    if isinstance(null, AtMost):
        low = rng.uniform(0, null.limit)
        return low, (null.limit - (1 - p) * low) / p
    if isinstance(null, Near):
        mean, sd = rng.choice([-1, 1]) * null.eta, np.sqrt(null.variance)
        return mean - sd * np.sqrt(p / (1 - p)), mean + sd * np.sqrt((1 - p) / p)
    spread = np.sqrt(max(0.0, null.beta * null.least - null.least**2))
    return null.least - spread * np.sqrt(p / (1 - p)), null.least + spread * np.sqrt((1 - p) / p)


def test_law_test_keeps_its_level():
    p = np.array([0.5, 0.3, 0.2])
    over = sum(
        evalues.same_law(np.random.default_rng([k, 77]).multinomial(300, p).astype(float), p)
        > np.log(1 / ALPHA)
        for k in range(RUNS)
    )
    assert over <= MOST


@pytest.mark.parametrize(("true", "claimed", "found"), [(4.0, 3.2, True), (4.0, 4.0, False)])
def test_power_against_a_constant_too_small(true, claimed, found):
    rng = np.random.default_rng(1)
    z = np.where(rng.random(20_000) < 0.2, 4 * true, true / 4)
    assert bool(evalues.evidence(AtMost(claimed), z) > np.log(1e9)) is found


def test_what_could_have_been_found_is_what_is_found():
    """Values moved by a little more than said are refuted, by a little less are not, whatever their spread."""
    level = np.log(1e9)
    rng = np.random.default_rng(3)
    for null, values in (
        (AtMost(4.0), rand1(rng)),
        (AtMost(4.0), np.full(400, 1e-200)),
        (Near(0.1, 1.0), coin(rng)),
        (AtLeast(1.0, 20.0), rare(rng)),
    ):
        size = evalues.detectable(null, values, level)
        assert 1e-4 < size < 100
        assert evalues.evidence(null, null.moved(values, size * 1.02)) > level
        assert evalues.evidence(null, null.moved(values, size * 0.98)) <= level


def test_few_samples_could_not_have_found_a_bias():
    assert evalues.detectable(Near(0.0, 100.0), np.zeros(2), np.log(1e9)) > 5

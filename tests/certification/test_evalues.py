"""The e-processes: false alarms at their level, power where theory says, and the law test."""

import numpy as np
import pytest
from scipy.stats import binom

from compth.certification import evalues

ALPHA, RUNS = 0.01, 1000
MOST = int(binom.isf(1e-7, RUNS, ALPHA))


def alarms(evidence):
    return sum(evidence(np.random.default_rng([k, 77])) > np.log(1 / ALPHA) for k in range(RUNS))


def test_variance_test_keeps_its_level_at_the_boundary():
    # Rand-1 at d = 5 on a one-hot vector: Z = (d - 1)^2 w.p. 1/d, else 1; E Z = omega = 4 exactly
    assert alarms(lambda rng: evalues.exceeds(np.where(rng.random(400) < 0.2, 16.0, 1.0), 4.0)) <= MOST


def test_bias_test_keeps_its_level_at_the_boundary():
    def evidence(rng):
        errors = np.where(rng.random((400, 3)) < 0.5, 1.0, -1.0) / np.sqrt(3)
        return evalues.biased(errors, evalues.running_directions(errors), 1.0)

    assert alarms(evidence) <= MOST


def test_law_test_keeps_its_level():
    p = np.array([0.5, 0.3, 0.2])
    assert alarms(lambda rng: evalues.same_law(rng.multinomial(300, p).astype(float), p)) <= MOST


def test_the_level_test_can_fail():
    assert alarms(lambda rng: evalues.exceeds(np.where(rng.random(400) < 0.25, 16.0, 1.0), 4.0)) > MOST


@pytest.mark.parametrize(("true", "claimed", "found"), [(4.0, 3.2, True), (4.0, 4.0, False)])
def test_power_against_a_constant_too_small(true, claimed, found):
    rng = np.random.default_rng(1)
    z = np.where(rng.random(20_000) < 0.2, 4 * true, true / 4)
    assert bool(evalues.exceeds(z, claimed) > np.log(1e9)) is found


def test_a_small_bias_is_found_in_any_direction():
    rng = np.random.default_rng(2)
    for j in range(3):
        errors = np.where(rng.random((20_000, 3)) < 0.5, 1.0, -1.0) / np.sqrt(3)
        errors[:, j] += 0.1
        assert evalues.biased(errors, evalues.running_directions(errors), 1.2) > np.log(1e9)


def test_directions_are_predictable():
    errors = np.random.default_rng(3).normal(size=(50, 4))
    changed = errors.copy()
    changed[30:] += 5
    assert np.array_equal(evalues.running_directions(errors)[:31], evalues.running_directions(changed)[:31])

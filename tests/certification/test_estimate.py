"""Which constants could be declared: the class by scale and bias; exact values, sure bounds and guesses never mixed."""

import itertools
import json
import math
import re
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth._earned import kept
from compth.certification.estimated import Estimate, described
from compth.certification.sampled_estimate import lower, without_rounding
from compth.certification.scales import Growth, growth

DOMAIN = (1e-100, 1e100)


def unit_noise(x, rng):
    return x + rng.standard_normal(x.size)


def half_and_noise(x, rng):
    return 0.5 * x + 3 * np.linalg.norm(x) * rng.standard_normal(x.size)


def half_and_unit_noise(x, rng):
    return 0.5 * x + rng.standard_normal(x.size)


def powersgd(x, rng):
    m = x.reshape(math.isqrt(x.size), -1)
    p = m @ rng.standard_normal(m.shape[1])
    n = np.linalg.norm(p)
    return x * 0 if n == 0 else np.outer(p / n, m.T @ (p / n)).reshape(-1)


def gaussian_sketch(x, rng):
    s = rng.standard_normal((2, x.size))
    return s.T @ (s @ x) / 2


def min_max_one_bit(x, rng):
    lo, hi = x.min(), x.max()
    return x.copy() if hi == lo else np.where(rng.random(x.size) < (x - lo) / (hi - lo), hi, lo)


def grid(x):
    return np.round(x)


def half_or_nothing(x, rng):
    return x * rng.choice([0.0, 0.0, 0.0, 2.0])


def rand2_32(x, rng):
    x = x.astype(np.float32)
    y = np.zeros_like(x)
    i = rng.choice(x.size, 2, replace=False)
    y[i] = x[i] * np.float32(x.size / 2)
    return y


SAMPLED = [
    # program, d, kind, the constant as computed by hand, eta
    (unit_noise, 6, "absolute error", math.sqrt(6), None),  # E||N||^2 = d
    (half_and_noise, 6, "bias and variance", 54.0, 0.5),  # 9 d, ||x/2 - x|| = ||x||/2
    (half_and_unit_noise, 6, "none", None, None),  # ||x||^2/4 + d
    (powersgd, 9, "contractive", 1 / 3, None),  # at vec(I), 1/sqrt(d)
    (gaussian_sketch, 6, "unbiased", 3.5, None),  # (d + 1)/k
]


@pytest.mark.parametrize(
    ("program", "d", "kind", "true", "eta"), SAMPLED, ids=[s[0].__name__ for s in SAMPLED]
)
def test_samples_give_the_class_a_guess_and_an_interval_and_no_bound(program, d, kind, true, eta):
    found = ct.estimate(program, d)
    assert found.kind == kind
    assert found.exact is found.bound is found.omega is found.delta is found.Delta is None
    if true is None:
        assert found.interval is found.guess is None
        assert "nor stays bounded" in str(found)
        return
    low, high = found.interval
    assert low <= true <= high
    assert found.guess == pytest.approx(true, rel=0.05)
    end = high if found.symbol == "delta" else low
    assert abs(end - true) < 0.15 * true  # the interval says something
    assert (found.alpha, found.samples > 1000) == (1e-9, True)
    assert "a guess from" in str(found)
    assert "with confidence 1 - 1e-09" in str(found)
    assert "seen at an input" not in str(found)
    if eta is not None:
        assert found.eta[0] is None
        assert found.eta[1] == pytest.approx(eta, rel=0.15)


EXACT = [
    (min_max_one_bit, 4, "unbiased", 1, None, None),
    (grid, 3, "absolute error", math.sqrt(3) / 2, None, None),
    (half_or_nothing, 3, "bias and variance", Fraction(3, 4), Fraction(1, 2), None),
    (ct.TopK(2), 6, "contractive", Fraction(1, 3), None, None),
    (ct.RandK(2), 6, "unbiased", 2, None, 2),
    (ct.Scaled(ct.RandK(2)), 6, "contractive", Fraction(1, 3), None, Fraction(1, 3)),
]


@pytest.mark.parametrize(
    ("program", "d", "kind", "bound", "eta", "exact"), EXACT, ids=lambda v: getattr(v, "__name__", None)
)
def test_exact_moments_give_a_sure_bound_and_no_guess(program, d, kind, bound, eta, exact):
    found = ct.estimate(program, d, budget="quick")
    assert found.kind == kind
    assert found.bound == pytest.approx(bound, abs=1e-12)
    assert found.exact == exact
    assert found.interval is found.guess is None
    assert found.eta == (eta, None)
    assert getattr(found, found.symbol) == found.bound
    assert "guess" not in str(found)
    assert ("exactly, for all x" in str(found)) == (exact is not None)


def test_rounding_is_deducted_from_a_float32_programs_bound():
    found = ct.estimate(rand2_32, 8, budget="quick")
    assert (found.kind, found.arithmetic, found.exact) == ("unbiased", "float32", None)
    assert 3 - 1e-4 < found.bound < 3
    assert "omega >= 2.9999" in str(found)  # not 3: six digits are cut, not rounded


class Doubled(ct.RandK):
    """Declares RandK's inclusion probabilities, and does something else."""

    def _compress(self, x, rng):
        return super()._compress(x, rng) * np.where(np.arange(x.shape[-1]) == 0, 2.0, 1.0)


def test_declared_probabilities_of_another_program_prove_nothing():
    found = ct.estimate(Doubled(1), 3, budget="quick")
    assert (found.exact, found.kind) != (2, "unbiased")
    assert found.kind == "none"  # C_0 = 2 x_0 on average, and the mean square error at e_1 is 9


class TwiceAsMuch(ct.PermK):
    def _compress(self, rows, rng):
        return 2 * super()._compress(rows, rng)


def test_a_biased_fleet_is_no_unbiased_fleet():
    found = ct.estimate(TwiceAsMuch(3), 3, budget="quick")
    assert (found.kind, found.exact, found.joint) == ("none", None, None)
    assert "the average of the messages is biased" in str(found)


def test_a_biased_program_without_a_constant_says_why():
    found = ct.estimate(lambda x: 0 * x, 3, budget="quick")
    assert (found.kind, found.symbol, found.bound) == ("none", "", None)
    assert "the mean square error reaches ||x||^2" in str(found)


def test_json_keeps_the_three_kinds_of_knowledge_apart():
    sampled = json.loads(json.dumps(ct.estimate(powersgd, 9, budget="quick").to_dict()))
    assert (sampled["exact"], sampled["bound"]) == (None, None)
    assert 1 / 3 <= sampled["interval"][1] < 0.36
    exact = json.loads(json.dumps(ct.estimate(ct.RandK(2), 6, budget="quick").to_dict()))
    assert (exact["exact"], exact["guess"], exact["interval"]) == ({"exact": "2", "float": 2.0}, None, None)
    fleet = ct.estimate(ct.PermK(3), 3, budget="quick")
    assert "JointVariance(A=1, B=1, n=3) exactly" in described(json.loads(json.dumps(fleet.to_dict())))


def test_shown_digits_are_never_in_favour_of_the_bound():
    up = kept(Estimate("C", 4, "contractive", bound=0.33333333))
    down = kept(Estimate("C", 4, "unbiased", bound=2.9999999))
    assert "delta <= 0.333334" in str(up)
    assert "omega >= 2.99999," in str(down)


@pytest.mark.parametrize("seed", range(20))
def test_the_lower_end_holds_with_the_stated_confidence(seed):
    z = np.random.default_rng(seed).exponential(size=2000) * 2
    low = lower(z, 1e-9)
    assert low < 2  # 20 seeds: a chance of 2e-8 in all
    assert low > 1.5
    # planted: at a level that is no level, the true mean is refuted now and then
    assert lower(z, 0.9) > low
    assert lower(np.zeros(50), 1e-9) == 0


def test_deducted_rounding_is_the_inverse_of_what_is_granted():
    # an error root of 0.5 seen may have been 0.5 - 0.01 (2 + 0.5)
    assert without_rounding(0.25, 0.01) == pytest.approx((0.5 - 0.025) ** 2)
    assert without_rounding(0.25, 0.0) == 0.25
    assert without_rounding(1e-9, 0.01) == 0


@pytest.mark.parametrize(
    ("error", "grown"),
    [
        (lambda x: 0.3 * float(x @ x), Growth.RELATIVE),
        (lambda x: 0.0, Growth.RELATIVE),
        (lambda x: float(x.size), Growth.ABSOLUTE),
        (lambda x: float(((x - np.round(x)) ** 2).sum()), Growth.ABSOLUTE),
        (lambda x: float(((x - np.where(np.abs(x) > 0.1, x, 0)) ** 2).sum()), Growth.ABSOLUTE),
        (lambda x: float(x @ x) / 4 + x.size, Growth.NEITHER),
        (lambda x: float(x @ x) ** 2, Growth.NEITHER),
        (lambda x: float(np.linalg.norm(x)), Growth.NEITHER),
    ],
)
def test_growth_tells_relative_from_absolute_errors(error, grown):
    assert growth(error, 4, DOMAIN) is grown


def test_the_public_name_stays_the_function_whatever_is_imported():
    import compth.certification

    function = compth.certification.estimate
    ct.estimate(ct.RandK(1), 3, budget="quick")
    assert compth.certification.estimate is function
    assert certify_proves(ct.RandK(1))


def certify_proves(thing):
    return ct.certify(thing, 3, budget="quick").verdict is ct.Verdict.PROVED


def test_without_a_claim_nobody_must_keep_zero():
    assert ct.certify(unit_noise, 3, budget="quick").verdict is ct.Verdict.CONSISTENT
    relative = ct.certify(unit_noise, 3, claims=ct.Unbiased(7), budget="quick")
    assert "C(0) is not 0" in relative.certificates[0].technique
    with np.errstate(invalid="ignore"):
        broken = ct.certify(lambda x: x / np.linalg.norm(x), 3, budget="quick")
    assert "NaN or inf" in broken.certificates[0].technique


@pytest.mark.parametrize("thing", [ct.RandK(2), ct.Scaled(ct.RandK(2))], ids=repr)
def test_an_exact_constant_does_not_depend_on_the_clock(thing, monkeypatch):
    import time

    clock = itertools.count(0, 1000.0)  # every look at a clock is a quarter of an hour later
    for name in ("thread_time", "process_time", "monotonic"):
        monkeypatch.setattr(time, name, lambda: next(clock))
    found = ct.estimate(thing, 6)
    assert found.exact == {"unbiased": 2, "contractive": Fraction(1, 3)}[found.kind]


def test_a_small_bias_is_shown_as_what_it_is():
    report = ct.certify(lambda x, rng: x * (1 + 1e-7) * rng.choice([0, 2]), 3, claims=ct.Unbiased(1.1))
    says = report.certificates[0].details["says"]
    assert re.search(r"\|\|E C\(x\) - x\|\|\^2 = 1\.0+\d*e-14 \|\|x\|\|\^2, allowed 0", says)

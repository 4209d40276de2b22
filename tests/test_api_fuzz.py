"""Wrong calls of the public functions: an error of the package's own, in one line that names what is wrong."""

import functools
import itertools
import random
import warnings

import numpy as np
import pytest

import compth as ct
from compth.errors import CompthError

PROBLEM = ct.problems.random_quadratic(2, 3, 5, seed=0)
ODD = [None, 5, -1, 0, 1.5, True, float("nan"), float("inf"), "x", "", b"x", [], [1], (), {}, object(), np.ones(2),
       np.ones((2, 2)), np.array("x"), 10**30, 1e300, 1j, int, ct.RandK, ct.RandK(k=1), ct.TopK(k=1), ct.GD(), PROBLEM,
       ct.DCGD, lambda: 0, [None], ["x"], {"a": 1}, np.array([np.nan] * 3), -0.0, "1/2", np.float32(2)]  # fmt: skip
UNBIASED, CONTRACTIVE = ct.RandK(k=1), ct.TopK(k=1)
CALLS = {
    "guarantee": (
        ct.guarantee,
        {"method": ct.DCGD(UNBIASED), "problem": PROBLEM, "theorem": None, "horizon": 9, "x0": None},
    ),
    "bound": (ct.guarantee(ct.GD(), PROBLEM).iterations_to, {"eps": 0.1}),
    "compress": (UNBIASED.compress, {"x": np.ones(3), "rng": np.random.default_rng(0)}),
    "compare_levels": (
        ct.compare_levels,
        {"problem": PROBLEM, "scheme": "SS", "cost": None, "levels": [1], "steps": 2, "runs": 2, "seed": 0},
    ),
    "step_sizes": (ct.step_sizes, {"method": ct.GD(), "problem": PROBLEM, "eps": 1e-6}),
    "study": (
        functools.partial(ct.study, lambda problem: 0.5),
        {"count": 2, "seed": 0, "largest": 2, "climb": 0},
    ),
    "heterogeneous_feedback": (
        ct.heterogeneous_feedback,
        {"method": "EF21", "mu": [0.5], "L": [1], "delta": 0.5},
    ),
    "uncertainty_margins": (ct.uncertainty_margins, {"compressor": UNBIASED, "d": 3}),
    "exact": (ct.exact, {"method": ct.DCGD(UNBIASED), "problem": PROBLEM, "steps": 2, "x0": None}),
    "exact_rate": (ct.exact_rate, {"method": ct.DCGD(UNBIASED), "problem": PROBLEM}),
    "stationary": (ct.stationary, {"method": ct.DCGD(UNBIASED), "problem": PROBLEM}),
    "max_stable_step": (ct.max_stable_step, {"method": ct.DCGD(UNBIASED), "problem": PROBLEM}),
    "best_step": (ct.best_step, {"method": ct.GD(), "problem": PROBLEM}),
    "simulate": (
        ct.simulate,
        {"method": ct.GD(), "problem": PROBLEM, "steps": 2, "runs": 2, "seed": 0, "x0": None, "dtype": float},
    ),
    "compare": (ct.compare, {"methods": [ct.GD()], "problem": PROBLEM, "steps": 2, "runs": 2, "seed": 0}),
    "tight_rate": (ct.tight_rate, {"method": "CGD", "mu": 0.5, "L": 1, "delta": 0.5, "n": 1}),
    "tight_rates": (ct.tight_rates, {"method": "CGD", "mu": 0.5, "L": 1, "delta": 0.5, "n": 1}),
    "check_rate": (
        ct.check_rate,
        {"method": "CGD", "rate": "1 - gamma*mu*delta", "stepsize": "1/L", "mu": 0.5, "L": 1, "delta": 0.5},
    ),
    "certify": (
        ct.certify,
        {"C": UNBIASED, "d": 2, "claims": None, "alpha": 1e-9, "budget": "quick", "seed": 0},
    ),
    "estimate": (ct.estimate, {"C": UNBIASED, "d": 2}),
    "tune": (ct.tune, {"gradient": np.ones(4), "scheme": "S"}),
    "sampling_probabilities": (ct.sampling_probabilities, {"weights": np.ones(3), "budget": 1}),
    "random_quadratic": (ct.problems.random_quadratic, {"n": 2, "d": 2, "kappa": 3, "seed": 0, "rank": None}),
    "distributed_quadratic": (
        ct.problems.distributed_quadratic,
        {"A": np.tile(np.eye(2), (2, 1, 1)), "b": np.ones((2, 2))},
    ),
    "ridge": (
        ct.problems.ridge,
        {"dataset": "wine", "workers": 2, "split": "iid", "regularisation": 0.1, "seed": 0},
    ),
    "Unbiased": (ct.Unbiased, {"omega": 1}),
    "Contractive": (ct.Contractive, {"delta": 1}),
    "BiasVariance": (ct.BiasVariance, {"eta": 0.5, "omega": 1}),
    "Scaled": (ct.Scaled, {"compressor": UNBIASED, "factor": 0.5}),
    "Composed": (ct.Composed, {"outer": CONTRACTIVE, "inner": UNBIASED}),
    "Induced": (ct.Induced, {"contractive": CONTRACTIVE, "unbiased": UNBIASED}),
    "Shared": (ct.Shared, {"compressor": UNBIASED}),
    "RandK": (ct.RandK, {"k": 1}),
    "Bernoulli": (ct.Bernoulli, {"p": 0.5}),
    "RandomDithering": (ct.RandomDithering, {"s": 2, "p": 2}),
    "DCGD": (ct.DCGD, {"compressor": UNBIASED, "gamma": 0.1}),
    "DIANA": (ct.DIANA, {"compressor": UNBIASED, "gamma": 0.1, "alpha": 0.1}),
    "EF21": (ct.EF21, {"compressor": CONTRACTIVE, "gamma": 0.1}),
    "MARINA": (ct.MARINA, {"compressor": UNBIASED, "gamma": 0.1, "p": 0.5}),
}


def untyped(call, arguments):
    """What came out that is no error of ours, or ""."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call(**arguments)
        except CompthError as problem:
            return "" if "\n" not in str(problem) else f"more than one line: {problem}"
        except Exception as problem:
            return f"{type(problem).__name__}: {problem}"
    return ""


def wrong_calls(name):
    """Every argument replaced by every odd value, then random pairs."""
    call, right = CALLS[name]
    for key, value in itertools.product(right, ODD):
        yield call, {**right, key: value}
    rng = random.Random(name)
    for _ in range(15 if len(right) > 1 else 0):
        a, b = rng.sample(sorted(right), 2)
        yield call, {**right, a: rng.choice(ODD), b: rng.choice(ODD)}


def test_the_right_calls_are_right():
    for name, (call, right) in CALLS.items():
        assert untyped(call, right) == "", name


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_wrong_calls_end_in_our_errors(name):
    found = {}
    for call, arguments in wrong_calls(name):
        said = untyped(call, arguments)
        if said:
            found.setdefault(said[:90], {k: repr(v)[:40] for k, v in arguments.items()})
    assert found == {}


def test_there_are_three_thousand():
    assert sum(1 for name in CALLS for _ in wrong_calls(name)) >= 3000


def test_an_untyped_error_is_seen():
    assert untyped(lambda: 1 // 0, {}) == "ZeroDivisionError: integer division or modulo by zero"

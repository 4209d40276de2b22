"""Errors that are relative plus absolute, relative to the max norm, or joint: true, false, and no contraction."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.certification import sandbox
from compth.claims import JOINT
from compth.claims.written import claim_of
from compth.errors import InvalidParameter, Unsupported

PROVED, CONSISTENT, REFUTED = ct.Verdict.PROVED, ct.Verdict.CONSISTENT, ct.Verdict.REFUTED

FILE = """
import numpy as np

def half(x):                      # float16: subnormal below 2^-14, steps of 2^-24
    return x.astype(np.float16).astype(np.float64)

def int8(x):                      # steps of max|x|/127
    s = np.abs(x).max() / 127
    return x if s == 0 else np.rint(x / s) * s

def noisy(x, rng):
    s = np.abs(x).max() / 4
    y = x + s * (rng.random(len(x)) - 0.5) + s * 0 * rng.standard_normal(len(x))
    return np.where(x == 0, 0.0, y)

def leader(X):
    Y = np.zeros_like(X)
    j = int(np.argmax(np.abs(X[0])))
    Y[:, j] = X[:, j]
    return Y

def one_coin(X, rng):
    return 2 * X if rng.random() < 0.5 else 0 * X
"""
SUBNORMAL = (1e-9, 6e4)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def judged(file, name, claim, d=4, n=None, magnitudes=(None, None)):
    request = {
        "file": str(file), "name": name, "params": {}, "claims": [claim], "dims": [d], "budget": "quick",
        "alpha": 1e-9, "seed": 0, "magnitudes": list(magnitudes), "n": n, "arithmetic": "float64",
    }  # fmt: skip
    return sandbox.check(request)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "claim", "more", "true"),
    [
        ("half", "RelativeAbsoluteError(1 - 2**(-22), 2**(-24))", {"magnitudes": SUBNORMAL}, True),
        ("half", "Contractive(1 - 2**(-22))", {"magnitudes": SUBNORMAL}, False),
        ("half", "RelativeAbsoluteError(1 - 2**(-22), 2**(-27))", {"magnitudes": SUBNORMAL}, False),
        ("int8", "MaxNormError(1/(4*127**2))", {}, True),
        ("int8", "MaxNormError(1/(8*127**2))", {}, False),
        ("leader", "JointContractive(1/(4*d))", {"n": 2}, True),
        ("leader", "JointContractive(1/2)", {"n": 2}, False),
        ("one_coin", "JointVariance(0, -1)", {"n": 3}, True),
        ("one_coin", "JointVariance(0, -1/2)", {"n": 3}, False),
    ],
)
def test_true_ones_stand_and_false_ones_fall_with_a_script(file, name, claim, more, true):
    report = judged(file, name, claim, **more)
    assert (report.verdict is not REFUTED) is true
    if not true:
        script = file.with_name("again.py")
        script.write_text(report.info["reproduction"])
        again = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=False)
        assert again.returncode == 1, again.stderr
        assert "violated:" in again.stdout
        mended = FILE.replace(f"def {name}(", f"def {name}(X, rng=None): return X\ndef old_{name}(")
        file.write_text(mended)
        again = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, check=False)
        assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.parametrize("d", [3, 60])
def test_samples_refute_them_too(d):
    def dithered(x, rng):
        s = np.abs(x).max()
        return x + s * (np.exp(-rng.random(len(x))) - 0.5) * 0.5 * (x != 0)

    found = ct.certify(dithered, d, claims=ct.MaxNormError("1/1000"), budget="quick")
    assert found.verdict is REFUTED
    assert ct.certify(dithered, d, claims=ct.MaxNormError("1/4"), budget="quick").verdict is CONSISTENT
    added = ct.certify(
        lambda x, rng: x + rng.random(len(x)),
        d,
        claims=ct.RelativeAbsoluteError("9/10", "sqrt(d)/4"),
        budget="quick",
    )
    assert added.verdict is REFUTED


def test_a_linear_program_has_no_proof_of_a_bound_that_is_no_quadratic_form():
    """By polarisation the max norm would be taken for a form: E||x/2 - x||^2 = ||x||^2/4 is 4/4 at flat x, not less."""

    def halved(x):
        return x / 2

    assert ct.certify(halved, 4, claims=ct.MaxNormError("1/4")).verdict is CONSISTENT
    assert ct.certify(halved, 4, claims=ct.MaxNormError("1/5")).verdict is REFUTED  # at flat x alone
    assert ct.certify(halved, 4, claims=ct.RelativeAbsoluteError("3/4", 1)).verdict is CONSISTENT


@pytest.mark.parametrize("claim", [ct.RelativeAbsoluteError("1/2", 0), ct.MaxNormError("1/100")])
def test_no_theorem_takes_them_for_a_contraction(claim):
    problem = ct.problems.random_quadratic(n=2, d=3, kappa=4, seed=0)
    made = ct.compressor(lambda x: x / 2, claims=claim)
    for method in (ct.EF21(made), ct.EF(made), ct.DCGD(made)):
        with pytest.raises((Unsupported, ct.errors.NoGuarantee)):
            ct.guarantee(method, problem)
    with pytest.raises(Unsupported):
        ct.Induced(made, ct.RandK(k=1)).claims(3)


def test_implications_are_rules():
    assert ct.calculus.max_norm_delta(Fraction(1, 100), 4) == Fraction(96, 100)
    assert ct.calculus.delta_max_norm(Fraction(3, 4)) == Fraction(1, 4)
    assert ct.calculus.absolute_after(Fraction(1, 2), 3) == (Fraction(1, 2), 3)


@pytest.mark.parametrize("kind", ["JointVariance(1, 0)", "JointContractive(1/2)"])
def test_workers_are_never_silently_one(kind):
    claim = claim_of(kind, {})
    assert isinstance(claim, JOINT)

    def same(X):
        return X

    with pytest.raises(
        InvalidParameter, match=r"same: a joint claim speaks of n workers: say how many, n=4 \(-n 4\)"
    ):
        ct.certify(same, 3, claims=claim)
    assert ct.certify(same, 3, claims=claim, n=1, budget="quick").certificates[0].scope["n"] == 1
    assert (
        ct.certify(same, 3, claims=claim_of(f"{kind[:-1]}, 2)", {}), budget="quick")
        .certificates[0]
        .scope["n"]
        == 2
    )


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ct.certify(lambda X: X, 3, claims=ct.Unbiased(0), n=2), "Unbiased speaks of one vector"),
        (lambda: ct.certify(ct.RandK(k=1), 3, claims=ct.JointVariance(1, 0)), "takes one vector"),
        (lambda: ct.certify(lambda X: X, 3, claims=ct.JointVariance(1, 0, 2), n=3), "speaks of 2 workers"),
        (lambda: ct.certify(lambda X: X, 3, claims=ct.JointVariance(1, 0), n=0), "whole number of workers"),
    ],
)
def test_what_does_not_fit_is_said(make, says):
    with pytest.raises(InvalidParameter, match=says):
        make()


def test_members_that_contract_contract_together():
    """By convexity, however they depend on each other."""

    def topk(X):
        Y = np.zeros_like(X)
        for row, x in zip(Y, X, strict=True):
            j = int(np.argmax(np.abs(x)))
            row[j] = x[j]
        return Y

    assert ct.certify(topk, 3, claims=ct.JointContractive("1/d"), n=2, budget="quick").verdict is CONSISTENT


def with_eps(x):
    s = max(np.abs(x).max() / 127, 1e-7)
    return np.rint(x / s) * s


def on_a_grid(x):
    s = np.abs(x).max() / 127
    return x if s == 0 else np.rint(x / s) * s


def test_an_estimate_says_which_of_them_a_program_has():
    found = ct.estimate(with_eps, 4, budget="quick")
    assert found.kind == "relative and absolute error"
    assert 0.9999 < found.delta_beside < 1 - 1 / (4 * 127**2)
    assert 3e-8 < found.bound <= 1e-7  # at most half a step in each of four entries
    assert "with delta = 0.99" in str(found)
    true = ct.RelativeAbsoluteError(1 - 4 / (4 * 127**2), "1/10**7")
    assert ct.certify(with_eps, 4, claims=true, budget="quick").verdict is CONSISTENT
    false = ct.RelativeAbsoluteError(found.delta_beside, found.bound * 0.99)
    assert ct.certify(with_eps, 4, claims=false, budget="quick").verdict is REFUTED


def test_an_estimate_bounds_the_error_relative_to_the_max_norm():
    found = ct.estimate(on_a_grid, 4, budget="quick")
    assert found.kind == "contractive"
    assert 1 / (8 * 127**2) < found.max_norm <= 1 / (4 * 127**2)
    assert "relative to the max norm c >=" in str(found)
    assert ct.estimate(ct.RandK(k=1), 4, budget="quick").max_norm is None


def test_a_refutation_speaks_in_the_unit_of_its_claim():
    """The planted error: what a claim allows, told as a multiple of another norm than the claim's."""

    def thrice(x):
        return 3 * x

    (flat,) = ct.certify(thrice, 2, claims=ct.MaxNormError("1/7"), budget="quick").certificates
    assert "allowed 1/7 d ||x||_inf^2" in flat.details["says"]
    claim = ct.JointContractive("1/2")
    (joint,) = ct.certify(lambda X: 3 * X, 2, n=2, claims=claim, budget="quick").certificates
    assert "allowed 1/2 mean||a_i||^2" in joint.details["says"]
    assert "by hand: a_1 = (" in str(joint)
    assert "; a_2 = (" in str(joint)


@pytest.mark.parametrize("claim", [ct.Contractive(0), ct.Contractive(-0.5), ct.RelativeAbsoluteError(0, 1)])
def test_what_contracts_by_nothing_is_no_contraction(claim):
    """C = 0 satisfies delta = 0: whoever claims it claims nothing, and is told the rule."""
    with pytest.raises(ct.errors.InvalidParameter, match="0 < delta <= 1") as caught:
        ct.certify(lambda x: 0 * x, d=3, claims=claim, budget="quick")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "claim", [ct.MaxNormError(1), ct.Contractive(1), ct.AbsoluteError(1), ct.JointVariance(1, 0, 2)]
)
def test_constants_times_their_unit_are_the_bound(claim):
    x = np.array([3.0, -4.0, 1.0, 0.0])
    size, _ = claim.unit(x)
    bound = claim.margins(x, np.zeros(2 if hasattr(claim, "n") else 4), 0.0)[-1].bound
    constant = 1 - claim.delta if hasattr(claim, "delta") else 1
    assert float(bound) == pytest.approx(constant * float(size))

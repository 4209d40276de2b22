"""The pinned values: exact ones to the digit, closed ones to 1e-12, the rest within what their solvers promise."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.dynamics import exact_rate
from tests.unwatched import unwatched

from .record import FILE, answers, cases, in_fractions, made, questions, worst_case

VALUES = json.loads(FILE.read_text())
CASES, QUESTIONS = cases(), questions()
TOLERANCE = {"curve": 1e-12, "rate": 1e-8, "stationary": 1e-9, "stable": 1e-7, "best": 1e-8}
"""Relative: a recursion's rounding; the residual that rates, solves and roots stop at."""
STEP = 1e-6
"""Of the best step: the rate is flat there."""
SEARCHED = 1e-6
"""Of 1 - rho: how close to the LMI's value a searched certificate comes."""


def close(found, want, tolerance):
    """The same names, and numbers as near as that, relative to the largest of a list."""
    assert found.keys() == want.keys()
    for name, value in want.items():
        size = np.abs(value).max() if np.ndim(value) else abs(value)
        limit = STEP if (name, tolerance) == ("gamma", TOLERANCE["best"]) else tolerance
        assert np.abs(np.subtract(found[name], value)).max() <= limit * size + 1e-15, name


def differences(found, want):
    """Questions with another answer."""
    assert found.keys() == want.keys()
    out = []
    for name, value in want.items():
        try:
            assert isinstance(value, str) == isinstance(found[name], str), name
            if isinstance(value, str):
                assert found[name] == value
            else:
                close(found[name], value, TOLERANCE[name])
        except AssertionError:
            out.append(name)
    return out


def test_every_case_is_pinned():
    assert VALUES["dynamics"].keys() == CASES.keys()
    assert VALUES["worst_case"].keys() == QUESTIONS.keys()


@pytest.mark.parametrize("key", CASES)
@unwatched()
def test_exact_dynamics_stay(key):
    method, on = CASES[key]
    assert differences(answers(method, made(VALUES["problems"][on])), VALUES["dynamics"][key]) == []


MOVED = (("curve", "mean_gap"), ("rate", "rho"), ("stationary", "gap"), ("stable", "gamma"), ("best", "rho"))


def test_a_moved_value_is_seen():
    want = VALUES["dynamics"]["dcgd"]
    assert differences(want, want) == []
    for question, name in MOVED:
        moved = np.multiply(want[question][name], 1 + 2 * TOLERANCE[question]).tolist()
        changed = {**want, question: {**want[question], name: moved}}
        assert differences(changed, want) == [question]
    assert differences({**want, "rate": "Unsupported"}, want) == ["rate"]


def test_pinned_rates_are_converged():
    for key in ("diana", "marina", "ef21 downlink", "saga 0", "ist"):
        method, on = CASES[key]
        assert exact_rate(method, made(VALUES["problems"][on])).converged, key


def test_curves_in_fractions_stay_to_the_digit():
    assert in_fractions() == VALUES["fractions"]


def nonzero(certificate):
    """Without the coefficients and multipliers that are 0."""
    parts = {k: {a: c for a, c in certificate[k].items() if c != "0"} for k in ("v", "multipliers")}
    return {**certificate, **parts}


@pytest.mark.parametrize("key", QUESTIONS)
def test_worst_cases_and_certificates_stay(key):
    name, given = QUESTIONS[key]
    found, want = worst_case(name, given), VALUES["worst_case"][key]
    assert found["closed"] == want["closed"]
    if isinstance(want["rho"], str):
        assert (found["rho"], found["stepsize"]) == (want["rho"], want["stepsize"])
        assert found["certificate"] == nonzero(want["certificate"])
    if want["closed"]:
        assert float(Fraction(found["rho"])) == pytest.approx(float(Fraction(want["rho"])), rel=1e-12)
        assert float(Fraction(found["stepsize"])) == pytest.approx(
            float(Fraction(want["stepsize"])), rel=1e-12
        )
        limit = Fraction(want["certificate"]["rho"])
        assert float(Fraction(found["certificate"]["rho"]) / limit) == pytest.approx(1, rel=1e-12)
    else:
        assert (found["certificate"] is None) == (want["certificate"] is None)
        if want["certified"] is not None:
            gap = 1 - want["attained"]
            assert found["certified"] == pytest.approx(want["certified"], abs=SEARCHED * gap)
    assert found["attained"] == pytest.approx(want["attained"], rel=1e-12)


def test_a_certificate_of_the_pins_still_proves():
    name, given = QUESTIONS["ef21 7/2"]
    assert ct.tight_rate(name, **given).certificate.check()

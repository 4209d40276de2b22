"""Budgets are counted work: certificates do not depend on the machine's speed; a cap on time is named when it bites."""

import time

import numpy as np
import pytest

import compth as ct
from compth.certification import allowance, certify
from compth.certification.allowance import Allowance
from compth.certification.tracer import TooManyLeaves, leaves

from .right import dithered_grid, qsgd4, rand2_choice


class Clock:
    """A machine so many times slower, and stopped now and then."""

    def __init__(self, factor, pause=0.0):
        self.read = {name: getattr(time, name) for name in ("thread_time", "monotonic")}
        self.factor, self.pause, self.looks = factor, pause, 0

    def thread_time(self):
        return self.read["thread_time"]() * self.factor

    def monotonic(self):
        self.looks += self.pause > 0
        return self.read["monotonic"]() * self.factor + self.looks * self.pause

    def installed(self, monkeypatch):
        """Set in the standard library: with a changed module of its own the package proves nothing."""
        for name in self.read:
            monkeypatch.setattr(time, name, getattr(self, name))


def gaussian(x, rng):
    return x + 0.3 * np.linalg.norm(x) * rng.standard_normal(x.size) / np.sqrt(x.size)


PROGRAMS = [
    (rand2_choice, ct.Unbiased("d/2 - 1"), 5),
    (rand2_choice, ct.Unbiased("d/2 - 1"), 80),
    (qsgd4, ct.Unbiased("min(d/64, sqrt(d)/4)"), 30),
    (dithered_grid, ct.AbsoluteError("sqrt(d/12)"), 2),
    (gaussian, ct.Unbiased("0.05"), 4),
    (gaussian, ct.Unbiased("0.09"), 4),
]


@pytest.mark.parametrize(
    ("program", "claim", "d"), PROGRAMS, ids=[f"{p[0].__name__}-{p[2]}" for p in PROGRAMS]
)
def test_certificates_do_not_depend_on_speed(program, claim, d, monkeypatch):
    first = certify(program, d, claims=claim, budget="quick")
    for clock in (Clock(0.01), Clock(4.0)):
        with monkeypatch.context() as patch:
            clock.installed(patch)
            again = certify(program, d, claims=claim, budget="quick")
        assert [c.to_dict() for c in again.certificates] == [c.to_dict() for c in first.certificates]
        assert again.info["not_checked"] == first.info["not_checked"]


@pytest.mark.parametrize(("thing", "d"), [(ct.RandK(2), 6), (ct.NaturalCompression(), 3)], ids=repr)
@pytest.mark.slow
def test_estimates_do_not_depend_on_speed(thing, d, monkeypatch):
    """A machine of half the speed answered 2.0593 from samples where 2 was known exactly."""
    first = ct.estimate(thing, d, budget="quick")
    Clock(4.0).installed(monkeypatch)
    again = ct.estimate(thing, d, budget="quick")
    assert repr(again) == repr(first)
    assert np.array_equal(again.worst_x, first.worst_x)
    if isinstance(thing, ct.RandK):
        assert again.exact == 2


@pytest.mark.parametrize("d", [4, 400])
def test_a_cap_that_bites_is_named(d, monkeypatch):
    monkeypatch.setattr(allowance, "time", Clock(1e5))
    report = certify(gaussian if d < 100 else qsgd4, d, claims=ct.Unbiased("sqrt(d)"), budget="quick")
    said = [note for note in report.info["not_checked"] if "cap of 10 s" in note]
    assert said
    assert "a faster machine goes further" in said[0]


def test_work_ends_it_and_work_alone():
    allowed = Allowance(10.0, 5.0)
    allowed.use(9.0)
    assert not allowed.spent
    allowed.use(1.0)
    assert allowed.spent
    assert not allowed.capped


def test_a_stopped_machine_loses_nothing(monkeypatch):
    monkeypatch.setattr(allowance, "time", Clock(1.0, pause=3600.0))
    allowed = Allowance(10.0, 1.0)
    assert not any(allowed.spent for _ in range(15))
    assert any(allowed.spent for _ in range(15))  # a program that sleeps for ever ends, too


def test_enumeration_stops_at_its_work():
    with pytest.raises(TooManyLeaves, match="more than"):
        list(leaves(lambda rng: rng.permutation(7), 10**6, Allowance(1e4)))

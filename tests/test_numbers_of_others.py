"""A class that inherits from float may compare, multiply and write itself as it likes: its objects count as numbers."""

import contextlib
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth._numbers import plain, uninherited
from compth.errors import CompthError
from compth.methods.core.vectors import Underivable

PROBLEM = ct.problems.random_quadratic(n=2, d=4, kappa=5, seed=3)


class Thrice(float):
    """0.1 for whoever looks, 0.3 for whoever computes."""

    def __mul__(self, other):
        return 3 * float(self) * other

    __rmul__ = __mul__

    def __pos__(self):
        return 9.0

    def __float__(self):
        return 8.0


class Seven(int):
    def __index__(self):
        return 7

    def __rtruediv__(self, other):
        return 1000.0


class Third(F):
    @property
    def numerator(self):
        return 3 * self._numerator


class Numpys(np.float64):
    def __mul__(self, other):
        return 0.0


HELD = [(Thrice(0.25), 0.25), (Seven(2), 2), (Third(1, 3), F(1, 3)), (Numpys(0.5), 0.5)]


@pytest.mark.parametrize(("number", "held"), HELD)
def test_a_number_of_others_is_the_number_that_it_holds(number, held):
    for made in (uninherited(number), plain(number)):
        assert type(made) in (int, float, F)
        assert made == held
    assert uninherited([1, (number,), {"a": number}]) == [1, (held,), {"a": held}]


def test_what_is_no_number_of_others_stays_the_object_that_it_is():
    for thing in (
        True,
        2,
        0.5,
        F(1, 2),
        np.float64(0.5),
        ct.Verdict.PROVED,
        [1, 2.0],
        (F(1),),
        {"a": 1},
        "text",
    ):
        assert uninherited(thing) is thing


@pytest.mark.parametrize("name", ["mu", "L", "omega"])
def test_a_tight_rate_speaks_of_the_numbers_that_it_prints(name):
    """DCGD's rate was 0.53, PROVED, for a mu of 0.1 that multiplied as 0.3: it is 0.78."""
    given = {"mu": 0.125, "L": 1.0, "omega": 0.5, "n": 2}
    honest = ct.tight_rate("DCGD", **given)
    assert ct.tight_rate("DCGD", **given | {name: Thrice(given[name])}).rho == honest.rho


def test_a_step_of_a_method_is_what_its_guarantee_speaks_of():
    """The guarantee was PROVED for a step of 0.001, and the run took 0.003."""
    for m, honest in ((ct.GD(gamma=Thrice(0.001)), ct.GD(gamma=0.001)),
                      (ct.DIANA(ct.RandK(2), gamma=Thrice(0.001)), ct.DIANA(ct.RandK(2), gamma=0.001))):  # fmt: skip
        assert type(m.gamma) is float
        assert ct.guarantee(m, PROBLEM).rho == ct.guarantee(honest, PROBLEM).rho
        runs = [ct.simulate(it, PROBLEM, 4, 2, 0).mean_square[-1] for it in (m, honest)]
        assert runs[0] == runs[1]
    object.__setattr__(m, "gamma", Thrice(0.001))
    with pytest.raises(CompthError, match=r"DIANA.gamma was replaced on the object"):
        ct.guarantee(m, PROBLEM)


def test_sizes_of_compressors_are_the_numbers_that_they_hold():
    c = ct.RandK(Seven(2))
    assert type(c.k) is int
    assert c.claims(10) == ct.RandK(2).claims(10)
    assert np.count_nonzero(c.compress(np.ones(10), np.random.default_rng(0))) == 2


ASKED = [
    "str(gamma) == '0.1'",
    "float(gamma) != gamma",
    "gamma.as_integer_ratio()[1] > 100",
    "gamma * 10 == 1",
]


def asking(expression):
    """Gradient descent, three times as far where the expression in gamma holds."""
    space = {"ct": ct}
    step = f"gamma * (3 if {expression} else 1)"
    exec(
        f"def asking(w, x, *, gamma):\n    return dict(x=x - {step} * w.mean(w.gradient(x)))",
        space,
    )
    return ct.method(space["asking"])


def test_a_body_that_tells_floats_from_fractions_runs_as_its_exact_curve_says():
    """The run took the Fraction, the curve the float: "exact" and wrong for a body that asks which it is."""
    derived = 0
    for method in [asking(text)(gamma=gamma) for text in ASKED for gamma in (0.1, F(1, 10))]:
        with contextlib.suppress(Underivable):
            curve, run = ct.exact(method, PROBLEM, 4), ct.simulate(method, PROBLEM, 4, 1, 0)
            derived += 1
            assert np.allclose(curve.mean_square, run.mean_square, rtol=1e-9)
    assert derived >= 4

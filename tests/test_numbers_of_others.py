"""A class that inherits from float may compare, multiply and write itself as it likes: its objects count as numbers."""

import contextlib
from decimal import Decimal
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


def test_a_decimal_is_the_fraction_that_it_is():
    """Bernoulli(Decimal("0.5")) raised a TypeError far inside."""
    half = Decimal("0.5")
    assert ct.Bernoulli(p=half) == ct.Bernoulli(p=F(1, 2))
    assert type(ct.Bernoulli(p=half).p) is F
    assert ct.certify(ct.Bernoulli(p=half), 3, budget="quick").verdict is ct.Verdict.PROVED
    given = {"mu": Decimal("0.1"), "L": 1, "delta": half}
    assert ct.tight_rate("CGD", **given).rho == ct.tight_rate("CGD", mu=F(1, 10), L=1, delta=F(1, 2)).rho
    assert ct.guarantee(ct.GD(gamma=Decimal("0.1")), PROBLEM).stepsize == F(1, 10)
    prices = [ct.costs.Affine(per_element=kind(1), fixed=kind(2)) for kind in (Decimal, int)]
    assert len({ct.tune([3.0, 1.0], "S", cost=price).efficiency for price in prices}) == 1
    assert uninherited(Decimal("1e-30")) == F(1, 10**30)
    for odd in ("inf", "nan"):
        with pytest.raises(CompthError, match="needs 0 < p <= 1"):
            ct.Bernoulli(p=Decimal(odd))


def test_a_narrow_number_in_a_body_is_the_number_that_it_is():
    @ct.method
    def Narrow(w, x, *, gamma):
        return dict(x=x - np.float32(0.1) * w.mean(w.gradient(x)) / np.float32(3))

    curve = ct.exact(Narrow(ct.Identity(), gamma=0.1), PROBLEM, 3)
    run = ct.simulate(Narrow(ct.Identity(), gamma=0.1), PROBLEM, 3, 1, 0)
    assert np.allclose(curve.mean_square, run.mean_square, rtol=1e-12)


def masked(values, mask):
    return np.ma.masked_array(np.asarray(values, dtype=float), mask=mask)


HIDING = {
    "a problem": lambda m: ct.problems.distributed_quadratic(np.eye(2)[None], m([[1, 2]], [[1, 0]])),
    "a class": lambda m: ct.problems.DistributedQuadratic(np.eye(2)[None], m([[1, 2]], [[1, 0]])),
    "one worker": lambda m: ct.problems.Quadratic(m(np.eye(2), [[1, 0], [0, 0]]), [1, 2]),
    "a sum": lambda m: ct.problems.FiniteSum(np.eye(2)[None, None], m([[[1, 2]]], [[[1, 0]]])),
    "rows": lambda m: ct.problems.from_rows(m(np.eye(4), np.eye(4) == 1), np.ones(4), workers=2),
    "a start": lambda m: ct.exact(ct.GD(gamma=0.1), PROBLEM, 2, x0=m([1, 2, 3, 4], [1, 0, 0, 0])),
    "a vector": lambda m: ct.TopK(k=1).compress(m([3, 2], [1, 0])),
    "a gradient": lambda m: ct.tune(m([3, 2], [1, 0]), "S"),
    "weights": lambda m: ct.sampling_probabilities(m([3, 2], [1, 0]), 1),
}


@pytest.mark.parametrize("name", HIDING)
def test_a_mask_is_not_lost_in_silence(name):
    with pytest.raises(CompthError, match=r"is a masked array that hides [14] of its \d+ entries"):
        HIDING[name](masked)
    HIDING[name](lambda values, mask: masked(values, np.zeros_like(mask)))


class Raising:
    def __getattribute__(self, name):
        raise RuntimeError(name)


class Agreeing:
    def __getattribute__(self, name):
        return lambda *args: 1


@pytest.mark.parametrize(("thing", "says"), [(Raising, "raises RuntimeError"), (Agreeing, "gives no class")])
@pytest.mark.parametrize(
    "call",
    [
        lambda it: ct.certify(it, 3, claims=ct.Unbiased(1)),
        lambda it: ct.adapt(it),
        lambda it: ct.as_fleet(it),
        lambda it: ct.DCGD(it),
        lambda it: ct.guarantee(it, PROBLEM),
        lambda it: ct.guarantee(ct.GD(), it),
        lambda it: ct.tight_rate(it, mu=0.1, L=1, delta=0.5),
    ],
)
def test_an_object_that_answers_untruly_for_its_attributes_is_named(thing, says, call):
    with pytest.raises(CompthError, match=rf"__getattribute__ {says}"):
        call(thing())


@pytest.mark.parametrize("given", [None, ct.Unbiased(3), (3,)])
def test_claims_that_are_none_are_said_in_one_line(given):
    class Odd(ct.RandK):
        def claims(self, d):
            return given

    with pytest.raises(CompthError, match=r"Odd.claims\(\) gives .*: return a tuple of claims"):
        ct.guarantee(ct.DCGD(Odd(k=1)), PROBLEM)

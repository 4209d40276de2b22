"""Claims whose code or numbers are somebody's, and sketches that do otherwise where nobody looked before."""

from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.claims import sure

from .strange import Lying

PROVED, ASSUMED = ct.Verdict.PROVED, ct.Standing.ASSUMED


class Anything:
    """Equal to every number."""

    def __eq__(self, other):
        return True

    __hash__ = None


class Large(F):
    """A hundred times what it says."""

    def __mul__(self, other):
        return 100 * other

    __rmul__ = __mul__


class Loose(ct.Unbiased):
    def margins(self, x, mean, second):
        return ()


class Boasting(ct.Unbiased):
    def __str__(self):
        return "Unbiased(omega=0.001)"


def test_a_claim_is_compared_by_numbers_that_are_numbers():
    claim = ct.RandK(2).claims(10)[0]
    assert claim.standing is ct.Standing.PROVED
    object.__setattr__(claim, "omega", Anything())
    assert (claim.standing, sure(claim)) == (ASSUMED, ASSUMED)


@pytest.mark.parametrize("size", [2, 0.5, F(9, 2)])
def test_nothing_is_proved_where_an_object_has_no_meaning(size):
    assert {c.standing for c in ct.RandK(4).claims(size)} == {ASSUMED}


def proofs(thing, d, claims=None):
    report = ct.certify(thing, d, claims=claims, budget="quick")
    return [c.claim for c in report.certificates if c.verdict is PROVED]


def coin(x, rng):
    return 2 * x * (rng.random(len(x)) < 0.5)


@pytest.mark.parametrize("claim", [Loose(0.001), Boasting(4)], ids=lambda c: type(c).__name__)
def test_a_claim_of_somebodys_class_is_never_proved(claim):
    assert proofs(ct.RandK(1), 2, claim) == proofs(coin, 2, claim) == []


def test_a_constant_is_the_number_that_it_is():
    assert proofs(coin, 2, ct.Unbiased(Large(1, 10))) == []
    assert proofs(coin, 2, ct.Unbiased(Large(1))) == ["Unbiased(omega=1)"]


class Rows(Lying):
    """Wrong for eleven rows alone."""

    lie = ""
    way = ""

    def draw(self, shape, rng):
        eleven = len(shape) == 2 and shape[0] == 11
        if self.way == "law" and eleven:
            j, w = rng.integers(shape[-1] - 1, size=shape[:-1]), np.zeros(shape)
            np.put_along_axis(w, np.asarray(j)[..., None], float(shape[-1]), -1)
            return w
        return super().draw(shape, rng) * (1 - eleven)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["law", "support"])
def test_a_draw_that_is_wrong_for_some_number_of_rows_is_no_proof(way):
    assert proofs(type("Rows", (Rows,), {"way": way})(), 15) == []


@pytest.mark.slow
@pytest.mark.parametrize("d", [3, 15])
def test_a_compress_of_the_instance_is_a_program_of_its_own(d):
    thing = Lying()
    object.__setattr__(
        thing, "compress", lambda x, rng=None: thing.kernel(x, rng) * (not np.any(x == 1.2345))
    )
    assert proofs(thing, d) == []

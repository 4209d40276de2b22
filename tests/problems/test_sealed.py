"""A problem's constants are those of its matrices: whatever is put in their place, no guarantee speaks of it."""

import copy
import pickle

import numpy as np
import pytest

import compth as ct
from compth._own import foreign
from compth.problems import FiniteSum, random_finite_sum, random_quadratic
from compth.problems.oracle import GradientNoise, Minibatch, noise_of


def quadratic():
    return random_quadratic(n=2, d=3, kappa=10)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A", 100 * np.ones((2, 3, 3))),
        ("b", np.ones((2, 3))),
        ("_eigh", (np.ones(3), np.eye(3))),
        ("_spectra", np.ones((2, 3))),
        ("_positive", np.array([False, False, True])),
        ("eigenvalues", np.ones(3)),
        ("heterogeneity", 0.0),
        ("_noise", {}),
    ],
)
def test_a_replaced_attribute_is_no_constant_of_the_problem(name, value):
    p = quadratic()
    assert ct.guarantee(ct.GD(), p).standing == "PROVED"
    p.__dict__[name] = value
    assert foreign(p) == f"DistributedQuadratic.{name} was replaced on the object"
    with pytest.raises(ct.errors.NoGuarantee, match=f"{name} was replaced"):
        ct.guarantee(ct.GD(), p)
    with pytest.raises(ct.errors.Unsupported, match=f"{name} was replaced"):
        ct.exact_rate(ct.GD(gamma=0.1), p)


def test_matrices_and_what_is_computed_of_them_cannot_be_written_to():
    f = random_finite_sum(n=2, m=2, d=3)
    noise = noise_of(f, Minibatch(1))
    for array in (
        f.A,
        f.b,
        f.parts,
        f.hessian,
        f._eigh[0],
        f._eigh[1],
        f.x_star,
        f.L_ij,
        noise.G,
        noise.slope,
    ):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def test_kept_noise_that_was_changed_is_assumed():
    f, method = random_finite_sum(n=2, m=3, d=3), ct.DCGD(ct.RandK(k=2), oracle=Minibatch(1))
    right = ct.guarantee(method, f)
    assert right.standing == "PROVED"
    object.__setattr__(noise_of(f, Minibatch(1)), "G", np.zeros((2, 1, 3, 4)))
    assert ct.guarantee(method, f).standing == "ASSUMED"


def test_an_oracle_that_calls_itself_equal_to_ours_is_not_remembered_for_it():
    class Quiet(Minibatch):
        __hash__ = Minibatch.__hash__

        def __eq__(self, other):
            return True

        def noise(self, problem):
            return GradientNoise(np.zeros((problem.n, 1, problem.d, problem.d + 1)), problem.A)

    f = random_finite_sum(n=1, m=3, d=2)
    assert noise_of(f, Quiet(1)).sigma2_star == 0
    assert noise_of(f, Minibatch(1)).sigma2_star > 0


@pytest.mark.parametrize("made", [quadratic, lambda: random_finite_sum(n=2, m=2, d=3)])
@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copy_is_made_anew(made, twin):
    p = made()
    p.__dict__["_spectra"] = np.ones((2, 3))
    again = twin(p)
    assert not foreign(again)
    assert np.array_equal(again.A, p.A)
    assert again.L_max > 1
    assert not isinstance(p, FiniteSum) or np.array_equal(again.parts, p.parts)
    bare = object.__new__(type(p))
    bare.__dict__.update(p.__dict__)
    assert "was replaced" in foreign(bare)

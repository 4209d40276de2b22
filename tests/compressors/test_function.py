"""A function with claims is a compressor: in methods, fleets, combinators, and before the referee."""

import copy
import pickle

import numpy as np
import pytest
import sympy

import compth as ct
from compth._own import foreign

PROBLEM = ct.problems.random_quadratic(n=3, d=4, kappa=5, seed=0)


def top1(x):
    y = np.zeros_like(x)
    i = np.argmax(np.abs(x))
    y[i] = x[i]
    return y


def coin(x, rng):
    return np.where(rng.random(len(x)) < 0.5, 2 * x, 0.0)


C = ct.compressor(top1, claims=ct.Contractive("1/d"), bits="32 + 2")
COIN = ct.compressor(coin, claims="Unbiased(1)")


def test_a_method_runs_it_as_it_runs_the_package_s_own():
    one = ct.simulate(ct.EF21(C), PROBLEM, steps=30, runs=4)
    own = ct.simulate(ct.EF21(ct.TopK(k=1)), PROBLEM, steps=30, runs=4)
    assert np.array_equal(one.mean_square, own.mean_square)
    assert ct.guarantee(ct.EF21(C), PROBLEM).rho == ct.guarantee(ct.EF21(ct.TopK(k=1)), PROBLEM).rho
    assert one.bits[-1] == 30 * 34


def test_what_rests_on_it_is_assumed_whatever_it_names_as_its_proof():
    forged = ct.Contractive("1/d", proof="topk.delta", declared=ct.Standing.PROVED)
    for f in (top1, ct.calculus.second_moment):  # also a function of the package itself
        (claim,) = ct.compressor(f, claims=forged).claims(4)
        assert claim.standing is ct.Standing.ASSUMED
    rate = ct.guarantee(ct.EF21(C), PROBLEM)
    assert rate.standing == ct.Standing.ASSUMED
    assert "Contractive(delta=1/4) of compressor(top1)" in str(rate)
    assert foreign(C)


def test_the_referee_judges_the_plain_function_by_its_claims():
    report = ct.certify(C, 3)
    assert report.verdict is ct.Verdict.PROVED
    assert report.certificates[0].technique == "laws on cells"
    lies = ct.compressor(top1, claims=ct.Contractive("2/d"))
    assert ct.certify(lies, 3).verdict is ct.Verdict.REFUTED
    assert ct.certify(lies, 3, claims=ct.Contractive("1/d")).verdict is ct.Verdict.PROVED
    assert ct.estimate(COIN, 3).exact == 1


@pytest.mark.parametrize(
    "made",
    [ct.Scaled(COIN), ct.Induced(C, ct.RandK(k=1)), ct.Independent([C, C, C]), ct.Shared(COIN)],
    ids=repr,
)
def test_combinators_and_fleets_take_it(made):
    claims = made.claims(3, 4) if isinstance(made, ct.Fleet) else made.claims(4)
    assert claims
    assert {c.standing for c in claims} == {ct.Standing.ASSUMED}


def test_rows_are_single_calls_and_the_input_stays():
    def spoils(x):
        x *= 2
        return x

    X = np.arange(12.0).reshape(2, 2, 3)
    before = X.copy()
    out = ct.compressor(spoils, claims="AbsoluteError(1)").compress(X)
    assert np.array_equal(out, 2 * before)
    assert np.array_equal(X, before)


def test_constants_take_numbers_expressions_functions_and_symbols():
    d = sympy.Symbol("d", positive=True)
    assert ct.compressor(top1, claims=ct.Contractive("1/d")).claims(d)[0].delta == 1 / d
    assert ct.compressor(top1, claims=ct.Contractive(lambda d: 1 / d)).claims(d)[0].delta == 1 / d
    assert ct.compressor(top1, claims=[ct.Contractive(0.25)]).claims(d)[0].delta == 0.25


def test_copies_and_pickles_are_it():
    for again in (copy.deepcopy(C), pickle.loads(pickle.dumps(C))):
        assert again == C
        assert hash(again) == hash(C)
        assert again.claims(4) == C.claims(4)


def test_lengths_that_depend_on_the_message_are_counted():
    sparse = ct.compressor(coin, claims="Unbiased(1)", bits=lambda y: 8 * np.count_nonzero(y))
    y = np.array([[1.0, 0, 0], [1.0, 2.0, 0]])
    assert sparse.message_bits(y).tolist() == [8, 16]
    assert sparse.bits(1000).random
    assert abs(sparse.bits(1000).total - 4000) < 300
    trace = ct.simulate(ct.DCGD(sparse, gamma=0.01), PROBLEM, steps=20, runs=64)
    assert 0 < abs(trace.bits[-1] - 20 * 16) < 40  # four entries, each with chance 1/2, eight bits


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ct.EF21(top1), "top1 is a function without claims: write ct.compressor"),
        (lambda: ct.compressor(3, claims="Contractive(1/d)"), "function=3 must be a function"),
        (lambda: ct.compressor(top1, claims=0.5), "claims=0.5: give Claim objects or texts"),
        (lambda: ct.compressor(top1, claims="Contractive(1/k)"), "unknown k"),
        (lambda: ct.compressor(top1, claims="Contractive(1/d)", bits=-1), "bits=-1 must be a number >= 0"),
        (lambda: ct.compressor(top1, claims="Contractive(1/d)", bits="k"), "unknown k"),
        (lambda: ct.compressor(lambda x: x[:1], claims="Contractive(1)").compress([1.0, 2]), "shape"),
        (lambda: ct.compressor(lambda x: x * np.nan, claims="Contractive(1)").compress([1.0]), "NaN"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make, says):
    with pytest.raises(ct.errors.InvalidParameter, match=says):
        make()


def test_lengths_are_known_in_single_precision_too():
    pair = ct.compressor(
        ct.adapt((lambda x: x.astype(np.float16), lambda m: m / 3.0)), claims="Contractive(1/9)"
    )
    trace = ct.simulate(ct.DCGD(pair, gamma=0.01), PROBLEM, steps=3, runs=4, dtype=np.float32)
    assert trace.bits[-1] == 3 * 4 * 16

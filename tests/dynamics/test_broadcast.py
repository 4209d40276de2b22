"""Compressed downlinks, GDCI and ADIANA: the operators against enumeration of the methods' own steps."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import compth as ct
from compth.dynamics import blocks, system
from compth.errors import NoGuarantee, Unsupported
from compth.methods import find_guarantee
from compth.problems import random_quadratic

PROBLEM = random_quadratic(2, 2, 5, seed=7, minimisers=2.0)
RAND = 2 * np.eye(2)
"""The masks of Rand-1 in two dimensions, each with probability 1/2."""


class Script:
    """Stands for a fleet, a downlink and a generator: answers with prepared masks and coins."""

    def __init__(self, masks, coins=None):
        self.masks, self.coins = list(masks), coins

    def kernel(self, x, rng):
        return self.masks.pop(0) * x

    def member(self, i):
        return self

    def random(self, size):
        return self.coins


def scripted(method, up, down, coins):
    """The method with its randomness replaced; one step of it consumes the script."""

    class Scripted(type(method)):
        fleet = Script(up)

        def broadcast(self, direction, rng):
            return direction if method.broadcasts_all else down * direction

        def uplink_bits(self, y, float_bits=32):
            return 0.0

        def heard(self, y, float_bits=32):
            return None

    made = object.__new__(Scripted)
    made.__dict__.update(method.__dict__)
    return made, Script([], coins)


def outcomes(method, scale, shared):
    """(probability, first masks, second masks, downlink mask, coin) of one round, each mask (2, 2) or (2,)."""
    masks = RAND * scale
    ups = [np.tile(m, (2, 1)) for m in masks] if shared else [np.array(m) for m in product(masks, masks)]
    if isinstance(method, ct.GDCI):
        ups = list(RAND)
    seconds = ups if isinstance(method, ct.ADIANA) else ups[:1]
    downs = RAND if hasattr(method, "downlink") and not method.broadcasts_all else RAND[:1]
    p = method.p if isinstance(method, ct.ADIANA | ct.MARINA) else None
    coins = [(1.0, 1.0)] if p is None else [(p, 0.0), (1 - p, 1.0)]
    count = len(ups) * len(seconds) * len(downs)
    return [(q / count, u, v, w, c) for u, v, w, (q, c) in product(ups, seconds, downs, coins)]


def enumerated(method, plan, steps, scale, shared, theorem=None):
    """E||x_t - x*||^2 and the theorem's metric for t = 1..steps, every path of the method's own code at once."""
    found = outcomes(method, scale, shared)
    state, weight = method.init(PROBLEM, PROBLEM.start[None].copy(), plan), np.ones(1)
    squares, metrics = [], []
    for t in range(steps):
        rows = np.repeat(np.arange(len(weight)), len(found))
        which = np.tile(np.arange(len(found)), len(weight))
        parts = [np.array([o[k] for o in found])[which] for k in range(5)]
        made, rng = scripted(method, [parts[1], parts[2]], parts[3], parts[4])
        state = made.step(PROBLEM, state.rows(rows), rng, plan, t)
        weight = weight[rows] * parts[0]
        squares.append(weight @ PROBLEM.distance_squared(state.x))
        if theorem is not None:
            metrics.append(weight @ theorem.observe(PROBLEM, state, plan))
    return np.array(squares), np.array(metrics)


ONE, MASK = ct.RandK(1), ct.Scaled(ct.RandK(1))
CASES = [
    (ct.DCGD(ONE, 0.2, downlink=ONE), 1.0, False),
    (ct.DCGD(MASK, 0.2, downlink=ONE), 0.5, False),
    (ct.DIANA(ONE, 0.2, alpha=0.25, downlink=ONE), 1.0, False),
    (ct.DIANA(ct.Shared(ONE), 0.2, alpha=0.25, downlink=ONE), 1.0, True),
    (ct.EF(MASK, 0.2, downlink=ONE), 0.5, False),
    (ct.EF21(MASK, 0.2, downlink=ONE), 0.5, False),
    (ct.EF21(ct.Shared(MASK), 0.2, downlink=ONE), 0.5, True),
    (ct.EFBV(MASK, 0.2, downlink=ONE), 0.5, False),
    (ct.EFBV(ONE, 0.2, downlink=ONE), 1.0, False),
    (ct.MARINA(ONE, 0.2, p=0.4, downlink=ONE), 1.0, False),
    (ct.MARINA(ct.Shared(ONE), 0.2, p=0.4, downlink=ONE), 1.0, True),
    (ct.IBCD(gamma=0.2, tau=Fraction(1, 2), downlink=ONE), 0.5, False),
    (ct.IASGD(gamma=0.2, tau=Fraction(1, 2), downlink=ONE), 1.0, False),
    (ct.ISEGA(gamma=0.2, tau=Fraction(1, 2), downlink=ONE), 1.0, False),
    (ct.GDCI(ONE, 0.2), 1.0, False),
    (ct.ADIANA(ONE, 0.1, p=0.3), 1.0, False),
    (ct.ADIANA(ct.Shared(ONE), 0.1, p=0.3), 1.0, True),
    (ct.ADIANA(ONE, 0.1, p=0.3, downlink=ONE), 1.0, False),
]


@pytest.mark.parametrize(
    ("method", "scale", "shared"), CASES, ids=[f"{type(m).__name__}-{i}" for i, (m, _, _) in enumerate(CASES)]
)
def test_operator_is_the_enumeration_of_the_methods_own_steps(method, scale, shared):
    steps = 2 if isinstance(method, ct.ADIANA) or len(outcomes(method, scale, shared)) > 8 else 3
    run = ct.exact(method, PROBLEM, steps)
    want, _ = enumerated(method, run.plan, steps, scale, shared)
    assert run.mean_square[1:] == pytest.approx(want, rel=1e-12)


METRICS = [
    (ct.ADIANA(ct.Identity()), "adiana.accelerated"),
    (ct.ADIANA(ONE, 0.002, p=0.3), "adiana.accelerated"),
    (ct.DIANA(ONE, downlink=ONE), "diana.bidirectional"),
    (ct.EF21(MASK, downlink=ONE), "ef21.bidirectional"),
    (ct.MARINA(ONE, p=0.4, downlink=ONE), "marina.bidirectional"),
]


@pytest.mark.parametrize(("method", "identifier"), METRICS[1:], ids=[i for _, i in METRICS[1:]])
def test_metrics_are_the_enumeration(method, identifier):
    found = find_guarantee(method, PROBLEM, identifier)
    run = ct.exact(method, PROBLEM, 2, theorem=identifier)
    scale = 0.5 if isinstance(method, ct.EF21) else 1.0
    _, want = enumerated(method, found.plan, 2, scale, False, found.theorem)
    assert run.mean_metric[1:] == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize(
    "case", CASES[:14], ids=[f"{type(m).__name__}-{i}" for i, (m, _, _) in enumerate(CASES[:14])]
)
def test_a_forgotten_downlink_is_seen(case, monkeypatch):
    method, scale, shared = case
    run = ct.exact(method, PROBLEM, 2)
    want, _ = enumerated(method, run.plan, 2, scale, shared)
    monkeypatch.setattr(system.System, "_heard", lambda self, c, noise: None)
    monkeypatch.setattr(blocks.Blocks, "_heard", lambda self, u, c: None)
    without = ct.exact(method, PROBLEM, 2)
    assert abs(without.mean_square[2] / want[1] - 1) > 1e-4


def test_fractions_stay_exact():
    for method in (
        ct.DIANA(ONE, Fraction(1, 5), alpha=Fraction(1, 4), downlink=ONE),
        ct.GDCI(ONE, Fraction(1, 5)),
        ct.MARINA(ONE, Fraction(1, 5), p=Fraction(2, 5), downlink=ONE),
    ):
        exactly = ct.exact(method, PROBLEM, 2, rational=True).mean_square
        assert all(isinstance(v, Fraction) for v in exactly)
        assert ct.exact(method, PROBLEM, 2).mean_square == pytest.approx(exactly.astype(float), rel=1e-11)


@pytest.mark.parametrize(
    "method",
    [CASES[2][0], CASES[5][0], CASES[9][0], ct.GDCI(ct.RandK(1), 0.05), ct.ADIANA(ONE, 0.05, p=0.3)],
    ids=lambda m: type(m).__name__,
)
def test_rate_is_the_curves(method):
    """The bracket holds the rate; late exact steps decay by it (mean and noise part)."""
    found = ct.exact_rate(method, PROBLEM)
    low, high = found.bracket
    assert found.converged
    assert low - 1e-9 <= found.rho_noise <= high + 1e-9
    tail = ct.exact(method, PROBLEM, 400).mean_square
    limit = ct.stationary(method, PROBLEM).mean_square
    if not np.isfinite(limit):
        assert found.rho_noise > 1
        return
    rest = np.abs(tail - limit)
    at = int(np.argmax(rest < 1e-6 * rest[0])) or 400
    assert (rest[at] / rest[at // 2]) ** (1 / (at - at // 2)) == pytest.approx(found.rho, abs=2e-3)


def test_refusals_name_the_reason():
    plain = ct.DIANA(ONE, downlink=ct.NaturalCompression())
    with pytest.raises(Unsupported, match="broadcast has exact dynamics when"):
        ct.exact(plain, PROBLEM, 2)
    assert ct.guarantee(plain, PROBLEM).theorem == "diana.bidirectional"
    for kind in (ct.DIANA, ct.EF, ct.EF21, ct.EFBV, ct.MARINA, ct.ADIANA):
        inner = MASK if kind in (ct.EF, ct.EF21, ct.EFBV) else ONE
        biased = kind(inner, downlink=ct.TopK(1))
        for theorem in kind.theorems():
            reason = theorem.why_not(biased.check(PROBLEM))
            assert ("downlink is biased" if theorem.bidirectional else "uncompressed downlink") in reason
        if kind in (ct.EF, ct.ADIANA):
            with pytest.raises(NoGuarantee, match="downlink"):
                ct.guarantee(biased, PROBLEM)
        else:  # no theorem, but a certificate: held against runs at its step, within five standard errors
            promised = ct.guarantee(biased, PROBLEM)
            assert promised.theorem.endswith(".certified")
            own = {k: float(v) for k, v in promised.plan.params.items() if k in kind.__dataclass_fields__}
            method = kind(inner, float(promised.plan.gamma), downlink=ct.TopK(1), **own)
            trace = ct.simulate(method, PROBLEM, 40, 100, 0)
            bound = np.array([promised.distance_bound(t) for t in range(41)])
            assert np.all(trace.mean_square <= bound + 5 * trace.se_square)
        run = ct.simulate(kind(inner, 0.01, downlink=ct.TopK(1)), PROBLEM, 5, 2)
        assert run.downlink_bits[-1] == 5 * float(ct.TopK(1).bits(2).total)
        assert np.isfinite(run.mean_square).all()


def test_the_downlink_reaches_compare_and_its_bits():
    both = ct.DIANA(ONE, downlink=ONE)
    table = ct.compare([ct.DIANA(ONE), both], PROBLEM, steps=30, runs=4)
    assert "down RandK(k=1)" in table.table()
    plain, down = (trace.downlink_bits[-1] for trace in table.traces)
    assert down < plain


@pytest.mark.slow
def test_parameters_that_depend_on_the_step_follow_it():
    """ADIANA and IASGD mix their sequences by numbers made of gamma: best_step and step_sizes use each step's."""
    for method in (ct.ADIANA(ONE), ct.IASGD(tau=Fraction(1, 2))):
        gamma, found = ct.best_step(method, PROBLEM)
        kind = {"tau": Fraction(1, 2)} if isinstance(method, ct.IASGD) else {"compressor": ONE}
        again = ct.exact_rate(type(method)(gamma=gamma, **kind), PROBLEM)
        assert found.rho == pytest.approx(again.rho, rel=1e-6)
        assert found.rho <= min(
            ct.exact_rate(type(method)(gamma=f * gamma, **kind), PROBLEM).rho for f in (0.8, 1.2)
        )
    theorem, best = ct.step_sizes(ct.ADIANA(ONE), PROBLEM).columns()[1]
    assert theorem != best


def test_the_worst_case_of_a_compressed_downlink_is_its_own():
    """Above that of an uncompressed broadcast, and above the exact rate."""
    strong = random_quadratic(2, 2, 5, seed=7, minimisers=2.0, hessians=0)
    table = ct.compare([ct.DIANA(ONE), ct.DIANA(ONE, downlink=ONE)], strong, steps=10, runs=2)
    plain, down = table.rows
    assert plain.tight_rate is not None
    assert down.exact_rate <= down.tight_rate < 1
    assert down.certified_rounds > plain.certified_rounds
    assert down.compressor.endswith("down RandK(k=1)")

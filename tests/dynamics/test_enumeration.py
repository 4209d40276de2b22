"""Every operator against full enumeration of the randomness, and in Fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations, product

import numpy as np
import pytest

import compth as ct
from compth.dynamics import exact
from compth.problems import random_quadratic


def rand_k_masks(d, k, scale):
    return [
        (1 / len(list(combinations(range(d), k))), np.isin(np.arange(d), s) * scale)
        for s in combinations(range(d), k)
    ]


def bernoulli_masks(p):
    for bits in product((0, 1), repeat=len(p)):
        yield (
            float(np.prod([q if b else 1 - q for b, q in zip(bits, p, strict=True)])),
            np.array([b / q for b, q in zip(bits, p, strict=True)]),
        )


def independent(*lists):
    return [(np.prod([p for p, _ in c]), np.array([w for _, w in c])) for c in product(*lists)]


def shared(masks, n):
    return [(p, np.tile(w, (n, 1))) for p, w in masks]


def perm(n, d):
    q, out = d // n, []
    for order in permutations(range(d)):
        w = np.zeros((n, d))
        for i in range(n):
            w[i, list(order[i * q : (i + 1) * q])] = n
        out.append((1.0, w))
    return [(1 / len(out), w) for _, w in out]


def step(method, problem, x, memory, w, gamma, alpha):
    g = problem.A @ x - problem.b
    if isinstance(method, ct.DCGD):
        return x - gamma * (w * g).mean(0), memory
    if isinstance(method, ct.DIANA):
        m = w * (g - memory)
        return x - gamma * (memory + m).mean(0), memory + alpha * m
    if isinstance(method, ct.EF):
        p = memory + gamma * g
        return x - (w * p).mean(0), p - w * p
    if isinstance(method, ct.EFBV):
        params = method.default_params(method.check(problem))
        m = w * (g - memory)
        return x - gamma * (memory + params["nu"] * m).mean(0), memory + params["lambda"] * m
    x = x - gamma * memory.mean(0)
    return x, memory + w * (problem.A @ x - problem.b - memory)


def enumerate_square(method, problem, outcomes, steps, gamma, alpha):
    states = [(1.0, problem.start, np.zeros((problem.n, problem.d)))]
    curve = []
    for _ in range(steps):
        states = [
            (p * q, *step(method, problem, x, h, w, gamma, alpha)) for p, x, h in states for q, w in outcomes
        ]
        curve.append(sum(p * problem.distance_squared(x) for p, x, _ in states))
    return np.array(curve)


def fleets():
    """(name, fleet, outcomes, n, d, delta)"""
    one = rand_k_masks(3, 1, 3.0)
    ps = (Fraction(1, 2), Fraction(1, 4), Fraction(3, 4))
    bern = list(bernoulli_masks([float(p) for p in ps]))
    yield "rand-k", ct.RandK(1), independent(one, one), 2, 3
    yield "rand-2 of 5", ct.RandK(2), independent(rand_k_masks(5, 2, 2.5)), 1, 5
    yield (
        "different",
        ct.as_fleet([ct.RandK(2), ct.Bernoulli(ps)]),
        independent(rand_k_masks(3, 2, 1.5), bern),
        2,
        3,
    )
    yield "shared", ct.Shared(ct.RandK(1)), shared(one, 2), 2, 3
    yield "perm", ct.PermK(2), perm(2, 4), 2, 4
    yield "identity", ct.Identity(), [(1.0, np.ones((2, 3)))], 2, 3
    yield "d = 1", ct.Bernoulli(Fraction(1, 2)), independent(*[list(bernoulli_masks([0.5]))] * 2), 2, 1


def sampled(sets, n, d):
    """sets: (probability, members); weights 1/p_i for members."""
    p = [sum(q for q, s in sets if i in s) for i in range(n)]
    return [(float(q), np.array([[float(i in s) / float(p[i])] * d for i in range(n)])) for q, s in sets]


def samplings():
    """Stochastic gradients of a finite sum: every worker is a component, S is the minibatch."""
    nice = [(Fraction(1, 3), s) for s in combinations(range(3), 2)]
    yield "minibatch", ct.Sampled(ct.Identity(), ct.NiceSampling(3, 2)), sampled(nice, 3, 2), 3, 2
    weights = (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
    one = ct.ArbitrarySampling(3, ((0,), (1,), (2,)), weights)
    singles = [(w, (i,)) for i, w in enumerate(weights)]
    yield "importance", ct.Sampled(ct.Identity(), one), sampled(singles, 3, 2), 3, 2
    ps = (0.5, 0.25)
    each = [
        (
            (ps[0] if a else 1 - ps[0]) * (ps[1] if b else 1 - ps[1]),
            tuple(i for i, v in enumerate((a, b)) if v),
        )
        for a in (0, 1)
        for b in (0, 1)
    ]
    whole = ct.Sampled(ct.Identity(), ct.IndependentSampling(ps))
    yield "independent sampling", whole, sampled(each, 2, 2), 2, 2
    inner = independent(rand_k_masks(2, 1, 2.0), rand_k_masks(2, 1, 2.0))
    both = [(q * r, v * w) for q, v in sampled(each, 2, 2) for r, w in inner]
    yield "sampled rand-k", ct.Sampled(ct.RandK(1), ct.IndependentSampling(ps)), both, 2, 2


def biased():
    one = rand_k_masks(3, 1, 1.0)
    yield "scaled", ct.Scaled(ct.RandK(1)), independent(one, one), 2, 3
    yield "scaled one", ct.Scaled(ct.RandK(1)), independent(one), 1, 3
    yield "scaled shared", ct.Shared(ct.Scaled(ct.RandK(1))), shared(one, 2), 2, 3


CASES = [(kind, *f) for kind in (ct.DCGD, ct.DIANA) for f in fleets()]
CASES += [(ct.EFBV, *f) for f in fleets() if f[0] in ("rand-k", "rand-2 of 5", "shared", "perm")]
CASES += [(kind, *f) for kind in (ct.DCGD, ct.DIANA) for f in samplings()]
CASES += [(kind, *f) for kind in (ct.EF, ct.EF21, ct.DCGD, ct.EFBV) for f in biased()]


@pytest.mark.parametrize(
    ("kind", "name", "fleet", "outcomes", "n", "d"), CASES, ids=[f"{c[0].__name__}-{c[1]}" for c in CASES]
)
def test_operator_is_the_enumeration(kind, name, fleet, outcomes, n, d):
    problem = random_quadratic(n, d, 5 if d > 1 else 1, seed=7, minimisers=2.0)
    gamma, alpha = 0.3, 0.25
    method = kind(fleet, gamma, alpha=alpha) if kind is ct.DIANA else kind(fleet, gamma)
    steps = 3 if len(outcomes) < 20 else 2
    want = enumerate_square(method, problem, outcomes, steps, gamma, alpha)
    assert exact(method, problem, steps).mean_square[1:] == pytest.approx(want, rel=1e-12)


def test_singular_hessian_measures_distance_to_the_solution_set():
    problem = random_quadratic(2, 4, 5, seed=3, rank=2)
    outcomes = independent(*[rand_k_masks(4, 2, 2.0)] * 2)
    for kind in (ct.DCGD, ct.DIANA):
        method = kind(ct.RandK(2), 0.3)
        alpha = 0.5
        want = enumerate_square(method, problem, outcomes, 2, 0.3, alpha)
        assert exact(method, problem, 2).mean_square[1:] == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("kind", [ct.DCGD, ct.DIANA])
def test_fractions_agree_with_floats_and_stay_exact(kind):
    problem = random_quadratic(2, 3, 5, seed=1, minimisers=1.0)
    method = kind(ct.RandK(1), Fraction(1, 4))
    exactly = exact(method, problem, 2, rational=True).mean_square
    assert all(isinstance(v, Fraction) for v in exactly)
    assert exact(method, problem, 2).mean_square == pytest.approx(exactly.astype(float), rel=1e-11)


@pytest.mark.parametrize("kind", [ct.DCGD, ct.MARINA])
def test_marina_and_efbv_metrics_are_the_enumeration(kind):
    """The theorems' metrics on exact curves equal what the method's own observe gives at t = 0."""
    problem = random_quadratic(2, 3, 5, seed=2, minimisers=1.0)
    method = ct.EFBV(ct.RandK(1)) if kind is ct.DCGD else ct.MARINA(ct.RandK(1))
    theorem = method.theorems()[0]
    run = exact(method, problem, 2, theorem=theorem)
    state = method.init(problem, problem.start[None], run.plan)
    assert run.mean_metric[0] == pytest.approx(theorem.observe(problem, state, run.plan)[0], rel=1e-10)


def test_marina_operator_is_the_enumeration():
    problem, gamma, p = random_quadratic(2, 3, 5, seed=2, minimisers=1.0), 0.3, 0.4
    outcomes = independent(*[rand_k_masks(3, 1, 3.0)] * 2)
    run = exact(ct.MARINA(ct.RandK(1), gamma, p=p), problem, 3)
    z = problem.start - problem.x_star
    states = [(1.0, z, problem.hessian @ z)]
    for t in range(1, 4):
        new = []
        for q, z, g in states:
            z1 = z - gamma * g
            new.append((q * p, z1, problem.hessian @ z1))
            new += [(q * (1 - p) * r, z1, g + (w * (problem.A @ (z1 - z))).mean(0)) for r, w in outcomes]
        states = new
        assert run.mean_square[t] == pytest.approx(sum(q * z @ z for q, z, _ in states), rel=1e-12)
        gap = sum(q * z @ problem.hessian @ z for q, z, _ in states) / 2
        assert run.mean_gap[t] == pytest.approx(gap, rel=1e-12)

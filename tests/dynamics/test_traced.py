"""Exact dynamics from a body against full enumeration of its own numpy step, generated for every body."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

import compth as ct
from compth.certification.assumption import reference_of
from compth.certification.tracer import leaves
from compth.dynamics import traced
from compth.errors import Unsupported
from compth.methods import plan_of
from compth.problems import random_finite_sum, random_quadratic
from tests.methods import bodies
from tests.methods.bodies import PARAMS, made
from tests.unwatched import unwatched


class Enumerated:
    """Every outcome of a step as an affine map of the state, found by running the step on numpy arrays."""

    def __init__(self, method, problem):
        self.problem, self.plan = problem, plan_of(method, problem)[0]
        self.method = reference_of(method)
        self.template = self.method.init(problem, np.array([problem.start]), self.plan)
        self.shapes = {
            f.name: v.shape[1:]
            for f in fields(self.template)
            if isinstance(v := getattr(self.template, f.name), np.ndarray) and f.name not in ("sent", "held")
        }
        self.size = sum(int(np.prod(s)) for s in self.shapes.values())
        base = self._after(np.zeros(self.size))
        self.p = np.array([p for p, _ in base])
        self.c = np.array([v for _, v in base])
        columns = [np.array([v for _, v in self._after(e)]) - self.c for e in np.eye(self.size)]
        self.T = np.stack(columns, axis=2)

    def _state(self, row):
        out, at = {}, 0
        for name, shape in self.shapes.items():
            width = int(np.prod(shape))
            out[name] = row[at : at + width].reshape(1, *shape)
            at += width
        held = {} if self.template.held is None else {"held": self.problem.gradients(out["x"])}
        return replace(self.template, **out, **held)

    def _row(self, state):
        return np.concatenate([getattr(state, k).ravel() for k in self.shapes])

    def _after(self, row):
        state = self._state(row)
        method, problem = self.method, self.problem
        paths = leaves(lambda rng: method.step(method.view(problem, rng), state, rng, self.plan, 1), 4096)
        return [(float(v.probability), self._row(v.output)) for v in paths]

    def curve(self, steps):
        row = self._row(self.template)
        m, second, out = row, np.outer(row, row), []
        d, star = self.problem.d, self.problem.x_star
        for t in range(steps + 1):
            if t:
                moved = np.einsum("k,kab,b,kc->ac", self.p, self.T, m, self.c)
                second = (
                    np.einsum("k,kab,bc,kdc->ad", self.p, self.T, second, self.T, optimize=True)
                    + moved
                    + moved.T
                    + np.einsum("k,ka,kb->ab", self.p, self.c, self.c)
                )
                m = np.einsum("k,kab,b->a", self.p, self.T, m) + self.p @ self.c
            x = second[:d, :d]
            out.append(np.trace(x) - 2 * star @ m[:d] + star @ star)
        return np.array(out)

    def radius(self):
        size = self.size**2
        whole = np.einsum("k,kab,kcd->acbd", self.p, self.T, self.T, optimize=True).reshape(size, size)
        return float(np.abs(np.linalg.eigvals(whole)).max())


FLEETS = {
    "rand-k": (ct.RandK(1), 2, 2),
    "scaled": (ct.Scaled(ct.RandK(1)), 2, 2),
    "one worker": (ct.Scaled(ct.RandK(1)), 1, 2),
    "shared": (ct.Shared(ct.RandK(1)), 2, 2),
    "perm": (ct.PermK(2), 2, 2),
    "listed": ([ct.RandK(1), ct.RandK(2), ct.RandK(1)], 3, 2),
}
WORK = {
    "Accelerated": ("rand-k", "shared"),
    "Noisy": ("rand-k",),
    "Twice": ("rand-k", "scaled"),
    "Chain": ("rand-k", "shared"),
    "Sketched": ("rand-k", "listed", "shared"),
    "Subnetwork": ("rand-k", "shared", "perm"),
    "Parted": ("rand-k", "shared"),
    "Sampling": ("rand-k", "one worker"),
}
CASES = [(name, fleet) for name in PARAMS for fleet in WORK.get(name, FLEETS)]


@pytest.mark.parametrize(("name", "fleet"), CASES)
@unwatched()
def test_exact_is_the_enumeration_of_the_numpy_step(name, fleet):
    compressor, n, d = FLEETS[fleet]
    problem = random_quadratic(n, d, 5, seed=7, minimisers=2.0)
    if name in ("Parted", "Sampling"):
        problem = random_finite_sum(n, 2, d, 5, seed=7, minimisers=2.0)
    method = made(name, compressor)
    whole = Enumerated(method, problem)
    assert len(whole.p) > 1 or name == "Gradient"
    assert ct.exact(method, problem, 6).mean_square == pytest.approx(whole.curve(6), rel=1e-10)
    if name != "Copied":  # its invariant does not move: the whole map has the eigenvalue 1 that no run meets
        found = ct.exact_rate(method, problem)
        assert found.rho_noise == pytest.approx(whole.radius(), abs=1e-10)
        if found.converged:
            assert found.bracket[0] <= whole.radius() * (1 + 1e-9)
            assert whole.radius() <= found.bracket[1] * (1 + 1e-9)


class Reference(ct.RandK):
    """Its kernel is the reference, which can be enumerated."""

    def kernel(self, x, rng):
        return self._compress(x, rng)


@pytest.mark.parametrize(
    "name", ["Compressed", "Feedback", "Learned", "Shifted", "Marina", "Extrapolated", "Iterates"]
)
def test_a_compressed_broadcast_is_enumerated_too(name):
    problem = random_quadratic(2, 2, 5, seed=7, minimisers=2.0)
    method = made(name, ct.RandK(1), downlink=ct.RandK(1))
    whole = Enumerated(made(name, ct.RandK(1), downlink=Reference(1)), problem)
    assert ct.exact(method, problem, 5).mean_square == pytest.approx(whole.curve(5), rel=1e-10)
    assert ct.exact_rate(method, problem).rho_noise == pytest.approx(whole.radius(), abs=1e-10)


def test_a_copy_is_eliminated():
    problem = random_quadratic(2, 2, 5, seed=7, minimisers=2.0)
    copied, plain = made("Copied", ct.RandK(1)), made("Shifted", ct.RandK(1))
    assert ct.exact(copied, problem, 30).mean_square == pytest.approx(
        ct.exact(plain, problem, 30).mean_square, rel=1e-12
    )
    assert ct.exact_rate(copied, problem).rho == pytest.approx(ct.exact_rate(plain, problem).rho, abs=1e-11)
    assert Enumerated(copied, problem).radius() == pytest.approx(1, abs=1e-9)


CATALOGUE = [
    ("Compressed", ct.DCGD, {}),
    ("Feedback", ct.EF, {}),
    ("Learned", ct.EF21, {}),
    ("Shifted", ct.DIANA, {"alpha": 0.25}),
    ("Marina", ct.MARINA, {"p": 0.25}),
]


@pytest.mark.parametrize(("name", "kind", "params"), CATALOGUE)
@pytest.mark.parametrize("downlink", [ct.Identity(), ct.RandK(4)])
def test_a_body_is_the_catalogue_method(name, kind, params, downlink):
    problem = random_quadratic(3, 6, 8, seed=0)
    compressor = ct.Scaled(ct.RandK(2)) if kind in (ct.EF, ct.EF21) else ct.RandK(2)
    ours, theirs = (
        made(name, compressor, 0.1, downlink=downlink),
        kind(compressor, gamma=0.1, downlink=downlink, **params),
    )
    a, b = ct.exact(ours, problem, 40), ct.exact(theirs, problem, 40)
    assert a.mean_square == pytest.approx(b.mean_square, rel=1e-12)
    assert ct.exact_rate(ours, problem).rho == pytest.approx(ct.exact_rate(theirs, problem).rho, abs=2e-10)
    assert ct.stationary(ours, problem).mean_square == pytest.approx(
        ct.stationary(theirs, problem).mean_square, rel=1e-7
    )
    x, y = ct.simulate(ours, problem, 30, 8, seed=3), ct.simulate(theirs, problem, 30, 8, seed=3)
    assert np.array_equal(x.mean_square, y.mean_square)
    assert np.array_equal(x.bits, y.bits)
    assert np.array_equal(x.downlink_bits, y.downlink_bits)


def test_steps_of_a_body_are_those_of_the_catalogue():
    problem = random_quadratic(3, 4, 8, seed=0)
    ours, theirs = made("Shifted", ct.RandK(1)), ct.DIANA(ct.RandK(1), alpha=0.25)
    assert ct.max_stable_step(ours, problem) == pytest.approx(ct.max_stable_step(theirs, problem), rel=1e-6)
    assert ct.best_step(ours, problem)[1].rho == pytest.approx(ct.best_step(theirs, problem)[1].rho, rel=1e-6)


@pytest.mark.parametrize("name", ["Gradient", "Feedback", "Learned", "DianaMomentum", "Marina", "Half"])
def test_oracle_noise_is_enumerated(name):
    problem = ct.problems.random_finite_sum(n=2, m=2, d=2, kappa=8, seed=3, minimisers=1.0)
    problem = (
        ct.problems.random_finite_sum(n=1, m=2, d=2, kappa=8, seed=4, minimisers=1.0)
        if name == "Marina"
        else problem
    )
    method = made(name, ct.Scaled(ct.RandK(1)), oracle=ct.Minibatch(1))
    whole = Enumerated(method, problem)
    curve = ct.exact(method, problem, 6).mean_square
    assert curve == pytest.approx(whole.curve(6), rel=1e-10)
    assert (
        np.abs(curve[1:] / ct.exact(replace(method, oracle=None), problem, 6).mean_square[1:] - 1).max()
        > 1e-3
    )
    assert ct.exact_rate(method, problem).rho_noise == pytest.approx(whole.radius(), abs=1e-10)


def test_gradients_that_share_a_draw_are_enumerated_where_they_are_few():
    @ct.method
    def Recursive(w, x, g: ct.Server = ct.gradient_at_start, *, gamma):
        xn = x - gamma * g
        return dict(x=xn, g=g / 2 + w.mean(w.gradient(xn, draw=0) - w.gradient(x, draw=0) / 2))

    problem = ct.problems.random_finite_sum(n=2, m=2, d=2, kappa=8, seed=3, minimisers=1.0)
    method = Recursive(ct.Identity(), gamma=0.1, oracle=ct.Minibatch(1))
    assert ct.exact(method, problem, 4).mean_square == pytest.approx(
        Enumerated(method, problem).curve(4), rel=1e-10
    )
    large = ct.problems.random_finite_sum(n=2, m=2, d=70, kappa=8, seed=3)
    with pytest.raises(Unsupported, match=r"line \d+: gradients that share an oracle's draw"):
        ct.exact(method, large, 3)
    # with one draw the components cancel where x does not move
    plan = plan_of(method, problem)[0]
    rng = np.random.default_rng(0)
    state = replace(method.init(problem, np.ones((500, 2)), plan), g=np.zeros((500, 2)))
    after = method.step(method.view(problem, rng), state, rng, plan, 0).g
    assert np.allclose(after.std(axis=0), problem_noise(problem) / 2, rtol=0.2)


def problem_noise(problem):
    """Standard deviation of the mean minibatch gradient at (1, 1)."""
    rng = np.random.default_rng(1)
    drawn = ct.Minibatch(1).gradients(problem, np.ones((4000, 2)), rng).mean(axis=1)
    return drawn.std(axis=0)


def test_a_subclass_that_steps_otherwise_inherits_no_curve():
    class Lazy(bodies.Shifted):
        def step(self, problem, state, rng, plan, t):
            return state

    problem = random_quadratic(2, 2, 5, seed=7)
    with pytest.raises(Unsupported, match="changes what its body says"):
        ct.exact(Lazy(ct.RandK(1), gamma=0.1, alpha=0.25), problem, 3)


def test_the_operator_keeps_no_blocks_between_workers():
    problem = random_quadratic(12, 3, 5, seed=7)
    system = traced.system_of(made("Control", ct.RandK(1)), traced_data(problem), 0.1, {"eta": 0.25})
    # two memories: D has 12 blocks of 6 x (3 d + 1), E 12 of 6 x 6
    moments = system.interior()
    assert [v.shape for v in (moments.C, moments.D, moments.E)] == [(10, 10), (12, 6, 10), (12, 6, 6)]


def traced_data(problem):
    from compth.dynamics.system import data_of

    return data_of(problem)


def test_a_theorem_of_the_catalogue_serves_a_body_with_its_state():
    from compth.methods.diana import DIANAShift

    with_theorem = ct.method(theorems=(DIANAShift(),), requires=(ct.Unbiased,))(bodies.Shifted.body)
    problem = random_quadratic(3, 4, 8, seed=0)
    ours, theirs = with_theorem(ct.RandK(1)), ct.DIANA(ct.RandK(1))
    theorem = "diana.shift"
    a, b = ct.exact(ours, problem, 20, theorem=theorem), ct.exact(theirs, problem, 20, theorem=theorem)
    assert a.mean_metric == pytest.approx(b.mean_metric, rel=1e-10)
    promised = ct.guarantee(ours, problem)
    assert promised.rho == ct.guarantee(theirs, problem, theorem).rho
    assert promised.assumed[0] == "assumed: that diana.shift speaks of Shifted"
    assert np.abs(a.mean_metric / a.mean_square - 1).max() > 1e-3


def test_a_vector_that_x_reaches_by_rounding_alone_has_the_size_it_begins_with():
    """ADIANA's z at kappa = 1 and p = 1: its size once was 1e-17 of x's, and the metric's weights were 1e17."""
    problem = ct.problems.random_quadratic(6, 1, 1, seed=0)
    method = ct.ADIANA(ct.RandK(1))
    run, trace = ct.exact(method, problem, 20), ct.simulate(method, problem, 20, 1)
    assert run.mean_metric == pytest.approx(trace.mean_metric, rel=1e-9)

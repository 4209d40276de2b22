"""Bodies of the catalogue against the same steps on arrays: every vector, every bit sent, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

import compth as ct
from compth.methods import OWN_STEPS, Plan, catalogue
from compth.methods.core.body import BodyMethod, runs_its_body
from compth.methods.core.components import SingleNode
from tests.methods import hand_steps as hand

PROBLEM = ct.problems.random_quadratic(3, 6, 8, seed=0)
PARTS = ct.problems.random_finite_sum(2, 3, 4, 8, seed=0)
PLAIN, CODED = ct.RandK(2), ct.NaturalCompression()
CASES = [
    (ct.EFBV(PLAIN, gamma=0.1), hand.efbv, hand.memory),
    (ct.EFBV(CODED, downlink=CODED, gamma=0.1), hand.efbv, hand.memory),
    (ct.EFBV(ct.TopK(2), gamma=0.1, oracle=ct.Coordinates(2)), hand.efbv, hand.memory),
    (ct.ADIANA(PLAIN, gamma=0.1), hand.adiana, hand.references),
    (ct.ADIANA(CODED, downlink=CODED, gamma=0.1, p=0.5), hand.adiana, hand.references),
    (ct.GD(gamma=0.1), hand.gd, hand.point),
    (ct.SGD(0.1), hand.sgd, hand.point),
    (ct.SGD(0.1, oracle=ct.Minibatch(2, replace=True)), hand.sgd, hand.point),
    (ct.SGDStar(0.1), hand.sgd, hand.point),
    (ct.IST(ct.PermK(3), 0.1), hand.ist, hand.point),
    (ct.IST(PLAIN, 0.1, form="algorithm"), hand.ist, hand.point),
    (ct.IST(ct.Bernoulli(0.5), 0.1, form="algorithm"), hand.ist, hand.point),
    (ct.VRDIANA(PLAIN, gamma=0.1), hand.vr_diana, hand.shifts),
    (ct.GDCI(PLAIN, gamma=0.1), hand.gdci, hand.point),
    (ct.GDCI(CODED, gamma=0.1), hand.gdci, hand.point),
    (ct.GDCI(ct.Identity(), gamma=0.1), hand.gdci, hand.point),
]


def problem_for(method):
    """A sum of components where the method samples them."""
    return PARTS if isinstance(method, ct.SGD | ct.VRDIANA | SingleNode) else PROBLEM


def rounds(method, step, start, count=6):
    """(the body's state, the step's vectors, its bits, its broadcast's bits) after every round, on a stream each."""
    problem = problem_for(method)
    plan = Plan(method.gamma, dict(method.default_params(method.check(problem))))
    x0 = problem.start + np.arange(5.0)[:, None] * np.ones(problem.d)
    ours, theirs = method.init(problem, x0, plan), start(problem, x0)
    a, b = np.random.default_rng(3), np.random.default_rng(3)
    for t in range(count):
        ours = method.step(method.view(problem, a), ours, a, plan, t)
        theirs, sent, heard = step(method, method.view(problem, b), theirs, b, plan, t)
        yield ours, theirs, sent, heard


def same(found, want):
    """The same numbers to the last bit, or nothing in both."""
    if found is None or want is None:
        return found is want
    return np.array_equal(*np.broadcast_arrays(found, want))


@pytest.mark.parametrize(("method", "step", "start"), CASES, ids=[c[0].label for c in CASES])
def test_a_body_is_the_step_on_arrays(method, step, start):
    for ours, theirs, sent, heard in rounds(method, step, start):
        assert all(same(getattr(ours, k), v) for k, v in theirs.items())
        assert same(ours.sent, sent)
        assert same(ours.heard, heard)


ROUNDED = [
    (ct.SAGA(0.1), hand.saga, hand.table),
    (ct.JacSketch(0.1, size=2), hand.saga, hand.table),
    (ct.LSVRG(0.1, p=0.5), hand.l_svrg, hand.reference),
    (ct.SEGA(0.1), hand.sega, hand.learned),
]
"""Bodies that choose components as messages n/size times as large: the same to rounding."""


@pytest.mark.parametrize(("method", "step", "start"), ROUNDED, ids=[c[0].label for c in ROUNDED])
def test_a_body_is_the_step_on_arrays_to_rounding(method, step, start):
    for ours, theirs, sent, _ in rounds(method, step, start):
        for k, v in theirs.items():
            np.testing.assert_allclose(getattr(ours, k), v, rtol=1e-12, atol=1e-13)
        assert same(ours.sent, sent)


def test_every_step_is_a_body_but_those_that_say_why():
    own = {name for name, kind in catalogue().items() if not issubclass(kind, BodyMethod)}
    assert own == set(OWN_STEPS)
    assert len(own) <= 4
    assert all(runs_its_body(kind) for name, kind in catalogue().items() if name not in own)


def test_another_order_of_rounding_is_seen():
    def later(method, problem, state, rng, plan, t):
        m = method.fleet.kernel(problem.gradients(state["x"]) - state["h"], rng)
        g = (state["h"] + float(plan["nu"]) * m).mean(axis=1)
        x, h = state["x"] - plan.step(t) * g, state["h"] + float(plan["lambda"]) * m
        return {"x": x, "h": h}, method.uplink_bits(m), method.heard(g)

    found = [same(ours.x, theirs["x"]) for ours, theirs, *_ in rounds(CASES[0][0], later, hand.memory)]
    assert not all(found)


def test_a_gradient_of_which_the_mean_alone_is_read_is_taken_as_the_mean():
    counted = []

    class Counting:
        n, d = PROBLEM.n, PROBLEM.d

        def gradient(self, x):
            counted.append("mean")
            return PROBLEM.gradient(x)

        def gradients(self, x):
            counted.append("each")
            return PROBLEM.gradients(x)

    for method, want in ((ct.GDCI(PLAIN, gamma=0.1), "mean"), (ct.EFBV(PLAIN, gamma=0.1), "each")):
        counted.clear()
        plan = Plan(0.1, dict(method.default_params(method.check(PROBLEM))))
        state = method.init(PROBLEM, PROBLEM.start[None], plan)
        method.step(Counting(), state, np.random.default_rng(0), plan, 0)
        assert counted == [want]


class Renamed(ct.GDCI):
    """The same step under another name."""


@pytest.mark.parametrize("kind", [ct.GDCI, Renamed])
def test_no_worst_case_takes_a_compressed_broadcast_for_the_workers(kind):
    with pytest.raises(ct.errors.Unsupported, match="compresses what it broadcasts"):
        ct.tight_rate(kind, mu=0.1, L=1, omega=3, n=2, gamma=0.5)


@pytest.mark.parametrize("kind", [ct.SGD, ct.SGDStar])
def test_no_worst_case_takes_drawn_gradients_for_exact_ones(kind):
    with pytest.raises(ct.errors.Unsupported, match="draws its gradients"):
        ct.tight_rate(kind, mu=0.1, L=1, omega=0, n=1, gamma=0.5)


def test_no_theorem_speaks_of_another_broadcast_than_the_compressors():
    method = ct.GDCI(ct.Bernoulli(0.999))
    assert ct.guarantee(method, PROBLEM).standing == "PROVED"
    object.__setattr__(method, "downlink", ct.RandK(1))
    with pytest.raises(ct.errors.InvalidParameter, match="must be its compressor"):
        ct.guarantee(method, PROBLEM)


def test_what_a_plan_calls_a_parameter_cannot_be_changed():
    with pytest.raises(TypeError, match="item assignment"):
        ct.EFBV.planned["lam"] = "nu"
    method = ct.EFBV(PLAIN, gamma=0.1)
    object.__setattr__(method, "planned", {"lam": "nu"})
    assert method.arguments(Plan(0.1, {"lambda": 0.25, "nu": 0.5}))["lam"] == 0.25

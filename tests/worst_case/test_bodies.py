"""The worst case derived from a body: against the hand-written models, the exact dynamics, and what is unsound."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, Unsupported
from compth.problems import distributed_quadratic
from compth.worst_case.bodies import asked_for, question
from compth.worst_case.exponents import exponents
from compth.worst_case.model import Space, mean_of, plus, unit
from compth.worst_case.question import Question
from compth.worst_case.rational import least_certified
from compth.worst_case.tight_radius import attained_by
from tests.methods import bodies
from tests.methods.bodies import PARAMS

pytest.importorskip("clarabel")
MU, L = F(1, 10), F(1)


def asked(name, n, **claims):
    constants = {k: claims.pop(k, None) for k in ("delta", "omega", "eta")}
    q = question(
        asked_for(getattr(bodies, name)), MU, L, constants["delta"], constants["omega"], constants["eta"], n
    )
    return q, {k: F(v) for k, v in {**PARAMS[name], **claims}.items()}


def certified(q, gamma, params, full=True):
    model = q.model(gamma, params, full)
    attained = attained_by(model)[0]
    found = least_certified(model, attained)
    assert found is not None
    assert found.check()
    return attained, float(found.rho)


HAND = [
    ("Compressed", "CGD", 1, {"delta": F(1, 2)}, {}),
    ("Feedback", "EF", 3, {"delta": F(1, 2)}, {}),
    ("Learned", "EF21", 3, {"delta": F(1, 2)}, {}),
    ("Compressed", "DCGD", 3, {"omega": F(2)}, {}),
    ("Shifted", "DIANA", 3, {"omega": F(2)}, {"alpha": F(1, 4)}),
    ("Marina", "MARINA", 3, {"omega": F(2)}, {"p": F(1, 4)}),
    ("BiasVariance", "EF-BV", 3, {"omega": F(2)}, {"lam": F(1, 8), "nu": F(1, 4)}),
    ("BiasVariance", "EF-BV", 3, {"omega": F(2), "eta": F(3, 10)}, {"lam": F(1, 8), "nu": F(1, 4)}),
]


@pytest.mark.parametrize(("name", "hand", "n", "claims", "params"), HAND)
def test_a_body_certifies_what_the_hand_written_model_does(name, hand, n, claims, params):
    gamma = F(1, 8)
    ours = ct.tight_rate(getattr(bodies, name), mu=MU, L=L, n=n, gamma=gamma, **claims, **params)
    theirs = ct.tight_rate(hand, mu=MU, L=L, n=n, gamma=gamma, **claims, **params)
    assert ours.attained == pytest.approx(theirs.attained, abs=1e-12)
    assert ours.certified == pytest.approx(theirs.certified, abs=3e-6 * (1 - theirs.attained))
    assert ours.certificate.check()
    assert set(theirs.certificate.model.assumptions) == set(ours.certificate.model.assumptions)


def test_the_loop_must_be_turned_for_ef_bv():
    q, params = asked("BiasVariance", 3, omega=F(2), eta=F(3, 10), lam=F(1, 8), nu=F(1, 4))
    assert certified(q, F(1, 8), params)[1] < certified(q, F(1, 8), params, full=False)[1] - 1e-3


UNBIASED = [
    "Compressed",
    "Shifted",
    "Marina",
    "DianaMomentum",
    "Slow",
    "Spread",
    "Reference",
    "Half",
    "Extrapolated",
]
UNBIASED += ["BiasVariance", "Twice", "Copied", "Centred", "TwoCoins", "Pulled", "Chain"]


@pytest.mark.parametrize("name", UNBIASED)
def test_moments_on_quadratics_are_those_of_the_exact_dynamics(name):
    q, params = asked(name, 3, omega=F(1))
    model = q.model(F(1, 8), params)
    problem = distributed_quadratic(np.full((3, 1, 1), float(MU)), np.zeros((3, 1)))
    method = getattr(bodies, name)(
        ct.Bernoulli(p=F(1, 2)), gamma=0.125, **{k: float(v) for k, v in params.items()}
    )
    slow = [e for e in model.extremal if e.curvature == MU]
    found = max(
        float(np.abs(np.linalg.eigvals(np.array(model.moments(e)[1], dtype=float))).max()) for e in slow
    )
    assert found == pytest.approx(ct.exact_rate(method, problem).rho_noise, abs=1e-9)


@pytest.mark.parametrize("name", ["Compressed", "Feedback", "Learned", "Control"])
@pytest.mark.parametrize("sign", [1, -1])
def test_signed_quadratics_are_those_of_the_exact_dynamics(name, sign):
    q, params = asked(name, 2, delta=F(3, 4))
    model = q.model(F(1, 8), params)
    problem = distributed_quadratic(np.full((2, 1, 1), 1.0), np.zeros((2, 1)))
    scaled = ct.Scaled(ct.Identity(), factor=1 + sign / 2)
    method = getattr(bodies, name)(scaled, gamma=0.125, **{k: float(v) for k, v in params.items()})
    (at,) = [e for e in model.extremal if e.curvature == L and e.factor == 1 + F(sign, 2)]
    found = float(np.abs(np.linalg.eigvals(np.array(model.moments(at)[1], dtype=float))).max())
    assert found == pytest.approx(ct.exact_rate(method, problem).rho_noise, abs=1e-9)


def quadratics(n, d, count, shared):
    """Workers with spectra in [mu, L], extreme ones among them, turned against one another."""
    rng = np.random.default_rng(5)
    for k in range(count):
        low, high = float(MU), float(L)
        values = rng.choice([low, high], (n, d)) if k % 2 else rng.uniform(low, high, (n, d))
        turns = np.linalg.qr(rng.standard_normal((n, d, d)))[0]
        a = np.einsum("nij,nj,nkj->nik", turns, values, turns)
        b = np.zeros((n, d)) if shared else rng.standard_normal((n, d))
        yield distributed_quadratic((a + np.swapaxes(a, 1, 2)) / 2, b)


SOUND = [(name, "omega") for name in UNBIASED] + [
    (name, "delta") for name in ("Compressed", "Feedback", "Learned", "Twice")
]


@pytest.mark.parametrize(("name", "claim"), SOUND)
def test_no_quadratic_is_slower_than_certified(name, claim):
    compressor = ct.RandK(1) if claim == "omega" else ct.Scaled(ct.RandK(1))
    n = 1 if (name, claim) in (("Compressed", "delta"), ("Twice", "delta")) else 3
    q, params = asked(name, n, **{claim: F(1) if claim == "omega" else F(1, 2)})
    gamma = F(1, 4)
    attained, rho = certified(q, gamma, params)
    shared = "all f_i have the same minimiser" in q.model(gamma, params).assumptions
    method = getattr(bodies, name)(compressor, gamma=0.25, **{k: float(v) for k, v in params.items()})
    worst = max(ct.exact_rate(method, p).rho for p in quadratics(n, 2, 12, shared))
    assert worst <= rho * (1 + 1e-9)
    assert attained <= rho
    assert rho - attained <= 2e-3 * (1 - attained)


def test_a_server_term_in_a_worker_vector_stays_out_of_the_deviations():
    space = Space(("x", "h"), ("h",))
    v = plus((1, unit("h")), (1, {mean_of("h"): 1}))
    assert space.mean(v, v) == {"mean": ((0, 0), (0, 4)), "deviation": ((1,),)}
    # merged names would count h twice among the deviations, and certify another method
    merged = plus((1, unit("h")), (1, unit("h")))
    assert space.mean(merged, merged)["deviation"] == ((4,),)


@ct.method
def Branching(w, x, *, gamma):
    """Its step hangs on a value."""
    g = w.mean(w.compress(w.gradient(x)))
    return dict(x=x - gamma * g if (g * g).sum() > 0 else x)


@ct.method
def Switched(w, x, h: ct.Worker, *, gamma, alpha):
    """Its step hangs on a parameter, and float and Fraction of it take different branches."""
    c = w.compress(w.gradient(x) - h)
    slow = 0 if alpha == F(1, 10) else alpha
    return dict(x=x - gamma * w.mean(h + c), h=h + slow * c)


@ct.method
def Written(w, x, h: ct.Worker, *, gamma):
    c = w.compress(w.gradient(x) - h)
    h += c
    return dict(x=x - gamma * w.mean(h), h=h)


@ct.method
def Local(w, x, *, gamma):
    """Two local steps: a gradient at a worker's own point."""
    y = x - gamma * w.gradient(x)
    return dict(x=w.mean(y - gamma * w.compress(w.gradient(y))))


@ct.method
def Scaling(w, x, *, gamma):
    return dict(x=x - gamma / w.d * w.mean(w.compress(w.gradient(x))))


@ct.method
def Large(w, x, *, gamma):
    """The same at every small dimension, and not beyond."""
    step = gamma if w.d < 100 else 50 * gamma
    return dict(x=x - step * w.mean(w.compress(w.gradient(x))))


@ct.method
def Drifting(w, x, m: ct.Server, *, gamma):
    """Compresses what does not vanish at the minimiser."""
    return dict(x=x + gamma * (m - x - w.mean(w.gradient(x))), m=w.mean(w.compress(x)))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (bodies.Noisy, r"line \d+: noise of a compression reaches a gradient's argument"),
        (bodies.Sketched, r"line \d+: a sketch applied several times"),
        (Branching, r"line \d+ .*a vector times a vector"),
        (Written, r"line \d+ \(h \+= c\): an in-place update"),
        (Local, r"line \d+: a gradient at a worker's own point"),
        (Scaling, "depends on d"),
        (Large, "depends on d"),
        (Drifting, "do not rest at the minimiser"),
    ],
)
def test_unsound_kinds_are_refused_with_their_line(kind, says):
    params = {k: F(1, 4) for k in kind.signature.params}
    if kind not in (bodies.Noisy, Local):  # these are bounded, test_bounded.py
        with pytest.raises((Unsupported, InvalidParameter), match=says):
            ct.tight_rate(kind, mu=MU, L=L, omega=1, n=2, gamma=F(1, 8), **params)
    with pytest.raises((Unsupported, InvalidParameter), match=says):
        ct.check_rate(kind, rate="1 - gamma*mu/9", stepsize=F(1, 8), mu=MU, L=L, omega=1, n=2, **params)


def test_a_branch_that_floats_and_fractions_take_differently_is_refused():
    with pytest.raises(Unsupported, match="something other than on symbols"):
        ct.tight_rate(Switched, mu=MU, L=L, omega=1, n=2, gamma=F(1, 8), alpha=F(1, 10))
    sound = ct.tight_rate(Switched, mu=MU, L=L, omega=1, n=2, gamma=F(1, 8), alpha=F(1, 4))
    plain = ct.tight_rate(bodies.Shifted, mu=MU, L=L, omega=1, n=2, gamma=F(1, 8), alpha=F(1, 4))
    assert sound.certified == plain.certified


def test_noise_into_a_second_biased_compression_is_bounded_and_has_no_claim_judged():
    given = {"mu": MU, "L": L, "omega": 1, "eta": F(1, 4), "n": 2}
    with pytest.raises(Unsupported, match="second, biased compression"):
        ct.check_rate(bodies.Twice, rate="1 - gamma*mu/9", stepsize=F(1, 8), **given)
    found = ct.tight_rate(bodies.Twice, gamma=F(1, 16), **given)
    assert found.attained <= found.certified < 1


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (bodies.Shifted(ct.RandK(1), 0.1, 0.25, downlink=ct.RandK(1)), "compressed broadcast"),
        (bodies.Shifted(ct.RandK(1), 0.1, 0.25, oracle=ct.Minibatch(1)), "stochastic gradients"),
        (bodies.Shifted(ct.Shared(ct.RandK(1)), 0.1, 0.25), "draw together"),
        (bodies.Shifted(ct.PermK(2), 0.1, 0.25), "draw together"),
        (bodies.Shifted(ct.Sampled(ct.Identity(), ct.NiceSampling(2, 1)), 0.1, 0.25), "draw together"),
    ],
)
def test_instances_outside_the_class_are_refused(method, says):
    with pytest.raises(Unsupported, match=says):
        ct.tight_rate(method, mu=MU, L=L, omega=1, n=2)
    problem = ct.problems.random_finite_sum(n=2, m=2, d=2, kappa=8, seed=3, minimisers=1.0)
    row = ct.compare([method], problem, steps=4, runs=2).rows[0]
    if method.broadcasts_all:
        assert row.tight_rate is None
    else:  # on a problem the broadcast's claim is known
        assert row.exact_rate <= row.tight_rate < 1


def test_a_subclass_that_steps_otherwise_has_no_worst_case():
    class Lazy(bodies.Shifted):
        def step(self, problem, state, rng, plan, t):
            return state

    with pytest.raises(Unsupported, match="changes what its body says"):
        ct.tight_rate(Lazy, mu=MU, L=L, omega=1, n=2, gamma=F(1, 8), alpha=F(1, 4))


def test_compare_has_the_tight_column_for_bodies_and_only_where_it_applies():
    apart, shared = next(iter(quadratics(2, 2, 1, False))), next(iter(quadratics(2, 2, 1, True)))
    shifted, feedback = bodies.Shifted(ct.RandK(1), 0.1, 0.25), bodies.Feedback(ct.Scaled(ct.RandK(1)), 0.1)
    rows = ct.compare([shifted, feedback], apart, steps=4, runs=2).rows
    want = ct.tight_rate(bodies.Shifted, mu=apart.mu_min, L=apart.L_max, omega=1, n=2, gamma=0.1, alpha=0.25)
    assert rows[0].tight_rate == want.certified
    assert rows[1].tight_rate is None  # error feedback has a floor where minimisers differ
    assert ct.compare([feedback], shared, steps=4, runs=2).rows[0].tight_rate < 1


def test_claims_about_bodies_are_proved_and_refuted():
    constants = {"mu": MU, "L": L, "omega": 3, "n": 5, "alpha": F(1, 4)}
    proved = ct.check_rate(bodies.Shifted, rate="1 - gamma*mu/2", stepsize="1/(4*L)", **constants)
    assert proved.verdict is ct.Verdict.PROVED
    false = ct.check_rate(
        bodies.Shifted, rate="1 - 3*gamma*mu", stepsize="1/(4*L)", **constants
    ).certificates[0]
    assert false.verdict is ct.Verdict.REFUTED
    ratio = false.witness["mean squares"][-1] / false.witness["mean squares"][-2]
    assert ratio > 1 - 3 * F(1, 4) * MU
    v = {"lyapunov": "(x - ebar)**2 + e**2/s", "mu": MU, "L": L, "delta": F(1, 2), "n": 3}
    for name in (bodies.Feedback, "EF"):
        assert (
            ct.check_rate(name, rate="1 - gamma*mu/2", stepsize="1/(4*L)", **v).verdict is ct.Verdict.PROVED
        )
        bad = ct.check_rate(name, rate="1 - gamma*mu/2", stepsize="1/(4*L)", **{**v, "lyapunov": "x**2"})
        assert bad.verdict is ct.Verdict.REFUTED


def test_a_bodys_own_eta_is_no_bias():
    found = ct.tight_rate(bodies.Control, mu=MU, L=L, delta=F(9, 10), n=2, gamma=F(1, 16), eta=F(1, 4))
    assert found.params == {"eta": F(1, 4)}
    given = {"mu": MU, "L": L, "delta": F(9, 10), "n": 2, "eta": F(1, 4)}
    (c,) = ct.check_rate(bodies.Control, rate=F(1, 2), stepsize=F(1, 16), **given).certificates
    assert c.witness["eta"] == F(1, 4)  # a witness says all that is needed to run it
    assert found.certified is None or found.certified < 1


def test_parameters_that_miss_or_are_none_are_named():
    with pytest.raises(InvalidParameter, match="Shifted needs alpha"):
        ct.tight_rate(bodies.Shifted, mu=MU, L=L, omega=1)
    with pytest.raises(InvalidParameter, match="beta=1 is no parameter of Shifted"):
        ct.tight_rate(bodies.Shifted, mu=MU, L=L, omega=1, alpha=F(1, 4), beta=1)
    with pytest.raises(InvalidParameter, match="beta=1 is no parameter of EF"):
        ct.tight_rate("EF", mu=MU, L=L, delta=F(1, 2), beta=1)
    with pytest.raises(InvalidParameter, match="needs delta or omega"):
        ct.tight_rate(bodies.Shifted, mu=MU, L=L, alpha=F(1, 4))


def test_an_instance_brings_its_step_and_parameters():
    method = bodies.Shifted(ct.RandK(1), gamma=0.125, alpha=0.25)
    found = ct.tight_rate(method, mu=MU, L=L, omega=2, n=3)
    assert found.stepsize == 0.125
    assert (
        found.certified
        == ct.tight_rate(bodies.Shifted, mu=MU, L=L, omega=2, n=3, gamma=F(1, 8), alpha=F(1, 4)).certified
    )


@pytest.mark.parametrize("name", ["Learned", "Marina", "Shifted", "DianaMomentum"])
def test_rates_do_not_depend_on_the_unit_of_f(name):
    params = {k: F(v) for k, v in PARAMS[name].items()}
    claim = {"delta": F(1, 2)} if name == "Learned" else {"omega": F(2)}
    one, big = (
        ct.tight_rate(getattr(bodies, name), mu=F(u, 10), L=u, n=3, gamma=F(1, 8 * u), **claim, **params)
        for u in (1, 10**6)
    )
    assert big.certified == pytest.approx(
        one.certified, abs=5e-7 * (1 - one.certified)
    )  # the solver's accuracy
    assert exponents(getattr(bodies, name), 3)["gamma"] == -1


def test_units_that_cannot_be_told_are_none():
    @ct.method
    def Odd(w, x, *, gamma):
        return dict(x=x - (gamma if gamma < 1 else 1) * w.mean(w.gradient(x)))

    assert exponents(Odd, 2) is None
    found = ct.tight_rate(Odd, mu=MU, L=L, delta=1, gamma=F(1, 2))
    assert found.certified == pytest.approx(0.95**2, abs=1e-8)


def test_no_name_decides():
    """A body called EF that is DIANA gets DIANA's worst case."""
    EF = ct.method(replaced(bodies.Shifted.body, "EF"))
    want = ct.tight_rate(bodies.Shifted, mu=MU, L=L, omega=2, n=3, gamma=F(1, 8), alpha=F(1, 4))
    found = ct.tight_rate(EF, mu=MU, L=L, omega=2, n=3, gamma=F(1, 8), alpha=F(1, 4))
    assert found.certified == want.certified
    assert found.method == "EF"
    units = ct.tight_rate(EF, mu=100, L=1000, omega=2, n=3, gamma=F(1, 8000), alpha=F(1, 4))
    assert units.certified == pytest.approx(want.certified, abs=1e-12)


def replaced(body, name):
    """The same function under another name."""
    import types

    out = types.FunctionType(body.__code__, body.__globals__, name, body.__defaults__, body.__closure__)
    out.__kwdefaults__, out.__annotations__ = body.__kwdefaults__, body.__annotations__
    out.__module__, out.__qualname__ = __name__, name
    return out


def test_a_worst_quadratic_runs():
    found = ct.tight_rate(bodies.Feedback, mu=MU, L=L, delta=F(1, 2), n=2, gamma=F(1, 8))
    assert isinstance(found.worst_case.method, bodies.Feedback)
    assert ct.exact_rate(found.worst_case.method, found.worst_case.problem).rho_noise == pytest.approx(
        found.attained, abs=1e-9
    )
    mixed = ct.tight_rate(bodies.Twice, mu=MU, L=L, delta=F(1, 2), gamma=F(13, 10))
    # a two-compression step is worst where its signs differ: C(v) = (1+s) v, then (1-s) v
    assert mixed.attained == pytest.approx(0.9025, abs=2e-3)
    assert mixed.worst_case.method is None


def test_questions_are_plain_values():
    q = Question(bodies.Shifted, MU, L, None, F(1), None, 2)
    assert replace(q, n=3).n == 3


def test_a_catalogue_body_that_plans_its_parameters_has_a_worst_case_that_runs():
    given = {"mix": F(3, 10), "beta": F(9, 10), "momentum": F(3, 2)}
    found = ct.tight_rate(ct.IASGD, mu=F(1, 10), L=1, omega=1, n=2, gamma=F(1, 5), **given)
    assert found.worst_case.method.label == "IASGD Bernoulli(p=0.5)"
    rate = ct.exact_rate(found.worst_case.method, found.worst_case.problem).rho
    assert rate == pytest.approx(found.worst_case.rate, rel=1e-9)
    assert rate <= found.certified


@ct.method
def Homonyms(w, x, gap: ct.Worker, gradient: ct.Server, *, gamma, alpha):
    """DIANA whose vectors are called as what a V may read besides: its own names win."""
    c = w.compress(w.gradient(x) - gap)
    direction = w.mean(gap + c)
    return dict(x=x - gamma * direction, gap=gap + alpha * c, gradient=direction)


@pytest.mark.parametrize("rate", ["1 - gamma*mu/2", "1 - 3*gamma*mu"])
def test_a_vectors_own_name_wins_in_a_lyapunov_function(rate):
    given = {"rate": rate, "stepsize": F(1, 4), "mu": MU, "L": L, "omega": 1, "n": 2, "alpha": F(1, 4)}
    (one,) = ct.check_rate(Homonyms, lyapunov="x**2 + gap**2/4", **given).certificates
    (other,) = ct.check_rate(bodies.Shifted, lyapunov="x**2 + h**2/4", **given).certificates
    assert one.verdict is other.verdict
    assert one.verdict is (ct.Verdict.PROVED if "/2" in rate else ct.Verdict.REFUTED)


@ct.method
def Asking(w, x, *, gamma):
    """Another method beyond three workers."""
    step = gamma if w.n <= 3 else gamma / 2
    return dict(x=x - step * w.mean(w.compress(w.gradient(x))))


def test_a_body_that_asks_for_n_is_traced_at_n_and_any_other_with_few_workers():
    given = {"mu": MU, "L": L, "omega": 1, "gamma": F(1, 4)}
    for n, step in ((3, F(1, 4)), (4, F(1, 8))):
        found = ct.tight_rate(Asking, **given, n=n)
        assert found.certified == pytest.approx(
            float(ct.tight_rate("DCGD", **{**given, "gamma": step}, n=n).rho)
        )
    many = ct.tight_rate("DIANA", mu=MU, L=L, omega=1, n=10**6)  # no array of a million workers is made
    assert many.certificate.check()
    assert many.constants["n"] == 10**6
    assert many.attained == pytest.approx(float(many.rho), rel=1e-9)

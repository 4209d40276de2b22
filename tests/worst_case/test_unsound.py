"""What would be certified too low is refused, has no tight value, or is bounded: one planted method of each kind."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.errors import Unsupported
from compth.methods import find_guarantee, plan_of
from compth.studies import comparison
from compth.worst_case import bodies
from compth.worst_case.certified_theorem import certified

pytest.importorskip("clarabel")
RAND = ct.RandK(2)
SHARED = ct.problems.random_quadratic(n=2, d=4, kappa=8, seed=1, interpolation=True)
APART = ct.problems.random_quadratic(n=2, d=4, kappa=8, seed=1, minimisers=1.0)
SUM = ct.problems.random_finite_sum(n=2, m=2, d=4, kappa=8, seed=3, minimisers=1.0)
HALF = F(1, 2)


def tight(method, problem):
    """What stands in compare's tight column."""
    return comparison._tight(method, problem, plan_of(method, problem)[0])


@pytest.mark.parametrize(
    ("method", "claim", "says"),
    [
        (ct.DCGD(RAND, 0.1, oracle=ct.Minibatch(1)), {"omega": 1}, "stochastic gradients"),
        (ct.DIANA(ct.Shared(RAND), 0.1, alpha=HALF), {"omega": 1}, "draw together"),
        (ct.DCGD(ct.PermK(2), 0.1), {"omega": 1}, "draw together"),
        (ct.EF(ct.Scaled(RAND), 0.1, oracle=ct.Minibatch(1)), {"delta": HALF}, "stochastic gradients"),
        (ct.MARINA(ct.Shared(RAND), 0.1, p=HALF), {"omega": 1}, "draw together"),
    ],
)
def test_runs_of_the_catalogue_outside_the_class_have_no_worst_case(method, claim, says):
    with pytest.raises(Unsupported, match=says):
        ct.tight_rate(method, mu=F(1, 10), L=1, n=2, **claim)
    assert tight(method, SUM) is None


@pytest.mark.parametrize(
    ("method", "claim"),
    [
        (ct.DIANA(RAND, 0.1, alpha=HALF, downlink=ct.RandK(1)), {"omega": 1}),
        (ct.EF21(ct.Scaled(RAND), 0.1, downlink=ct.RandK(1)), {"delta": HALF}),
        (ct.EFBV(RAND, 0.1, downlink=ct.RandK(1)), {"omega": 1}),
        (ct.EF21P(RAND, 0.02, alpha=HALF, downlink=ct.Scaled(ct.RandK(1))), {"omega": 1}),
    ],
)
def test_a_compressed_broadcast_is_bounded_by_its_own_constant_and_refused_without(method, claim):
    with pytest.raises(Unsupported, match="compressed broadcast"):
        ct.tight_rate(method, mu=F(1, 10), L=1, n=2, **claim)
    assert ct.exact_rate(method, APART).rho <= tight(method, APART) < 1


def test_a_compressed_broadcast_would_be_certified_too_low():
    """DIANA at 1/L_max with a downlink diverges; its body without one is certified below 1."""
    gamma = 1 / APART.L_max
    method = ct.DIANA(RAND, gamma, alpha=0.25, downlink=ct.RandK(1))
    assert ct.exact_rate(method, APART).rho > 1
    assert tight(method, APART) is None
    assert tight(replace(method, downlink=ct.Identity()), APART) < 1


def test_different_minimisers_have_a_tight_value_only_where_it_needs_no_shared_one():
    for method in (ct.DCGD(RAND, 0.05), ct.EF(ct.Scaled(RAND), 0.05)):
        assert tight(method, APART) is None  # a floor: no factor below 1 for the distance
        assert tight(method, SHARED) < 1
    for method in (
        ct.DIANA(RAND, 0.05, alpha=0.25),
        ct.EF21(ct.Scaled(RAND), 0.05),
        ct.MARINA(RAND, 0.05, p=0.5),
    ):
        assert ct.exact_rate(method, APART).rho <= tight(method, APART) < 1


def test_a_schedule_has_no_tight_value():
    method = ct.DCGD(RAND, 0.05)
    plan = plan_of(method, SHARED)[0]
    assert comparison._tight(method, SHARED, plan) < 1
    assert comparison._tight(method, SHARED, replace(plan, schedule=lambda t: 1 / (t + 1))) is None


@ct.method
def Gated(w, x, h: ct.Worker, *, gamma, alpha):
    """Its flow hangs on a parameter: alpha beyond a half is halved."""
    c = w.compress(w.gradient(x) - h)
    learned = alpha if alpha <= HALF else alpha / 2
    return dict(x=x - gamma * w.mean(h + c), h=h + learned * c)


@ct.method
def Plain(w, x, h: ct.Worker, *, gamma, alpha):
    c = w.compress(w.gradient(x) - h)
    return dict(x=x - gamma * w.mean(h + c), h=h + alpha * c)


@pytest.mark.parametrize(("alpha", "used"), [(F(1, 4), F(1, 4)), (HALF, HALF), (F(3, 5), F(3, 10))])
def test_a_branch_on_a_parameter_is_taken_anew_for_each_value(alpha, used):
    given = {"mu": F(1, 10), "L": 1, "omega": 1, "n": 2, "gamma": F(1, 4)}
    found = ct.tight_rate(Gated, **given, alpha=alpha)
    assert found.certified == ct.tight_rate(Plain, **given, alpha=used).certified
    assert found.certified != ct.tight_rate(Plain, **given, alpha=F(1, 8)).certified


@ct.method
def Chained(w, x, *, gamma):
    """Noise of one compression goes through a second one of the same step."""
    return dict(x=x - gamma * w.mean(w.compress(w.compress(w.gradient(x)))))


def test_noise_through_a_second_compression_is_carried_and_not_forgotten():
    gamma, n = 0.2, 2
    method = Chained(ct.Bernoulli(p=0.5), gamma)
    found = ct.tight_rate(method, mu=F(1, 8), L=1, omega=1, n=n)
    line = ct.problems.distributed_quadratic([[[1.0]]] * n, [[0.0]] * n)
    slow = ct.problems.distributed_quadratic([[[0.125]]] * n, [[0.0]] * n)
    worst = max(ct.exact_rate(method, p).rho for p in (line, slow))
    assert worst <= found.certified * (1 + 1e-12)
    assert found.attained == pytest.approx(worst, rel=1e-9)
    once = ct.tight_rate(ct.DCGD, mu=F(1, 8), L=1, omega=1, n=n, gamma=F(1, 5))
    twice = ct.tight_rate(ct.DCGD, mu=F(1, 8), L=1, omega=3, n=n, gamma=F(1, 5))  # 1 + omega = 2 * 2
    assert found.certified == pytest.approx(float(twice.rho), rel=1e-6)
    assert found.certified > float(once.rho) + 5e-4


@ct.method
def Own(w, x, h: ct.Worker, *, gamma):
    """Writes into a worker's memory by a numpy name for it."""
    c = w.compress(w.gradient(x) - h)
    h -= -0.25 * c
    return dict(x=x - gamma * w.mean(h + c), h=h)


@ct.method
def Thresholded(w, x, *, gamma):
    """Skips a step where the message is small."""
    c = w.mean(w.compress(w.gradient(x)))
    return dict(x=x - gamma * c if abs(c).max() > 1e-3 else x)


@ct.method
def Deep(w, x, *, gamma):
    """A compressed step, and a gradient there: noise reaches a gradient of the same step."""
    y = x - gamma * w.mean(w.compress(w.gradient(x)))
    return dict(x=y - gamma * w.mean(w.gradient(y)))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Own, "in-place update"),
        (Thresholded, r"line \d+"),
    ],
)
def test_planted_bodies_are_refused_with_the_line(kind, says):
    with pytest.raises((Unsupported, ct.errors.InvalidParameter), match=says):
        ct.tight_rate(kind, mu=F(1, 10), L=1, omega=1, n=2, gamma=F(1, 8))


def test_noise_that_reaches_a_gradient_is_bounded():
    method = Deep(RAND, 0.05)
    assert ct.exact_rate(method, SHARED).rho <= tight(method, SHARED) < 1
    with pytest.raises(Unsupported, match=r"line \d+: noise of a compression reaches a gradient"):
        ct.check_rate(Deep, rate="1 - gamma*mu", stepsize=F(1, 8), mu=F(1, 10), L=1, omega=1, n=2)


def test_the_tables_say_that_the_class_is_wider_wherever_they_are_written():
    found = ct.compare([ct.EF21(ct.Scaled(RAND))], APART, steps=20, runs=2)
    for text in (found.table(), found.to_html(), found.to_latex()):
        words = " ".join(text.split())
        assert "rate class" in words
        assert "a wider class" in words


FACTOR, TOSSED = 1, [0]


@ct.method
def Outside(w, x, *, gamma):
    """Reads a global: a notebook's next cell changes it."""
    return dict(x=x - FACTOR * gamma * w.mean(w.compress(w.gradient(x))))


@ct.method
def Counting(w, x, *, gamma):
    """Its steps are not all the same: it counts them."""
    TOSSED[0] += 1
    return dict(x=x - gamma * (1 if TOSSED[0] < 40 else 3) * w.mean(w.compress(w.gradient(x))))


def told(kind, gamma):
    """Everything that is kept of a body's trace: certified rate, promise, exact rate and curve."""
    given = {"mu": F(1, 10), "L": 1, "omega": 1, "n": 2}
    method = kind(RAND, gamma / 64)
    promised = ct.guarantee(method, SHARED, f"{kind.__name__.lower()}.certified")
    curve = ct.exact(method, SHARED, 3).mean_square[-1]
    return ct.tight_rate(kind, **given, gamma=F(gamma, 8)).certified, promised.rho, curve


def test_a_global_that_moves_is_read_anew(monkeypatch):
    """The planted error: the trace of the first value would be kept, and certify too low after the second."""
    before = told(Outside, 4)
    monkeypatch.setitem(globals(), "FACTOR", F(1, 4))
    after = told(Outside, 4)
    assert after == pytest.approx(told(Plainly, 1), rel=1e-9)
    assert all(a > b * (1 + 1e-3) for a, b in zip(after, before, strict=True))


@ct.method
def Plainly(w, x, *, gamma):
    return dict(x=x - gamma * w.mean(w.compress(w.gradient(x))))


def test_what_is_kept_and_was_written_into_is_computed_again():
    """The planted error: the certificate of a theorem, the model of a rate, once written into, would be given again."""
    method = ct.DIANA(RAND)
    theorem = certified(method, APART)
    before = find_guarantee(method, APART, theorem).rate
    object.__setattr__(theorem.found.certificate, "rho", F(1, 100))
    after = ct.guarantee(method, APART, "diana.certified")
    assert (after.rho, after.standing) == (before.rho, before.standing)
    given = {"mu": F(1, 10), "L": 1, "omega": 1, "n": 2, "gamma": F(1, 7)}
    rate = ct.tight_rate(Plainly, **given)
    object.__setattr__(rate.certificate.model, "extremal", rate.certificate.model.extremal[:1])
    object.__setattr__(rate.certificate.model, "known", {})
    assert not rate.tight
    assert ct.tight_rate(Plainly, **given).bracket == rate.bracket


@pytest.mark.parametrize("table", [ct.methods.catalogue, ct.compressors.catalogue])
def test_a_catalogue_that_was_written_into_is_its_readers_own(table):
    """The planted error: a worst case asked for by name would be that of somebody's body."""
    name, kind = next(iter(table().items()))
    table()[name] = Plain
    assert table()[name] is kind
    with pytest.raises(TypeError):
        bodies.names()["EF21"] = None


def test_a_body_that_changes_what_it_reads_is_no_program():
    with pytest.raises(Unsupported, match="its steps are not all the same"):
        ct.tight_rate(Counting, mu=F(1, 10), L=1, omega=1, n=2, gamma=F(1, 8))
    TOSSED[0] = 0
    ct.simulate(Counting(RAND, 0.01), SHARED, 7, 2, 0)
    assert TOSSED == [7]  # each step once: nothing else runs it


def test_arrays_are_made_of_as_many_workers_as_were_asked_for():
    def five(u):
        return 3 * u if isinstance(u, np.ndarray) and u.shape[1] == 5 else u

    @ct.method
    def Hidden(w, x, *, gamma):
        """Three times as long a step for five workers, which symbols do not show."""
        return dict(x=x - gamma * w.mean(five(w.compress(w.gradient(x)))))

    given = {"mu": F(1, 10), "L": 1, "omega": 1, "gamma": F(1, 8)}
    assert ct.tight_rate(Hidden, n=4, **given).certified < 1
    with pytest.raises(Unsupported, match="on arrays it computes something other"):
        ct.tight_rate(Hidden, n=5, **given)


@ct.method
def Averaging(w, x, y: ct.Server, *, gamma):
    """Puts out a slow average of its iterates, which its step never reads."""
    return dict(x=x - gamma * w.mean(w.compress(w.gradient(x))), y=F(99, 100) * y + F(1, 100) * x)


@ct.method
def Summing(w, x, s: ct.Server, *, gamma):
    """The same with a sum, which rests nowhere."""
    return dict(x=x - gamma * w.mean(w.compress(w.gradient(x))), s=s + x)


@pytest.mark.parametrize("kind", [Averaging, Summing])
def test_what_x_never_reads_refutes_nothing(kind):
    """The planted error: the average's own factor 0.99^2 would be called attained, and a true claim refuted by it."""
    given = {"mu": F(1, 4), "L": 1, "omega": 1, "n": 2}
    found, plain = (ct.tight_rate(k, **given, gamma=F(1, 2)) for k in (kind, Plainly))
    assert (found.attained, found.certified) == (plain.attained, plain.certified)
    claim = {"rate": "1 - gamma*mu/2", "stepsize": "1/2", **given}
    assert ct.check_rate(kind, **claim).verdict == "PROVED"
    assert ct.guarantee(kind(RAND, 0.05), SHARED, f"{kind.__name__.lower()}.certified").rho < 1
    if kind is Averaging:  # a V that sees it is refuted by it
        assert ct.check_rate(kind, **claim, lyapunov="x**2 + y**2").verdict == "REFUTED"
